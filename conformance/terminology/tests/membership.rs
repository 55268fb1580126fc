//! Membership over the built-in facts and over resources that were added.

use fhir::Version;
use terminology::{Coding, Expansion, Lookup, Membership, Subsumption, Terminology, Why};

static R4: Terminology = Terminology::of(Version::R4);

fn member(set: &str, system: &str, code: &str) -> String {
    match R4.member(set, Coding::of(system, code)) {
        Membership::In => "in".to_owned(),
        Membership::NotIn => "not in".to_owned(),
        Membership::Unknown(why) => format!("{why:?}"),
    }
}

#[test]
fn a_listed_system_is_in_its_value_set_and_other_codes_are_not() {
    const GENDER: &str = "http://hl7.org/fhir/ValueSet/administrative-gender";
    const SYSTEM: &str = "http://hl7.org/fhir/administrative-gender";
    assert_eq!(member(GENDER, SYSTEM, "male"), "in");
    assert_eq!(member(GENDER, SYSTEM, "Male"), "not in");
    assert_eq!(member("http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1", SYSTEM, "male"), "in");
    assert_eq!(member(GENDER, "http://example.org/other", "male"), "not in");
    assert_eq!(R4.member(GENDER, Coding::of_code("female")), Membership::In);
}

#[test]
fn filters_by_hierarchy_hold_along_every_way_up() {
    const SET: &str = "http://terminology.hl7.org/ValueSet/v3-ActEncounterCode";
    const ACT: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
    assert_eq!(member(SET, ACT, "AMB"), "in");
    assert_eq!(member(SET, ACT, "ACCTRECEIVABLE"), "not in");
    assert_eq!(R4.subsumes(ACT, "_ActEncounterCode", "AMB"), Ok(Subsumption::Subsumes));
    assert_eq!(R4.subsumes(ACT, "AMB", "nothing"), Err(Lookup::NotThere));
}

#[test]
fn what_is_not_here_is_unknown_and_says_why() {
    assert!(member("http://example.org/ValueSet/x", "http://example.org", "x").starts_with("ValueSet("));
    let snomed =
        R4.member("http://hl7.org/fhir/ValueSet/condition-code", Coding::of("http://snomed.info/sct", "386661006"));
    assert!(matches!(snomed, Membership::Unknown(Why::NoContent(_) | Why::System(_) | Why::Filter(_))), "{snomed:?}");
    assert!(matches!(R4.code("http://snomed.info/sct", None, "1"), Lookup::NoContent | Lookup::UnknownSystem));
    assert_eq!(R4.code("http://hl7.org/fhir/administrative-gender", None, "x"), Lookup::NotThere);
}

#[test]
fn added_resources_hide_what_was_there_and_import_each_other_without_end() {
    let added = [
        r#"{"resourceType":"CodeSystem","url":"http://x/cs","content":"complete","caseSensitive":false,"concept":[
            {"code":"A","display":"Alpha","concept":[{"code":"B"}]},{"code":"C","property":[{"code":"colour","valueString":"red"}]}]}"#,
        r#"{"resourceType":"ValueSet","url":"http://x/loop","compose":{"include":[{"valueSet":["http://x/loop"]}]}}"#,
        r#"{"resourceType":"ValueSet","url":"http://x/red","version":"2","compose":{"include":[{"system":"http://x/cs",
            "filter":[{"property":"colour","op":"regex","value":"r.d"}]}]}}"#,
        r#"{"resourceType":"ValueSet","url":"http://x/not-a","compose":{"include":[{"system":"http://x/cs"}],
            "exclude":[{"system":"http://x/cs","filter":[{"property":"concept","op":"is-a","value":"A"}]}]}}"#,
    ];
    let own = R4.with(added.iter().map(|text| text.as_bytes())).unwrap();
    let has = |set, code| own.member(set, Coding::of("http://x/cs", code));
    assert!(matches!(has("http://x/loop", "A"), Membership::Unknown(Why::TooDeep)));
    assert_eq!(has("http://x/red", "C"), Membership::In);
    assert_eq!(has("http://x/red", "A"), Membership::NotIn);
    assert_eq!(has("http://x/red|2", "C"), Membership::In);
    assert!(matches!(has("http://x/red|1", "A"), Membership::Unknown(Why::ValueSet(_))));
    assert_eq!(has("http://x/not-a", "b"), Membership::NotIn);
    assert_eq!(has("http://x/not-a", "c"), Membership::In);
    let Expansion::Codes { codes, total } = own.expand("http://x/not-a", None, None) else { panic!("a list") };
    assert_eq!((codes.len(), total), (1, 1));
    let hidden = br#"{"resourceType":"ValueSet","url":"http://hl7.org/fhir/ValueSet/administrative-gender","compose":{"include":[{"system":"http://x/cs"}]}}"#;
    let own = own.with([hidden.as_slice()]).unwrap();
    let gender = "http://hl7.org/fhir/ValueSet/administrative-gender";
    assert_eq!(own.member(gender, Coding::of_code("male")), Membership::NotIn);
    assert_eq!(own.member(gender, Coding::of_code("A")), Membership::In);
}

