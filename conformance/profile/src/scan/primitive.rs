//! Values of primitive types.

use definitions::{Element, Primitive, ValueSet};
use fhir::json::Kind;
use fhir::json::lexer::{Quoted, string, unescape};
use fhir::narrative;

use super::{Name, Scanner, Step};
use crate::finding::Problem;
use crate::format::{self, Numeric};

impl Scanner<'_> {
    #[inline]
    pub(super) fn primitive(&mut self, name: Name, element: Element<'static>, primitive: Primitive) -> Step {
        if self.byte() == Some(b'"') {
            return self.quoted(name, element, primitive);
        }
        if matches!(self.byte(), Some(b'{' | b'[' | b'n')) {
            return self.no_primitive(name, element, primitive);
        }
        let (index, start) = (self.next_node(), self.at);
        let kind = self.literal(name, element.id().raw())?;
        if element.has_invariants() {
            self.note_invariants(index, element.id(), 0);
        }
        let value = self.bytes.get(start..self.at).unwrap_or_default();
        match literal_problem(primitive, kind, value) {
            Some(problem) => self.report_at(index, problem),
            None => Ok(()),
        }
    }

    fn quoted(&mut self, name: Name, element: Element<'static>, primitive: Primitive) -> Step {
        let start = self.at + 1;
        let Quoted { close, escaped } = match string(self.bytes, start) {
            Ok(quoted) => quoted,
            Err(error) => return self.syntax(error),
        };
        let kind = if escaped { Kind::EscapedString } else { Kind::String };
        let index = self.push(kind, name, self.at, close + 1, element.id().raw())?;
        self.at = close + 1;
        if element.has_invariants() {
            self.note_invariants(index, element.id(), 0);
        }
        let value = self.bytes.get(start..close).unwrap_or_default();
        let problem = if escaped {
            self.escaped_problem(element, primitive, value)
        } else {
            string_problem(element, primitive, value, false)
        };
        match problem {
            Some(problem) => self.report_at(index, problem),
            None => Ok(()),
        }
    }

    fn escaped_problem(&mut self, element: Element<'static>, primitive: Primitive, value: &[u8]) -> Option<Problem> {
        let text = &mut self.scratch.text;
        text.clear();
        unescape(value, text);
        string_problem(element, primitive, text, true)
    }

    /// `null`, an array or an object where a literal is expected.
    #[cold]
    fn no_primitive(&mut self, name: Name, element: Element<'static>, primitive: Primitive) -> Step {
        match self.byte() {
            // In a list it may stand for a value that is only a companion; that is known when the object ends.
            Some(b'n') if name.length == 0 => return self.literal(name, element.id().raw()).map(|_| ()),
            Some(b'n') => self.report(Problem::Null)?,
            Some(b'[') => self.report(Problem::ExpectedSingle)?,
            _ => self.report(Problem::ExpectedPrimitive(primitive))?,
        }
        self.pass_over(name, element)
    }
}

/// What is wrong with what stands without quotes.
fn literal_problem(primitive: Primitive, kind: Kind, value: &[u8]) -> Option<Problem> {
    match (primitive, kind) {
        (Primitive::Boolean, Kind::True | Kind::False) => None,
        (Primitive::Decimal | Primitive::Integer | Primitive::PositiveInt | Primitive::UnsignedInt, Kind::Number) => {
            number_problem(primitive, value)
        }
        _ => Some(Problem::ExpectedPrimitive(primitive)),
    }
}

fn number_problem(primitive: Primitive, value: &[u8]) -> Option<Problem> {
    let numeric =
        if primitive == Primitive::Decimal { format::decimal(value) } else { format::integer(primitive, value) };
    match numeric {
        Numeric::Fits => None,
        Numeric::NotWhole => Some(Problem::Format(primitive)),
        Numeric::OutOfRange => Some(Problem::Range(primitive)),
    }
}

#[inline]
fn string_problem(element: Element<'static>, primitive: Primitive, value: &[u8], was_escaped: bool) -> Option<Problem> {
    if is_unquoted(primitive) {
        return Some(Problem::ExpectedPrimitive(primitive));
    }
    if value.is_empty() {
        return Some(Problem::EmptyString);
    }
    if let (Primitive::Code, Some(codes)) = (primitive, element.required_codes()) {
        return code_problem(element, codes, value);
    }
    let is_text = matches!(primitive, Primitive::String | Primitive::Markdown);
    // NUL cannot stand in a string without escapes.
    let is_plain = is_text && !was_escaped && value.len() <= 1024 * 1024;
    if !is_plain && !format::is_valid(primitive, value) {
        return Some(Problem::Format(primitive));
    }
    match primitive {
        Primitive::Xhtml => narrative::fault(value).map(Problem::Narrative),
        Primitive::String if element.is_element_id() && !format::has_no_space(value) => Some(Problem::ElementId),
        _ => None,
    }
}

/// Whether values of the type are no strings.
#[inline]
const fn is_unquoted(primitive: Primitive) -> bool {
    matches!(
        primitive,
        Primitive::Boolean | Primitive::Decimal | Primitive::Integer | Primitive::PositiveInt | Primitive::UnsignedInt
    )
}

/// A code of the value set has the form of a code, too.
#[inline]
fn code_problem(element: Element<'static>, codes: ValueSet<'static>, value: &[u8]) -> Option<Problem> {
    if codes.has_code(value) {
        None
    } else if !format::is_valid(Primitive::Code, value) {
        Some(Problem::Format(Primitive::Code))
    } else {
        (!codes.is_open()).then_some(Problem::Code(element.id()))
    }
}
