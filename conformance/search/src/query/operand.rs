//! Values: alternatives, escapes, prefixes, and the syntax of each parameter type (search.html#ptypes).

use std::borrow::Cow;

use fhirpath::temporal::{Precision, TemporalKind};
use fhirpath::{Decimal, Temporal};

use super::parse::Refusal;
use super::{Modifier, Operand, Prefix};
use crate::extract::{implicit_range, parse_reference};
use crate::fold::fold;
use crate::unit::Unit;
use crate::{Parameter, ParameterType};

/// Alternatives of one value.
const MAX_ALTERNATIVES: usize = 500;

/// Every alternative of a value, at least one.
pub(super) fn read_all(
    parameter: &Parameter,
    modifier: Option<Modifier>,
    value: &str,
) -> Result<Vec<Operand>, Refusal> {
    let alternatives = split(value, ',');
    if alternatives.len() > MAX_ALTERNATIVES {
        let text = format!("expected at most {MAX_ALTERNATIVES} alternatives for `{}`", parameter.code);
        return Err(Refusal::wrong(text));
    }
    alternatives.into_iter().map(|value| Reader { parameter, modifier }.read(parameter.kind, value)).collect()
}

struct Reader<'p> {
    parameter: &'p Parameter,
    modifier: Option<Modifier>,
}

