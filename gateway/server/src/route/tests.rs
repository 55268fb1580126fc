use std::collections::BTreeMap;
use std::sync::Arc;

use adapter::{Adapter, Call, Error, ErrorKind, Health, Practice, Reply};
use fhir::capability::ResourceCapability;
use fhir::interaction::{Level, Parameters};
use fhir::{Capability, Interaction, InteractionCode, Query, Resource, ResourceType, Version};
use http::StatusCode;
use http::header::ALLOW;

use super::*;
use crate::federate::Ground;

mod content;

/// An adapter that offers what it was made with and performs nothing.
struct Offers(Arc<Capability>);

#[async_trait::async_trait]
impl Adapter for Offers {
    fn capability(&self) -> Arc<Capability> {
        Arc::clone(&self.0)
    }

    async fn perform(&self, _: Call) -> Result<Reply, Error> {
        Err(Error::new(ErrorKind::Internal, "not called"))
    }

    async fn health(&self) -> Health {
        Health::Up
    }
}

fn offers(resources: &[(ResourceType, &[InteractionCode])]) -> Arc<dyn Adapter> {
    let mut capability = Capability::empty(Version::R4);
    for (resource_type, codes) in resources {
        let resource = ResourceCapability {
            interactions: codes.iter().copied().collect(),
            search: [(format!("of-{}", codes.len()), "token".to_owned())].into(),
            operations: [("validate".to_owned(), "http://e.example/validate".to_owned())].into(),
            ..ResourceCapability::default()
        };
        capability.resources.insert(*resource_type, resource);
    }
    Arc::new(Offers(Arc::new(capability)))
}

fn ground() -> Ground {
    Ground {
        prefixes: BTreeMap::new(),
        names: "nowhere".into(),
        seal: Arc::new(adapter::seal::Seal::new(&[7; 32])),
        clock: Arc::new(adapter::host::SystemClock),
        reply: 1 << 20,
        additions: adapter::PracticeAdditions::default(),
    }
}

/// The EHR has patients to read and slots; the store has everything else.
fn routes() -> Routes {
    use InteractionCode::{Create, Delete, Read, SearchType, Update};
    let mut adapters: BTreeMap<String, Arc<dyn Adapter>> = BTreeMap::new();
    let patient = (ResourceType::PATIENT, &[Read, SearchType][..]);
    adapters.insert("ehr".into(), offers(&[patient, (ResourceType::SLOT, &[Read])]));
    let all = &[Read, Create, Update, Delete, SearchType][..];
    adapters.insert(
        "store".into(),
        offers(&[(ResourceType::PATIENT, all), (ResourceType::SLOT, all), (ResourceType::LOCATION, all)]),
    );
    let text = "[adapters.ehr]\nkind=\"store\"\n[adapters.store]\nkind=\"store\"\n\
                [[routes]]\nname=\"patients\"\nadapter=\"ehr\"\ntypes=[\"Patient\"]\nprofiles=[\"http://p.example/p\"]\n\
                [[routes]]\nadapter=\"ehr\"\ntypes=[\"Slot\"]\ninteractions=[\"read\"]\n\
                [[routes]]\nadapter=\"store\"\n";
    let config = config::shape("frontdesk.toml", text).unwrap();
    Routes::new(&config.routes, &adapters, &ground()).unwrap()
}

fn read(resource_type: ResourceType) -> Interaction {
    Interaction::Read { resource_type, id: "1".parse().unwrap() }
}

fn create(resource_type: ResourceType, condition: bool) -> Interaction {
    let resource = Resource::new(resource_type, Version::R4, "{}");
    Interaction::Create { resource, if_none_exist: condition.then(Query::default) }
}

fn destination(interaction: &Interaction) -> Result<String, Failure> {
    routes().plan(&Practice::default(), interaction).map(|plan| plan.adapters[0].name.to_string())
}

#[test]
fn the_first_route_that_takes_a_request_decides() {
    assert_eq!(destination(&read(ResourceType::PATIENT)).unwrap(), "ehr");
    assert_eq!(destination(&read(ResourceType::SLOT)).unwrap(), "ehr");
    assert_eq!(destination(&create(ResourceType::SLOT, false)).unwrap(), "store");
    assert_eq!(destination(&read(ResourceType::LOCATION)).unwrap(), "store");
    let plan = routes().plan(&Practice::default(), &read(ResourceType::PATIENT)).unwrap();
    assert_eq!((&*plan.route, plan.profiles.len()), ("patients", 1));
}

