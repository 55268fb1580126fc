//! The untyped scan: any JSON text to nodes. Strict RFC 8259 and, beyond it, no duplicate member names.

use std::borrow::Cow;

use super::lexer::{literal, number, skip_space, string};
use super::{Fault, Kind, Node, SyntaxError};

/// What a scan takes at most. Bytes are hostile: memory for nodes is 24 bytes each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Objects and arrays within each other.
    pub depth: u32,
    /// Values in all.
    pub nodes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 100, nodes: 400_000 }
    }
}

/// Scans a JSON text into `nodes`, which is cleared first and reused: after warm-up nothing is allocated, unless an object has
/// more than 64 members. Every `element` is 0. Member names that repeat within an object are refused, `\u`-escaped spellings
/// included. Without recursion.
///
/// # Errors
/// Where the text stops to be JSON, or a limit is met.
pub fn scan(bytes: &[u8], nodes: &mut Vec<Node>, limits: Limits) -> Result<(), SyntaxError> {
    nodes.clear();
    check_text(bytes)?;
    Scan { bytes, nodes, limits, at: 0, open: NONE, depth: 0, has_escaped_names: false }.document()
}

/// Checks what holds for the whole text: its size and its encoding. Every scanner starts with it.
///
/// # Errors
/// When it is not UTF-8 or its offsets do not fit.
pub fn check_text(bytes: &[u8]) -> Result<(), SyntaxError> {
    if u32::try_from(bytes.len()).is_err() {
        return Err(SyntaxError::new(0, Fault::TooLong));
    }
    // Most are: decided many bytes at a time.
    if bytes.is_ascii() {
        return Ok(());
    }
    std::str::from_utf8(bytes).map(|_| ()).map_err(|error| SyntaxError::new(error.valid_up_to(), Fault::Utf8))
}

/// The index that says "no container is open".
const NONE: u32 = u32::MAX;

struct Scan<'a> {
    bytes: &'a [u8],
    nodes: &'a mut Vec<Node>,
    limits: Limits,
    at: usize,
    /// The innermost open container. While one is open, its `after` holds its own parent.
    open: u32,
    depth: u32,
    /// Whether a member name so far has escapes: then equal names may be spelled in different ways.
    has_escaped_names: bool,
}

/// A member name in the text.
#[derive(Clone, Copy, Default)]
struct Name {
    start: u32,
    length: u16,
}

impl Scan<'_> {
    fn document(mut self) -> Result<(), SyntaxError> {
        self.value(Name::default())?;
        while self.open != NONE {
            self.next_child()?;
        }
        self.space();
        if self.at == self.bytes.len() { Ok(()) } else { Err(self.fault(Fault::End)) }
    }

    /// Reads what follows in the open container: another child or the end.
    fn next_child(&mut self) -> Result<(), SyntaxError> {
        let is_first = self.nodes.len() as u32 == self.open + 1;
        let is_object = self.nodes.get(self.open as usize).is_some_and(|node| node.kind == Kind::Object);
        self.space();
        match (self.byte(), is_object) {
            (Some(b'}'), true) => return self.close_object(),
            (Some(b']'), false) => {
                self.close();
                return Ok(());
            }
            (Some(b','), _) if !is_first => self.at += 1,
            (_, true) if !is_first => return Err(self.fault(Fault::CommaOrBrace)),
            (_, false) if !is_first => return Err(self.fault(Fault::CommaOrBracket)),
            _ => {}
        }
        let name = if is_object { self.name()? } else { Name::default() };
        self.value(name)
    }

    fn name(&mut self) -> Result<Name, SyntaxError> {
        self.space();
        if self.byte() != Some(b'"') {
            return Err(self.fault(Fault::Name));
        }
        let start = self.at + 1;
        let quoted = string(self.bytes, start)?;
        let close = quoted.close;
        self.has_escaped_names |= quoted.escaped;
        let length = u16::try_from(close - start).map_err(|_| SyntaxError::new(start, Fault::LongName))?;
        self.at = close + 1;
        self.space();
        if self.byte() != Some(b':') {
            return Err(self.fault(Fault::Colon));
        }
        self.at += 1;
        Ok(Name { start: start as u32, length })
    }

    fn value(&mut self, name: Name) -> Result<(), SyntaxError> {
        self.space();
        let start = self.at;
        let (kind, end) = match self.byte() {
            Some(b'{') => return self.open(Kind::Object, name),
            Some(b'[') => return self.open(Kind::Array, name),
            Some(b'"') => {
                let quoted = string(self.bytes, start + 1)?;
                (if quoted.escaped { Kind::EscapedString } else { Kind::String }, quoted.close + 1)
            }
            Some(b't') => (Kind::True, literal(self.bytes, start, "true")?),
            Some(b'f') => (Kind::False, literal(self.bytes, start, "false")?),
            Some(b'n') => (Kind::Null, literal(self.bytes, start, "null")?),
            Some(b'-' | b'0'..=b'9') => (Kind::Number, number(self.bytes, start)?),
            _ => return Err(self.fault(Fault::Value)),
        };
        self.at = end;
        let after = self.nodes.len() as u32 + 1;
        self.push(Node { end: end as u32, ..node(kind, start, name, after) })
    }

    fn open(&mut self, kind: Kind, name: Name) -> Result<(), SyntaxError> {
        if self.depth >= self.limits.depth {
            return Err(self.fault(Fault::TooDeep));
        }
        let index = self.nodes.len() as u32;
        self.push(node(kind, self.at, name, self.open))?;
        self.at += 1;
        self.depth += 1;
        self.open = index;
        Ok(())
    }

    fn push(&mut self, node: Node) -> Result<(), SyntaxError> {
        if self.nodes.len() >= self.limits.nodes as usize {
            return Err(self.fault(Fault::TooManyValues));
        }
        self.nodes.push(node);
        Ok(())
    }

    fn close_object(&mut self) -> Result<(), SyntaxError> {
        refuse_duplicates(self.bytes, self.nodes, self.open + 1, self.has_escaped_names)?;
        self.close();
        Ok(())
    }

    fn close(&mut self) {
        self.at += 1;
        self.depth -= 1;
        let after = self.nodes.len() as u32;
        if let Some(node) = self.nodes.get_mut(self.open as usize) {
            node.end = self.at as u32;
            self.open = std::mem::replace(&mut node.after, after);
        }
    }

    fn space(&mut self) {
        self.at = skip_space(self.bytes, self.at);
    }

    fn byte(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    const fn fault(&self, fault: Fault) -> SyntaxError {
        SyntaxError::new(self.at, fault)
    }
}

