//! The items of an element: values, companions of primitives, or both.

use fhir::json::{Document, Kind, Value};

/// One item.
#[derive(Clone, Copy)]
pub(crate) struct Item<'a> {
    pub(crate) value: Option<Value<'a>>,
    pub(crate) companion: Option<Value<'a>>,
    /// The node that stands for it.
    pub(crate) node: u32,
}

impl<'a> Item<'a> {
    pub(crate) const fn of(value: Value<'a>) -> Self {
        Self { value: Some(value), companion: None, node: value.index() }
    }

    /// The object that has its members.
    pub(crate) fn object(self) -> Option<Value<'a>> {
        self.value.filter(|value| value.kind() == Kind::Object).or(self.companion)
    }

    /// The value, when there is more than a companion.
    pub(crate) fn present(self) -> Option<Value<'a>> {
        self.value.filter(|value| value.kind() != Kind::Null)
    }
}

/// All items of an element.
#[derive(Clone, Copy)]
pub(crate) struct Items<'a> {
    values: Option<Value<'a>>,
    companions: Option<Value<'a>>,
}

impl<'a> Items<'a> {
    /// Of a member of an object; of a primitive, with its partner.
    pub(crate) fn of(object: Value<'a>, member: Value<'a>, is_primitive: bool) -> Self {
        if !is_primitive {
            return Self { values: Some(member), companions: None };
        }
        let is_companion = |value: Value<'_>| value.name_bytes().first() == Some(&b'_');
        let element = member.node().element;
        let partner = object
            .children()
            .find(|other| other.node().element == element && is_companion(*other) != is_companion(member));
        if is_companion(member) {
            Self { values: partner, companions: Some(member) }
        } else {
            Self { values: Some(member), companions: partner }
        }
    }

    /// Values with their companions; none when there is neither.
    pub(crate) const fn pair(values: Option<Value<'a>>, companions: Option<Value<'a>>) -> Option<Self> {
        match (values, companions) {
            (None, None) => None,
            (values, companions) => Some(Self { values, companions }),
        }
    }

    /// The node of the whole element.
    pub(crate) fn node(self) -> u32 {
        self.values.or(self.companions).map_or(0, Value::index)
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Item<'a>> {
        let (mut values, mut companions) = (self.values.map(Side::of), self.companions.map(Side::of));
        std::iter::from_fn(move || {
            let value = values.as_mut().and_then(Side::next);
            let companion = companions.as_mut().and_then(Side::next);
            let node = value.or(companion)?.index();
            Some(Item { value, companion: companion.filter(|it| it.kind() == Kind::Object), node })
        })
    }

    pub(crate) fn count(self) -> usize {
        let count = |side: Option<Value<'_>>| side.map_or(0, |side| side.items().count());
        count(self.values).max(count(self.companions))
    }
}

/// Values or companions one after the other: the items of an array, or what stands alone.
struct Side<'a> {
    document: Document<'a>,
    next: u32,
    end: u32,
}

impl<'a> Side<'a> {
    fn of(value: Value<'a>) -> Self {
        let first = value.index() + u32::from(value.kind() == Kind::Array);
        Self { document: value.document(), next: first, end: value.node().after }
    }

    fn next(&mut self) -> Option<Value<'a>> {
        let value = self.document.at(self.next).filter(|_| self.next < self.end)?;
        self.next = value.node().after;
        Some(value)
    }
}

/// A set of items; no allocation for up to 64.
#[derive(Clone, Default)]
pub(crate) struct Chosen {
    first: u64,
    more: Vec<u64>,
}

impl Chosen {
    pub(crate) fn insert(&mut self, item: usize) {
        if item < 64 {
            self.first |= 1 << item;
            return;
        }
        let word = item / 64 - 1;
        if self.more.len() <= word {
            self.more.resize(word + 1, 0);
        }
        if let Some(bits) = self.more.get_mut(word) {
            *bits |= 1 << (item % 64);
        }
    }

    pub(crate) fn has(&self, item: usize) -> bool {
        let word = if item < 64 { Some(self.first) } else { self.more.get(item / 64 - 1).copied() };
        word.is_some_and(|bits| bits >> (item % 64) & 1 == 1)
    }

    pub(crate) fn count(&self) -> usize {
        let more: u32 = self.more.iter().map(|bits| bits.count_ones()).sum();
        (self.first.count_ones() + more) as usize
    }
}
