//! The examples of search.html, type by type.

use crate::support::Scanned;

/// Queries that must match and queries that must not.
fn check(json: &str, met: &[&str], unmet: &[&str]) {
    let resource = Scanned::new(json);
    for query in met {
        assert!(resource.meets(query), "{query} should match");
    }
    for query in unmet {
        assert!(!resource.meets(query), "{query} should not match");
    }
}

#[test]
fn strings_start_with_contain_or_are_exactly() {
    check(
        r#"{"resourceType":"Patient","id":"1","name":[{"family":"Chalmers","given":["Eve","Évelyne"]}]}"#,
        &[
            "given=eve",
            "given=EVE",
            "given=Ev",
            "given:contains=VELY",
            "given:exact=Eve",
            "given=x,eve",
            "name=chal",
            "given=evelyne",
        ],
        &[
            "given=velyne",
            "given:exact=eve",
            "given:exact=Ev",
            "given:contains=eva",
            "family=halmers",
            "given=eve&family=smith",
        ],
    );
}

#[test]
fn tokens_compare_system_and_code() {
    check(
        r#"{"resourceType":"Patient","id":"1","active":true,"gender":"male",
        "identifier":[{"system":"http://acme.org/patient","value":"2345","type":{"text":"Record number","coding":[{"system":"urn:t","code":"MR"}]}},{"value":"9"}]}"#,
        &[
            "identifier=http://acme.org/patient|2345",
            "identifier=2345",
            "identifier=http://acme.org/patient|",
            "identifier=|9",
            "identifier:of-type=urn:t|MR|2345",
            "identifier:text=record",
            "gender=male",
            "gender=http://hl7.org/fhir/administrative-gender|male",
            "gender:not=female",
            "language:not=de",
            "active=true",
            "_id=1",
        ],
        &[
            "identifier=http://acme.org/other|2345",
            "identifier=|2345",
            "identifier=urn:t|MR",
            "identifier:of-type=urn:t|MR|9",
            "identifier:text=number",
            "gender:not=male",
            "gender:not=female,male",
            "gender=Male",
            "active=false",
            "identifier:in=http://acme.org/vs",
            "identifier:not-in=http://acme.org/vs",
            "_id=2",
        ],
    );
}

#[test]
fn dates_compare_as_ranges() {
    // search.html#date: eq, ne, gt, lt, ge, le, sa, eb against an instant, a day and a period.
    check(
        r#"{"resourceType":"Appointment","id":"1","start":"2013-01-14T10:00:00Z"}"#,
        &[
            "date=2013-01-14",
            "date=eq2013-01-14",
            "date=2013",
            "date=ge2013-01-14",
            "date=le2013-01-14",
            "date=gt2013-01-13",
            "date=lt2013-01-15",
            "date=sa2013-01-13",
            "date=eb2013-01-15",
            "date=ne2013-01-15",
            "date=ap2013-01-14",
            "date=ge2013-01-14T10:00Z&date=lt2013-01-14T10:01Z",
        ],
        &[
            "date=2013-01-15",
            "date=ne2013-01-14",
            "date=gt2013-01-14",
            "date=lt2013-01-14",
            "date=sa2013-01-14",
            "date=eb2013-01-14",
            "date=2013-01-14T10:01Z",
        ],
    );
    check(
        r#"{"resourceType":"Schedule","id":"1","planningHorizon":{"start":"2013-01-20","end":"2013-02-10"}}"#,
        &[
            "date=ge2013-01-21",
            "date=le2013-01-25",
            "date=gt2013-02-01",
            "date=lt2013-01-21",
            "date=2013",
            "date=sa2013-01-19",
            "date=eb2013-02-11",
            "date=ap2013-02",
        ],
        &[
            "date=2013-01",
            "date=sa2013-01-21",
            "date=eb2013-02-10",
            "date=gt2013-02-10",
            "date=lt2013-01-20",
            "date=ap2013-03",
        ],
    );
    check(
        r#"{"resourceType":"Schedule","id":"1","planningHorizon":{"start":"2013-01-20"}}"#,
        &["date=gt2050", "date=ge2013-01-20", "date=ap2024"],
        &["date=2013", "date=eb2050", "date=lt2013-01-20"],
    );
    check(
        r#"{"resourceType":"Patient","id":"1","birthDate":"1970-02"}"#,
        &["birthdate=1970", "birthdate=1970-02", "birthdate=ne1970-02-03"],
        &["birthdate=1970-02-03"],
    );
}

