//! Expressions on documents: what the specification says, and that nobody can make an evaluation run away.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test may stop")]

use fhir::Version;
use fhir::json::{Document, Limits, scan};
use fhirpath::{CompileError, Environment, EvaluationError, Item, Program};
use proptest::prelude::*;

const PATIENT: &str = r##"{"resourceType":"Patient","id":"p1","active":true,
  "contained":[{"resourceType":"Organization","id":"org","name":"Praxis"}],
  "name":[{"use":"official","family":"Chalmers","given":["Peter","James"]},{"use":"usual","given":["Jim"]}],
  "telecom":[{"system":"phone","value":"1"},{"system":"email","value":"a@b"}],
  "birthDate":"1974-12-25","_birthDate":{"extension":[{"url":"urn:time","valueDateTime":"1974-12-25T14:35:45-05:00"}]},
  "deceasedBoolean":false,"multipleBirthInteger":2,
  "managingOrganization":{"reference":"#org"},
  "generalPractitioner":[{"reference":"Practitioner/1"},{"reference":"https://x/Organization/2"},{"type":"Organization","display":"x"}],
  "contact":[{"gender":"female","_gender":{"id":"g"}}],
  "extension":[{"url":"urn:weight","valueQuantity":{"value":70.5,"unit":"kg","system":"http://unitsofmeasure.org","code":"kg"}}]}"##;

fn run(json: &str, expression: &str) -> Result<Vec<String>, EvaluationError> {
    let mut nodes = Vec::new();
    scan(json.as_bytes(), &mut nodes, Limits::default()).unwrap();
    let document = Document::new(json.as_bytes(), &nodes);
    let program = Program::compile(expression, Version::R4).unwrap_or_else(|error| panic!("{expression}: {error}"));
    let environment = Environment { now: 1_715_938_200_000_000, ..Environment::new(document) };
    Ok(program.evaluate(&environment)?.iter().map(|item| show(document, item)).collect())
}

fn show(document: Document<'_>, item: &Item<'_>) -> String {
    match item {
        Item::Boolean(value) => value.to_string(),
        Item::Integer(value) | Item::Long(value) => value.to_string(),
        Item::Decimal(value) => value.to_string(),
        Item::Text(text) => text.to_string(),
        Item::Temporal(value) => value.to_string(),
        Item::Quantity(quantity) => format!("{} {}", quantity.value, quantity.unit),
        Item::Type(namespace, name) => format!("{namespace}.{name}"),
        Item::Remote(resource_type) => format!("-> {resource_type}"),
        Item::Foreign(_) | Item::Terminologies => "elsewhere".to_owned(),
        Item::Element(element) => {
            let value = document.at(element.any_node()).unwrap();
            value.text().map_or_else(|| String::from_utf8_lossy(value.raw()).into_owned(), |text| text.into_owned())
        }
    }
}

