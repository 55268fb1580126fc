//! Strings (FHIRPath 5.6). Positions count characters.

use smallvec::smallvec;
use std::borrow::Cow;

use regex::{Regex, RegexBuilder};

use super::Call;
use crate::evaluate::{Evaluated, EvaluationError, Evaluator, operator::boolean};
use crate::function::Function as F;
use crate::item::{Collection, Item};
use crate::program::Pattern;
use crate::text_coding as coding;

impl<'a> Evaluator<'_, 'a> {
    pub(super) fn text_function(&mut self, function: F, call: &Call<'_, 'a>) -> Evaluated<'a> {
        if function == F::Join {
            return self.join(call);
        }
        let name = name_of(function);
        let Some(text) = self.text(call.input, name)? else {
            let is_test = matches!(function, F::StartsWith | F::EndsWith | F::Contains | F::Matches | F::MatchesFull);
            return Ok(boolean((is_test && self.is_rule).then_some(false)));
        };
        self.charge(1 + text.len() as u64 / 16)?;
        match function {
            F::Upper => self.made_text(text.to_uppercase()),
            F::Lower => self.made_text(text.to_lowercase()),
            F::Trim => self.made_text(text.trim().to_owned()),
            F::Length => Ok(smallvec![Item::Integer(text.chars().count() as i64)]),
            F::ToChars => {
                self.charge(text.len() as u64)?;
                Ok(text.chars().map(|character| Item::text(character.to_string())).collect())
            }
            F::Substring => self.substring(&text, call),
            F::IndexOf | F::LastIndexOf | F::StartsWith | F::EndsWith | F::Contains => {
                self.find_text(function, &text, call, name)
            }
            F::Replace => self.replace(&text, call),
            F::Matches | F::MatchesFull => self.matches(function, &text, call, name),
            F::ReplaceMatches => self.replace_matches(&text, call),
            F::Split => self.split(&text, call),
            _ => self.coding(function, &text, call, name),
        }
    }

    fn find_text(&self, function: F, text: &str, call: &Call<'_, 'a>, name: &'static str) -> Evaluated<'a> {
        let Some(part) = self.text(call.argument(0), name)? else { return Ok(Collection::new()) };
        let position = |found: Option<usize>| {
            let characters = found.and_then(|end| text.get(..end)).map_or(-1, |head| head.chars().count() as i64);
            smallvec![Item::Integer(characters)]
        };
        Ok(match function {
            F::IndexOf => position(text.find(&*part)),
            F::LastIndexOf => position(text.rfind(&*part)),
            F::StartsWith => boolean(Some(text.starts_with(&*part))),
            F::EndsWith => boolean(Some(text.ends_with(&*part))),
            _ => boolean(Some(text.contains(&*part))),
        })
    }

    fn substring(&mut self, text: &str, call: &Call<'_, 'a>) -> Evaluated<'a> {
        let Some(start) = self.whole_number(call.argument(0), "substring")? else { return Ok(Collection::new()) };
        let length = match call.arguments.len() {
            2 => self.whole_number(call.argument(1), "substring")?,
            _ => None,
        };
        let Some(start) = usize::try_from(start).ok().filter(|start| *start < text.chars().count()) else {
            return Ok(Collection::new());
        };
        let length = length.map_or(usize::MAX, |length| usize::try_from(length.max(0)).unwrap_or(usize::MAX));
        self.made_text(text.chars().skip(start).take(length).collect())
    }

    fn replace(&mut self, text: &str, call: &Call<'_, 'a>) -> Evaluated<'a> {
        let pattern = self.text(call.argument(0), "replace")?;
        let substitution = self.text(call.argument(1), "replace")?;
        let (Some(pattern), Some(substitution)) = (pattern, substitution) else { return Ok(Collection::new()) };
        // Counted before it is made: a short pattern and a long substitution multiply.
        let hits = text.matches(&*pattern).count() as u64;
        self.charge(hits.saturating_mul(substitution.len() as u64) / 16)?;
        self.made_text(text.replace(&*pattern, &substitution))
    }

    fn matches(&mut self, function: F, text: &str, call: &Call<'_, 'a>, name: &'static str) -> Evaluated<'a> {
        let Some(pattern) = self.text(call.argument(0), name)? else { return Ok(Collection::new()) };
        let pattern = if function == F::MatchesFull { Cow::Owned(format!("^(?:{pattern})$")) } else { pattern };
        let flags = self.text(call.argument(1), name)?;
        let regex = self.regex(&pattern, flags.as_deref(), name)?;
        Ok(boolean(Some(regex.is_match(text))))
    }

    /// `matches` with a literal pattern.
    pub(in crate::evaluate) fn matches_pattern(&mut self, pattern: &Pattern, input: &[Item<'a>]) -> Evaluated<'a> {
        const NAME: &str = "matches";
        let Some(text) = self.text(input, NAME)? else { return Ok(boolean(self.is_rule.then_some(false))) };
        self.charge(1 + text.len() as u64 / 16)?;
        match pattern.regex() {
            Some(regex) => Ok(boolean(Some(regex.is_match(&text)))),
            None => Err(EvaluationError::WrongType { operation: NAME, expected: "a regular expression" }),
        }
    }

    fn replace_matches(&mut self, text: &str, call: &Call<'_, 'a>) -> Evaluated<'a> {
        const NAME: &str = "replaceMatches";
        let pattern = self.text(call.argument(0), NAME)?;
        let substitution = self.text(call.argument(1), NAME)?;
        let (Some(pattern), Some(substitution)) = (pattern, substitution) else { return Ok(Collection::new()) };
        let flags = self.text(call.argument(2), NAME)?;
        if pattern.is_empty() {
            return self.made_text(text.to_owned());
        }
        let regex = self.regex(&pattern, flags.as_deref(), NAME)?;
        let hits = regex.find_iter(text).count() as u64;
        self.charge(hits.saturating_mul((substitution.len() + text.len()) as u64) / 16)?;
        let substitution = bare_groups(&substitution);
        self.made_text(regex.replace_all(text, substitution.as_str()).into_owned())
    }

    /// FHIRPath wants a single-line mode: a point matches a line end too.
    fn regex(&mut self, pattern: &str, flags: Option<&str>, operation: &'static str) -> Result<Regex, EvaluationError> {
        self.charge(64 + pattern.len() as u64)?;
        let flags = flags.unwrap_or_default();
        RegexBuilder::new(pattern)
            .dot_matches_new_line(true)
            .case_insensitive(flags.contains('i'))
            .multi_line(flags.contains('m'))
            .size_limit(Pattern::SIZE)
            .build()
            .map_err(|_| EvaluationError::WrongType { operation, expected: "a regular expression" })
    }

    fn split(&mut self, text: &str, call: &Call<'_, 'a>) -> Evaluated<'a> {
        let Some(separator) = self.text(call.argument(0), "split")? else { return Ok(Collection::new()) };
        self.charge(text.len() as u64)?;
        if separator.is_empty() {
            return Ok(text.chars().map(|character| Item::text(character.to_string())).collect());
        }
        Ok(text.split(&*separator).map(|part| Item::text(part.to_owned())).collect())
    }

    fn join(&mut self, call: &Call<'_, 'a>) -> Evaluated<'a> {
        let separator = self.text(call.argument(0), "join")?.unwrap_or_default();
        let mut joined = String::new();
        if call.input.is_empty() {
            return Ok(Collection::new());
        }
        for (index, item) in call.input.iter().enumerate() {
            let Some(text) = self.text(std::slice::from_ref(item), "join")? else { continue };
            self.charge(1 + (separator.len() + text.len()) as u64 / 16)?;
            if index > 0 {
                joined.push_str(&separator);
            }
            joined.push_str(&text);
        }
        self.made_text(joined)
    }

    fn coding(&mut self, function: F, text: &str, call: &Call<'_, 'a>, name: &'static str) -> Evaluated<'a> {
        let Some(format) = self.text(call.argument(0), name)? else { return Ok(Collection::new()) };
        let result = match function {
            F::Encode => coding::encode(text, &format),
            F::Decode => coding::decode(text, &format),
            F::Escape => coding::escape(text, &format),
            _ => coding::unescape(text, &format),
        };
        match result {
            Some(result) => self.made_text(result),
            None => Ok(Collection::new()),
        }
    }
}

