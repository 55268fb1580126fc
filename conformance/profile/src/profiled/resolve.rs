//! References within a document: to what is contained, and to other entries of a bundle (bundle.html#references).

use std::cell::OnceCell;
use std::collections::HashMap;

use fhir::json::{Document, Value};

/// What a reference leads to.
#[derive(Clone, Copy)]
pub(crate) struct Found {
    pub(crate) node: u32,
    /// Whether it is contained in the resource that refers to it.
    pub(crate) is_contained: bool,
}

pub(crate) struct Resolver<'a> {
    document: Document<'a>,
    /// Made when first asked for.
    entries: OnceCell<Entries>,
}

/// The entries of a bundle.
struct Entries {
    /// Resources by fullUrl, and by `Type/id`.
    known: HashMap<String, u32>,
    /// What makes a relative reference absolute, by resource: its fullUrl without type and id.
    bases: HashMap<u32, String>,
}

impl<'a> Resolver<'a> {
    pub(crate) const fn new(document: Document<'a>) -> Self {
        Self { document, entries: OnceCell::new() }
    }

    /// What a reference in a resource leads to; none when it is not in the document.
    pub(crate) fn resolve(&self, reference: &str, root: u32, resource: u32) -> Option<Found> {
        if let Some(id) = reference.strip_prefix('#') {
            let container = self.document.at(root)?;
            if id.is_empty() {
                return Some(Found { node: root, is_contained: root != resource });
            }
            let mut contained = container.member("contained").into_iter().flat_map(Value::children);
            let found = contained.find(|it| it.member("id").and_then(Value::text).is_some_and(|own| own == id))?;
            return Some(Found { node: found.index(), is_contained: true });
        }
        if !self.is_bundle() {
            return None;
        }
        let entries = self.entries.get_or_init(|| self.entries());
        let plain = reference.split("/_history/").next().unwrap_or_default();
        let absolute = || Some(format!("{}/{plain}", entries.bases.get(&root)?));
        let node = entries.known.get(plain).or_else(|| entries.known.get(&absolute()?));
        node.map(|node| Found { node: *node, is_contained: false })
    }

    /// Whether the document is a Bundle.
    pub(crate) fn is_bundle(&self) -> bool {
        let root = self.document.root().and_then(|root| root.member("resourceType"));
        root.is_some_and(|type_| type_.raw() == b"\"Bundle\"")
    }

    fn all(&self) -> impl Iterator<Item = Value<'a>> {
        let entries = self.document.root().and_then(|root| root.member("entry"));
        entries.into_iter().flat_map(Value::children)
    }

    fn entries(&self) -> Entries {
        let (mut known, mut bases) = (HashMap::new(), HashMap::new());
        for entry in self.all() {
            let Some(resource) = entry.member("resource") else { continue };
            if let Some(url) = entry.member("fullUrl").and_then(Value::text) {
                // `http://a.example/fhir` of `http://a.example/fhir/Patient/1`
                if let Some(base) = url.rsplitn(3, '/').nth(2) {
                    bases.insert(resource.index(), base.to_owned());
                }
                known.entry(url.into_owned()).or_insert(resource.index());
            }
            let text = |name| resource.member(name).and_then(Value::text);
            if let Some((type_, id)) = text("resourceType").zip(text("id")) {
                known.entry(format!("{type_}/{id}")).or_insert(resource.index());
            }
        }
        Entries { known, bases }
    }
}
