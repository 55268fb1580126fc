//! Resources of types that packages define: read by the elements of their structure, so that what is of a data type in them is
//! read as elsewhere. How often elements appear, and what else the structure says, is for the walk.

use definitions::{Element, Family};
use fhir::json::Kind;
use package::{ElementDefinition, Structure};

use super::resource::Place;
use super::{Name, Scanner, Step};
use crate::finding::Problem;

/// What is read at a member.
enum Read {
    /// An element of the specification: `extension` of every resource.
    Inherited(Element<'static>),
    /// Values of a type; an array of them where there may be more than one.
    Of(Element<'static>, bool),
    /// Any resources.
    Resources(bool),
    /// What the structure says at that place.
    Backbone(usize, bool),
    /// Nobody knows.
    Anything,
}

/// Types of which every resource or element has the members.
const INHERITED: [&str; 4] = ["Resource", "DomainResource", "Element", "BackboneElement"];

impl Scanner<'_> {
    /// A resource of a type that the release does not have: one that a package defines, or what is wrong.
    #[cold]
    pub(super) fn unknown_resource(&mut self, name: Name, place: Place, start: usize, end: usize) -> Step {
        let text = self.bytes.get(start..end).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default();
        if text.is_empty() || self.bytes.get(start - 1) != Some(&b'"') {
            return self.untyped(name);
        }
        let known = self.rules.definitions.type_named(text).is_some();
        let own = self.engine.filter(|_| !known).and_then(|engine| engine.own_type(text));
        let Some(structure) = own else {
            self.note(self.next_node(), start, Problem::UnknownResourceType)?;
            return self.untyped(name);
        };
        if matches!(place, Place::Root(Some(_))) {
            self.note(self.next_node(), start, Problem::UnexpectedResourceType)?;
        }
        self.own_resource(name, place, &structure)
    }

    fn own_resource(&mut self, name: Name, place: Place, structure: &Structure) -> Step {
        let (locals, contained, outside) = (self.scratch.locals.len(), self.contained, (self.resource, self.root));
        let node = self.next_node();
        self.scratch.own.push(node);
        self.resource = node;
        self.root = if place == Place::Contained { outside.1 } else { node };
        self.own_object(name, structure, 0)?;
        (self.resource, self.root) = outside;
        if place == Place::Contained {
            self.contained += 1;
            return Ok(());
        }
        if self.contained == contained && self.scratch.locals.len() == locals {
            return Ok(());
        }
        self.check_contained(node, locals)
    }

    fn own_object(&mut self, name: Name, structure: &Structure, index: usize) -> Step {
        if self.byte() != Some(b'{') {
            self.report(Problem::ExpectedObject)?;
            return self.untyped(name);
        }
        let node = self.open(Kind::Object, name, 0)?;
        let mut is_first = true;
        while self.more_members(is_first)? {
            is_first = false;
            self.own_member(node, structure, index)?;
        }
        self.close(node);
        if is_first { self.report_at(node, Problem::EmptyObject) } else { Ok(()) }
    }

    fn own_member(&mut self, node: u32, structure: &Structure, index: usize) -> Step {
        let name = self.member_name()?;
        if name.is_escaped {
            self.report(Problem::EscapedName)?;
            return self.untyped(name);
        }
        let bytes = self.bytes;
        let text = bytes.get(name.span()).unwrap_or_default();
        if index == 0 && text == b"resourceType" {
            return self.untyped(name);
        }
        let bare = text.strip_prefix(b"_").unwrap_or(text);
        let Some(read) = std::str::from_utf8(bare).ok().and_then(|bare| self.reading(structure, index, bare)) else {
            self.report(Problem::UnknownMember)?;
            return self.untyped(name);
        };
        if self.open_children(node).any(|other| other.name_bytes() == text) {
            self.report(Problem::DuplicateMember)?;
        }
        if bare.len() < text.len() { self.own_companion(name, &read) } else { self.own_value(name, structure, &read) }
    }

    fn own_companion(&mut self, name: Name, read: &Read) -> Step {
        let element = match read {
            Read::Inherited(element) => return self.companion(name, *element),
            Read::Of(element, is_list) if element.primitive().is_some() => Some((*element, *is_list)),
            _ => None,
        };
        let Some(((element, is_list), shape)) = element.and_then(|of| Some((of, of.0.shape()?))) else {
            self.report(Problem::NoCompanion)?;
            return self.untyped(name);
        };
        let single = |scanner: &mut Self, name| match scanner.byte() {
            Some(b'n') if is_list => scanner.untyped(name),
            _ => scanner.companion_object(name, element, shape),
        };
        self.one_or_all(name, element.id().raw(), is_list, single)
    }

    fn own_value(&mut self, name: Name, structure: &Structure, read: &Read) -> Step {
        match *read {
            Read::Inherited(element) => self.element(name, element),
            Read::Of(element, is_list) => {
                self.one_or_all(name, element.id().raw(), is_list, |scanner, name| scanner.single(name, element))
            }
            Read::Resources(is_list) => self.one_or_all(name, 0, is_list, |scanner, name| match scanner.byte() {
                Some(b'{') => scanner.resource(name, Place::Inner),
                _ => {
                    scanner.report(Problem::ExpectedObject)?;
                    scanner.untyped(name)
                }
            }),
            Read::Backbone(index, is_list) => {
                self.one_or_all(name, 0, is_list, |scanner, name| scanner.own_object(name, structure, index))
            }
            Read::Anything => self.untyped(name),
        }
    }

    fn one_or_all(
        &mut self,
        name: Name,
        element: u32,
        is_list: bool,
        mut single: impl FnMut(&mut Self, Name) -> Step,
    ) -> Step {
        match (is_list, self.byte()) {
            (false, Some(b'[')) => self.report(Problem::ExpectedSingle)?,
            (true, Some(b'[')) => {
                let index = self.open(Kind::Array, name, element)?;
                let mut is_first = true;
                while self.more_items(is_first)? {
                    is_first = false;
                    single(self, Name::default())?;
                }
                self.close(index);
                return if is_first { self.report_at(index, Problem::EmptyArray) } else { Ok(()) };
            }
            (true, _) => self.report(Problem::ExpectedArray)?,
            (false, _) => return single(self, name),
        }
        self.untyped(name)
    }

    /// How the member of that name is read; none when the structure does not have it.
    fn reading(&self, structure: &Structure, parent: usize, name: &str) -> Option<Read> {
        let Some((index, definition, code)) = find(structure, parent, name) else {
            // A snapshot need not repeat what every backbone element has.
            let type_ = structure.elements.get(parent).filter(|_| parent > 0)?.types.first()?;
            return self.inherited(&type_.code, name).map(Read::Inherited);
        };
        let base = definition.base.as_ref().and_then(|base| base.path.split_once('.'));
        let base = base.filter(|(owner, _)| INHERITED.contains(owner));
        if let Some(element) = base.and_then(|(owner, of)| self.inherited(owner, of)) {
            return Some(Read::Inherited(element));
        }
        let most = definition.base.as_ref().map_or(definition.max, |base| base.max);
        Some(self.reading_of(structure, index, code, most != Some(1)))
    }

    /// The element of a type of the specification.
    fn inherited(&self, type_: &str, name: &str) -> Option<Element<'static>> {
        let root = self.rules.definitions.type_named(type_)?.root()?;
        self.rules.definitions.element(root)?.shape()?.member(name.as_bytes())
    }

