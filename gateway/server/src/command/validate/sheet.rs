//! An outcome for people: each issue with the line where it stands and a caret.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use fhir::outcome::Position;
use fhir::{Issue, Outcome, Severity};

/// Bytes of a line that is shown; of a longer one only the place is told.
const MOST_SHOWN: usize = 16 * 1024;

/// A text that was validated.
pub(super) struct Sheet<'a> {
    pub(super) name: &'a str,
    pub(super) source: &'a [u8],
    /// The number of its first line.
    pub(super) first_line: usize,
    pub(super) colours: bool,
}

impl Sheet<'_> {
    /// Every issue, and how many there are.
    pub(super) fn render(&self, outcome: &Outcome) -> String {
        format!("{}{}: {}", self.issues(outcome), self.name, counted(outcome))
    }

    /// Every issue.
    pub(super) fn issues(&self, outcome: &Outcome) -> String {
        outcome.0.iter().map(|issue| self.issue(issue) + "\n\n").collect()
    }

    fn issue(&self, issue: &Issue) -> String {
        let renderer = if self.colours { Renderer::styled() } else { Renderer::plain() };
        let title = level(issue.severity).primary_title(issue.text.as_str()).id(issue.code.code());
        let shown = issue.position.and_then(|position| Some((position, self.line(position)?)));
        let Some((position, line)) = shown.filter(|(_, line)| line.len() <= MOST_SHOWN) else {
            let place = self.place(issue);
            return renderer.render(&[title.element(Level::NOTE.message(place.as_str()))]);
        };
        let label = issue.expression.as_deref().unwrap_or_default();
        let annotation = AnnotationKind::Primary.span(span(&line, position)).label(label);
        let number = self.first_line + position.line as usize - 1;
        let snippet = Snippet::source(line.as_str()).line_start(number).path(self.name).annotation(annotation);
        renderer.render(&[title.element(snippet)])
    }

    fn line(&self, position: Position) -> Option<String> {
        let index = (position.line as usize).checked_sub(1)?;
        let line = self.source.split(|byte| *byte == b'\n').nth(index)?;
        Some(String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned())
    }

    /// Where an issue stands whose line is not shown.
    fn place(&self, issue: &Issue) -> String {
        let mut place = self.name.to_owned();
        if let Some(position) = issue.position {
            place.push_str(&format!(":{}:{}", self.first_line + position.line as usize - 1, position.column));
        }
        if let Some(expression) = &issue.expression {
            place.push_str(&format!(", {expression}"));
        }
        place
    }
}

/// From a place to the end of the JSON string or word that begins there.
fn span(line: &str, position: Position) -> std::ops::Range<usize> {
    let column = (position.column as usize).saturating_sub(1);
    let start = line.char_indices().nth(column).map_or(line.len(), |(start, _)| start);
    let rest = &line[start..];
    let is_end = |char: char| char.is_whitespace() || matches!(char, ',' | '}' | ']' | '>' | '"');
    let length = match rest.strip_prefix('"') {
        Some(text) => text.find('"').map_or(rest.len(), |end| end + 2),
        None => rest.find(is_end).unwrap_or(rest.len()),
    };
    let least = rest.chars().next().map_or(0, char::len_utf8);
    start..start + length.max(least)
}

const fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Fatal | Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Information => Level::INFO,
    }
}

fn counted(outcome: &Outcome) -> String {
    let count = |of: fn(Severity) -> bool| outcome.0.iter().filter(|issue| of(issue.severity)).count();
    let errors = count(|severity| severity >= Severity::Error);
    let warnings = count(|severity| severity == Severity::Warning);
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    match (errors, warnings) {
        (0, 0) => "valid".to_owned(),
        (0, _) => format!("valid, {warnings} warning{}", plural(warnings)),
        (_, 0) => format!("{errors} error{}", plural(errors)),
        _ => format!("{errors} error{}, {warnings} warning{}", plural(errors), plural(warnings)),
    }
}

#[cfg(test)]
mod tests {
    use fhir::Version;

    use super::*;

    fn rendered(source: &str) -> String {
        let outcome = profile::validate(source.as_bytes(), Version::R4, None);
        Sheet { name: "patient.json", source: source.as_bytes(), first_line: 1, colours: false }.render(&outcome)
    }

    #[test]
    fn a_caret_stands_under_what_is_wrong_with_its_path() {
        let text = rendered("{\n  \"resourceType\": \"Patient\",\n  \"birthDate\": \"1990-13-01\"\n}\n");
        assert!(text.contains("patient.json:3:16"), "{text}");
        assert!(text.contains("^^^^^^^^^^^^ Patient.birthDate"), "{text}");
        assert!(text.ends_with("patient.json: 1 error"), "{text}");
    }

    #[test]
    fn colours_are_for_a_terminal_and_say_the_same() {
        let source = r#"{"resourceType":"Patient","active":1}"#;
        let outcome = profile::validate(source.as_bytes(), Version::R4, None);
        let sheet = |colours| Sheet { name: "patient.json", source: source.as_bytes(), first_line: 1, colours };
        let (plain, coloured) = (sheet(false).render(&outcome), sheet(true).render(&outcome));
        assert!(coloured.contains("\u{1b}[") && !plain.contains('\u{1b}'), "{coloured}");
        let steps = coloured.split('\u{1b}').enumerate();
        let bare: String = steps
            .map(|(index, text)| if index == 0 { text } else { text.split_once('m').map_or("", |(_, rest)| rest) })
            .collect();
        assert_eq!(bare, plain);
    }

    #[test]
    fn a_sound_resource_is_one_line() {
        assert_eq!(rendered(r#"{"resourceType":"Patient","active":true}"#), "patient.json: valid");
    }

    #[test]
    fn of_a_very_long_line_only_the_place_is_told() {
        let text = rendered(&format!(r#"{{"resourceType":"Patient","language":"{}","active":1}}"#, "a".repeat(20_000)));
        assert!(text.contains("patient.json:1:20050, Patient.active"), "{text}");
        assert!(text.len() < 1_000, "{} bytes", text.len());
    }

    #[test]
    fn a_terminal_is_not_steered_by_what_a_file_holds() {
        let text = rendered("{\"resourceType\":\"Patient\",\"gender\":\"\u{1b}[2J\"}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}
