//! A snapshot and the differential that it was made from (structuredefinition.html#snapshot): what the differential says, the snapshot
//! says as well. A warning: whoever uses the profile may make the snapshot anew.

use std::collections::HashMap;

use fhir::IssueType;
use fhir::json::Value;

use super::super::read;
use crate::report::Report;

pub(super) fn check(snapshot: Value<'_>, differential: Value<'_>, report: &mut Report) {
    let elements: HashMap<_, _> =
        read::items(snapshot, "element").filter_map(|element| Some((read::text(element, "id")?, element))).collect();
    if elements.is_empty() {
        return;
    }
    for element in read::items(differential, "element") {
        let Some(id) = read::text(element, "id") else { continue };
        match elements.get(&id) {
            Some(whole) => check_element(element, *whole, report),
            None if !id.contains([':', '[']) && !elements.keys().any(|whole| is_choice_of(whole, &id)) => {
                let expected = format!("expected `{id}` in the snapshot, too: it is older than the differential");
                report.warning(element.index(), IssueType::BusinessRule, expected);
            }
            None => {}
        }
    }
}

/// `valueQuantity` of a differential is `value[x]:valueQuantity` or `value[x]` of its snapshot.
fn is_choice_of(whole: &str, id: &str) -> bool {
    whole.split_once("[x]").is_some_and(|(stem, _)| id.starts_with(stem))
}

fn check_element(element: Value<'_>, whole: Value<'_>, report: &mut Report) {
    for name in ["min", "max"] {
        let (Some(stated), Some(found)) = (element.member(name), whole.member(name)) else { continue };
        if stated.raw() != found.raw() {
            let expected = format!("expected the `{name}` of the snapshot to be that of the differential");
            report.warning(stated.index(), IssueType::BusinessRule, expected);
        }
    }
}
