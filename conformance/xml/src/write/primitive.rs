//! Primitives: literal and companion to one element (json.html#primitive).

use definitions::{Element, Primitive};
use fhir::json::{Kind, Value, lexer};

use super::{Step, Writer, text};
use crate::fault::Fault;
use crate::narrative;

impl<'a> Writer<'a, '_> {
    /// A primitive: one or a list, as values, companions or both.
    pub(super) fn primitive(
        &mut self,
        element: Element<'static>,
        primitive: Primitive,
        value: Option<Value<'a>>,
        companion: Option<Value<'a>>,
    ) -> Step {
        if !element.is_list() {
            self.path.push(element.path_name(), None);
            self.primitive_one(element, primitive, value, companion)?;
            self.path.pop();
            return Ok(());
        }
        for side in [value, companion].into_iter().flatten() {
            self.expect_items(element, side)?;
        }
        let mut values = value.into_iter().flat_map(Value::children);
        let mut companions = companion.into_iter().flat_map(Value::children);
        for index in 0_u32.. {
            let (value, companion) = (values.next(), companions.next());
            if value.is_none() && companion.is_none() {
                break;
            }
            self.path.push(element.path_name(), Some(index));
            self.primitive_one(element, primitive, not_null(value), not_null(companion))?;
            self.path.pop();
        }
        Ok(())
    }

    fn primitive_one(
        &mut self,
        element: Element<'static>,
        primitive: Primitive,
        value: Option<Value<'a>>,
        companion: Option<Value<'a>>,
    ) -> Step {
        let Some(either) = value.or(companion) else { return Err(Fault::Empty) };
        self.at(either);
        if primitive == Primitive::Xhtml {
            return self.div(value);
        }
        self.start(element.name());
        let Some(companion) = companion else {
            self.value(primitive, value)?;
            self.raw("/>");
            return Ok(());
        };
        if companion.kind() != Kind::Object {
            self.at(companion);
            return Err(Fault::Object);
        }
        let shape = element.shape().ok_or(Fault::Object)?;
        let members = self.members(companion, shape, false)?;
        self.head(&members)?;
        self.value(primitive, value)?;
        self.body(element.name(), &members)
    }

    /// ` value="…"`, when there is one.
    fn value(&mut self, primitive: Primitive, value: Option<Value<'a>>) -> Step {
        let Some(value) = value else { return Ok(()) };
        self.at(value);
        expect_kind(primitive, value.kind())?;
        self.raw(" value=\"");
        self.text(value)?;
        self.raw("\"");
        Ok(())
    }

    /// ` id="…"` or ` url="…"`
    pub(super) fn attribute(&mut self, element: Element<'static>, value: Value<'a>) -> Step {
        self.path.push(element.name(), None);
        self.at(value);
        expect_kind(Primitive::String, value.kind())?;
        self.raw(" ");
        self.raw(element.name());
        self.raw("=\"");
        self.text(value)?;
        self.raw("\"");
        self.path.pop();
        Ok(())
    }

    /// The text of a literal, escaped for an attribute.
    fn text(&mut self, value: Value<'a>) -> Step {
        let inner = match value.kind() {
            Kind::String => inside(value),
            Kind::EscapedString => {
                self.text.clear();
                lexer::unescape(inside(value), &mut self.text);
                &self.text
            }
            _ => value.raw(),
        };
        text::escape(inner, self.out)
    }

    fn div(&mut self, value: Option<Value<'a>>) -> Step {
        let text = value.and_then(Value::text).ok_or(Fault::NotOneDiv)?;
        let div = narrative::check(&text)?;
        self.new_line();
        self.out.extend_from_slice(div.as_bytes());
        Ok(())
    }
}

/// Null stands for nothing in a list of primitives.
fn not_null(value: Option<Value<'_>>) -> Option<Value<'_>> {
    value.filter(|value| value.kind() != Kind::Null)
}

/// What stands between the quotes of a string.
fn inside(value: Value<'_>) -> &[u8] {
    let raw = value.raw();
    raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default()
}

/// XML does not tell a number from its text: only the JSON type of the primitive comes back.
fn expect_kind(primitive: Primitive, kind: Kind) -> Step {
    let (is_right, expected) = match primitive {
        Primitive::Boolean => (matches!(kind, Kind::True | Kind::False), "true or false"),
        Primitive::Decimal | Primitive::Integer | Primitive::PositiveInt | Primitive::UnsignedInt => {
            (kind == Kind::Number, "a number")
        }
        _ => (matches!(kind, Kind::String | Kind::EscapedString), "a string"),
    };
    if is_right { Ok(()) } else { Err(Fault::Value(expected)) }
}
