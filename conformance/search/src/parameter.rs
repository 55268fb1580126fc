//! Search parameters, compiled per vocabulary and resource type at the first use.

use definitions::{Definitions, ParameterKind, SearchParameter};
use fhir::{ResourceType, Version};

use crate::added::is_for;
use crate::extract::Extraction;
use crate::vocabulary::{Additions, Vocabulary};

/// `SearchParameter.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ParameterType {
    /// `number`
    Number,
    /// `date`
    Date,
    /// `string`
    Text,
    /// `token`
    Token,
    /// `reference`
    Reference,
    /// `composite`
    Composite,
    /// `quantity`
    Quantity,
    /// `uri`
    Uri,
    /// `special`: has rules of its own (`near`)
    Special,
}

impl ParameterType {
    /// The code of http://hl7.org/fhir/search-param-type.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Date => "date",
            Self::Text => "string",
            Self::Token => "token",
            Self::Reference => "reference",
            Self::Composite => "composite",
            Self::Quantity => "quantity",
            Self::Uri => "uri",
            Self::Special => "special",
        }
    }
}

impl From<ParameterKind> for ParameterType {
    fn from(kind: ParameterKind) -> Self {
        match kind {
            ParameterKind::Number => Self::Number,
            ParameterKind::Date => Self::Date,
            ParameterKind::String => Self::Text,
            ParameterKind::Token => Self::Token,
            ParameterKind::Reference => Self::Reference,
            ParameterKind::Composite => Self::Composite,
            ParameterKind::Quantity => Self::Quantity,
            ParameterKind::Uri => Self::Uri,
            ParameterKind::Special => Self::Special,
        }
    }
}

/// A search parameter as one resource type has it.
#[derive(Debug)]
pub struct Parameter {
    /// The name in a query: `birthdate`, `_id`.
    pub code: &'static str,
    /// What its values are.
    pub kind: ParameterType,
    /// The resource type it was compiled for.
    pub base: ResourceType,
    /// The release it was compiled for.
    pub version: Version,
    /// With what it was compiled.
    pub(crate) additions: Additions,
    /// The canonical of its definition.
    pub url: &'static str,
    /// Its FHIRPath, over all the types that it can be used on.
    pub expression: &'static str,
    /// Types that a reference may point to; empty when any, and for other kinds.
    pub targets: Vec<ResourceType>,
    /// Whether a resource that follows its definition has one value at most: a path of elements that do not repeat, to a date.
    pub is_single: bool,
    /// Parts of a composite, in the order of the `$` in its value; empty for other kinds.
    pub components: Vec<Component>,
}

/// A part of a composite parameter.
#[derive(Debug)]
pub struct Component {
    /// The code of the parameter that says what its values are.
    pub code: &'static str,
    /// What its values are.
    pub kind: ParameterType,
}

/// Two parameters are the same when they have the same place and definition: a vocabulary has one per type and code.
impl PartialEq for Parameter {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
            || (self.code == other.code
                && self.base == other.base
                && self.version == other.version
                && self.url == other.url
                && self.expression == other.expression)
    }
}

/// What one resource type of one release is searched by.
pub(crate) struct Compiled {
    pub(crate) version: Version,
    pub(crate) resource_type: ResourceType,
    /// Sorted by code.
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) extraction: Extraction,
}

/// Every parameter of a resource type in a vocabulary (a release alone means the specification's), those of Resource and DomainResource (`_id`, `_lastUpdated`,
/// `_tag`, `_profile`, `_security`, `_source`, …) included, sorted by code. Empty for a type that the release has not.
/// Those without an expression (`_content`, `_text`, `_query`, `_filter`) and the special ones (`near`) are not among
/// them, because nothing can be indexed for them.
#[must_use]
pub fn parameters(vocabulary: impl Into<Vocabulary>, resource_type: ResourceType) -> &'static [Parameter] {
    compiled(vocabulary.into(), resource_type).map_or(&[], |compiled| &compiled.parameters)
}

/// Those of a type that the specification does not have.
pub fn added(vocabulary: Vocabulary, resource_type: ResourceType) -> impl Iterator<Item = &'static Parameter> {
    let is_added = move |parameter: &&Parameter| vocabulary.added().iter().any(|added| added.url == parameter.url);
    let all = if vocabulary.added().is_empty() { &[] } else { parameters(vocabulary, resource_type) };
    all.iter().filter(is_added)
}

/// The parameter of that code.
#[must_use]
pub fn parameter(
    vocabulary: impl Into<Vocabulary>,
    resource_type: ResourceType,
    code: &str,
) -> Option<&'static Parameter> {
    let all = parameters(vocabulary, resource_type);
    all.binary_search_by(|known| known.code.cmp(code)).ok().and_then(|index| all.get(index))
}