/// `$1a` is group 1 and an `a`: for `regex` that must be `${1}a`.
fn bare_groups(substitution: &str) -> String {
    let mut result = String::with_capacity(substitution.len());
    let mut characters = substitution.chars().peekable();
    while let Some(character) = characters.next() {
        result.push(character);
        if character == '$' && characters.peek().is_some_and(char::is_ascii_digit) {
            result.push('{');
            while let Some(digit) = characters.next_if(char::is_ascii_digit) {
                result.push(digit);
            }
            result.push('}');
        }
    }
    result
}

const fn name_of(function: F) -> &'static str {
    match function {
        F::IndexOf => "indexOf",
        F::LastIndexOf => "lastIndexOf",
        F::Substring => "substring",
        F::StartsWith => "startsWith",
        F::EndsWith => "endsWith",
        F::Contains => "contains",
        F::Upper => "upper",
        F::Lower => "lower",
        F::Replace => "replace",
        F::Matches => "matches",
        F::MatchesFull => "matchesFull",
        F::ReplaceMatches => "replaceMatches",
        F::Length => "length",
        F::ToChars => "toChars",
        F::Trim => "trim",
        F::Split => "split",
        F::Encode => "encode",
        F::Decode => "decode",
        F::Escape => "escape",
        _ => "unescape",
    }
}
