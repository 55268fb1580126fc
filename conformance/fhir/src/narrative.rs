//! Narrative: XHTML in one div (narrative.html#rules, txt-1 and txt-2), without a tree.

/// What is wrong with narrative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is not one div.
    #[error("expected one `div` and nothing around it")]
    NotOneDiv,
    /// The div has another namespace, or none.
    #[error("expected `xmlns=\"http://www.w3.org/1999/xhtml\"` on the `div`")]
    Namespace,
    /// A tag that cannot be read.
    #[error("expected a well-formed XHTML tag")]
    Tag,
    /// Tags that do not match.
    #[error("expected each tag to be closed by its own name")]
    Unbalanced,
    /// Tags within each other beyond any need.
    #[error("expected fewer tags within each other")]
    TooDeep,
    /// An element that narrative may not have.
    #[error("expected basic formatting elements of HTML only")]
    Element,
    /// An attribute that narrative may not have.
    #[error("expected basic formatting attributes of HTML only")]
    Attribute,
    /// An ampersand that starts no entity.
    #[error("expected `&` to start an entity such as `&amp;`")]
    Entity,
    /// Nothing to read.
    #[error("expected some text or an image")]
    Empty,
}

#[rustfmt::skip]
/// Whether txt-1 has an element.
const fn is_element(name: &[u8]) -> bool {
    matches!(
        name,
        b"a" | b"abbr" | b"acronym" | b"b" | b"big" | b"blockquote" | b"br" | b"caption" | b"cite" | b"code" | b"col"
            | b"colgroup" | b"dd" | b"dfn" | b"div" | b"dl" | b"dt" | b"em" | b"h1" | b"h2" | b"h3" | b"h4" | b"h5"
            | b"h6" | b"hr" | b"i" | b"img" | b"li" | b"ol" | b"p" | b"pre" | b"q" | b"samp" | b"small" | b"span"
            | b"strong" | b"sub" | b"sup" | b"table" | b"tbody" | b"td" | b"tfoot" | b"th" | b"thead" | b"tr" | b"tt"
            | b"u" | b"ul" | b"var"
    )
}

#[rustfmt::skip]
/// Whether txt-1 has an attribute, or XML.
const fn is_attribute(name: &[u8]) -> bool {
    matches!(
        name,
        b"abbr" | b"accesskey" | b"align" | b"alt" | b"axis" | b"bgcolor" | b"border" | b"cellhalign" | b"cellpadding"
            | b"cellspacing" | b"cellvalign" | b"char" | b"charoff" | b"charset" | b"cite" | b"class" | b"colspan"
            | b"compact" | b"coords" | b"dir" | b"frame" | b"headers" | b"height" | b"href" | b"hreflang" | b"hspace"
            | b"id" | b"lang" | b"longdesc" | b"name" | b"nowrap" | b"rel" | b"rev" | b"rowspan" | b"rules" | b"scope"
            | b"shape" | b"span" | b"src" | b"start" | b"style" | b"summary" | b"tabindex" | b"title" | b"type"
            | b"valign" | b"value" | b"vspace" | b"width" | b"xml:base" | b"xml:lang" | b"xml:space" | b"xmlns"
    )
}

/// The first thing that is wrong with the text of a div.
#[must_use]
pub fn fault(text: &[u8]) -> Option<Fault> {
    Reader { text, at: 0, open: Open::default(), has_content: false }.read().err()
}

/// Names of the elements that are open, as spans of the text.
struct Open {
    names: [(u32, u16); 128],
    depth: usize,
}

impl Default for Open {
    fn default() -> Self {
        Self { names: [(0, 0); 128], depth: 0 }
    }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    open: Open,
    has_content: bool,
}

impl<'a> Reader<'a> {
    fn read(&mut self) -> Result<(), Fault> {
        self.space();
        if !self.rest().starts_with(b"<div") {
            return Err(Fault::NotOneDiv);
        }
        self.tag()?;
        while self.open.depth > 0 {
            self.text_run()?;
            self.tag()?;
        }
        self.space();
        match (self.rest().is_empty(), self.has_content) {
            (false, _) => Err(Fault::NotOneDiv),
            (true, false) => Err(Fault::Empty),
            (true, true) => Ok(()),
        }
    }

    /// Text up to the next tag.
    fn text_run(&mut self) -> Result<(), Fault> {
        let run = self.rest().iter().position(|byte| *byte == b'<').ok_or(Fault::Unbalanced)?;
        let text = self.rest().get(..run).unwrap_or_default();
        self.at += run;
        self.has_content = self.has_content || text.iter().any(|byte| !byte.is_ascii_whitespace());
        entities(text)
    }

    fn tag(&mut self) -> Result<(), Fault> {
        let rest = self.rest();
        if rest.starts_with(b"<!--") {
            return self.skip_past(b"-->");
        }
        if rest.starts_with(b"</") {
            return self.end_tag();
        }
        self.at += 1;
        let start = self.at;
        let name = self.name().ok_or(Fault::Tag)?;
        if !is_element(name) {
            return Err(Fault::Element);
        }
        let has_namespace = self.attributes()?;
        if self.open.depth == 0 && !has_namespace {
            return Err(Fault::Namespace);
        }
        self.has_content = self.has_content || name == b"img";
        match self.rest() {
            [b'/', b'>', ..] => self.at += 2,
            [b'>', ..] => {
                self.at += 1;
                self.push(start, name)?;
            }
            _ => return Err(Fault::Tag),
        }
        Ok(())
    }

