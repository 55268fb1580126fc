//! The rules of a type.

use definitions::{Definitions, Element, Family, Primitive, Shape, Strength, Type};
use fhir::Version;

use crate::reach::{Reach, concrete};

/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An element must appear.
    Min,
    /// An element appears at most so often.
    Max,
    /// An element that does not repeat is no array.
    Single,
    /// An element that may repeat is an array.
    Array,
    /// Arrays are not empty.
    EmptyArray,
    /// Objects are not empty.
    EmptyObject,
    /// The JSON type of a value.
    Type,
    /// The format of a primitive.
    Format,
    /// `null` is no value.
    Null,
    /// Codes are of the value set of a required binding.
    Binding,
    /// References are to certain types.
    Target,
    /// One variant of a choice.
    Choice,
    /// Members that the definition does not have.
    Unknown,
    /// Members appear once.
    Duplicate,
    /// Only primitives have companions.
    Companion,
    /// A rule in FHIRPath.
    Invariant,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 16] = [
        Self::Min,
        Self::Max,
        Self::Single,
        Self::Array,
        Self::EmptyArray,
        Self::EmptyObject,
        Self::Type,
        Self::Format,
        Self::Null,
        Self::Binding,
        Self::Target,
        Self::Choice,
        Self::Unknown,
        Self::Duplicate,
        Self::Companion,
        Self::Invariant,
    ];
}

/// A rule of an object or of one of its elements.
#[derive(Clone, Copy)]
pub struct Rule {
    /// What it is about.
    pub kind: Kind,
    /// The object.
    pub shape: Shape<'static>,
    /// The element; none when the rule is about the object as such.
    pub element: Option<Element<'static>>,
    /// The invariant, when it is one.
    pub invariant: Option<definitions::Invariant<'static>>,
}

impl Rule {
    /// `Patient.contact.gender Binding`
    #[must_use]
    pub fn name(&self) -> String {
        let path = self.element.map_or_else(|| self.shape.path().to_owned(), Element::path);
        match self.invariant {
            Some(invariant) => format!("{path} {}", invariant.key()),
            None => format!("{path} {:?}", self.kind),
        }
    }
}

/// The rules of a type.
pub struct Rules {
    pub(crate) definitions: &'static Definitions,
    pub(crate) reach: Reach,
    /// All of them.
    pub all: Vec<Rule>,
}

impl Rules {
    /// The rules of a resource type and of everything that can appear in it.
    #[must_use]
    pub fn of(version: Version, type_name: &str) -> Self {
        let definitions = definitions::of(version);
        let reach = Reach::of(definitions, type_name);
        let mut all = Vec::new();
        for shape in reach.shapes() {
            rules_of_object(definitions, shape, &mut all);
            for element in shape.elements() {
                rules_of_appearance(shape, element, &mut all);
            }
            for element in concrete(shape).filter(|element| reach.allows(shape, *element)) {
                rules_of_value(shape, element, &mut all);
            }
        }
        Self { definitions, reach, all }
    }
}

fn rules_of_object(definitions: &'static Definitions, shape: Shape<'static>, all: &mut Vec<Rule>) {
    let rule = |kind| Rule { kind, shape, element: None, invariant: None };
    all.extend([rule(Kind::Unknown), rule(Kind::Duplicate)]);
    let own = definitions.type_named(shape.path());
    if own.is_none_or(|own| own.family() != Family::Resource) {
        all.push(rule(Kind::EmptyObject));
    }
    let base = own.or_else(|| definitions.type_named("BackboneElement"));
    for root in base.into_iter().flat_map(Type::lineage).filter_map(|known| definitions.element(known.root()?)) {
        for invariant in root.invariants().filter(|invariant| invariant.is_error()) {
            all.push(Rule { invariant: Some(invariant), ..rule(Kind::Invariant) });
        }
    }
}

/// Rules of an element, or of a choice as such.
fn rules_of_appearance(shape: Shape<'static>, element: Element<'static>, all: &mut Vec<Rule>) {
    let rule = |kind| Rule { kind, shape, element: Some(element), invariant: None };
    if element.min() > 0 {
        all.push(rule(Kind::Min));
    }
    if element.max().is_some_and(|max| max > 1) {
        all.push(rule(Kind::Max));
    }
    if element.variants().nth(1).is_some() && element.is_choice() {
        all.push(rule(Kind::Choice));
    }
    for invariant in element.invariants().filter(|invariant| invariant.is_error()) {
        all.push(Rule { invariant: Some(invariant), ..rule(Kind::Invariant) });
    }
}

fn rules_of_value(shape: Shape<'static>, element: Element<'static>, all: &mut Vec<Rule>) {
    let rule = |kind| Rule { kind, shape, element: Some(element), invariant: None };
    all.extend([rule(Kind::Type), rule(Kind::Null)]);
    if element.is_list() {
        all.extend([rule(Kind::Array), rule(Kind::EmptyArray)]);
    } else {
        all.push(rule(Kind::Single));
    }
    match element.primitive() {
        // A decimal has no format beside that of JSON's numbers, a boolean none beside its type.
        Some(Primitive::Boolean | Primitive::Decimal) => {}
        Some(_) => all.push(rule(Kind::Format)),
        None => all.push(rule(Kind::Companion)),
    }
    if has_listed_codes(element) {
        all.push(rule(Kind::Binding));
    }
    if wrong_target(element).is_some() {
        all.push(rule(Kind::Target));
    }
}

fn has_listed_codes(element: Element<'static>) -> bool {
    let is_coded = matches!(element.type_name(), "code" | "Coding" | "CodeableConcept");
    let codes = element.binding().filter(|binding| binding.strength == Strength::Required);
    is_coded && codes.and_then(|binding| binding.value_set).is_some_and(|codes| !codes.is_open())
}

/// A type that a reference may not point at.
pub(crate) fn wrong_target(element: Element<'static>) -> Option<&'static str> {
    if !matches!(element.type_name(), "Reference" | "CodeableReference") || element.may_target_any() {
        return None;
    }
    let targets: Vec<_> = element.targets().collect();
    ["Basic", "Binary", "Patient", "AuditEvent"]
        .into_iter()
        .find(|wrong| targets.iter().all(|target| !target.is_abstract() && target.name() != *wrong))
}
