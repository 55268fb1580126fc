//! BCP 13: media types.

/// Whether a text is a media type: `text/plain; charset=utf-8` (RFC 6838 4.2), or one of the short names of FHIR's own
/// (http.html#mime-type). Values of parameters are taken as they come: senders leave out the quotes.
#[must_use]
pub fn is_media_type(text: &str) -> bool {
    if matches!(text, "xml" | "json" | "ttl") {
        return true;
    }
    let (name, parameters) = text.split_once(';').map_or((text, None), |(name, rest)| (name, Some(rest)));
    let Some((kind, subtype)) = name.trim_end().split_once('/') else { return false };
    is_token(kind) && is_token(subtype) && parameters.is_none_or(|parameters| split(parameters).all(is_parameter))
}

/// Parameters, at semicolons outside of quotes.
fn split(parameters: &str) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    parameters.split(move |symbol| {
        is_quoted ^= symbol == '"';
        symbol == ';' && !is_quoted
    })
}

/// `name=value`; an empty one stands behind a last semicolon.
fn is_parameter(parameter: &str) -> bool {
    let parameter = parameter.trim();
    match parameter.split_once('=') {
        Some((name, value)) => is_token(name) && !value.is_empty() && !value.contains(char::is_control),
        None => parameter.is_empty(),
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_with_suffixes_and_parameters_are_read() {
        for text in [
            "text/plain",
            "application/fhir+json",
            "text/x; charset=utf-8; a=\"b;c\"",
            "image/*",
            "json",
            "application/dicom; variant=DICOM WADO-RS",
        ] {
            assert!(is_media_type(text), "{text}");
        }
        for text in ["", "text", "text/", "/plain", "text/a b", "text/plain; charset", "text/é", "a/b/c"] {
            assert!(!is_media_type(text), "{text}");
        }
    }
}
