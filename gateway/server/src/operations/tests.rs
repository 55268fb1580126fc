//! The table as a whole.

use super::*;

#[test]
fn every_line_has_a_definition_of_its_own_a_method_and_a_place() {
    for (index, operation) in TABLE.iter().enumerate() {
        assert!(operation.definition.starts_with("http://"), "{}", operation.name);
        assert!(!operation.places.is_empty() && !operation.methods.is_empty(), "{}", operation.name);
        let is_other = |other: &&Operation| other.definition != operation.definition;
        assert!(TABLE.iter().skip(index + 1).all(is_other), "{}", operation.name);
    }
}

#[test]
fn what_changes_something_takes_no_get_but_where_its_own_standard_asks_for_one() {
    // Bulk Data Access 2.0.0: an export is kicked off by GET or POST.
    for operation in TABLE.iter().filter(|operation| !operation.is_safe && operation.name != "export") {
        assert!(!operation.methods.contains(&Method::GET), "{}", operation.name);
    }
}

#[test]
fn another_name_and_another_place_are_not_ours() {
    let patient = ResourceType::PATIENT;
    let instance = Level::Instance(patient, "a".parse().unwrap());
    assert!(find("validate", &Level::Type(patient)).is_some());
    assert!(find("validate", &instance).is_some());
    assert!(find("validate", &Level::System).is_none());
    assert!(find("Validate", &instance).is_none());
    assert!(find("unheard-of", &Level::System).is_none());
}

#[test]
fn a_method_that_it_does_not_take_is_405_and_told_what_it_takes() {
    let refused = validate::OPERATION.check_method(&Method::DELETE).unwrap_err();
    assert_eq!(refused.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(refused.headers[header::ALLOW], "GET, POST, HEAD");
    assert!(validate::OPERATION.check_method(&Method::HEAD).is_ok());
}
