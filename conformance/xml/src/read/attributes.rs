//! Attributes of FHIR elements: `value`, `id`, and `url` of an extension.

use std::borrow::Cow;

use super::source::{Tag, attributes, is_declaration, value};
use super::{Reader, Step};
use crate::fault::{Fault, shortened};

const INSTANCE_NAMESPACE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// What a tag may say.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Allowed {
    /// `id`
    Complex,
    /// `id` and `url`
    Extension,
    /// `id` and `value`
    Primitive,
}

/// What a tag says.
#[derive(Default)]
pub(super) struct Said<'t> {
    pub(super) id: Option<Cow<'t, str>>,
    /// `value` of a primitive, `url` of an extension.
    pub(super) value: Option<Cow<'t, str>>,
}

impl<'a> Reader<'a> {
    pub(super) fn attributes<'t>(&mut self, tag: &'t Tag<'a>, allowed: Allowed) -> Step<Said<'t>> {
        let mut said = Said::default();
        for attribute in attributes(&tag.start) {
            let attribute = self.checked(attribute.map_err(|fault| (tag.offset, fault)))?;
            let name = attribute.key.into_inner();
            let place = match name {
                "id" => &mut said.id,
                "value" if allowed == Allowed::Primitive => &mut said.value,
                "url" if allowed == Allowed::Extension => &mut said.value,
                _ if is_declaration(&attribute) => continue,
                _ => {
                    self.unknown_attribute(tag, name)?;
                    continue;
                }
            };
            *place = Some(self.checked(value(&attribute).map_err(|fault| (tag.offset, fault)))?);
        }
        Ok(said)
    }

    /// Attributes of a resource or of what holds one: namespaces only, and where the schema is, on the root.
    pub(super) fn plain_attributes(&mut self, tag: &Tag<'a>, is_root: bool) -> Step {
        for attribute in attributes(&tag.start) {
            let attribute = self.checked(attribute.map_err(|fault| (tag.offset, fault)))?;
            let name = attribute.key;
            let is_schema = is_root && self.source.attribute_namespace(name) == Ok(INSTANCE_NAMESPACE);
            if !is_declaration(&attribute) && !is_schema {
                self.unknown_attribute(tag, name.into_inner())?;
            }
        }
        Ok(())
    }

    #[cold]
    fn unknown_attribute(&mut self, tag: &Tag<'a>, name: &str) -> Step {
        self.note(tag.offset, &Fault::UnknownAttribute(shortened(name)))
    }
}
