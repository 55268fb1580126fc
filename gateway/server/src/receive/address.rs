//! Whose address counts.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, header};

/// The client's address: the peer's, or, when the peer is a named proxy, the last one in `Forwarded` or `X-Forwarded-For` that is
/// no named proxy. Everything before it was written by strangers.
pub(super) fn of_client(headers: &HeaderMap, peer: IpAddr, proxies: &[IpAddr]) -> IpAddr {
    if !proxies.contains(&peer) {
        return peer;
    }
    let chain = if headers.contains_key(header::FORWARDED) { forwarded(headers) } else { x_forwarded_for(headers) };
    for hop in chain.into_iter().rev() {
        match hop {
            Some(address) if proxies.contains(&address) => {}
            Some(address) => return address,
            // Hidden or unreadable: nothing before it can be believed.
            None => return peer,
        }
    }
    peer
}

fn x_forwarded_for(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    list(headers, "x-forwarded-for").map(|text| parse(&text)).collect()
}

/// RFC 7239: `for=192.0.2.1;proto=https, for="[2001:db8::1]:4711"`.
fn forwarded(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    list(headers, "forwarded")
        .map(|element| {
            element.split(';').find_map(|pair| {
                let (name, value) = pair.split_once('=')?;
                name.trim().eq_ignore_ascii_case("for").then(|| parse(value)).flatten()
            })
        })
        .collect()
}

fn list(headers: &HeaderMap, name: &str) -> impl Iterator<Item = String> {
    let all: Vec<&str> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    all.join(",").split(',').map(|item| item.trim().to_owned()).collect::<Vec<_>>().into_iter()
}

fn parse(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let bare = text.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(text, |(inner, _)| inner);
    let address = bare.parse().or_else(|_| text.parse().map(|socket: SocketAddr| socket.ip())).ok()?;
    Some(IpAddr::to_canonical(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, name: &'static str, value: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        let proxies = ["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()];
        of_client(&headers, peer.parse().unwrap(), &proxies).to_string()
    }

    #[test]
    fn forwarding_fields_count_only_from_named_proxies_and_only_what_they_added() {
        for (peer, name, value, expected) in [
            ("192.0.2.9", "x-forwarded-for", "198.51.100.1", "192.0.2.9"),
            ("10.0.0.1", "x-forwarded-for", "198.51.100.1", "198.51.100.1"),
            ("10.0.0.1", "x-forwarded-for", "6.6.6.6, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
            ("10.0.0.1", "x-forwarded-for", "6.6.6.6, unknown", "10.0.0.1"),
            ("10.0.0.1", "forwarded", "for=6.6.6.6, for=\"[2001:db8::1]:4711\";proto=https", "2001:db8::1"),
            ("10.0.0.1", "forwarded", "for=198.51.100.1:80;by=10.0.0.1", "198.51.100.1"),
            ("10.0.0.1", "x-forwarded-for", "", "10.0.0.1"),
        ] {
            assert_eq!(client(peer, name, value), expected, "{value}");
        }
    }
}
