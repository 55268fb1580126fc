//! Rules of create, update and delete (http.html#create, #update, #delete, #concurrency).

use fhir::{Interaction, Query, ResourceType};

use super::bench::{compartment, id_of, refused, same, unexpected, version_of, whole};
use super::{Bench, Checked, Rule, Verdict, expect, rule};
use crate::{Call, ErrorKind, Status};

pub(super) const RULES: &[Rule] = &[
    rule!(Must, [Create, Read], "what was created is read back unchanged outside id and meta", created_reads_back),
    rule!(Must, [Create, Read], "the client's own id is not taken on a create", own_id_is_not_taken),
    rule!(Must, [Create, Read, Update], "an update replaces the resource and makes a new version", update_replaces),
    rule!(Must, [Create, Read, Update], "a stale If-Match is refused and changes nothing", stale_is_refused),
    rule!(Must, [Read, Update], "an update of what is not there creates it, or is refused", update_creates),
    rule!(
        Must,
        [Create, Read, Delete],
        "what was deleted is gone, and deleting it again does no harm",
        delete_is_final
    ),
    rule!(Must, [Create, Read, Delete], "a stale If-Match keeps a resource from being deleted", stale_delete),
    rule!(Must, [Create], "a conditional create makes one resource, however often it is sent", create_if_none_exists),
    rule!(Should, [Create], "conditional creates that race make one resource", racing_creates),
    rule!(Must, [Create, Update], "a conditional update creates, updates, or refuses many matches", update_where),
    rule!(Must, [Create, Delete], "a conditional delete deletes the one match", delete_where),
    rule!(Must, [Create, Read, Update], "an update that must create leaves what exists as it is", must_create),
    rule!(Must, [Create], "a condition of a confined write finds nothing outside", confined_condition),
];

/// Decimals, unknown extensions, primitive companions, escapes: what a gateway must not touch.
const DELICATE: &str = r#"{"resourceType":"Patient","extension":[{"url":"http://frontdesk.example/x","valueDecimal":1.50},{"url":"http://frontdesk.example/y","valueString":"\u00e9\/\n"}],"name":[{"family":"Müller","given":["A",null],"_given":[null,{"extension":[{"url":"http://frontdesk.example/z","valueBoolean":true}]}]}],"birthDate":"1970-03"}"#;

async fn created_reads_back(bench: &Bench) -> Checked {
    let (id, reply) = bench.create(bench.resource(ResourceType::PATIENT, DELICATE)).await?;
    expect(reply.status == Status::Created, || format!("expected Created: {:?}", reply.status))?;
    if bench.offered().versioning.as_deref().is_some_and(|versioning| versioning != "no-version") {
        version_of(&reply)?;
    }
    let read = bench.read(ResourceType::PATIENT, &id).await?;
    expect(same(DELICATE.as_bytes(), &read), || "expected the resource as it was sent".to_owned())?;
    let value: serde_json::Value = serde_json::from_slice(&read).unwrap_or_default();
    expect(value["id"] == id.as_str(), || "expected `id` in the resource to be the id of the answer".to_owned())?;
    Ok(Verdict::Kept)
}

async fn own_id_is_not_taken(bench: &Bench) -> Checked {
    // http.html#create: the server ignores the id that the resource brings.
    let json = r#"{"resourceType":"Patient","id":"mine","active":true}"#;
    let (first, _) = bench.create(bench.resource(ResourceType::PATIENT, json)).await?;
    let (second, _) = bench.create(bench.resource(ResourceType::PATIENT, json)).await?;
    expect(first != second, || "expected two creates to make two resources".to_owned())?;
    Ok(Verdict::Kept)
}

async fn update_replaces(bench: &Bench) -> Checked {
    let mark = bench.unique();
    let (id, first) = bench.create(bench.patient(&mark, "Before")).await?;
    let changed = bench.patient(&mark, "After");
    let second = bench.update(&id, changed.clone(), None).await.map_err(|error| unexpected("an update", &error))?;
    expect(second.status == Status::Ok, || format!("expected Ok: {:?}", second.status))?;
    expect(id_of(&second)? == id, || "expected the same id".to_owned())?;
    if let (Ok(first), Ok(second)) = (version_of(&first), version_of(&second)) {
        expect(first != second, || "expected another version id".to_owned())?;
    }
    let read = bench.read(ResourceType::PATIENT, &id).await?;
    expect(same(&changed.bytes, &read), || "expected the changed resource".to_owned())?;
    Ok(Verdict::Kept)
}

