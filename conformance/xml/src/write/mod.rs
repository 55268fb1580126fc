//! JSON to XML: the nodes of a scan, written in the order of the definitions.

mod object;
mod primitive;
mod text;

use definitions::{Definitions, Element, Family, Shape};
use fhir::json::{Document, Kind, Value, position};
use fhir::{Issue, Version};

use crate::fault::Fault;
use crate::path::Path;
use crate::{FHIR_NAMESPACE, Layout};

/// Writes a resource.
pub(crate) fn document(
    layout: Layout,
    document: Document<'_>,
    version: Version,
    out: &mut Vec<u8>,
) -> Result<(), Issue> {
    let definitions = definitions::of(version);
    let text = Vec::new();
    let mut writer = Writer { document, definitions, layout, level: 0, out, text, path: Path::default(), offset: 0 };
    writer.root().map_err(|fault| {
        let mut issue = fault.issue();
        issue.expression = writer.path.expression();
        issue.position = Some(position(document.bytes(), writer.offset));
        issue
    })
}

type Step<T = ()> = Result<T, Fault>;

struct Writer<'a, 'o> {
    document: Document<'a>,
    definitions: &'static Definitions,
    layout: Layout,
    /// Elements that are open.
    level: usize,
    out: &'o mut Vec<u8>,
    /// The text of the string that is being written, when it has escapes.
    text: Vec<u8>,
    /// Where writing stands; where a fault is, when it stops. Steps stay on it then.
    path: Path<'a>,
    offset: usize,
}

impl<'a> Writer<'a, '_> {
    fn root(&mut self) -> Step {
        let root = self.document.root().ok_or(Fault::Object)?;
        self.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
        if self.layout == Layout::Compact {
            self.raw("\n");
        }
        self.resource(root, true)
    }

    /// A resource of the type that it names itself.
    fn resource(&mut self, value: Value<'a>, is_root: bool) -> Step {
        self.at(value);
        if value.kind() != Kind::Object {
            return Err(Fault::Object);
        }
        let (name, shape) = self.type_of(value).ok_or(Fault::ResourceType)?;
        if is_root {
            self.path.push(name, None);
        }
        self.start(name);
        if is_root {
            self.raw(" xmlns=\"");
            self.raw(FHIR_NAMESPACE);
            self.raw("\"");
        }
        let members = self.members(value, shape, true)?;
        self.body(name, &members)?;
        if is_root {
            self.path.pop();
        }
        Ok(())
    }

    fn type_of(&self, value: Value<'a>) -> Option<(&'static str, Shape<'static>)> {
        let name = value.member("resourceType")?.text()?;
        let known = self.definitions.type_named(&name)?;
        if known.family() != Family::Resource || known.is_abstract() {
            return None;
        }
        Some((known.name(), self.definitions.element(known.root()?)?.shape()?))
    }

    /// An element that is no primitive: one, or the array of all.
    fn complex(&mut self, element: Element<'static>, value: Value<'a>) -> Step {
        if !element.is_list() {
            self.path.push(element.path_name(), None);
            self.complex_one(element, value)?;
            self.path.pop();
            return Ok(());
        }
        self.expect_items(element, value)?;
        for (index, item) in value.children().enumerate() {
            self.path.push(element.path_name(), Some(index as u32));
            self.complex_one(element, item)?;
            self.path.pop();
        }
        Ok(())
    }

    fn complex_one(&mut self, element: Element<'static>, value: Value<'a>) -> Step {
        self.at(value);
        if value.kind() != Kind::Object {
            return Err(if value.kind() == Kind::Array { Fault::Single } else { Fault::Object });
        }
        self.start(element.name());
        let Some(shape) = element.shape() else {
            self.raw(">");
            self.level += 1;
            self.resource(value, false)?;
            self.end(element.name());
            return Ok(());
        };
        let members = self.members(value, shape, false)?;
        self.head(&members)?;
        self.body(element.name(), &members)
    }

    /// An array with something in it.
    fn expect_items(&mut self, element: Element<'static>, value: Value<'a>) -> Step {
        let fault = match value.kind() {
            Kind::Array if value.children().next().is_some() => return Ok(()),
            Kind::Array => Fault::Empty,
            _ => Fault::Array,
        };
        self.path.push(element.path_name(), None);
        self.at(value);
        Err(fault)
    }

    fn at(&mut self, value: Value<'a>) {
        self.offset = value.node().start as usize;
    }

    fn raw(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// `<name`
    fn start(&mut self, name: &str) {
        self.new_line();
        self.raw("<");
        self.raw(name);
    }

    fn new_line(&mut self) {
        if self.layout == Layout::Indented {
            self.out.push(b'\n');
            self.out.resize(self.out.len() + 2 * self.level, b' ');
        }
    }

    /// The end tag of an element with something in it.
    fn end(&mut self, name: &str) {
        self.level = self.level.saturating_sub(1);
        self.new_line();
        self.raw("</");
        self.raw(name);
        self.raw(">");
    }
}
