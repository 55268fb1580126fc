//! Maps between codes and between structures.

use super::{accepted, refused_by};
use fhir::Version;

fn structure_map(context: &str, called: &str, import: &str) -> String {
    format!(
        r#"{{"resourceType":"StructureMap","url":"http://a.example/m","name":"X","status":"draft",{import}"group":[{{"name":"main","input":[{{"name":"src","mode":"source"}},{{"name":"tgt","mode":"target"}}],"rule":[{{"name":"r","source":[{{"context":"src","element":"a","variable":"a"}}],"target":[{{"context":"tgt","element":"b","variable":"b"}}],"rule":[{{"name":"inner","source":[{{"context":"{context}"}}],"dependent":[{{"name":"{called}","parameter":[{{"valueId":"a"}}]}}]}}]}}]}}]}}"#
    )
}

#[track_caller]
fn accepted_by_r5(text: &str) {
    let found = super::errors(text, Version::R5);
    assert!(found.is_empty(), "{text}: {found:?}");
}

#[test]
fn a_rule_of_a_structure_map_reads_from_what_is_named_around_it() {
    accepted_by_r5(&structure_map("a", "main", ""));
    let inner = "StructureMap.group[0].rule[0].rule[0]";
    refused_by(Version::R5, &structure_map("z", "main", ""), &format!("{inner}.source[0].context"));
}

#[test]
fn a_rule_of_a_structure_map_calls_groups_of_the_map_or_of_imported_ones() {
    let inner = "StructureMap.group[0].rule[0].rule[0].dependent[0].name";
    refused_by(Version::R5, &structure_map("a", "other", ""), inner);
    accepted_by_r5(&structure_map("a", "other", r#""import":["http://a.example/more"],"#));
}

fn concept_map(declared: &str, used: &str) -> String {
    format!(
        r#"{{"resourceType":"ConceptMap","status":"draft",{declared}"group":[{{"source":"http://a.example/a","target":"http://a.example/b","element":[{{"code":"a","target":[{{"code":"b","relationship":"equivalent",{used}}}]}}]}}]}}"#
    )
}

#[test]
fn a_property_of_a_mapping_is_declared_and_has_the_declared_type() {
    let declared = r#""property":[{"code":"p","type":"string"}],"#;
    let at = "ConceptMap.group[0].element[0].target[0].property[0]";
    accepted_by_r5(&concept_map(declared, r#""property":[{"code":"p","valueString":"x"}]"#));
    refused_by(Version::R5, &concept_map("", r#""property":[{"code":"p","valueString":"x"}]"#), &format!("{at}.code"));
    let typed = concept_map(declared, r#""property":[{"code":"p","valueBoolean":true}]"#);
    refused_by(Version::R5, &typed, &format!("{at}.value"));
}

#[test]
fn what_a_mapping_depends_on_is_declared_in_r5_and_an_element_before() {
    let used = r#""dependsOn":[{"attribute":"d","valueString":"x"}]"#;
    let declared = r#""additionalAttribute":[{"code":"d","type":"string"}],"#;
    accepted_by_r5(&concept_map(declared, used));
    let at = "ConceptMap.group[0].element[0].target[0].dependsOn[0].attribute";
    refused_by(Version::R5, &concept_map("", used), at);
    let of_r4 = concept_map("", r#""dependsOn":[{"property":"http://a.example/p","value":"x"}]"#);
    accepted(&of_r4.replace("\"relationship\":\"equivalent\"", "\"equivalence\":\"equal\""));
}
