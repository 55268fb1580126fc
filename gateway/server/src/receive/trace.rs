//! X-Request-Id and W3C Trace Context.

use std::sync::Arc;

use adapter::Trace;
use http::{HeaderMap, HeaderName};

/// The trace of a request, and whether its caller says that it is sampled.
pub(super) fn read(headers: &HeaderMap) -> (Trace, Option<bool>) {
    let parent = text(headers, "traceparent", 55).and_then(|value| sampled(value).map(|sampled| (value, sampled)));
    let state = parent.and_then(|_| text(headers, "tracestate", 512));
    let trace = Trace {
        request_id: request_id(headers),
        traceparent: parent.map(|(value, _)| value.into()),
        tracestate: state.map(Arc::from),
    };
    (trace, parent.map(|(_, sampled)| sampled))
}

/// The client's X-Request-Id when it is sane (http.html#custom-headers), or one of ours.
fn request_id(headers: &HeaderMap) -> Arc<str> {
    let sane = |id: &&str| {
        !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    match text(headers, "x-request-id", 64).filter(sane) {
        Some(id) => id.into(),
        None => {
            let id = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
            let mut buffer = uuid::Uuid::encode_buffer();
            Arc::from(&*id.hyphenated().encode_lower(&mut buffer))
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &'static str, most: usize) -> Option<&'a str> {
    headers.get(HeaderName::from_static(name))?.to_str().ok().filter(|text| text.len() <= most)
}

/// Reads the flag of a version 00 `traceparent`; none when it is broken.
fn sampled(value: &str) -> Option<bool> {
    let mut parts = value.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let zero = |text: &str| text.bytes().all(|byte| byte == b'0');
    let sound = version == "00" && hex(trace, 32) && hex(span, 16) && hex(flags, 2) && parts.next().is_none();
    (sound && !zero(trace) && !zero(span)).then_some(())?;
    u8::from_str_radix(flags, 16).ok().map(|flags| flags & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sane_request_id_is_taken_and_any_other_is_replaced() {
        let mut headers = HeaderMap::new();
        headers.insert("x-request-id", "abc-1".parse().unwrap());
        assert_eq!(&*read(&headers).0.request_id, "abc-1");
        for odd in ["", "a b", "a\"b", "x<script>", &"a".repeat(65)] {
            headers.insert("x-request-id", odd.parse().unwrap());
            assert_eq!(read(&headers).0.request_id.len(), 36, "{odd}");
        }
    }

    #[test]
    fn a_broken_traceparent_is_dropped_with_its_state() {
        let sound = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        for (value, expected) in [
            (sound, Some(true)),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", Some(false)),
            ("00-00000000000000000000000000000000-00f067aa0ba902b7-01", None),
            ("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", None),
            ("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", None),
            ("00-4bf92f35-00f067aa0ba902b7-01", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("traceparent", value.parse().unwrap());
            headers.insert("tracestate", "a=b".parse().unwrap());
            let (trace, sampled) = read(&headers);
            assert_eq!(sampled, expected, "{value}");
            assert_eq!(trace.tracestate.is_some(), expected.is_some());
        }
    }
}
