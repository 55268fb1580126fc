//! `Prefer` (RFC 7240, http.html#ops).

use fhir::Handling;
use http::HeaderMap;

use super::{Preferences, Returns};

/// Reads every Prefer field. What is unknown is passed over (RFC 7240 2).
pub(super) fn read(headers: &HeaderMap) -> Preferences {
    let mut preferences = Preferences::default();
    let mut seen: Vec<String> = Vec::new();
    for field in headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok()) {
        for preference in split(field, ',') {
            let preference = split(preference, ';').next().unwrap_or_default();
            let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
            let name = name.trim().to_ascii_lowercase();
            // RFC 7240 2: of several with one name, the first is the one that counts.
            if !seen.contains(&name) {
                apply(&mut preferences, &name, value.trim().trim_matches('"'));
                seen.push(name);
            }
        }
    }
    preferences
}

/// The parts between separators that stand outside of quotes.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.split(move |character| {
        let is_bare = !is_quoted;
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ => {}
        }
        is_bare && character == separator
    })
}

fn apply(preferences: &mut Preferences, name: &str, value: &str) {
    match (name, value) {
        ("return", "minimal") => preferences.returns = Some(Returns::Minimal),
        ("return", "representation") => preferences.returns = Some(Returns::Representation),
        ("return", "OperationOutcome") => preferences.returns = Some(Returns::OperationOutcome),
        ("handling", "lenient") => preferences.handling = Handling::Lenient,
        ("respond-async", _) => preferences.respond_async = true,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preferences(fields: &[&str]) -> Preferences {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append("prefer", field.parse().unwrap());
        }
        read(&headers)
    }

    #[test]
    fn preferences_of_several_fields_are_read_and_unknown_ones_are_passed_over() {
        let preferences = preferences(&["return=OperationOutcome; foo=1, wait=10", "Handling = \"lenient\""]);
        assert_eq!(preferences.returns, Some(Returns::OperationOutcome));
        assert_eq!((preferences.handling, preferences.respond_async), (Handling::Lenient, false));
    }

    #[test]
    fn the_first_of_several_preferences_with_one_name_counts() {
        let preferences = preferences(&["handling=strict, return=minimal", "handling=lenient, return=representation"]);
        assert_eq!((preferences.handling, preferences.returns), (Handling::Strict, Some(Returns::Minimal)));
    }

    #[test]
    fn what_stands_in_quotes_is_no_preference_of_its_own() {
        let preferences = preferences(&[r#"foo="a\", return=minimal, ; b", respond-async"#]);
        assert_eq!((preferences.returns, preferences.respond_async), (None, true));
    }
}