fn gives(table: &[(&str, &[&str])]) {
    for (expression, expected) in table {
        let found = run(PATIENT, expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
        assert_eq!(found, *expected, "{expression}");
    }
}

#[test]
fn paths_choices_and_companions() {
    gives(&[
        ("Patient.name.given", &["Peter", "James", "Jim"]),
        ("name.first().given.last()", &["James"]),
        ("name[1].given[0]", &["Jim"]),
        ("name[7]", &[]),
        ("Patient.deceased", &["false"]),
        ("Patient.deceasedBoolean", &[]),
        ("Patient.multipleBirth.ofType(integer)", &["2"]),
        ("(Patient.multipleBirth as boolean)", &[]),
        ("birthDate.extension('urn:time').value", &["1974-12-25T14:35:45-05:00"]),
        ("contact.gender.id", &["g"]),
        ("Practitioner.name", &[]),
        ("Resource.id", &["p1"]),
        ("DomainResource.contained.name", &["Praxis"]),
        ("contained.ofType(Organization).id", &["org"]),
        ("extension.value.value", &["70.5"]),
        ("nothing.at.all", &[]),
        ("`name`.family", &["Chalmers"]),
    ]);
}

#[test]
fn types_are_those_of_the_definitions() {
    gives(&[
        ("Patient is DomainResource", &["true"]),
        ("Patient.name.first() is HumanName", &["true"]),
        ("birthDate is date", &["true"]),
        ("birthDate is System.Date", &["false"]),
        ("active.is(Boolean).not()", &["true"]),
        ("id is string", &["true"]),
        ("name.first().use.type().name", &["code"]),
        ("1.type()", &["System.Integer"]),
        ("contact.type().name", &["BackboneElement"]),
        ("extension.value is Quantity", &["true"]),
    ]);
}

#[test]
fn references_resolve_within_the_document_or_to_their_type() {
    gives(&[
        ("managingOrganization.resolve().name", &["Praxis"]),
        ("generalPractitioner.where(resolve() is Practitioner).reference", &["Practitioner/1"]),
        ("generalPractitioner.where(resolve() is Organization).count()", &["2"]),
        ("generalPractitioner.resolve()", &["-> Practitioner", "-> Organization", "-> Organization"]),
        ("generalPractitioner.resolve().name", &[]),
        ("managingOrganization.where(resolve() is Organization).exists()", &["true"]),
    ]);
}

#[test]
fn logic_has_three_values() {
    gives(&[
        ("true and {}", &[]),
        ("false and {}", &["false"]),
        ("{} or true", &["true"]),
        ("{} implies true", &["true"]),
        ("true xor false", &["true"]),
        ("deceased.exists() and deceased != false", &["false"]),
        ("name.exists(use = 'usual')", &["true"]),
        ("telecom.where(system = 'email').value", &["a@b"]),
        ("telecom.all(value.exists())", &["true"]),
        ("'a' in ('a' | 'b')", &["true"]),
        ("{} = {}", &[]),
        ("iif(active, 'yes', 'no')", &["yes"]),
    ]);
}

#[test]
fn numbers_dates_and_quantities() {
    gives(&[
        ("0.1 + 0.2 = 0.3", &["true"]),
        ("7 div 2", &["3"]),
        ("7 / 2", &["3.5"]),
        ("2147483647 + 1", &[]),
        ("1 / 0", &[]),
        ("-7.5.abs()", &["-7.5"]),
        ("birthDate < @1975", &["true"]),
        ("birthDate = @1974-12", &[]),
        ("birthDate + 2 months", &["1975-02-25"]),
        ("@2024-01-31 + 1 month", &["2024-02-29"]),
        ("@2024-05-17T10:00:00+02:00 = @2024-05-17T08:00:00Z", &["true"]),
        ("extension.value > 70000 'g'", &["true"]),
        ("1 'kg' = 1000 'g'", &["true"]),
        ("1 year = 12 months", &["true"]),
        ("1 'kg' = 1 'm'", &[]),
        ("2 'm' * 3 'm'", &["6 m2"]),
        ("now() > birthDate", &["true"]),
        ("(1 | 2 | 2).count()", &["2"]),
        ("(3 | 1 | 2).sort()", &["1", "2", "3"]),
        ("(1 | 2 | 3).aggregate($this + $total, 0)", &["6"]),
        ("3.14.highBoundary()", &["3.14500000"]),
    ]);
}

#[test]
fn strings() {
    gives(&[
        ("name.given.select(upper())", &["PETER", "JAMES", "JIM"]),
        ("'abc'.substring(1, 1)", &["b"]),
        ("'a,b'.split(',')", &["a", "b"]),
        ("name.given.join('-')", &["Peter-James-Jim"]),
        ("'äöü'.length()", &["3"]),
        ("'2024'.matches('^[0-9]+$')", &["true"]),
        ("'a' & {} & 'b'", &["ab"]),
        ("birthDate.startsWith('1974')", &["true"]),
        (r"'\u00e9\n'.length()", &["2"]),
        ("'x'.encode('hex')", &["78"]),
    ]);
}

#[test]
fn variables_and_iteration() {
    gives(&[
        ("name.given.where($index = 1)", &["James"]),
        ("name.where(given.exists($this = 'Jim')).use", &["usual"]),
        ("%resource.id", &["p1"]),
        ("%context.id", &["p1"]),
        ("%`vs-gender`", &["http://hl7.org/fhir/ValueSet/gender"]),
        ("defineVariable('n', name.first()).telecom.first().select(%n.family)", &["Chalmers"]),
        ("descendants().where($this is HumanName).count()", &["2"]),
        ("repeat(contained).id", &["org"]),
    ]);
}

#[test]
fn misuse_is_an_error_and_not_an_empty_result() {
    for expression in ["(1 | 2) + 1", "name.given.upper()", "1 + 'a'", "name.single()", "%unknown", "(1|2).not()"] {
        assert!(run(PATIENT, expression).is_err(), "{expression}");
    }
}

#[test]
fn what_is_no_expression_is_refused_with_its_place() {
    for (text, offset) in
        [("", 0), ("1 +", 3), ("(1", 2), ("name.", 5), ("'open", 0), ("a b", 2), ("@2024-13", 0), ("1 and and", 6)]
    {
        let Err(CompileError::Syntax(error)) = Program::compile(text, Version::R4) else { panic!("{text}") };
        assert_eq!(error.offset, offset, "{text}: {error}");
    }
    assert!(matches!(Program::compile("frob()", Version::R4), Err(CompileError::UnknownFunction { .. })));
    assert!(matches!(Program::compile("where()", Version::R4), Err(CompileError::ArgumentCount { .. })));
    assert!(matches!(Program::compile("x is Nonsense", Version::R4), Err(CompileError::UnknownType(_))));
}

#[test]
fn nesting_and_length_are_bounded() {
    for text in [
        "(".repeat(100_000),
        "-".repeat(50_000),
        format!("1{}", " + 1".repeat(10_000)),
        "a[".repeat(20_000),
        "iif(".repeat(10_000),
    ] {
        assert!(Program::compile(&text, Version::R4).is_err());
    }
    let flat = format!("a{}", ".b".repeat(10_000));
    assert!(Program::compile(&flat, Version::R4).is_ok(), "a long path is not a deep one");
    assert!(Program::compile(&format!("a{}", " | a".repeat(5_000)), Version::R4).is_ok());
}

#[test]
fn an_evaluation_that_runs_away_ends_at_the_step_limit() {
    for expression in [
        "(1 | 2).repeatAll($this)",
        "(1).repeatAll($this | ($this + 1))",
        "descendants().descendants().select(%resource.descendants().select(%resource.descendants().select(%resource.descendants())))",
        "(1|2|3|4|5|6|7|8).aggregate($total & $total & $total & $total & $total & $total & $total & $total & 'xxxxxxxxxxxxxxxx')
            .select(($this & $this & $this).replace('x', $this))",
    ] {
        assert!(matches!(run(PATIENT, expression), Err(EvaluationError::TooCostly(_))), "{expression}");
    }
}

#[test]
fn neither_items_nor_texts_grow_beyond_the_step_limit() {
    let many = (0..60).map(|number| number.to_string()).collect::<Vec<_>>().join(" | ");
    for (start, growth) in [
        ("1", "$total.combine($total)"),
        ("1", "$total.select($this.combine($this))"),
        ("1", "$total.combine($total).where(true)"),
        ("'xxxxxxxxxxxxxxxx'", "$total & $total"),
        ("'xxxxxxxxxxxxxxxx'", "$total.replace('x', $total)"),
        ("'xxxxxxxxxxxxxxxx'", "$total.replaceMatches('x', $total)"),
        ("'xxxxxxxxxxxxxxxx'", "($total | $total.encode('hex')).join()"),
        ("'xxxxxxxxxxxxxxxx'", "$total.encode('hex')"),
        ("2 'm'", "($total * $total)"),
    ] {
        let expression = format!("({many}).aggregate({growth}, {start}).count()");
        match run(PATIENT, &expression) {
            Err(EvaluationError::TooCostly(_)) => {}
            // A quantity ends by itself, as its value does.
            Ok(found) => assert!(start == "2 'm'", "{expression}: {found:?}"),
            Err(error) => assert!(start == "2 'm'", "{expression}: {error}"),
        }
    }
    let large = "defineVariable('t', (1 | 2 | 3 | 4 | 5 | 6 | 7 | 8).aggregate($total & $total & $total & $total, 'xxxxxxxxxxxxxxxx'))";
    let copies = format!("{large}.select(({many}).select(%t)).count()");
    assert!(matches!(run(PATIENT, &copies), Err(EvaluationError::TooCostly(_))), "copies of a large text count");
    let compared = format!("{large}.select(({many}).select(%t & 'a').distinct()).count()");
    assert!(matches!(run(PATIENT, &compared), Err(EvaluationError::TooCostly(_))), "comparing large texts counts");
}

#[test]
fn a_pattern_cannot_take_exponential_time() {
    let text = "a".repeat(5_000);
    assert_eq!(run(PATIENT, &format!("'{text}b'.matches('(a+)+$')")), Ok(vec!["false".to_owned()]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn compiling_never_panics(text in ".{0,60}") {
        let _ = Program::compile(&text, Version::R4);
    }

    #[test]
    fn evaluating_never_panics(words in proptest::collection::vec(proptest::sample::select(WORDS.to_vec()), 1..12)) {
        let text = words.concat();
        if let Ok(program) = Program::compile(&text, Version::R4) {
            let mut nodes = Vec::new();
            scan(PATIENT.as_bytes(), &mut nodes, Limits::default()).unwrap();
            let environment = Environment { step_limit: 50_000, ..Environment::new(Document::new(PATIENT.as_bytes(), &nodes)) };
            let _ = program.evaluate(&environment);
        }
    }
}

const WORDS: &[&str] = &[
    "name",
    "given",
    "birthDate",
    "extension",
    "Patient",
    ".",
    ".",
    ".",
    "(",
    ")",
    "[",
    "]",
    "0",
    "1",
    "-1",
    "1.5",
    "'a'",
    "''",
    "@2024-02-29",
    "@T10:30",
    "@2024-05-17T10:00:00Z",
    "5 'mg'",
    "2 years",
    "3 months",
    "{}",
    "true",
    " + ",
    " - ",
    " * ",
    " / ",
    " div ",
    " mod ",
    " & ",
    " | ",
    " = ",
    " ~ ",
    " < ",
    " >= ",
    " and ",
    " implies ",
    " in ",
    " is ",
    " as ",
    "date",
    "Quantity",
    "$this",
    "$index",
    "%resource",
    "where(",
    "select(",
    "repeat(",
    "all(",
    "count()",
    "first()",
    "children()",
    "descendants()",
    "toString()",
    "toInteger()",
    "toQuantity()",
    "lowBoundary()",
    "highBoundary(",
    "precision()",
    "substring(",
    "replace(",
    "split(",
    "power(",
    "round(",
    "sqrt()",
    "ln()",
    "abs()",
    "resolve()",
    "type()",
    "sort()",
    "sum()",
    "min()",
    "avg()",
    "not()",
    ",",
    "99999999999999999999",
    "9223372036854775807L",
    "2147483647",
    "9999-12-31",
    "1000000000 years",
];
