//! fhir-sdk's client, unmodified, as an outside client.

use fhir_sdk::client::{Client, Error, RequestSettings, ResourceWrite, SearchParameters};
use fhir_sdk::r4b::codes::{AppointmentStatus, HTTPVerb, ParticipationStatus};
use fhir_sdk::r4b::resources::{
    Appointment, AppointmentParticipant, Bundle, BundleEntry, BundleEntryRequest, Patient, Resource, ResourceType,
};
use fhir_sdk::r4b::types::{HumanName, Identifier, Reference};
use fhir_sdk::version::FhirR4B;
use futures_util::StreamExt;

use crate::support::Gateway;
use crate::support::gateway::{EVERYTHING, Site};

async fn on_store() -> (Site, Gateway, Client<FhirR4B>) {
    let site = Site::on_store();
    let gateway = site.serve();
    let token = gateway.http(&site, EVERYTHING).token.unwrap();
    let authorization = format!("Bearer {token}").parse().unwrap();
    let settings = RequestSettings::default().header(http::header::AUTHORIZATION, authorization);
    let base = format!("{}/", gateway.base).parse().unwrap();
    let client = Client::builder().base_url(base).request_settings(settings).build().unwrap();
    (site, gateway, client)
}

fn patient(family: &str, identifier: &str) -> Patient {
    let name = HumanName::builder().family(family.to_owned()).build().unwrap();
    let identifier =
        Identifier::builder().system("urn:example:clients".to_owned()).value(identifier.to_owned()).build().unwrap();
    Patient::builder().active(true).name(vec![Some(name)]).identifier(vec![Some(identifier)]).build().unwrap()
}

fn appointment(patient: &str) -> Appointment {
    let actor = Reference::builder().reference(patient.to_owned()).build().unwrap();
    let participant = AppointmentParticipant::builder().actor(actor).status(ParticipationStatus::Accepted);
    let participant = vec![Some(participant.build().unwrap())];
    Appointment::builder().status(AppointmentStatus::Proposed).participant(participant).build().unwrap()
}

#[tokio::test]
async fn fhir_sdk_creates_reads_updates_searches_and_deletes() {
    let (_site, _gateway, client) = on_store().await;
    let mut sent = patient("Sdkclient", "sdk");
    let id = sent.create(&client).await.unwrap();
    let read = client.read::<Patient>(&id).await.unwrap().expect("the patient that was just created");
    assert_eq!(read.name[0].as_ref().unwrap().family.as_deref(), Some("Sdkclient"));
    let mut changed = read.clone();
    changed.active = Some(false);
    changed.update(true, &client).await.unwrap();
    let search = SearchParameters::empty().and_raw("family", "Sdkclient");
    let found: Vec<_> = client.search::<Patient>(search).await.unwrap().all_matches().collect().await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].as_ref().unwrap().active, Some(false));
    changed.delete(&client).await.unwrap();
    assert!(client.read::<Patient>(&id).await.unwrap().is_none());
}

#[tokio::test]
async fn fhir_sdk_pages_patches_and_looks_back() {
    let (_site, _gateway, client) = on_store().await;
    let mut ids = Vec::new();
    for number in 0..7 {
        ids.push(patient("Sdkpages", &number.to_string()).create(&client).await.unwrap());
    }
    let search = SearchParameters::empty().and_raw("family", "Sdkpages").and_raw("_count", "3").and_raw("_sort", "_id");
    let found: Vec<_> = client.search::<Patient>(search).await.unwrap().all_matches().collect().await;
    let mut found: Vec<_> = found.into_iter().map(|patient| patient.unwrap().id.clone().unwrap()).collect();
    found.sort();
    ids.sort();
    assert_eq!(found, ids);

    client.patch_via_json(ResourceType::Patient, &ids[0]).replace("/active", false).unwrap().send().await.unwrap();
    client.patch_via_fhir(ResourceType::Patient, &ids[0]).delete("Patient.birthDate").send().await.unwrap();
    let patched = client.read::<Patient>(&ids[0]).await.unwrap().unwrap();
    assert_eq!(patched.active, Some(false));
    let mut history = client.history::<Patient>(Some(&ids[0])).await.unwrap();
    let versions: Vec<_> =
        history.take_entries().into_iter().flatten().map(|entry| entry.request.clone().unwrap().method).collect();
    assert_eq!(versions, [HTTPVerb::Put, HTTPVerb::Post]);
    let first = client.read_version::<Patient>(&ids[0], "1").await.unwrap().unwrap();
    assert_eq!(first.active, Some(true));

    let refused = client.patch_via_json(ResourceType::Patient, &ids[0]).remove("/nothing").send().await.unwrap_err();
    let Error::OperationOutcomeR4B(status, outcome) = refused else { panic!("{refused}") };
    assert!(status == 422 && !outcome.issue.is_empty(), "{outcome:?}");
}

