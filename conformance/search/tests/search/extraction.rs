//! Every R4 parameter of the types of a practice extracts what search.html says.

use fhir::Version;

use crate::support::Scanned;

fn extracts(json: &str, expected: &[&str]) {
    let resource = Scanned::new(json);
    let mut expected: Vec<String> = expected.iter().map(|value| (*value).to_owned()).collect();
    expected.sort();
    let found = resource.values(Version::R4);
    assert_eq!(found, expected, "\n{}\n", found.join("\n"));
    let codes: Vec<&str> = found.iter().filter_map(|value| value.split('=').next()).collect();
    for parameter in search::parameters(Version::R4, resource.resource_type()) {
        assert!(codes.contains(&parameter.code), "the example has no value for {}", parameter.code);
    }
}

const META: &str = r#""meta":{"lastUpdated":"2024-05-17T09:30:00.123Z","source":"urn:source","profile":["http://example.org/profile|1"],
    "security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"N"}],
    "tag":[{"system":"urn:tags","code":"vip","display":"Very important"}]}"#;

const META_VALUES: [&str; 7] = [
    "_id=-|1",
    "_lastUpdated=2024-05-17T09:30:00.123Z..2024-05-17T09:30:00.124Z",
    "_profile=http://example.org/profile",
    "_profile=http://example.org/profile|1",
    "_security=http://terminology.hl7.org/CodeSystem/v3-Confidentiality|N",
    "_source=urn:source",
    "_tag=urn:tags|vip (Very important)",
];

fn with_meta(expected: &[&'static str]) -> Vec<&'static str> {
    META_VALUES.iter().chain(expected).copied().collect()
}

#[test]
fn a_patient() {
    let json = format!(
        r##"{{"resourceType":"Patient","id":"1",{META},
        "extension":[{{"url":"http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName","valueString":"Süß"}}],
        "identifier":[{{"system":"urn:mrn","value":"42","type":{{"text":"Record","coding":[{{"system":"urn:types","code":"MR"}}]}}}}],
        "active":true,
        "name":[{{"family":"Müller","given":["Änne","Maria"],"prefix":["Dr."]}}],
        "telecom":[{{"system":"phone","value":"030 123","use":"home"}},{{"system":"email","value":"a@example.org"}}],
        "gender":"female","birthDate":"1970-02","_birthDate":{{"extension":[{{"url":"urn:x","valueString":"y"}}]}},
        "deceasedDateTime":"2024-01-02T03:04:05+01:00",
        "address":[{{"use":"home","line":["Hauptstraße 1"],"city":"Köln","state":"NW","postalCode":"50667","country":"DE"}}],
        "communication":[{{"language":{{"coding":[{{"system":"urn:ietf:bcp:47","code":"de","display":"Deutsch"}}],"text":"German"}}}}],
        "generalPractitioner":[{{"reference":"Practitioner/2"}}],
        "managingOrganization":{{"reference":"Organization/3/_history/4"}},
        "link":[{{"other":{{"reference":"https://other.example/fhir/Patient/9"}},"type":"seealso"}}]}}"##
    );
    let name = ["Dr. ~ dr.", "Maria ~ maria", "Müller ~ muller", "Änne ~ anne"];
    let mut expected = with_meta(&[
        "active=-|true",
        "address=50667 ~ 50667",
        "address=DE ~ de",
        "address=Hauptstraße 1 ~ hauptstrasse 1",
        "address=Köln ~ koln",
        "address=NW ~ nw",
        "address-city=Köln ~ koln",
        "address-country=DE ~ de",
        "address-postalcode=50667 ~ 50667",
        "address-state=NW ~ nw",
        "address-use=http://hl7.org/fhir/address-use|home",
        "birthdate=1970-02-01..1970-03-01",
        "death-date=2024-01-02T02:04:05Z..2024-01-02T02:04:06Z",
        "deceased=-|true",
        "email=-|a@example.org",
        "family=Müller ~ muller",
        "gender=http://hl7.org/fhir/administrative-gender|female",
        "general-practitioner=Practitioner/2",
        "given=Maria ~ maria",
        "given=Änne ~ anne",
        "identifier=urn:mrn|42 (Record)",
        "identifier=urn:types|MR|42",
        "language=-|- (Deutsch)",
        "language=urn:ietf:bcp:47|de (German)",
        "link=Patient/- https://other.example/fhir/Patient/9",
        "organization=Organization/3 v4",
        "phone=home|030 123",
        "telecom=-|a@example.org",
        "telecom=home|030 123",
    ]);
    let names: Vec<String> =
        ["name", "phonetic"].iter().flat_map(|code| name.map(|part| format!("{code}={part}"))).collect();
    expected.extend(names.iter().map(String::as_str));
    extracts(&json, &expected);
}

