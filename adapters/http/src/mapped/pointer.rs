//! JSON Pointer (RFC 6901).

use std::borrow::Cow;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

/// A place in their JSON: `/patient/names/0`; empty for the whole. Has at most 32 parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pointer(Vec<String>);

/// A text that is no pointer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a JSON Pointer, expected such as `/patient/names/0` (`~1` for a slash, `~0` for a tilde in a name)"
)]
pub struct NotAPointer(String);

const MOST_PARTS: usize = 32;

impl Pointer {
    /// Its parts, unescaped.
    #[must_use]
    pub fn parts(&self) -> &[String] {
        &self.0
    }
}

impl FromStr for Pointer {
    type Err = NotAPointer;

    fn from_str(text: &str) -> Result<Self, NotAPointer> {
        let wrong = || NotAPointer(text.to_owned());
        if text.is_empty() {
            return Ok(Self::default());
        }
        let parts: Option<Vec<String>> = text.strip_prefix('/').ok_or_else(wrong)?.split('/').map(unescaped).collect();
        parts.filter(|parts| parts.len() <= MOST_PARTS).map(Self).ok_or_else(wrong)
    }
}

fn unescaped(part: &str) -> Option<String> {
    let mut rest = part.split('~');
    let mut text = rest.next().unwrap_or_default().to_owned();
    for piece in rest {
        text.push(match piece.bytes().next()? {
            b'0' => '~',
            b'1' => '/',
            _ => return None,
        });
        text.push_str(&piece[1..]);
    }
    Some(text)
}

impl<'de> Deserialize<'de> for Pointer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Pointer {
    fn schema_name() -> Cow<'static, str> {
        "Pointer".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^(/([^~/]|~0|~1)*)*$", "description": "a JSON Pointer (RFC 6901)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_begins_with_a_slash_and_escapes_slashes_and_tildes() {
        assert_eq!("".parse::<Pointer>().unwrap().parts().len(), 0);
        assert_eq!("/a~1b/~01".parse::<Pointer>().unwrap().parts(), ["a/b", "~1"]);
        for wrong in ["a", "/a~", "/a~2", "/~é"] {
            assert!(wrong.parse::<Pointer>().is_err(), "{wrong}");
        }
    }
}
