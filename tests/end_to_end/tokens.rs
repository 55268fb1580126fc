//! `frontdesk client` and `frontdesk token` against a running gateway.

use crate::support::Http;
use crate::support::gateway::{EVERYTHING, Site, run, run_well};

#[tokio::test]
async fn a_token_comes_from_the_gateways_url_or_the_fhir_base_with_either_kind_of_key() {
    let site = Site::on_store();
    let gateway = site.serve();
    for algorithm in ["ES384", "RS384"] {
        let key = site.client(&format!("with-{algorithm}"), "system/Patient.rs", &["--alg", algorithm]);
        for url in [gateway.base.clone(), format!("http://127.0.0.1:{}", gateway.port)] {
            let client = format!("with-{algorithm}");
            let token = run_well(&["token", "--gateway", &url, "--client", &client, "--key", key.to_str().unwrap()]);
            assert_eq!(token.trim().split('.').count(), 3, "nothing but the token is printed: {token}");
            Http::new(&gateway.base, Some(token.trim())).get("/Patient?name=x").await.expect(200);
        }
    }
}

#[tokio::test]
async fn a_disabled_clients_tokens_die_at_once() {
    let site = Site::on_store();
    let gateway = site.serve();
    let key = site.client("leaver", "system/Patient.rs", &[]);
    let http = Http::new(&gateway.base, Some(&gateway.token("leaver", &key, &[])));
    http.get("/Patient?name=x").await.expect(200);
    run_well(&["client", "disable", "leaver", "--config", site.config().to_str().unwrap()]);
    http.get("/Patient?name=x").await.expect(401);
    let refused = run(&["token", "--gateway", &gateway.base, "--client", "leaver", "--key", key.to_str().unwrap()]);
    assert!(!refused.status.success() && refused.stdout.is_empty());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("invalid_client"));
}

#[tokio::test]
async fn a_scope_that_is_not_registered_is_not_granted() {
    let site = Site::on_store();
    let gateway = site.serve();
    let key = site.client("modest", "system/Patient.rs", &[]);
    let refused = run(&[
        "token",
        "--gateway",
        &gateway.base,
        "--client",
        "modest",
        "--key",
        key.to_str().unwrap(),
        "--scope",
        "system/Claim.cruds",
    ]);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("invalid_scope"));
    let token = gateway.token("modest", &key, &["--scope", EVERYTHING]);
    let http = Http::new(&gateway.base, Some(&token));
    http.get("/Patient?name=x").await.expect(200);
    http.get("/Claim?status=active").await.expect(403);
}

#[tokio::test]
async fn the_key_of_another_client_opens_nothing() {
    let site = Site::on_store();
    let gateway = site.serve();
    site.client("one", "system/Patient.rs", &[]);
    let other = site.client("other", "system/Patient.rs", &[]);
    let refused = run(&["token", "--gateway", &gateway.base, "--client", "one", "--key", other.to_str().unwrap()]);
    assert!(!refused.status.success());
}
