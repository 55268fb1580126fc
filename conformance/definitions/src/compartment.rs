//! CompartmentDefinitions.

use fhir::ResourceType;

use crate::Definitions;
use crate::tables::CompartmentRow;

/// Which resources belong to an owner, such as a patient.
#[derive(Clone, Copy)]
pub struct Compartment<'d> {
    definitions: &'d Definitions,
    row: &'d CompartmentRow,
}

impl<'d> Compartment<'d> {
    /// The type of the owner: `Patient`.
    #[must_use]
    pub fn owner(self) -> &'static str {
        self.definitions.text(self.row.owner)
    }

    /// The types that can be in it.
    pub fn resource_types(self) -> impl Iterator<Item = &'static str> {
        let members = self.row.members.of(&self.definitions.tables.compartment_members);
        members.iter().map(move |member| self.definitions.text(member.resource_type))
    }

    /// Codes of the search parameters whose reference to the owner puts a resource of that type into it; none when such
    /// resources are never in it. The owner itself is in it beyond these.
    #[must_use]
    pub fn parameters(self, resource_type: ResourceType) -> Option<impl Iterator<Item = &'static str>> {
        let definitions = self.definitions;
        let members = self.row.members.of(&definitions.tables.compartment_members);
        let member = members.iter().find(|member| definitions.text(member.resource_type) == resource_type.as_str())?;
        Some(member.parameters.of(&definitions.tables.words).iter().map(move |place| definitions.text(*place)))
    }
}

impl Definitions {
    /// The compartment of an owner's type: `Patient`, `Practitioner`, `RelatedPerson`, `Device`, `Encounter`.
    #[must_use]
    pub fn compartment(&self, owner: ResourceType) -> Option<Compartment<'_>> {
        let row = self.tables.compartments.iter().find(|row| self.text(row.owner) == owner.as_str())?;
        Some(Compartment { definitions: self, row })
    }
}
