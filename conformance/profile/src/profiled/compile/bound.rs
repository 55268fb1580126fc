//! `minValue[x]` and `maxValue[x]` as programs.

use definitions::{Element, Primitive};
use fhir::Version;
use fhir::json::Value;
use package::ValueFact;

use super::super::invariant::Invariant;
use super::super::model::{Bound, Literal};

/// The comparison with a bound; none when it cannot be made.
pub(super) fn bound(fact: &ValueFact, operator: &str, element: Element<'static>, version: Version) -> Option<Bound> {
    let literal = Literal::of(&fact.json)?;
    let root = literal.root()?;
    let clock = match element.primitive() {
        Some(Primitive::Date) => Some("today()"),
        Some(Primitive::DateTime | Primitive::Instant) => Some("now()"),
        _ => None,
    };
    let expression = match fact.type_.as_str() {
        "date" => format!("$this {operator} @{}", root.text()?),
        "dateTime" | "instant" => {
            let text = root.text()?;
            // FHIRPath writes a date that stands for a date and time with a T behind it.
            let t = if text.contains('T') { "" } else { "T" };
            format!("$this {operator} @{text}{t}")
        }
        "time" => format!("$this {operator} @T{}", root.text()?),
        "Quantity" if let Some(clock) = clock => relative(root, operator, clock)?,
        "Quantity" => {
            let value = root.member("value")?.number()?;
            let unit = root.member("code").or_else(|| root.member("unit")).and_then(|unit| unit.text());
            let unit = unit.map(|unit| format!(" '{}'", unit.replace('\\', "\\\\").replace('\'', "\\'")));
            match unit {
                Some(unit) => format!("$this {operator} {value}{unit}"),
                None => format!("value {operator} {value}"),
            }
        }
        _ => match root.number() {
            Some(number) => format!("$this {operator} {number}"),
            None => format!("$this.toInteger() {operator} {}", root.text()?.parse::<i64>().ok()?),
        },
    };
    let holds = Invariant::compile("bound", "", true, &expression, version, None).ok()?;
    let text = root.text().map_or_else(|| literal.text(), |text| text.into_owned());
    Some(Bound { holds, text: text.into() })
}

/// A moment as far from now as a quantity of time says: the least value lies back, the greatest ahead
/// (elementdefinition.html#ElementDefinition.minValue).
fn relative(quantity: Value<'_>, operator: &str, clock: &str) -> Option<String> {
    let unit = quantity.member("code").or_else(|| quantity.member("unit"))?.text()?;
    let unit = match &*unit {
        "a" => "years",
        "mo" => "months",
        "wk" => "weeks",
        "d" => "days",
        "h" => "hours",
        "min" => "minutes",
        "s" => "seconds",
        _ => return None,
    };
    let direction = if operator == ">=" { '-' } else { '+' };
    // A negative distance is one in the other direction.
    Some(format!("$this {operator} {clock} {direction} ({} {unit})", quantity.member("value")?.number()?))
}
