//! Who is let in where.

use std::time::{SystemTime, UNIX_EPOCH};

use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{Client, ROUTES, Town};

#[tokio::test]
async fn a_token_is_good_at_its_own_practice_and_refused_at_every_other() {
    let town = Town::open().await;
    let clients = [town.client("north").await, town.client("south").await, town.client("default").await];
    for client in &clients {
        // Once before it is remembered, once after.
        for at in ["north", "south", "default", "north", "south", "default"] {
            let answer = client.ask_at(at, Method::GET, "/Patient", &[], &Value::Null).await;
            let expected = if at == client.practice { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
            assert_eq!(answer.status, expected, "of {} at {at}", client.practice);
        }
    }
    let created =
        clients[0].ask_at("south", Method::POST, "/Patient", &[], &json!({ "resourceType": "Patient" })).await;
    assert_eq!(created.status, StatusCode::UNAUTHORIZED);
    assert_eq!(clients[1].get("/Patient?_summary=count").await.json()["total"], 0);
}

#[tokio::test]
async fn a_token_endpoint_knows_the_clients_of_its_practice_and_takes_no_assertion_for_another() {
    let town = Town::open().await;
    let url = |practice: &str| format!("{}/auth/token", town.root(practice));
    for (client, audience, at) in [
        ("norther", "north", "south"),
        ("norther", "south", "south"),
        ("norther", "default", "default"),
        ("souther", "north", "south"),
        ("tester", "north", "north"),
        ("tester", "default", "north"),
        ("norther", "north", "default"),
    ] {
        let assertion = town.0.assertion(client, &url(audience));
        let answer = town.0.token_at(&url(at), &assertion, "system/*.rs", "").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{client} for {audience} at {at}");
        assert_eq!(answer.json()["error"], "invalid_client");
        assert!(!answer.json().to_string().contains("access_token"));
    }
    assert_eq!(
        town.0.token_at(&url("north"), &town.0.assertion("norther", &url("north")), "system/*.rs", "").await.status,
        200
    );
}

/// An issuer that says of every token that it is good, and has the clients' keys as its own.
async fn issuer(keys: Value) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let keys = keys.clone();
            tokio::spawn(async move {
                let mut asked = vec![0; 8192];
                let read = stream.read(&mut asked).await.unwrap_or(0);
                let is_question = asked[..read].starts_with(b"POST");
                let body = if is_question {
                    json!({ "active": true, "scope": "system/*.cruds", "client_id": "guest" }).to_string()
                } else {
                    keys.to_string()
                };
                let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
                let _ = stream
                    .write_all(format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes())
                    .await;
            });
        }
    });
    url
}

#[tokio::test]
async fn an_outside_issuer_is_believed_by_the_practice_that_names_it() {
    // The key of the clients is made with the gateway, which must know the issuer: it is told where it is, and the keys come later.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    drop(listener);
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "secret").unwrap();
    let asked = issuer(Value::Null).await;
    let further = format!(
        "{ROUTES}\n[issuers.signs]\nurl = \"http://{at}\"\njwks-url = \"http://{at}/jwks\"\npractice = \"north\"\n\
         [issuers.knows]\nurl = \"{asked}\"\npractice = \"north\"\n\
         introspection = {{ url = \"{asked}/introspect\", client = \"us\", secret = {{ file = \"{}\" }} }}\n",
        secret.path().display()
    );
    let town = Town::with(&further).await;
    serve_at(at, town.0.keys()).await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({ "iss": format!("http://{at}"), "sub": "guest", "client_id": "guest", "exp": now + 60,
        "aud": [town.base("north"), town.base("south")], "scope": "system/*.cruds" });
    for token in [town.0.signed(&claims, Some("at+jwt")), "an-opaque-token".to_owned()] {
        let client = Client { town: &town, practice: "north", token };
        for at in ["south", "north", "south", "default", "north"] {
            let answer = client.ask_at(at, Method::GET, "/Patient", &[], &Value::Null).await;
            let expected = if at == "north" { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
            assert_eq!(answer.status, expected, "{at}: {}", answer.json());
        }
    }
}

async fn serve_at(at: std::net::SocketAddr, keys: Value) {
    let listener = TcpListener::bind(at).await.unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut asked = vec![0; 8192];
            let _ = stream.read(&mut asked).await;
            let body = keys.to_string();
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
            let _ =
                stream.write_all(format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).await;
        }
    });
}
