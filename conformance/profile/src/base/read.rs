//! Short ways to what an object holds.

use std::borrow::Cow;

use fhir::json::{Kind, Value};

/// The text of a member.
pub(super) fn text<'a>(object: Value<'a>, name: &str) -> Option<Cow<'a, str>> {
    object.member(name).and_then(Value::text)
}

/// The items of a member; none when it is not there.
pub(super) fn items<'a>(object: Value<'a>, name: &str) -> impl Iterator<Item = Value<'a>> + use<'a> {
    object.member(name).into_iter().flat_map(Value::items)
}

/// Whether a member has that text.
pub(super) fn has_text(object: Value<'_>, name: &str, expected: &str) -> bool {
    text(object, name).is_some_and(|text| text == expected)
}

/// Whether a member is `true`.
pub(super) fn is_true(object: Value<'_>, name: &str) -> bool {
    object.member(name).and_then(Value::boolean) == Some(true)
}

/// The value of an extension with that URL: the member that starts with `value`.
pub(super) fn extension_value<'a>(object: Value<'a>, url: &str) -> Option<Value<'a>> {
    let extension = items(object, "extension").find(|extension| has_text(*extension, "url", url))?;
    extension.children().find(|member| member.name().starts_with("value"))
}

/// The member of a choice, `value` of `valueString`, with the name of its type.
pub(super) fn choice<'a>(object: Value<'a>, name: &str) -> Option<(&'a str, Value<'a>)> {
    object.children().find_map(|member| {
        let type_name = member.name().strip_prefix(name)?;
        type_name.starts_with(|first: char| first.is_ascii_uppercase()).then_some((type_name, member))
    })
}

/// The nearest resource that holds a node and is not contained in another one: where `#id` is looked up.
pub(super) fn container(node: Value<'_>) -> Option<Value<'_>> {
    let mut value = node.document().root()?;
    let mut container = value;
    let mut is_contained = false;
    while value.index() < node.index() {
        let child = value.children().find(|child| child.node().after > node.index())?;
        is_contained = is_contained && value.kind() == Kind::Array || child.name() == "contained";
        if !is_contained && child.kind() == Kind::Object && child.member("resourceType").is_some() {
            container = child;
        }
        value = child;
    }
    Some(container)
}

/// The contained resource with that id.
pub(super) fn contained<'a>(container: Value<'a>, id: &str) -> Option<Value<'a>> {
    items(container, "contained").find(|resource| has_text(*resource, "id", id))
}

/// The object that holds a member.
pub(super) fn holder(node: Value<'_>) -> Option<Value<'_>> {
    let mut value = node.document().root()?;
    let mut holder = value;
    while value.index() < node.index() {
        if value.kind() == Kind::Object {
            holder = value;
        }
        value = value.children().find(|child| child.node().after > node.index())?;
    }
    Some(holder)
}
