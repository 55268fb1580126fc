//! What a reference leads to within a Bundle (bundle.html#references).

use std::borrow::Cow;
use std::collections::HashMap;

use fhir::json::Value;

use super::super::{datatype, read};
use super::entry::restful;
use crate::validator::Subject;

/// An entry with a resource.
pub(super) struct Entry<'a> {
    pub(super) entry: Value<'a>,
    pub(super) resource: Value<'a>,
    pub(super) full_url: Option<Cow<'a, str>>,
    /// `Type/id`, where the resource has an id.
    pub(super) name: Option<String>,
    version: Option<Cow<'a, str>>,
}

/// The entries of a Bundle, by what they are referred to.
pub(super) struct Entries<'a, 's> {
    pub(super) all: Vec<Entry<'a>>,
    by_url: HashMap<String, Vec<usize>>,
    subject: &'s Subject<'s>,
}

/// What a reference leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// One entry.
    One(usize),
    /// Several entries.
    Many(usize),
    /// None; whether one has the type and the id all the same.
    Nothing { is_near: bool },
}

impl<'a, 's> Entries<'a, 's> {
    pub(super) fn new(bundle: Value<'a>, subject: &'s Subject<'s>) -> Self {
        let all: Vec<_> = read::items(bundle, "entry").filter_map(Entry::new).collect();
        let mut by_url: HashMap<String, Vec<usize>> = HashMap::new();
        for (number, entry) in all.iter().enumerate() {
            if let Some(url) = &entry.full_url {
                by_url.entry(url.to_string()).or_default().push(number);
            }
        }
        Self { all, by_url, subject }
    }

    /// What a literal reference in the entry `from` leads to: an absolute one by `fullUrl` alone, a relative one from the base
    /// of the entry's own `fullUrl`, where this is the address of a FHIR server.
    pub(super) fn resolve(&self, reference: &str, from: usize) -> Found {
        let (current, version) = match reference.split_once("/_history/") {
            Some((current, version)) => (current, Some(version)),
            None => (reference, None),
        };
        let found =
            if current.contains(':') { self.at(current, version) } else { self.relative(current, version, from) };
        match found.as_slice() {
            [] => Found::Nothing { is_near: self.has_named(current) },
            [one] => Found::One(*one),
            several => Found::Many(several.len()),
        }
    }

    fn relative(&self, current: &str, version: Option<&str>, from: usize) -> Vec<usize> {
        let own = self.all.get(from).and_then(|entry| entry.full_url.as_deref());
        match own.and_then(|url| restful(url, self.subject)) {
            Some((base, _, _)) => self.at(&format!("{base}{current}"), version),
            None => Vec::new(),
        }
    }

    fn at(&self, url: &str, version: Option<&str>) -> Vec<usize> {
        let matches = self.by_url.get(url).into_iter().flatten().copied();
        let is_version = |number: &usize| {
            version.is_none_or(|version| {
                self.all.get(*number).is_some_and(|entry| entry.version.as_deref() == Some(version))
            })
        };
        matches.filter(is_version).collect()
    }

    /// The entries that are `Type/id`, whatever their `fullUrl`.
    pub(super) fn named(&self, name: &str) -> impl Iterator<Item = usize> {
        let matches = move |(_, entry): &(usize, &Entry<'_>)| entry.name.as_deref() == Some(name);
        self.all.iter().enumerate().filter(matches).map(|(number, _)| number)
    }

    fn has_named(&self, current: &str) -> bool {
        self.named(current).next().is_some()
    }

    /// The entries with that `fullUrl`.
    pub(super) fn with_url(&self, url: &str) -> &[usize] {
        self.by_url.get(url).map_or(&[], Vec::as_slice)
    }
}

impl<'a> Entry<'a> {
    fn new(entry: Value<'a>) -> Option<Self> {
        let resource = entry.member("resource")?;
        let name = read::text(resource, "id").map(|id| format!("{}/{id}", datatype::resource_type(resource)));
        let version = resource.member("meta").and_then(|meta| read::text(meta, "versionId"));
        Some(Self { entry, resource, full_url: read::text(entry, "fullUrl"), name, version })
    }
}