const CDC: &str = "urn:oid:2.16.840.1.113883.6.238";
const US_CORE: &str = "http://hl7.org/fhir/us/core/ValueSet/";

#[test]
fn race_ethnicity_and_sex_of_us_core_are_told() {
    for set in ["omb-race-category", "omb-race-category|6.1.0", "omb-race-category|7.0.0"] {
        let set = format!("{US_CORE}{set}");
        assert_eq!(member(&set, CDC, "2106-3"), "in");
        assert_eq!(member(&set, "http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "ASKU"), "in");
        assert_eq!(member(&set, CDC, "1586-7"), "not in");
    }
    let detailed = format!("{US_CORE}detailed-race|6.1.0");
    assert_eq!(member(&detailed, CDC, "1586-7"), "in");
    assert_eq!(member(&detailed, CDC, "2106-3"), "not in");
    assert_eq!(member(&detailed, CDC, "2137-8"), "not in");
    assert_eq!(member(&format!("{US_CORE}detailed-ethnicity"), CDC, "2184-0"), "in");
    let birth_sex = format!("{US_CORE}birthsex|6.1.0");
    assert_eq!(R4.member(&birth_sex, Coding::of_code("F")), Membership::In);
    assert_eq!(R4.member(&birth_sex, Coding::of_code("X")), Membership::NotIn);
    assert!(matches!(R4.code(CDC, None, "1586-7"), Lookup::Known(known) if known.display == Some("Shoshone")));
    assert_eq!(R4.code(CDC, None, "9999-9"), Lookup::NoContent);
}

#[test]
fn a_list_that_may_be_longer_affirms_and_does_not_deny() {
    const SEX: &str = "http://cts.nlm.nih.gov/fhir/ValueSet/2.16.840.1.113762.1.4.1240.3";
    assert_eq!(R4.member(SEX, Coding::of_code("248152002")), Membership::In);
    assert!(matches!(R4.member(SEX, Coding::of_code("x")), Membership::Unknown(Why::ValueSet(SEX))));
    assert!(matches!(R4.expand(SEX, None, None), Expansion::Unknown(_)));
}

#[test]
fn a_canonical_of_us_core_without_a_version_means_the_preferred_edition() {
    const CATEGORY: &str = "http://hl7.org/fhir/us/core/ValueSet/us-core-screening-assessment-observation-category";
    let total = |terminology: &Terminology, set: &str| match terminology.expand(set, None, None) {
        Expansion::Codes { total, .. } => total,
        _ => 0,
    };
    let (six, nine) = (total(&R4, &format!("{CATEGORY}|6.1.0")), total(&R4, &format!("{CATEGORY}|9.0.0")));
    assert_ne!(six, nine);
    assert_eq!(total(&R4, CATEGORY), six);
    assert_eq!(total(&R4.clone().preferring_us_core("9.0.0"), CATEGORY), nine);
    assert_eq!(total(&R4.clone().preferring_us_core("5.0.1"), CATEGORY), six);
}

#[test]
fn value_sets_of_the_extensions_are_there_for_every_release() {
    const BORN: &str = "http://hl7.org/fhir/ValueSet/patient-bornstatus";
    for version in Version::ALL {
        assert!(Terminology::of(version).has_value_set(BORN), "{version}");
    }
}

#[test]
fn a_filter_looks_at_what_a_supplement_adds() {
    let supplement = br#"{"resourceType":"CodeSystem","url":"http://x/more","content":"supplement",
        "supplements":"http://hl7.org/fhir/administrative-gender",
        "concept":[{"code":"male","property":[{"code":"mark","valueString":"m"}]}]}"#;
    let set = br#"{"resourceType":"ValueSet","url":"http://x/vs","compose":{"include":[{
        "system":"http://hl7.org/fhir/administrative-gender","filter":[{"property":"mark","op":"=","value":"m"}]}]}}"#;
    const GENDER: &str = "http://hl7.org/fhir/administrative-gender";
    let alone = R4.with([&set[..]]).unwrap();
    assert!(matches!(
        alone.member("http://x/vs", Coding::of(GENDER, "male")),
        Membership::Unknown(Why::Filter("mark"))
    ));
    let both = R4.with([&set[..], &supplement[..]]).unwrap();
    assert_eq!(both.member("http://x/vs", Coding::of(GENDER, "male")), Membership::In);
    assert_eq!(both.member("http://x/vs", Coding::of(GENDER, "female")), Membership::NotIn);
}
