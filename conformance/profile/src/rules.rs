//! What the scanner must know beyond the tables: objects with rules of their own.

use std::sync::LazyLock;

use definitions::{Definitions, Shape};
use fhir::Version;

/// An object with rules of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Special {
    /// None.
    #[default]
    None,
    /// `Reference`
    Reference,
    /// `Extension`
    Extension,
    /// `Coding`
    Coding,
    /// `CodeableConcept`
    CodeableConcept,
}

/// Definitions of a release with what is derived from them.
pub(crate) struct Rules {
    pub(crate) definitions: &'static Definitions,
    special: Vec<Special>,
}

pub(crate) fn of(version: Version) -> &'static Rules {
    static RULES: [LazyLock<Rules>; 3] = [
        LazyLock::new(|| Rules::new(Version::R4)),
        LazyLock::new(|| Rules::new(Version::R4B)),
        LazyLock::new(|| Rules::new(Version::R5)),
    ];
    let [r4, r4b, r5] = &RULES;
    match version {
        Version::R4 => r4,
        Version::R4B => r4b,
        Version::R5 => r5,
    }
}

impl Rules {
    fn new(version: Version) -> Self {
        let definitions = definitions::of(version);
        Self { definitions, special: definitions.shapes().map(special).collect() }
    }

    #[inline]
    pub(crate) fn special(&self, shape: Shape<'_>) -> Special {
        self.special.get(shape.number() as usize).copied().unwrap_or_default()
    }
}

fn special(shape: Shape<'_>) -> Special {
    match shape.path() {
        "Reference" => Special::Reference,
        "Extension" => Special::Extension,
        "Coding" => Special::Coding,
        "CodeableConcept" => Special::CodeableConcept,
        _ => Special::None,
    }
}
