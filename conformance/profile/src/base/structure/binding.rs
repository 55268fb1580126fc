//! Bindings and targets of a differential against those of the type (profiling.html#binding, #reference).

use definitions::{Element, Strength};
use fhir::IssueType;
use fhir::json::Value;

use super::super::read;
use crate::report::Report;
use crate::validator::Subject;

/// A binding is never weaker than that of the type. Less than required says little to a reader: only that is wrong.
pub(super) fn check(element: Value<'_>, known: Element<'static>, report: &mut Report) {
    let Some(node) = element.member("binding").and_then(|binding| binding.member("strength")) else { return };
    let (Some(stated), Some(base)) = (node.text().and_then(|it| strength(&it)), known.binding()) else { return };
    if stated >= base.strength {
        return;
    }
    let expected = format!("expected a binding no weaker than that of the type to {}", base.url);
    if base.strength == Strength::Required {
        report.error(node.index(), IssueType::BusinessRule, expected);
    } else {
        report.warning(node.index(), IssueType::BusinessRule, expected);
    }
}

fn strength(code: &str) -> Option<Strength> {
    Some(match code {
        "required" => Strength::Required,
        "extensible" => Strength::Extensible,
        "preferred" => Strength::Preferred,
        "example" => Strength::Example,
        _ => return None,
    })
}

/// What a reference may lead to, in a profile, is what it may lead to in the type. What nobody here knows may be.
pub(super) fn check_targets(element: Value<'_>, known: Element<'static>, subject: &Subject<'_>, report: &mut Report) {
    if known.may_target_any() {
        return;
    }
    for target in read::items(element, "type").flat_map(|of| read::items(of, "targetProfile")) {
        let structure = target.text().and_then(|url| subject.validator.registry().structure(&url));
        let Some(of) = structure.and_then(|it| subject.definitions.type_named(&it.type_)) else { continue };
        let is_allowed = known.targets().any(|allowed| of.specializes(allowed) || of.name() == allowed.name());
        if !is_allowed && !of.is_abstract() {
            let names: Vec<_> = known.targets().map(|allowed| allowed.name()).collect();
            let expected =
                format!("expected a target that the type allows ({}), found {}", names.join(", "), of.name());
            report.error(target.index(), IssueType::BusinessRule, expected);
        }
    }
}