#[test]
fn a_practitioner() {
    let json = format!(
        r##"{{"resourceType":"Practitioner","id":"1",{META},"identifier":[{{"value":"7"}}],"active":false,
        "name":[{{"text":"Dr X","family":"X","given":["Y"]}}],
        "telecom":[{{"system":"phone","value":"1"}},{{"system":"email","value":"e"}}],"gender":"other",
        "address":[{{"text":"Home","use":"work","city":"C","state":"S","postalCode":"P","country":"K"}}],
        "communication":[{{"text":"Klingon"}}]}}"##
    );
    extracts(
        &json,
        &with_meta(&[
            "active=-|false",
            "address=C ~ c",
            "address=Home ~ home",
            "address=K ~ k",
            "address=P ~ p",
            "address=S ~ s",
            "address-city=C ~ c",
            "address-country=K ~ k",
            "address-postalcode=P ~ p",
            "address-state=S ~ s",
            "address-use=http://hl7.org/fhir/address-use|work",
            "communication=-|- (Klingon)",
            "email=-|e",
            "family=X ~ x",
            "gender=http://hl7.org/fhir/administrative-gender|other",
            "given=Y ~ y",
            "identifier=-|7",
            "name=Dr X ~ dr x",
            "name=X ~ x",
            "name=Y ~ y",
            "phone=-|1",
            "phonetic=Dr X ~ dr x",
            "phonetic=X ~ x",
            "phonetic=Y ~ y",
            "telecom=-|1",
            "telecom=-|e",
        ]),
    );
}

#[test]
fn a_practitioner_role() {
    let json = format!(
        r##"{{"resourceType":"PractitionerRole","id":"1",{META},"identifier":[{{"system":"urn:r","value":"7"}}],"active":true,
        "period":{{"start":"2024-01-01"}},"practitioner":{{"reference":"Practitioner/1"}},"organization":{{"reference":"Organization/1"}},
        "code":[{{"coding":[{{"system":"urn:role","code":"doctor"}}]}}],"specialty":[{{"coding":[{{"system":"urn:s","code":"394602003"}}]}}],
        "location":[{{"reference":"Location/1"}},{{"reference":"Location/2"}}],"healthcareService":[{{"reference":"HealthcareService/1"}}],
        "telecom":[{{"system":"phone","value":"1"}},{{"system":"email","value":"e","use":"work"}}],"endpoint":[{{"reference":"Endpoint/1"}}]}}"##
    );
    extracts(
        &json,
        &with_meta(&[
            "active=-|true",
            "date=2024-01-01..ever",
            "email=work|e",
            "endpoint=Endpoint/1",
            "identifier=urn:r|7",
            "location=Location/1",
            "location=Location/2",
            "organization=Organization/1",
            "phone=-|1",
            "practitioner=Practitioner/1",
            "role=urn:role|doctor",
            "service=HealthcareService/1",
            "specialty=urn:s|394602003",
            "telecom=-|1",
            "telecom=work|e",
        ]),
    );
}

#[test]
fn an_appointment() {
    let json = format!(
        r##"{{"resourceType":"Appointment","id":"1",{META},
        "contained":[{{"resourceType":"Location","id":"room"}}],
        "identifier":[{{"system":"urn:a","value":"7"}}],"status":"booked",
        "serviceCategory":[{{"coding":[{{"system":"urn:c","code":"gp"}}]}}],"serviceType":[{{"coding":[{{"code":"52"}}]}}],
        "specialty":[{{"coding":[{{"system":"urn:s","code":"gp"}}]}}],"appointmentType":{{"coding":[{{"system":"urn:t","code":"FOLLOWUP"}}]}},
        "reasonCode":[{{"text":"Cough"}}],"reasonReference":[{{"reference":"Condition/1"}}],
        "supportingInformation":[{{"reference":"DocumentReference/1"}}],"start":"2024-05-17T09:30:00Z","end":"2024-05-17T10:00:00Z",
        "slot":[{{"reference":"Slot/1"}}],"basedOn":[{{"reference":"ServiceRequest/1"}}],
        "participant":[{{"actor":{{"reference":"Patient/1"}},"status":"accepted"}},
          {{"actor":{{"reference":"https://x.example/fhir/Practitioner/2"}},"status":"tentative"}},
          {{"actor":{{"reference":"#room"}},"status":"accepted"}},
          {{"actor":{{"type":"Location","identifier":{{"system":"urn:rooms","value":"3"}}}},"status":"accepted"}},
          {{"actor":{{"display":"somebody"}},"status":"needs-action"}}]}}"##
    );
    extracts(
        &json,
        &with_meta(&[
            "actor=Patient/1",
            "actor=Practitioner/- https://x.example/fhir/Practitioner/2",
            "actor=Location/- urn:rooms|3",
            "appointment-type=urn:t|FOLLOWUP",
            "based-on=ServiceRequest/1",
            "date=2024-05-17T09:30:00Z..2024-05-17T09:30:01Z",
            "identifier=urn:a|7",
            "location=Location/- urn:rooms|3",
            "part-status=http://hl7.org/fhir/participationstatus|accepted",
            "part-status=http://hl7.org/fhir/participationstatus|accepted",
            "part-status=http://hl7.org/fhir/participationstatus|accepted",
            "part-status=http://hl7.org/fhir/participationstatus|needs-action",
            "part-status=http://hl7.org/fhir/participationstatus|tentative",
            "patient=Patient/1",
            "practitioner=Practitioner/- https://x.example/fhir/Practitioner/2",
            "reason-code=-|- (Cough)",
            "reason-reference=Condition/1",
            "service-category=urn:c|gp",
            "service-type=-|52",
            "slot=Slot/1",
            "specialty=urn:s|gp",
            "status=http://hl7.org/fhir/appointmentstatus|booked",
            "supporting-info=DocumentReference/1",
        ]),
    );
}

