//! The resource types of R4, R4B and R5.

use std::fmt;
use std::str::FromStr;

use crate::Version;

const R4: u8 = Version::R4.bit();
const R4B: u8 = Version::R4B.bit();
const R5: u8 = Version::R5.bit();

/// A concrete resource type of one of the releases. One byte, compared and hashed as such.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub struct ResourceType(u8);

/// A text that is no resource type of any release.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown resource type `{0}`")]
pub struct UnknownResourceType(pub String);

macro_rules! constants {
    ($($(#[$doc:meta])* $constant:ident = $name:literal,)*) => {
        /// The types that Frontdesk itself has to name.
        impl ResourceType {
            $(#[doc = concat!("`", $name, "`")] pub const $constant: Self = Self::of($name);)*
        }
    };
}

constants! {
    APPOINTMENT = "Appointment",
    APPOINTMENT_RESPONSE = "AppointmentResponse",
    AUDIT_EVENT = "AuditEvent",
    BINARY = "Binary",
    BUNDLE = "Bundle",
    CAPABILITY_STATEMENT = "CapabilityStatement",
    CLAIM = "Claim",
    CODE_SYSTEM = "CodeSystem",
    CONCEPT_MAP = "ConceptMap",
    COVERAGE = "Coverage",
    GROUP = "Group",
    HEALTHCARE_SERVICE = "HealthcareService",
    LOCATION = "Location",
    OPERATION_DEFINITION = "OperationDefinition",
    OPERATION_OUTCOME = "OperationOutcome",
    ORGANIZATION = "Organization",
    PARAMETERS = "Parameters",
    PATIENT = "Patient",
    PRACTITIONER = "Practitioner",
    PRACTITIONER_ROLE = "PractitionerRole",
    QUESTIONNAIRE = "Questionnaire",
    SCHEDULE = "Schedule",
    SEARCH_PARAMETER = "SearchParameter",
    SLOT = "Slot",
    STRUCTURE_DEFINITION = "StructureDefinition",
    VALUE_SET = "ValueSet",
}

impl ResourceType {
    /// Every type of every release, in alphabetical order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..TYPES.len()).map(|index| Self(index as u8))
    }

    /// How many types there are: the length of a table by [`Self::index`].
    pub const COUNT: usize = TYPES.len();

    /// Its place in [`Self::all`], for tables; not stable across builds.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The name, as `resourceType` and URLs have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        TYPES[self.0 as usize].0
    }

    /// Whether the release defines this type.
    #[must_use]
    pub const fn is_in(self, version: Version) -> bool {
        TYPES[self.0 as usize].1 & version.bit() != 0
    }

    #[allow(clippy::panic, reason = "evaluated by the compiler only")]
    const fn of(name: &str) -> Self {
        let mut index = 0;
        while index < TYPES.len() {
            if same(TYPES[index].0.as_bytes(), name.as_bytes()) {
                return Self(index as u8);
            }
            index += 1;
        }
        panic!("a constant names an unknown resource type")
    }
}

const fn same(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut index = 0;
    while index < left.len() {
        if left[index] != right[index] {
            return false;
        }
        index += 1;
    }
    true
}

impl FromStr for ResourceType {
    type Err = UnknownResourceType;

    fn from_str(name: &str) -> Result<Self, UnknownResourceType> {
        match TYPES.binary_search_by(|(known, _)| (*known).cmp(name)) {
            Ok(index) => Ok(Self(index as u8)),
            Err(_) => Err(UnknownResourceType(name.chars().take(64).collect())),
        }
    }
}

impl TryFrom<String> for ResourceType {
    type Error = UnknownResourceType;

    fn try_from(name: String) -> Result<Self, UnknownResourceType> {
        name.parse()
    }
}

impl From<ResourceType> for &'static str {
    fn from(resource_type: ResourceType) -> Self {
        resource_type.as_str()
    }
}

