//! What FHIR adds to the language (fhirpath.html#functions), `type()` and `comparable()`.

use std::borrow::Cow;
use std::sync::LazyLock;

use fhir::json::{Kind as Json, Value};

use super::Call;
use crate::evaluate::{Environment, Evaluated, EvaluationError, Evaluator, operator::boolean};
use crate::function::Function as F;
use crate::item::{Collection, Element, Item};
use crate::program::Name;
use crate::unit;

/// Steps that asking for a profile counts as: it walks through the element.
const PROFILE: u64 = 1_000;

static EXTENSION: LazyLock<Name> = LazyLock::new(|| Name::from("extension"));
static MODIFIER_EXTENSION: LazyLock<Name> = LazyLock::new(|| Name::from("modifierExtension"));
static URL: LazyLock<Name> = LazyLock::new(|| Name::from("url"));

impl<'a> Evaluator<'_, 'a> {
    pub(super) fn fhir(&mut self, function: F, call: &Call<'_, 'a>) -> Evaluated<'a> {
        if matches!(call.input, [Item::Terminologies]) {
            return self.terminologies(function, call);
        }
        match function {
            F::Extension => self.extension(call),
            F::HasExtension => Ok(boolean(Some(!self.extension(call)?.is_empty()))),
            F::HasValue => Ok(boolean(Some(matches!(call.input, [item] if self.to_system(item).is_some())))),
            F::ValueOf => Ok(self.single(call.input, "getValue")?.into_iter().collect()),
            F::Type => Ok(call.input.iter().filter_map(|item| self.type_of(item)).collect()),
            F::Comparable => self.comparable(call),
            F::HtmlChecks => self.html_checks(call),
            F::ConformsTo => self.conforms_to(call),
            F::MemberOf => self.member_of(call),
            F::Subsumes => self.subsumes(call, "subsumes"),
            F::SubsumedBy => {
                let turned = Call { input: call.argument(0), arguments: &[Collection::from(call.input)] };
                self.subsumes(&turned, "subsumedBy")
            }
            F::ElementDefinition => self.element_definitions(call.input),
            F::Slice => self.slice(call),
            F::CheckModifiers => self.check_modifiers(call),
            _ => Err(EvaluationError::WrongType { operation: "an operation", expected: "`%terminologies`" }),
        }
    }

    fn extension(&mut self, call: &Call<'_, 'a>) -> Evaluated<'a> {
        let Some(url) = self.text(call.argument(0), "extension")? else { return Ok(Collection::new()) };
        let mut found = Collection::new();
        for item in self.member(call.input, &EXTENSION, usize::MAX)? {
            let Item::Element(element) = item else { continue };
            let own = self.environment.document.at(element.node).and_then(|value| value.member("url")?.text());
            if own.is_some_and(|own| own == url) {
                found.push(item);
            }
        }
        Ok(found)
    }

    fn type_of(&self, item: &Item<'a>) -> Option<Item<'a>> {
        match item {
            Item::Element(element) => {
                Some(Item::Type("FHIR", Cow::Borrowed(self.model.type_name(element.kind).unwrap_or("Element"))))
            }
            Item::Foreign(foreign) => {
                let name = self.model.type_name(foreign.element.kind).unwrap_or("Element");
                Some(Item::Type("FHIR", Cow::Borrowed(name)))
            }
            Item::Remote(resource_type) => Some(Item::Type("FHIR", Cow::Borrowed(resource_type.as_str()))),
            other => Some(Item::Type("System", Cow::Borrowed(other.system_type()?))),
        }
    }

    /// The items that are in a slice of a profile.
    fn slice(&mut self, call: &Call<'_, 'a>) -> Evaluated<'a> {
        const NAME: &str = "slice";
        let (profile, slice) = (self.text(call.argument(0), NAME)?, self.text(call.argument(1), NAME)?);
        let (Some(profile), Some(slice)) = (profile, slice) else { return Ok(Collection::new()) };
        let Environment { document, services, .. } = *self.environment;
        let mut found = Collection::new();
        for item in call.input {
            self.charge(PROFILE)?;
            let Item::Element(element) = item else { continue };
            match services.is_in_slice(document, element.any_node(), &profile, &slice) {
                Some(true) => found.push(item.clone()),
                Some(false) => {}
                None => return Err(Self::undecidable(NAME)),
            }
        }
        Ok(found)
    }

    /// The ElementDefinition of each item: the one of the services, else the base specification's.
    fn element_definitions(&mut self, input: &[Item<'a>]) -> Evaluated<'a> {
        let mut found = Collection::new();
        for item in input {
            let Item::Element(element) = item else { continue };
            let given = self.environment.services.element_definition(self.environment.document, element.any_node());
            let Some(json) = given.or_else(|| self.model.element_definition(element.kind)) else { continue };
            found.push(self.foreign(json, Some("ElementDefinition"), "elementDefinition")?);
        }
        Ok(found)
    }

    fn comparable(&self, call: &Call<'_, 'a>) -> Evaluated<'a> {
        match (self.single(call.input, "comparable")?, self.single(call.argument(0), "comparable")?) {
            (Some(Item::Quantity(left)), Some(Item::Quantity(right))) => {
                Ok(boolean(Some(unit::are_comparable(&left, &right))))
            }
            (None, _) | (_, None) => Ok(Collection::new()),
            _ => Err(EvaluationError::WrongType { operation: "comparable", expected: "two quantities" }),
        }
    }

    /// narrative.html#rules
    fn html_checks(&mut self, call: &Call<'_, 'a>) -> Evaluated<'a> {
        let Some(text) = self.text(call.input, "htmlChecks")? else { return Ok(Collection::new()) };
        self.charge(1 + text.len() as u64 / 16)?;
        Ok(boolean(Some(fhir::narrative::fault(text.as_bytes()).is_none())))
    }

    fn conforms_to(&mut self, call: &Call<'_, 'a>) -> Evaluated<'a> {
        const NAME: &str = "conformsTo";
        let Some(profile) = self.text(call.argument(0), NAME)? else { return Ok(Collection::new()) };
        let element = match call.input {
            [] => return Ok(Collection::new()),
            [Item::Element(element)] => *element,
            _ => return Err(EvaluationError::NotSingle(NAME)),
        };
        // The definition of a type itself is known without a validator.
        if let Some(name) = profile.strip_prefix("http://hl7.org/fhir/StructureDefinition/")
            && let Some(specifier) = self.model.specifier(name)
        {
            return Ok(boolean(Some(self.model.is_a(element.kind, &specifier))));
        }
        self.charge(PROFILE)?;
        let services = self.environment.services;
        match services.conforms_to(self.environment.document, element.any_node(), &profile) {
            Some(conforms) => Ok(boolean(Some(conforms))),
            None => Err(Self::undecidable(NAME)),
        }
    }

    /// The input, where it has no modifier extensions but those.
    fn check_modifiers(&mut self, call: &Call<'_, 'a>) -> Evaluated<'a> {
        const NAME: &str = "checkModifiers";
        let mut known = Vec::with_capacity(call.arguments.len());
        for argument in call.arguments {
            known.extend(self.text(argument, NAME)?);
        }
        for extension in self.member(call.input, &MODIFIER_EXTENSION, usize::MAX)? {
            let url = self.member(&[extension], &URL, 1)?;
            let url = self.text(&url, NAME)?;
            if !url.is_some_and(|url| known.contains(&url)) {
                return Err(EvaluationError::WrongType { operation: NAME, expected: "no other modifier extension" });
            }
        }
        Ok(Collection::from(call.input))
    }

    /// Whether a code of the input is an ancestor of, or the same as, one of the argument.
    fn subsumes(&self, call: &Call<'_, 'a>, name: &'static str) -> Evaluated<'a> {
        let (ancestor, code) = match (call.input, call.argument(0)) {
            ([ancestor], [code]) => (ancestor, code),
            ([], _) | (_, []) => return Ok(Collection::new()),
            _ => return Err(EvaluationError::NotSingle(name)),
        };
        let mut is_known = true;
        for (ancestor_system, ancestor) in self.codes(ancestor) {
            for (system, code) in self.codes(code) {
                match self.subsumes_code((ancestor_system.as_deref(), &ancestor), (system.as_deref(), &code)) {
                    Some(true) => return Ok(boolean(Some(true))),
                    Some(false) => {}
                    None => is_known = false,
                }
            }
        }
        if is_known { Ok(boolean(Some(false))) } else { Err(Self::undecidable(name)) }
    }

    fn subsumes_code(&self, ancestor: (Option<&str>, &str), code: (Option<&str>, &str)) -> Option<bool> {
        if ancestor == code {
            return Some(true);
        }
        let system = ancestor.0.or(code.0)?;
        if code.0.is_some_and(|own| own != system) {
            return Some(false);
        }
        self.environment.services.subsumes(system, ancestor.1, code.1)
    }

    fn member_of(&self, call: &Call<'_, 'a>) -> Evaluated<'a> {
        const NAME: &str = "memberOf";
        let Some(value_set) = self.text(call.argument(0), NAME)? else { return Ok(Collection::new()) };
        let item = match call.input {
            [] => return Ok(Collection::new()),
            [item] => item,
            _ => return Err(EvaluationError::NotSingle(NAME)),
        };
        let mut known = false;
        for (system, code) in self.codes(item) {
            match self.environment.services.member_of(system.as_deref(), &code, &value_set) {
                Some(true) => return Ok(boolean(Some(true))),
                Some(false) => known = true,
                None => {}
            }
        }
        if known { Ok(boolean(Some(false))) } else { Err(Self::undecidable(NAME)) }
    }

    /// The codes of a code, Coding or CodeableConcept.
    pub(super) fn codes(&self, item: &Item<'a>) -> Vec<(Option<Cow<'a, str>>, Cow<'a, str>)> {
        let value = match item {
            Item::Text(text) => return vec![(None, text.clone())],
            Item::Element(Element { node, .. }) => self.environment.document.at(*node),
            _ => None,
        };
        let Some(value) = value else { return Vec::new() };
        let coding =
            |coding: Value<'a>| Some((coding.member("system").and_then(Value::text), coding.member("code")?.text()?));
        match value.kind() {
            Json::Object => match value.member("coding") {
                Some(codings) => codings.children().filter_map(coding).collect(),
                None => coding(value).into_iter().collect(),
            },
            _ => value.text().map(|code| (None, code)).into_iter().collect(),
        }
    }
}
