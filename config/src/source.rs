//! The text of a configuration, places in it, and reports about them.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A configuration's text and where it came from.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Source {
    name: String,
    text: String,
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Bytes of the text.
    pub span: Range<usize>,
    /// What is wrong: lowercase, no full stop.
    pub message: String,
    /// What was expected there; stands beside the caret.
    pub expected: String,
    /// Whether the place may hold a secret that must not be printed.
    pub masked: bool,
}

/// Everything that a pass found wrong. Its `Display` is the plain form of [`Report::render`].
#[derive(Clone, Debug)]
pub struct Report {
    source: Arc<Source>,
    faults: Vec<Fault>,
}

impl Source {
    /// A text under a name, which is the path of the file.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Bytes of the value at a path of keys (an entry of an array by its number), or of the nearest table around it.
    #[must_use]
    pub fn span(&self, path: &[&str]) -> Range<usize> {
        let (root, _) = DeTable::parse_recoverable(&self.text);
        let mut span = 0..0;
        let mut table = Some(root.get_ref());
        let mut array: Option<&[Spanned<DeValue<'_>>]> = None;
        for key in path {
            let next = match (table, array) {
                (Some(table), _) => table.get(*key),
                (None, Some(array)) => key.parse().ok().and_then(|index: usize| array.get(index)),
                (None, None) => None,
            };
            let Some(next) = next else { break };
            span = next.span();
            table = next.get_ref().as_table();
            array = next.get_ref().as_array().map(|array| &**array);
        }
        span
    }

    /// Line and column of a byte, counted from 1; columns are characters.
    #[must_use]
    pub fn position(&self, byte: usize) -> (usize, usize) {
        let before = self.text.get(..byte).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    fn masked(&self, span: &Range<usize>) -> String {
        let mut text = self.text.clone();
        let length = span.len();
        if text.get(span.clone()).is_some() {
            text.replace_range(span.clone(), &"*".repeat(length));
        }
        text
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({}, {} bytes)", self.name, self.text.len())
    }
}

impl Fault {
    /// Something wrong at a place.
    #[must_use]
    pub fn new(span: Range<usize>, message: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { span, message: message.into(), expected: expected.into(), masked: false }
    }
}

impl Report {
    /// A report; the faults in the order of the text.
    #[must_use]
    pub fn new(source: Arc<Source>, mut faults: Vec<Fault>) -> Self {
        faults.sort_by_key(|fault| fault.span.start);
        faults.dedup();
        Self { source, faults }
    }

    /// What is wrong, in the order of the text.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Each fault as `file:line:column` with the line, a caret and what was expected.
    #[must_use]
    pub fn render(&self, colours: bool) -> String {
        let renderer = if colours { Renderer::styled() } else { Renderer::plain() };
        let mut text = String::new();
        for fault in &self.faults {
            text.push_str(&self.one(&renderer, fault));
            text.push_str("\n\n");
        }
        text.push_str(&match self.faults.len() {
            1 => format!("1 error in {}", self.source.name),
            count => format!("{count} errors in {}", self.source.name),
        });
        text
    }

    fn one(&self, renderer: &Renderer, fault: &Fault) -> String {
        let masked = fault.masked.then(|| self.source.masked(&fault.span));
        let text = masked.as_deref().unwrap_or(&self.source.text);
        let annotation = AnnotationKind::Primary.span(within(text, &fault.span)).label(&fault.expected);
        let snippet = Snippet::source(text).path(&self.source.name).annotation(annotation);
        renderer.render(&[Level::ERROR.primary_title(&fault.message).element(snippet)])
    }
}

/// The span on characters of the text, of one line: a caret under three lines shows nothing.
fn within(text: &str, span: &Range<usize>) -> Range<usize> {
    let mut start = span.start.min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let line_end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
    let mut end = span.end.clamp(start, line_end);
    while !text.is_char_boundary(end) {
        end += 1;
    }
    start..end
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Report {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_counts_lines_and_characters_from_one() {
        let source = Source::new("x", "a = 1\nü = 'ß' # x\n");
        assert_eq!(source.position(0), (1, 1));
        assert_eq!(source.position(6), (2, 1));
        assert_eq!(source.position(source.text().find('\'').unwrap()), (2, 5));
        assert_eq!(source.position(9999), (3, 1));
    }

    #[test]
    fn a_path_leads_to_the_value_or_to_the_table_around_it() {
        let source = Source::new("x", "[[routes]]\nadapter = \"a\"\n[[routes]]\nadapter = \"b\"\n");
        let text = |path: &[&str]| &source.text()[source.span(path)];
        assert_eq!(text(&["routes", "1", "adapter"]), "\"b\"");
        assert_eq!(text(&["routes", "1", "types"]), "[[routes]]");
        assert_eq!(text(&["practices"]), "");
    }

    #[test]
    fn a_masked_fault_does_not_print_what_stands_there() {
        let text = "secret = \"hunter2\"\n";
        let mut fault = Fault::new(9..18, "a secret does not stand here", "expected a table");
        fault.masked = true;
        let report = Report::new(Arc::new(Source::new("c.toml", text)), vec![fault]);
        assert!(report.to_string().contains("c.toml:1:10"), "{report}");
        assert!(!report.to_string().contains("hunter2"), "{report}");
    }
}
