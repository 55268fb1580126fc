//! Tokens of an outside issuer: oidc-provider, as others run it.

use crate::support::gateway::Site;
use crate::support::peers::Issuer;
use crate::support::{free_port, patient};

const STORE: &str = "[adapters.store]\nkind = \"store\"\n[[routes]]\nadapter = \"store\"\ntypes = [\"*\"]\n";

fn trusting(issuer: &str, more: &str) -> Site {
    let site = Site::with("");
    site.configure(
        "",
        &format!("{STORE}\n[issuers.outside]\nurl = \"{issuer}\"\nscopes = \"system/*.cruds\"\n{more}\n"),
    );
    site
}

#[tokio::test]
async fn a_token_of_a_trusted_issuer_works_within_its_scope() {
    let port = free_port();
    let site = trusting(&format!("http://127.0.0.1:{port}"), "");
    let mut issuer = Issuer::start(port, &site.base());
    assert_eq!(issuer.url, format!("http://127.0.0.1:{port}"));
    let gateway = site.serve();
    let http = gateway.anonymous().with_token(Some(&issuer.token("system/*.rs")));
    http.get("/Patient?name=x").await.expect(200);
    http.post("/Patient", patient("Outside")).await.expect_issue(403, "forbidden");
    let http = gateway.anonymous().with_token(Some(&issuer.token("system/Patient.rs")));
    http.get("/Patient?name=x").await.expect(200);
    http.get("/Appointment?status=booked").await.expect_issue(403, "forbidden");
    let http = gateway.anonymous().with_token(Some(&issuer.token("system/*.cruds")));
    http.post("/Patient", patient("Outside")).await.expect(201);
}

#[tokio::test]
async fn what_the_configuration_does_not_grant_an_issuer_its_tokens_do_not_have() {
    let port = free_port();
    let issuer_url = format!("http://127.0.0.1:{port}");
    let site = Site::with("");
    site.configure(
        "",
        &format!("{STORE}\n[issuers.outside]\nurl = \"{issuer_url}\"\nscopes = \"system/Patient.rs\"\n"),
    );
    let mut issuer = Issuer::start(port, &site.base());
    let gateway = site.serve();
    let http = gateway.anonymous().with_token(Some(&issuer.token("system/*.cruds")));
    http.get("/Patient?name=x").await.expect(200);
    http.post("/Patient", patient("Outside")).await.expect_issue(403, "forbidden");
}

#[tokio::test]
async fn a_token_for_somebody_else_of_somebody_else_or_changed_is_refused() {
    let port = free_port();
    let site = trusting(&format!("http://127.0.0.1:{port}"), "");
    let gateway = site.serve();
    {
        let mut elsewhere = Issuer::start(port, "https://elsewhere.example/fhir");
        let token = elsewhere.token("system/*.rs");
        gateway.anonymous().with_token(Some(&token)).get("/Patient?name=x").await.expect(401);
    }
    let mut issuer = Issuer::start(port, &site.base());
    let token = issuer.token("system/*.rs");
    let (rest, signature) = token.rsplit_once('.').unwrap();
    let changed = format!("{rest}.{}", signature.chars().rev().collect::<String>());
    gateway.anonymous().with_token(Some(&changed)).get("/Patient?name=x").await.expect(401);
    let stranger_port = free_port();
    let mut stranger = Issuer::start(stranger_port, &site.base());
    let token = stranger.token("system/*.rs");
    gateway.anonymous().with_token(Some(&token)).get("/Patient?name=x").await.expect(401);
}
