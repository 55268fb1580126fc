//! Tags out of the tokenizer: what FHIR XML does not care about is dropped, what it does not take is a fault.

use std::borrow::Cow;

use quick_xml::XmlVersion;
use quick_xml::errors::{Error, IllFormedError};
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};
use quick_xml::name::{NamespaceError, PrefixDeclaration, QName, ResolveResult};
use quick_xml::reader::NsReader;

use crate::fault::{Fault, shortened};

/// More attributes than any element has, namespaces included.
const MOST_ATTRIBUTES: usize = 64;

/// A fault and its offset.
pub(crate) type Located<T> = Result<T, (usize, Fault)>;

/// A start tag, or an empty element.
#[derive(Clone)]
pub(crate) struct Tag<'a> {
    pub(crate) start: BytesStart<'a>,
    /// Offset of its `<`.
    pub(crate) offset: usize,
    pub(crate) is_empty: bool,
}

/// What comes next.
pub(crate) enum Token<'a> {
    Open(Tag<'a>),
    Close,
    /// Text that is more than white space.
    Text(usize),
    End,
}

/// The tokenizer and the text that it reads.
#[derive(Clone)]
pub(crate) struct Source<'a> {
    text: &'a str,
    reader: NsReader<&'a [u8]>,
}

impl<'a> Source<'a> {
    /// Reads a text that has passed [`check_text`].
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, reader: NsReader::from_str(text) }
    }

    /// The text between two offsets.
    pub(crate) fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// Offset behind what has been read.
    pub(crate) fn offset(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX)
    }

    pub(crate) fn next(&mut self) -> Located<Token<'a>> {
        loop {
            let offset = self.offset();
            let event = self.event()?;
            let token = match event {
                Event::Start(start) => Token::Open(Tag { start, offset, is_empty: false }),
                Event::Empty(start) => Token::Open(Tag { start, offset, is_empty: true }),
                Event::End(_) => Token::Close,
                Event::Eof => Token::End,
                Event::Text(text) if is_blank(&text) => continue,
                Event::CData(text) if is_blank(&text) => continue,
                Event::GeneralRef(reference) => {
                    check_reference(&reference).map_err(|fault| (offset, fault))?;
                    Token::Text(offset)
                }
                Event::Text(_) | Event::CData(_) => Token::Text(offset),
                Event::Decl(declaration) => {
                    check_declaration(&declaration, offset)?;
                    continue;
                }
                Event::Comment(_) | Event::PI(_) => continue,
                Event::DocType(_) => return Err((offset, Fault::Dtd)),
            };
            return Ok(token);
        }
    }

    /// The next event as it is.
    pub(crate) fn event(&mut self) -> Located<Event<'a>> {
        let offset = self.offset();
        self.reader.read_event().map_err(|error| {
            let at = usize::try_from(self.reader.error_position()).unwrap_or(0).max(offset);
            (at, malformed(&error))
        })
    }

    /// The namespace of an element that has just been read, empty when it has none.
    pub(crate) fn namespace(&self, name: QName<'_>) -> Result<&str, Fault> {
        self.resolved(self.reader.resolver().resolve_element(name).0)
    }

    /// The same of an attribute.
    pub(crate) fn attribute_namespace(&self, name: QName<'_>) -> Result<&str, Fault> {
        self.resolved(self.reader.resolver().resolve_attribute(name).0)
    }

    fn resolved<'n>(&self, found: ResolveResult<'n>) -> Result<&'n str, Fault> {
        match found {
            ResolveResult::Bound(namespace) => Ok(namespace.into_inner()),
            ResolveResult::Unbound => Ok(""),
            ResolveResult::Unknown(prefix) => {
                Err(Fault::Malformed(format!("no namespace has the prefix `{}`", shortened(&prefix)).into()))
            }
        }
    }
}

/// The attributes of a tag, at most so many.
pub(crate) fn attributes<'t>(tag: &'t BytesStart<'_>) -> impl Iterator<Item = Result<Attribute<'t>, Fault>> {
    tag.attributes().enumerate().map(|(number, attribute)| match attribute {
        _ if number >= MOST_ATTRIBUTES => Err(Fault::TooManyAttributes),
        Ok(attribute) if attribute.value.contains('<') => {
            Err(Fault::Malformed("an attribute has `&lt;` instead of `<`".into()))
        }
        Ok(attribute) if !is_name(attribute.key.into_inner()) => {
            Err(Fault::Malformed("an attribute has a name, `=` and a quoted value".into()))
        }
        Ok(attribute) => Ok(attribute),
        Err(_) => Err(Fault::Malformed("an attribute is there once and has a quoted value".into())),
    })
}

