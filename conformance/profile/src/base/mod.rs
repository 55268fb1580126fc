//! Rules of the base specification that are no matter of one object's structure.
//!
//! One walk over the nodes that have a rule at all: a table made once per release says which elements do ([`duty`]), and
//! [`crate::agenda`] finds them. A family of rules is a file.

mod attachment;
mod bundle;
mod canonical;
mod capability;
mod code_system;
mod concept_map;
mod concept_map_property;
mod datatype;
mod duty;
mod element_id;
mod filter;
mod measure_report;
mod naming_system;
mod narrative;
mod operation;
mod question;
mod questionnaire;
mod read;
mod reference;
mod response;
mod search_parameter;
mod structure;
mod structure_map;
mod supplement;
mod uri;
mod value_set;

use fhir::Version;
use fhir::json::{Kind, Value};

use crate::report::Report;
use crate::validator::Subject;
use duty::Duty;

/// Whether an element, by its raw id, has a rule.
pub(crate) fn has_duty(version: Version, element: u32) -> bool {
    duty::of(version).of(element) != Duty::None
}

/// All of them, at the nodes that have any.
pub(crate) fn check(subject: &Subject<'_>, nodes: &[u32], report: &mut Report) {
    let duties = duty::of(subject.definitions.version());
    let Some(root) = subject.document.root() else { return };
    let mut element_ids = 0;
    for value in nodes.iter().filter_map(|node| subject.document.at(*node)) {
        let duty = duties.of(value.node().element);
        if duty == Duty::ElementId {
            element_ids += 1;
        } else if duty != Duty::None && value.kind() != Kind::Array {
            perform(duty, value, subject, report);
        }
    }
    if element_ids > 1 {
        element_id::check(root, report);
    }
}

fn perform(duty: Duty, value: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    match duty {
        Duty::None | Duty::ElementId => {}
        Duty::Uri => uri::check(value, report),
        Duty::Canonical => canonical::check_use(value, subject, report),
        Duty::CanonicalUrl => canonical::check_own(value, report),
        Duty::Decimal => datatype::check_decimal(value, report),
        Duty::Identifier => datatype::check_identifier(value, report),
        Duty::Coding => datatype::check_coding(value, report),
        Duty::Attachment => attachment::check(value, report),
        Duty::SampledData => datatype::check_sampled(value, report),
        Duty::Reference => reference::check(value, subject, report),
        Duty::Narrative => narrative::check(value, subject, report),
        Duty::Bundle => bundle::check(value, subject, report),
        Duty::StructureDefinition => structure::check(value, subject, report),
        Duty::ValueSet => {
            value_set::check(value, subject, report);
            filter::check(value, subject, report);
        }
        Duty::CodeSystem => {
            code_system::check(value, report);
            supplement::check(value, subject, report);
        }
        Duty::SearchParameter => search_parameter::check(value, subject, report),
        Duty::CapabilityStatement => capability::check(value, subject, report),
        Duty::ConceptMap => {
            concept_map::check(value, subject, report);
            concept_map_property::check(value, report);
        }
        Duty::StructureMap => structure_map::check(value, subject, report),
        Duty::OperationDefinition => operation::check(value, subject, report),
        Duty::NamingSystem => naming_system::check(value, report),
        Duty::MeasureReport => measure_report::check(value, subject, report),
        Duty::Questionnaire => questionnaire::check(value, report),
        Duty::QuestionnaireResponse => response::check(value, subject, report),
    }
}
