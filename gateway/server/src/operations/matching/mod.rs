//! `Patient/$match` (patient-operation-match.html): who is most likely meant by a Patient, over every back end that has patients.
//! `MATCH.md` beside this crate's README says how it is decided.

mod answer;
mod candidates;
mod compare;
pub mod person;
pub mod score;

use std::sync::Arc;

use adapter::{Reply, Status};
use bytes::Bytes;
use fhir::interaction::{Level, Parameters};
use fhir::{Interaction, InteractionCode, Issue, IssueType, ResourceType};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Method, StatusCode};

use self::person::Person;
use self::score::{Grade, Score};
use super::parameters::{Given, Part};
use super::{Answered, Ask, Needed, Operation, Patients, Place, Running, Types};
use crate::authorize::scope::Permissions;
use crate::failure::Failure;
use crate::passage::Stage;
use crate::receive::Request;
use crate::respond::account;

/// Matches that are given when the client does not say.
const USUAL: usize = 10;
/// Matches that are given at most.
const MOST: usize = 50;

/// Its line of the table. A Patient does not fit into a query: POST only.
pub static OPERATION: Operation = Operation {
    name: "match",
    definition: "http://hl7.org/fhir/OperationDefinition/Patient-match",
    places: &[Place::Type],
    types: Types::Only(&["Patient"]),
    methods: &[Method::POST],
    is_safe: true,
    needs,
    patients: Patients::Refused,
    is_served: |routes, practice, _| {
        routes.searched(practice, ResourceType::PATIENT, InteractionCode::SearchType).is_some()
    },
    run,
};

fn needs(_: &Level, _: &Parameters) -> Vec<Needed> {
    vec![(Some(ResourceType::PATIENT), Permissions::SEARCH)]
}

fn run(running: Running<'_>) -> BoxFuture<'_, Result<Answered, Failure>> {
    matched(running).boxed()
}

/// How many matches are wanted, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// At most so many.
    pub count: usize,
    /// The certain one, or none.
    pub only_certain: bool,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { count: USUAL, only_certain: false }
    }
}

/// One of those who could be meant.
pub struct Match {
    /// The Patient as its back end gave it.
    pub patient: Bytes,
    /// Its id.
    pub id: String,
    /// How sure it is.
    pub score: Score,
    /// What that means.
    pub grade: Grade,
}

/// Everybody who could be meant, the likeliest first.
#[derive(Default)]
pub struct Matches {
    /// Them.
    pub matches: Vec<Match>,
    /// OperationOutcomes of back ends about the searches.
    pub outcomes: Vec<Bytes>,
    /// Searches that could not be made.
    pub issues: Vec<Issue>,
}

/// Finds out who is meant by a Patient: the operation without its HTTP.
///
/// # Errors
/// 422 for a Patient that nobody can be found by, and the failure of the searches when none could be made.
pub async fn match_patient(ask: Ask<'_>, patient: &[u8], wanted: Wanted) -> Result<Matches, Failure> {
    let person = Person::read(patient).filter(Person::is_somebody).ok_or_else(nobody)?;
    let candidates::Candidates { found, outcomes, issues } = candidates::find(ask, &person).await?;
    let mut scored: Vec<(Score, String, Bytes)> =
        found.into_iter().map(|(id, (other, bytes))| (Score::of(&person, &other), id, bytes)).collect();
    // The same score twice: by id, so that the same question has the same answer.
    scored.sort_by(|one, other| other.0.points.cmp(&one.0.points).then_with(|| one.1.cmp(&other.1)));
    let best: Vec<i32> = scored.iter().take(2).map(|(score, ..)| score.points).collect();
    let graded = scored.into_iter().enumerate().map(|(index, (score, id, patient))| {
        let best_other = best.get(usize::from(index == 0)).copied().unwrap_or(0);
        Match { grade: score.grade(best_other), patient, id, score }
    });
    let is_wanted = |found: &Match| match found.grade {
        Grade::Certain => true,
        Grade::Probable | Grade::Possible => !wanted.only_certain,
        Grade::CertainlyNot => false,
    };
    Ok(Matches { matches: graded.filter(is_wanted).take(wanted.count).collect(), outcomes, issues })
}

