//! Where an element stands in JSON: a member of an object, or an item of one that is a list; a primitive has its companion beside it.

use ::fhirpath::Element;
use fhir::json::{Document, Kind, Value};

use super::beyond;
use super::list::List;
use super::value::Content;
use crate::error::Reason;
use crate::text::{Step, Text, parent_of};

/// The place of one element.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    /// The object that it is a member of.
    pub(super) object: Vec<Step>,
    /// The member, without the `_` of a companion.
    pub(super) name: String,
    /// Which item of the list.
    pub(super) index: Option<usize>,
}

impl Spot {
    /// The place of an element; the resource itself has none.
    pub(super) fn of(document: Document<'_>, element: Element) -> Result<Self, Reason> {
        let mut path = path_to(document, element.any_node()).ok_or_else(beyond)?;
        let mut last = path.pop();
        let index = if let Some(Step::Item(index)) = last {
            last = path.pop();
            Some(index)
        } else {
            None
        };
        let Some(Step::Name(name)) = last else { return Err(beyond()) };
        let name = if element.node == Element::ABSENT { name.trim_start_matches('_').to_owned() } else { name };
        Ok(Self { object: path, name, index })
    }

    /// The place of its companion.
    pub(super) fn companion_path(&self) -> Vec<Step> {
        self.path(&format!("_{}", self.name))
    }

    fn path(&self, name: &str) -> Vec<Step> {
        let mut path = self.object.clone();
        path.push(Step::Name(name.to_owned()));
        path.extend(self.index.map(Step::Item));
        path
    }

    fn list(&self) -> List {
        List { object: self.object.clone(), name: self.name.clone() }
    }

    /// Takes the element out, with its companion.
    pub(super) fn remove(&self, text: &mut Text) -> Result<(), Reason> {
        match self.index {
            Some(index) => self.list().remove(text, index),
            None => {
                remove_at(text, &self.path(&self.name))?;
                remove_at(text, &self.companion_path())
            }
        }
    }

    /// Puts a value and a companion there; what the content does not have goes.
    pub(super) fn put(&self, text: &mut Text, content: &Content) -> Result<(), Reason> {
        if let Some(index) = self.index {
            return self.list().replace(text, index, content);
        }
        match &content.value {
            Some(raw) => put_member(text, &self.object, &self.name, raw)?,
            None => remove_at(text, &self.path(&self.name))?,
        }
        self.put_companion(text, content.companion.as_deref())
    }

    /// Puts a companion there, or takes it out.
    pub(super) fn put_companion(&self, text: &mut Text, raw: Option<&[u8]>) -> Result<(), Reason> {
        match (self.index, raw) {
            (Some(index), raw) => self.list().put_companion(text, index, raw),
            (None, Some(raw)) => put_member(text, &self.object, &format!("_{}", self.name), raw),
            (None, None) => remove_at(text, &self.companion_path()),
        }
    }
}

/// Sets a member of the object at a path.
pub(super) fn put_member(text: &mut Text, object: &[Step], name: &str, raw: &[u8]) -> Result<(), Reason> {
    let object = text.find(object).filter(|value| value.kind() == Kind::Object).ok_or_else(beyond)?.index();
    text.put(object, name, raw)
}

/// Takes out what stands at a path, if something does.
pub(super) fn remove_at(text: &mut Text, path: &[Step]) -> Result<(), Reason> {
    let Some(value) = text.find(path) else { return Ok(()) };
    let (container, child) = (parent_of(text.document(), value.index()).ok_or_else(beyond)?.index(), value.index());
    text.remove(container, child)
}

/// The steps from the root to a node.
pub(super) fn path_to(document: Document<'_>, node: u32) -> Option<Vec<Step>> {
    let mut value = document.root()?;
    let mut path = Vec::new();
    while value.index() != node {
        let (number, child) = value.children().enumerate().find(|(_, child)| child.node().after > node)?;
        path.push(if value.kind() == Kind::Array { Step::Item(number) } else { Step::Name(spelled(child)) });
        value = child;
    }
    Some(path)
}

/// A member name with its escapes resolved.
fn spelled(member: Value<'_>) -> String {
    let name = member.name();
    if !name.contains('\\') {
        return name.to_owned();
    }
    serde_json::from_str(&format!("\"{name}\"")).unwrap_or_default()
}
