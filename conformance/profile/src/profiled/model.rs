//! A profile as the walk reads it: what it says beyond the base definitions, keyed by the ordinals of shapes.

use definitions::Strength;
use fhir::json::{Document, Node, Value};
use package::Rules;

use super::invariant::Invariant;
use crate::binding::Binding;

/// A compiled structure definition.
pub(crate) struct Profile {
    /// Its canonical, `url|version`.
    pub(crate) canonical: Box<str>,
    /// Its canonical without a version.
    pub(crate) url: Box<str>,
    /// The type it constrains, as its name.
    pub(crate) type_name: Box<str>,
    /// Whether it is a type itself, which the scan checks.
    pub(crate) is_type: bool,
    /// Profiles that hold as well.
    pub(crate) imposed: Box<[Box<str>]>,
    /// What nobody here has, although it derives from it.
    pub(crate) missing_base: Option<Box<str>>,
    /// Of an extension: the releases it may stand in, when it says so.
    pub(crate) releases: Option<package::Releases>,
    /// Of an extension: where it may stand, in this release.
    pub(crate) contexts: Box<[package::Context]>,
    /// Of an extension: what must hold for the element that has it.
    pub(crate) context_invariants: Box<[Invariant]>,
    /// Whether its root is a modifier.
    pub(crate) is_modifier: bool,
    /// Rule 0 is the root.
    pub(crate) rules: Vec<Rule>,
    /// What could not be understood of it, to be said to who claims it.
    pub(crate) faults: Vec<String>,
}

/// The index of a rule in its profile.
pub(crate) type RuleIndex = u32;

/// What a profile says of an element.
#[derive(Default)]
pub(crate) struct Rule {
    /// `Patient.extension:race`
    pub(crate) id: Box<str>,
    /// Of a slice, its name.
    pub(crate) slice: Option<Box<str>>,
    pub(crate) min: u32,
    /// `u32::MAX` for any number.
    pub(crate) max: u32,
    /// The types that are allowed, where the profile says more than the definitions.
    pub(crate) types: Option<Box<[TypeRule]>>,
    pub(crate) fixed: Option<Literal>,
    pub(crate) pattern: Option<Literal>,
    pub(crate) least: Option<Bound>,
    pub(crate) most: Option<Bound>,
    pub(crate) max_length: Option<u32>,
    pub(crate) binding: Option<BindingRule>,
    pub(crate) invariants: Box<[Invariant]>,
    pub(crate) must_have_value: bool,
    /// Extensions of which one must be there where there is no value; none when it may be missing.
    pub(crate) alternatives: Box<[Box<str>]>,
    pub(crate) slicing: Option<Slicing>,
    /// The members of its objects, a table for each shape that they may have.
    pub(crate) members: Vec<Members>,
    /// The members of its objects where the specification has no shape for them: those of types that packages define.
    pub(crate) named: Box<[NamedRule]>,
}

/// The rule of a member by its name.
pub(crate) struct NamedRule {
    /// Without `[x]`.
    pub(crate) name: Box<str>,
    pub(crate) is_choice: bool,
    pub(crate) rule: RuleIndex,
}

/// Rules for the members of objects of one shape.
#[derive(Default)]
pub(crate) struct Members {
    /// The number of the shape.
    pub(crate) shape: u16,
    /// Ordinals that have a rule.
    pub(crate) bits: u64,
    /// Ordinals that must be there although the definitions do not demand it.
    pub(crate) required: u64,
    /// In the order of the ordinals.
    pub(crate) rules: Box<[RuleIndex]>,
}

impl Members {
    /// The rule of an ordinal.
    #[inline]
    pub(crate) fn rule(&self, ordinal: u8) -> Option<RuleIndex> {
        let bit = 1_u64 << ordinal;
        if self.bits & bit == 0 {
            return None;
        }
        self.rules.get((self.bits & (bit - 1)).count_ones() as usize).copied()
    }
}

/// A type that an element may have.
pub(crate) struct TypeRule {
    /// `Quantity`
    pub(crate) code: Box<str>,
    /// Profiles of which one must hold; none when all do.
    pub(crate) profiles: Box<[Box<str>]>,
    /// Profiles of which one must hold for what is referred to.
    pub(crate) targets: Box<[Target]>,
    pub(crate) aggregation: Aggregation,
}

/// What a reference may lead to.
pub(crate) struct Target {
    /// The profile.
    pub(crate) profile: Box<str>,
    /// The type that it constrains; none when nobody knows.
    pub(crate) type_name: Option<Box<str>>,
    /// Whether the profile is the type itself.
    pub(crate) is_type: bool,
}

/// Ways in which what is referred to may be found; none said means all.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Aggregation {
    pub(crate) contained: bool,
    pub(crate) referenced: bool,
    pub(crate) bundled: bool,
}