const fn node(kind: Kind, start: usize, name: Name, after: u32) -> Node {
    Node { start: start as u32, end: 0, name: name.start, name_length: name.length, kind, after, element: 0 }
}

/// Refuses an object, whose members start at node `first` and end with the nodes, when two of them have one name.
fn refuse_duplicates(bytes: &[u8], nodes: &[Node], first: u32, may_be_escaped: bool) -> Result<(), SyntaxError> {
    let members = || {
        let mut next = first as usize;
        std::iter::from_fn(move || {
            let node = nodes.get(next)?;
            next = node.after as usize;
            Some(node)
        })
    };
    let mut count = 0;
    for (index, member) in members().enumerate() {
        count = index;
        // Beyond this, comparing each with each would be a way to keep us busy.
        if index >= 64 {
            break;
        }
        if members().take(index).any(|earlier| same_name(bytes, earlier, member, may_be_escaped)) {
            return Err(SyntaxError::new(member.name as usize, Fault::DuplicateName));
        }
    }
    if count >= 64 { refuse_duplicates_sorted(bytes, members()) } else { Ok(()) }
}

fn refuse_duplicates_sorted<'a>(bytes: &[u8], members: impl Iterator<Item = &'a Node>) -> Result<(), SyntaxError> {
    let mut names: Vec<_> = members.map(|member| (spelled_out(bytes, member), member.name)).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair.first().map(|name| &name.0) == pair.last().map(|name| &name.0)) {
        Some(pair) => {
            let offset = pair.last().map_or(0, |name| name.1 as usize);
            Err(SyntaxError::new(offset, Fault::DuplicateName))
        }
        None => Ok(()),
    }
}

#[inline]
fn same_name(bytes: &[u8], left: &Node, right: &Node, may_be_escaped: bool) -> bool {
    (left.name_length == right.name_length && raw_name(bytes, left) == raw_name(bytes, right))
        || (may_be_escaped && spelled_out(bytes, left) == spelled_out(bytes, right))
}

fn raw_name<'a>(bytes: &'a [u8], node: &Node) -> &'a [u8] {
    let start = node.name as usize;
    bytes.get(start..start + node.name_length as usize).unwrap_or_default()
}

