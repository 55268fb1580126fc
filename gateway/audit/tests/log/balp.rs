//! The elements that IHE BALP 1.1.4 demands of each pattern, one by one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fhir::InteractionCode;
use serde_json::Value;

use audit::{Outcome, Record};

use crate::support::{open, read_of, search_of};

const PROFILES: &str = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.";

fn event_of(record: &Record) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let setup = open(folder.path());
    setup.record(record);
    setup.all("").pop().unwrap()
}

fn with_code<'a>(list: &'a Value, element: &str, code: &str) -> &'a Value {
    let is_it = |item: &&Value| {
        let concept = &item[element];
        let coding = if concept["coding"].is_array() { &concept["coding"][0] } else { concept };
        coding["code"] == code
    };
    list.as_array().unwrap().iter().find(is_it).unwrap_or(&Value::Null)
}

fn interaction(code: InteractionCode) -> Record {
    Record { interaction: code, ..read_of("p1") }
}

/// By the differentials of StructureDefinition/IHE.BasicAudit.{Create,Read,Update,Delete} 1.1.4: `agent:client.type`,
/// `agent:server.type`, `entity:data`.
#[test]
fn every_pattern_has_its_profile_action_subtype_and_roles() {
    let source_and_destination = ("110153", "110152");
    for (code, pattern, action, (client, server)) in [
        (InteractionCode::Create, "Create", "C", source_and_destination),
        (InteractionCode::Read, "Read", "R", ("110152", "110153")),
        (InteractionCode::Vread, "Read", "R", ("110152", "110153")),
        (InteractionCode::Update, "Update", "U", source_and_destination),
        (InteractionCode::Patch, "Update", "U", source_and_destination),
        (InteractionCode::Delete, "Delete", "D", ("110150", "custodian")),
    ] {
        for (patients, form) in [(vec!["p1".parse().unwrap()], "Patient"), (Vec::new(), "")] {
            let query = Some("PUT /fhir/r4/Appointment?x=1".into());
            let event = event_of(&Record { patients, query, ..interaction(code) });
            assert_eq!(event["meta"]["profile"][0], format!("{PROFILES}{form}{pattern}"));
            assert_eq!(event["type"]["code"], "rest");
            assert_eq!(event["subtype"][0]["code"], code.code());
            assert_eq!(event["action"], action);
            assert_eq!(event["outcome"], "0");
            let client = with_code(&event["agent"], "type", client);
            assert_eq!(client["who"]["identifier"]["value"], "portal");
            assert_eq!(client["network"]["address"], "192.0.2.7");
            assert_eq!(client["network"]["type"], "2");
            let server = with_code(&event["agent"], "type", server);
            assert_eq!(server["who"]["identifier"]["value"], "https://gateway.example/fhir/r4");
            assert_eq!(server["network"]["type"], "5");
            let objects = event["entity"].as_array().unwrap().iter().filter(|entity| entity["type"]["code"] == "2");
            assert_eq!(objects.count(), 1, "entity:data is 1..1");
            let data = with_code(&event["entity"], "role", "4");
            assert_eq!(data["detail"][0]["type"], "request");
            assert_eq!(data["detail"][0]["valueBase64Binary"], STANDARD.encode("PUT /fhir/r4/Appointment?x=1"));
            assert_eq!(data["what"]["reference"], "Appointment/a1/_history/3");
            assert_eq!(data["type"]["code"], "2");
            let person = with_code(&event["entity"], "role", "1");
            assert_eq!(person["what"]["reference"] == "Patient/p1", form == "Patient");
            let transaction = with_code(&event["entity"], "type", "XrequestId");
            assert_eq!(transaction["what"]["identifier"]["value"], "request-1");
        }
    }
}

#[test]
fn a_delete_says_nothing_of_its_agents_that_the_pattern_forbids() {
    let event = event_of(&interaction(InteractionCode::Delete));
    for code in ["110150", "custodian"] {
        let agent = with_code(&event["agent"], "type", code);
        for element in ["role", "altId", "name", "location", "policy", "media", "purposeOfUse"] {
            assert!(agent[element].is_null(), "{element} of {code}");
        }
    }
}

