use super::*;

#[test]
fn members_are_the_patients_that_are_in_a_group_now() {
    let group = br#"{"resourceType":"Group","actual":true,"member":[
        {"entity":{"reference":"Patient/b"}},{"entity":{"reference":"https://gw/fhir/r4/Patient/a/_history/3"}},
        {"entity":{"reference":"Patient/gone"},"inactive":true},{"entity":{"reference":"Practitioner/x"}},
        {"entity":{"reference":"Patient/b"}},{"entity":{"display":"somebody"}}]}"#;
    let members: Vec<String> = members(group, "https://gw/fhir/r4").unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(members, ["a", "b"]);
    let described = br#"{"resourceType":"Group","actual":false}"#;
    assert_eq!(super::members(described, "").unwrap_err().status, StatusCode::UNPROCESSABLE_ENTITY);
}