/// A member name with its escapes resolved.
fn spelled_out<'a>(bytes: &'a [u8], node: &Node) -> Cow<'a, [u8]> {
    let name = raw_name(bytes, node);
    if !name.contains(&b'\\') {
        return Cow::Borrowed(name);
    }
    let quoted = bytes.get(node.name as usize - 1..node.name as usize + name.len() + 1).unwrap_or_default();
    Cow::Owned(serde_json::from_slice::<String>(quoted).unwrap_or_default().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Document;
    use crate::outcome::Position;

    fn fault(text: &[u8]) -> Option<Fault> {
        scan(text, &mut Vec::new(), Limits::default()).err().map(|error| error.fault)
    }

    #[test]
    fn nodes_know_spans_names_kinds_and_siblings() {
        let text = br#" {"a" : [1, {"b":"\u00e9"}, []], "c": null} "#;
        let mut nodes = Vec::new();
        scan(text, &mut nodes, Limits::default()).unwrap();
        let root = Document::new(text, &nodes).root().unwrap();
        let names: Vec<_> = root.children().map(|child| child.name()).collect();
        assert_eq!(names, ["a", "c"]);
        let items: Vec<_> = root.member("a").unwrap().items().collect();
        let kinds: Vec<_> = items.iter().map(|item| item.kind()).collect();
        assert_eq!(kinds, [Kind::Number, Kind::Object, Kind::Array]);
        assert_eq!(items[1].member("b").unwrap().text().unwrap(), "\u{e9}");
        assert_eq!(root.raw(), &text[1..text.len() - 1]);
        assert_eq!(root.member("c").unwrap().kind(), Kind::Null);
    }

    #[test]
    fn a_member_name_that_repeats_is_refused_in_any_spelling() {
        assert_eq!(fault(br#"{"id":1,"x":{"id":2},"id":3}"#), Some(Fault::DuplicateName));
        assert_eq!(fault(br#"{"id":1,"\u0069d":3}"#), Some(Fault::DuplicateName));
        assert_eq!(fault(br#"{"\u0069\u0064":1,"i\u0064":3}"#), Some(Fault::DuplicateName));
        assert_eq!(fault(br#"{"a\"b":1,"a\\b":3}"#), None);
        let many: String = (0..5_000).map(|number| format!("\"n{number}\":0,")).collect();
        assert_eq!(fault(format!("{{{many}\"last\":1}}").as_bytes()), None);
        assert_eq!(fault(format!("{{{many}\"n\\u0037\":1}}").as_bytes()), Some(Fault::DuplicateName));
    }

    #[test]
    fn what_json_does_not_allow_is_refused_with_what_was_expected() {
        let cases: [(&[u8], Fault); 24] = [
            (b"", Fault::Value),
            (b"\xEF\xBB\xBF{}", Fault::Value),
            (b"{} {}", Fault::End),
            (b"[1,]", Fault::Value),
            (b"[1 2]", Fault::CommaOrBracket),
            (b"[1}", Fault::CommaOrBracket),
            (b"{\"a\":1,}", Fault::Name),
            (b"{a:1}", Fault::Name),
            (b"{\"a\" 1}", Fault::Colon),
            (b"{\"a\":1 \"b\":2}", Fault::CommaOrBrace),
            (b"[01]", Fault::Number),
            (b"[-]", Fault::Number),
            (b"[1.]", Fault::Number),
            (b"[1e+]", Fault::Number),
            (b"[+1]", Fault::Value),
            (b"[.5]", Fault::Value),
            (b"[nul]", Fault::Value),
            (b"[NaN]", Fault::Value),
            (b"[\"\t\"]", Fault::ControlCharacter),
            (b"[\"\\x\"]", Fault::Escape),
            (b"[\"\\ud800\"]", Fault::LoneSurrogate),
            (b"[\"\\udc00\\ud800\"]", Fault::LoneSurrogate),
            (b"[\"a", Fault::OpenString),
            (b"[\"\xFF\"]", Fault::Utf8),
        ];
        for (text, expected) in cases {
            assert_eq!(fault(text), Some(expected), "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn depth_and_number_of_values_are_bounded() {
        let deep = "[".repeat(101) + &"]".repeat(101);
        assert_eq!(fault(deep.as_bytes()), Some(Fault::TooDeep));
        assert_eq!(fault(&deep.as_bytes()[1..201]), None);
        let limits = Limits { depth: 2, nodes: 3 };
        let error = scan(b"[1,2,3]", &mut Vec::new(), limits).unwrap_err();
        assert_eq!(error.fault, Fault::TooManyValues);
    }

    #[test]
    fn an_error_has_line_and_column_in_characters() {
        let text = "{\n \"é\": x}".as_bytes();
        let issue = scan(text, &mut Vec::new(), Limits::default()).unwrap_err().issue(text);
        assert_eq!(issue.position, Some(Position { line: 2, column: 7 }));
        assert_eq!(issue.text, "expected a JSON value");
    }
}