    fn reading_of(&self, structure: &Structure, index: usize, code: Option<&str>, is_list: bool) -> Read {
        let definition = structure.elements.get(index);
        if let Some(content) = definition.and_then(|definition| definition.content.as_deref()) {
            let target = structure.elements.iter().position(|other| other.id == content);
            return target.map_or(Read::Anything, |target| Read::Backbone(target, is_list));
        }
        let known = code.and_then(|code| self.rules.definitions.type_named(code));
        match (code, known) {
            (Some("BackboneElement" | "Element" | "Base") | None, _) => Read::Backbone(index, is_list),
            (_, Some(known)) if known.family() == Family::Resource => Read::Resources(is_list),
            (_, Some(known)) => {
                let root = known.root().and_then(|root| self.rules.definitions.element(root));
                root.map_or(Read::Anything, |root| Read::Of(root, is_list))
            }
            // A type that a package defines has its members in that structure.
            (Some(_), None) if has_members(structure, index) => Read::Backbone(index, is_list),
            (Some(_), None) => Read::Anything,
        }
    }
}

/// The child of an element that a member name means, and the type that it says.
fn find<'s>(
    structure: &'s Structure,
    parent: usize,
    name: &str,
) -> Option<(usize, &'s ElementDefinition, Option<&'s str>)> {
    children(structure, parent).find_map(|(index, definition)| {
        let Some(stem) = definition.name().strip_suffix("[x]") else {
            let code = definition.types.first().map(|used| used.code.as_str());
            return (definition.name() == name).then_some((index, definition, code));
        };
        let variant = name.strip_prefix(stem)?;
        let is_meant = |code: &str| {
            let mut letters = code.chars();
            let first = letters.next().map(|first| first.to_ascii_uppercase());
            first.is_some() && variant.chars().next() == first && variant.get(1..) == Some(letters.as_str())
        };
        let used = definition.types.iter().find(|used| is_meant(&used.code))?;
        Some((index, definition, Some(used.code.as_str())))
    })
}

/// The children of an element, without slices.
fn children(structure: &Structure, parent: usize) -> impl Iterator<Item = (usize, &ElementDefinition)> {
    let path = structure.elements.get(parent).map_or("", |element| element.path.as_str());
    let below = structure.elements.iter().enumerate().skip(parent + 1);
    let rest = move |element: &ElementDefinition| element.path.strip_prefix(path)?.strip_prefix('.').map(str::len);
    below.take_while(move |(_, element)| rest(element).is_some()).filter(move |(_, element)| {
        let is_child = rest(element).is_some_and(|length| element.name().len() == length);
        is_child && element.slice_name.is_none()
    })
}

fn has_members(structure: &Structure, index: usize) -> bool {
    children(structure, index).next().is_some()
}
