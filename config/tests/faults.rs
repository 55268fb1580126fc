//! What a person reads who made mistakes in the configuration.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use config::{Config, Report};

fn report(text: &str) -> Report {
    config::parse("frontdesk.toml", text).err().unwrap_or_else(|| panic!("accepted: {text}"))
}

/// `(line, column, message, expected)` of each fault.
fn faults(text: &str) -> Vec<(usize, usize, String, String)> {
    let source = config::Source::new("frontdesk.toml", text);
    let report = report(text);
    let place = |fault: &config::Fault| source.position(fault.span.start);
    report.faults().iter().map(|f| (place(f).0, place(f).1, f.message.clone(), f.expected.clone())).collect()
}

fn only(text: &str) -> (usize, usize, String, String) {
    let mut all = faults(text);
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

const STORE: &str = "[adapters.store]\nkind = \"store\"\n[[routes]]\nadapter = \"store\"\n";

#[test]
fn all_faults_of_the_shape_are_said_at_once_each_with_its_place() {
    let text = "\
[gateway]
lisen = \"127.0.0.1:8080\"
admin = 8081
[limits]
body = \"2 parsecs\"
header-time = \"10\"
[adapters.store]
kind = \"store\"
retry = { attempts = \"three\" }
[[routes]]
types = [\"Pateint\", \"Slot\", \"Wibble\"]
[gatway]
";
    let found = faults(text);
    let places: Vec<(usize, usize)> = found.iter().map(|fault| (fault.0, fault.1)).collect();
    assert_eq!(places, [(2, 1), (3, 9), (5, 8), (6, 15), (9, 22), (11, 10), (11, 29), (12, 2)], "{found:#?}");
    assert_eq!(found[0].2, "unknown setting `lisen`");
    assert_eq!(found[0].3, "did you mean `listen`?");
    assert!(found[2].3.contains("`2MiB`") && found[1].3.contains("127.0.0.1:8080"), "{found:#?}");
    assert_eq!(found[5].2, "unknown resource type `Pateint`");
    assert_eq!(found[5].3, "did you mean `Patient`?");
    assert_eq!(found[7].3, "did you mean `gateway`?");
}

#[test]
fn a_route_names_one_adapter_or_several_whose_prefixes_differ() {
    let (line, column, message, _) = only("[adapters.a]\nkind = \"store\"\n[[routes]]\ntypes = [\"*\"]\n");
    assert_eq!((line, column, message.as_str()), (3, 1, "the route leads nowhere"));
    let two = |names: &str, more: &str| {
        format!("[adapters.ehr-1]\nkind = \"store\"\n{more}[adapters.ehr1]\nkind = \"store\"\n[[routes]]\n{names}\n")
    };
    let (line, column, message, _) = only(&two("adapters = [\"ehr-1\", \"ehr1\"]", ""));
    assert_eq!((line, column), (6, 22));
    assert!(message.contains("begin with `ehr1-`"), "{message}");
    assert!(config::parse("x", &two("adapters = [\"ehr-1\", \"ehr1\"]", "prefix = \"old\"\n")).is_ok());
    let found = faults(&two("adapters = [\"ehr1\", \"erh\"]", "prefix = \"-\"\n"));
    assert_eq!(found.len(), 2, "{found:#?}");
    assert_eq!(found[1].2, "unknown adapter `erh`");
    assert!(config::parse("x", &two("adapter = \"ehr1\"\nreferences = { Patient = \"ehr-1\" }", "")).is_ok());
}

#[test]
fn a_route_by_content_names_its_types_and_takes_every_interaction() {
    let when = |more: &str| {
        let routes = "[[routes]]\nadapter = \"a\"\nwhen = \"status.exists()\"\n";
        format!("[adapters.a]\nkind = \"store\"\n{routes}{more}\n[[routes]]\nadapter = \"a\"\n")
    };
    assert!(config::parse("x", &when("types = [\"Appointment\"]")).is_ok(), "it hides nothing behind it");
    let (line, column, message, _) = only(&when("types = [\"*\"]"));
    assert_eq!((line, column, message.as_str()), (5, 8, "a route with `when` is for types by name"));
    let (line, _, message, _) = only(&when("types = [\"Slot\"]\ninteractions = [\"create\"]"));
    assert_eq!((line, message.as_str()), (7, "a route with `when` takes every interaction"));
}

#[test]
fn adapters_that_share_a_type_over_routes_have_prefixes_of_their_own() {
    let adapters = "[adapters.ehr-1]\nkind = \"store\"\n[adapters.ehr1]\nkind = \"store\"\n";
    let by_content =
        "[[routes]]\nadapter = \"ehr-1\"\ntypes = [\"Slot\"]\nwhen = \"true\"\n[[routes]]\nadapter = \"ehr1\"\n";
    let (line, _, message, _) = only(&format!("{adapters}{by_content}"));
    assert_eq!(line, 8);
    assert!(message.contains("`ehr-1` and `ehr1`"), "{message}");
    let others = "[adapters.a]\nkind = \"store\"\n[adapters.b]\nkind = \"store\"\n\
        [[routes]]\nadapters = [\"a\", \"ehr1\"]\ntypes = [\"Slot\"]\n[[routes]]\nadapters = [\"b\", \"ehr-1\"]\ntypes = [\"Patient\"]\n";
    let (line, column, message, _) = only(&format!("{adapters}{others}"));
    assert_eq!((line, column), (13, 18));
    assert!(message.contains("begin with `ehr1-`"), "{message}");
}

#[test]
fn owners_tell_several_adapters_apart_on_which_patients_are() {
    let owners = |route: &str, more: &str| {
        let adapters = "[adapters.a]\nkind = \"store\"\n[adapters.b]\nkind = \"store\"\n";
        format!("{adapters}[[routes]]\nowners = \"patients\"\n{route}\n{more}")
    };
    let both = "adapters = [\"a\", \"b\"]\ntypes = [\"Appointment\"]";
    let patients = "[[routes]]\nadapters = [\"a\", \"b\"]\ntypes = [\"Patient\"]\n";
    assert!(config::parse("x", &owners(both, patients)).is_ok());
    let (line, _, message, _) = only(&owners("adapter = \"a\"", ""));
    assert_eq!((line, message.as_str()), (6, "the route has one adapter, whoever owns a resource"));
    let (_, _, message, _) = only(&owners(both, "[[routes]]\nadapter = \"a\"\ntypes = [\"Patient\"]\n"));
    assert_eq!(message, "patients of this practice are on one adapter, and do not tell several apart");
    let (_, _, message, _) = only(&owners(&format!("{both}\nwhen = \"true\""), patients));
    assert_eq!(message, "the route names `owners` and `when`");
}

#[test]
fn a_report_has_file_line_column_the_line_and_a_caret() {
    let text = format!("{STORE}[gateway]\nlisen = \"127.0.0.1:8080\"\n");
    let rendered = report(&text).to_string();
    assert!(rendered.contains("frontdesk.toml:6:1"), "{rendered}");
    assert!(rendered.contains("lisen = \"127.0.0.1:8080\""), "{rendered}");
    assert!(rendered.contains("^^^^^ did you mean `listen`?"), "{rendered}");
    assert!(rendered.ends_with("1 error in frontdesk.toml"), "{rendered}");
}

#[test]
fn a_broken_syntax_is_said_with_its_place_and_every_one_of_them() {
    let found = faults("[gateway\nlisten = 1\n[limits]\nbody = \n");
    assert!(found.iter().any(|fault| fault.0 == 1), "{found:#?}");
    assert!(found.iter().any(|fault| fault.0 == 4), "{found:#?}");
}

#[test]
fn every_missing_setting_is_named() {
    let found = faults(&format!("{STORE}[issuers.a.introspection]\nurl = \"https://a.example\"\n"));
    assert_eq!(found[0].2, "the setting `client` is missing", "{found:#?}");
    let found = faults(&format!("{STORE}[clients.a]\npractice = \"default\"\n"));
    let messages: Vec<&str> = found.iter().map(|fault| fault.2.as_str()).collect();
    assert_eq!(messages, ["the setting `jwks` is missing", "the setting `scopes` is missing"]);
}

#[test]
fn a_setting_of_the_wrong_type_is_not_also_called_missing() {
    let (line, column, message, _) = only("[adapters.store]\nkind = 3\n");
    assert_eq!((line, column), (2, 8));
    assert!(message.contains("3"), "{message}");
}

#[test]
fn names_that_lead_nowhere_are_found_with_the_nearest_one() {
    let text = "[adapters.store]\nkind = \"store\"\n[[routes]]\nadapter = \"stor\"\npractice = \"north\"\n";
    let found = faults(text);
    assert_eq!((found[0].0, found[0].1), (4, 11));
    assert_eq!((found[0].2.as_str(), found[0].3.as_str()), ("unknown adapter `stor`", "did you mean `store`?"));
    assert_eq!((found[1].0, found[1].2.as_str()), (5, "unknown practice `north`"));
}

#[test]
fn a_route_behind_one_that_takes_everything_is_refused() {
    let (line, _, message, _) = only(&format!("{STORE}[[routes]]\ntypes = [\"Patient\"]\nadapter = \"store\"\n"));
    assert_eq!(line, 5);
    assert_eq!(message, "route 1 can never be reached: route 0 takes all that it would");
    let narrower_first = "[adapters.store]\nkind = \"store\"\n\
        [[routes]]\ntypes = [\"Patient\"]\ninteractions = [\"read\"]\nadapter = \"store\"\n\
        [[routes]]\ntypes = [\"Patient\"]\nadapter = \"store\"\n[[routes]]\nadapter = \"store\"\n";
    assert!(config::parse("x", narrower_first).is_ok());
}

#[test]
fn a_route_behind_everything_of_another_adapter_takes_what_that_one_does_not_offer() {
    let text = format!("{STORE}[adapters.ehr]\nkind = \"fhir-rest\"\n[[routes]]\nadapter = \"ehr\"\n");
    assert!(config::parse("x", &text).is_ok());
    let named = format!("{text}[[routes]]\ntypes = [\"Slot\"]\nadapter = \"ehr\"\n");
    assert_eq!(only(&named).0, 9);
}

#[test]
fn plain_http_beyond_loopback_has_to_be_asked_for_in_words() {
    let text = format!("{STORE}[gateway]\nlisten = \"192.0.2.1:8080\"\n");
    let (line, column, message, expected) = only(&text);
    assert_eq!((line, column), (6, 10));
    assert!(message.contains("without TLS"), "{message}");
    assert!(expected.contains("patient-data-unencrypted-on-the-network"), "{expected}");
    let words = format!("{text}plain-http = \"patient-data-unencrypted-on-the-network\"\n");
    assert!(config::parse("x", &words).is_ok());
}

#[test]
fn what_is_said_of_client_certificates_needs_the_authorities_that_issue_them() {
    let text = format!(
        "{STORE}[gateway.tls]\ncertificate = \"Cargo.toml\"\nkey = \"Cargo.toml\"\n\
         client-revocations = \"Cargo.toml\"\nclient-certificates = \"required\"\n"
    );
    let found = faults(&text);
    assert_eq!(found.iter().map(|fault| fault.0).collect::<Vec<_>>(), [8, 9], "{found:#?}");
    assert!(found.iter().all(|fault| fault.3 == "expected `client-authorities` beside it"), "{found:#?}");
    let text = text.replace(
        "client-revocations = \"Cargo.toml\"",
        "client-authorities = \"Cargo.toml\"\nclient-revocations = \"none.crl\"",
    );
    let (line, _, message, _) = only(&text);
    assert_eq!((line, message.starts_with("cannot read none.crl")), (9, true), "{message}");
}

#[test]
fn a_collector_is_http_or_https_and_only_https_has_authorities() {
    let (_, _, _, expected) = only(&format!("{STORE}[telemetry]\notlp-endpoint = \"grpc://127.0.0.1:4317\"\n"));
    assert_eq!(expected, "expected such as http://127.0.0.1:4317");
    let with = |scheme: &str, file: &str| {
        format!("{STORE}[telemetry]\notlp-endpoint = \"{scheme}://c.example\"\notlp-authorities = \"{file}\"\n")
    };
    assert_eq!(only(&with("http", "Cargo.toml")).3, "expected an https `otlp-endpoint` beside it");
    assert_eq!(only(&with("https", "none.pem")).3, "expected a file");
    assert!(config::parse("x", &with("https", "Cargo.toml")).is_ok());
}

#[test]
fn clients_and_operators_have_addresses_of_their_own() {
    let same = format!("{STORE}[gateway]\nlisten = \"127.0.0.1:9000\"\nadmin = \"127.0.0.1:9000\"\n");
    let (line, _, message, expected) = only(&same);
    assert_eq!(
        (line, message.as_str(), expected.as_str()),
        (7, "`admin` is the address of `listen`", "expected another port")
    );
    assert!(config::parse("x", &same.replace("9000", "0")).is_ok(), "any free ports are two");
}

#[test]
fn the_admin_port_is_on_loopback_even_with_tls() {
    let text = format!("{STORE}[gateway]\nadmin = \"192.0.2.1:8081\"\n");
    let (line, column, message, _) = only(&text);
    assert_eq!((line, column), (6, 9));
    assert!(message.contains("`admin` is reachable"), "{message}");
}

#[test]
fn listening_everywhere_needs_a_public_url() {
    let text = format!(
        "{STORE}[gateway]\nlisten = \"0.0.0.0:8080\"\nplain-http = \"patient-data-unencrypted-on-the-network\"\n"
    );
    let (line, _, _, expected) = only(&text);
    assert_eq!(line, 6);
    assert!(expected.contains("public-url"), "{expected}");
    assert!(config::parse("x", &format!("{text}public-url = \"http://fhir.example\"\n")).is_ok());
}

#[test]
fn a_public_url_is_an_origin_and_https_unless_on_this_machine() {
    let with = |url: &str| format!("{STORE}[gateway]\npublic-url = \"{url}\"\n");
    for good in ["https://fhir.example", "https://fhir.example:8443", "http://localhost:8080", "http://[::1]:8080"] {
        assert!(config::parse("x", &with(good)).is_ok(), "{good}");
    }
    for bad in ["http://fhir.example", "https://fhir.example/base", "https://a@fhir.example", "ftp://fhir.example"] {
        assert_eq!(faults(&with(bad))[0].0, 6, "{bad}");
    }
}

#[test]
fn numbers_out_of_range_are_found_where_they_stand() {
    let text = format!(
        "{STORE}[authorization]\ntoken-lifetime = \"1h\"\n[rate-limits]\nclient = {{ per-second = 0, burst = 1 }}\n\
         [limits]\nbodies-in-flight = \"1KiB\"\n[telemetry]\nsample-ratio = 2.0\n"
    );
    let lines: Vec<usize> = faults(&text).iter().map(|fault| fault.0).collect();
    assert_eq!(lines, [6, 8, 10, 12]);
}

#[test]
fn a_secret_in_plain_is_refused_and_not_repeated() {
    let text = format!(
        "{STORE}[issuers.a]\nurl = \"https://a.example\"\n\
         introspection = {{ url = \"https://a.example/i\", client = \"c\", secret = \"hunter2\" }}\n"
    );
    let report = report(&text).to_string();
    assert!(report.contains("a secret does not stand in the configuration itself"), "{report}");
    assert!(!report.contains("hunter2"), "{report}");
}

#[test]
fn names_of_practices_and_origins_have_to_fit_into_a_url() {
    let text =
        format!("{STORE}[practices.fhir]\n[practices.\"Nord West\"]\n[gateway]\norigins = [\"https://a.example/\"]\n");
    let messages: Vec<String> = faults(&text).into_iter().map(|fault| fault.2).collect();
    assert_eq!(messages.len(), 3, "{messages:#?}");
}

#[test]
fn a_practice_cannot_have_the_name_of_a_path_of_the_gateway() {
    for name in ["fhir", "auth", "book", "admin", ".well-known", "default", "North", "a/b", ""] {
        let text = format!("{STORE}[practices.\"{name}\"]\n");
        assert!(!faults(&text).is_empty(), "{name}");
    }
    config::parse("frontdesk.toml", &format!("{STORE}[practices.north-2]\n")).unwrap();
}

#[test]
fn the_settings_of_a_kind_come_with_their_places_too() {
    #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
    #[serde(deny_unknown_fields, rename_all = "kebab-case")]
    struct Kind {
        #[allow(dead_code)]
        base: String,
        #[serde(default)]
        idle: Option<config::Duration>,
    }
    let text = "[adapters.ehr]\nkind = \"fhir-rest\"\nbase = \"https://a\"\nidle = \"2s\"\ndeadline = \"5s\"\n\
        [[routes]]\nadapter = \"ehr\"\n";
    let config = config::parse("x", text).unwrap();
    assert_eq!(config.adapters["ehr"].deadline, config::Duration::from_secs(5));
    let kind: Kind = config.adapters["ehr"].settings.read().unwrap();
    assert_eq!(kind.idle, Some(config::Duration::from_secs(2)));

    let wrong = text.replace("base = \"https://a\"\nidle = \"2s\"", "bas = \"https://a\"\nidle = \"2\"");
    let config: Config = config::parse("x", &wrong).unwrap();
    let faults = config.adapters["ehr"].settings.read::<Kind>().unwrap_err();
    let rendered = config.report(faults).unwrap_err().to_string();
    assert!(rendered.contains("x:3:1") && rendered.contains("did you mean `base`?"), "{rendered}");
    assert!(rendered.contains("x:4:8"), "{rendered}");
    assert!(rendered.contains("x:1:1") && rendered.contains("`base` is missing"), "{rendered}");
}

#[test]
fn a_terminology_server_needs_a_private_url_and_whole_credentials() {
    let with = |settings: &str| format!("{STORE}[terminology]\n{settings}\n");
    for (settings, line) in [
        ("server = \"http://tx.example/r4\"", 6),
        ("server = \"https://tx.example/r4?x=1\"", 6),
        ("server = \"https://tx.example/r4\"\nuser = \"u\"", 7),
        ("server = \"https://tx.example/r4\"\ntoken = { file = \"/nowhere/token\" }", 7),
        ("server = \"https://tx.example/r4\"\ntime = \"0ms\"", 7),
    ] {
        let found = faults(&with(settings));
        assert_eq!(found.iter().map(|fault| fault.0).collect::<Vec<_>>(), [line], "{settings}: {found:?}");
    }
    assert!(!faults(&with("token = { file = \"/nowhere\" }")).is_empty());
}
