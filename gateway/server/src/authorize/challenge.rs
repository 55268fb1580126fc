//! 401 and 403 as RFC 6750 3 writes them: WWW-Authenticate beside the OperationOutcome.

use fhir::IssueType;
use http::{StatusCode, header};

use crate::failure::Failure;

/// No token: RFC 6750 3.1 gives no error code then.
#[must_use]
pub(super) fn missing(realm: &str) -> Failure {
    Failure::new(StatusCode::UNAUTHORIZED, IssueType::Login, "expected `Authorization: Bearer` with an access token")
        .with_header(header::WWW_AUTHENTICATE, format!("Bearer realm=\"{}\"", quoted(realm)))
}

/// A token that is not good.
#[must_use]
pub(super) fn invalid(realm: &str, text: &str) -> Failure {
    let fields = format!("error=\"invalid_token\", error_description=\"{}\"", quoted(text));
    Failure::new(StatusCode::UNAUTHORIZED, IssueType::Login, text)
        .with_header(header::WWW_AUTHENTICATE, format!("Bearer realm=\"{}\", {fields}", quoted(realm)))
}

/// A good token that does not permit this; `scope` is one that would.
#[must_use]
pub(super) fn insufficient(realm: &str, text: &str, scope: &str) -> Failure {
    let fields =
        format!("error=\"insufficient_scope\", error_description=\"{}\", scope=\"{}\"", quoted(text), quoted(scope));
    Failure::new(StatusCode::FORBIDDEN, IssueType::Forbidden, text)
        .with_header(header::WWW_AUTHENTICATE, format!("Bearer realm=\"{}\", {fields}", quoted(realm)))
}

/// What RFC 6750 3 lets into a quoted field: printable ASCII without quotes and backslashes.
fn quoted(text: &str) -> String {
    let plain = |letter: char| match letter {
        '"' | '`' => '\'',
        ' '..='~' if letter != '\\' => letter,
        _ => '?',
    };
    text.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(failure: &Failure) -> &str {
        failure.headers.get(header::WWW_AUTHENTICATE).and_then(|value| value.to_str().ok()).expect("the field")
    }

    #[test]
    fn a_challenge_names_realm_error_and_scope() {
        assert_eq!(field(&missing("https://gw.example/fhir/r4")), r#"Bearer realm="https://gw.example/fhir/r4""#);
        let failure = insufficient("r", "expected `x`", "system/Patient.r");
        assert_eq!(failure.status, StatusCode::FORBIDDEN);
        assert_eq!(
            field(&failure),
            r#"Bearer realm="r", error="insufficient_scope", error_description="expected 'x'", scope="system/Patient.r""#
        );
    }

    #[test]
    fn no_text_breaks_out_of_its_quotes() {
        let failure = invalid("r", "a\"b\\c\r\nd\u{e9}");
        assert_eq!(field(&failure), r#"Bearer realm="r", error="invalid_token", error_description="a'b?c??d?""#);
    }
}
