//! The lexical rules of FHIR's primitive types (datatypes.html#primitive) over text without escapes.

mod moment;
mod number;
mod text;

use definitions::Primitive;

pub(crate) use number::{Numeric, decimal, integer};

/// Whether the text of a string follows the rules of its type. Numbers and booleans are no strings.
pub(crate) use text::has_no_space;

pub(crate) fn is_valid(primitive: Primitive, value: &[u8]) -> bool {
    match primitive {
        Primitive::String | Primitive::Markdown => text::is_string(value),
        Primitive::Code => text::is_code(value),
        Primitive::Uri | Primitive::Url | Primitive::Canonical => text::has_no_space(value),
        Primitive::Id => fhir::id::is_id(value),
        Primitive::Oid => text::is_oid(value),
        Primitive::Uuid => text::is_uuid(value),
        Primitive::Base64Binary => text::is_base64(value),
        Primitive::Date => moment::is_date(value),
        Primitive::DateTime => moment::is_date_time(value),
        Primitive::Instant => moment::is_instant(value),
        Primitive::Time => moment::is_time(value),
        Primitive::Integer64 => number::is_integer64(value),
        // Narrative has rules of its own.
        Primitive::Xhtml => true,
        Primitive::Boolean
        | Primitive::Decimal
        | Primitive::Integer
        | Primitive::PositiveInt
        | Primitive::UnsignedInt => false,
    }
}

/// What a value of the type looks like, for the texts of issues.
pub(crate) const fn expectation(primitive: Primitive) -> &'static str {
    match primitive {
        Primitive::Base64Binary => "base64 text",
        Primitive::Boolean => "true or false",
        Primitive::Canonical => "a canonical: a URL without spaces",
        Primitive::Code => "a code: no space at its ends, single spaces within",
        Primitive::Date => "a date that exists: YYYY, YYYY-MM or YYYY-MM-DD",
        Primitive::DateTime => {
            "a date and time that exist: YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with Z or an offset"
        }
        Primitive::Decimal => "a decimal number",
        Primitive::Id => "an id: 1 to 64 of A-Z, a-z, 0-9, `-` and `.`",
        Primitive::Instant => "an instant that exists: YYYY-MM-DDThh:mm:ss with Z or an offset",
        Primitive::Integer => "a whole number from -2147483648 to 2147483647",
        Primitive::Integer64 => "a whole number of 64 bits in quotes",
        Primitive::Markdown | Primitive::String => "text of at most 1048576 characters without NUL",
        Primitive::Oid => "an OID: urn:oid:1.2.3",
        Primitive::PositiveInt => "a whole number from 1 to 2147483647",
        Primitive::Time => "a time: hh:mm:ss",
        Primitive::UnsignedInt => "a whole number from 0 to 2147483647",
        Primitive::Uri => "a URI without spaces",
        Primitive::Url => "a URL without spaces",
        Primitive::Uuid => "a UUID: urn:uuid: and 32 lower-case hexadecimal digits in groups",
        Primitive::Xhtml => "XHTML in one div",
    }
}
