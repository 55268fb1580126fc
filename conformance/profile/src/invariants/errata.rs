//! Faults of the specification in its own invariants: what runs instead, and why.

use fhir::Version;

/// What is done about a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    /// The rule is left out: the scan checks the same, or it cannot be right.
    Skip,
    /// Another expression runs.
    Instead(&'static str),
    /// Where this expression is true the release breaks its own rule: there it is a warning.
    Doubtful(&'static str),
}

/// An entry.
pub(super) struct Erratum {
    pub(super) key: &'static str,
    /// The releases with the fault.
    pub(super) releases: &'static [Version],
    /// The expression as it is published; empty for every one of that key.
    pub(super) published: &'static str,
    pub(super) remedy: Remedy,
    /// Where the fault is known from.
    pub(super) source: &'static str,
}

const EVERY: [Version; 3] = [Version::R4, Version::R4B, Version::R5];
const BEFORE_R5: [Version; 2] = [Version::R4, Version::R4B];
const LOGICAL: &str = "%resource.kind = 'logical'";

const R5_PERIOD: &str = "start.hasValue().not() or end.hasValue().not() or (start.lowBoundary() <= end.highBoundary())";
const R5_RANGE: &str = "low.value.empty() or high.value.empty() or low.comparable(high).not() or (low <= high)";

const ERRATA: &[Erratum] = &[
    Erratum {
        key: "app-4",
        releases: &EVERY,
        published: "Appointment.cancelationReason.exists() implies (Appointment.status='no-show' or Appointment.status='cancelled')",
        remedy: Remedy::Instead("cancelationReason.exists() implies (status = 'noshow' or status = 'cancelled')"),
        source: "R4 ValueSet appointmentstatus has `noshow`; corrected in R5 app-4",
    },
    Erratum {
        key: "cid-0",
        releases: &EVERY,
        published: "name.matches('[A-Z]([A-Za-z0-9_]){0,254}')",
        remedy: Remedy::Skip,
        source: "R4 ChargeItemDefinition has no `name`",
    },
    Erratum {
        key: "per-1",
        releases: &EVERY,
        published: "start.hasValue().not() or end.hasValue().not() or (start <= end)",
        remedy: Remedy::Instead(R5_PERIOD),
        source: "datatypes.html#Period: 2012-05 to 2012-05-23 is a period; corrected in R5 per-1",
    },
    Erratum {
        key: "rng-2",
        releases: &EVERY,
        published: "",
        remedy: Remedy::Instead(R5_RANGE),
        source: "R4: quantities have no order of their own; R5: boundaries of a quantity; both mean values in comparable units",
    },
    Erratum {
        key: "ras-2",
        releases: &EVERY,
        published: "probability is decimal implies (probability as decimal) <= 100",
        remedy: Remedy::Instead(
            "probability.empty() or ((probability is decimal) implies ((probability as decimal) <= 100))",
        ),
        source: "R4: empty where there is no probability; corrected in R5 ras-2",
    },
    Erratum {
        key: "ras-2",
        releases: &EVERY,
        published: "probability.exists($this is decimal) implies (probability as decimal) <= 100",
        remedy: Remedy::Instead(
            "probability.empty() or ((probability is decimal) implies ((probability as decimal) <= 100))",
        ),
        source: "R4B: as in R4; corrected in R5 ras-2",
    },
    Erratum {
        key: "que-7",
        releases: &EVERY,
        published: "operator = 'exists' implies (answer is Boolean)",
        remedy: Remedy::Instead("operator = 'exists' implies (answer is boolean)"),
        source: "R4, R4B: an answer is a FHIR.boolean, never a System.Boolean; corrected in R5 que-7",
    },
    Erratum {
        key: "que-12",
        releases: &[Version::R4],
        published: "enableWhen.count() > 2 implies enableBehavior.exists()",
        remedy: Remedy::Instead("enableWhen.count() > 1 implies enableBehavior.exists()"),
        source: "R4 says in words `more than one enableWhen`; corrected in R4B que-12",
    },
    Erratum {
        key: "eld-11",
        releases: &EVERY,
        published: "binding.empty() or type.code.empty() or type.code.contains(\":\") or type.select((code = 'code') or (code = 'Coding') or (code='CodeableConcept') or (code = 'Quantity') or (code = 'string') or (code = 'uri') or (code = 'Duration')).exists()",
        remedy: Remedy::Instead(
            "binding.empty() or type.code.empty() or type.select((code = 'code') or (code = 'Coding') or (code='CodeableConcept') or (code = 'Quantity') or (code = 'string') or (code = 'uri') or (code = 'Duration')).exists()",
        ),
        source: "R5: `contains` takes one item (FHIRPath 5.6), an element may have several types, and `\":\"` is a name, not a string",
    },
    Erratum {
        key: "sdf-24",
        releases: &EVERY,
        published: "element.where(type.code='Reference' and id.endsWith('.reference') and type.targetProfile.exists() and id.substring(0,$this.length()-10) in %context.element.where(type.code='CodeableReference').id).exists().not()",
        remedy: Remedy::Instead(
            "element.where(type.code='Reference' and id.endsWith('.reference') and type.targetProfile.exists() and id.substring(0,id.length()-10) in %context.element.where(type.code='CodeableReference').id).exists().not()",
        ),
        source: "R4B: `$this` is an element and has no length; corrected in R5 sdf-24",
    },
    Erratum {
        key: "sdf-25",
        releases: &EVERY,
        published: "element.where(type.code='CodeableConcept' and id.endsWith('.concept') and binding.exists() and id.substring(0,$this.length()-8) in %context.element.where(type.code='CodeableReference').id).exists().not()",
        remedy: Remedy::Instead(
            "element.where(type.code='CodeableConcept' and id.endsWith('.concept') and binding.exists() and id.substring(0,id.length()-8) in %context.element.where(type.code='CodeableReference').id).exists().not()",
        ),
        source: "R4B: `$this` is an element and has no length; corrected in R5 sdf-25",
    },
    Erratum {
        key: "cmd-1",
        releases: &BEFORE_R5,
        published: "comment.exists() or equivalence.empty() or ((equivalence != 'narrower') and (equivalence != 'inexact'))",
        remedy: Remedy::Instead(
            "comment.exists() or %resource.status = 'draft' or equivalence.empty() or ((equivalence != 'narrower') and (equivalence != 'inexact'))",
        ),
        source: "R4, R4B: a draft may lack its comments, as the maps to v2 of R4B do; corrected in R5 cmd-1",
    },
    Erratum {
        key: "que-12",
        releases: &[Version::R4],
        published: "enableWhen.count() > 2 implies enableBehavior.exists()",
        remedy: Remedy::Instead("enableWhen.count() > 1 implies enableBehavior.exists()"),
        source: "R4: in words `more than one enableWhen`; corrected in R4B que-12",
    },
    Erratum {
        key: "sdf-4",
        releases: &BEFORE_R5,
        published: "abstract = true or baseDefinition.exists()",
        remedy: Remedy::Doubtful(LOGICAL),
        source: "no logical model of R4 and R4B (Definition, Event, FiveWs, Request) has a base: `Base` is defined by R5 first",
    },
    Erratum {
        key: "sdf-10",
        releases: &BEFORE_R5,
        published: "binding.empty() or binding.valueSet.exists() or binding.description.exists()",
        remedy: Remedy::Doubtful(LOGICAL),
        source: "the logical models of R4 and R4B describe their bindings in an extension alone",
    },
    Erratum {
        key: "sdf-27",
        releases: &[Version::R5],
        published: "baseDefinition.exists() implies derivation.exists()",
        remedy: Remedy::Doubtful(LOGICAL),
        source: "no logical model of R5 (Definition, Event, FiveWs, Participant, Product, …) says its derivation",
    },
    Erratum {
        key: "que-2",
        releases: &[Version::R4B],
        published: "descendants().linkId.isDistinct()",
        remedy: Remedy::Doubtful("descendants().linkId.where(contains('[x]._null').not()).isDistinct()"),
        source: "R4B: its questionnaire that is generated from a structure calls the types of a choice `[x]._null`, several of one choice the same",
    },
    Erratum {
        key: "que-2",
        releases: &[Version::R5],
        published: "descendants().linkId.isDistinct()",
        remedy: Remedy::Doubtful(
            "url.startsWith('http://hl7.org/fhir/Questionnaire/') and descendants().linkId.where(endsWith('-flyover')).exists()",
        ),
        source: "R5 publishes a questionnaire generated from each of its structures; all that refer to content elsewhere or have a choice repeat link ids",
    },
];

/// Rules that the scan checks itself: ele-1, ext-1, dom-2 to dom-5, references to contained resources, narrative.
const STRUCTURAL: &[&str] = &["ele-1", "ext-1", "dom-2", "dom-3", "dom-4", "dom-5", "ref-1", "txt-1", "txt-2"];

/// Recommendations (elementdefinition-bestpractice): reported only when that is asked for.
const BEST_PRACTICE: &[&str] = &["dom-6"];

/// What is done about a rule of the base specification, when anything is.
/// With its source.
pub(super) fn remedy(version: Version, key: &str, expression: &str) -> Option<(Remedy, &'static str)> {
    if STRUCTURAL.contains(&key) {
        return Some((Remedy::Skip, ""));
    }
    let of_rule = |erratum: &&Erratum| {
        erratum.key == key && ["", expression].contains(&erratum.published) && erratum.releases.contains(&version)
    };
    ERRATA.iter().find(of_rule).map(|erratum| (erratum.remedy, erratum.source))
}

/// Whether a rule is a recommendation.
pub(crate) fn is_best_practice(key: &str) -> bool {
    BEST_PRACTICE.contains(&key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_erratum_is_of_a_rule_that_is_published_and_names_its_source() {
        for erratum in ERRATA {
            assert!(!erratum.source.is_empty(), "{}", erratum.key);
            let mut elements = erratum
                .releases
                .iter()
                .map(|version| definitions::of(*version))
                .flat_map(|release| (1..).map_while(|raw| release.element(definitions::ElementId::from_raw(raw)?)));
            let is_published = elements.any(|element| {
                element
                    .invariants()
                    .any(|rule| rule.key() == erratum.key && ["", rule.expression()].contains(&erratum.published))
            });
            assert!(is_published, "{}", erratum.key);
        }
    }
}
