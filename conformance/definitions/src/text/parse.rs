//! Text to facts.

use super::{
    BindingText, CompartmentText, ElementText, Family, InvariantText, SearchParameterText, TypeText, TypeUse,
    ValueSetText,
};

/// A line that says nothing we know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// What was expected.
    pub expected: &'static str,
}

impl std::fmt::Display for ParseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: expected {}", self.line, self.expected)
    }
}

impl std::error::Error for ParseError {}

/// Lines with their numbers and their indentation.
struct Lines<'a> {
    rest: std::iter::Peekable<std::iter::Enumerate<std::str::Lines<'a>>>,
    line: usize,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        Self { rest: text.lines().enumerate().peekable(), line: 0 }
    }

    /// The next line, when it is indented by exactly `indent` spaces.
    fn next_at(&mut self, indent: usize) -> Option<&'a str> {
        let (number, line) = self.rest.peek().copied()?;
        let content = line.trim_start_matches(' ');
        if line.len() - content.len() != indent {
            return None;
        }
        self.rest.next();
        self.line = number + 1;
        Some(content)
    }

    fn expected<T>(&self, expected: &'static str) -> Result<T, ParseError> {
        Err(ParseError { line: self.line, expected })
    }

    fn end(&mut self) -> Result<(), ParseError> {
        match self.rest.peek() {
            None => Ok(()),
            Some((number, _)) => Err(ParseError { line: number + 1, expected: "a line with another indentation" }),
        }
    }
}

/// The type of a file.
///
/// # Errors
/// A line that is not what [`super::print::type_file`] writes.
pub fn type_file(text: &str) -> Result<TypeText, ParseError> {
    let mut lines = Lines::new(text);
    let header = lines.next_at(0).unwrap_or_default();
    let Some(mut definition) = header_line(header) else {
        return lines.expected("`[abstract] primitive|complex|resource NAME [: BASE]`");
    };
    definition.invariants = invariants(&mut lines)?;
    while let Some(line) = lines.next_at(0) {
        let Some(mut element) = element_line(line) else {
            return lines.expected("`PATH MIN..MAX TYPES [modifier] [summary] [STRENGTH:VALUESET]`");
        };
        element.invariants = invariants(&mut lines)?;
        definition.elements.push(element);
    }
    lines.end()?;
    Ok(definition)
}

fn header_line(line: &str) -> Option<TypeText> {
    let (is_abstract, line) = line.strip_prefix("abstract ").map_or((false, line), |rest| (true, rest));
    let mut words = line.split(' ');
    let family = match words.next()? {
        "primitive" => Family::Primitive,
        "complex" => Family::Complex,
        "resource" => Family::Resource,
        _ => return None,
    };
    let name = words.next()?.to_owned();
    let base = match words.next() {
        Some(":") => Some(words.next()?.to_owned()),
        Some(_) => return None,
        None => None,
    };
    Some(TypeText { name, family, is_abstract, base, invariants: Vec::new(), elements: Vec::new() })
}

fn element_line(line: &str) -> Option<ElementText> {
    let mut words = line.split_ascii_whitespace();
    let path = words.next()?.to_owned();
    let (min, max) = words.next()?.split_once("..")?;
    let max = if max == "*" { None } else { Some(max.parse().ok()?) };
    let mut element = ElementText { path, min: min.parse().ok()?, max, ..ElementText::default() };
    match words.next()? {
        "-" => {}
        types => match types.strip_prefix('@') {
            Some(content) => element.content = Some(content.to_owned()),
            None => element.types = split_outside(types).into_iter().map(type_use).collect::<Option<_>>()?,
        },
    }
    for word in words {
        match word {
            "modifier" => element.is_modifier = true,
            "summary" => element.is_summary = true,
            _ => {
                let (strength, value_set) = word.split_once(':')?;
                element.binding = Some(BindingText { strength: strength.to_owned(), value_set: value_set.to_owned() });
            }
        }
    }
    Some(element)
}

/// Splits at the bars that stand outside brackets.
fn split_outside(text: &str) -> Vec<&str> {
    let mut depth = 0;
    text.split(|c| {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            _ => {}
        }
        c == '|' && depth == 0
    })
    .collect()
}

fn type_use(text: &str) -> Option<TypeUse> {
    let (text, targets) = bracketed(text, '(', ')')?;
    let (name, profiles) = bracketed(text, '[', ']')?;
    Some(TypeUse { name: name.to_owned(), targets, profiles })
}

/// Takes a bracketed list off the end of a text.
fn bracketed(text: &str, open: char, close: char) -> Option<(&str, Vec<String>)> {
    match text.split_once(open) {
        None => Some((text, Vec::new())),
        Some((before, list)) => {
            let list = list.strip_suffix(close)?;
            Some((before, list.split('|').map(str::to_owned).collect()))
        }
    }
}

