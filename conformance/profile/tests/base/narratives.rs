//! Narrative beyond its XHTML.

use super::{accepted, doubted_at, refused_at};

fn patient(attributes: &str, inner: &str, more: &str) -> String {
    format!(
        r#"{{"resourceType":"Patient","language":"de",{more}"text":{{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"{attributes}>{inner}</div>"}}}}"#
    )
}

const DIV: &str = "Patient.text.div";

#[test]
fn a_link_within_narrative_leads_to_something_and_an_image_that_does_not_is_doubtful() {
    accepted(&patient("", r##"<p id=\"a\">x <a href=\"#a\">y</a></p>"##, ""));
    refused_at(&patient("", r##"<p>x <a href=\"#a\">y</a></p>"##, ""), DIV);
    assert!(doubted_at(&patient("", r##"<p>x <img src=\"#a\"/></p>"##, ""), DIV));
    assert!(!doubted_at(&patient("", r##"<p id=\"a\">x <img src=\"#a\"/></p>"##, ""), DIV));
}

#[test]
fn the_language_of_narrative_is_that_of_its_resource() {
    assert!(!doubted_at(&patient(r#" lang=\"de\" xml:lang=\"de\""#, "x", ""), DIV));
    assert!(doubted_at(&patient(r#" lang=\"en\""#, "x", ""), DIV));
    assert!(doubted_at(&patient(r#" xml:lang=\"en\""#, "x", ""), DIV));
}

#[test]
fn an_id_stands_once_in_a_narrative() {
    assert!(!doubted_at(&patient("", r#"<p id=\"a\">x</p><p id=\"b\">x</p>"#, ""), DIV));
    assert!(doubted_at(&patient("", r#"<p id=\"a\">x</p><p id=\"a\">x</p>"#, ""), DIV));
}

#[test]
fn an_element_that_says_where_narrative_tells_it_names_an_id_of_that() {
    let linked = r##""extension":[{"url":"http://hl7.org/fhir/StructureDefinition/narrativeLink","valueUrl":"#a"}],"##;
    let at = "Patient.extension[0].value";
    assert!(!doubted_at(&patient("", r#"<p id=\"a\">x</p>"#, linked), at));
    assert!(doubted_at(&patient("", "<p>x</p>", linked), at));
}
