//! What the scanner must know beyond the tables: objects with rules of their own.

use std::sync::LazyLock;

use definitions::{Definitions, Shape};
use fhir::Version;

use crate::invariants::BaseInvariants;

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
    /// `CodeableReference`: targets and binding are those of the element that has it.
    CodeableReference,
}

/// Definitions of a release with what is derived from them.
pub(crate) struct Rules {
    pub(crate) definitions: &'static Definitions,
    special: Vec<Special>,
    pub(crate) invariants: BaseInvariants,
    /// Bits of the elements of Extension that ext-1 speaks of.
    pub(crate) extension: ExtensionBits,
}

/// Bits of ordinals in the shape of Extension.
#[derive(Clone, Copy, Default)]
pub(crate) struct ExtensionBits {
    pub(crate) value: u64,
    pub(crate) extension: u64,
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
        let extension = definitions.shapes().find(|shape| shape.path() == "Extension");
        Self {
            definitions,
            special: definitions.shapes().map(special).collect(),
            invariants: BaseInvariants::new(definitions),
            extension: extension.map(extension_bits).unwrap_or_default(),
        }
    }

    #[inline]
    pub(crate) fn special(&self, shape: Shape<'_>) -> Special {
        self.special.get(shape.number() as usize).copied().unwrap_or_default()
    }
}

fn extension_bits(shape: Shape<'_>) -> ExtensionBits {
    let bit = |name| shape.elements().find(|element| element.name() == name).map_or(0, |found| 1 << found.ordinal());
    ExtensionBits { value: bit("value"), extension: bit("extension") }
}

fn special(shape: Shape<'_>) -> Special {
    match shape.path() {
        "Reference" => Special::Reference,
        "Extension" => Special::Extension,
        "Coding" => Special::Coding,
        "CodeableConcept" => Special::CodeableConcept,
        "CodeableReference" => Special::CodeableReference,
        _ => Special::None,
    }
}