impl Aggregation {
    pub(crate) const fn is_any(self) -> bool {
        !self.contained && !self.referenced && !self.bundled
    }
}

/// A value that a profile gives, indexed.
pub(crate) struct Literal {
    json: Box<[u8]>,
    nodes: Box<[Node]>,
}

impl Literal {
    /// None when it is no JSON.
    pub(crate) fn of(json: &[u8]) -> Option<Self> {
        let mut nodes = Vec::new();
        fhir::json::scan(json, &mut nodes, fhir::json::Limits::default()).ok()?;
        Some(Self { json: json.into(), nodes: nodes.into() })
    }

    pub(crate) fn root(&self) -> Option<Value<'_>> {
        Document::new(&self.json, &self.nodes).root()
    }

    /// As JSON.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.json).into_owned()
    }
}

/// A least or greatest value.
pub(crate) struct Bound {
    /// The comparison as a program over the value.
    pub(crate) holds: Invariant,
    /// The bound as it is written.
    pub(crate) text: Box<str>,
}

/// Codes that an element may have.
pub(crate) struct BindingRule {
    pub(crate) strength: Strength,
    /// None when only words say it.
    pub(crate) value_set: Option<Box<str>>,
    pub(crate) additional: Box<[Additional]>,
}

impl BindingRule {
    /// Whether one of its further bindings needs only one of several items.
    pub(crate) fn is_any(&self) -> bool {
        self.additional.iter().any(|additional| additional.is_any)
    }
}

/// A further binding.
pub(crate) struct Additional {
    pub(crate) strength: Strength,
    pub(crate) value_set: Box<str>,
    /// Whether it is enough when one of several items follows it.
    pub(crate) is_any: bool,
    /// Where it counts; empty: everywhere.
    pub(crate) usages: Box<[Usage]>,
}

impl Additional {
    pub(crate) const fn binding(&self) -> Binding<'_> {
        Binding { strength: self.strength, value_set: &self.value_set }
    }
}

/// That a resource has one of the codings of a concept at a path.
pub(crate) struct Usage {
    pub(crate) path: Box<[Box<str>]>,
    pub(crate) value: Literal,
}

/// How the items of an element are told apart.
pub(crate) struct Slicing {
    pub(crate) rules: Rules,
    pub(crate) is_ordered: bool,
    pub(crate) slices: Box<[Slice]>,
    /// The rule of what is in no slice (`@default`).
    pub(crate) default: Option<RuleIndex>,
    /// Whether a slice must be there even where the element is not.
    pub(crate) is_required: bool,
}

/// A slice.
pub(crate) struct Slice {
    pub(crate) rule: RuleIndex,
    pub(crate) told: Told,
}

/// How the items of a slice are known.
pub(crate) enum Told {
    /// All of these hold.
    By(Box<[Test]>),
    /// They meet everything that the slice demands: nothing else is said.
    Conforming,
    /// A discriminator that cannot be evaluated; why.
    Unknown(Box<str>),
}

/// A condition at the end of a discriminator's path.
pub(crate) struct Test {
    pub(crate) path: Box<[Step]>,
    pub(crate) check: Check,
}

/// A step of a discriminator's path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Into a member, by its FHIRPath name.
    Member(Box<str>),
    /// Stays where the type is that one.
    OfType(Box<str>),
    /// Into the extension with that URL.
    Extension(Box<str>),
    /// To what the reference leads to.
    Resolve,
}

/// A condition.
pub(crate) enum Check {
    /// Exactly that value.
    Fixed(Literal),
    /// At least that.
    Pattern(Literal),
    /// One of the codes of a value set.
    Codes(Box<str>),
    /// Something is there, or nothing.
    Exists(bool),
    /// One of these types.
    Type(Box<[Box<str>]>),
    /// One of these profiles.
    Profile(Box<[Box<str>]>),
    /// That place in the list.
    Position(u32),
    /// An object in which each of these members has an item that meets the condition.
    Members(Box<[(Box<str>, Check)]>),
}

impl Rule {
    /// Rules for the members of an object of that shape.
    #[inline]
    pub(crate) fn members(&self, shape: u16) -> Option<&Members> {
        self.members.iter().find(|members| members.shape == shape)
    }

    /// Whether it demands something of items themselves.
    pub(crate) fn has_facts(&self) -> bool {
        self.types.is_some()
            || self.fixed.is_some()
            || self.pattern.is_some()
            || self.least.is_some()
            || self.most.is_some()
            || self.max_length.is_some()
            || self.binding.is_some()
            || !self.invariants.is_empty()
            || self.must_have_value
            || !self.alternatives.is_empty()
            || self.slicing.is_some()
    }
}
