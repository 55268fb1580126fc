//! BCP 13: media types.

/// Whether a text is a media type: `text/plain; charset=utf-8` (RFC 6838 4.2, RFC 2045 5.1).
#[must_use]
pub fn is_media_type(text: &str) -> bool {
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

/// `name=value` or `name="any text"`; an empty one stands behind a last semicolon.
fn is_parameter(parameter: &str) -> bool {
    let parameter = parameter.trim();
    let Some((name, value)) = parameter.split_once('=') else { return parameter.is_empty() };
    let quoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    is_token(name) && (is_token(value) || quoted.is_some_and(|text| !text.contains('"')))
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_with_suffixes_and_parameters_are_read() {
        for text in ["text/plain", "application/fhir+json", "text/x; charset=utf-8; a=\"b;c\"", "image/*"] {
            assert!(is_media_type(text), "{text}");
        }
        for text in ["", "text", "text/", "/plain", "text/a b", "text/plain; charset", "text/é", "a/b/c"] {
            assert!(!is_media_type(text), "{text}");
        }
    }
}