async fn stale_is_refused(bench: &Bench) -> Checked {
    let mark = bench.unique();
    let (id, first) = bench.create(bench.patient(&mark, "First")).await?;
    let Ok(stale) = version_of(&first) else { return Ok(Verdict::NotOffered) };
    let second = bench
        .update(&id, bench.patient(&mark, "Second"), Some(stale.clone()))
        .await
        .map_err(|error| unexpected("an update with the current version in If-Match", &error))?;
    let refusal = bench.update(&id, bench.patient(&mark, "Third"), Some(stale)).await;
    refused(&refusal, &[ErrorKind::VersionMismatch], "an update with a stale If-Match")?;
    let read = bench.read(ResourceType::PATIENT, &id).await?;
    expect(same(&bench.patient(&mark, "Second").bytes, &read), || "expected nothing to change".to_owned())?;
    version_of(&second)?;
    Ok(Verdict::Kept)
}

async fn update_creates(bench: &Bench) -> Checked {
    let mark = bench.unique();
    let Ok(id) = mark.parse() else { return Err("the suite's own mark is no id".to_owned()) };
    let result = bench.update(&id, bench.patient(&mark, "Upsert"), None).await;
    if !bench.offered().update_create {
        let kinds = [ErrorKind::NotFound, ErrorKind::NotSupported, ErrorKind::Unprocessable, ErrorKind::Invalid];
        refused(&result, &kinds, "an update of what is not there")?;
        return Ok(Verdict::Kept);
    }
    let reply = result.map_err(|error| unexpected("an update of what is not there", &error))?;
    expect(reply.status == Status::Created, || format!("expected Created: {:?}", reply.status))?;
    expect(id_of(&reply)? == id, || "expected the id of the URL".to_owned())?;
    bench.read(ResourceType::PATIENT, &id).await?;
    Ok(Verdict::Kept)
}

async fn delete_is_final(bench: &Bench) -> Checked {
    let resource_type = ResourceType::PATIENT;
    let (id, _) = bench.create(bench.patient(&bench.unique(), "Gone")).await?;
    for attempt in ["a delete", "a delete of what was deleted"] {
        bench
            .perform(Interaction::Delete { resource_type, id: id.clone(), if_match: None })
            .await
            .map_err(|error| unexpected(attempt, &error))?;
    }
    let read = bench.perform(Interaction::Read { resource_type, id }).await;
    // http.html#read: 410 where the server knows, 404 where it does not.
    refused(&read, &[ErrorKind::Gone, ErrorKind::NotFound], "a read of what was deleted")?;
    Ok(Verdict::Kept)
}

async fn stale_delete(bench: &Bench) -> Checked {
    let resource_type = ResourceType::PATIENT;
    let mark = bench.unique();
    let (id, first) = bench.create(bench.patient(&mark, "First")).await?;
    let Ok(stale) = version_of(&first) else { return Ok(Verdict::NotOffered) };
    bench.update(&id, bench.patient(&mark, "Second"), None).await.map_err(|error| unexpected("an update", &error))?;
    let refusal = bench.perform(Interaction::Delete { resource_type, id: id.clone(), if_match: Some(stale) }).await;
    refused(&refusal, &[ErrorKind::VersionMismatch], "a delete with a stale If-Match")?;
    bench.read(resource_type, &id).await?;
    Ok(Verdict::Kept)
}

fn by_identifier(value: &str) -> Query {
    Query::from_iter([("identifier".to_owned(), format!("urn:frontdesk:contract|{value}"))])
}

async fn create_if_none_exists(bench: &Bench) -> Checked {
    if !bench.offered().conditional_create {
        return Ok(Verdict::NotOffered);
    }
    let mark = bench.unique();
    let once =
        || Interaction::Create { resource: bench.patient(&mark, "Once"), if_none_exist: Some(by_identifier(&mark)) };
    let first = bench.perform(once()).await.map_err(|error| unexpected("a conditional create", &error))?;
    expect(first.status == Status::Created, || format!("expected Created: {:?}", first.status))?;
    let second = bench.perform(once()).await.map_err(|error| unexpected("a repeated create", &error))?;
    expect(second.status == Status::Ok, || format!("expected Ok: {:?}", second.status))?;
    expect(id_of(&first)? == id_of(&second)?, || "expected the one that exists".to_owned())?;
    bench.create(bench.patient(&mark, "Twice")).await?;
    refused(&bench.perform(once()).await, &[ErrorKind::MultipleMatches], "a condition that matches two")?;
    Ok(Verdict::Kept)
}