#[test]
fn a_schedule_and_a_slot() {
    let codes = r#""serviceCategory":[{"coding":[{"code":"a"}]}],"serviceType":[{"coding":[{"code":"b"}]}],"specialty":[{"coding":[{"code":"c"}]}]"#;
    let schedule = format!(
        r##"{{"resourceType":"Schedule","id":"1",{META},"identifier":[{{"value":"7"}}],"active":true,{codes},
        "actor":[{{"reference":"Practitioner/1"}}],"planningHorizon":{{"start":"2024-05-01","end":"2024-05-31"}}}}"##
    );
    let shared = ["identifier=-|7", "service-category=-|a", "service-type=-|b", "specialty=-|c"];
    let mut expected = with_meta(&shared);
    expected.extend(["active=-|true", "actor=Practitioner/1", "date=2024-05-01..2024-06-01"]);
    extracts(&schedule, &expected);

    let slot = format!(
        r##"{{"resourceType":"Slot","id":"1",{META},"identifier":[{{"value":"7"}}],{codes},
        "appointmentType":{{"coding":[{{"code":"d"}}]}},"schedule":{{"reference":"Schedule/1"}},"status":"free",
        "start":"2024-05-17T09:30:00.5+02:00","end":"2024-05-17T10:00:00+02:00"}}"##
    );
    let mut expected = with_meta(&shared);
    expected.extend([
        "appointment-type=-|d",
        "schedule=Schedule/1",
        "start=2024-05-17T07:30:00.500Z..2024-05-17T07:30:00.600Z",
        "status=http://hl7.org/fhir/slotstatus|free",
    ]);
    extracts(&slot, &expected);
}

#[test]
fn a_location_and_an_organization() {
    let address = r#"{"use":"work","city":"C","state":"S","postalCode":"P","country":"K"}"#;
    let location = format!(
        r##"{{"resourceType":"Location","id":"1",{META},"identifier":[{{"value":"7"}}],"status":"active",
        "operationalStatus":{{"system":"urn:o","code":"O"}},"name":"Room 1","alias":["Blue room"],"type":[{{"coding":[{{"code":"HOSP"}}]}}],
        "address":{address},"managingOrganization":{{"reference":"Organization/1"}},"partOf":{{"reference":"Location/2"}},
        "endpoint":[{{"reference":"Endpoint/1"}}]}}"##
    );
    let shared = [
        "address=C ~ c",
        "address=K ~ k",
        "address=P ~ p",
        "address=S ~ s",
        "address-city=C ~ c",
        "address-country=K ~ k",
        "address-postalcode=P ~ p",
        "address-state=S ~ s",
        "address-use=http://hl7.org/fhir/address-use|work",
        "endpoint=Endpoint/1",
        "identifier=-|7",
        "type=-|HOSP",
    ];
    let mut expected = with_meta(&shared);
    expected.extend([
        "name=Blue room ~ blue room",
        "name=Room 1 ~ room 1",
        "operational-status=urn:o|O",
        "organization=Organization/1",
        "partof=Location/2",
        "status=http://hl7.org/fhir/location-status|active",
    ]);
    extracts(&location, &expected);

    let organization = format!(
        r##"{{"resourceType":"Organization","id":"1",{META},"identifier":[{{"value":"7"}}],"active":true,
        "type":[{{"coding":[{{"code":"HOSP"}}]}}],"name":"Praxis","alias":["P"],"address":[{address}],
        "partOf":{{"reference":"Organization/2"}},"endpoint":[{{"reference":"Endpoint/1"}}]}}"##
    );
    let mut expected = with_meta(&shared);
    expected.extend([
        "active=-|true",
        "name=P ~ p",
        "name=Praxis ~ praxis",
        "partof=Organization/2",
        "phonetic=Praxis ~ praxis",
    ]);
    extracts(&organization, &expected);
}

