//! Writes on a condition, over two back ends.

use futures_util::future::join_all;

use super::*;

const MARK: &str = "identifier=urn:mark|1";

fn marked() -> Resource {
    let patient = json!({ "resourceType": "Patient", "identifier": [{ "system": "urn:mark", "value": "1" }] });
    Resource::new(ResourceType::PATIENT, Version::R4, patient.to_string())
}

fn create() -> Call {
    alone::call(Interaction::Create { resource: marked(), if_none_exist: Some(Query::parse(MARK)) })
}

fn update() -> Call {
    let criteria = Query::parse(MARK);
    alone::call(Interaction::ConditionalUpdate { criteria, resource: marked(), if_match: None })
}

fn delete() -> Call {
    let criteria = Query::parse(MARK);
    alone::call(Interaction::ConditionalDelete { resource_type: ResourceType::PATIENT, criteria })
}

fn id(reply: &Reply) -> &str {
    reply.subject.as_ref().unwrap().id.as_str()
}

/// Two, one of which holds what meets the condition: not the one that takes what is created.
async fn with_a_match() -> Two {
    let two = two().await;
    let identifier = json!([{ "system": "urn:mark", "value": "1" }]);
    two.old.put(json!({ "resourceType": "Patient", "id": "7", "identifier": identifier, "active": true })).await;
    two
}

#[tokio::test]
async fn a_match_on_any_back_end_is_the_match() {
    let two = with_a_match().await;
    let created = two.both.perform(create()).await.unwrap();
    assert_eq!((created.status, id(&created)), (Status::Ok, "old-7"));
    let updated = two.both.perform(update()).await.unwrap();
    assert_eq!((updated.status, id(&updated)), (Status::Ok, "old-7"));
    two.both.perform(delete()).await.unwrap();
    assert_eq!(ids(&found(&two.both, search("_count=5")).await, "match"), Vec::<String>::new());
    let again = two.both.perform(create()).await.unwrap();
    assert_eq!(again.status, Status::Created);
    assert!(id(&again).starts_with("ehr-"), "what is new goes to the first: {}", id(&again));
}

#[tokio::test]
async fn a_match_on_each_of_two_back_ends_is_several() {
    let two = with_a_match().await;
    let identifier = json!([{ "system": "urn:mark", "value": "1" }]);
    two.ehr.put(json!({ "resourceType": "Patient", "id": "8", "identifier": identifier })).await;
    for call in [create(), update(), delete()] {
        assert_eq!(two.both.perform(call).await.unwrap_err().kind, ErrorKind::MultipleMatches);
    }
    assert_eq!(ids(&found(&two.both, search("_count=5")).await, "match").len(), 2);
}

#[tokio::test]
async fn while_a_back_end_cannot_be_asked_nothing_is_written() {
    let two = with_a_match().await;
    *two.old.fails.lock() = Some(ErrorKind::Unreachable);
    for call in [create(), update(), delete()] {
        let error = two.both.perform(call).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert!(error.issues[0].text.contains("`old`"), "{}", error.issues[0].text);
    }
    *two.old.fails.lock() = None;
    assert_eq!(ids(&found(&two.both, search("_count=5")).await, "match"), ["old-7"]);
}

#[tokio::test]
async fn creates_on_one_condition_that_race_make_one_resource() {
    let two = two().await;
    let replies = join_all((0..64).map(|_| two.both.perform(create()))).await;
    let made: BTreeSet<String> = replies.into_iter().map(|reply| id(&reply.unwrap()).to_owned()).collect();
    assert_eq!(made.len(), 1, "{made:?}");
    assert_eq!(ids(&found(&two.both, search("_count=5")).await, "match").len(), 1);
}

#[tokio::test]
async fn a_condition_without_criteria_or_with_more_than_criteria_is_refused() {
    let two = with_a_match().await;
    for criteria in ["", "_count=1", "identifier=urn:mark%7C1&_summary=count"] {
        let criteria = Query::parse(criteria);
        let delete = Interaction::ConditionalDelete { resource_type: ResourceType::PATIENT, criteria };
        assert_eq!(two.both.perform(alone::call(delete)).await.unwrap_err().kind, ErrorKind::Invalid);
    }
}

#[tokio::test]
async fn a_confined_condition_finds_nothing_of_other_patients() {
    let two = with_a_match().await;
    let owner = Compartment { resource_type: ResourceType::PATIENT, id: "ehr-1".parse().unwrap() };
    let confined = Call {
        confined_to: Some(owner),
        directory: [ResourceType::PATIENT].as_slice().into(),
        must_create: true,
        ..create()
    };
    let reply = two.both.perform(confined).await.unwrap();
    assert_eq!(reply.status, Status::Created, "the patient elsewhere is not known to it");
}
