//! What stands around every page, and the header fields that keep a browser from doing anything else with it.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Response, StatusCode, header};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use super::pages::PAGES;
use crate::listener::Body;
use crate::respond;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// A mark of our own as the page's icon, so that none is asked for.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' \
                    height='16' rx='4' fill='%23135e63'/%3E%3Cpath d='M5 4h6M5 8h4M5 4v8' stroke='white' \
                    stroke-width='1.8' fill='none' stroke-linecap='round'/%3E%3C/svg%3E";

/// Nothing is loaded, run or shown in a frame but what stands in the page itself, by its hash.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});

/// A page for somebody who is signed in.
pub(super) fn page(path: &str, title: &str, form: &str, body: &Markup) -> Markup {
    let header = html! {
        nav aria-label="Pages" {
            ul {
                @for page in &PAGES {
                    li { a href=(address(page.path)) aria-current=[(page.path == path).then_some("page")] { (page.title) } }
                }
            }
        }
        form method="post" action="/admin/sign-out" {
            input type="hidden" name="form" value=(form);
            button .quiet type="submit" { "Sign out" }
        }
    };
    let main = html! {
        div .title {
            h1 { (title) }
            p .stamp { a href=(address(path)) { "Refresh" } }
        }
        (body)
    };
    document(title, &header, &main, true)
}

/// A page for anybody.
pub(super) fn plain(title: &str, body: &Markup) -> Markup {
    document(title, &html! {}, body, false)
}

fn document(title: &str, header: &Markup, main: &Markup, refreshes: bool) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " – Frontdesk" }
                link rel="icon" href=(ICON);
                style { (PreEscaped(STYLE)) }
            }
            body {
                a .skip href="#main" { "Skip to the content" }
                header .top { div .bar { span .brand { "Frontdesk" } (header) } }
                main #main tabindex="-1" data-refresh=[refreshes.then_some("10")] { (main) }
                footer { p { "Frontdesk " (env!("CARGO_PKG_VERSION")) } }
                @if refreshes { script { (PreEscaped(SCRIPT)) } }
            }
        }
    }
}

/// Where a page is.
pub(super) fn address(path: &str) -> String {
    if path.is_empty() { "/admin".to_owned() } else { format!("/admin/{path}") }
}

/// A page as a response.
pub(super) fn respond(status: StatusCode, page: Markup) -> Response<Body> {
    let mut response = respond::json(status, page.into_string());
    let text = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}

/// A way to another page.
pub(super) fn see(location: &str) -> Response<Body> {
    let mut response = respond::empty(StatusCode::SEE_OTHER);
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// The fields of every answer of the console.
pub(super) fn protect(response: &mut Response<Body>, encrypted: bool) {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY.clone());
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    headers.insert("permissions-policy", HeaderValue::from_static("camera=(), geolocation=(), microphone=()"));
    if encrypted {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
}

/// A table that becomes a list of cards on a phone. The roles stay with it there.
pub(super) fn table<const N: usize>(caption: &str, columns: [&str; N], rows: Vec<[Markup; N]>) -> Markup {
    html! {
        table role="table" {
            caption { (caption) }
            thead role="rowgroup" {
                tr role="row" { @for column in columns { th scope="col" role="columnheader" { (column) } } }
            }
            tbody role="rowgroup" {
                @for row in rows {
                    tr role="row" {
                        @for (place, (cell, column)) in row.into_iter().zip(columns).enumerate() {
                            @if place == 0 {
                                th scope="row" role="rowheader" { (cell) }
                            } @else {
                                td role="cell" data-label=(column) { span { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Words with a mark of how good or bad they are; the words alone say it too.
pub(super) fn badge(tone: Tone, text: &str) -> Markup {
    html! { span class={ "badge " (tone.class()) } { (text) } }
}

/// How good or bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// As it should be.
    Good,
    /// Worth a look.
    Warning,
    /// Something does not work.
    Bad,
}

impl Tone {
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Bad => "bad",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_escaped_in_text_and_attributes() {
        let hostile = r#"<script>alert(1)</script>"><img src=x onerror=alert(1)>"#;
        let rows = vec![[html! { (hostile) }, badge(Tone::Bad, hostile)]];
        let page = page("", hostile, hostile, &table(hostile, ["a", hostile], rows)).into_string();
        assert_eq!(page.matches("<script").count(), 1, "our own alone");
        assert!(!page.contains("<img"), "{page}");
    }

    #[test]
    fn the_policy_names_the_hashes_of_what_stands_in_the_page() {
        let policy = POLICY.to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && policy.matches("sha256-").count() == 2, "{policy}");
        assert!(!policy.contains("unsafe"));
        for text in [STYLE, SCRIPT] {
            assert!(!text.contains("</"), "it would end its element");
        }
    }
}