impl Reader<'_> {
    fn read(&self, kind: ParameterType, value: &str) -> Result<Operand, Refusal> {
        if value.trim().is_empty() {
            return Err(self.expected("a value"));
        }
        match (kind, self.modifier) {
            (_, Some(Modifier::In | Modifier::NotIn)) => Ok(Operand::ValueSet(unescape(value).into_owned())),
            (_, Some(Modifier::OfType)) => self.of_type(value),
            (_, Some(Modifier::Text)) | (ParameterType::Text, _) => self.text(value),
            (_, Some(Modifier::Identifier)) | (ParameterType::Token, _) => self.token(value),
            (ParameterType::Date, _) => self.date(value),
            (ParameterType::Number, _) => self.number(value),
            (ParameterType::Quantity, _) => self.quantity(value),
            (ParameterType::Reference, _) => self.reference(value),
            (ParameterType::Uri | ParameterType::Special, _) => Ok(Operand::Uri(unescape(value).into_owned())),
            (ParameterType::Composite, _) => self.composite(value),
        }
    }

    /// The value is not repeated: it may name a patient.
    fn expected(&self, what: &str) -> Refusal {
        Refusal::wrong(format!("expected {what} for `{}`", self.parameter.code))
    }

    fn text(&self, value: &str) -> Result<Operand, Refusal> {
        let exact = unescape(value).into_owned();
        let normalized = fold(&exact).into_owned();
        if normalized.is_empty() && self.modifier != Some(Modifier::Exact) {
            return Err(self.expected("letters or digits"));
        }
        Ok(Operand::Text { exact, normalized })
    }

    fn token(&self, value: &str) -> Result<Operand, Refusal> {
        let own = |part: &str| unescape(part).into_owned();
        match split(value, '|').as_slice() {
            [code] => Ok(Operand::Token { system: None, code: Some(own(code)) }),
            ["", ""] => Err(self.expected("a system or a code")),
            [system, code] => Ok(Operand::Token {
                system: Some(Some(own(system)).filter(|system| !system.is_empty())),
                code: Some(own(code)).filter(|code| !code.is_empty()),
            }),
            _ => Err(self.expected("`code`, `system|code`, `|code` or `system|`")),
        }
    }

    fn of_type(&self, value: &str) -> Result<Operand, Refusal> {
        match split(value, '|').as_slice() {
            [system, code, value] if ![system, code, value].iter().any(|part| part.is_empty()) => {
                let own = |part: &str| unescape(part).into_owned();
                Ok(Operand::TypedIdentifier { system: own(system), code: own(code), value: own(value) })
            }
            _ => Err(self.expected("`type-system|type-code|value`")),
        }
    }

    fn date(&self, value: &str) -> Result<Operand, Refusal> {
        let (prefix, text) = prefix(value);
        // A `+` that was not escaped in the URL arrives as a space.
        let text = if text.contains('T') { Cow::Owned(text.replace(' ', "+")) } else { Cow::Borrowed(text) };
        let parsed = Temporal::parse_date(&text).filter(|parsed| {
            // search.html#date: the minutes SHALL be present when an hour is.
            parsed.kind == TemporalKind::Date || parsed.precision >= Precision::Minute
        });
        let parsed = parsed.ok_or_else(|| {
            self.expected(
                "a date such as `2024`, `2024-05`, `2024-05-17` or `2024-05-17T09:30:00Z`, after a prefix or none",
            )
        })?;
        let (low, high) = parsed.span();
        Ok(Operand::Date { prefix, low, high })
    }

    fn number(&self, value: &str) -> Result<Operand, Refusal> {
        let (prefix, text) = prefix(value);
        let [value, low, high] = self.decimal(text)?.map(Decimal::to_f64);
        Ok(Operand::Number { prefix, value, low, high })
    }

    /// A number, and the range of its precision.
    fn decimal(&self, text: &str) -> Result<[Decimal; 3], Refusal> {
        let value: Decimal = text.parse().map_err(|_| self.expected("a number, after a prefix or none"))?;
        let (low, high) = implicit_range(text, value);
        Ok([value, low, high])
    }

    fn quantity(&self, value: &str) -> Result<Operand, Refusal> {
        let (prefix, rest) = prefix(value);
        let own = |part: &str| Some(unescape(part).into_owned()).filter(|part| !part.is_empty());
        let (number, system, code) = match split(rest, '|').as_slice() {
            [number] => (*number, None, None),
            [number, system, code] => (*number, own(system), own(code)),
            _ => return Err(self.expected("`number`, `number|system|code` or `number||code`")),
        };
        let written = self.decimal(number)?;
        let canonical = Unit::of(system.as_deref(), code.as_deref()).map(|unit| {
            let [value, low, high] = written.map(|number| unit.convert(number));
            (value, unit.range(low, high))
        });
        let [value, low, high] = written.map(Decimal::to_f64);
        Ok(Operand::Quantity { prefix, value, low, high, system, code, canonical })
    }

    fn reference(&self, value: &str) -> Result<Operand, Refusal> {
        let wanted = match self.modifier {
            Some(Modifier::Type(resource_type)) => Some(resource_type),
            _ => None,
        };
        let text = unescape(value);
        let text = text.trim();
        if fhir::id::is_id(text.as_bytes()) {
            return Ok(Operand::Reference { resource_type: wanted, id: text.to_owned(), version: None });
        }
        let parsed = parse_reference(text).ok_or_else(|| self.expected("an id, `Type/id` or a URL"))?;
        let version = parsed.version.map(Cow::into_owned);
        match (parsed.url, parsed.id) {
            (Some(url), _) => Ok(Operand::Url { url: url.into_owned(), version }),
            (None, Some(id)) if wanted.is_none_or(|wanted| parsed.resource_type == Some(wanted)) => {
                Ok(Operand::Reference { resource_type: parsed.resource_type, id: id.into_owned(), version })
            }
            _ => Err(self.expected("a reference to the type of the modifier")),
        }
    }

    fn composite(&self, value: &str) -> Result<Operand, Refusal> {
        let parts = split(value, '$');
        let components = &self.parameter.components;
        if parts.len() != components.len() {
            let codes: Vec<&str> = components.iter().map(|component| component.code).collect();
            return Err(self.expected(&format!("`{}`", codes.join("$"))));
        }
        let operands = parts.iter().zip(components).map(|(part, component)| self.read(component.kind, part));
        operands.collect::<Result<_, _>>().map(Operand::Composite)
    }
}

const PREFIXES: [(&str, Prefix); 9] = [
    ("eq", Prefix::Eq),
    ("ne", Prefix::Ne),
    ("gt", Prefix::Gt),
    ("lt", Prefix::Lt),
    ("ge", Prefix::Ge),
    ("le", Prefix::Le),
    ("sa", Prefix::Sa),
    ("eb", Prefix::Eb),
    ("ap", Prefix::Ap),
];

fn prefix(value: &str) -> (Prefix, &str) {
    let found = PREFIXES.iter().find_map(|(text, prefix)| Some((*prefix, value.strip_prefix(text)?)));
    found.unwrap_or((Prefix::Eq, value))
}

/// Parts at a separator that no backslash escapes. Always at least one.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (index, character) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if character == '\\' {
            escaped = true;
        } else if character == separator {
            parts.extend(text.get(start..index));
            start = index + separator.len_utf8();
        }
    }
    parts.extend(text.get(start..));
    parts
}

/// search.html#escaping: `\,`, `\|`, `\$` and `\\`. Any other backslash stands for itself.
fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let escape =
            if character == '\\' { characters.next_if(|next| matches!(next, ',' | '|' | '$' | '\\')) } else { None };
        plain.push(escape.unwrap_or(character));
    }
    Cow::Owned(plain)
}
