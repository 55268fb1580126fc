//! `Prefer` (RFC 7240, http.html#ops).

use http::HeaderMap;

use super::{Preferences, Returns};

/// Reads every Prefer field. What is unknown is passed over (RFC 7240 2).
pub(super) fn read(headers: &HeaderMap) -> Preferences {
    let mut preferences = Preferences::default();
    for value in headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok()) {
        for preference in value.split(',') {
            let preference = preference.split(';').next().unwrap_or_default();
            let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
            apply(&mut preferences, name.trim(), value.trim().trim_matches('"'));
        }
    }
    preferences
}

fn apply(preferences: &mut Preferences, name: &str, value: &str) {
    match name.to_ascii_lowercase().as_str() {
        "return" => {
            preferences.returns = match value {
                "minimal" => Some(Returns::Minimal),
                "representation" => Some(Returns::Representation),
                "OperationOutcome" => Some(Returns::OperationOutcome),
                _ => preferences.returns,
            };
        }
        "handling" => preferences.strict = value == "strict",
        "respond-async" => preferences.respond_async = true,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_of_several_fields_are_read_and_unknown_ones_are_passed_over() {
        let mut headers = HeaderMap::new();
        headers.append("prefer", "return=OperationOutcome; foo=1, wait=10".parse().unwrap());
        headers.append("prefer", "handling=strict".parse().unwrap());
        let preferences = read(&headers);
        assert_eq!(preferences.returns, Some(Returns::OperationOutcome));
        assert!(preferences.strict && !preferences.respond_async);
    }
}
