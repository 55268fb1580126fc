//! An ElementDefinition of a snapshot.

pub use definitions::Strength;

/// How often an element may appear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cardinality {
    /// Where it was defined first: `Element.extension` for `Patient.extension`.
    pub path: String,
    /// The least.
    pub min: u32,
    /// The most, none for any number.
    pub max: Option<u32>,
}

/// How slices are told apart (profiling.html#discriminator).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiscriminatorType {
    /// A fixed or pattern value, or a required binding, at the path.
    Value,
    /// Whether the path is there.
    Exists,
    /// A pattern at the path; `value` does the same since R5.
    Pattern,
    /// The type at the path.
    Type,
    /// The profile that what stands at the path conforms to.
    Profile,
    /// The place in the list (R5).
    Position,
}

/// One of the ways that tell slices apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discriminator {
    /// What is compared.
    pub type_: DiscriminatorType,
    /// Where, in the simple FHIRPath of discriminators: `$this`, `code.coding`, `resolve()`, `extension('url').value`.
    pub path: String,
}

/// What may stand beside the slices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// Nothing.
    Closed,
    /// Anything anywhere.
    Open,
    /// Anything behind the slices.
    OpenAtEnd,
}

/// That an element is sliced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slicing {
    /// All must agree. Empty: nothing tells the slices apart but what they demand.
    pub discriminators: Vec<Discriminator>,
    /// Whether items stand in the order of the slices.
    pub is_ordered: bool,
    /// What may stand beside the slices.
    pub rules: Rules,
}

/// One of an element's types.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypeUse {
    /// `Reference`, `code`; a `System.String` of FHIRPath has the primitive that FHIR writes; a URL of a logical model.
    pub code: String,
    /// Profiles of which the value must conform to one.
    pub profiles: Vec<String>,
    /// Profiles of which what it points at must conform to one.
    pub targets: Vec<String>,
    /// `contained`, `referenced`, `bundled`: how what it points at may be found; empty means any.
    pub aggregation: Vec<String>,
    /// `either`, `independent` or `specific`.
    pub versioning: Option<String>,
}

/// A value that a profile gives, as JSON.
#[derive(Clone, PartialEq, Eq)]
pub struct ValueFact {
    /// Its type: `CodeableConcept` of `patternCodeableConcept`.
    pub type_: String,
    /// The JSON without insignificant space, numbers as written.
    pub json: Box<[u8]>,
}

impl std::fmt::Debug for ValueFact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.type_, String::from_utf8_lossy(&self.json))
    }
}

/// A further binding (R5; before that an extension with the same parts).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AdditionalBinding {
    /// `maximum`, `minimum`, `required`, `extensible`, `candidate`, `current`, `preferred`, `ui`, `starter`, `component`.
    pub purpose: String,
    /// The canonical of its value set.
    pub value_set: String,
    /// Whether one of several codes is enough.
    pub is_any: bool,
    /// Where it counts: UsageContexts as JSON. Empty: everywhere.
    pub usages: Vec<Box<[u8]>>,
}

/// What codes an element may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// How strict.
    pub strength: Strength,
    /// The canonical of the value set, with a version where one is said; none when only words say it.
    pub value_set: Option<String>,
    /// Further ones.
    pub additional: Vec<AdditionalBinding>,
}

/// A rule in FHIRPath.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    /// `us-core-6`
    pub key: String,
    /// Whether breaking it is an error; a warning otherwise.
    pub is_error: bool,
    /// Whether it is good advice only (`elementdefinition-bestpractice`): a warning at most.
    pub is_best_practice: bool,
    /// What it says in words.
    pub human: String,
    /// FHIRPath on the element; none when only words say it.
    pub expression: Option<String>,
    /// The canonical of the structure that brings it; none when not said.
    pub source: Option<String>,
}

impl Constraint {
    /// Whether a type of the specification brings it, so that whoever checks the base specification has checked it.
    #[must_use]
    pub fn is_of_the_specification(&self, definitions: &definitions::Definitions) -> bool {
        let Some(source) = &self.source else { return false };
        let name = crate::canonical::core_name(source).unwrap_or(source);
        definitions.type_named(name).is_some()
    }
}

/// An element of a snapshot: everything that holds for it, what the base says included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ElementDefinition {
    /// Unique in its structure, slices named: `Patient.extension:race.value[x]`.
    pub id: String,
    /// `Patient.extension.value[x]`
    pub path: String,
    /// `race`; a slice of a slice is `race/detailed`.
    pub slice_name: Option<String>,
    /// How its slices, which follow it and have its path, are told apart.
    pub slicing: Option<Slicing>,
    /// The least number of times it must appear (in its slice).
    pub min: u32,
    /// The most, none for any number.
    pub max: Option<u32>,
    /// What the type that first had it says: whether JSON writes an array depends on its `max`.
    pub base: Option<Cardinality>,
    /// The types it may have. Empty where `content` says whose content it has, and for a root.
    pub types: Vec<TypeUse>,
    /// The id of the element whose content it has, without `#`: `Questionnaire.item`.
    pub content: Option<String>,
    /// It is exactly that.
    pub fixed: Option<ValueFact>,
    /// It has at least that.
    pub pattern: Option<ValueFact>,
    /// The least value, or how far back from now (a Quantity).
    pub min_value: Option<ValueFact>,
    /// The greatest value.
    pub max_value: Option<ValueFact>,
    /// The greatest length, in characters.
    pub max_length: Option<u32>,
    /// What codes it may have.
    pub binding: Option<Binding>,
    /// Rules for it. Those of the root of its type are not repeated.
    pub constraints: Vec<Constraint>,
    /// Whether a primitive must have a value, not only extensions (R5).
    pub must_have_value: bool,
    /// Extensions that may stand in place of a value (R5).
    pub value_alternatives: Vec<String>,
    /// Whether a system must be able to deal with it.
    pub must_support: bool,
    /// Whether it changes the meaning of what it stands in.
    pub is_modifier: bool,
}

impl ElementDefinition {
    /// Its member name: the last step of the path, `value[x]` for a choice.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit_once('.').map_or(&self.path, |(_, name)| name)
    }

    /// Whether it is a choice of types, `value[x]`.
    #[must_use]
    pub fn is_choice(&self) -> bool {
        self.path.ends_with("[x]")
    }
}
