//! Values that no definition describes: passed over, but with nodes, and with the rules of JSON.

use definitions::Element;
use fhir::json::lexer::{literal, number, string};
use fhir::json::{Fault, Kind, SyntaxError};

use super::{Name, Scanner, Step};

impl Scanner<'_> {
    pub(super) fn untyped(&mut self, name: Name) -> Step {
        self.literal(name, 0).map(|_| ())
    }

    /// Passes over a value that is not what its element says.
    #[cold]
    pub(super) fn pass_over(&mut self, name: Name, element: Element<'static>) -> Step {
        self.literal(name, element.id().raw()).map(|_| ())
    }

    /// Reads any value; an object or array with all that is in it.
    pub(super) fn literal(&mut self, name: Name, element: u32) -> Step<Kind> {
        let start = self.at;
        let read = match self.byte() {
            Some(b'"') => string(self.bytes, start + 1)
                .map(|quoted| (if quoted.escaped { Kind::EscapedString } else { Kind::String }, quoted.close + 1)),
            Some(b'-' | b'0'..=b'9') => number(self.bytes, start).map(|end| (Kind::Number, end)),
            Some(b't') => literal(self.bytes, start, "true").map(|end| (Kind::True, end)),
            Some(b'f') => literal(self.bytes, start, "false").map(|end| (Kind::False, end)),
            Some(b'n') => literal(self.bytes, start, "null").map(|end| (Kind::Null, end)),
            Some(b'{') => return self.untyped_object(name, element),
            Some(b'[') => return self.untyped_array(name, element),
            _ => Err(SyntaxError { offset: start, fault: Fault::Value }),
        };
        match read {
            Ok((kind, end)) => {
                self.push(kind, name, start, end, element)?;
                self.at = end;
                Ok(kind)
            }
            Err(error) => self.syntax(error),
        }
    }

    fn untyped_object(&mut self, name: Name, element: u32) -> Step<Kind> {
        let index = self.open(Kind::Object, name, element)?;
        let mut is_first = true;
        while self.more_members(is_first)? {
            is_first = false;
            let name = self.member_name()?;
            self.untyped(name)?;
        }
        self.close(index);
        Ok(Kind::Object)
    }

    fn untyped_array(&mut self, name: Name, element: u32) -> Step<Kind> {
        let index = self.open(Kind::Array, name, element)?;
        let mut is_first = true;
        while self.more_items(is_first)? {
            is_first = false;
            self.untyped(Name::default())?;
        }
        self.close(index);
        Ok(Kind::Array)
    }
}
