//! Members of an object as text, to be put together anew.

use definitions::{Definitions, Element};
use fhir::json::{Kind, Value};

/// A member: its element, and `"name":value`.
pub(crate) struct Member<'a> {
    pub(crate) element: Option<Element<'static>>,
    pub(crate) value: Value<'a>,
    pub(crate) text: &'a str,
}

impl Member<'_> {
    pub(crate) fn is_companion(&self) -> bool {
        self.value.name_bytes().first() == Some(&b'_')
    }

    /// Whether it belongs to an element: as value, companion, or variant of it.
    pub(crate) fn belongs_to(&self, element: Element<'static>) -> bool {
        let Some(own) = self.element else { return false };
        own.id() == element.id() || own.choice() == Some(element.id())
    }
}

/// The members of an object.
pub(crate) fn members<'a>(definitions: &'static Definitions, object: Value<'a>) -> Vec<Member<'a>> {
    let member = |value: Value<'a>| {
        let start = (value.node().name as usize).saturating_sub(1);
        let text = object.document().bytes().get(start..value.node().end as usize).unwrap_or_default();
        let element = definitions.element_of(value.node());
        // Of a resource in a slot, the element is its type.
        let element = element.filter(|element| !element.is_root()).or_else(|| {
            let owner = definitions.element_of(object.node())?.shape()?;
            owner.member(value.name_bytes())
        });
        Member { element, value, text: std::str::from_utf8(text).unwrap_or_default() }
    };
    object.children().map(member).collect()
}

/// The document with other text in the place of a value.
pub(crate) fn replaced(value: Value<'_>, text: &str) -> Vec<u8> {
    let bytes = value.document().bytes();
    let (before, after) = (bytes.get(..value.node().start as usize), bytes.get(value.node().end as usize..));
    [before.unwrap_or_default(), text.as_bytes(), after.unwrap_or_default()].concat()
}

/// The document with other members in an object.
pub(crate) fn with_members(object: Value<'_>, members: &[&str]) -> Vec<u8> {
    replaced(object, &format!("{{{}}}", members.join(",")))
}

/// The value itself, or the first item.
pub(crate) fn first_item(value: Value<'_>) -> Value<'_> {
    if value.kind() == Kind::Array { value.children().next().unwrap_or(value) } else { value }
}

/// The FHIRPath of a node.
pub(crate) fn path(definitions: &'static Definitions, root: Value<'_>, node: u32) -> String {
    let name = |value: Value<'_>| definitions.element_of(value.node()).map(|element| (element.is_root(), element));
    let mut path = name(root).map_or_else(String::new, |(_, element)| element.name().to_owned());
    let mut value = root;
    while value.index() < node {
        let Some((position, child)) = value.children().enumerate().find(|(_, child)| child.node().after > node) else {
            break;
        };
        if value.kind() == Kind::Array {
            path.push_str(&format!("[{position}]"));
        } else {
            path.push('.');
            path.push_str(match name(child) {
                Some((false, element)) => element.path_name(),
                _ => child.name(),
            });
        }
        value = child;
    }
    path
}