async fn racing_creates(bench: &Bench) -> Checked {
    if !bench.offered().conditional_create {
        return Ok(Verdict::NotOffered);
    }
    let mark = bench.unique();
    let racers = (0..16).map(|_| {
        bench.perform(Interaction::Create {
            resource: bench.patient(&mark, "Race"),
            if_none_exist: Some(by_identifier(&mark)),
        })
    });
    let mut ids = Vec::new();
    for result in futures_util::future::join_all(racers).await {
        ids.push(id_of(&result.map_err(|error| unexpected("a racing create", &error))?)?);
    }
    ids.dedup();
    expect(ids.len() == 1, || "expected all to be answered with one resource".to_owned())?;
    Ok(Verdict::Kept)
}

async fn update_where(bench: &Bench) -> Checked {
    if !bench.offered().conditional_update {
        return Ok(Verdict::NotOffered);
    }
    let mark = bench.unique();
    let write = |family: &str| Interaction::ConditionalUpdate {
        criteria: by_identifier(&mark),
        resource: bench.patient(&mark, family),
        if_match: None,
    };
    let first = bench.perform(write("None")).await.map_err(|error| unexpected("a conditional update", &error))?;
    expect(first.status == Status::Created, || format!("expected Created: {:?}", first.status))?;
    let second = bench.perform(write("One")).await.map_err(|error| unexpected("a conditional update", &error))?;
    expect(id_of(&first)? == id_of(&second)?, || "expected the one match to be updated".to_owned())?;
    bench.create(bench.patient(&mark, "Another")).await?;
    refused(&bench.perform(write("Two")).await, &[ErrorKind::MultipleMatches], "criteria that match two")?;
    Ok(Verdict::Kept)
}

async fn delete_where(bench: &Bench) -> Checked {
    if bench.offered().conditional_delete.is_none() {
        return Ok(Verdict::NotOffered);
    }
    let resource_type = ResourceType::PATIENT;
    let mark = bench.unique();
    let (id, _) = bench.create(bench.patient(&mark, "Target")).await?;
    let (other, _) = bench.create(bench.patient(&bench.unique(), "Other")).await?;
    let delete = Interaction::ConditionalDelete { resource_type, criteria: by_identifier(&mark) };
    bench.perform(delete).await.map_err(|error| unexpected("a conditional delete", &error))?;
    let read = bench.perform(Interaction::Read { resource_type, id }).await;
    refused(&read, &[ErrorKind::Gone, ErrorKind::NotFound], "a read of what was deleted")?;
    bench.read(resource_type, &other).await?;
    let everything = Interaction::ConditionalDelete { resource_type, criteria: Query::default() };
    let refusal = bench.perform(everything).await;
    expect(refusal.is_err(), || "expected a delete without criteria to be refused".to_owned())?;
    whole(
        bench
            .perform(Interaction::Read { resource_type, id: other })
            .await
            .map_err(|error| unexpected("a read of what no criterion matched", &error))?,
    )
    .await?;
    Ok(Verdict::Kept)
}

async fn must_create(bench: &Bench) -> Checked {
    let (id, _) = bench.create(bench.patient(&bench.unique(), "There")).await?;
    let before = bench.read(ResourceType::PATIENT, &id).await?;
    let resource = bench.patient(&bench.unique(), "New");
    let update = Interaction::Update { id: id.clone(), resource, if_match: None };
    let result = bench.adapter.perform(Call { must_create: true, ..bench.call(update) }).await;
    refused(&result, &[ErrorKind::VersionMismatch, ErrorKind::Forbidden], "an update that must create")?;
    let after = bench.read(ResourceType::PATIENT, &id).await?;
    expect(before == after, || "expected the resource as it was".to_owned())?;
    Ok(Verdict::Kept)
}

async fn confined_condition(bench: &Bench) -> Checked {
    if !bench.offered().conditional_create {
        return Ok(Verdict::NotOffered);
    }
    let (own, _) = bench.create(bench.patient(&bench.unique(), "Own")).await?;
    let mark = bench.unique();
    let (other, _) = bench.create(bench.patient(&mark, "Other")).await?;
    let create =
        Interaction::Create { resource: bench.patient(&mark, "Other"), if_none_exist: Some(by_identifier(&mark)) };
    let call = Call { confined_to: Some(compartment(&own)), ..bench.call(create) };
    // Refusing is fail-closed too.
    if let Ok(reply) = bench.adapter.perform(call).await {
        expect(id_of(&reply)? != other, || "expected no match outside of the compartment".to_owned())?;
    }
    Ok(Verdict::Kept)
}
