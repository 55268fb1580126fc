//! A string value that starts like a base, so far.

use super::ends_base;

/// Compares the decoded characters of a string with several bases at a time.
#[derive(Default)]
pub(super) struct Candidate {
    /// Its raw bytes in earlier chunks.
    held: Vec<u8>,
    /// Raw bytes seen, held ones included.
    raw: usize,
    /// Raw bytes up to the start of the character that is being read.
    before: usize,
    /// Characters that were equal.
    equal: usize,
    /// A bit for each base that is still equal.
    alive: u8,
    /// Raw length of the longest base that was found whole.
    found: Option<usize>,
    escape: Escape,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Escape {
    #[default]
    None,
    Backslash,
    /// `\u` with that many digits read, of that value.
    Unicode(u8, u16),
}

/// What a byte decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing yet.
    Open,
    /// Decided; the string goes on.
    Goes,
    /// Decided; the string ends with this byte.
    Ends,
}

/// No character of a base: bases are ASCII.
const NO_CHARACTER: u8 = 0xff;

impl Candidate {
    pub(super) fn begin(&mut self, bases: usize) {
        self.clear();
        self.alive = u8::MAX >> 8_usize.saturating_sub(bases);
    }

    pub(super) fn clear(&mut self) {
        self.held.clear();
        (self.raw, self.before, self.equal, self.alive) = (0, 0, 0, 0);
        self.found = None;
        self.escape = Escape::None;
    }

    pub(super) fn hold(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    pub(super) fn held(&self) -> &[u8] {
        &self.held
    }

    /// Raw length of the base that it starts with.
    pub(super) fn base_length(&self) -> Option<usize> {
        self.found
    }

    pub(super) fn take(&mut self, byte: u8, bases: &[Box<[u8]>]) -> Verdict {
        if self.escape == Escape::None {
            self.before = self.raw;
        }
        self.raw += 1;
        match (self.escape, byte) {
            (Escape::None, b'"') => {
                self.find_complete(bases);
                Verdict::Ends
            }
            (Escape::None, b'\\') => {
                self.escape = Escape::Backslash;
                Verdict::Open
            }
            (Escape::None, character) => self.compare(character, bases),
            (Escape::Backslash, b'u') => {
                self.escape = Escape::Unicode(0, 0);
                Verdict::Open
            }
            (Escape::Backslash, b'/') => self.compare(b'/', bases),
            (Escape::Backslash, _) => self.compare(NO_CHARACTER, bases),
            (Escape::Unicode(digits, value), digit) => self.unicode(digits, value, digit, bases),
        }
    }

    fn unicode(&mut self, digits: u8, value: u16, digit: u8, bases: &[Box<[u8]>]) -> Verdict {
        let Some(digit) = char::from(digit).to_digit(16) else {
            // No JSON; a quote in the place of a digit ends the string all the same.
            let verdict = self.compare(NO_CHARACTER, bases);
            return if digit == b'"' { Verdict::Ends } else { verdict };
        };
        let value = (value << 4) | digit as u16;
        if digits < 3 {
            self.escape = Escape::Unicode(digits + 1, value);
            return Verdict::Open;
        }
        self.compare(u8::try_from(value).ok().filter(u8::is_ascii).unwrap_or(NO_CHARACTER), bases)
    }

    /// Takes a decoded character.
    fn compare(&mut self, character: u8, bases: &[Box<[u8]>]) -> Verdict {
        self.escape = Escape::None;
        if ends_base(character) {
            self.find_complete(bases);
        }
        for (index, base) in bases.iter().enumerate() {
            if base.get(self.equal) != Some(&character) {
                self.alive &= !(1 << index);
            }
        }
        self.equal += 1;
        if self.alive == 0 { Verdict::Goes } else { Verdict::Open }
    }

    fn find_complete(&mut self, bases: &[Box<[u8]>]) {
        let complete = |index: usize, length: usize| self.alive & (1 << index) != 0 && length == self.equal;
        if bases.iter().enumerate().any(|(index, base)| complete(index, base.len())) {
            self.found = Some(self.before);
        }
    }
}