/// ValueSet/AllSearchVS 1.1.4, to which `subtype:anySearch` (1..1) of the Query profile is bound, holds searches only.
#[test]
fn what_no_pattern_is_for_has_the_shape_of_a_query_and_claims_no_profile() {
    for code in [InteractionCode::HistoryInstance, InteractionCode::HistoryType, InteractionCode::Batch] {
        let query = Some("GET /fhir/r4/Appointment/a1/_history".into());
        let event = event_of(&Record { query, ..interaction(code) });
        let profiles = event["meta"]["profile"].as_array().unwrap();
        assert!(profiles.iter().all(|profile| profile.as_str().unwrap().contains("OAUTH")), "{profiles:?}");
        assert_eq!((&event["action"], &event["subtype"][0]["code"]), (&"E".into(), &code.code().into()));
        assert_eq!(with_code(&event["agent"], "type", "110153")["who"]["identifier"]["value"], "portal");
        assert!(with_code(&event["entity"], "role", "24")["query"].is_string());
        assert_eq!(with_code(&event["entity"], "role", "4")["what"]["reference"], "Appointment/a1/_history/3");
    }
}

/// StructureDefinition/IHE.BasicAudit.Query 1.1.4: the client is the source, because the parameters flow from it.
#[test]
fn a_query_keeps_the_raw_request_and_flows_from_client_to_server() {
    let event = event_of(&search_of(&["p1"]));
    assert_eq!(event["meta"]["profile"][0], format!("{PROFILES}PatientQuery"));
    assert_eq!(event["action"], "E");
    assert_eq!(event["subtype"][0]["code"], "search-type");
    assert_eq!(with_code(&event["agent"], "type", "110153")["who"]["identifier"]["value"], "portal");
    let server = with_code(&event["agent"], "type", "110152");
    assert_eq!(server["who"]["identifier"]["value"], "https://gateway.example/fhir/r4");
    let query = with_code(&event["entity"], "role", "24");
    let raw = STANDARD.decode(query["query"].as_str().unwrap()).unwrap();
    assert_eq!(raw, b"GET /fhir/r4/Patient?name=Everywoman");
    assert!(query["what"].is_null());
}

#[test]
fn the_token_is_named_by_its_jti_with_its_scopes_and_never_shown() {
    let event = event_of(&read_of("p1"));
    let token = with_code(&event["agent"], "type", "UserOauthAgent");
    assert_eq!(token["policy"][0], "jti-1");
    assert_eq!(token["role"][0]["text"], "system/*.rs");
    assert_eq!(token["requestor"], true);
    assert_eq!(event["meta"]["profile"][1], format!("{PROFILES}OAUTHaccessTokenUse.Minimal"));
}

#[test]
fn a_person_behind_the_client_is_an_agent_of_its_own() {
    let mut record = read_of("p1");
    record.agent.user = Some("Practitioner/9".into());
    let event = event_of(&record);
    let user = with_code(&event["agent"], "type", "IRCP");
    assert_eq!(user["who"]["reference"], "Practitioner/9");
    assert_eq!(user["requestor"], true);
    assert!(user["network"].is_null() && user["media"].is_null());
}

#[test]
fn a_failure_has_its_reason_and_claims_no_profile_of_success() {
    let record = Record { outcome: Outcome::Minor, reason: "404 not-found".into(), ..read_of("p1") };
    let event = event_of(&record);
    assert_eq!(event["outcome"], "4");
    assert_eq!(event["outcomeDesc"], "404 not-found");
    let profiles = event["meta"]["profile"].as_array().unwrap();
    assert!(profiles.iter().all(|profile| !profile.as_str().unwrap().ends_with("Read")));
}

#[test]
fn one_interaction_over_many_patients_is_one_event_for_each() {
    let folder = tempfile::tempdir().unwrap();
    let setup = open(folder.path());
    let ids: Vec<String> = (0..3000).map(|number| format!("p{number}")).collect();
    setup.record(&search_of(&ids.iter().map(String::as_str).collect::<Vec<_>>()));
    let events = setup.all("_count=500");
    assert_eq!(events.len(), 3000);
    let mut seen: Vec<_> =
        events.iter().map(|event| event["entity"][0]["what"]["reference"].as_str().unwrap()).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 3000);
}

#[test]
fn debug_shows_no_patient_no_id_and_no_query() {
    let mut record = search_of(&["everywoman-7"]);
    record.subject = read_of("p1").subject;
    let shown = format!("{record:?} {:?} {:?}", record.agent, record.subject);
    for secret in ["everywoman", "Everywoman", "a1", "jti-1"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
