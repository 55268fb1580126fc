//! Follows the brackets of JSON, and reads `resourceType` and `id` of the root.

use super::Malformed;

/// Where a document is between its strings.
#[derive(Default)]
pub(super) struct Shape {
    /// A bit for each open bracket, the innermost last: 1 for an object.
    open: u128,
    depth: u8,
    started: bool,
    /// The next string of an object is a member's name.
    expects_name: bool,
    string: Text,
    member: Member,
    captured: Vec<u8>,
    resource_type: Option<String>,
    id: Option<String>,
}

/// How a string begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// The name of a member, or a value that we read ourselves.
    Other,
    /// A value.
    Value,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Text {
    #[default]
    Passed,
    RootName,
    RootValue,
}

/// The root's member that is being read.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Member {
    #[default]
    Other,
    ResourceType,
    Id,
}

/// Longer than any resource type and id.
const CAPTURE_LIMIT: usize = 80;
const DEEPEST: u8 = 127;

impl Shape {
    /// Goes on to the byte behind the next quote, or to the end. Returns how far, and how the string begins.
    pub(super) fn skip(&mut self, bytes: &[u8]) -> Result<(usize, Option<Start>), Malformed> {
        for (index, byte) in bytes.iter().enumerate() {
            match byte {
                b' ' | b'\n' | b'\r' | b'\t' => {}
                _ if self.depth == 0 => self.outside(*byte)?,
                b'"' => return Ok((index + 1, Some(self.begin_string()))),
                b'{' => self.enter(true)?,
                b'[' => self.enter(false)?,
                b'}' => self.leave(true)?,
                b']' => self.leave(false)?,
                b':' => self.expects_name = false,
                b',' => self.expects_name = self.open & 1 == 1,
                b'0'..=b'9' | b'-' | b'+' | b'.' | b'a'..=b'z' | b'E' => {}
                _ => return Err(Malformed::NotJson),
            }
        }
        Ok((bytes.len(), None))
    }

    pub(super) fn capture(&mut self, bytes: &[u8]) {
        if self.string != Text::Passed && self.captured.len() < CAPTURE_LIMIT {
            let room = bytes.len().min(CAPTURE_LIMIT - self.captured.len());
            self.captured.extend_from_slice(bytes.get(..room).unwrap_or_default());
        }
    }

    pub(super) fn end_string(&mut self) {
        match std::mem::take(&mut self.string) {
            Text::Passed => {}
            Text::RootName => {
                self.member = match self.captured.as_slice() {
                    b"resourceType" => Member::ResourceType,
                    b"id" => Member::Id,
                    _ => Member::Other,
                };
            }
            Text::RootValue => {
                let text = Some(String::from_utf8_lossy(&self.captured).into_owned());
                match self.member {
                    Member::ResourceType => self.resource_type = text,
                    Member::Id => self.id = text,
                    Member::Other => {}
                }
            }
        }
        self.captured.clear();
    }

    pub(super) fn is_complete(&self) -> bool {
        self.started && self.depth == 0
    }

    pub(super) fn resource_type(&self) -> Option<&str> {
        self.resource_type.as_deref()
    }

    pub(super) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    fn outside(&mut self, byte: u8) -> Result<(), Malformed> {
        match byte {
            _ if self.started => Err(Malformed::Trailing),
            b'{' => {
                self.started = true;
                self.enter(true)
            }
            _ => Err(Malformed::NotAnObject),
        }
    }

    fn begin_string(&mut self) -> Start {
        let of_root = self.depth == 1;
        let is_name = self.expects_name;
        self.string = match (of_root, is_name, self.member) {
            (true, true, _) => Text::RootName,
            (true, false, Member::ResourceType | Member::Id) => Text::RootValue,
            _ => Text::Passed,
        };
        if is_name || self.string != Text::Passed { Start::Other } else { Start::Value }
    }

    fn enter(&mut self, object: bool) -> Result<(), Malformed> {
        if self.depth == DEEPEST {
            return Err(Malformed::TooDeep);
        }
        self.depth += 1;
        self.open = (self.open << 1) | u128::from(object);
        self.expects_name = object;
        Ok(())
    }

    fn leave(&mut self, object: bool) -> Result<(), Malformed> {
        if self.depth == 0 || (self.open & 1 == 1) != object {
            return Err(Malformed::Unbalanced);
        }
        self.depth -= 1;
        self.open >>= 1;
        self.expects_name = false;
        Ok(())
    }
}
