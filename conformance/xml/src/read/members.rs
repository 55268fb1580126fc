//! The children of an element as members of an object: order, repeats, choices.

use definitions::{Element, ElementId, Primitive, Shape};

use super::attributes::Allowed;
use super::sink::Sink;
use super::source::Tag;
use super::{Reader, Step, is_attribute};
use crate::fault::{Fault, shortened};
use crate::{FHIR_NAMESPACE, XHTML_NAMESPACE};

/// What has been read of an object.
struct Members {
    shape: Shape<'static>,
    /// Bits of ordinals.
    seen: u64,
    last: Option<Element<'static>>,
    /// The furthest element so far: what comes behind it in the definition is in order.
    furthest: Option<Element<'static>>,
    list: Option<List>,
}

/// Repeats of an element that are being read.
pub(super) struct List {
    pub(super) element: ElementId,
    pub(super) count: u32,
    /// Whether an item has more than a companion.
    pub(super) has_value: bool,
    /// Length of the JSON, and number of marks, in front.
    before: (usize, usize),
    /// Companions of primitives, one for each item, from the first that has one.
    pub(super) companions: Option<Sink>,
}

impl<'a> Reader<'a> {
    /// What is in an element, as members; `{` and what comes before are written.
    pub(super) fn content(&mut self, tag: &Tag<'a>, shape: Shape<'static>) -> Step {
        self.enter(tag)?;
        if !tag.is_empty {
            let mut members = Members { shape, seen: 0, last: None, furthest: None, list: None };
            while let Some(child) = self.child()? {
                self.member(&mut members, &child)?;
            }
            self.close_list(&mut members.list);
        }
        self.depth -= 1;
        Ok(())
    }

    fn member(&mut self, members: &mut Members, tag: &Tag<'a>) -> Step {
        let Some(element) = self.known(members.shape, tag)? else { return self.skip(tag) };
        if members.list.as_ref().is_some_and(|list| list.element == element.id()) {
            return self.item(&mut members.list, element, tag);
        }
        self.close_list(&mut members.list);
        if let Some(fault) = misplaced(members, element) {
            let can_be_read = matches!(fault, Fault::Order(_));
            self.note_below(element.path_name(), tag.offset, &fault)?;
            if !can_be_read {
                return self.skip(tag);
            }
        }
        members.seen |= 1 << element.ordinal();
        members.last = Some(element);
        if members.furthest.is_none_or(|furthest| furthest.ordinal() < element.ordinal()) {
            members.furthest = Some(element);
        }
        if element.is_list() {
            self.open_list(members, element, tag);
            return self.item(&mut members.list, element, tag);
        }
        self.path.push(element.path_name(), None);
        self.single(element, tag)?;
        self.path.pop();
        Ok(())
    }

    /// The element that a tag names, unless it is noted as none.
    fn known(&mut self, shape: Shape<'static>, tag: &Tag<'a>) -> Step<Option<Element<'static>>> {
        let name = tag.start.name().local_name().into_inner();
        let Some(element) = shape.member(name.as_bytes()) else {
            self.check_namespace(tag, FHIR_NAMESPACE)?;
            let fault = Fault::UnknownElement { name: shortened(name), of: shape.path() };
            // The path lives as long as the text.
            let start = tag.offset + 1 + tag.start.name().prefix().map_or(0, |prefix| prefix.into_inner().len() + 1);
            let name = self.source.slice(start, start + name.len());
            return self.note_below(name, tag.offset, &fault).map(|()| None);
        };
        if element.primitive() != Some(Primitive::Xhtml) {
            self.check_namespace(tag, FHIR_NAMESPACE)?;
        } else if self.source.namespace(tag.start.name()) != Ok(XHTML_NAMESPACE) {
            self.note_below(element.name(), tag.offset, &Fault::Namespace(XHTML_NAMESPACE))?;
            return Ok(None);
        }
        if is_attribute(element) {
            self.note_below(element.name(), tag.offset, &Fault::Attribute(element.name()))?;
            return Ok(None);
        }
        Ok(Some(element))
    }

    fn open_list(&mut self, members: &mut Members, element: Element<'static>, tag: &Tag<'a>) {
        let before = (self.sink.bytes.len(), self.sink.marks.len());
        self.sink.comma();
        self.sink.mark(tag.offset);
        self.sink.key("", element.name());
        self.sink.raw("[");
        members.list = Some(List { element: element.id(), count: 0, has_value: false, before, companions: None });
    }

    fn item(&mut self, list: &mut Option<List>, element: Element<'static>, tag: &Tag<'a>) -> Step {
        let Some(list) = list else { return Ok(()) };
        self.path.push(element.path_name(), Some(list.count));
        self.sink.comma();
        self.sink.mark(tag.offset);
        match element.primitive() {
            Some(primitive) => self.primitive_item(list, primitive, tag)?,
            None => self.complex(element, tag)?,
        }
        list.count += 1;
        self.path.pop();
        Ok(())
    }

    fn close_list(&mut self, list: &mut Option<List>) {
        let Some(list) = list.take() else { return };
        self.sink.raw("]");
        if let (Some(companions), Some(element)) = (list.companions, self.definitions.element(list.element)) {
            if !list.has_value {
                // Nothing but nulls: the companions stand alone.
                self.sink.bytes.truncate(list.before.0);
                self.sink.marks.truncate(list.before.1);
            }
            self.sink.key("_", element.name());
            self.sink.raw("[");
            self.sink.append(&companions);
            self.sink.raw("]");
            self.set_aside(companions);
        }
    }

    /// An element that does not repeat.
    fn single(&mut self, element: Element<'static>, tag: &Tag<'a>) -> Step {
        if let Some(primitive) = element.primitive() {
            return self.primitive(element, primitive, tag);
        }
        self.sink.comma();
        self.sink.mark(tag.offset);
        self.sink.key("", element.name());
        self.complex(element, tag)
    }

    fn complex(&mut self, element: Element<'static>, tag: &Tag<'a>) -> Step {
        let Some(shape) = element.shape() else { return self.holder(tag) };
        let allowed = if shape.path() == "Extension" { Allowed::Extension } else { Allowed::Complex };
        let said = self.attributes(tag, allowed)?;
        self.sink.raw("{");
        let (start, issues) = (self.sink.bytes.len(), self.issues.len());
        for (name, value) in [("id", &said.id), ("url", &said.value)] {
            if let Some(value) = value {
                self.sink.key("", name);
                self.sink.string(value);
            }
        }
        self.content(tag, shape)?;
        if self.sink.bytes.len() == start && self.issues.len() == issues {
            self.note(tag.offset, &Fault::Empty)?;
        }
        self.sink.raw("}");
        Ok(())
    }

    pub(super) fn aside(&mut self) -> Sink {
        self.spare.pop().unwrap_or_default()
    }

    pub(super) fn set_aside(&mut self, mut sink: Sink) {
        sink.clear();
        self.spare.push(sink);
    }
}

/// Why an element may not stand where it does.
fn misplaced(members: &Members, element: Element<'static>) -> Option<Fault> {
    if members.seen >> element.ordinal() & 1 == 1 {
        return Some(if element.is_variant() && members.last.is_none_or(|last| last.id() != element.id()) {
            Fault::Choice(element.path_name())
        } else if element.is_list() {
            Fault::Apart(element.name())
        } else {
            Fault::Repeated(element.name())
        });
    }
    let furthest = members.furthest.filter(|furthest| furthest.ordinal() > element.ordinal())?;
    debug_assert!(furthest.id() != element.id());
    Some(Fault::Order(element.name()))
}
