//! Signing in and out.

use std::time::Duration;

use bytes::Bytes;
use fhir::Query;
use form_urlencoded::Serializer;
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use maud::html;

use super::console::{Console, Refused, known_page};
use super::door::{self, Connection};
use super::frame;
use crate::listener::Body;

/// The session's cookie.
pub(super) const COOKIE: &str = "frontdesk-admin";
const PATH: &str = "/admin/sign-in";
/// A form of ours is shorter.
const LONGEST_FORM: usize = 4 * 1024;
/// How long it may take to arrive.
const PATIENCE: Duration = Duration::from_secs(5);

/// The form; it leads to where its query says.
pub(super) fn page(head: &Parts) -> Response<Body> {
    form(&Query::parse(head.uri.query().unwrap_or_default()), None)
}

/// The form; `refused` says why somebody sees it again.
fn form(asked: &Query, refused: Option<Refused>) -> Response<Body> {
    let next = own_page(asked.first("next").unwrap_or_default());
    let (title, error) = ("Sign in", refused.map(Refused::text));
    let body = html! {
        div .door.card {
            h1 { "Frontdesk" }
            p { "These pages are for who looks after the gateway. Get the token on its machine with " code { "frontdesk admin token" } "." }
            @if let Some(error) = &error { p .error #error role="alert" { (error) } }
            form method="post" action=(PATH) {
                input type="hidden" name="next" value=(next);
                label for="token" { "Token" }
                input #token type="password" name="token" required autocomplete="current-password" maxlength="256" autofocus
                    aria-describedby=[error.as_ref().map(|_| "error")] aria-invalid=[error.as_ref().map(|_| "true")];
                button type="submit" { "Sign in" }
            }
        }
    };
    let status = refused.map_or(StatusCode::OK, Refused::status);
    let mut response = frame::respond(status, frame::plain(title, &body));
    if let Some(refused) = refused.filter(|refused| matches!(refused, Refused::TooOften(_))) {
        refused.tell(response.headers_mut());
    }
    response
}

/// Where the form is, for somebody who asked for a page.
pub(super) fn address(head: &Parts) -> String {
    match own_page(head.uri.path()) {
        "/admin" => PATH.to_owned(),
        next => format!("{PATH}?{}", Serializer::new(String::new()).append_pair("next", next).finish()),
    }
}

/// One of our pages, so that nobody is led anywhere else.
fn own_page(path: &str) -> &str {
    known_page(path).map_or("/admin", |_| path)
}

impl Console {
    pub(super) async fn sign_in(&self, head: &Parts, body: Incoming, connection: Connection) -> Response<Body> {
        let Some(sent) = read(body).await else { return form(&Query::default(), Some(Refused::Stranger)) };
        let digest = match self.check(sent.first("token").unwrap_or_default().trim(), connection) {
            Ok(digest) => digest,
            Err(refused) => return form(&sent, Some(refused)),
        };
        tracing::info!(address = %connection.address, "an operator signed in at the admin port");
        // Whatever the browser had before ends: a session is never taken over.
        if let Some(before) = door::cookie(&head.headers, COOKIE) {
            self.sessions.end(before);
        }
        let mut response = frame::see(own_page(sent.first("next").unwrap_or_default()));
        set_cookie(&mut response, &self.sessions.begin(digest), connection, "");
        response
    }

    pub(super) async fn sign_out(&self, head: &Parts, body: Incoming, connection: Connection) -> Response<Body> {
        let form = read(body).await.unwrap_or_default();
        let signed = self.signed(&head.headers);
        let is_meant = signed.is_some_and(|signed| form.first("form") == Some(&*signed.form));
        if let Some(cookie) = door::cookie(&head.headers, COOKIE).filter(|_| is_meant) {
            self.sessions.end(cookie);
            tracing::info!(address = %connection.address, "an operator signed out at the admin port");
        }
        let mut response = frame::see(PATH);
        if is_meant {
            set_cookie(&mut response, "", connection, "; Max-Age=0");
        }
        response
    }
}

fn set_cookie(response: &mut Response<Body>, value: &str, connection: Connection, more: &str) {
    let secure = if connection.encrypted { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={value}; Path=/admin; HttpOnly; SameSite=Strict{secure}{more}");
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
}

/// A form, when it is one and comes in time.
async fn read(body: Incoming) -> Option<Query> {
    let read = tokio::time::timeout(PATIENCE, Limited::new(body, LONGEST_FORM).collect()).await;
    let bytes: Bytes = read.ok()?.ok()?.to_bytes();
    std::str::from_utf8(&bytes).ok().map(Query::parse)
}
