//! Who may come in at all, before it is asked who they are: where the request came from, and what a browser says of it.

use std::net::IpAddr;

use http::request::Parts;
use http::{HeaderMap, header};

use crate::listener::Peer;
use crate::receive::Envelope;

/// What is known of the connection that a request came over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Connection {
    /// The browser's address.
    pub(super) address: IpAddr,
    /// Whether what it sends is encrypted on its way.
    pub(super) encrypted: bool,
}

impl Connection {
    /// By the connection, and by what a named proxy says of its own.
    pub(super) fn of(head: &Parts, peer: &Peer, envelope: &Envelope, proxies: &[IpAddr]) -> Self {
        let is_proxy = proxies.contains(&peer.address.to_canonical());
        Self { address: envelope.address, encrypted: peer.encrypted || is_proxy && says_https(&head.headers) }
    }

    /// A token over plain HTTP stays on the machine.
    pub(super) fn is_private(&self) -> bool {
        self.encrypted || self.address.to_canonical().is_loopback()
    }
}

fn says_https(headers: &HeaderMap) -> bool {
    let last =
        |name| headers.get_all(name).iter().next_back().and_then(|value| value.to_str().ok()).unwrap_or_default();
    let forwarded = last("forwarded").rsplit(',').next().unwrap_or_default().to_ascii_lowercase();
    let proto = last("x-forwarded-proto").rsplit(',').next().unwrap_or_default();
    forwarded.split(';').any(|pair| pair.trim().trim_matches('"') == "proto=https")
        || proto.trim().eq_ignore_ascii_case("https")
}

/// The authority that the request names: `:authority` of HTTP/2, else the one Host.
pub(super) fn authority(head: &Parts) -> Option<&str> {
    let mut hosts = head.headers.get_all(header::HOST).iter();
    match (head.uri.authority(), hosts.next(), hosts.next()) {
        (_, _, Some(_)) => None,
        (Some(authority), _, _) => Some(authority.as_str()),
        (None, host, None) => host?.to_str().ok(),
    }
}

/// Whether a host is one that the operator's pages are asked under: an address, this machine, or what the public URL says.
/// Any other name may be made to lead here by whoever owns it (DNS rebinding).
pub(super) fn is_known_host(authority: &str, public: Option<&str>) -> bool {
    let bare = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    };
    bare.parse::<IpAddr>().is_ok()
        || bare.eq_ignore_ascii_case("localhost")
        || public.is_some_and(|public| bare.eq_ignore_ascii_case(public))
}

/// Whether a form was sent by a page of our own. A browser says so in one of two fields, which no page can forge.
pub(super) fn is_own_form(head: &Parts, authority: &str) -> bool {
    let field = |name| head.headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    match (field("sec-fetch-site"), field("origin")) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => origin.split_once("://").is_some_and(|(_, origin)| origin == authority),
        (None, None) => false,
    }
}

/// The cookie of that name.
pub(super) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let fields = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = fields.flat_map(|field| field.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// The token of `Authorization: Bearer`.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn head(fields: &[(&'static str, &str)]) -> Parts {
        let request = fields.iter().fold(Request::builder(), |request, (name, value)| request.header(*name, *value));
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_name_that_somebody_else_may_point_here_is_not_taken() {
        for known in ["127.0.0.1:8081", "[::1]:8081", "10.0.0.7", "LOCALHOST:8081", "gw.example:8081", "[::1]"] {
            assert!(is_known_host(known, Some("gw.example")), "{known}");
        }
        for strange in ["evil.example:8081", "localhost.evil.example", "gw.example.evil", "", "127.0.0.1.nip.io", "[x]"]
        {
            assert!(!is_known_host(strange, Some("gw.example")), "{strange}");
        }
    }

    #[test]
    fn a_form_of_another_page_is_not_ours() {
        let is_own = |fields: &[(&'static str, &str)]| is_own_form(&head(fields), "127.0.0.1:8081");
        assert!(is_own(&[("sec-fetch-site", "same-origin"), ("origin", "null")]));
        assert!(is_own(&[("origin", "http://127.0.0.1:8081")]));
        assert!(!is_own(&[("sec-fetch-site", "same-site"), ("origin", "http://127.0.0.1:8081")]));
        assert!(!is_own(&[("origin", "http://127.0.0.1:3000")]));
        assert!(!is_own(&[("origin", "null")]));
        assert!(!is_own(&[]));
    }

    #[test]
    fn the_authority_is_one() {
        assert_eq!(authority(&head(&[("host", "a:1")])), Some("a:1"));
        assert_eq!(authority(&head(&[("host", "a"), ("host", "b")])), None);
        assert_eq!(authority(&head(&[])), None);
    }

    #[test]
    fn plain_http_is_private_on_the_machine_only_and_only_a_named_proxy_says_that_it_is_https() {
        let far: IpAddr = "192.0.2.7".parse().unwrap();
        let proxy: IpAddr = "127.0.0.1".parse().unwrap();
        let connection = |peer: IpAddr, fields: &[(&'static str, &str)]| {
            let (head, peer) = (head(fields), Peer { address: peer, certificate: None, encrypted: false });
            let envelope = Envelope::open(&head.headers, &peer, &[proxy], std::time::Instant::now());
            Connection::of(&head, &peer, &envelope, &[proxy]).is_private()
        };
        assert!(connection(proxy, &[]));
        assert!(!connection(far, &[("x-forwarded-proto", "https")]));
        assert!(!connection(proxy, &[("x-forwarded-for", "192.0.2.7")]));
        assert!(connection(proxy, &[("x-forwarded-for", "192.0.2.7"), ("x-forwarded-proto", "https")]));
        assert!(connection(proxy, &[("forwarded", "for=192.0.2.7;proto=https")]));
    }

    #[test]
    fn cookies_and_bearer_tokens_are_found_by_name() {
        let head = head(&[("cookie", "a=1; frontdesk-admin=x"), ("authorization", "bearer t")]);
        assert_eq!(cookie(&head.headers, "frontdesk-admin"), Some("x"));
        assert_eq!((cookie(&head.headers, "b"), bearer(&head.headers)), (None, Some("t")));
    }
}