fn invariants(lines: &mut Lines<'_>) -> Result<Vec<InvariantText>, ParseError> {
    let mut rules = Vec::new();
    while let Some(line) = lines.next_at(2) {
        let mut words = line.splitn(4, ' ');
        let (Some("!"), Some(key), Some(severity), Some(expression)) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return lines.expected("`! KEY error|warning EXPRESSION`");
        };
        let Some(human) = lines.next_at(4) else { return lines.expected("the rule in words on the next line") };
        rules.push(InvariantText {
            key: key.to_owned(),
            is_error: severity == "error",
            expression: expression.to_owned(),
            human: human.to_owned(),
        });
    }
    Ok(rules)
}

/// The value sets of a file.
///
/// # Errors
/// A line that is not what [`super::print::value_sets`] writes.
pub fn value_sets(text: &str) -> Result<Vec<ValueSetText>, ParseError> {
    let mut lines = Lines::new(text);
    let mut found = Vec::new();
    while let Some(line) = lines.next_at(0) {
        let Some(url) = line.strip_prefix("valueset ") else { return lines.expected("`valueset URL`") };
        let mut value_set = ValueSetText { url: url.to_owned(), systems: Vec::new() };
        while let Some(line) = lines.next_at(2) {
            let Some(system) = line.strip_prefix("system ") else { return lines.expected("`system URL`") };
            let codes = std::iter::from_fn(|| lines.next_at(4)).map(str::to_owned).collect();
            value_set.systems.push((system.to_owned(), codes));
        }
        found.push(value_set);
    }
    lines.end()?;
    Ok(found)
}

/// The search parameters of a file.
///
/// # Errors
/// A line that is not what [`super::print::search_parameters`] writes.
pub fn search_parameters(text: &str) -> Result<Vec<SearchParameterText>, ParseError> {
    let mut lines = Lines::new(text);
    let mut found = Vec::new();
    while let Some(line) = lines.next_at(0) {
        let Some(url) = line.strip_prefix("parameter ") else { return lines.expected("`parameter URL`") };
        let mut parameter = SearchParameterText { url: url.to_owned(), ..SearchParameterText::default() };
        let head = lines.next_at(2).unwrap_or_default();
        let mut words = head.split(' ');
        let (Some(code), Some(kind), Some("of")) = (words.next(), words.next(), words.next()) else {
            return lines.expected("`CODE TYPE of BASES`");
        };
        (parameter.code, parameter.kind) = (code.to_owned(), kind.to_owned());
        parameter.bases = words.map(str::to_owned).collect();
        while let Some(line) = lines.next_at(2) {
            if parameter_line(&mut parameter, line).is_none() {
                return lines.expected("a fact of a search parameter");
            }
        }
        found.push(parameter);
    }
    lines.end()?;
    Ok(found)
}

fn parameter_line(parameter: &mut SearchParameterText, line: &str) -> Option<()> {
    let (name, rest) = line.split_once(' ')?;
    let words = || rest.split(' ').map(str::to_owned).collect();
    match name {
        "expression" => parameter.expression = Some(rest.to_owned()),
        "targets" => parameter.targets = words(),
        "comparators" => parameter.comparators = words(),
        "modifiers" => parameter.modifiers = words(),
        "multiple-or" => parameter.multiple_or = Some(rest.parse().ok()?),
        "multiple-and" => parameter.multiple_and = Some(rest.parse().ok()?),
        "component" => {
            let (url, expression) = rest.split_once(' ')?;
            parameter.components.push((url.to_owned(), expression.to_owned()));
        }
        _ => return None,
    }
    Some(())
}

/// The compartments of a file.
///
/// # Errors
/// A line that is not what [`super::print::compartments`] writes.
pub fn compartments(text: &str) -> Result<Vec<CompartmentText>, ParseError> {
    let mut lines = Lines::new(text);
    let mut found = Vec::new();
    while let Some(line) = lines.next_at(0) {
        let Some(owner) = line.strip_prefix("compartment ") else { return lines.expected("`compartment OWNER`") };
        let mut compartment = CompartmentText { owner: owner.to_owned(), members: Vec::new() };
        while let Some(line) = lines.next_at(2) {
            let mut words = line.split(' ').map(str::to_owned);
            let Some(resource_type) = words.next() else { return lines.expected("`TYPE PARAMETERS`") };
            compartment.members.push((resource_type, words.collect()));
        }
        found.push(compartment);
    }
    lines.end()?;
    Ok(found)
}
