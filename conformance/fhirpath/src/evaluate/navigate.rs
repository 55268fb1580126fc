//! From elements to their members.

use std::collections::HashMap;

use fhir::json::{Kind as Json, Value};

use super::{Evaluated, EvaluationError, Evaluator, Frame};
use crate::item::{Collection, Element, Item};
use crate::model::{Kind, TypeSpecifier};
use crate::program::Name;

impl<'a> Evaluator<'_, 'a> {
    /// A capitalised name at the start of a path: the context where it is of that type, else a member of that name.
    pub(super) fn root(&mut self, specifier: &TypeSpecifier, name: &Name, frame: &Frame<'_, 'a>) -> Evaluated<'a> {
        let same =
            frame.focus.iter().filter(|item| self.has_type(item, specifier)).cloned().collect::<Collection<'a>>();
        if same.is_empty() { self.member(frame.focus, name, usize::MAX) } else { Ok(same) }
    }

    /// The members of that name of every item, at least `most` when there are so many.
    pub(super) fn member(&mut self, input: &[Item<'a>], wanted: &Name, most: usize) -> Evaluated<'a> {
        let mut found = Collection::new();
        let name = &*wanted.text;
        for item in input {
            if found.len() >= most {
                break;
            }
            match item {
                Item::Element(element) => self.member_of_element(*element, wanted, most, &mut found)?,
                Item::Foreign(foreign) => {
                    let most = most - found.len();
                    found.extend(self.on_foreign(foreign, |inner, item| inner.member(&[item], wanted, most))?);
                }
                Item::Type(namespace, _) if name == "namespace" => found.push(Item::text(*namespace)),
                Item::Type(_, type_name) if name == "name" => found.push(Item::Text(type_name.clone())),
                Item::Quantity(quantity) if name == "value" => found.push(Item::Decimal(quantity.value)),
                Item::Quantity(quantity) if matches!(name, "unit" | "code") => {
                    found.push(Item::Text(quantity.unit.clone()));
                }
                _ => {}
            }
        }
        Ok(found)
    }

    fn member_of_element(
        &mut self,
        element: Element,
        wanted: &Name,
        most: usize,
        found: &mut Collection<'a>,
    ) -> Result<(), EvaluationError> {
        let name = &*wanted.text;
        let Some(members) = self.member_node(element) else {
            if name == "value" {
                found.extend(self.to_system(&Item::Element(element)));
            }
            return Ok(());
        };
        let (mut value, mut companion) = (None, None);
        // In a typed document a member is found by its element, without its name.
        let exact = if self.is_typed { self.model.exact(element.kind, wanted) } else { None };
        for member in members.children() {
            self.charge(1)?;
            let is_companion = member.name_bytes().first() == Some(&b'_');
            let kind = match exact {
                Some(exact) => (member.node().element == exact.id().raw()).then(|| exact.id().into()),
                None => {
                    let written = member.name_bytes();
                    let plain = if is_companion { written.get(1..).unwrap_or_default() } else { written };
                    self.model.member(element.kind, &member, plain, name.as_bytes())
                }
            };
            let Some(kind) = kind else { continue };
            let slot = if is_companion { &mut companion } else { &mut value };
            *slot = Some((member, kind));
            if exact.is_some_and(|exact| exact.primitive().is_none()) {
                break;
            }
        }
        if value.is_none() && companion.is_none() && name == "value" {
            found.extend(self.to_system(&Item::Element(element)));
            return Ok(());
        }
        self.add_member(value, companion, most, found)
    }

    /// The object that holds an element's members: of a primitive its companion.
    fn member_node(&self, element: Element) -> Option<Value<'a>> {
        let document = self.environment.document;
        [element.node, element.companion]
            .into_iter()
            .filter(|node| *node != Element::ABSENT)
            .filter_map(|node| document.at(node))
            .find(|value| value.kind() == Json::Object)
    }

    /// Every member of every item.
    pub(super) fn children(&mut self, input: &[Item<'a>]) -> Evaluated<'a> {
        let mut found = Collection::new();
        for item in input {
            match item {
                Item::Element(element) => self.children_of_element(*element, &mut found)?,
                Item::Foreign(foreign) => {
                    found.extend(self.on_foreign(foreign, |inner, item| inner.children(&[item]))?);
                }
                _ => {}
            }
        }
        Ok(found)
    }

    fn children_of_element(&mut self, element: Element, found: &mut Collection<'a>) -> Result<(), EvaluationError> {
        let Some(members) = self.member_node(element) else { return Ok(()) };
        // By name, so that an object of many companions takes no more than linear time. Without any nothing is allocated.
        let mut companions: HashMap<&str, Value<'a>> =
            members.children().filter_map(|member| Some((member.name().strip_prefix('_')?, member))).collect();
        for member in members.children() {
            self.charge(1)?;
            let name = member.name();
            if name == "resourceType" || name.starts_with('_') {
                continue;
            }
            let kind = self.model.child(element.kind, &member, name.as_bytes());
            let companion = companions.remove(name).map(|companion| (companion, kind));
            self.add_member(Some((member, kind)), companion, usize::MAX, found)?;
        }
        let mut alone: Vec<_> = companions.into_iter().collect();
        alone.sort_by_key(|(_, member)| member.index());
        for (name, member) in alone {
            let kind = self.model.child(element.kind, &member, name.as_bytes());
            self.add_member(None, Some((member, kind)), usize::MAX, found)?;
        }
        Ok(())
    }

    /// Every member at every depth, in document order.
    pub(super) fn descendants(&mut self, input: &[Item<'a>]) -> Evaluated<'a> {
        let mut found = Collection::new();
        let mut pending = self.children(input)?;
        pending.reverse();
        while let Some(item) = pending.pop() {
            self.charge(1)?;
            let mut below = self.children(std::slice::from_ref(&item))?;
            found.push(item);
            pending.extend(below.drain(..).rev());
        }
        Ok(found)
    }

    /// Adds a member's items, each value with its companion (json.html#primitive).
    fn add_member(
        &mut self,
        value: Option<(Value<'a>, Kind)>,
        companion: Option<(Value<'a>, Kind)>,
        most: usize,
        found: &mut Collection<'a>,
    ) -> Result<(), EvaluationError> {
        let Some((_, kind)) = value.or(companion) else { return Ok(()) };
        let mut values = value.into_iter().flat_map(|(value, _)| value.items());
        let mut companions = companion.into_iter().flat_map(|(value, _)| value.items());
        loop {
            let (value, companion) = (values.next(), companions.next());
            if value.is_none() && companion.is_none() {
                return Ok(());
            }
            self.charge(1)?;
            let node = |value: Option<Value<'a>>| {
                value.filter(|value| value.kind() != Json::Null).map_or(Element::ABSENT, Value::index)
            };
            let element = Element { node: node(value), companion: node(companion), kind };
            if element.any_node() != Element::ABSENT {
                found.push(Item::Element(self.typed(element)));
                if found.len() >= most {
                    return Ok(());
                }
            }
        }
    }

    /// A resource inside another says itself what it is.
    fn typed(&self, element: Element) -> Element {
        if element.node != Element::ABSENT && self.model.is_resource(element.kind) {
            return Element { kind: self.model.resource(self.environment.document, element.node), ..element };
        }
        element
    }
}