#[test]
fn numbers_and_quantities_compare_by_precision_and_unit() {
    let risk = |value: &str| {
        format!(r#"{{"resourceType":"RiskAssessment","id":"1","prediction":[{{"probabilityDecimal":{value}}}]}}"#)
    };
    check(
        &risk("100.2"),
        &[
            "probability=100",
            "probability=gt100",
            "probability=ge100",
            "probability=lt101",
            "probability=ap95",
            "probability=ne101",
            "probability=1e2",
        ],
        &["probability=100.00", "probability=lt100", "probability=eb100", "probability=ap80", "probability=ne100"],
    );
    check(&risk("100.5"), &["probability=100.5", "probability=101"], &["probability=100"]);
    check(
        r#"{"resourceType":"Observation","id":"1","valueQuantity":{"value":5.4,"unit":"mg","system":"http://unitsofmeasure.org","code":"mg"}}"#,
        &[
            "value-quantity=5.4|http://unitsofmeasure.org|mg",
            "value-quantity=5.4||mg",
            "value-quantity=5.4",
            "value-quantity=le5.4|http://unitsofmeasure.org|mg",
            "value-quantity=ap5|http://unitsofmeasure.org|mg",
            "value-quantity=5",
        ],
        &[
            "value-quantity=5.4|http://unitsofmeasure.org|g",
            "value-quantity=5.4|urn:x|mg",
            "value-quantity=5.40001||mg",
            "value-quantity=gt5.4",
        ],
    );
}

#[test]
fn references_compare_by_id_type_url_and_identifier() {
    check(
        r#"{"resourceType":"Appointment","id":"1","participant":[{"actor":{"reference":"Patient/23","identifier":{"system":"urn:mrn","value":"7"}}},
        {"actor":{"reference":"http://other.example/fhir/Location/5"}}]}"#,
        &[
            "patient=23",
            "patient=Patient/23",
            "actor:Patient=23",
            "actor:identifier=urn:mrn|7",
            "actor=http://other.example/fhir/Location/5",
            "location=http://other.example/fhir/Location/5",
            "actor:missing=false",
            "slot:missing=true",
        ],
        &[
            "patient=2",
            "actor=Practitioner/23",
            "actor:Practitioner=23",
            "actor=5",
            "actor=Location/5",
            "actor:identifier=urn:mrn|8",
            "actor:missing=true",
            "actor=Patient/23/_history/1",
        ],
    );
}

#[test]
fn uris_compare_exactly_or_by_segments() {
    check(
        r#"{"resourceType":"ValueSet","id":"1","url":"http://acme.org/fhir/ValueSet/123"}"#,
        &[
            "url=http://acme.org/fhir/ValueSet/123",
            "url:below=http://acme.org/fhir",
            "url:below=http://acme.org/fhir/",
            "url:above=http://acme.org/fhir/ValueSet/123/_history/5",
        ],
        &[
            "url=http://acme.org/fhir/ValueSet/12",
            "url=HTTP://acme.org/fhir/ValueSet/123",
            "url:below=http://acme.org/fh",
            "url:above=http://acme.org/fhir/ValueSet/1234",
        ],
    );
}

#[test]
fn the_parts_of_a_composite_match_in_one_and_the_same_element() {
    check(
        r#"{"resourceType":"Observation","id":"1","component":[
        {"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},"valueQuantity":{"value":107,"code":"mm[Hg]"}},
        {"code":{"coding":[{"system":"http://loinc.org","code":"8462-4"}]},"valueQuantity":{"value":60,"code":"mm[Hg]"}}]}"#,
        &[
            "component-code-value-quantity=http://loinc.org|8480-6$107",
            "component-code-value-quantity=8480-6$gt100",
            "component-code-value-quantity=8480-6$lt60,8462-4$60",
        ],
        &["component-code-value-quantity=http://loinc.org|8480-6$60", "component-code-value-quantity=8480-6$lt60"],
    );
}

#[test]
fn missing_looks_at_whether_there_is_a_value() {
    check(
        r#"{"resourceType":"Patient","id":"1","gender":"male"}"#,
        &["gender:missing=false", "birthdate:missing=true"],
        &["gender:missing=true", "birthdate:missing=false"],
    );
}

#[test]
fn what_needs_other_resources_is_never_met() {
    check(
        r#"{"resourceType":"Appointment","id":"1","participant":[{"actor":{"reference":"Patient/1"}}]}"#,
        &[],
        &["patient.name=x", "_has:AppointmentResponse:appointment:part-status=accepted"],
    );
}

#[test]
fn quantities_of_ucum_are_compared_in_base_units_and_others_as_they_are_written() {
    check(
        r#"{"resourceType":"Observation","valueQuantity":{"value":5,"unit":"mg","system":"http://unitsofmeasure.org","code":"mg"}}"#,
        &[
            "value-quantity=0.005|http://unitsofmeasure.org|g",
            "value-quantity=5.0e3|http://unitsofmeasure.org|ug",
            "value-quantity=lt0.0051|http://unitsofmeasure.org|g",
            "value-quantity=5||mg",
            "value-quantity=5",
        ],
        &[
            "value-quantity=5|http://unitsofmeasure.org|g",
            "value-quantity=5|http://unitsofmeasure.org|mm",
            "value-quantity=0.005||g",
            "value-quantity=5|urn:x|mg",
            "value-quantity=ne0.005|http://unitsofmeasure.org|g",
        ],
    );
    check(
        r#"{"resourceType":"Observation","valueQuantity":{"value":5,"unit":"tablets","system":"urn:x","code":"T"}}"#,
        &["value-quantity=5|urn:x|T", "value-quantity=5||tablets"],
        &["value-quantity=5|http://unitsofmeasure.org|T"],
    );
}

#[test]
fn a_composite_is_missing_where_no_occurrence_has_all_of_its_parts() {
    check(
        r#"{"resourceType":"Observation","code":{"coding":[{"code":"x"}]}}"#,
        &["code-value-quantity:missing=true"],
        &["code-value-quantity:missing=false"],
    );
    check(
        r#"{"resourceType":"Observation","code":{"coding":[{"code":"x"}]},"valueQuantity":{"value":5}}"#,
        &["code-value-quantity:missing=false"],
        &["code-value-quantity:missing=true"],
    );
}
