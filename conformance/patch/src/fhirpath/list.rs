//! An element that repeats: an array of values, and of primitives an array of companions beside it, in which `null` keeps the places
//! (json.html#primitive).

use ::fhirpath::Element;
use fhir::json::{Kind, Value};

use super::spot::{Spot, put_member, remove_at};
use super::value::Content;
use crate::error::Reason;
use crate::text::{Step, Text};

/// The place of a list.
pub(super) struct List {
    /// The object that it is a member of.
    pub(super) object: Vec<Step>,
    /// The member, without the `_` of companions.
    pub(super) name: String,
}

impl List {
    /// The list that elements are all of.
    pub(super) fn of(text: &Text, elements: &[Element]) -> Result<Self, Reason> {
        let whole = || Reason::unsuitable("expected a path to all items of one list");
        let mut spots = Vec::with_capacity(elements.len());
        for element in elements {
            spots.push(Spot::of(text.document(), *element)?);
        }
        let first = spots.first().ok_or_else(|| Reason::unsuitable("expected a path to a list, found nothing"))?;
        let is_item = |(place, spot): (usize, &Spot)| {
            spot.index == Some(place) && spot.name == first.name && spot.object == first.object
        };
        if !spots.iter().enumerate().all(is_item) {
            return Err(whole());
        }
        let list = Self { object: first.object.clone(), name: first.name.clone() };
        if list.length(text)? == spots.len() { Ok(list) } else { Err(whole()) }
    }

    /// How many items it has; none where it is absent.
    pub(super) fn length(&self, text: &Text) -> Result<usize, Reason> {
        let mut length = 0;
        for name in self.names() {
            length = length.max(self.items(text, &name)?.map_or(0, |array| array.children().count()));
        }
        Ok(length)
    }

    /// Puts an item before the one at `index`.
    pub(super) fn insert(&self, text: &mut Text, index: usize, content: &Content) -> Result<(), Reason> {
        let length = self.length(text)?;
        if index > length {
            return Err(Reason::unsuitable(format!("expected an index of 0 to {length}")));
        }
        for (name, raw) in self.names().iter().zip([&content.value, &content.companion]) {
            if raw.is_none() && self.items(text, name)?.is_none() {
                continue;
            }
            let array = self.padded(text, name, length)?;
            text.insert(array, index, raw.as_deref().unwrap_or(b"null"))?;
        }
        self.drop_nulls(text)
    }

    /// Takes the item at `index` out.
    pub(super) fn remove(&self, text: &mut Text, index: usize) -> Result<(), Reason> {
        for name in self.names() {
            remove_at(text, &self.item(&name, index))?;
        }
        self.drop_nulls(text)
    }

    /// Puts another item in the place of the one at `index`.
    pub(super) fn replace(&self, text: &mut Text, index: usize, content: &Content) -> Result<(), Reason> {
        let [values, _] = self.names();
        self.set(text, &values, index, content.value.as_deref())?;
        self.put_companion(text, index, content.companion.as_deref())
    }

    /// Puts a companion to the item at `index`, or takes it out.
    pub(super) fn put_companion(&self, text: &mut Text, index: usize, raw: Option<&[u8]>) -> Result<(), Reason> {
        let [_, companions] = self.names();
        self.set(text, &companions, index, raw)?;
        self.drop_nulls(text)
    }

    /// Takes the item at `source` out and puts it at `destination` of what is left.
    pub(super) fn shift(&self, text: &mut Text, source: usize, destination: usize) -> Result<(), Reason> {
        let length = self.length(text)?;
        if source >= length || destination >= length {
            return Err(Reason::unsuitable(format!("expected source and destination below {length}")));
        }
        if source == destination {
            return Ok(());
        }
        let raw = |name: &str| {
            let item = text.find(&self.item(name, source)).filter(|item| item.kind() != Kind::Null);
            item.map(|item| item.raw().to_vec())
        };
        let [values, companions] = self.names();
        let content = Content { type_name: None, value: raw(&values), companion: raw(&companions) };
        self.remove(text, source)?;
        // What is left may have lost an array that had the one value of it, and its places with it.
        self.insert_into(text, length - 1, destination, &content)
    }

    fn insert_into(&self, text: &mut Text, length: usize, index: usize, content: &Content) -> Result<(), Reason> {
        for (name, raw) in self.names().iter().zip([&content.value, &content.companion]) {
            if raw.is_some() {
                self.padded(text, name, length)?;
            }
        }
        self.insert(text, index, content)
    }

    fn set(&self, text: &mut Text, name: &str, index: usize, raw: Option<&[u8]>) -> Result<(), Reason> {
        if raw.is_none() && self.items(text, name)?.is_none() {
            return Ok(());
        }
        let length = self.length(text)?;
        self.padded(text, name, length)?;
        let item = text.find(&self.item(name, index)).map(Value::index);
        let item = item.ok_or_else(|| Reason::unsuitable("expected an item that is there"))?;
        text.replace(item, raw.unwrap_or(b"null"))
    }

    /// The array of that name, with at least so many items; made where there is none.
    fn padded(&self, text: &mut Text, name: &str, length: usize) -> Result<u32, Reason> {
        let there = self.items(text, name)?.map(|array| array.children().count());
        match there {
            Some(there) if there >= length => {}
            Some(there) => {
                let raw = self.items(text, name)?.map(|array| array.raw().to_vec()).unwrap_or_default();
                let inner = raw.get(..raw.len().saturating_sub(1)).unwrap_or_default();
                let comma = if there == 0 { "" } else { "," };
                let filled = [inner, comma.as_bytes(), nulls(length - there).as_bytes(), b"]"].concat();
                put_member(text, &self.object, name, &filled)?;
            }
            None => put_member(text, &self.object, name, format!("[{}]", nulls(length)).as_bytes())?,
        }
        self.items(text, name)?.map(Value::index).ok_or_else(super::beyond)
    }

    fn drop_nulls(&self, text: &mut Text) -> Result<(), Reason> {
        for name in self.names() {
            if let Some(array) = self.items(text, &name)?.map(Value::index) {
                text.drop_nulls(array)?;
            }
        }
        Ok(())
    }

    fn items<'t>(&self, text: &'t Text, name: &str) -> Result<Option<Value<'t>>, Reason> {
        let mut path = self.object.clone();
        path.push(Step::Name(name.to_owned()));
        match text.find(&path) {
            Some(array) if array.kind() != Kind::Array => {
                Err(Reason::unsuitable("expected a list to be an array in the resource"))
            }
            found => Ok(found),
        }
    }

    fn item(&self, name: &str, index: usize) -> Vec<Step> {
        let mut path = self.object.clone();
        path.extend([Step::Name(name.to_owned()), Step::Item(index)]);
        path
    }

    fn names(&self) -> [String; 2] {
        [self.name.clone(), format!("_{}", self.name)]
    }
}

fn nulls(count: usize) -> String {
    vec!["null"; count].join(",")
}
