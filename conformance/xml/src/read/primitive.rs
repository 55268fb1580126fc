//! Primitives: `value` to a literal, `id` and extensions to the companion (json.html#primitive).

use std::borrow::Cow;

use definitions::{Element, Primitive, Shape};
use fhir::json::lexer;

use super::attributes::{Allowed, Said};
use super::members::List;
use super::source::Tag;
use super::{Reader, Step};
use crate::fault::Fault;
use crate::narrative;

impl<'a> Reader<'a> {
    /// A primitive that does not repeat: a member, its companion, or both.
    pub(super) fn primitive(&mut self, element: Element<'static>, primitive: Primitive, tag: &Tag<'a>) -> Step {
        if primitive == Primitive::Xhtml {
            return self.div(element, tag);
        }
        self.count(tag)?;
        let said = self.attributes(tag, Allowed::Primitive)?;
        let has_companion = self.has_child(tag)? || said.id.is_some();
        if said.value.is_none() && !has_companion {
            return self.note(tag.offset, &Fault::Empty);
        }
        if let Some(value) = &said.value {
            self.sink.comma();
            self.sink.mark(tag.offset);
            self.sink.key("", element.name());
            self.literal(primitive, value, tag)?;
        }
        if has_companion {
            self.sink.comma();
            self.sink.mark(tag.offset);
            self.sink.key("_", element.name());
            self.companion(element.shape(), &said, tag)?;
        }
        Ok(())
    }

    /// One of a list of primitives: an item, and an item of the companions when there are any.
    pub(super) fn primitive_item(&mut self, list: &mut List, primitive: Primitive, tag: &Tag<'a>) -> Step {
        self.count(tag)?;
        let said = self.attributes(tag, Allowed::Primitive)?;
        match &said.value {
            Some(value) => self.literal(primitive, value, tag)?,
            None => self.sink.raw("null"),
        }
        list.has_value |= said.value.is_some();
        let has_companion = self.has_child(tag)? || said.id.is_some();
        if !has_companion && said.value.is_none() {
            self.note(tag.offset, &Fault::Empty)?;
        }
        if !has_companion && list.companions.is_none() {
            return Ok(());
        }
        let mut companions = list.companions.take().unwrap_or_else(|| self.aside());
        for _ in 0..if companions.bytes.is_empty() { list.count } else { 0 } {
            companions.comma();
            companions.raw("null");
        }
        companions.comma();
        companions.mark(tag.offset);
        std::mem::swap(&mut self.sink, &mut companions);
        let shape = self.definitions.element(list.element).and_then(Element::shape);
        let written = if has_companion { self.companion(shape, &said, tag) } else { self.no_companion() };
        std::mem::swap(&mut self.sink, &mut companions);
        list.companions = Some(companions);
        written
    }

    fn companion(&mut self, shape: Option<Shape<'static>>, said: &Said<'_>, tag: &Tag<'a>) -> Step {
        self.sink.raw("{");
        if let Some(id) = &said.id {
            self.sink.key("", "id");
            self.sink.string(id);
        }
        if let (Some(shape), true) = (shape, self.peeked.is_some()) {
            self.content(tag, shape)?;
        }
        self.sink.raw("}");
        Ok(())
    }

    fn no_companion(&mut self) -> Step {
        self.sink.raw("null");
        Ok(())
    }

    /// Whether there is an element in the element; it is read again by `child`. When there is none, its end has been read.
    fn has_child(&mut self, tag: &Tag<'a>) -> Step<bool> {
        if !tag.is_empty {
            self.peeked = self.child()?;
        }
        Ok(self.peeked.is_some())
    }

    fn literal(&mut self, primitive: Primitive, value: &str, tag: &Tag<'a>) -> Step {
        let expected = match primitive {
            Primitive::Boolean if !matches!(value, "true" | "false") => "true or false",
            Primitive::Decimal | Primitive::Integer | Primitive::PositiveInt | Primitive::UnsignedInt
                if lexer::number(value.as_bytes(), 0) != Ok(value.len()) =>
            {
                "a number like 0, -1.50 or 2e-3"
            }
            Primitive::Boolean
            | Primitive::Decimal
            | Primitive::Integer
            | Primitive::PositiveInt
            | Primitive::UnsignedInt => {
                self.sink.raw(value);
                return Ok(());
            }
            _ => {
                self.sink.string(value);
                return Ok(());
            }
        };
        self.note(tag.offset, &Fault::Value(expected))?;
        self.sink.string(value);
        Ok(())
    }

    fn div(&mut self, element: Element<'static>, tag: &Tag<'a>) -> Step {
        let passed = narrative::pass(&mut self.source, tag);
        let stands_alone = self.checked(passed)?;
        let text = self.source.slice(tag.offset, self.source.offset());
        let text = if stands_alone {
            Cow::Borrowed(text)
        } else {
            let plain = narrative::plain(text).map_err(|(offset, fault)| (tag.offset + offset, fault));
            Cow::Owned(self.checked(plain)?)
        };
        self.sink.comma();
        self.sink.mark(tag.offset);
        self.sink.key("", element.name());
        self.sink.string(&text);
        Ok(())
    }
}
