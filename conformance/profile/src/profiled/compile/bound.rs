//! `minValue[x]` and `maxValue[x]` as programs.

use fhir::Version;
use package::ValueFact;

use super::super::invariant::Invariant;
use super::super::model::{Bound, Literal};

/// The comparison with a bound; none when it cannot be made.
pub(super) fn bound(fact: &ValueFact, operator: &str, version: Version) -> Option<Bound> {
    let literal = Literal::of(&fact.json)?;
    let root = literal.root()?;
    let expression = match fact.type_.as_str() {
        "date" => format!("$this {operator} @{}", root.text()?),
        "dateTime" | "instant" => {
            let text = root.text()?;
            // FHIRPath writes a date that stands for a date and time with a T behind it.
            let t = if text.contains('T') { "" } else { "T" };
            format!("$this {operator} @{text}{t}")
        }
        "time" => format!("$this {operator} @T{}", root.text()?),
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
