//! Items as JSON, with their types, and for people.

use fhir::Version;
use fhir::json::{Document, Value as Node};
use fhirpath::temporal::TemporalKind;
use fhirpath::{Element, Item, Quantity, Temporal};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

/// An item; numbers keep their digits as written.
#[derive(Serialize)]
pub(super) struct Printed {
    /// None where no definition knows the element.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'static str>,
    pub(super) value: Box<RawValue>,
}

impl Printed {
    pub(super) fn of(document: Document<'_>, version: Version, item: &Item<'_>) -> Self {
        let (name, value) = match item {
            Item::Boolean(value) => ("boolean", value.to_string()),
            Item::Integer(value) => ("integer", value.to_string()),
            Item::Long(value) => ("integer64", value.to_string()),
            Item::Decimal(value) => ("decimal", value.to_string()),
            Item::Text(text) => ("string", json!(text).to_string()),
            Item::Temporal(value) => (temporal(value.kind), of_temporal(*value)),
            Item::Quantity(quantity) => ("Quantity", of_quantity(quantity)),
            Item::Type(namespace, name) => ("TypeInfo", json!(format!("{namespace}.{name}")).to_string()),
            Item::Remote(resource_type) => ("Resource", json!({ "resourceType": resource_type.as_str() }).to_string()),
            Item::Terminologies => ("Terminologies", json!({}).to_string()),
            Item::Element(element) => return Self::of_element(document, version, *element),
            Item::Foreign(foreign) => return Self::of_element(foreign.document(), version, foreign.element()),
        };
        Self { name: Some(name), value: raw(value) }
    }

    fn of_element(document: Document<'_>, version: Version, element: Element) -> Self {
        let written = document.at(element.any_node()).map(Node::raw).unwrap_or_default();
        let known = element.kind.element().and_then(|id| definitions::of(version).element(id)?.type_());
        Self { name: known.map(definitions::Type::name), value: raw(on_one_line(written)) }
    }

    /// For people: strings bare, everything else as JSON.
    pub(super) fn plain(&self) -> String {
        let text = self.value.get();
        serde_json::from_str::<String>(text).unwrap_or_else(|_| text.to_owned())
    }
}

/// As FHIR writes it: a dateTime without a time has no `T`.
fn of_temporal(value: Temporal) -> String {
    let text = value.to_string();
    json!(text.strip_suffix('T').unwrap_or(&text)).to_string()
}

/// As the language writes it: `1.50 'mg'`, `2 years`.
fn of_quantity(quantity: &Quantity<'_>) -> String {
    let Quantity { value, unit, calendar } = quantity;
    json!(if *calendar { format!("{value} {unit}") } else { format!("{value} '{unit}'") }).to_string()
}

fn raw(text: String) -> Box<RawValue> {
    RawValue::from_string(text).unwrap_or_default()
}

/// JSON without white space between its tokens.
fn on_one_line(written: &[u8]) -> String {
    let (mut quoted, mut escaped) = (false, false);
    let mut line = written.to_vec();
    line.retain(|byte| {
        let keep = quoted || !byte.is_ascii_whitespace();
        quoted ^= *byte == b'"' && !escaped;
        escaped = quoted && *byte == b'\\' && !escaped;
        keep
    });
    String::from_utf8_lossy(&line).into_owned()
}

const fn temporal(kind: TemporalKind) -> &'static str {
    match kind {
        TemporalKind::Date => "date",
        TemporalKind::DateTime => "dateTime",
        TemporalKind::Time => "time",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_goes_but_not_out_of_strings() {
        assert_eq!(on_one_line(b"{ \"a\" :\n[ \"x \\\" y\" , 1.50 ] }"), r#"{"a":["x \" y",1.50]}"#);
    }
}