#[test]
fn what_a_named_type_does_not_offer_is_a_405_that_says_what_is_offered() {
    let failure = destination(&create(ResourceType::PATIENT, false)).unwrap_err();
    assert_eq!(failure.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(failure.headers[ALLOW], "GET, HEAD");
    assert!(failure.issues[0].text.contains("read, search-type"), "{}", failure.issues[0].text);
}

#[test]
fn a_type_that_nobody_serves_is_a_404_that_names_the_served_ones() {
    let failure = destination(&read(ResourceType::CLAIM)).unwrap_err();
    assert_eq!(failure.status, StatusCode::NOT_FOUND);
    assert!(failure.issues[0].text.contains("Location, Patient, Slot"), "{}", failure.issues[0].text);
    let other = routes().plan(&Practice::new("other"), &read(ResourceType::PATIENT)).err().unwrap();
    assert_eq!(other.status, StatusCode::NOT_FOUND);
}

#[test]
fn a_condition_that_is_not_honoured_is_refused_before_the_adapter_is_called() {
    let failure = destination(&create(ResourceType::LOCATION, true)).unwrap_err();
    assert_eq!(failure.status, StatusCode::BAD_REQUEST);
}

#[test]
fn an_operation_is_offered_by_its_name() {
    let operation = |name: &str| Interaction::Operation {
        name: name.to_owned(),
        level: Level::Type(ResourceType::PATIENT),
        parameters: Parameters::Query(Query::default()),
    };
    assert_eq!(destination(&operation("validate")).unwrap(), "ehr");
    let failure = destination(&operation("everything")).unwrap_err();
    assert_eq!(failure.status, StatusCode::NOT_FOUND);
    assert!(failure.issues[0].text.contains("$validate"));
}

#[test]
fn the_merged_capability_says_what_the_routes_let_through() {
    let capability = routes().capability(&Practice::default());
    let patient = &capability.resources[&ResourceType::PATIENT];
    assert_eq!(patient.interactions, [InteractionCode::Read, InteractionCode::SearchType].into());
    assert!(patient.profiles.contains("http://p.example/p"));
    let slot = &capability.resources[&ResourceType::SLOT];
    assert!(slot.interactions.contains(&InteractionCode::Create));
    assert!(slot.search.contains_key("of-5"), "searches of Slot go to the store");
    assert!(routes().capability(&Practice::new("other")).resources.is_empty());
}

#[test]
fn includes_are_those_of_what_is_served_and_go_over_routes() {
    let search = [InteractionCode::Read, InteractionCode::SearchType];
    let mut claims = Capability::clone(&offers(&[(ResourceType::PATIENT, &search)]).capability());
    let patient = claims.resources.get_mut(&ResourceType::PATIENT).unwrap();
    patient.include = ["Patient:organization", "Patient:own"].map(str::to_owned).into();
    patient.revinclude = ["Observation:patient", "Patient:link", "Location:patient"].map(str::to_owned).into();
    let booking = offers(&[(ResourceType::APPOINTMENT, &search), (ResourceType::LOCATION, &search[..1])]);
    let mut bookings = Capability::clone(&booking.capability());
    let appointment = bookings.resources.get_mut(&ResourceType::APPOINTMENT).unwrap();
    appointment.search = [("patient".to_owned(), "reference".to_owned())].into();
    let adapters: BTreeMap<String, Arc<dyn Adapter>> = [
        ("ehr".to_owned(), Arc::new(Offers(Arc::new(claims))) as Arc<dyn Adapter>),
        ("booking".to_owned(), Arc::new(Offers(Arc::new(bookings))) as Arc<dyn Adapter>),
    ]
    .into();
    let text = "[adapters.ehr]\nkind=\"store\"\n[adapters.booking]\nkind=\"store\"\n\
                [[routes]]\nadapter=\"ehr\"\n[[routes]]\nadapter=\"booking\"\n";
    let config = config::shape("frontdesk.toml", text).unwrap();
    let routes = Routes::new(&config.routes, &adapters, &ground()).unwrap();
    let mut capability = routes.capability(&Practice::default());
    crate::federate::across::add_includes(&routes, &Practice::default(), &mut capability);
    let of = |of: ResourceType| &capability.resources[&of];
    let texts = |set: &std::collections::BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(texts(&of(ResourceType::PATIENT).include), "Patient:own", "organizations are not served here");
    // Only a source that is searched can be brought; by a parameter that it is searched by.
    assert_eq!(texts(&of(ResourceType::PATIENT).revinclude), "Appointment:patient Patient:link");
    assert_eq!(texts(&of(ResourceType::APPOINTMENT).include), "Appointment:patient");
}

#[test]
fn a_route_to_an_adapter_that_there_is_not_is_refused_by_name() {
    let text = "[adapters.store]\nkind=\"store\"\n[[routes]]\nadapter=\"epci\"\n";
    let config = config::shape("frontdesk.toml", text).unwrap();
    let adapters = [("store".to_owned(), offers(&[]))].into();
    let error = Routes::new(&config.routes, &adapters, &ground()).err().unwrap();
    assert_eq!(error.to_string(), "unknown adapter `epci` in route 1 (known: store)");
}
