//! The properties.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::LazyLock;

use fhir::{Compartment, ResourceType};
use population::Names;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use tokio::runtime::Runtime;

use crate::case::{Case, Eyes, cases};
use crate::world::{Layout, World};

static NAMES: LazyLock<Names> = LazyLock::new(Names::default);

/// Of types that two back ends hold.
static SPLIT_NAMES: LazyLock<Names> = LazyLock::new(|| {
    const SPLIT: &[&str] = &["a-1", "b-1", "a-2"];
    Names::with(&[("Patient", SPLIT), ("Appointment", SPLIT), ("Observation", SPLIT)])
});

pub(crate) fn one_store() -> Layout {
    Layout { routes: &[(&[], &["one"])], names: &NAMES }
}

/// Patients in one back end, appointments in another, claims in a third.
pub(crate) fn by_type() -> Layout {
    let routes: &[(&[&str], &[&str])] = &[
        (&["Patient", "RelatedPerson", "Organization"], &["ehr"]),
        (&["Appointment", "Slot", "Schedule", "Practitioner"], &["scheduler"]),
        (&["Claim", "Coverage", "Account"], &["billing"]),
        (&[], &["rest"]),
    ];
    Layout { routes, names: &NAMES }
}

/// Three types in two back ends each, all others in a third.
fn split() -> Layout {
    Layout {
        routes: &[(&["Patient", "Appointment", "Observation"], &["a", "b"]), (&[], &["rest"])],
        names: &SPLIT_NAMES,
    }
}

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Tries a property on as many cases as asked for. The seed of a failure makes the same cases again.
fn hold(layout: &Layout, eyes: &Eyes, mut property: impl FnMut(&Case) -> Result<(), String>) {
    let seed = from_environment("SEED").unwrap_or_else(|| RandomState::new().build_hasher().finish());
    let cases_wanted = from_environment("CASES").unwrap_or(16);
    let config = Config {
        cases: u32::try_from(cases_wanted).unwrap(),
        max_shrink_iters: 2000,
        failure_persistence: None,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let property = std::cell::RefCell::new(&mut property);
    let outcome = runner.run(&cases(layout.names), |case| {
        let case = case.without_collisions(eyes);
        (property.borrow_mut())(&case).map_err(TestCaseError::fail)
    });
    if let Err(failure) = outcome {
        panic!("SEED={seed} CASES={cases_wanted}: {failure}");
    }
}

/// Two gateways, one with all data and one with what may be seen alone.
pub(crate) struct Pair {
    runtime: Runtime,
    all: World,
    alone: World,
    eyes: Eyes,
    scope: &'static str,
    more: String,
    told: Told,
}

impl Pair {
    /// With a token of these scopes.
    pub(crate) fn start(layout: &Layout, eyes: Eyes, scope: &'static str, more: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let (all, alone) = runtime.block_on(async { (World::start(layout).await, World::start(layout).await) });
        Self { runtime, all, alone, eyes, scope, more: more.to_owned(), told: Told::default() }
    }

    /// With the token of a patient who may do everything.
    pub(crate) fn of_patient(layout: &Layout, id: &str) -> Self {
        Self::of_patient_who_sees(layout, id, Eyes::Patient)
    }

    /// The same, where only that is there which is shown to the patient.
    pub(crate) fn of_patient_who_is_shown(layout: &Layout, id: &str) -> Self {
        Self::of_patient_who_sees(layout, id, Eyes::Shown)
    }

    fn of_patient_who_sees(layout: &Layout, id: &str, eyes: impl Fn(Compartment) -> Eyes) -> Self {
        let patient = Compartment { resource_type: ResourceType::PATIENT, id: id.parse().unwrap() };
        Self::start(layout, eyes(patient), "launch/patient patient/*.cruds", &format!("&patient={id}"))
    }

    /// The token's answers over all data and over what it may see alone are the same.
    ///
    /// # Errors
    /// The first answers that differ.
    pub(crate) fn compare(&mut self, case: &Case) -> Result<(), String> {
        let Self { runtime, all, alone, eyes, scope, more, told } = self;
        runtime.block_on(async {
            all.fill(&case.writes).await;
            alone.fill(&case.alone(eyes)).await;
            let token = all.token(scope, more).await;
            let seen = all.answers(&token, &case.asks).await;
            let token = alone.token(scope, more).await;
            let expected = alone.answers(&token, &case.asks).await;
            told.count(&seen);
            same(case, &seen, &expected)
        })
    }
}

fn same(case: &Case, seen: &[String], expected: &[String]) -> Result<(), String> {
    let mut answers = case.asks.iter().zip(seen.iter().zip(expected));
    match answers.find(|(_, (seen, expected))| seen != expected) {
        None => Ok(()),
        Some((ask, (seen, expected))) => Err(format!("{ask:?}\n--- seen\n{seen}\n--- alone\n{expected}\n")),
    }
}

/// A pair's answers are the same in as many cases as asked for.
fn hold_of(mut pair: Pair, layout: &Layout) {
    let eyes = pair.eyes.clone();
    hold(layout, &eyes, |case| pair.compare(case));
    pair.told.check();
}

/// How much the answers told: a property of refusals alone would hold of anything.
#[derive(Default)]
struct Told {
    answers: usize,
    granted: usize,
    entries: usize,
}

impl Told {
    fn count(&mut self, answers: &[String]) {
        self.answers += answers.len();
        self.granted += answers.iter().filter(|answer| answer.starts_with('2')).count();
        self.entries += answers.iter().filter(|answer| answer.starts_with('2') && answer.contains("fullUrl")).count();
    }

    fn check(&self) {
        let Self { answers, granted, entries } = self;
        println!("{answers} answers, {granted} granted, {entries} with entries");
        // A few cases may happen to tell little.
        let is_little = *answers < 300;
        assert!(
            is_little || granted * 4 > *answers && entries * 20 > *answers,
            "{granted} of {answers}, {entries} with entries"
        );
    }
}

#[test]
fn a_patient_sees_of_one_store_what_it_would_see_of_its_compartment_alone() {
    hold_of(Pair::of_patient(&one_store(), "1"), &one_store());
}

#[test]
fn a_patient_sees_of_back_ends_for_different_types_what_it_would_see_of_its_compartment_alone() {
    hold_of(Pair::of_patient(&by_type(), "1"), &by_type());
}

#[test]
fn a_patient_sees_of_types_split_over_back_ends_what_it_would_see_of_its_compartment_alone() {
    hold_of(Pair::of_patient(&split(), "a-1"), &split());
}

#[test]
fn a_patient_finds_an_appointment_of_several_by_nothing_that_it_is_not_shown() {
    hold_of(Pair::of_patient_who_is_shown(&one_store(), "1"), &one_store());
}

/// Half of the types, and scopes for them.
const TYPES: &[&str] = &[
    "Patient",
    "Practitioner",
    "Organization",
    "Claim",
    "Location",
    "Schedule",
    "HealthcareService",
    "Condition",
    "Group",
    "Person",
    "Task",
    "Appointment",
    "Observation",
];
const SCOPES: &str = "system/Patient.cruds system/Practitioner.cruds system/Organization.cruds system/Claim.cruds \
    system/Location.cruds system/Schedule.cruds system/HealthcareService.cruds system/Condition.cruds system/Group.cruds \
    system/Person.cruds system/Task.cruds system/Appointment.cruds system/Observation.cruds";

#[test]
fn scopes_for_some_types_show_of_one_store_what_they_would_show_of_these_types_alone() {
    hold_of(Pair::start(&one_store(), Eyes::Types(TYPES), SCOPES, ""), &one_store());
}

#[test]
fn scopes_for_some_types_show_of_several_back_ends_what_they_would_show_of_these_types_alone() {
    hold_of(Pair::start(&by_type(), Eyes::Types(TYPES), SCOPES, ""), &by_type());
}

#[test]
fn a_practice_sees_nothing_of_another_with_the_same_ids_on_the_same_store() {
    let layout = one_store();
    let everything = Eyes::Types(&population::resource::KINDS);
    let mut pair = Pair::start(&layout, everything.clone(), "system/*.cruds", "");
    hold(&layout, &everything, |case| {
        let Pair { runtime, all, alone, scope, .. } = &mut pair;
        runtime.block_on(async {
            all.fill(&case.writes).await;
            let neighbours: Vec<_> = case.writes.iter().rev().cloned().collect();
            all.fill_neighbour(&neighbours).await;
            alone.fill(&case.writes).await;
            let token = all.token(scope, "").await;
            let seen = all.answers(&token, &case.asks).await;
            let token = alone.token(scope, "").await;
            same(case, &seen, &alone.answers(&token, &case.asks).await)
        })
    });
}
