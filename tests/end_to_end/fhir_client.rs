//! fhir-sdk's client, unmodified, as an outside client.

use fhir_sdk::client::{Client, RequestSettings, ResourceWrite, SearchParameters};
use fhir_sdk::r4b::resources::Patient;
use fhir_sdk::r4b::types::HumanName;
use fhir_sdk::version::FhirR4B;
use futures_util::StreamExt;

use crate::support::gateway::{EVERYTHING, Site};

#[tokio::test]
async fn fhir_sdk_creates_reads_updates_searches_and_deletes() {
    let site = Site::on_store();
    let gateway = site.serve();
    let token = gateway.http(&site, EVERYTHING).token.unwrap();
    let authorization = format!("Bearer {token}").parse().unwrap();
    let settings = RequestSettings::default().header(http::header::AUTHORIZATION, authorization);
    let client: Client<FhirR4B> = Client::builder()
        .base_url(format!("{}/", gateway.base).parse().unwrap())
        .request_settings(settings)
        .build()
        .unwrap();

    let name = HumanName::builder().family("Sdkclient".to_owned()).build().unwrap();
    let mut patient = Patient::builder().active(true).name(vec![Some(name)]).build().unwrap();
    let id = patient.create(&client).await.unwrap();
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
