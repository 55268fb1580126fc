//! Which elements have a rule: a byte for each element of a release.

use std::sync::LazyLock;

use definitions::{Definitions, Element, ElementId, Primitive};
use fhir::Version;

/// The rules that an element's values must follow beyond their structure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Duty {
    /// None.
    #[default]
    None,
    /// `uri`, `url`, `oid`, `uuid`
    Uri,
    /// `canonical`: refers to a definition.
    Canonical,
    /// The `url` of a definition itself.
    CanonicalUrl,
    /// `decimal` of a release that bounds its digits.
    Decimal,
    /// The `id` of an element within a resource.
    ElementId,
    /// `Identifier`
    Identifier,
    /// `Coding`
    Coding,
    /// `Attachment`
    Attachment,
    /// `SampledData`
    SampledData,
    /// `Reference`
    Reference,
    /// `Narrative.div`
    Narrative,
    /// `Bundle`
    Bundle,
    /// `StructureDefinition`
    StructureDefinition,
    /// `ValueSet`
    ValueSet,
    /// `CodeSystem`
    CodeSystem,
    /// `SearchParameter`
    SearchParameter,
    /// `CapabilityStatement`
    CapabilityStatement,
    /// `ConceptMap`
    ConceptMap,
    /// `StructureMap`
    StructureMap,
    /// `OperationDefinition`
    OperationDefinition,
    /// `NamingSystem`
    NamingSystem,
    /// `MeasureReport`
    MeasureReport,
    /// `Questionnaire`
    Questionnaire,
    /// `QuestionnaireResponse`
    QuestionnaireResponse,
}

/// The duties of a release by element.
pub(super) struct Duties(Vec<Duty>);

impl Duties {
    fn new(version: Version) -> Self {
        let definitions = definitions::of(version);
        let elements = (1..).map_while(|raw| definitions.element(ElementId::from_raw(raw)?));
        Self(std::iter::once(Duty::None).chain(elements.map(|element| duty(element, definitions))).collect())
    }

    #[inline]
    pub(super) fn of(&self, element: u32) -> Duty {
        self.0.get(element as usize).copied().unwrap_or_default()
    }
}

pub(super) fn of(version: Version) -> &'static Duties {
    static DUTIES: [LazyLock<Duties>; 3] = [
        LazyLock::new(|| Duties::new(Version::R4)),
        LazyLock::new(|| Duties::new(Version::R4B)),
        LazyLock::new(|| Duties::new(Version::R5)),
    ];
    let [r4, r4b, r5] = &DUTIES;
    match version {
        Version::R4 => r4,
        Version::R4B => r4b,
        Version::R5 => r5,
    }
}

fn duty(element: Element<'static>, definitions: &'static Definitions) -> Duty {
    match element.primitive() {
        Some(Primitive::Uri) if is_canonical_url(element, definitions) => Duty::CanonicalUrl,
        Some(Primitive::Uri | Primitive::Url | Primitive::Oid | Primitive::Uuid) => Duty::Uri,
        Some(Primitive::Canonical) => Duty::Canonical,
        Some(Primitive::Decimal) if definitions.version() == Version::R5 => Duty::Decimal,
        Some(Primitive::Xhtml) => Duty::Narrative,
        Some(Primitive::String) if element.is_element_id() => Duty::ElementId,
        Some(_) => Duty::None,
        None => object_duty(element.type_name()),
    }
}

fn object_duty(type_name: &str) -> Duty {
    match type_name {
        "Identifier" => Duty::Identifier,
        "Coding" => Duty::Coding,
        "Attachment" => Duty::Attachment,
        "SampledData" => Duty::SampledData,
        "Reference" => Duty::Reference,
        "Bundle" => Duty::Bundle,
        "StructureDefinition" => Duty::StructureDefinition,
        "ValueSet" => Duty::ValueSet,
        "CodeSystem" => Duty::CodeSystem,
        "SearchParameter" => Duty::SearchParameter,
        "CapabilityStatement" => Duty::CapabilityStatement,
        "ConceptMap" => Duty::ConceptMap,
        "StructureMap" => Duty::StructureMap,
        "OperationDefinition" => Duty::OperationDefinition,
        "NamingSystem" => Duty::NamingSystem,
        "MeasureReport" => Duty::MeasureReport,
        "Questionnaire" => Duty::Questionnaire,
        "QuestionnaireResponse" => Duty::QuestionnaireResponse,
        _ => Duty::None,
    }
}

/// Whether it is the `url` of a resource that is referred to by canonical: one with a `status` of a definition (resource.html#canonical).
fn is_canonical_url(element: Element<'static>, definitions: &'static Definitions) -> bool {
    if element.name() != "url" {
        return false;
    }
    let Some(root) = element.owner().and_then(|owner| definitions.type_named(owner.path())?.root()) else {
        return false;
    };
    let binding = definitions.child(root, "status").and_then(Element::binding);
    binding.is_some_and(|binding| binding.url.ends_with("/publication-status"))
}
