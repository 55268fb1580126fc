//! What belongs to a patient is where the patient is.

use super::*;

fn observation(subject: &str, performer: Option<&str>) -> Resource {
    let mut json = json!({ "resourceType": "Observation", "status": "final", "code": { "text": "x" },
        "subject": { "reference": subject } });
    if let Some(performer) = performer {
        json["performer"] = json!([{ "reference": performer }]);
    }
    Resource::new("Observation".parse().unwrap(), Version::R4, json.to_string())
}

async fn owned() -> Two {
    let Two { ehr, old, both } = with_patients().await;
    Two { ehr, old, both: both.owned() }
}

async fn create(two: &Two, resource: Resource) -> Result<String, Error> {
    let reply = two.both.perform(alone::call(Interaction::Create { resource, if_none_exist: None })).await?;
    Ok(reply.subject.unwrap().id.to_string())
}

fn observations(query: &str) -> Call {
    let resource_type = "Observation".parse().unwrap();
    alone::call(Interaction::SearchType { resource_type, compartment: None, query: Query::parse(query) })
}

#[tokio::test]
async fn what_is_created_for_a_patient_goes_to_the_back_end_that_has_the_patient() {
    let two = owned().await;
    let absolute = format!("{}/Patient/old-1", alone::BASE);
    for (subject, prefix) in [("Patient/old-1", "old-"), ("Patient/ehr-1", "ehr-"), (&absolute, "old-")] {
        let id = create(&two, observation(subject, None)).await.unwrap();
        assert!(id.starts_with(prefix), "{subject} {id}");
    }
    let id = create(&two, observation("Group/1", None)).await.unwrap();
    assert!(id.starts_with("ehr-"), "what is nobody's goes to the first: {id}");
}

#[tokio::test]
async fn a_resource_of_patients_on_two_back_ends_is_refused_and_both_are_named() {
    let two = owned().await;
    let error = create(&two, observation("Patient/old-1", Some("Patient/ehr-1"))).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unprocessable);
    let text = &error.issues[0].text;
    assert!(text.contains("`ehr`") && text.contains("`old`"), "{text}");
    assert!(create(&two, observation("Patient/old-1", Some("Patient/old-2"))).await.is_ok());
}

#[tokio::test]
async fn an_update_does_not_take_a_resource_to_a_patient_elsewhere() {
    let two = owned().await;
    let id = create(&two, observation("Patient/old-1", None)).await.unwrap();
    let update = |subject: &str| {
        let mut json: Value = serde_json::from_slice(&observation(subject, None).bytes).unwrap();
        json["id"] = json!(id);
        let resource = Resource::new("Observation".parse().unwrap(), Version::R4, json.to_string());
        alone::call(Interaction::Update { id: id.parse().unwrap(), resource, if_match: None })
    };
    assert_eq!(two.both.perform(update("Patient/ehr-1")).await.unwrap_err().kind, ErrorKind::Unprocessable);
    assert!(two.both.perform(update("Patient/old-2")).await.is_ok());
}

#[tokio::test]
async fn a_search_for_what_is_a_patients_asks_the_back_end_that_has_the_patient_only() {
    let two = owned().await;
    create(&two, observation("Patient/old-1", None)).await.unwrap();
    *two.ehr.fails.lock() = Some(ErrorKind::Unreachable);
    let owner = Compartment { resource_type: ResourceType::PATIENT, id: "old-1".parse().unwrap() };
    let inside = alone::call(Interaction::SearchType {
        resource_type: "Observation".parse().unwrap(),
        compartment: Some(owner.clone()),
        query: Query::default(),
    });
    let confined = Call { confined_to: Some(owner), ..observations("") };
    let named = ["patient=old-1", "subject=Patient/old-1", "subject:Patient=old-1", "patient=old-1,old-2"];
    for call in named.map(observations).into_iter().chain([inside, confined]) {
        let page = found(&two.both, call).await;
        assert_eq!((ids(&page, "match").len(), ids(&page, "outcome").len()), (1, 0), "{page}");
    }
    for query in ["code:text=x", "patient=old-1,ehr-1", "subject=old-1"] {
        let page = found(&two.both, observations(query)).await;
        assert_eq!(ids(&page, "outcome").len(), 1, "{query}: the other could have some too");
    }
    *two.ehr.fails.lock() = None;
    let none = found(&two.both, observations("patient=old-1&subject=Patient/ehr-1")).await;
    assert_eq!(ids(&none, "match").len(), 0);
}
