//! Which rules payloads break: by rule and place, without a word of the payload.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use adapter::Practice;
use fhir::{Issue, IssueType, ResourceType, Severity};
use parking_lot::Mutex;

/// Rows that are told apart. When more come, the one that was seen least joins the others.
const MOST_ROWS: usize = 512;
const LONGEST_NAME: usize = 160;
const LONGEST_PATH: usize = 120;

/// What was broken, where and by whom. Holds no value of a payload.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Breach {
    /// Whose base was asked.
    pub practice: Practice,
    /// Who sent it.
    pub client: Arc<str>,
    /// The type of the payload.
    pub of: ResourceType,
    /// The element, as `Patient.name.given`; empty when there is none.
    pub path: String,
    /// The rule.
    pub rule: Rule,
    /// Whether the payload was let through all the same.
    pub passed: bool,
}

/// A rule by its name in the definitions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rule {
    /// Of what kind, in words.
    pub kind: &'static str,
    /// The key of an invariant, the URL of a value set; empty where the kind says it all.
    pub name: String,
    /// The profile that it is of; empty for the base definition.
    pub profile: String,
}

/// How often, and when last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// How often since the start.
    pub times: u64,
    /// When last.
    pub last: SystemTime,
}

/// The rules that payloads broke since the start.
#[derive(Default)]
pub struct Breaches(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    rows: HashMap<Breach, Seen>,
    /// Those that are no longer told apart.
    others: u64,
}

impl Breaches {
    /// Notes what is wrong with a payload: the issues that are errors.
    pub fn note(
        &self,
        practice: &Practice,
        client: &Arc<str>,
        of: ResourceType,
        issues: &[Issue],
        passed: bool,
        now: SystemTime,
    ) {
        let mut kept = self.0.lock();
        for issue in issues.iter().filter(|issue| issue.severity >= Severity::Error) {
            let breach = Breach {
                practice: practice.clone(),
                client: Arc::clone(client),
                of,
                path: path(issue),
                rule: Rule::of(issue),
                passed,
            };
            kept.add(breach, now);
        }
    }

    /// The rows, those that were seen last first, and how many breaches are in none of them.
    #[must_use]
    pub fn rows(&self) -> (Vec<(Breach, Seen)>, u64) {
        let kept = self.0.lock();
        let mut rows: Vec<_> = kept.rows.iter().map(|(breach, seen)| (breach.clone(), *seen)).collect();
        rows.sort_by(|(_, one), (_, other)| other.last.cmp(&one.last).then(other.times.cmp(&one.times)));
        (rows, kept.others)
    }
}

impl Kept {
    fn add(&mut self, breach: Breach, now: SystemTime) {
        if !self.rows.contains_key(&breach) && self.rows.len() >= MOST_ROWS {
            let rarest = self.rows.iter().min_by_key(|(_, seen)| (seen.times, seen.last));
            if let Some((breach, seen)) = rarest.map(|(breach, seen)| (breach.clone(), *seen)) {
                self.rows.remove(&breach);
                self.others += seen.times;
            }
        }
        let seen = self.rows.entry(breach).or_insert(Seen { times: 0, last: now });
        seen.times += 1;
        seen.last = now;
    }
}

impl Rule {
    /// The rule that an issue of validation speaks of. Only what definitions and packages say is taken from its text.
    #[must_use]
    pub fn of(issue: &Issue) -> Self {
        let text = issue.text.as_str();
        let (said, profile) = match text.rsplit_once(" (profile ").filter(|(_, rest)| rest.ends_with(')')) {
            Some((said, rest)) => (said, rest.trim_end_matches(')')),
            None => (text, ""),
        };
        let (kind, name) = match issue.code {
            IssueType::Invariant => ("invariant", key(said).unwrap_or_default()),
            IssueType::CodeInvalid => ("code outside of its value set", value_set(said).unwrap_or_default()),
            IssueType::Required => ("required element is missing", ""),
            IssueType::Structure if said.starts_with("unknown element ") => ("unknown element", ""),
            IssueType::Structure if said.starts_with("expected at least ") => ("too few items", ""),
            IssueType::Structure if said.starts_with("expected at most ") => ("too many items", ""),
            IssueType::Structure => ("wrong structure", ""),
            IssueType::Value => ("wrong format or type", ""),
            IssueType::Invalid => ("invalid content", ""),
            IssueType::Duplicate => ("something that may stand there once only", ""),
            IssueType::NotFound => ("refers to something that is not there", ""),
            IssueType::Extension => ("extension", ""),
            IssueType::BusinessRule => ("rule of the specification", ""),
            other => (other.code(), ""),
        };
        Self { kind, name: bounded(name, LONGEST_NAME), profile: bounded(profile, LONGEST_NAME) }
    }
}

/// `pat-1` of `pat-1: …; expected …`, and of `… (ele-1)`.
fn key(text: &str) -> Option<&str> {
    let first = text.split(':').next().filter(|key| is_key(key));
    first.or_else(|| text.strip_suffix(')')?.rsplit_once('(').map(|(_, key)| key).filter(|key| is_key(key)))
}