/// Whether an attribute declares a namespace.
pub(crate) fn is_declaration(attribute: &Attribute<'_>) -> bool {
    attribute.key.as_namespace_binding().is_some()
}

/// The default namespace that an attribute declares.
pub(crate) fn default_namespace<'t>(attribute: &'t Attribute<'_>) -> Option<&'t str> {
    matches!(attribute.key.as_namespace_binding(), Some(PrefixDeclaration::Default)).then_some(&*attribute.value)
}

/// The value of an attribute: references resolved, white space characters to spaces (XML 1.0, 3.3.3).
pub(crate) fn value<'t>(attribute: &Attribute<'t>) -> Result<Cow<'t, str>, Fault> {
    let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| Fault::Entity)?;
    let is_borrowed = matches!(value, Cow::Borrowed(_));
    // What stood there as it is has been checked with the whole text.
    if is_borrowed || value.chars().all(is_allowed) { Ok(value) } else { Err(Fault::Character) }
}

/// Whether XML allows the character (XML 1.0, 2.2).
pub(crate) const fn is_allowed(character: char) -> bool {
    !matches!(character, '\0'..='\u{8}' | '\u{B}' | '\u{C}' | '\u{E}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}')
}

/// What a text must be before it is read: UTF-8, of characters that XML allows, with offsets of 32 bits.
pub(crate) fn check_text(bytes: &[u8]) -> Located<&str> {
    if u32::try_from(bytes.len()).is_err() {
        return Err((0, Fault::TooLong));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| (error.valid_up_to(), Fault::Utf8))?;
    match bytes.iter().enumerate().position(|(at, byte)| is_suspect(bytes, at, *byte)) {
        Some(offset) => Err((offset, Fault::Character)),
        None => Ok(text),
    }
}

fn is_suspect(bytes: &[u8], at: usize, byte: u8) -> bool {
    match byte {
        b'\t' | b'\n' | b'\r' => false,
        0..0x20 => true,
        0xEF => matches!(bytes.get(at + 1..at + 3), Some([0xBF, 0xBE | 0xBF])),
        _ => false,
    }
}

/// Whether a name can be that of an element or attribute; one prefix may stand before it (Namespaces in XML, 4).
pub(crate) fn is_name(name: &str) -> bool {
    let (prefix, local) = name.split_once(':').unwrap_or(("x", name));
    is_simple_name(prefix) && is_simple_name(local)
}

fn is_simple_name(name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '\u{B7}');
    name.starts_with(|first: char| first.is_alphabetic() || first == '_') && name.chars().all(is_part)
}

/// Takes the five entities of XML and references to characters that XML allows.
pub(crate) fn check_reference(reference: &BytesRef<'_>) -> Result<(), Fault> {
    if !reference.is_char_ref() {
        let is_known = matches!(&**reference, "lt" | "gt" | "amp" | "quot" | "apos");
        return if is_known { Ok(()) } else { Err(Fault::Entity) };
    }
    match reference.resolve_char_ref() {
        Ok(Some(character)) if is_allowed(character) => Ok(()),
        Ok(Some(_)) => Err(Fault::Character),
        _ => Err(Fault::Entity),
    }
}

fn check_declaration(declaration: &BytesDecl<'_>, offset: usize) -> Located<()> {
    if offset != 0 {
        return Err((offset, Fault::Malformed("the XML declaration stands at the very beginning".into())));
    }
    let encoding = declaration.encoding().and_then(Result::ok);
    match encoding {
        Some(named) if !named.eq_ignore_ascii_case("utf-8") && !named.eq_ignore_ascii_case("us-ascii") => {
            Err((offset, Fault::Encoding))
        }
        _ => Ok(()),
    }
}

fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
}

fn malformed(error: &Error) -> Fault {
    let text = match error {
        Error::Syntax(error) => error.to_string().into(),
        Error::IllFormed(IllFormedError::MismatchedEndTag { expected, .. }) => {
            format!("`{}` is closed by its own name", shortened(expected)).into()
        }
        Error::IllFormed(IllFormedError::UnmatchedEndTag(_)) => "an end tag has a start tag".into(),
        Error::IllFormed(IllFormedError::UnclosedReference) | Error::Escape(_) => return Fault::Entity,
        Error::Namespace(NamespaceError::TooDeeplyNested(_)) => return Fault::TooDeep,
        Error::Namespace(_) => "a few namespaces with prefixes of their own".into(),
        _ => "tags that can be read".into(),
    };
    Fault::Malformed(text)
}
