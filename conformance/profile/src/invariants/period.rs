//! The rule of Period (per-1), where two moments of one form and one zone are told apart by their letters: the program takes some
//! microseconds to say the same.

use fhir::json::{Kind, Value};

/// The rule as the releases have it.
pub(super) const RULES: [&str; 2] = [
    "start.hasValue().not() or end.hasValue().not() or (start <= end)",
    "start.hasValue().not() or end.hasValue().not() or (start.lowBoundary() <= end.highBoundary())",
];

/// Whether a period certainly ends no earlier than it starts. False says nothing.
pub(super) fn is_in_order(period: Value<'_>) -> bool {
    let text = |name| period.member(name).filter(|value| value.kind() == Kind::String).map(Value::raw);
    let (Some(start), Some(end)) = (text("start"), text("end")) else { return false };
    start.len() == end.len() && zone(start) == zone(end) && start <= end
}

/// The zone of a moment, in its quotes; nothing of a day, month or year.
fn zone(raw: &[u8]) -> &[u8] {
    match raw {
        [.., b'Z', b'"'] => b"Z",
        _ if raw.len() > "\"0000-00-00\"".len() => raw.last_chunk::<7>().map_or(&[], |zone| zone.as_slice()),
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_certain(start: &str, end: &str) -> bool {
        let json = format!(r#"{{"start":"{start}","end":"{end}"}}"#);
        let mut nodes = Vec::new();
        fhir::json::scan(json.as_bytes(), &mut nodes, fhir::json::Limits::default()).unwrap();
        fhir::json::Document::new(json.as_bytes(), &nodes).root().is_some_and(is_in_order)
    }

    #[test]
    fn moments_of_one_form_and_zone_are_in_order_by_their_letters() {
        assert!(is_certain("2016-12-06", "2020-07-22") && is_certain("2016", "2016"));
        assert!(is_certain("2016-12-06T10:00:00Z", "2016-12-06T10:00:01Z"));
        assert!(is_certain("2016-12-06T10:00:00+01:00", "2016-12-06T10:00:01+01:00"));
    }

    #[test]
    fn whatever_else_is_left_to_the_program() {
        assert!(!is_certain("2020-07-22", "2016-12-06") && !is_certain("2016-12", "2016-12-06"));
        assert!(!is_certain("2016-12-06T10:00:00+01:00", "2016-12-06T10:00:01+02:00"));
        assert!(!is_certain("2016-12-06T23:00:00-12:00", "2016-12-07T01:00:00+14:00"));
    }
}
