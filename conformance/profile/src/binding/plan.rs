//! Which elements are coded, worked out once a release so that every other node costs one look.

use std::sync::OnceLock;

use definitions::{Definitions, Element, ElementId, Strength};
use fhir::Version;

use super::Binding;

/// How an element says a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A `code`, or a `string` or `uri` that is bound.
    Code,
    Coding,
    Concept,
    /// R5's CodeableReference: the concept in it is bound.
    Reference,
    Quantity,
}

impl Shape {
    const ALL: [Self; 5] = [Self::Code, Self::Coding, Self::Concept, Self::Reference, Self::Quantity];

    /// Of a type, by its name.
    pub(crate) fn of_type(name: &str) -> Option<Self> {
        match name {
            "code" | "string" | "uri" | "canonical" | "url" => Some(Self::Code),
            "Coding" => Some(Self::Coding),
            "CodeableConcept" => Some(Self::Concept),
            "CodeableReference" => Some(Self::Reference),
            "Quantity" | "SimpleQuantity" | "Age" | "Duration" | "Distance" | "Count" | "MoneyQuantity" => {
                Some(Self::Quantity)
            }
            _ => None,
        }
    }
}

/// The coded elements of a release.
pub(super) struct Plan {
    /// By element id: 0, or the number of its shape plus one, with the flags.
    elements: Vec<u8>,
}

/// The value set of a binding is to be asked.
const BOUND: u8 = 16;
/// The scan has asked it.
const SCANNED: u8 = 32;

impl Plan {
    pub(super) fn of(definitions: &'static Definitions) -> &'static Self {
        static PLANS: [OnceLock<Plan>; 3] = [const { OnceLock::new() }; 3];
        let [r4, r4b, r5] = &PLANS;
        let plan = match definitions.version() {
            Version::R4 => r4,
            Version::R4B => r4b,
            Version::R5 => r5,
        };
        plan.get_or_init(|| Self::new(definitions))
    }

    fn new(definitions: &'static Definitions) -> Self {
        let element = |raw| definitions.element(ElementId::from_raw(raw)?);
        let known = (1..).map_while(element).map(flags);
        Self { elements: std::iter::once(0).chain(known).collect() }
    }

    #[inline]
    pub(super) fn shape(&self, element: u32) -> Option<Shape> {
        let number = self.flags(element) & 15;
        Shape::ALL.get(usize::from(number).checked_sub(1)?).copied()
    }

    /// Whether the scan has looked the code up in the value set of a required binding.
    pub(super) fn is_scanned(&self, element: u32) -> bool {
        self.flags(element) & SCANNED != 0
    }

    pub(super) fn binding<'d>(&self, definitions: &'d Definitions, element: u32) -> Option<Binding<'d>> {
        if self.flags(element) & BOUND == 0 {
            return None;
        }
        let binding = definitions.element(ElementId::from_raw(element)?)?.binding()?;
        Some(Binding { strength: binding.strength, value_set: binding.url })
    }

    #[inline]
    fn flags(&self, element: u32) -> u8 {
        self.elements.get(element as usize).copied().unwrap_or_default()
    }
}

fn flags(element: Element<'static>) -> u8 {
    let Some(shape) = Shape::of_type(element.type_name()).filter(|_| !element.is_root()) else { return 0 };
    let number = Shape::ALL.iter().position(|known| *known == shape).unwrap_or_default() as u8 + 1;
    let Some(binding) = element.binding() else { return if shape == Shape::Code { 0 } else { number } };
    let is_scanned = binding.strength == Strength::Required && binding.value_set.is_some_and(|set| !set.is_open());
    let is_scanned = is_scanned && !(shape == Shape::Code && element.type_name() != "code") && shape != Shape::Quantity;
    match (is_scanned, binding.strength > Strength::Example) {
        (true, _) => number | SCANNED,
        (false, true) => number | BOUND,
        (false, false) => number,
    }
}
