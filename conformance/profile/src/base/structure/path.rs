//! Paths of elements, as definitions write them: `Patient.contact.name`, `Observation.value[x]`.

use definitions::{Definitions, Element};

/// Where a path leads.
#[derive(Clone, Copy)]
pub(in super::super) enum Place {
    /// To an element of the release.
    Known(Element<'static>),
    /// Into something of which the release says nothing.
    Open,
    /// Nowhere.
    Unknown,
}

/// Follows a path from its type. A choice may stand as `value[x]`, `value` or `valueQuantity`.
pub(in super::super) fn resolve(path: &str, definitions: &'static Definitions) -> Place {
    let mut names = path.split('.');
    let root = names.next().and_then(|name| definitions.type_named(name)).and_then(|known| known.root());
    let Some(mut element) = root.and_then(|root| definitions.element(root)) else { return Place::Open };
    for name in names {
        let name = name.split(':').next().unwrap_or_default();
        match child(element, name.strip_suffix("[x]").unwrap_or(name), definitions) {
            Place::Known(next) => element = next,
            other => return other,
        }
    }
    Place::Known(element)
}

fn child(element: Element<'static>, name: &str, definitions: &'static Definitions) -> Place {
    if element.is_choice() {
        let found = element.variants().map(|variant| child(variant, name, definitions));
        return found.reduce(nearer).unwrap_or(Place::Unknown);
    }
    if element.shape().is_none() || element.type_().is_some_and(|known| known.is_abstract() && known.is_a("Resource")) {
        return Place::Open;
    }
    // Where primitives have members only profiles of extensions speak of them.
    if element.primitive().is_some() && name == "value" {
        return Place::Open;
    }
    definitions.child(element.id(), name).map_or(Place::Unknown, Place::Known)
}

fn nearer(left: Place, right: Place) -> Place {
    match (left, right) {
        (Place::Known(_), _) => left,
        (_, Place::Known(_)) => right,
        (Place::Open, _) | (_, Place::Open) => Place::Open,
        (Place::Unknown, Place::Unknown) => Place::Unknown,
    }
}