fn is_key(text: &str) -> bool {
    let mut letters = text.chars();
    text.len() <= 64
        && letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
}

/// The URL behind the words that validation uses where it names a value set. A coding without a binding is told by its own
/// system, which a client wrote.
fn value_set(text: &str) -> Option<&str> {
    let starts =
        ["expected a code of ", "expected a coding of ", "expected at least one coding of ", "expected a unit of "];
    let rest = starts.iter().find_map(|start| text.strip_prefix(start))?;
    rest.split([' ', ',', '(']).next().filter(|url| url.starts_with("http") || url.starts_with("urn:"))
}

/// The FHIRPath without positions. The last step of what nobody knows is a name that a client wrote.
fn path(issue: &Issue) -> String {
    let Some(expression) = &issue.expression else { return String::new() };
    let steps = expression.split('.').map(|step| step.split('[').next().unwrap_or_default());
    let steps = steps.take_while(|step| !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let mut steps: Vec<&str> = steps.collect();
    if issue.text.starts_with("unknown element ") && steps.len() == expression.split('.').count() {
        steps.pop();
    }
    bounded(&steps.join("."), LONGEST_PATH)
}

fn bounded(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use fhir::Version;
    use profile::{Request, Validator};

    use super::*;

    fn noted(json: &str) -> Vec<(String, String)> {
        let validator = Validator::new(Version::R4);
        let refused = validator.check(&Bytes::copy_from_slice(json.as_bytes()), &Request::default()).unwrap_err();
        let breaches = Breaches::default();
        let (practice, client) = (Practice::default(), Arc::from("portal"));
        breaches.note(&practice, &client, ResourceType::PATIENT, &refused.outcome.0, false, SystemTime::UNIX_EPOCH);
        let rows = breaches.rows().0.into_iter();
        let rows = rows.map(|(of, _)| (format!("{} {}", of.rule.kind, of.rule.name).trim_end().to_owned(), of.path));
        let mut rows: Vec<_> = rows.collect();
        rows.sort();
        rows
    }

    #[test]
    fn what_validation_says_becomes_a_rule_and_a_place() {
        let json = r#"{"resourceType":"Patient","gender":"secret","birthDate":"Secret","secretName":"Doe",
            "contact":[{"id":"x","period":{"start":"2020"}}],"link":[{"type":"replaces"}],"active":[true]}"#;
        let expected = [
            ("code outside of its value set http://hl7.org/fhir/ValueSet/administrative-gender", "Patient.gender"),
            ("invariant pat-1", "Patient.contact"),
            ("required element is missing", "Patient.link.other"),
            ("unknown element", "Patient"),
            ("wrong format or type", "Patient.birthDate"),
            ("wrong structure", "Patient.active"),
        ];
        assert_eq!(noted(json), expected.map(|(rule, path)| (rule.to_owned(), path.to_owned())));
    }

    #[test]
    fn nothing_of_the_payload_is_kept() {
        let json = r#"{"resourceType":"Patient","gender":"Mallory","birthDate":"Mallory","Mallory":{"Mallory":1},
            "maritalStatus":{"coding":[{"system":"http://Mallory","code":"Mallory"}]},"id":"Mal lory",
            "contained":[{"resourceType":"Mallory","Mallory":2}],"extension":[{"url":"Mallory"}]}"#;
        assert!(!format!("{:?}", noted(json)).contains("Mal"), "{:?}", noted(json));
    }

    #[test]
    fn a_rule_of_a_profile_names_its_profile() {
        let text = "us-core-8: name: given or family (profile http://hl7.org/fhir/us/core/StructureDefinition/x|1.0)";
        let rule = Rule::of(&Issue::error(IssueType::Invariant, text));
        assert_eq!((rule.kind, &*rule.name), ("invariant", "us-core-8"));
        assert_eq!(rule.profile, "http://hl7.org/fhir/us/core/StructureDefinition/x|1.0");
    }

    #[test]
    fn a_flood_of_places_takes_bounded_memory_and_loses_no_count() {
        let breaches = Breaches::default();
        let often = Issue::error(IssueType::Required, "expected").at("Patient.name");
        for number in 0..3 * MOST_ROWS {
            let rare = Issue::error(IssueType::Required, "expected").at(format!("Patient.p{number}"));
            let issues = [often.clone(), rare];
            let client = Arc::from("portal");
            breaches.note(&Practice::default(), &client, ResourceType::PATIENT, &issues, true, SystemTime::UNIX_EPOCH);
        }
        let (rows, others) = breaches.rows();
        assert_eq!(rows.len(), MOST_ROWS);
        let times: u64 = rows.iter().map(|(_, seen)| seen.times).sum();
        assert_eq!(times + others, 6 * MOST_ROWS as u64);
        assert!(rows.iter().any(|(breach, seen)| breach.path == "Patient.name" && seen.times == 3 * MOST_ROWS as u64));
    }
}