impl fmt::Display for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Name and the releases that have it; sorted by name.
#[rustfmt::skip]
const TYPES: [(&str, u8); 178] = [
    ("Account", R4 | R4B | R5),
    ("ActivityDefinition", R4 | R4B | R5),
    ("ActorDefinition", R5),
    ("AdministrableProductDefinition", R4B | R5),
    ("AdverseEvent", R4 | R4B | R5),
    ("AllergyIntolerance", R4 | R4B | R5),
    ("Appointment", R4 | R4B | R5),
    ("AppointmentResponse", R4 | R4B | R5),
    ("ArtifactAssessment", R5),
    ("AuditEvent", R4 | R4B | R5),
    ("Basic", R4 | R4B | R5),
    ("Binary", R4 | R4B | R5),
    ("BiologicallyDerivedProduct", R4 | R4B | R5),
    ("BiologicallyDerivedProductDispense", R5),
    ("BodyStructure", R4 | R4B | R5),
    ("Bundle", R4 | R4B | R5),
    ("CapabilityStatement", R4 | R4B | R5),
    ("CarePlan", R4 | R4B | R5),
    ("CareTeam", R4 | R4B | R5),
    ("CatalogEntry", R4 | R4B),
    ("ChargeItem", R4 | R4B | R5),
    ("ChargeItemDefinition", R4 | R4B | R5),
    ("Citation", R4B | R5),
    ("Claim", R4 | R4B | R5),
    ("ClaimResponse", R4 | R4B | R5),
    ("ClinicalImpression", R4 | R4B | R5),
    ("ClinicalUseDefinition", R4B | R5),
    ("CodeSystem", R4 | R4B | R5),
    ("Communication", R4 | R4B | R5),
    ("CommunicationRequest", R4 | R4B | R5),
    ("CompartmentDefinition", R4 | R4B | R5),
    ("Composition", R4 | R4B | R5),
    ("ConceptMap", R4 | R4B | R5),
    ("Condition", R4 | R4B | R5),
    ("ConditionDefinition", R5),
    ("Consent", R4 | R4B | R5),
    ("Contract", R4 | R4B | R5),
    ("Coverage", R4 | R4B | R5),
    ("CoverageEligibilityRequest", R4 | R4B | R5),
    ("CoverageEligibilityResponse", R4 | R4B | R5),
    ("DetectedIssue", R4 | R4B | R5),
    ("Device", R4 | R4B | R5),
    ("DeviceAssociation", R5),
    ("DeviceDefinition", R4 | R4B | R5),
    ("DeviceDispense", R5),
    ("DeviceMetric", R4 | R4B | R5),
    ("DeviceRequest", R4 | R4B | R5),
    ("DeviceUsage", R5),
    ("DeviceUseStatement", R4 | R4B),
    ("DiagnosticReport", R4 | R4B | R5),
    ("DocumentManifest", R4 | R4B),
    ("DocumentReference", R4 | R4B | R5),
    ("EffectEvidenceSynthesis", R4),
    ("Encounter", R4 | R4B | R5),
    ("EncounterHistory", R5),
    ("Endpoint", R4 | R4B | R5),
    ("EnrollmentRequest", R4 | R4B | R5),
    ("EnrollmentResponse", R4 | R4B | R5),
    ("EpisodeOfCare", R4 | R4B | R5),
    ("EventDefinition", R4 | R4B | R5),
    ("Evidence", R4 | R4B | R5),
    ("EvidenceReport", R4B | R5),
    ("EvidenceVariable", R4 | R4B | R5),
    ("ExampleScenario", R4 | R4B | R5),
    ("ExplanationOfBenefit", R4 | R4B | R5),
    ("FamilyMemberHistory", R4 | R4B | R5),
    ("Flag", R4 | R4B | R5),
    ("FormularyItem", R5),
    ("GenomicStudy", R5),
    ("Goal", R4 | R4B | R5),
    ("GraphDefinition", R4 | R4B | R5),
    ("Group", R4 | R4B | R5),
    ("GuidanceResponse", R4 | R4B | R5),
    ("HealthcareService", R4 | R4B | R5),
    ("ImagingSelection", R5),
    ("ImagingStudy", R4 | R4B | R5),
    ("Immunization", R4 | R4B | R5),
    ("ImmunizationEvaluation", R4 | R4B | R5),
    ("ImmunizationRecommendation", R4 | R4B | R5),
    ("ImplementationGuide", R4 | R4B | R5),
    ("Ingredient", R4B | R5),
    ("InsurancePlan", R4 | R4B | R5),
    ("InventoryItem", R5),
    ("InventoryReport", R5),
    ("Invoice", R4 | R4B | R5),
    ("Library", R4 | R4B | R5),
    ("Linkage", R4 | R4B | R5),
    ("List", R4 | R4B | R5),
    ("Location", R4 | R4B | R5),
    ("ManufacturedItemDefinition", R4B | R5),
    ("Measure", R4 | R4B | R5),
    ("MeasureReport", R4 | R4B | R5),
    ("Media", R4 | R4B),
    ("Medication", R4 | R4B | R5),
    ("MedicationAdministration", R4 | R4B | R5),
    ("MedicationDispense", R4 | R4B | R5),
    ("MedicationKnowledge", R4 | R4B | R5),
    ("MedicationRequest", R4 | R4B | R5),
    ("MedicationStatement", R4 | R4B | R5),
    ("MedicinalProduct", R4),
    ("MedicinalProductAuthorization", R4),
    ("MedicinalProductContraindication", R4),
    ("MedicinalProductDefinition", R4B | R5),
    ("MedicinalProductIndication", R4),
    ("MedicinalProductIngredient", R4),
    ("MedicinalProductInteraction", R4),
    ("MedicinalProductManufactured", R4),
    ("MedicinalProductPackaged", R4),
    ("MedicinalProductPharmaceutical", R4),
    ("MedicinalProductUndesirableEffect", R4),
    ("MessageDefinition", R4 | R4B | R5),
    ("MessageHeader", R4 | R4B | R5),
    ("MolecularSequence", R4 | R4B | R5),
    ("NamingSystem", R4 | R4B | R5),
    ("NutritionIntake", R5),
    ("NutritionOrder", R4 | R4B | R5),
    ("NutritionProduct", R4B | R5),
    ("Observation", R4 | R4B | R5),
    ("ObservationDefinition", R4 | R4B | R5),
    ("OperationDefinition", R4 | R4B | R5),
    ("OperationOutcome", R4 | R4B | R5),
    ("Organization", R4 | R4B | R5),
    ("OrganizationAffiliation", R4 | R4B | R5),
    ("PackagedProductDefinition", R4B | R5),
    ("Parameters", R4 | R4B | R5),
    ("Patient", R4 | R4B | R5),
    ("PaymentNotice", R4 | R4B | R5),
    ("PaymentReconciliation", R4 | R4B | R5),
    ("Permission", R5),
    ("Person", R4 | R4B | R5),
    ("PlanDefinition", R4 | R4B | R5),
    ("Practitioner", R4 | R4B | R5),
    ("PractitionerRole", R4 | R4B | R5),
    ("Procedure", R4 | R4B | R5),
    ("Provenance", R4 | R4B | R5),
    ("Questionnaire", R4 | R4B | R5),
    ("QuestionnaireResponse", R4 | R4B | R5),
    ("RegulatedAuthorization", R4B | R5),
    ("RelatedPerson", R4 | R4B | R5),
    ("RequestGroup", R4 | R4B),
    ("RequestOrchestration", R5),
    ("Requirements", R5),
    ("ResearchDefinition", R4 | R4B),
    ("ResearchElementDefinition", R4 | R4B),
    ("ResearchStudy", R4 | R4B | R5),
    ("ResearchSubject", R4 | R4B | R5),
    ("RiskAssessment", R4 | R4B | R5),
    ("RiskEvidenceSynthesis", R4),
    ("Schedule", R4 | R4B | R5),
    ("SearchParameter", R4 | R4B | R5),
    ("ServiceRequest", R4 | R4B | R5),
    ("Slot", R4 | R4B | R5),
    ("Specimen", R4 | R4B | R5),
    ("SpecimenDefinition", R4 | R4B | R5),
    ("StructureDefinition", R4 | R4B | R5),
    ("StructureMap", R4 | R4B | R5),
    ("Subscription", R4 | R4B | R5),
    ("SubscriptionStatus", R4B | R5),
    ("SubscriptionTopic", R4B | R5),
    ("Substance", R4 | R4B | R5),
    ("SubstanceDefinition", R4B | R5),
    ("SubstanceNucleicAcid", R4 | R5),
    ("SubstancePolymer", R4 | R5),
    ("SubstanceProtein", R4 | R5),
    ("SubstanceReferenceInformation", R4 | R5),
    ("SubstanceSourceMaterial", R4 | R5),
    ("SubstanceSpecification", R4),
    ("SupplyDelivery", R4 | R4B | R5),
    ("SupplyRequest", R4 | R4B | R5),
    ("Task", R4 | R4B | R5),
    ("TerminologyCapabilities", R4 | R4B | R5),
    ("TestPlan", R5),
    ("TestReport", R4 | R4B | R5),
    ("TestScript", R4 | R4B | R5),
    ("Transport", R5),
    ("ValueSet", R4 | R4B | R5),
    ("VerificationResult", R4 | R4B | R5),
    ("VisionPrescription", R4 | R4B | R5),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_and_an_unknown_one_is_not() {
        assert_eq!("Patient".parse(), Ok(ResourceType::PATIENT));
        assert_eq!(ResourceType::SLOT.as_str(), "Slot");
        assert!("patient".parse::<ResourceType>().is_err());
    }

    #[test]
    fn the_table_is_sorted_so_that_the_search_finds_every_name() {
        for resource_type in ResourceType::all() {
            assert_eq!(resource_type.as_str().parse(), Ok(resource_type));
        }
    }

    #[test]
    fn a_type_knows_its_releases() {
        assert!(ResourceType::PATIENT.is_in(Version::R4));
        let actor: ResourceType = "ActorDefinition".parse().unwrap();
        assert!(!actor.is_in(Version::R4) && actor.is_in(Version::R5));
    }
}