#[tokio::test]
async fn fhir_sdk_sends_transactions_and_batches() {
    let (_site, _gateway, client) = on_store().await;
    let known = patient("Sdktransaction", "sdk-known").create(&client).await.unwrap();
    let mut transaction = client.transaction();
    let urn = transaction.create(patient("Sdktransaction", "sdk-new"));
    transaction.create(appointment(&urn));
    // A create by a condition is one of its raw entries.
    let request = BundleEntryRequest::builder()
        .method(HTTPVerb::Post)
        .url("Patient".to_owned())
        .if_none_exist("identifier=urn:example:clients|sdk-known".to_owned());
    let entry = BundleEntry::builder()
        .request(request.build().unwrap())
        .resource(Resource::from(patient("Sdktransaction", "sdk-known")));
    transaction.with_raw(entry.build().unwrap());
    let places = locations(&transaction.send().await.unwrap());
    assert_eq!(places[2], format!("Patient/{known}"));
    let booked = client.read::<Appointment>(places[1].trim_start_matches("Appointment/")).await.unwrap().unwrap();
    let actor = booked.participant[0].as_ref().unwrap().actor.as_ref().unwrap();
    assert_eq!(actor.reference.as_deref(), Some(&*places[0]));

    // A version that is not current: nothing of it happens.
    let mut stale = client.read::<Patient>(&known).await.unwrap().unwrap();
    stale.meta.as_mut().unwrap().version_id = Some("999".to_owned());
    let mut transaction = client.transaction();
    transaction.create(patient("Sdkhalf", "sdk-half"));
    transaction.update(stale, true).unwrap();
    let refused = transaction.send().await.unwrap_err();
    assert!(matches!(&refused, Error::OperationOutcomeR4B(status, _) if *status == 412), "{refused}");
    let search = SearchParameters::empty().and_raw("family", "Sdkhalf");
    assert_eq!(client.search::<Patient>(search).await.unwrap().matches().count(), 0);

    let mut batch = client.batch();
    batch.read(ResourceType::Patient, &known);
    batch.read(ResourceType::Patient, "never-was");
    batch.delete(ResourceType::Patient, &known);
    let statuses: Vec<_> =
        responses(&batch.send().await.unwrap()).iter().map(|(status, _)| status[..3].to_owned()).collect();
    assert_eq!(statuses[1..], ["404", "204"]);
}

/// Status and location of each entry of an answer.
fn responses(bundle: &Bundle) -> Vec<(String, Option<String>)> {
    let responses = bundle.entry.iter().flatten().map(|entry| entry.response.as_ref().unwrap());
    responses.map(|response| (response.status.clone(), response.location.clone())).collect()
}

/// Type and id of what each entry of a transaction made or found.
fn locations(bundle: &Bundle) -> Vec<String> {
    let place = |location: &str| {
        let parts: Vec<_> = location.split('/').collect();
        parts[parts.len() - 4..parts.len() - 2].join("/")
    };
    responses(bundle).iter().map(|(_, location)| place(location.as_deref().unwrap())).collect()
}
