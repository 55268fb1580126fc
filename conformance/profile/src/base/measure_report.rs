//! MeasureReports against their Measure, where it is known (measurereport.html).

use fhir::IssueType;
use fhir::ResourceType;
use fhir::json::{Document, Limits, Value, scan};

use super::read;
use crate::report::Report;
use crate::validator::Subject;

pub(super) fn check(measure_report: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    let Some(canonical) = read::text(measure_report, "measure") else { return };
    let Ok(kind) = "Measure".parse::<ResourceType>() else { return };
    let Some(json) = subject.validator.registry().json(kind, &canonical) else { return };
    let mut nodes = Vec::new();
    if scan(json, &mut nodes, Limits::default()).is_err() {
        return;
    }
    let Some(measure) = Document::new(json, &nodes).root() else { return };
    let scoring = scoring(measure);
    let is_data = matches!(read::text(measure_report, "type").as_deref(), Some("data-collection" | "data-exchange"));
    for group in read::items(measure_report, "group") {
        check_score(group, scoring.as_deref(), is_data, report);
        check_populations(group, measure, report);
    }
}

fn scoring(measure: Value<'_>) -> Option<String> {
    let codings = measure.member("scoring").into_iter().flat_map(|scoring| read::items(scoring, "coding"));
    codings.filter_map(|coding| read::text(coding, "code")).next().map(|code| code.into_owned())
}

/// A cohort has members and no score; data that is only gathered has none either.
fn check_score(group: Value<'_>, scoring: Option<&str>, is_data: bool, report: &mut Report) {
    let score = group.children().find(|member| member.name().starts_with("measureScore"));
    let Some(score) = score.filter(|_| is_data || scoring == Some("cohort")) else { return };
    let expected = "expected no score: the measure counts a cohort, or the report only gathers data";
    report.error(score.index(), IssueType::BusinessRule, expected);
}

/// The populations are those of the measure.
fn check_populations(group: Value<'_>, measure: Value<'_>, report: &mut Report) {
    let known: Vec<_> = read::items(measure, "group")
        .flat_map(|group| read::items(group, "population"))
        .filter_map(|population| population.member("code"))
        .collect();
    if known.is_empty() {
        return;
    }
    for population in read::items(group, "population") {
        let Some(code) = population.member("code") else { continue };
        if code.member("coding").is_some() && !known.iter().any(|known| shares_coding(code, *known)) {
            report.error(population.index(), IssueType::BusinessRule, "expected a population of the measure");
        }
    }
}

fn shares_coding(left: Value<'_>, right: Value<'_>) -> bool {
    read::items(left, "coding").any(|left| {
        read::items(right, "coding").any(|right| {
            read::text(left, "system") == read::text(right, "system")
                && read::text(left, "code") == read::text(right, "code")
        })
    })
}
