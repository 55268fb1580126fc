//! Who did what to the data of one patient. Looking is written down too.

use std::sync::Arc;

use adapter::{Body, Call, Practice, Reply};
use audit::{Agent, Record};
use fhir::{Handling, Id, Interaction, InteractionCode, IssueType, Query, ResourceType, Version};
use form_urlencoded::Serializer;
use http::StatusCode;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::super::Console;
use super::super::event::Event;
use super::super::frame::table;
use super::{Asked, Page, Shown};
use crate::dispatch;
use crate::failure::Failure;
use crate::receive::site::Site;
use crate::respond::account;

pub(super) const PAGE: Page =
    Page { path: "audit", title: "Audit", show: |console, asked| Box::pin(show(console, asked)) };

/// Events of a page.
const COUNT: &str = "25";
/// What an operator is in the audit log.
const CLIENT: &str = "operator";

async fn show(console: &Console, asked: &Asked) -> Result<Shown, Failure> {
    let wanted = |name| asked.query.first(name).map(str::trim).filter(|value| !value.is_empty());
    let practice = Practice::new(wanted("practice").unwrap_or(Practice::default().as_str()));
    let Some(patient) = wanted("patient") else {
        return Ok(Shown::new(form(console, &practice, "", None), json!({ "events": [] })));
    };
    let site = console.pipeline.sites.all().iter().find(|site| site.practice == practice);
    let (Some(site), Ok(id)) = (site, patient.parse::<Id>()) else {
        return Ok(refused(console, &practice, patient));
    };
    let (events, next) = written_down(console, asked, site, &id, wanted("page")).await?;
    let body = html! {
        (form(console, &practice, patient, None))
        @if events.is_empty() {
            p .nothing { "Nothing is written down about this patient." }
        } @else {
            (table("What happened, the latest first", ["When", "Who", "What", "How it ended", "From"], events.iter().map(Event::row).collect()))
        }
        @if let Some(next) = &next { p .more { a rel="next" href=(older(&practice, patient, next)) { "Older" } } }
    };
    Ok(Shown::new(body, json!({ "events": events.iter().map(Event::json).collect::<Vec<_>>(), "next": next })))
}

fn refused(console: &Console, practice: &Practice, patient: &str) -> Shown {
    let text = "There is no such practice, or this is no id: letters, digits, - and . only, 64 at most.";
    let body = form(console, practice, patient, Some(text));
    Shown { status: StatusCode::BAD_REQUEST, body, data: json!({ "error": text }) }
}

fn form(console: &Console, practice: &Practice, patient: &str, error: Option<&str>) -> Markup {
    let sites = console.pipeline.sites.all();
    html! {
        p .lead {
            "Everything that was done to the data of one patient, by which program and for whom. The id is the one at the end of \
             the patient's address, as in Patient/" b { "example-1" } ". That you looked is written down as well."
        }
        @if let Some(error) = error { p .error #patient-error role="alert" { (error) } }
        form .ask method="get" action="/admin/audit" {
            div {
                label for="patient" { "Patient id" }
                input #patient type="text" name="patient" value=(patient) required maxlength="64" pattern="[A-Za-z0-9\\-.]+"
                    autocomplete="off" autocapitalize="none" spellcheck="false"
                    aria-describedby=[error.map(|_| "patient-error")] aria-invalid=[error.map(|_| "true")];
            }
            @if sites.len() > 1 {
                div {
                    label for="practice" { "Practice" }
                    select #practice name="practice" {
                        @for site in sites {
                            option value=(site.practice) selected[site.practice == *practice] { (site.practice) }
                        }
                    }
                }
            }
            button type="submit" { "Show" }
        }
    }
}

fn older(practice: &Practice, patient: &str, page: &str) -> String {
    let mut query = Serializer::new(String::new());
    query.append_pair("practice", practice.as_str()).append_pair("patient", patient).append_pair("page", page);
    format!("/admin/audit?{}", query.finish())
}

/// The events of a patient; before they are shown it is written down who looked at them, and at whose.
async fn written_down(
    console: &Console,
    asked: &Asked,
    site: &Site,
    patient: &Id,
    page: Option<&str>,
) -> Result<(Vec<Event>, Option<String>), Failure> {
    let pipeline = &console.pipeline;
    let unaudited = |full| {
        let text = "the audit log cannot be written, so nothing is shown of it";
        Failure::new(StatusCode::SERVICE_UNAVAILABLE, IssueType::NoStore, text).because(full)
    };
    pipeline.audit.admit().map_err(unaudited)?;
    let mut entry = account::Entry::open(draft(asked, site, patient), &pipeline.audit, &*pipeline.clock);
    let searched = search(console, asked, site, patient, page).await;
    match &searched {
        Ok(reply) => account::succeeded(&mut entry.record, reply, pipeline.clock.now()),
        Err(failure) => account::failed(&mut entry.record, failure, pipeline.clock.now()),
    }
    entry.close().map_err(unaudited)?;
    let Body::Bytes(bytes) = searched?.body else { return Ok((Vec::new(), None)) };
    let bundle: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let entries = bundle["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
    Ok((entries.iter().filter_map(|entry| Event::read(&entry["resource"])).collect(), next(&bundle)))
}

async fn search(
    console: &Console,
    asked: &Asked,
    site: &Site,
    patient: &Id,
    page: Option<&str>,
) -> Result<Reply, Failure> {
    let mut query = Query::default();
    match page {
        Some(page) => query.push("_page", page),
        None => {
            query.push("patient", patient.as_str());
            query.push("_count", COUNT);
        }
    }
    let interaction = Interaction::SearchType { resource_type: ResourceType::AUDIT_EVENT, compartment: None, query };
    let plan = console.pipeline.routes.plan(&site.practice, &interaction)?;
    let call = Call {
        practice: site.practice.clone(),
        interaction,
        version: Version::R4,
        base: Arc::clone(&site.base),
        confined_to: None,
        directory: Arc::new([]),
        brings: None,
        must_create: false,
        must_be_complete: false,
        additions: plan.additions,
        handling: Handling::Strict,
        deadline: asked.deadline,
        idempotency_key: None,
        trace: asked.trace.clone(),
    };
    Ok(dispatch::perform(&plan, call).await?)
}

fn draft(asked: &Asked, site: &Site, patient: &Id) -> Record {
    Record {
        practice: site.practice.clone(),
        recorded: std::time::SystemTime::UNIX_EPOCH,
        interaction: InteractionCode::SearchType,
        outcome: audit::Outcome::Serious,
        reason: Arc::from("unknown"),
        agent: Agent {
            client: Some(Arc::from(CLIENT)),
            user: Some(format!("admin session {}", asked.operator).into()),
            address: asked.connection.address,
            token: None,
            scopes: Arc::from(""),
        },
        base: Arc::clone(&site.base),
        subject: None,
        patients: vec![patient.clone()],
        query: Some(format!("GET {}", asked.target).into()),
        request_id: Arc::clone(&asked.trace.request_id),
    }
}

/// The token of the next page.
fn next(bundle: &Value) -> Option<String> {
    let links = bundle["link"].as_array()?;
    let link = links.iter().find(|link| link["relation"] == "next")?["url"].as_str()?;
    Query::parse(link.split_once('?')?.1).first("_page").map(str::to_owned)
}
