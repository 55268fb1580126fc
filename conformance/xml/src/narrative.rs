//! The `div` of a narrative, both ways: XHTML that is copied byte for byte after it has been read once.

use quick_xml::events::{BytesStart, Event};

use crate::XHTML_NAMESPACE;
use crate::fault::Fault;
use crate::read::source::{
    Located, Source, Tag, Token, attributes, check_reference, check_text, default_namespace, is_declaration, is_name,
    value,
};

/// Elements of XHTML within each other.
const DEPTH: usize = 128;

/// Reads to the end of a `div` whose start tag has just been read. True when its bytes mean the same elsewhere: all names are
/// without prefixes, and it declares its namespace itself.
pub(crate) fn pass(source: &mut Source<'_>, tag: &Tag<'_>) -> Located<bool> {
    let mut stands_alone = check_tag(source, &tag.start).map_err(|fault| (tag.offset, fault))?;
    stands_alone &= attributes(&tag.start)
        .filter_map(Result::ok)
        .any(|attribute| default_namespace(&attribute) == Some(XHTML_NAMESPACE));
    let mut depth = usize::from(!tag.is_empty);
    while depth > 0 {
        let offset = source.offset();
        let at = |fault| (offset, fault);
        match source.event()? {
            Event::Start(_) if depth >= DEPTH => return Err(at(Fault::TooDeep)),
            Event::Start(start) => {
                stands_alone &= check_tag(source, &start).map_err(at)?;
                depth += 1;
            }
            Event::Empty(start) => stands_alone &= check_tag(source, &start).map_err(at)?,
            Event::End(_) => depth -= 1,
            Event::GeneralRef(reference) => check_reference(&reference).map_err(at)?,
            Event::DocType(_) => return Err(at(Fault::Dtd)),
            Event::Decl(_) => {
                return Err(at(Fault::Malformed("the XML declaration stands at the very beginning".into())));
            }
            Event::Eof => return Err(at(Fault::Malformed("each element is closed".into()))),
            Event::Text(_) | Event::CData(_) | Event::Comment(_) | Event::PI(_) => {}
        }
    }
    Ok(stands_alone)
}

/// Checks one tag. True when neither it nor an attribute has a prefix but `xml`.
fn check_tag(source: &Source<'_>, tag: &BytesStart<'_>) -> Result<bool, Fault> {
    let name = tag.name();
    if !is_name(name.into_inner()) {
        return Err(Fault::Malformed("an element has a name".into()));
    }
    if source.namespace(name)? != XHTML_NAMESPACE {
        return Err(Fault::Foreign);
    }
    let mut is_plain = name.prefix().is_none();
    for attribute in attributes(tag) {
        let attribute = attribute?;
        value(&attribute)?;
        if let Some(prefix) = attribute.key.prefix().filter(|_| !is_declaration(&attribute)) {
            source.attribute_namespace(attribute.key)?;
            is_plain &= prefix.into_inner() == "xml";
        }
    }
    Ok(is_plain)
}

/// Writes a `div`, which has passed [`pass`] and does not stand alone, without prefixes and with its own namespace.
pub(crate) fn plain(div: &str) -> Located<String> {
    let mut out = String::with_capacity(div.len() + 48);
    // Only tags are read here, and those have been checked; prefixes are unknown in the part alone.
    let mut reader = quick_xml::Reader::from_str(div);
    loop {
        let start = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let event = reader.read_event().map_err(|_| (start, Fault::NotOneDiv))?;
        let end = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        match event {
            Event::Start(tag) => plain_tag(&tag, ">", &mut out).map_err(|fault| (start, fault))?,
            Event::Empty(tag) => plain_tag(&tag, "/>", &mut out).map_err(|fault| (start, fault))?,
            Event::End(tag) => out.extend(["</", tag.name().local_name().into_inner(), ">"]),
            Event::Eof => return Ok(out),
            _ => out.push_str(div.get(start..end).unwrap_or_default()),
        }
    }
}

fn plain_tag(tag: &BytesStart<'_>, end: &str, out: &mut String) -> Result<(), Fault> {
    let is_first = out.is_empty();
    out.extend(["<", tag.name().local_name().into_inner()]);
    if is_first {
        out.extend([" xmlns=\"", XHTML_NAMESPACE, "\""]);
    }
    for attribute in attributes(tag) {
        let attribute = attribute?;
        if is_declaration(&attribute) {
            continue;
        }
        if attribute.key.prefix().is_some_and(|prefix| prefix.into_inner() != "xml") {
            return Err(Fault::Foreign);
        }
        let quote = if attribute.value.contains('"') { "'" } else { "\"" };
        out.extend([" ", attribute.key.into_inner(), "=", quote, &attribute.value, quote]);
    }
    out.push_str(end);
    Ok(())
}

/// Checks the text of a `div` that comes from JSON; returns it without white space around.
pub(crate) fn check(text: &str) -> Result<&str, Fault> {
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    check_text(text.as_bytes()).map_err(|(_, fault)| fault)?;
    let mut source = Source::new(text);
    let tag = match source.event() {
        Ok(Event::Start(start)) => Tag { start, offset: 0, is_empty: false },
        Ok(Event::Empty(start)) => Tag { start, offset: 0, is_empty: true },
        _ => return Err(Fault::NotOneDiv),
    };
    if tag.start.name().into_inner() != "div" {
        return Err(Fault::NotOneDiv);
    }
    if !pass(&mut source, &tag).map_err(|(_, fault)| fault)? {
        return Err(Fault::Namespace(XHTML_NAMESPACE));
    }
    match source.next() {
        Ok(Token::End) if source.offset() == text.len() => Ok(text),
        _ => Err(Fault::NotOneDiv),
    }
}
