//! Values that an element may have.

use definitions::{Element, Primitive};

/// A valid literal.
pub(crate) fn literal(element: Element<'static>, primitive: Primitive, nth_code: usize) -> String {
    let text = match primitive {
        Primitive::Boolean => return "true".to_owned(),
        Primitive::Decimal => return "1.5".to_owned(),
        Primitive::Integer | Primitive::PositiveInt | Primitive::UnsignedInt => return "1".to_owned(),
        Primitive::Base64Binary => "YQ==",
        Primitive::Canonical | Primitive::Url => "http://example.org/a",
        Primitive::Uri if element.name() == "type" => "Patient",
        Primitive::Uri if element.name() == "url" => "http://example.org/x",
        Primitive::Uri => "urn:example:a",
        Primitive::Code => code(element, nth_code),
        Primitive::Date => "2020-01-01",
        Primitive::DateTime | Primitive::Instant => "2020-01-01T10:00:00Z",
        Primitive::Time => "10:00:00",
        Primitive::Id | Primitive::String | Primitive::Markdown => "a",
        Primitive::Integer64 => "1",
        Primitive::Oid => "urn:oid:1.2.3",
        Primitive::Uuid => "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0",
        Primitive::Xhtml => "<div xmlns=\\\"http://www.w3.org/1999/xhtml\\\">a</div>",
    };
    format!("\"{text}\"")
}

/// A code of the element's binding: the first, or so many behind it.
pub(crate) fn code(element: Element<'static>, nth: usize) -> &'static str {
    let Some(binding) = element.binding() else { return "a" };
    let codes: Vec<_> = binding.value_set.into_iter().flat_map(|codes| codes.codes()).collect();
    if let Some((_, code)) = codes.get(nth % codes.len().max(1)) {
        return code;
    }
    match binding.url.rsplit('/').next().unwrap_or_default() {
        "mimetypes" => "text/plain",
        "languages" | "all-languages" => "en",
        "currencies" => "USD",
        "ucum-units" | "units-of-time" => "mg",
        "timezones" => "Europe/Berlin",
        _ => "a",
    }
}

/// A literal that breaks the format, of the right JSON type.
pub(crate) fn broken(primitive: Primitive) -> Option<&'static str> {
    Some(match primitive {
        Primitive::Boolean | Primitive::Decimal => return None,
        Primitive::Integer => "2147483648",
        Primitive::PositiveInt => "0",
        Primitive::UnsignedInt => "-1",
        Primitive::Integer64 => "\"9223372036854775808\"",
        Primitive::Base64Binary => "\"a\"",
        Primitive::Canonical | Primitive::Url | Primitive::Uri => "\"http://example.org/a b\"",
        Primitive::Code => "\" a\"",
        Primitive::Date => "\"2020-13-01\"",
        Primitive::DateTime => "\"2020-01-01T10:00\"",
        Primitive::Instant => "\"2020-01-01\"",
        Primitive::Time => "\"25:00:00\"",
        Primitive::Id => "\"a_b\"",
        Primitive::String | Primitive::Markdown => "\"\"",
        Primitive::Oid => "\"urn:oid:x\"",
        Primitive::Uuid => "\"urn:uuid:x\"",
        Primitive::Xhtml => "\"<div xmlns=\\\"http://www.w3.org/1999/xhtml\\\"><script>a</script></div>\"",
    })
}

/// A literal of another JSON type.
pub(crate) const fn other_type(primitive: Option<Primitive>) -> &'static str {
    match primitive {
        Some(
            Primitive::Boolean
            | Primitive::Decimal
            | Primitive::Integer
            | Primitive::PositiveInt
            | Primitive::UnsignedInt,
        )
        | None => "\"1\"",
        Some(_) => "1",
    }
}

/// Other valid literals, to break invariants with.
pub(crate) fn others(element: Element<'static>, primitive: Primitive) -> Vec<String> {
    let quoted = |texts: &[&str]| texts.iter().map(|text| format!("\"{text}\"")).collect();
    match primitive {
        Primitive::Boolean => vec!["true".to_owned(), "false".to_owned()],
        Primitive::Decimal | Primitive::Integer => vec!["-1000000".to_owned(), "0".to_owned(), "1000000".to_owned()],
        Primitive::PositiveInt | Primitive::UnsignedInt => vec!["1".to_owned(), "1000000".to_owned()],
        Primitive::Date => quoted(&["1000-01-01", "3000-01-01"]),
        Primitive::DateTime | Primitive::Instant => quoted(&["1000-01-01T00:00:00Z", "3000-01-01T00:00:00Z"]),
        Primitive::Code => {
            let codes = element.binding().and_then(|binding| binding.value_set);
            let codes: Vec<_> =
                codes.into_iter().flat_map(|codes| codes.codes()).map(|(_, code)| code).take(40).collect();
            quoted(&codes)
        }
        Primitive::Xhtml => vec![
            "\"<div xmlns=\\\"http://www.w3.org/1999/xhtml\\\"><script>a</script></div>\"".to_owned(),
            "\"<div xmlns=\\\"http://www.w3.org/1999/xhtml\\\"> </div>\"".to_owned(),
        ],
        Primitive::String | Primitive::Markdown => quoted(&["#none", "a b", "1"]),
        Primitive::Uri | Primitive::Url | Primitive::Canonical => quoted(&["urn:other", "#none"]),
        _ => Vec::new(),
    }
}
