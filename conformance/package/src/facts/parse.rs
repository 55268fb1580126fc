//! Text to facts.

mod element;

use super::words::{context_of, derivation_of, kind_of, long, unescaped};
use crate::draft::StructureDraft;
use crate::structure::{Context, Derivation, Header, Releases, StructureKind};

pub(super) use element::path_of;

/// A line that says nothing we know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: expected {expected}")]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// What was expected.
    pub expected: &'static str,
}

/// The structure of a text that [`super::print`] wrote.
///
/// # Errors
/// A line that it does not write.
pub fn parse(text: &str) -> Result<StructureDraft, ParseError> {
    let mut lines = Lines { rest: text.lines(), line: 0, next: None };
    let Some(url) = lines.at(0).and_then(|line| line.strip_prefix("structure ")) else {
        return lines.expected("`structure URL`");
    };
    let mut draft = empty(url);
    while let Some(line) = lines.at(2) {
        if head_line(&mut draft, line).is_none() {
            return lines.expected("a fact of a structure");
        }
    }
    while let Some(line) = lines.at(0) {
        match line {
            "snapshot" => draft.snapshot = element::elements(&mut lines)?,
            "differential" => draft.differential = element::elements(&mut lines)?,
            _ => return lines.expected("`snapshot` or `differential`"),
        }
    }
    match lines.peek() {
        None => Ok(draft),
        Some(_) => lines.expected_next("a line with another indentation"),
    }
}

fn empty(url: &str) -> StructureDraft {
    let header = Header::of(url.to_owned(), StructureKind::Resource, String::new(), Derivation::Constraint);
    StructureDraft { header, fhir_version: None, snapshot: Vec::new(), differential: Vec::new() }
}

fn head_line(draft: &mut StructureDraft, line: &str) -> Option<()> {
    let head = &mut draft.header;
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    match word {
        "version" => head.version = Some(rest.to_owned()),
        "name" => head.name = unescaped(rest),
        "fhir" => draft.fhir_version = Some(rest.parse().ok()?),
        "status" => head.status = rest.to_owned(),
        "kind" => head.kind = kind_of(rest)?,
        "type" => head.type_ = rest.to_owned(),
        "base" => head.base = Some(long(rest)),
        "derivation" => head.derivation = derivation_of(rest)?,
        "abstract" => head.is_abstract = true,
        "context" => {
            let (type_, expression) = rest.split_once(' ').unwrap_or((rest, ""));
            let (type_, expression) = (context_of(type_)?, unescaped(expression));
            head.contexts.push(Context { type_, expression, releases: None });
        }
        "context-releases" => head.contexts.last_mut()?.releases = Some(releases(rest)?),
        "releases" => head.releases = Some(releases(rest)?),
        "context-invariant" => head.context_invariants.push(unescaped(rest)),
        "imposes" => head.imposed.push(long(rest)),
        _ => return None,
    }
    Some(())
}

fn releases(text: &str) -> Option<Releases> {
    let (first, last) = text.split_once("..")?;
    let said = |number: &str| (!number.is_empty()).then(|| number.to_owned());
    Some(Releases { first: said(first), last: said(last) })
}

/// Lines with their numbers and their indentation.
struct Lines<'a> {
    rest: std::str::Lines<'a>,
    line: usize,
    next: Option<&'a str>,
}

impl<'a> Lines<'a> {
    fn peek(&mut self) -> Option<&'a str> {
        if self.next.is_none() {
            self.next = self.rest.next();
        }
        self.next
    }

    /// The next line, when it is indented by exactly `indent` spaces.
    fn at(&mut self, indent: usize) -> Option<&'a str> {
        let line = self.peek()?;
        let content = line.trim_start_matches(' ');
        if line.len() - content.len() != indent {
            return None;
        }
        self.next = None;
        self.line += 1;
        Some(content)
    }

    const fn expected<T>(&self, expected: &'static str) -> Result<T, ParseError> {
        Err(ParseError { line: self.line, expected })
    }

    const fn expected_next<T>(&self, expected: &'static str) -> Result<T, ParseError> {
        Err(ParseError { line: self.line + 1, expected })
    }
}