    /// Reads attributes up to the end of the tag. True when one says that this is XHTML.
    fn attributes(&mut self) -> Result<bool, Fault> {
        let mut has_namespace = false;
        loop {
            let had_space = self.space();
            if matches!(self.rest().first(), Some(b'/' | b'>')) {
                return Ok(has_namespace);
            }
            let name = self.name().filter(|_| had_space).ok_or(Fault::Tag)?;
            let value = self.attribute_value()?;
            // Prefixed names come out of documents; what runs a script has no prefix.
            if !is_attribute(name) && !name.starts_with(b"xmlns:") {
                return Err(Fault::Attribute);
            }
            if name == b"xmlns" {
                has_namespace = value == b"http://www.w3.org/1999/xhtml";
                if !has_namespace {
                    return Err(Fault::Namespace);
                }
            }
            entities(value)?;
        }
    }

    fn attribute_value(&mut self) -> Result<&'a [u8], Fault> {
        self.space();
        self.expect(b'=')?;
        self.space();
        let quote = *self.rest().first().filter(|byte| matches!(byte, b'"' | b'\'')).ok_or(Fault::Tag)?;
        self.at += 1;
        let rest = self.rest();
        let length = rest.iter().position(|byte| *byte == quote).ok_or(Fault::Tag)?;
        self.at += length + 1;
        let value = rest.get(..length).unwrap_or_default();
        if value.contains(&b'<') { Err(Fault::Tag) } else { Ok(value) }
    }

    fn end_tag(&mut self) -> Result<(), Fault> {
        self.at += 2;
        let name = self.name().ok_or(Fault::Tag)?;
        self.space();
        self.expect(b'>')?;
        self.open.depth -= 1;
        let (start, length) = self.open.names.get(self.open.depth).copied().unwrap_or_default();
        let opened = self.text.get(start as usize..start as usize + length as usize);
        if opened == Some(name) { Ok(()) } else { Err(Fault::Unbalanced) }
    }

    fn push(&mut self, start: usize, name: &[u8]) -> Result<(), Fault> {
        let slot = self.open.names.get_mut(self.open.depth).ok_or(Fault::TooDeep)?;
        *slot = (start as u32, name.len() as u16);
        self.open.depth += 1;
        Ok(())
    }

    fn skip_past(&mut self, end: &[u8]) -> Result<(), Fault> {
        let rest = self.rest();
        let length = rest.windows(end.len()).position(|window| window == end).ok_or(Fault::Tag)?;
        self.at += length + end.len();
        Ok(())
    }

    fn name(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest();
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'-' | b'_' | b'.');
        let length = rest.iter().take_while(|byte| is_part(byte)).count();
        self.at += length;
        rest.get(..length).filter(|name| name.first().is_some_and(u8::is_ascii_alphabetic))
    }

    fn space(&mut self) -> bool {
        let spaces = self.rest().iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.at += spaces;
        spaces > 0
    }

    fn expect(&mut self, byte: u8) -> Result<(), Fault> {
        if self.rest().first() != Some(&byte) {
            return Err(Fault::Tag);
        }
        self.at += 1;
        Ok(())
    }

    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }
}

/// Checks that each ampersand starts an entity: `&amp;`, `&#160;`, `&#xA0;`.
fn entities(text: &[u8]) -> Result<(), Fault> {
    let mut rest = text;
    while let Some(ampersand) = rest.iter().position(|byte| *byte == b'&') {
        rest = rest.get(ampersand + 1..).unwrap_or_default();
        let length = rest.iter().take(32).position(|byte| *byte == b';').ok_or(Fault::Entity)?;
        let name = rest.get(..length).unwrap_or_default();
        let is_entity = match name {
            [b'#', b'x', digits @ ..] => !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit),
            [b'#', digits @ ..] => !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
            // narrative.html#rules: XHTML within XML and JSON knows none of the names of HTML, such as `&nbsp;`.
            _ => matches!(name, b"amp" | b"lt" | b"gt" | b"quot" | b"apos"),
        };
        if !is_entity {
            return Err(Fault::Entity);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(inner: &str) -> Option<Fault> {
        fault(format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{inner}</div>").as_bytes())
    }

    #[test]
    fn formatted_text_is_narrative() {
        for inner in ["x", "<p class='a'>1 &lt; 2 &#160;<br/></p>", "<img src=\"#i\" alt='x'/>", "a<!-- <b> -->"] {
            assert_eq!(of(inner), None, "{inner}");
        }
    }

    #[test]
    fn what_is_not_basic_formatting_is_refused() {
        let cases = [
            ("<script>x</script>", Fault::Element),
            ("<p onclick='x'>x</p>", Fault::Attribute),
            ("<b><i>x</b></i>", Fault::Unbalanced),
            ("<b>x", Fault::Unbalanced),
            ("x</div><div>", Fault::NotOneDiv),
            ("a & b", Fault::Entity),
            ("a&nbsp;b", Fault::Entity),
            ("<b x>x</b>", Fault::Tag),
            (" <p> </p> ", Fault::Empty),
        ];
        for (inner, expected) in cases {
            assert_eq!(of(inner), Some(expected), "{inner}");
        }
        assert_eq!(fault(b"<div>x</div>"), Some(Fault::Namespace));
        assert_eq!(fault(b"text"), Some(Fault::NotOneDiv));
        assert_eq!(of(&"<b>".repeat(200)), Some(Fault::TooDeep));
    }
}
