//! SearchParameters.

use std::collections::HashMap;

use fhir::ResourceType;

use crate::Definitions;
use crate::tables::{SearchParameterRow, Span};

/// `SearchParameter.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParameterKind {
    /// `number`
    Number,
    /// `date`
    Date,
    /// `string`
    String,
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
    /// `special`
    Special,
}

impl ParameterKind {
    /// The kind of that code, in http://hl7.org/fhir/search-param-type.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Some(match code {
            "number" => Self::Number,
            "date" => Self::Date,
            "string" => Self::String,
            "token" => Self::Token,
            "reference" => Self::Reference,
            "composite" => Self::Composite,
            "quantity" => Self::Quantity,
            "uri" => Self::Uri,
            "special" => Self::Special,
            _ => return None,
        })
    }
}

/// A part of a composite parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Component {
    /// The canonical of the part's own parameter ([`Definitions::search_parameter_by_url`]).
    pub definition: &'static str,
    /// FHIRPath on each value of the composite.
    pub expression: &'static str,
}

/// A SearchParameter of the specification.
#[derive(Clone, Debug)]
pub struct SearchParameter {
    /// Its canonical.
    pub url: &'static str,
    /// Its name in a URL.
    pub code: &'static str,
    /// Its type.
    pub kind: ParameterKind,
    /// FHIRPath over all its bases (`Patient.name | Practitioner.name`); none for `_content`, `_query` and the like.
    pub expression: Option<&'static str>,
    /// The types it can be used on; `Resource` and `DomainResource` stand for their specializations.
    pub bases: Vec<&'static str>,
    /// The types that a reference may point at; empty when any.
    pub targets: Vec<&'static str>,
    /// Prefixes that the definition names; empty when it names none, which leaves those of its type.
    pub comparators: Vec<&'static str>,
    /// Modifiers that the definition names; empty when it names none, which leaves those of its type.
    pub modifiers: Vec<&'static str>,
    /// Whether values may be joined by commas, where the definition says so.
    pub multiple_or: Option<bool>,
    /// Whether it may be repeated, where the definition says so.
    pub multiple_and: Option<bool>,
    /// The parts of a composite.
    pub components: Vec<Component>,
}

/// Search parameters by type.
#[derive(Default)]
pub(crate) struct SearchIndex {
    parameters: Vec<SearchParameter>,
    /// Concrete resource type to its parameters, sorted by code.
    by_type: HashMap<&'static str, Vec<usize>>,
}

impl SearchIndex {
    pub(crate) fn new(definitions: &Definitions) -> Self {
        let parameters: Vec<_> =
            definitions.tables.search_parameters.iter().map(|row| read(definitions, row)).collect();
        let mut by_type: HashMap<&'static str, Vec<usize>> = HashMap::new();
        for (index, parameter) in parameters.iter().enumerate() {
            for concrete in concrete_types(definitions, &parameter.bases) {
                by_type.entry(concrete).or_default().push(index);
            }
        }
        for found in by_type.values_mut() {
            found.sort_by_key(|index| parameters.get(*index).map(|parameter| parameter.code));
            found.dedup();
        }
        Self { parameters, by_type }
    }
}

/// The bases that have instances, and the specializations of those that have none.
fn concrete_types(definitions: &Definitions, bases: &[&'static str]) -> Vec<&'static str> {
    let mut concrete = Vec::new();
    for base in bases.iter().filter_map(|base| definitions.type_named(base)) {
        if base.is_abstract() {
            let kin = definitions.types().filter(|known| !known.is_abstract() && known.specializes(base));
            concrete.extend(kin.map(crate::Type::name));
        } else {
            concrete.push(base.name());
        }
    }
    concrete
}

fn read(definitions: &Definitions, row: &SearchParameterRow) -> SearchParameter {
    let words = |span: Span| -> Vec<&'static str> {
        span.of(&definitions.tables.words).iter().map(|place| definitions.text(*place)).collect()
    };
    let said = |flag: u8| (flag > 0).then_some(flag == 2);
    let components = words(row.components);
    SearchParameter {
        url: definitions.text(row.url),
        code: definitions.text(row.code),
        kind: ParameterKind::from_code(definitions.text(row.kind)).unwrap_or(ParameterKind::Special),
        expression: Some(definitions.text(row.expression)).filter(|expression| !expression.is_empty()),
        bases: words(row.bases),
        targets: words(row.targets),
        comparators: words(row.comparators),
        modifiers: words(row.modifiers),
        multiple_or: said(row.multiple_or),
        multiple_and: said(row.multiple_and),
        components: components
            .chunks_exact(2)
            .filter_map(|pair| Some(Component { definition: pair.first()?, expression: pair.last()? }))
            .collect(),
    }
}

impl Definitions {
    /// The parameters that a resource type can be searched by, those of all resources (`_id`) included, sorted by code.
    pub fn search_parameters(&self, resource_type: ResourceType) -> impl Iterator<Item = &SearchParameter> {
        let indexes = self.search.by_type.get(resource_type.as_str()).map(Vec::as_slice).unwrap_or_default();
        indexes.iter().filter_map(|index| self.search.parameters.get(*index))
    }

    /// The parameter with that canonical.
    #[must_use]
    pub fn search_parameter_by_url(&self, url: &str) -> Option<&SearchParameter> {
        let index = self.search.parameters.binary_search_by(|parameter| parameter.url.cmp(url)).ok()?;
        self.search.parameters.get(index)
    }
}
