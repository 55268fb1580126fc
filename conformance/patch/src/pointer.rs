//! JSON Pointer (RFC 6901).

use fhir::json::{Kind, Value};

use crate::error::{Reason, quoted};

/// Reference tokens, unescaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pointer {
    tokens: Vec<String>,
    written: String,
}

impl Pointer {
    /// # Errors
    /// When it starts without `/`, or a `~` is followed by neither 0 nor 1 (RFC 6901 3).
    pub(crate) fn parse(text: &str) -> Result<Self, Reason> {
        let wrong =
            || Reason::malformed(format!("expected a JSON Pointer as `/name/0/family`, found {}", quoted(text)));
        let tokens = match text.strip_prefix('/') {
            Some(rest) => rest.split('/').map(unescaped).collect::<Option<_>>().ok_or_else(wrong)?,
            None if text.is_empty() => Vec::new(),
            None => return Err(wrong()),
        };
        Ok(Self { tokens, written: text.to_owned() })
    }

    /// The tokens of the container and the last token; none of the whole document.
    pub(crate) fn split(&self) -> Option<(&str, &[String])> {
        self.tokens.split_last().map(|(last, tokens)| (last.as_str(), tokens))
    }

    /// Whether `other` stands inside of what this points at.
    pub(crate) fn is_above(&self, other: &Self) -> bool {
        other.tokens.len() > self.tokens.len() && other.tokens.starts_with(&self.tokens)
    }

    /// The value that it points at.
    pub(crate) fn resolve<'a>(&self, root: Value<'a>) -> Result<Value<'a>, Reason> {
        self.follow(root, &self.tokens)
    }

    /// The container of what it points at.
    pub(crate) fn container<'a>(&self, root: Value<'a>) -> Result<Value<'a>, Reason> {
        self.follow(root, self.split().map_or(&[], |(_, tokens)| tokens))
    }

    fn follow<'a>(&self, root: Value<'a>, tokens: &[String]) -> Result<Value<'a>, Reason> {
        tokens.iter().try_fold(root, |value, token| {
            child(value, token).ok_or_else(|| {
                let text = format!("expected something at {}: there is no {}", quoted(&self.written), quoted(token));
                Reason::unsuitable(text)
            })
        })
    }

    /// As it was written, for errors.
    pub(crate) fn shown(&self) -> String {
        quoted(&self.written)
    }
}

fn unescaped(token: &str) -> Option<String> {
    let mut rest = token;
    let mut out = String::with_capacity(token.len());
    while let Some((plain, behind)) = rest.split_once('~') {
        out.push_str(plain);
        let (escaped, after) = (behind.chars().next()?, behind.get(1..)?);
        out.push(match escaped {
            '0' => '~',
            '1' => '/',
            _ => return None,
        });
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

fn child<'a>(value: Value<'a>, token: &str) -> Option<Value<'a>> {
    match value.kind() {
        Kind::Object => value.member(token),
        Kind::Array => value.children().nth(index(token)?),
        _ => None,
    }
}

/// An index of an array: digits without a leading zero (RFC 6901 4).
pub(crate) fn index(token: &str) -> Option<usize> {
    let sound = token == "0" || (!token.starts_with('0') && token.bytes().all(|digit| digit.is_ascii_digit()));
    if sound { token.parse().ok() } else { None }
}
