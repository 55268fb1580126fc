//! Elements at which the validation against profiles has something to do.

use std::sync::LazyLock;

use definitions::{Definitions, ElementId, Family};
use fhir::Version;

/// What an element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// Nothing.
    None,
    /// A resource.
    Resource,
    /// A resource that may have a code with a profile.
    Observation,
    /// Contained resources.
    Contained,
    /// An extension.
    Extension,
    /// An extension that may change what it stands in.
    ModifierExtension,
}

/// Marks of a release by raw element id.
pub(super) fn of(version: Version) -> &'static [Mark] {
    static MARKS: [LazyLock<Vec<Mark>>; 3] =
        [LazyLock::new(|| all(Version::R4)), LazyLock::new(|| all(Version::R4B)), LazyLock::new(|| all(Version::R5))];
    let [r4, r4b, r5] = &MARKS;
    match version {
        Version::R4 => r4,
        Version::R4B => r4b,
        Version::R5 => r5,
    }
}

fn all(version: Version) -> Vec<Mark> {
    let definitions = definitions::of(version);
    let marks = (1..).map_while(|raw| mark(definitions, ElementId::from_raw(raw)?));
    std::iter::once(Mark::None).chain(marks).collect()
}

/// The mark of an element; none behind the last.
fn mark(definitions: &Definitions, id: ElementId) -> Option<Mark> {
    let element = definitions.element(id)?;
    let is_resource = element.type_().is_some_and(|known| known.family() == Family::Resource);
    Some(match (element.is_root(), element.name(), element.type_name()) {
        (true, "Observation", _) => Mark::Observation,
        (true, ..) if is_resource => Mark::Resource,
        (false, "contained", _) => Mark::Contained,
        (false, "modifierExtension", "Extension") => Mark::ModifierExtension,
        (false, _, "Extension") => Mark::Extension,
        _ => Mark::None,
    })
}
