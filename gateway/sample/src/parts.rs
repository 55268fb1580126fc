//! Data types that several resources are made of.

use fhir_model::r4b::codes::{AddressUse, ContactPointSystem, ContactPointUse, IdentifierUse, NameUse};
use fhir_model::r4b::types::{Address, CodeableConcept, Coding, ContactPoint, HumanName, Identifier, Reference};

use crate::SampleError;

/// Base of the identifier systems; `example` is reserved (RFC 2606).
const SYSTEMS: &str = "https://sample-practice.example/identifiers";

pub(crate) fn reference(target: &str, display: &str) -> Result<Reference, SampleError> {
    Ok(Reference::builder().reference(target.to_owned()).display(display.to_owned()).build()?)
}

pub(crate) fn concept(system: &str, code: &str, display: &str) -> Result<CodeableConcept, SampleError> {
    let coding =
        Coding::builder().system(system.to_owned()).code(code.to_owned()).display(display.to_owned()).build()?;
    Ok(CodeableConcept::builder().coding(vec![Some(coding)]).text(display.to_owned()).build()?)
}

pub(crate) fn identifier(kind: &str, value: &str) -> Result<Identifier, SampleError> {
    let system = format!("{SYSTEMS}/{kind}");
    Ok(Identifier::builder().r#use(IdentifierUse::Official).system(system).value(value.to_owned()).build()?)
}

pub(crate) fn name(prefix: Option<&str>, given: &str, family: &str) -> Result<HumanName, SampleError> {
    let text = prefix.into_iter().chain([given, family]).collect::<Vec<_>>().join(" ");
    let mut name = HumanName::builder()
        .r#use(NameUse::Official)
        .text(text)
        .family(family.to_owned())
        .given(vec![Some(given.to_owned())]);
    if let Some(prefix) = prefix {
        name = name.prefix(vec![Some(prefix.to_owned())]);
    }
    Ok(name.build()?)
}

/// A number of the range that is reserved for fiction: 555-0100 to 555-0199.
pub(crate) fn phone(number: usize, purpose: ContactPointUse) -> Result<ContactPoint, SampleError> {
    let value = format!("+1-{}-555-{:04}", 201 + number / 100, 100 + number % 100);
    Ok(ContactPoint::builder().system(ContactPointSystem::Phone).value(value).r#use(purpose).build()?)
}

pub(crate) fn email(address: &str, purpose: ContactPointUse) -> Result<ContactPoint, SampleError> {
    Ok(ContactPoint::builder().system(ContactPointSystem::Email).value(address.to_owned()).r#use(purpose).build()?)
}

pub(crate) fn address(line: &str, city: &str, postal_code: &str, purpose: AddressUse) -> Result<Address, SampleError> {
    Ok(Address::builder()
        .r#use(purpose)
        .line(vec![Some(line.to_owned())])
        .city(city.to_owned())
        .postal_code(postal_code.to_owned())
        .country("US".to_owned())
        .build()?)
}
