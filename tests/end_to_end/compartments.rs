//! A token in a patient's context sees and changes that patient's data, and nobody else's.

use crate::support::gateway::Site;
use crate::support::{Gateway, Http, patient};

struct Ward {
    _site: Site,
    _gateway: Gateway,
    staff: Http,
    mine: String,
    other: String,
    patient: Http,
}

/// The demo, two of its patients, and a token of the first.
async fn ward() -> Ward {
    let site = Site::on_store();
    let gateway = site.demo_with_practice();
    let key = site.data().join("demo-client.pem");
    let staff = Http::new(&gateway.base, Some(&gateway.token("demo", &key, &[])));
    let with_appointment = staff.get("/Appointment?_count=50").await.expect(200).json();
    let mut patients: Vec<String> = with_appointment["entry"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|entry| entry["resource"]["participant"].as_array().unwrap().clone())
        .filter_map(|participant| {
            participant["actor"]["reference"].as_str()?.strip_prefix("Patient/").map(str::to_owned)
        })
        .collect();
    patients.sort();
    patients.dedup();
    let (mine, other) = (patients[0].clone(), patients[1].clone());
    let token = gateway.token("demo", &key, &["--patient", &mine]);
    let patient = staff.with_token(Some(&token));
    Ward { _site: site, _gateway: gateway, staff, mine, other, patient }
}

#[tokio::test]
async fn reads_and_searches_stay_inside() {
    let ward = ward().await;
    ward.patient.get(&format!("/Patient/{}", ward.mine)).await.expect(200);
    let hidden = ward.patient.get(&format!("/Patient/{}", ward.other)).await;
    assert!(matches!(hidden.status.as_u16(), 403 | 404), "{hidden:?}");
    let found = ward.patient.all("/Patient").await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["id"], ward.mine.as_str());
    let mine = ward.patient.all("/Appointment").await;
    assert!(!mine.is_empty());
    let marker = format!("Patient/{}", ward.mine);
    for appointment in &mine {
        let text = appointment.to_string();
        assert!(text.contains(&marker), "{text}");
        assert!(!text.contains(&format!("\"Patient/{}\"", ward.other)), "{text}");
    }
    let all = ward.staff.all("/Appointment?_count=200").await;
    let theirs = all.iter().find(|one| !one.to_string().contains(&format!("\"{marker}\""))).unwrap();
    let hidden = ward.patient.get(&format!("/Appointment/{}", theirs["id"].as_str().unwrap())).await;
    assert!(matches!(hidden.status.as_u16(), 403 | 404), "{hidden:?}");
    let expected = all.iter().filter(|one| one.to_string().contains(&format!("\"{marker}\""))).count();
    assert_eq!(mine.len(), expected, "neither more nor less than the compartment");
    for trick in [format!("/Appointment?patient={}", ward.other), format!("/Appointment?actor=Patient/{}", ward.other)]
    {
        let answer = ward.patient.get(&trick).await;
        let entries = if answer.status == 200 { answer.json()["entry"].as_array().map_or(0, Vec::len) } else { 0 };
        assert_eq!(entries, 0, "{trick}");
    }
}

#[tokio::test]
async fn directory_reads_are_allowed_because_booking_needs_them() {
    let ward = ward().await;
    for directory in ["/Practitioner", "/PractitionerRole", "/Location", "/Schedule", "/Slot?status=free"] {
        let bundle = ward.patient.get(directory).await.expect(200).json();
        assert!(bundle["entry"].as_array().is_some_and(|entries| !entries.is_empty()), "{directory}: {bundle}");
    }
}

#[tokio::test]
async fn writes_stay_inside_and_an_administrators_scope_is_not_there() {
    let ward = ward().await;
    let book = |who: &str| {
        format!(
            r#"{{"resourceType":"Appointment","status":"proposed","participant":[{{"actor":{{"reference":"Patient/{who}"}},"status":"accepted"}}]}}"#
        )
    };
    let refused = ward.patient.post("/Appointment", book(&ward.other)).await;
    assert!(matches!(refused.status.as_u16(), 403 | 404), "{refused:?}");
    let other = ward.staff.get(&format!("/Patient/{}", ward.other)).await.expect(200);
    let refused = ward.patient.put(&format!("/Patient/{}", ward.other), &[], other.body.clone()).await;
    assert!(matches!(refused.status.as_u16(), 403 | 404), "{refused:?}");
    // An appointment of mine cannot be handed to somebody else either.
    let mine = ward.staff.post("/Appointment", book(&ward.mine)).await.expect(201).created_id();
    let stolen = book(&ward.other).replacen('{', &format!(r#"{{"id":"{mine}","#), 1);
    let refused = ward.patient.put(&format!("/Appointment/{mine}"), &[], stolen).await;
    assert!(matches!(refused.status.as_u16(), 403 | 404), "{refused:?}");
    let refused = ward.patient.post("/Patient", patient("Nobody")).await;
    assert_eq!(refused.status, 403);
    ward.patient.get("/AuditEvent").await.expect(403);
}

#[tokio::test]
async fn only_a_client_that_is_configured_for_it_gets_a_patients_context() {
    let site = Site::on_store();
    let gateway = site.serve();
    let key = site.client("plain", "system/Patient.rs patient/*.rs", &[]);
    let refused = crate::support::gateway::run(&[
        "token",
        "--gateway",
        &gateway.base,
        "--client",
        "plain",
        "--key",
        key.to_str().unwrap(),
        "--patient",
        "p1",
    ]);
    assert!(!refused.status.success() && refused.stdout.is_empty());
}
