//! Reading members of resources that were added.

use serde_json::Value;

use crate::code_system::Text;

/// The text of a member; empty when there is none.
pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The same to keep.
pub(crate) fn owned(value: &Value, name: &str) -> Text {
    Text::from(text(value, name).to_owned())
}

/// The items of a member; none when there is none.
pub(crate) fn items<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// A boolean member.
pub(crate) fn flag(value: &Value, name: &str) -> Option<bool> {
    value.get(name).and_then(Value::as_bool)
}