async fn matched(running: Running<'_>) -> Result<Answered, Failure> {
    let (request, ask) = (running.request(), running.ask());
    let told = |failure: Failure| failure.in_markup(request.markup.as_deref());
    account::payload(running.record, &request.interaction);
    let (part, wanted) = asked(request).map_err(told)?;
    running.passage.mark(Stage::Route);
    check(&running, &part).await.map_err(told)?;
    running.passage.mark(Stage::Validate);
    let found = match_patient(ask, part.bytes(), wanted).await.map_err(|failure| told(placed(failure, &part)))?;
    running.passage.mark(Stage::Dispatch);
    let body = answer::bundle(&request.base, &found);
    Ok(Answered::Reply(Reply::new(Status::Ok).with_body(body)))
}

/// The Patient and the options of a request.
fn asked(request: &Request) -> Result<(Part, Wanted), Failure> {
    let Interaction::Operation { parameters, .. } = &request.interaction else { return Err(no_resource()) };
    let given = Given::read(parameters)?;
    let usual = Wanted::default();
    let count = match given.first("count").map(|count| count.parse::<usize>()) {
        None => usual.count,
        Some(Ok(count)) if count > 0 => count.min(MOST),
        Some(_) => return Err(bad(IssueType::Value, "expected `count` as a number above zero", "count")),
    };
    let only_certain = match given.first("onlyCertainMatches").as_deref() {
        None | Some("false") => usual.only_certain,
        Some("true") => true,
        Some(_) => {
            let text = "expected `onlyCertainMatches` to be true or false";
            return Err(bad(IssueType::Value, text, "onlyCertainMatches"));
        }
    };
    let part = given.resource("resource").ok_or_else(no_resource)?;
    Ok((part, Wanted { count, only_certain }))
}

/// Whether the resource is a Patient of this release. It need not follow a profile: it may say little.
async fn check(running: &Running<'_>, part: &Part) -> Result<(), Failure> {
    if running.request().markup.as_deref().is_some_and(|markup| !markup.is_sound()) {
        return Err(Failure::from_issues(StatusCode::BAD_REQUEST, Vec::new()));
    }
    let version = running.request().version;
    let own = Arc::new(part.clone());
    let work = {
        let own = Arc::clone(&own);
        move || {
            profile::check(own.bytes(), version, Some(ResourceType::PATIENT)).map(|_| ()).map_err(|outcome| outcome.0)
        }
    };
    let limits = &running.pipeline.limits;
    let checked = limits.aside.work(part.bytes().len(), running.deadline(), work).await?;
    checked.map_err(|mut issues| {
        part.relocate(&mut issues);
        placed(Failure::from_issues(StatusCode::BAD_REQUEST, issues), part)
    })
}

/// A failure about the Patient, by where it stands in the body.
fn placed(mut failure: Failure, part: &Part) -> Failure {
    if let Some(path) = &part.path {
        for expression in failure.issues.iter_mut().filter_map(|issue| issue.expression.as_mut()) {
            if let Some(rest) = expression.strip_prefix("Patient") {
                *expression = format!("{path}{rest}");
            }
        }
    }
    failure
}

fn nobody() -> Failure {
    let text = "expected an identifier, a name, a date of birth or a telecom to find somebody by";
    let issue = Issue::error(IssueType::Incomplete, text).at("Patient");
    Failure::from_issues(StatusCode::UNPROCESSABLE_ENTITY, vec![issue])
}

fn no_resource() -> Failure {
    let text = "expected the parameter `resource` with a Patient, or a Patient alone in the body";
    bad(IssueType::Required, text, "resource")
}

fn bad(code: IssueType, text: &str, parameter: &str) -> Failure {
    let issue = Issue::error(code, text).at(format!("Parameters.parameter.where(name='{parameter}')"));
    Failure::from_issues(StatusCode::BAD_REQUEST, vec![issue])
}
