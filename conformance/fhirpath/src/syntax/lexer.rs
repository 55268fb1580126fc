//! Characters to tokens.

use super::token::{Token, TokenKind};
use super::{MAX_LENGTH, SyntaxError, literal};

/// Longest first, so that `<=` is not read as `<`.
const SYMBOLS: [&str; 22] =
    ["!=", "!~", "<=", ">=", "(", ")", "[", "]", "{", "}", ".", ",", "+", "-", "*", "/", "&", "|", "<", ">", "=", "~"];
const SPECIALS: [&str; 3] = ["$this", "$index", "$total"];

/// Every token of the text, `End` last.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, SyntaxError> {
    if text.len() > MAX_LENGTH {
        return Err(SyntaxError::new(MAX_LENGTH, format!("expected an expression of at most {MAX_LENGTH} bytes")));
    }
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_blanks()?;
        let offset = lexer.at;
        let kind = lexer.next()?;
        let end = kind == TokenKind::End;
        tokens.push(Token { offset, kind });
        if end {
            return Ok(tokens);
        }
    }
}

pub(super) struct Lexer<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_blanks(&mut self) -> Result<(), SyntaxError> {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches([' ', '\t', '\r', '\n', '\u{a0}', '\u{feff}']);
            self.at += rest.len() - trimmed.len();
            if trimmed.starts_with("//") {
                self.at += trimmed.find('\n').unwrap_or(trimmed.len());
            } else if trimmed.starts_with("/*") {
                let end = trimmed.get(2..).and_then(|body| body.find("*/"));
                self.at += end.ok_or_else(|| SyntaxError::new(self.at, "expected `*/` behind a comment"))? + 4;
            } else {
                return Ok(());
            }
        }
    }

    fn next(&mut self) -> Result<TokenKind, SyntaxError> {
        let Some(first) = self.rest().chars().next() else { return Ok(TokenKind::End) };
        match first {
            '\'' => self.quoted('\'').map(TokenKind::Text),
            '`' => self.quoted('`').map(TokenKind::Delimited),
            '"' => self.quoted('"').map(TokenKind::Delimited),
            '@' => literal::temporal(self),
            '%' => self.variable(),
            '0'..='9' => literal::number(self),
            'A'..='Z' | 'a'..='z' | '_' => Ok(TokenKind::Word(self.word().to_owned())),
            _ => self.symbol(first),
        }
    }

    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let length = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    fn variable(&mut self) -> Result<TokenKind, SyntaxError> {
        self.at += 1;
        let name = match self.rest().chars().next() {
            Some(quote @ ('\'' | '`' | '"')) => self.quoted(quote)?,
            Some('A'..='Z' | 'a'..='z' | '_') => self.word().to_owned(),
            _ => return Err(SyntaxError::new(self.at, "expected a name behind `%`")),
        };
        Ok(TokenKind::Variable(name))
    }

    fn symbol(&mut self, first: char) -> Result<TokenKind, SyntaxError> {
        let rest = self.rest();
        if first == '$' {
            let offset = self.at;
            self.at += 1;
            let word = self.word();
            return (SPECIALS.iter().find(|special| special.get(1..) == Some(word)))
                .map(|special| TokenKind::Special(special))
                .ok_or_else(|| SyntaxError::new(offset, "expected `$this`, `$index` or `$total`"));
        }
        let symbol = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)).ok_or_else(|| {
            SyntaxError::new(self.at, format!("expected a name, a literal or an operator and not {first:?}"))
        })?;
        self.at += symbol.len();
        Ok(TokenKind::Symbol(symbol))
    }

    /// A quoted text with its escapes resolved.
    fn quoted(&mut self, quote: char) -> Result<String, SyntaxError> {
        let start = self.at;
        self.at += quote.len_utf8();
        let mut text = String::new();
        let mut characters = self.rest().char_indices();
        while let Some((index, character)) = characters.next() {
            if character == quote {
                self.at += index + quote.len_utf8();
                return Ok(text);
            }
            if character != '\\' {
                text.push(character);
                continue;
            }
            let escape = characters.next().map(|(_, escape)| escape);
            let resolved = match escape {
                Some('n') => Some('\n'),
                Some('r') => Some('\r'),
                Some('t') => Some('\t'),
                Some('f') => Some('\u{c}'),
                Some('u') => unicode(&mut characters),
                Some(plain @ ('\'' | '"' | '`' | '\\' | '/')) => Some(plain),
                _ => None,
            };
            let offset = self.at + index;
            text.push(
                resolved.ok_or_else(|| SyntaxError::new(offset, "expected an escape such as `\\n` or `\\u00e9`"))?,
            );
        }
        Err(SyntaxError::new(start, format!("expected a closing {quote}")))
    }
}

/// Four hexadecimal digits; a surrogate pair takes two escapes.
fn unicode(characters: &mut std::str::CharIndices<'_>) -> Option<char> {
    let high = hexadecimal(characters)?;
    if !(0xD800..0xDC00).contains(&high) {
        return char::from_u32(high);
    }
    if characters.next()?.1 != '\\' || characters.next()?.1 != 'u' {
        return None;
    }
    let low = hexadecimal(characters)?;
    if !(0xDC00..0xE000).contains(&low) {
        return None;
    }
    char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
}

fn hexadecimal(characters: &mut std::str::CharIndices<'_>) -> Option<u32> {
    (0..4).try_fold(0, |value, _| Some(value * 16 + characters.next()?.1.to_digit(16)?))
}
