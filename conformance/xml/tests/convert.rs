//! What FHIR XML and FHIR JSON say to each other (xml.html, json.html).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails")]

use fhir::outcome::Position;
use fhir::{Issue, Outcome, Version};
use xml::{Layout, Limits, from_json, from_json_as, read, to_json};

fn xml_of(json: &str) -> String {
    let xml = from_json(json.as_bytes(), Version::R4, Limits::default());
    let xml = xml.unwrap_or_else(|outcome| panic!("{json}: {}", outcome.0[0].text));
    let text = String::from_utf8(xml).unwrap();
    text.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").unwrap().to_owned()
}

fn json_of(xml: &str) -> String {
    let json = to_json(xml.as_bytes(), Version::R4, Limits::default());
    String::from_utf8(json.unwrap_or_else(|outcome| panic!("{xml}: {}", outcome.0[0].text))).unwrap()
}

/// The inside of a Patient in both.
fn assert_both_ways(json: &str, xml: &str) {
    let json = format!(r#"{{"resourceType":"Patient",{json}}}"#);
    let xml = format!(r#"<Patient xmlns="http://hl7.org/fhir">{xml}</Patient>"#);
    assert_eq!(xml_of(&json), xml);
    assert_eq!(json_of(&xml), json);
}

fn refused(xml: &str) -> Vec<(String, String)> {
    let outcome = to_json(xml.as_bytes(), Version::R4, Limits::default()).unwrap_err();
    outcome.0.into_iter().map(|issue| (issue.expression.unwrap_or_default(), issue.text)).collect()
}

/// What is wrong with the inside of a Patient: where, and a part of the words.
fn assert_refused(inside: &str, expression: &str, words: &str) {
    let issues = refused(&format!(r#"<Patient xmlns="http://hl7.org/fhir">{inside}</Patient>"#));
    let [(found, text)] = issues.as_slice() else { panic!("{inside}: {issues:?}") };
    assert_eq!(found, expression, "{inside}: {text}");
    assert!(text.contains(words), "{inside}: {text}");
}

fn assert_no_xml(json: &str, expression: &str, words: &str) {
    let outcome = from_json(json.as_bytes(), Version::R4, Limits::default()).unwrap_err();
    let Issue { expression: found, text, position, .. } = &outcome.0[0];
    assert_eq!(found.as_deref().unwrap_or_default(), expression, "{json}: {text}");
    assert!(text.contains(words), "{json}: {text}");
    assert!(position.is_some());
}

#[test]
fn a_primitive_is_its_value_its_id_and_its_extensions() {
    assert_both_ways(
        r#""active":true,"gender":"male","_gender":{"id":"g"},"_birthDate":{"extension":[{"url":"a:b","valueCode":"x"}]}"#,
        r#"<active value="true"/><gender id="g" value="male"/><birthDate><extension url="a:b"><valueCode value="x"/></extension></birthDate>"#,
    );
}

#[test]
fn lists_of_primitives_are_padded_with_null_on_either_side() {
    assert_both_ways(
        r#""name":[{"given":["A",null,"C"],"_given":[null,{"id":"b"},null]}]"#,
        r#"<name><given value="A"/><given id="b"/><given value="C"/></name>"#,
    );
    assert_both_ways(
        r#""name":[{"_given":[{"id":"a"},{"id":"b"}]}]"#,
        r#"<name><given id="a"/><given id="b"/></name>"#,
    );
}

#[test]
fn an_id_is_an_attribute_of_an_element_and_an_element_of_a_resource() {
    assert_both_ways(
        r#""id":"p","_id":{"id":"x"},"name":[{"id":"n","family":"F"}]"#,
        r#"<id id="x" value="p"/><name id="n"><family value="F"/></name>"#,
    );
}

#[test]
fn numbers_keep_their_spelling() {
    let json = r#"{"resourceType":"Observation","valueQuantity":{"value":-1.50e+3}}"#;
    let xml = r#"<Observation xmlns="http://hl7.org/fhir"><valueQuantity><value value="-1.50e+3"/></valueQuantity></Observation>"#;
    assert_eq!(xml_of(json), xml);
    assert_eq!(json_of(xml), json);
}

#[test]
fn an_integer64_is_a_string_in_json() {
    let json = br#"{"resourceType":"DocumentReference","content":[{"attachment":{"size":"9007199254740993"}}]}"#;
    let xml = from_json(json, Version::R5, Limits::default()).unwrap();
    assert!(String::from_utf8_lossy(&xml).contains(r#"<size value="9007199254740993"/>"#));
    assert_eq!(to_json(&xml, Version::R5, Limits::default()).unwrap(), json);
}

#[test]
fn xml_has_the_order_of_the_definition_whatever_that_of_json() {
    let xml = xml_of(r#"{"gender":"male","_active":{"id":"a"},"id":"p","resourceType":"Patient","active":true}"#);
    assert_eq!(
        xml,
        r#"<Patient xmlns="http://hl7.org/fhir"><id value="p"/><active id="a" value="true"/><gender value="male"/></Patient>"#
    );
}

#[test]
fn resources_stand_in_an_element_that_holds_them() {
    let json = r#"{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"urn:x","resource":{"resourceType":"Patient","contained":[{"resourceType":"Basic","id":"b"}]}}]}"#;
    let xml = r#"<Bundle xmlns="http://hl7.org/fhir"><type value="collection"/><entry><fullUrl value="urn:x"/><resource><Patient><contained><Basic><id value="b"/></Basic></contained></Patient></resource></entry></Bundle>"#;
    assert_eq!(xml_of(json), xml);
    assert_eq!(json_of(xml), json);
}

#[test]
fn narrative_is_copied_byte_for_byte() {
    assert_both_ways(
        r#""text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\" class='a'>1 &lt; 2 &#160;<br/>\r\n\t<!-- c --><p id=\"x\" xml:lang=\"de\"> \\ </p></div>"}"#,
        "<text><status value=\"generated\"/><div xmlns=\"http://www.w3.org/1999/xhtml\" class='a'>1 &lt; 2 &#160;<br/>\r\n\t<!-- c --><p id=\"x\" xml:lang=\"de\"> \\ </p></div></text>",
    );
}

#[test]
fn narrative_with_prefixes_or_an_inherited_namespace_gets_its_own() {
    let div = r#"<div xmlns=\"http://www.w3.org/1999/xhtml\" class=\"a\">x &amp; <b>y</b><br/></div>"#;
    let json = format!(r#"{{"resourceType":"Patient","text":{{"div":"{div}"}}}}"#);
    let prefixed = r#"<f:Patient xmlns:f="http://hl7.org/fhir" xmlns:h="http://www.w3.org/1999/xhtml"><f:text><h:div class="a">x &amp; <h:b>y</h:b><h:br/></h:div></f:text></f:Patient>"#;
    assert_eq!(json_of(prefixed), json);
    let inherited = r#"<f:Patient xmlns:f="http://hl7.org/fhir" xmlns="http://www.w3.org/1999/xhtml"><f:text><div class="a">x &amp; <b>y</b><br/></div></f:text></f:Patient>"#;
    assert_eq!(json_of(inherited), json);
}

#[test]
fn white_space_in_text_survives_as_references() {
    assert_both_ways(
        r#""name":[{"text":"a\tb\r\nc \"d\" <e> & f' ]]> \\ ￼ ü"}]"#,
        r#"<name><text value="a&#9;b&#13;&#10;c &quot;d&quot; &lt;e&gt; &amp; f' ]]&gt; \ ￼ ü"/></name>"#,
    );
    // What a reader of XML does with white space that is written as it is (XML 1.0, 3.3.3).
    let xml = "<Patient xmlns=\"http://hl7.org/fhir\"><language value='a\tb\r\nc\nd'/></Patient>";
    assert_eq!(json_of(xml), r#"{"resourceType":"Patient","language":"a b c d"}"#);
}

#[test]
fn an_indented_layout_adds_white_space_between_elements_only() {
    let json = r#"{"resourceType":"Patient","text":{"status":"empty","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>a</p></div>"},"contained":[{"resourceType":"Basic"}],"name":[{"_given":[{"id":"g"}]}],"active":true}"#;
    let xml = from_json_as(Layout::Indented, json.as_bytes(), Version::R4, Limits::default()).unwrap();
    let expected = r#"<?xml version="1.0" encoding="UTF-8"?>
<Patient xmlns="http://hl7.org/fhir">
  <text>
    <status value="empty"/>
    <div xmlns="http://www.w3.org/1999/xhtml"><p>a</p></div>
  </text>
  <contained>
    <Basic/>
  </contained>
  <active value="true"/>
  <name>
    <given id="g"/>
  </name>
</Patient>"#;
    assert_eq!(String::from_utf8(xml).unwrap(), expected);
    assert_eq!(xml_of(&json_of(expected)), xml_of(json));
}

#[test]
fn what_surrounds_elements_is_dropped() {
    let xml = "\u{FEFF}<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- a --><?style b?>\n<Patient xmlns=\"http://hl7.org/fhir\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\"http://hl7.org/fhir x.xsd\">\n <!-- c --> <active value='true' > <!-- d --> </active><![CDATA[ ]]></Patient>\n<!-- e -->\n";
    assert_eq!(json_of(xml), r#"{"resourceType":"Patient","active":true}"#);
}

#[test]
fn a_dtd_an_entity_and_an_outside_entity_are_refused() {
    let patient = |inside: &str| format!(r#"<Patient xmlns="http://hl7.org/fhir">{inside}</Patient>"#);
    let cases = [
        (format!("<!DOCTYPE Patient>{}", patient("")), "expected no DOCTYPE"),
        (format!(r#"<!DOCTYPE x [<!ENTITY a "b">]>{}"#, patient(r#"<language value="&a;"/>"#)), "expected no DOCTYPE"),
        (patient(r#"<language value="&a;"/>"#), "expected no entities"),
        (patient(r#"<language value="a & b"/>"#), "expected no entities"),
        (patient(r#"<language value="&#0;"/>"#), "expected no entities"),
        (patient(r#"<language value="&#xB;"/>"#), "control character"),
        (patient("<language value=\"\u{1}\"/>"), "control character"),
        (patient("&nbsp;"), "expected no entities"),
        (patient(r#"<text><div xmlns="http://www.w3.org/1999/xhtml">&nbsp;</div></text>"#), "expected no entities"),
        (patient(r#"<text><div xmlns="http://www.w3.org/1999/xhtml">&#2;</div></text>"#), "control character"),
    ];
    for (xml, words) in cases {
        let issues = refused(&xml);
        assert!(issues[0].1.contains(words), "{xml}: {issues:?}");
    }
}

#[test]
fn what_is_no_xml_is_refused_once() {
    for xml in [
        "",
        "x",
        "<Patient",
        r#"<Patient xmlns="http://hl7.org/fhir">"#,
        r#"<Patient xmlns="http://hl7.org/fhir"></Patent>"#,
        r#"<Patient xmlns="http://hl7.org/fhir"/><Patient xmlns="http://hl7.org/fhir"/>"#,
        r#"<Patient xmlns="http://hl7.org/fhir"/>x"#,
        r#" <?xml version="1.0"?><Patient xmlns="http://hl7.org/fhir"/>"#,
        r#"<?xml version="1.0" encoding="iso-8859-1"?><Patient xmlns="http://hl7.org/fhir"/>"#,
        r#"<Patient xmlns="http://hl7.org/fhir"><active value="true" value="true"/></Patient>"#,
        r#"<Patient xmlns="http://hl7.org/fhir"><active value=true/></Patient>"#,
        r#"<Patient xmlns="http://hl7.org/fhir"><language value="<"/></Patient>"#,
        r#"<Patient xmlns="http://hl7.org/fhir"><f:active value="true"/></Patient>"#,
        r#"<Patient xmlns="http://hl7.org/fhir"><text><div xmlns="http://www.w3.org/1999/xhtml"><b></div></text></Patient>"#,
        r#"<Patient xmlns="http://hl7.org/fhir"><!-- "#,
        r#"<Patient xmlns="http://hl7.org/fhir" xmlns:h="http://www.w3.org/1999/xhtml"><text><h:div><h:h:b/></h:div></text></Patient>"#,
    ] {
        assert_eq!(refused(xml).len(), 1, "{xml}");
    }
    assert!(
        to_json(
            b"<Patient xmlns=\"http://hl7.org/fhir\"><language value=\"\xFF\"/></Patient>",
            Version::R4,
            Limits::default()
        )
        .is_err()
    );
    assert!(to_json(b"\xFF\xFE<\0P\0", Version::R4, Limits::default()).is_err());
}

#[test]
fn every_namespace_is_checked() {
    assert_eq!(refused("<Patient/>")[0].1, "expected the namespace http://hl7.org/fhir");
    assert_eq!(refused(r#"<Patient xmlns="urn:hl7-org:v3"/>"#)[0].1, "expected the namespace http://hl7.org/fhir");
    assert_refused(r#"<active xmlns="urn:x" value="true"/>"#, "Patient", "the namespace http://hl7.org/fhir");
    assert_refused("<text><div>x</div></text>", "Patient.text.div", "the namespace http://www.w3.org/1999/xhtml");
    assert_refused(
        r#"<text><div xmlns="http://www.w3.org/1999/xhtml"><svg xmlns="http://www.w3.org/2000/svg"/></div></text>"#,
        "Patient.text.div",
        "elements of XHTML only",
    );
}

#[test]
fn what_is_no_fhir_is_told_by_element() {
    assert_refused("<nickname/>", "Patient.nickname", "unknown element `nickname`: expected an element of Patient");
    assert_refused("<deceased/>", "Patient.deceased", "unknown element `deceased`");
    assert_refused(
        "<name><id value='a'/><text value='x'/></name>",
        "Patient.name[0].id",
        "expected `id` as an attribute",
    );
    assert_refused("<name xml:id='a'><text value='x'/></name>", "Patient.name[0]", "unknown attribute `xml:id`");
    assert_refused("<name value='a'><text value='x'/></name>", "Patient.name[0]", "unknown attribute `value`");
    assert_refused("<active value='true'>x</active>", "Patient.active", "no text between elements");
    assert_refused("<active/>", "Patient.active", "expected a value, extensions or other content");
    assert_refused("<name><given/></name>", "Patient.name[0].given[0]", "expected a value, extensions");
    assert_refused("<name/>", "Patient.name[0]", "expected a value, extensions or other content");
    assert_refused("<active value='1'/>", "Patient.active", "expected true or false");
    assert_refused("<multipleBirthInteger value='+1'/>", "Patient.multipleBirth", "expected a number");
    assert_refused("<gender value='male'/><active value='true'/>", "Patient.active", "before the element in front");
    assert_refused("<gender value='male'/><gender value='male'/>", "Patient.gender", "`gender` at most once");
    assert_refused("<name id='a'/><gender id='g'/><name id='b'/>", "Patient.name", "all repeats of `name` together");
    assert_refused("<deceasedBoolean value='true'/><deceasedDateTime value='2020'/>", "Patient.deceased", "one value");
    assert_refused("<contained><Basic/><Basic/></contained>", "Patient.contained[0]", "exactly one resource");
    assert_refused("<contained/>", "Patient.contained[0]", "exactly one resource");
    assert_refused("<contained><Resource/></contained>", "Patient.contained[0]", "a resource type of FHIR");
    assert_eq!(
        refused(r#"<Patent xmlns="http://hl7.org/fhir"/>"#)[0].1,
        "expected a resource type of FHIR here, found `Patent`"
    );
}

#[test]
fn everything_wrong_is_told_at_once_with_lines_and_columns() {
    let xml = "<Patient xmlns=\"http://hl7.org/fhir\">\n  <active value=\"yes\"/>\n  <ä/>\n  <name>\n    <given/>\n  </name>\n</Patient>";
    let outcome = to_json(xml.as_bytes(), Version::R4, Limits::default()).unwrap_err();
    let places: Vec<_> = outcome.0.iter().map(|issue| issue.position.unwrap()).collect();
    let at = |line, column| Position { line, column };
    assert_eq!(places, [at(2, 3), at(3, 3), at(5, 5)]);
    assert_eq!(outcome.0[1].expression.as_deref(), Some("Patient.`ä`"));
}

#[test]
fn issues_of_the_json_are_told_by_the_lines_of_the_xml() {
    let xml = "\u{FEFF}<Patient xmlns=\"http://hl7.org/fhir\">\n  <name>\n    <given value=\"ü\"/>\n    <given id=\"x\"/>\n    <given value=\"z\"/>\n  </name>\n  <gender value=\"x\"/>\n</Patient>";
    let reading = read(xml.as_bytes(), Version::R4, Limits::default());
    let json = String::from_utf8(reading.json.clone()).unwrap();
    // As a validator would: an issue at a place in the JSON.
    let at = |needle: &str| {
        let offset = json.find(needle).unwrap();
        let mut issue = Issue::error(fhir::IssueType::Value, "x").at(needle);
        issue.position = Some(fhir::json::position(json.as_bytes(), offset));
        issue
    };
    let issues = vec![at("\"gender\""), at("\"x\"}"), at("{\"id\":\"x\"}"), at("\"z\""), at("{\"given\"")];
    let outcome = reading.outcome(xml.as_bytes(), |_| Outcome(issues));
    let places: Vec<_> = outcome.0.iter().map(|issue| issue.position.unwrap()).collect();
    let at = |line, column| Position { line, column };
    assert_eq!(places, [at(7, 3), at(4, 5), at(4, 5), at(5, 5), at(2, 3)]);
}

#[test]
fn what_xml_cannot_say_is_refused_and_not_changed() {
    let cases = [
        (r#"{"resourceType":"Patient","nickname":1}"#, "Patient.nickname", "unknown element"),
        (r#"{"resourceType":"Patient","active":"true"}"#, "Patient.active", "expected true or false"),
        (r#"{"resourceType":"Patient","active":null}"#, "Patient.active", "expected true or false"),
        (r#"{"resourceType":"Patient","multipleBirthInteger":"1"}"#, "Patient.multipleBirth", "expected a number"),
        (r#"{"resourceType":"Patient","gender":1}"#, "Patient.gender", "expected a string"),
        (r#"{"resourceType":"Patient","name":[]}"#, "Patient.name", "expected a value"),
        (r#"{"resourceType":"Patient","name":[{}]}"#, "Patient.name[0]", "expected a value"),
        (r#"{"resourceType":"Patient","name":{}}"#, "Patient.name", "expected an array"),
        (r#"{"resourceType":"Patient","name":[{"given":[null]}]}"#, "Patient.name[0].given[0]", "expected a value"),
        (r#"{"resourceType":"Patient","_name":[{}]}"#, "Patient._name", "primitive element only"),
        (r#"{"resourceType":"Patient","_text":{}}"#, "Patient._text", "primitive element only"),
        (r#"{"resourceType":"Patient","language":"\u0001"}"#, "Patient.language", "control character"),
        (r#"{"resourceType":"Patient","language":"\uffff"}"#, "Patient.language", "control character"),
        (
            r#"{"resourceType":"Patient","deceasedBoolean":true,"deceasedDateTime":"2020"}"#,
            "Patient.deceasedDateTime",
            "one value",
        ),
        (r#"{"resourceType":"Patient","text":{"div":"<div>x</div>"}}"#, "Patient.text.div", "XHTML"),
        (r#"{"resourceType":"Patient","text":{"div":"x"}}"#, "Patient.text.div", "a `div` of XHTML"),
        (r#"{"resourceType":"Patient","text":{"div":"<!DOCTYPE a><div/>"}}"#, "Patient.text.div", "a `div` of XHTML"),
        (
            r#"{"resourceType":"Patient","text":{"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">&nbsp;</div>"}}"#,
            "Patient.text.div",
            "no entities",
        ),
        (
            r#"{"resourceType":"Patient","text":{"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"></div><b/>"}}"#,
            "Patient.text.div",
            "a `div` of XHTML",
        ),
        (
            r#"{"resourceType":"Patient","text":{"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"></div></text>"}}"#,
            "Patient.text.div",
            "a `div` of XHTML",
        ),
        (r#"{"resourceType":"Patent"}"#, "", "a resource type"),
        ("[]", "", "expected an object"),
        ("{", "", "expected a member name"),
    ];
    for (json, expression, words) in cases {
        assert_no_xml(json, expression, words);
    }
}

#[test]
fn depth_values_attributes_and_issues_are_bounded() {
    let xml = |inside: String| format!(r#"<Patient xmlns="http://hl7.org/fhir">{inside}</Patient>"#);
    let nest = |open: &str, close: &str, times: usize| open.repeat(times) + &close.repeat(times);
    let deep = xml(nest(r#"<extension url="a:b">"#, "</extension>", 100_000));
    assert_eq!(refused(&deep)[0].1, "expected fewer elements within each other");
    let div = xml(format!(
        r#"<text><div xmlns="http://www.w3.org/1999/xhtml">{}</div></text>"#,
        nest("<b>", "</b>", 100_000)
    ));
    assert_eq!(refused(&div)[0].1, "expected fewer elements within each other");
    let skipped = refused(&xml(nest("<x>", "</x>", 50_000)));
    assert_eq!(skipped.len(), 1);
    let wide = xml(format!("<name>{}</name>", "<given value='a'/>".repeat(500_000)));
    assert_eq!(refused(&wide)[0].1, "expected fewer values in one document");
    let attributes: String = (0..100).map(|number| format!(" a{number}=''")).collect();
    assert!(refused(&xml(format!("<active{attributes}/>"))).iter().any(|issue| issue.1.contains("fewer attributes")));
    let many = refused(&xml("<x/>".repeat(1_000)));
    assert_eq!((many.len(), many[100].1.as_str()), (101, "more is wrong than is listed here"));
    let namespaces = xml(nest("<name xmlns:a='urn:a' xmlns:b='urn:b'>", "</name>", 200));
    assert!(!refused(&namespaces).is_empty());
}
