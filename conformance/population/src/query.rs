//! Whole searches.

use crate::criterion::{self, all, points_to, references};
use crate::{Choices, Names};

/// The pairs of a search for resources of that type: criteria, what comes along, how it is ordered and told.
#[must_use]
pub fn search(resource_type: &str, names: &Names, choices: &mut Choices<'_>) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = criteria(resource_type, names, choices);
    if choices.below(2) == 1 {
        pairs.extend((0..1 + choices.below(2)).map(|_| include(resource_type, names, choices)));
    }
    if choices.is_one_in(3) {
        pairs.push(("_sort".into(), sort(resource_type, choices)));
    }
    if choices.is_one_in(2) {
        pairs.push(("_count".into(), choices.of(&["1", "2", "3", "2", "0"]).into()));
    }
    if choices.is_one_in(3) {
        pairs.push(("_total".into(), choices.of(&["accurate", "none", "estimate"]).into()));
    }
    match choices.below(8) {
        1 => pairs.push(("_summary".into(), choices.of(&["count", "true", "data", "text", "false"]).into())),
        2 => pairs
            .push(("_elements".into(), choices.of(&["id", "status,participant", "subject,patient", "name"]).into())),
        _ => {}
    }
    pairs
}

/// Criteria alone, as the condition of a write has them.
#[must_use]
pub fn criteria(resource_type: &str, names: &Names, choices: &mut Choices<'_>) -> Vec<(String, String)> {
    let count = choices.of(&[1, 0, 1, 0, 1, 2]);
    (0..count).map(|_| criterion::of(resource_type, names, choices, 0)).collect()
}

/// Percent-encoded, as it stands behind the `?`.
#[must_use]
pub fn encoded(pairs: &[(String, String)]) -> String {
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
    pairs.join("&")
}

fn escape(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-._~:,/*{}".contains(letter);
    text.chars()
        .map(|letter| if is_plain(letter) { letter.to_string() } else { format!("%{:02X}", u32::from(letter)) })
        .collect()
}

fn include(resource_type: &str, names: &Names, choices: &mut Choices<'_>) -> (String, String) {
    let iterate = choices.of(&["", "", ":iterate"]);
    // With `:iterate` from anything that came along.
    let source = if iterate.is_empty() { resource_type } else { choices.of(names.kinds()) };
    if choices.below(2) == 0 {
        let parameter = choices.of(&codes(source));
        let target = if choices.is_one_in(4) { ":Patient" } else { "" };
        let what =
            if parameter.is_empty() || choices.is_one_in(3) { "*".into() } else { format!("{parameter}{target}") };
        return (format!("_include{iterate}"), format!("{source}:{what}"));
    }
    let pointing: Vec<(&str, &str)> = names
        .kinds()
        .iter()
        .flat_map(|from| references(from).into_iter().map(move |reference| (*from, reference)))
        .filter(|(_, reference)| points_to(reference, source))
        .map(|(from, reference)| (from, reference.code))
        .collect();
    let (from, code) = choices.of(&pointing);
    let what = if choices.is_one_in(4) { "*" } else { code };
    (format!("_revinclude{iterate}"), format!("{from}:{what}"))
}

fn codes(resource_type: &str) -> Vec<&'static str> {
    references(resource_type).iter().map(|parameter| parameter.code).collect()
}

fn sort(resource_type: &str, choices: &mut Choices<'_>) -> String {
    let all: Vec<&str> = all(resource_type).iter().map(|parameter| parameter.code).collect();
    let own = choices.of(&all);
    choices.of(&["_id", "-_id", "_lastUpdated", "-_lastUpdated", own, own]).to_owned() + choices.of(&["", "", ",-_id"])
}

#[cfg(test)]
mod tests {
    use fhir::{Handling, Query, Version};

    use super::*;
    use crate::resource::{self, KINDS};

    /// Numbers that look random, the same in every run.
    fn numbers(seed: u32) -> Vec<u16> {
        let next = |state: &u32| Some(state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
        std::iter::successors(next(&seed), next).map(|state| (state >> 16) as u16).take(60).collect()
    }

    #[test]
    fn most_searches_are_understood() {
        let understood = (0..500_u32).filter(|seed| {
            let numbers = numbers(*seed);
            let mut choices = Choices::new(&numbers);
            let kind = choices.of(&KINDS);
            let query = Query::parse(&encoded(&search(kind, &Names::default(), &mut choices)));
            search::parse(&query, Version::R4, kind.parse().ok(), Handling::Strict).is_ok()
        });
        let share = understood.count();
        assert!(share > 375, "{share} of 500");
    }

    #[test]
    fn resources_of_every_type_have_their_type_and_id() {
        for kind in KINDS {
            let made = resource::of(kind, Some("7"), &Names::default(), &mut Choices::new(&numbers(3)));
            assert_eq!((made["resourceType"].as_str(), made["id"].as_str()), (Some(kind), Some("7")));
        }
    }
}
