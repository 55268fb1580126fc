//! The order in which entries of several back ends are merged.

use std::cmp::Ordering;

use fhir::json::Document;
use fhir::{Query, ResourceType};
use search::{IndexValue, Vocabulary};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// `_sort`; without it the last updated comes first (search.html#sort leaves that to the server).
pub(super) struct Order {
    keys: Vec<(String, bool)>,
    /// Whether the client asked for it.
    is_asked: bool,
}

/// What an entry is sorted by, under one key.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Key {
    Number(f64),
    Instant(i64),
    Text(String),
    /// It has no value: last, whatever the direction.
    Missing,
}

impl Order {
    /// The order that a query asks for.
    pub(super) fn of(query: &Query) -> Self {
        let named = query.all("_sort").flat_map(|value| value.split(',')).filter(|key| !key.is_empty());
        let keys: Vec<_> = named
            .map(|key| match key.strip_prefix('-') {
                Some(key) => (key.to_owned(), true),
                None => (key.to_owned(), false),
            })
            .collect();
        match keys.is_empty() {
            true => Self::newest_first(),
            false => Self { keys, is_asked: true },
        }
    }

    /// The order of a history.
    pub(super) fn newest_first() -> Self {
        Self { keys: vec![("_lastUpdated".to_owned(), true)], is_asked: false }
    }

    /// What a version of a history is sorted by: when it was made.
    pub(super) fn of_change(&self, at: &str) -> Option<Key> {
        let at = OffsetDateTime::parse(at, &Rfc3339).ok().filter(|_| !self.is_asked)?;
        i64::try_from(at.unix_timestamp_nanos() / 1_000).ok().map(Key::Instant)
    }

    pub(super) const fn is_asked(&self) -> bool {
        self.is_asked
    }

    /// What a resource is sorted by: of several values the first in the key's direction.
    pub(super) fn keys(&self, document: Document<'_>, of: ResourceType, vocabulary: Vocabulary) -> Vec<Key> {
        let mut keys = vec![Key::Missing; self.keys.len()];
        search::extract(document, of, vocabulary, &mut |parameter, value| {
            for ((code, descending), key) in self.keys.iter().zip(&mut keys) {
                if *code != parameter.code {
                    continue;
                }
                let value = Key::new(&value);
                if directed(&value, key, *descending) == Ordering::Less {
                    *key = value;
                }
            }
        });
        keys
    }

    /// Compares two entries by their keys.
    pub(super) fn compare(&self, left: &[Key], right: &[Key]) -> Ordering {
        let pairs = self.keys.iter().zip(left.iter().zip(right));
        pairs
            .map(|((_, descending), (left, right))| directed(left, right, *descending))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

/// What is missing comes last in both directions.
fn directed(left: &Key, right: &Key, descending: bool) -> Ordering {
    match (left, right) {
        (Key::Missing, Key::Missing) => Ordering::Equal,
        (Key::Missing, _) => Ordering::Greater,
        (_, Key::Missing) => Ordering::Less,
        _ if descending => right.compare(left),
        _ => left.compare(right),
    }
}

impl Key {
    fn new(value: &IndexValue<'_>) -> Self {
        let text = |text: Option<&std::borrow::Cow<'_, str>>| {
            text.map_or(Self::Missing, |text| Self::Text(text.clone().into_owned()))
        };
        match value {
            IndexValue::Date { low, .. } => Self::Instant(*low),
            IndexValue::Quantity { canonical: Some(canonical), .. } => Self::Number(canonical.low),
            IndexValue::Number { low, .. } | IndexValue::Quantity { low, .. } => Self::Number(*low),
            IndexValue::Text { normalized, .. } => text(Some(normalized)),
            IndexValue::Token { code, .. } => text(code.as_ref()),
            IndexValue::Reference(reference) => text(reference.id.as_ref().or(reference.url.as_ref())),
            IndexValue::Uri(uri) => text(Some(uri)),
            IndexValue::TypedIdentifier { .. } | IndexValue::Composite { .. } => Self::Missing,
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(left), Self::Number(right)) => left.total_cmp(right),
            (Self::Instant(left), Self::Instant(right)) => left.cmp(right),
            (Self::Text(left), Self::Text(right)) => left.cmp(right),
            _ => Ordering::Equal,
        }
    }
}