/// The parameters of every resource type: those of Resource. Their `base` stands for any type.
pub(crate) fn shared_parameter(vocabulary: Vocabulary, code: &str) -> Option<&'static Parameter> {
    // Every type has them; AuditEvent stands for all.
    let found = parameter(vocabulary, ResourceType::AUDIT_EVENT, code)?;
    let definition = definitions::of(vocabulary.version).search_parameter_by_url(found.url)?;
    definition.bases.contains(&"Resource").then_some(found)
}

pub(crate) fn compiled(vocabulary: Vocabulary, resource_type: ResourceType) -> Option<&'static Compiled> {
    Some(vocabulary.slot(resource_type)?.get_or_init(|| compile(vocabulary, resource_type)))
}

fn compile(vocabulary: Vocabulary, resource_type: ResourceType) -> Compiled {
    let definitions = definitions::of(vocabulary.version);
    let added = vocabulary.added();
    let lookup = |url: &str| {
        let of_specification = definitions.search_parameter_by_url(url);
        of_specification.or_else(|| added.iter().copied().find(|definition| definition.url == url))
    };
    let own = added.iter().copied().filter(|definition| is_for(definitions, definition, resource_type));
    let mut known: Vec<(&str, &SearchParameter)> = definitions
        .search_parameters(resource_type)
        .chain(own)
        .filter(|definition| definition.expression.is_some() && definition.kind != ParameterKind::Special)
        .filter(|definition| is_whole(&lookup, definition))
        .map(|definition| (definition.code, definition))
        .collect();
    // Some packages define a code twice for one type; the first, by canonical, stands. What is added takes no code from the
    // specification's.
    known.sort_by_key(|(code, _)| *code);
    known.dedup_by_key(|(code, _)| *code);
    let parameters: Vec<Parameter> =
        known.iter().map(|(_, definition)| parameter_of(vocabulary, &lookup, resource_type, definition)).collect();
    let pairs: Vec<_> = parameters.iter().zip(known.iter().map(|(_, definition)| *definition)).collect();
    let extraction = Extraction::compile(definitions, resource_type, &pairs);
    Compiled { version: vocabulary.version, resource_type, parameters, extraction }
}

/// Finds a definition by its canonical.
type Lookup<'a> = &'a dyn Fn(&str) -> Option<&'static SearchParameter>;

/// Whether every part of a composite is defined: R5 has one whose part is not, and such a one cannot be searched by.
fn is_whole(lookup: Lookup<'_>, definition: &SearchParameter) -> bool {
    let mut parts = definition.components.iter();
    parts.all(|component| lookup(component.definition).is_some())
        && (definition.kind == ParameterKind::Composite) == (definition.components.len() > 1)
}

fn parameter_of(
    vocabulary: Vocabulary,
    lookup: Lookup<'_>,
    base: ResourceType,
    definition: &SearchParameter,
) -> Parameter {
    let component = |component: &definitions::Component| {
        let part = lookup(component.definition)?;
        Some(Component { code: part.code, kind: part.kind.into() })
    };
    Parameter {
        code: definition.code,
        kind: definition.kind.into(),
        base,
        version: vocabulary.version,
        additions: vocabulary.additions,
        url: definition.url,
        expression: definition.expression.unwrap_or_default(),
        targets: definition.targets.iter().filter_map(|name| name.parse().ok()).collect(),
        is_single: definition.kind == ParameterKind::Date
            && definition
                .expression
                .is_some_and(|expression| is_single(definitions::of(vocabulary.version), base, expression)),
        components: definition.components.iter().filter_map(component).collect(),
    }
}

/// Whether the one branch of an expression that speaks of a type is a path of elements that do not repeat. What is no plain path
/// may have many.
fn is_single(definitions: &'static Definitions, base: ResourceType, expression: &str) -> bool {
    let own = format!("{base}.");
    let mut branches = expression.split('|').filter_map(|branch| branch.trim().strip_prefix(&own));
    let (Some(path), None) = (branches.next(), branches.next()) else { return false };
    let Some(mut element) = definitions.type_of(base).and_then(|known| definitions.element(known.root()?)) else {
        return false;
    };
    for name in path.split('.') {
        let next = element.shape().and_then(|shape| shape.elements().find(|child| child.path_name() == name));
        match next {
            Some(child) if child.max() == Some(1) => element = child,
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_that_does_not_repeat_is_single_and_nothing_else_is() {
        let is_single = |kind, code| parameter(Version::R4, kind, code).unwrap().is_single;
        assert!(is_single(ResourceType::APPOINTMENT, "date"));
        assert!(is_single(ResourceType::SLOT, "start"));
        assert!(is_single(ResourceType::PATIENT, "birthdate"));
        assert!(!is_single(ResourceType::PATIENT, "family"));
        assert!(!is_single(ResourceType::APPOINTMENT, "status"));
        // A path through elements that repeat.
        assert!(!is_single(ResourceType::PRACTITIONER_ROLE, "location"));
    }
}
