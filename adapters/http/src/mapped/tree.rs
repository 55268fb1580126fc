//! JSON that is put together: members in order, numbers as they are written.

use adapter::Error;
use fhir::json::{Document, Kind, Value};

use crate::document::index;

/// A JSON value. Its depth is bounded by the scan it came from, or by the table that made it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree {
    Null,
    Boolean(bool),
    /// As it is written.
    Number(String),
    Text(String),
    Array(Vec<Self>),
    Object(Vec<(String, Self)>),
}

/// Empty places that an array may get in front of what is set.
const LONGEST_GAP: usize = 64;

impl Tree {
    /// Reads a JSON text.
    ///
    /// # Errors
    /// As [`index`].
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Error> {
        let nodes = index(bytes)?;
        Ok(Document::new(bytes, &nodes).root().map_or(Self::Null, Self::of))
    }

    /// Copies a value. The scan has bounded the depth.
    pub(crate) fn of(value: Value<'_>) -> Self {
        match value.kind() {
            Kind::Object => {
                Self::Object(value.children().map(|child| (child.name().to_owned(), Self::of(child))).collect())
            }
            Kind::Array => Self::Array(value.children().map(Self::of).collect()),
            Kind::String | Kind::EscapedString => Self::Text(value.text().unwrap_or_default().into_owned()),
            Kind::Number => Self::Number(value.number().unwrap_or("0").to_owned()),
            _ => value.boolean().map_or(Self::Null, Self::Boolean),
        }
    }

    /// A value of the configuration.
    pub(crate) fn of_setting(value: &serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(value) => Self::Boolean(*value),
            serde_json::Value::Number(number) => Self::Number(number.to_string()),
            serde_json::Value::String(text) => Self::Text(text.clone()),
            serde_json::Value::Array(items) => Self::Array(items.iter().map(Self::of_setting).collect()),
            serde_json::Value::Object(members) => {
                Self::Object(members.iter().map(|(name, value)| (name.clone(), Self::of_setting(value))).collect())
            }
        }
    }

    pub(crate) const fn object() -> Self {
        Self::Object(Vec::new())
    }

    /// The member of an object.
    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(known, _)| known == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text of a value that has one: a string, a number, a boolean.
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) | Self::Number(text) => Some(text.clone()),
            Self::Boolean(value) => Some(value.to_string()),
            _ => None,
        }
    }

    /// The place of a member, made where there is none; what stands there and is no object is replaced.
    pub(crate) fn member_place(&mut self, name: &str) -> Option<&mut Self> {
        if !matches!(self, Self::Object(_)) {
            *self = Self::object();
        }
        let Self::Object(members) = self else { return None };
        let place = match members.iter().position(|(known, _)| known == name) {
            Some(place) => place,
            None => {
                members.push((name.to_owned(), Self::Null));
                members.len() - 1
            }
        };
        members.get_mut(place).map(|(_, value)| value)
    }

    /// The place of an item, made where there is none. None far behind the end.
    pub(crate) fn item_place(&mut self, index: usize) -> Option<&mut Self> {
        if !matches!(self, Self::Array(_)) {
            *self = Self::Array(Vec::new());
        }
        let Self::Array(items) = self else { return None };
        if index > items.len() + LONGEST_GAP {
            return None;
        }
        while items.len() <= index {
            items.push(Self::Null);
        }
        items.get_mut(index)
    }

    /// The value at an RFC 6901 pointer.
    pub(crate) fn at(&self, pointer: &super::pointer::Pointer) -> Option<&Self> {
        pointer.parts().iter().try_fold(self, |value, part| match value {
            Self::Array(items) => items.get(part.parse::<usize>().ok()?),
            other => other.member(part),
        })
    }

    /// Puts a value at a pointer; a part that is a number is a place in an array.
    pub(crate) fn put(&mut self, pointer: &super::pointer::Pointer, value: Self) {
        let mut place = Some(self);
        for part in pointer.parts() {
            place = place.and_then(|place| match part.parse::<usize>() {
                Ok(index) => place.item_place(index),
                Err(_) => place.member_place(part),
            });
        }
        if let Some(place) = place {
            *place = value;
        }
    }

    /// Takes out what says nothing: nulls, empty objects, empty arrays (json.html: neither is FHIR).
    pub(crate) fn pruned(self) -> Option<Self> {
        match self {
            Self::Null => None,
            Self::Array(items) => {
                let items: Vec<Self> = items.into_iter().filter_map(Self::pruned).collect();
                (!items.is_empty()).then_some(Self::Array(items))
            }
            Self::Object(members) => {
                let members: Vec<_> =
                    members.into_iter().filter_map(|(name, value)| Some((name, value.pruned()?))).collect();
                (!members.is_empty()).then_some(Self::Object(members))
            }
            other => Some(other),
        }
    }

    /// Writes it.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Boolean(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
            Self::Number(text) => out.extend_from_slice(text.as_bytes()),
            Self::Text(text) => write_text(text, out),
            Self::Array(items) => {
                let write = |item: &Self, out: &mut Vec<u8>| item.write(out);
                separated(b'[', items, b']', out, write);
            }
            Self::Object(members) => separated(b'{', members, b'}', out, |(name, value), out| {
                write_text(name, out);
                out.push(b':');
                value.write(out);
            }),
        }
    }

    /// The JSON text.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    /// The paths of all values that have no members: `name[0].family`.
    pub(crate) fn leaves(&self) -> Vec<(String, &Self)> {
        let mut found = Vec::new();
        self.walk(String::new(), &mut found);
        found
    }

    fn walk<'t>(&'t self, path: String, found: &mut Vec<(String, &'t Self)>) {
        match self {
            Self::Object(members) => {
                for (name, value) in members {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    value.walk(path, found);
                }
            }
            Self::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    item.walk(format!("{path}[{index}]"), found);
                }
            }
            leaf => found.push((path, leaf)),
        }
    }
}

fn separated<T>(open: u8, items: &[T], close: u8, out: &mut Vec<u8>, write: impl Fn(&T, &mut Vec<u8>)) {
    out.push(open);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(close);
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    // A string always has a JSON text.
    serde_json::to_writer(out, text).ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_as_it_was() {
        let text = r#"{"a":[1.50,"x\"",null,true,{"b":-0}],"c":{}}"#;
        assert_eq!(String::from_utf8(Tree::read(text.as_bytes()).unwrap().to_bytes()).unwrap(), text);
    }

    #[test]
    fn a_value_is_put_and_found_where_a_pointer_says() {
        let mut tree = Tree::object();
        let pointer = "/a~1b/1/c".parse().unwrap();
        tree.put(&pointer, Tree::Boolean(true));
        assert_eq!(tree.to_bytes(), br#"{"a/b":[null,{"c":true}]}"#);
        assert_eq!(tree.at(&pointer), Some(&Tree::Boolean(true)));
        let far = "/a~1b/99999999999".parse().unwrap();
        tree.put(&far, Tree::Null);
        assert_eq!(tree.pruned().unwrap().to_bytes(), br#"{"a/b":[{"c":true}]}"#);
    }
}
