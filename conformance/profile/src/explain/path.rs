//! The FHIRPath of a node.

use std::fmt::Write as _;

use definitions::ElementId;
use fhir::json::{Kind, Value};

use super::Explanation;
use crate::finding::Problem;

impl Explanation<'_> {
    /// `Patient.name[0].given[1]`; none where not even the type of the root is known.
    pub(super) fn expression(&self, node: u32, problem: Problem) -> Option<String> {
        let mut path = self.path(node)?;
        if let Problem::Missing(missing) = problem {
            let _ = write!(path, ".{}", self.path_name(missing));
        }
        Some(path)
    }

    /// The same of a node itself.
    pub(crate) fn path(&self, node: u32) -> Option<String> {
        let mut value = self.document.root()?;
        let mut path = match self.definitions.element_of(value.node()) {
            Some(root) => root.name().to_owned(),
            // A type that a package defines is known by its name alone.
            None => value.member("resourceType")?.text().filter(|name| is_name(name))?.into_owned(),
        };
        while value.index() < node {
            let Some((position, child)) = value.children().enumerate().find(|(_, child)| child.node().after > node)
            else {
                break;
            };
            if value.kind() == Kind::Array {
                let _ = write!(path, "[{position}]");
            } else {
                self.push_member(&mut path, child);
            }
            value = child;
        }
        Some(path)
    }

    fn push_member(&self, path: &mut String, member: Value<'_>) {
        let is_resource = self.definitions.element_of(member.node()).is_some_and(|element| element.is_root());
        match self.definitions.element_of(member.node()).filter(|_| !is_resource) {
            Some(element) => {
                let _ = write!(path, ".{}", element.path_name());
            }
            None => push_name(path, member.name()),
        }
    }

    pub(super) fn path_name(&self, element: ElementId) -> &'static str {
        self.definitions.element(element).map_or("", |element| element.path_name())
    }
}

fn is_name(text: &str) -> bool {
    let is_identifier = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_identifier && text.len() <= 64 && text.starts_with(|first: char| first.is_ascii_uppercase())
}

/// A name that the definitions do not know: quoted by FHIRPath's rules when it is no identifier, and not endless.
fn push_name(path: &mut String, name: &str) {
    let name = super::text::shortened(name);
    let is_identifier = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let _ = if is_identifier { write!(path, ".{name}") } else { write!(path, ".`{}`", name.replace('`', "\\`")) };
}
