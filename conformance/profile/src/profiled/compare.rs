//! `fixed[x]` and `pattern[x]` (elementdefinition.html): values against values of a profile.

use fhir::json::{Kind, Value};

/// Whether a value is exactly what is fixed: the same members in any order, the same items in the same order, numbers as
/// they are written.
pub(crate) fn is_same(value: Value<'_>, fixed: Value<'_>) -> bool {
    match (value.kind(), fixed.kind()) {
        (Kind::Object, Kind::Object) => {
            value.children().count() == fixed.children().count()
                && members(fixed).all(|wanted| member(value, wanted).is_some_and(|found| is_same(found, wanted)))
        }
        (Kind::Array, Kind::Array) => {
            let (mut left, mut right) = (value.children(), fixed.children());
            loop {
                match (left.next(), right.next()) {
                    (None, None) => return true,
                    (Some(left), Some(right)) if is_same(left, right) => {}
                    _ => return false,
                }
            }
        }
        _ => is_same_literal(value, fixed),
    }
}

/// Whether a value has at least what a pattern has: each member, and for each item of an array one that has at least it.
pub(crate) fn has_pattern(value: Value<'_>, pattern: Value<'_>) -> bool {
    match (value.kind(), pattern.kind()) {
        (Kind::Object, Kind::Object) => {
            members(pattern).all(|wanted| member(value, wanted).is_some_and(|found| has_pattern(found, wanted)))
        }
        (Kind::Array, Kind::Array) => {
            pattern.children().all(|wanted| value.children().any(|found| has_pattern(found, wanted)))
        }
        _ => is_same_literal(value, pattern),
    }
}

fn is_same_literal(left: Value<'_>, right: Value<'_>) -> bool {
    match (left.kind(), right.kind()) {
        (Kind::String, Kind::String) => left.raw() == right.raw(),
        (Kind::String | Kind::EscapedString, Kind::String | Kind::EscapedString) => left.text() == right.text(),
        (left_kind, right_kind) => {
            left_kind == right_kind && !matches!(left_kind, Kind::Object | Kind::Array) && left.raw() == right.raw()
        }
    }
}

fn members(object: Value<'_>) -> impl Iterator<Item = Value<'_>> {
    object.children()
}

/// The member of `object` with the name of another object's member.
fn member<'a>(object: Value<'a>, like: Value<'_>) -> Option<Value<'a>> {
    object.children().find(|child| child.name_bytes() == like.name_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::model::Literal;
    use super::*;

    fn pair(value: &str, wanted: &str, test: fn(Value<'_>, Value<'_>) -> bool) -> bool {
        let (value, wanted) = (Literal::of(value.as_bytes()).unwrap(), Literal::of(wanted.as_bytes()).unwrap());
        test(value.root().unwrap(), wanted.root().unwrap())
    }

    #[test]
    fn a_fixed_value_has_the_same_members_in_any_order_and_numbers_as_written() {
        assert!(pair(r#"{"a":1,"b":[2]}"#, r#"{"b":[2],"a":1}"#, is_same));
        assert!(pair(r#""\u0041""#, r#""A""#, is_same));
        assert!(!pair("1.0", "1.00", is_same));
        assert!(!pair(r#"{"a":1,"b":2}"#, r#"{"a":1}"#, is_same));
        assert!(!pair("[1,2]", "[2,1]", is_same));
        assert!(!pair("[1]", "[1,2]", is_same));
    }

    #[test]
    fn a_pattern_is_a_part_of_the_value_and_each_of_its_items_has_a_match() {
        let coding = r#"{"coding":[{"system":"s","code":"x"},{"system":"s","code":"y","display":"Y"}],"text":"t"}"#;
        assert!(pair(coding, r#"{"coding":[{"system":"s","code":"y"}]}"#, has_pattern));
        assert!(!pair(coding, r#"{"coding":[{"system":"z","code":"y"}]}"#, has_pattern));
        assert!(!pair(coding, r#"{"coding":[{"code":"y"},{"code":"z"}]}"#, has_pattern));
        assert!(pair("5", "5", has_pattern) && !pair("5", "6", has_pattern));
    }
}
