//! What is wrong, in words.

use std::borrow::Cow;

use fhir::{Issue, IssueType};

/// Why a text is no FHIR XML, or a JSON cannot become it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    // The text is no XML, or none that we take.
    #[error("expected UTF-8")]
    Utf8,
    #[error("expected the encoding UTF-8, as FHIR says")]
    Encoding,
    #[error("expected characters that XML allows, found a control character")]
    Character,
    #[error("expected no DOCTYPE: a DTD is not read")]
    Dtd,
    #[error("expected no entities but &lt; &gt; &amp; &quot; &apos; and character references")]
    Entity,
    #[error("expected well-formed XML: {0}")]
    Malformed(Cow<'static, str>),
    #[error("expected one element with nothing but comments around it")]
    NotOneRoot,
    #[error("expected a text of less than 4 GiB")]
    TooLong,
    #[error("expected fewer elements within each other")]
    TooDeep,
    #[error("expected fewer values in one document")]
    TooManyValues,
    #[error("expected fewer attributes in one tag")]
    TooManyAttributes,
    #[error("more is wrong than is listed here")]
    More,
    // The XML is no FHIR.
    #[error("expected the namespace {0}")]
    Namespace(&'static str),
    #[error("unknown element `{name}`: expected an element of {of}")]
    UnknownElement { name: String, of: &'static str },
    #[error("expected a resource type of FHIR here, found `{0}`")]
    UnknownResourceType(String),
    #[error("unknown attribute `{0}`: expected `value`, and `id` or `url` where FHIR has them")]
    UnknownAttribute(String),
    #[error("expected `{0}` as an attribute")]
    Attribute(&'static str),
    #[error("expected no text between elements: a value is the attribute `value`")]
    Text,
    #[error("expected `{0}` before the element in front of it: elements have the order of their definition")]
    Order(&'static str),
    #[error("expected all repeats of `{0}` together")]
    Apart(&'static str),
    #[error("expected `{0}` at most once")]
    Repeated(&'static str),
    #[error("expected one value of the choice `{0}`")]
    Choice(&'static str),
    #[error("expected a value, extensions or other content")]
    Empty,
    #[error("expected {0}")]
    Value(&'static str),
    #[error("expected exactly one resource")]
    OneResource,
    // Narrative, both ways.
    #[error("expected a `div` of XHTML and nothing around it")]
    NotOneDiv,
    #[error("expected elements of XHTML only in narrative")]
    Foreign,
    // The JSON has no place in XML.
    #[error("expected an object")]
    Object,
    #[error("expected an array: the element may repeat")]
    Array,
    #[error("expected one value: the element does not repeat")]
    Single,
    #[error("expected `_` before the name of a primitive element only")]
    Companion,
    #[error("expected `resourceType` to name a resource type of the release")]
    ResourceType,
}

impl Fault {
    pub(crate) fn issue(&self) -> Issue {
        let code = match self {
            Self::TooLong | Self::TooDeep | Self::TooManyValues | Self::TooManyAttributes | Self::More => {
                IssueType::TooCostly
            }
            Self::Value(_) | Self::UnknownResourceType(_) | Self::ResourceType => IssueType::Value,
            Self::Empty => IssueType::Required,
            _ => IssueType::Structure,
        };
        Issue::error(code, self.to_string())
    }
}

/// The first 64 characters of a name from outside, without control characters.
pub(crate) fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}