#[test]
fn quantities_ranges_and_composites_of_an_observation() {
    let observation = Scanned::new(
        r#"{"resourceType":"Observation","id":"1","code":{"coding":[{"system":"http://loinc.org","code":"85354-9"}]},
        "component":[
          {"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},"valueQuantity":{"value":107,"unit":"mmHg","system":"http://unitsofmeasure.org","code":"mm[Hg]"}},
          {"code":{"coding":[{"system":"http://loinc.org","code":"8462-4"}]},"valueQuantity":{"value":60.5,"comparator":"<","unit":"mmHg"}}]}"#,
    );
    assert_eq!(
        observation.values_of("component-code-value-quantity"),
        [
            "0.0 http://loinc.org|8480-6",
            "0.1 107..107 http://unitsofmeasure.org|mm[Hg]|mmHg",
            "1.0 http://loinc.org|8462-4",
            "1.1 -inf..60.5 -|-|mmHg",
        ]
    );
    assert_eq!(observation.values_of("component-value-quantity").len(), 2);
    assert_eq!(observation.values_of("combo-code").len(), 3);

    let claim = Scanned::new(r#"{"resourceType":"Invoice","id":"1","totalGross":{"value":48.50,"currency":"EUR"}}"#);
    assert_eq!(claim.values_of("totalgross"), ["48.5..48.5 urn:iso:std:iso:4217|EUR|-"]);
    let condition = Scanned::new(
        r#"{"resourceType":"Condition","id":"1","onsetRange":{"low":{"value":3,"unit":"a"}},"abatementPeriod":{"end":"2024"}}"#,
    );
    assert_eq!(condition.values_of("onset-age"), ["3..inf -|-|a"]);
    assert_eq!(condition.values_of("abatement-date"), ["ever..2025-01-01"]);
}

#[test]
fn a_timing_counts_by_its_outer_limits() {
    let request = Scanned::new(
        r#"{"resourceType":"ServiceRequest","id":"1","occurrenceTiming":{"event":["2024-03-01","2024-01-01"],
        "repeat":{"boundsPeriod":{"start":"2024-02-01","end":"2024-04-01"}}}}"#,
    );
    assert_eq!(request.values_of("occurrence"), ["2024-01-01..2024-04-02"]);
}

#[test]
fn escapes_in_a_document_are_resolved() {
    let patient = Scanned::new(
        r#"{"resourceType":"Patient","id":"1","name":[{"family":"M\u00fcller \"M\""}],"link":[{"other":{"reference":"Patient\/2"}}]}"#,
    );
    assert_eq!(patient.values_of("family"), [r#"Müller "M" ~ muller "m""#]);
    assert_eq!(patient.values_of("link"), ["Patient/2"]);
}

#[test]
fn a_typed_and_a_plain_index_give_the_same() {
    for json in [
        r#"{"resourceType":"Patient","id":"1","birthDate":"1970","_birthDate":{"id":"x"},"name":[{"given":["A",null],"_given":[null,{"extension":[{"url":"urn:x","valueString":"b"}]}]}],"deceasedBoolean":false}"#,
        r#"{"resourceType":"Observation","id":"1","status":"final","code":{"text":"c"},"valueQuantity":{"value":1},"component":[{"code":{"text":"c"},"valueDateTime":"2024"}]}"#,
        r##"{"resourceType":"Appointment","id":"1","status":"proposed","contained":[{"resourceType":"Patient","id":"p","name":[{"family":"X"}]}],"participant":[{"actor":{"reference":"#p"},"status":"accepted"},{"actor":{"reference":"Patient/2"},"status":"accepted"}]}"##,
        r#"{"resourceType":"Bundle","id":"1","type":"collection","entry":[{"resource":{"resourceType":"Composition","id":"c","status":"final","type":{"text":"t"},"date":"2024","author":[{"display":"a"}],"title":"t"}}]}"#,
    ] {
        let plain = Scanned::new(json);
        let typed = Scanned::typed(json);
        let values = plain.values(Version::R4);
        assert!(!values.is_empty());
        assert_eq!(typed.values(Version::R4), values);
    }
    let patient = Scanned::typed(
        r#"{"resourceType":"Patient","id":"1","birthDate":"1970","_birthDate":{"id":"x"},"deceasedBoolean":false}"#,
    );
    assert_eq!(patient.values_of("birthdate"), ["1970-01-01..1971-01-01"]);
    assert_eq!(patient.values_of("deceased"), ["-|false"]);
}
