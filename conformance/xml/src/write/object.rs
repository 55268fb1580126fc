//! Objects: members put into the order of the definition.

use definitions::{Element, ElementId, Shape};
use fhir::json::Value;

use super::{Step, Writer};
use crate::fault::{Fault, shortened};
use crate::read::is_attribute;

/// Elements of a shape are fewer than this.
const MOST: usize = 64;
/// No node: 0 is the root, which is no member.
const NONE: u32 = 0;

/// The members of an object, by the ordinals of their elements.
pub(super) struct Members {
    elements: [u32; MOST],
    values: [u32; MOST],
    companions: [u32; MOST],
    /// Bits of the ordinals that are there.
    seen: u64,
    /// Bits of those that XML writes as attributes.
    attributes: u64,
}

impl Members {
    const fn new() -> Self {
        Self { elements: [0; MOST], values: [NONE; MOST], companions: [NONE; MOST], seen: 0, attributes: 0 }
    }

    fn ordinals(mut bits: u64) -> impl Iterator<Item = usize> {
        std::iter::from_fn(move || {
            let ordinal = bits.trailing_zeros() as usize;
            bits &= bits.wrapping_sub(1);
            (ordinal < MOST).then_some(ordinal)
        })
    }
}

impl<'a> Writer<'a, '_> {
    /// Sorts the members of an object. Each has its place, or is a fault.
    pub(super) fn members(&mut self, object: Value<'a>, shape: Shape<'static>, is_resource: bool) -> Step<Members> {
        let mut members = Members::new();
        for member in object.children() {
            if is_resource && member.name_bytes() == b"resourceType" {
                continue;
            }
            if let Err(fault) = self.place(&mut members, member, shape) {
                self.path.push(member.name(), None);
                self.at(member);
                return Err(fault);
            }
        }
        if members.seen == 0 && !is_resource {
            self.at(object);
            return Err(Fault::Empty);
        }
        Ok(members)
    }

    fn place(&self, members: &mut Members, member: Value<'a>, shape: Shape<'static>) -> Step {
        let name = member.name_bytes();
        let of = name.strip_prefix(b"_");
        let Some(element) = shape.member(of.unwrap_or(name)) else {
            return Err(Fault::UnknownElement { name: shortened(member.name()), of: shape.path() });
        };
        if of.is_some() && (element.primitive().is_none() || is_attribute(element) || element.name() == "div") {
            return Err(Fault::Companion);
        }
        let ordinal = usize::from(element.ordinal());
        let Members { elements, values, companions, .. } = members;
        let (Some(known), Some(value), Some(companion)) =
            (elements.get_mut(ordinal), values.get_mut(ordinal), companions.get_mut(ordinal))
        else {
            return Ok(());
        };
        if *known != 0 && *known != element.id().raw() {
            return Err(Fault::Choice(element.path_name()));
        }
        *known = element.id().raw();
        *if of.is_some() { companion } else { value } = member.index();
        members.seen |= 1 << ordinal;
        members.attributes |= u64::from(is_attribute(element)) << ordinal;
        Ok(())
    }

    /// The attributes of a complex element, behind its name.
    pub(super) fn head(&mut self, members: &Members) -> Step {
        for ordinal in Members::ordinals(members.attributes) {
            let (element, value, _) = self.member(members, ordinal);
            if let (Some(element), Some(value)) = (element, value) {
                self.attribute(element, value)?;
            }
        }
        Ok(())
    }

    /// The rest of an element: the end of its tag, what is in it, its end tag.
    pub(super) fn body(&mut self, name: &str, members: &Members) -> Step {
        let inside = members.seen & !members.attributes;
        if inside == 0 {
            self.raw("/>");
            return Ok(());
        }
        self.raw(">");
        self.level += 1;
        for ordinal in Members::ordinals(inside) {
            let (element, value, companion) = self.member(members, ordinal);
            let Some(element) = element else { continue };
            match (element.primitive(), value) {
                (Some(primitive), _) => self.primitive(element, primitive, value, companion)?,
                (None, Some(value)) => self.complex(element, value)?,
                (None, None) => {}
            }
        }
        self.end(name);
        Ok(())
    }

    fn member(
        &self,
        members: &Members,
        ordinal: usize,
    ) -> (Option<Element<'static>>, Option<Value<'a>>, Option<Value<'a>>) {
        let element = members.elements.get(ordinal).and_then(|raw| ElementId::from_raw(*raw));
        let node = |nodes: &[u32; MOST]| {
            nodes.get(ordinal).filter(|index| **index != NONE).and_then(|index| self.document.at(*index))
        };
        let element = element.and_then(|id| self.definitions.element(id));
        (element, node(&members.values), node(&members.companions))
    }
}
