//! Puts one base in the place of others, in JSON that flows by. A back end writes its own absolute URLs into bodies
//! (fullUrl, link.url, Reference.reference); a client must read the gateway's, and the other way round.
//!
//! A string value that starts with one of the bases, followed by its end or one of `/ ? # |`, starts with the other
//! base afterwards. Every other byte stays. Correct across the borders of chunks and through every JSON escape
//! (`http:\/\/`, `\u0068ttp`); what has to be held back is shorter than one base. On the way it is checked that what
//! flows by is one balanced JSON object, so that a body that was cut is never taken for a whole one.

mod candidate;
mod shape;

use std::sync::Arc;

use bytes::Bytes;

use candidate::{Candidate, Verdict};
use shape::{Shape, Start};

/// Which bases are replaced, by which. Made once, used by many bodies.
#[derive(Clone, Debug)]
pub struct Bases {
    from: Arc<[Box<[u8]>]>,
    to: Arc<[u8]>,
}

/// What is wrong with JSON that flowed by. Says nothing of its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It does not start with an object.
    #[error("expected a JSON object")]
    NotAnObject,
    /// A bracket closes what another kind opened, or nothing.
    #[error("the brackets do not match")]
    Unbalanced,
    /// A byte that stands in no JSON.
    #[error("expected JSON")]
    NotJson,
    /// Nested beyond what is followed.
    #[error("nested deeper than 127 levels")]
    TooDeep,
    /// Something follows the object.
    #[error("something follows the JSON object")]
    Trailing,
    /// It ends before the object does.
    #[error("the body ends before its JSON object does")]
    Truncated,
}

impl Bases {
    /// Replaces any of `from` (at most 8) by `to`. Bases have no slash at the end.
    #[must_use]
    pub fn new<'a>(from: impl IntoIterator<Item = &'a str>, to: &str) -> Self {
        let from = from.into_iter().filter(|base| !base.is_empty() && *base != to).take(8);
        Self { from: from.map(|base| base.as_bytes().into()).collect(), to: to.as_bytes().into() }
    }

    /// The same replacement in a text that is not JSON: a query's value, a header field.
    #[must_use]
    pub fn replace(&self, text: &str) -> Option<String> {
        let longest =
            self.from.iter().filter(|base| starts_with_base(text.as_bytes(), base)).max_by_key(|b| b.len())?;
        Some(format!("{}{}", String::from_utf8_lossy(&self.to), text.get(longest.len()..)?))
    }
}

fn starts_with_base(text: &[u8], base: &[u8]) -> bool {
    text.strip_prefix(base).is_some_and(|rest| rest.first().is_none_or(|byte| ends_base(*byte)))
}

/// Where a string ends or escapes. Most strings are short: the first bytes are looked at one by one.
fn end_or_escape(rest: &[u8]) -> Option<usize> {
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\');
    let short = rest.len().min(16);
    let (head, tail) = rest.split_at(short);
    head.iter().position(is_special).or_else(|| memchr::memchr2(b'"', b'\\', tail).map(|index| index + short))
}

/// What may follow a base: otherwise `http://a/fhir` would be found in `http://a/fhirpath`.
const fn ends_base(byte: u8) -> bool {
    matches!(byte, b'/' | b'?' | b'#' | b'|')
}

/// One body on its way.
pub struct Rewriter {
    bases: Bases,
    shape: Shape,
    place: Place,
    candidate: Candidate,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Outside of strings.
    Between,
    /// In a value that may start with a base.
    Candidate,
    /// In any other string, or behind the start of one.
    Text,
    /// Behind a backslash of it.
    Escape,
}

/// The output of one push: nothing is copied until something is replaced.
struct Output<'a> {
    chunk: &'a Bytes,
    written: Vec<u8>,
    /// Up to where the chunk is in `written`, or was replaced.
    taken: usize,
}

impl Rewriter {
    /// A rewriter for one body.
    #[must_use]
    pub fn new(bases: Bases) -> Self {
        Self { bases, shape: Shape::default(), place: Place::Between, candidate: Candidate::default() }
    }

    /// Takes the next piece and gives back what is certain by now; may be empty.
    ///
    /// # Errors
    /// It is not the JSON of one object.
    pub fn push(&mut self, chunk: &Bytes) -> Result<Bytes, Malformed> {
        let mut output = Output { chunk, written: Vec::new(), taken: 0 };
        // Where the candidate starts in this chunk; 0 when it began in an earlier one.
        let mut start = 0;
        let mut at = 0;
        while let Some(rest) = chunk.get(at..)
            && !rest.is_empty()
        {
            at += match self.place {
                Place::Between => {
                    let (length, string) = self.shape.skip(rest)?;
                    if let Some(string) = string {
                        start = at + length;
                        self.begin(string, chunk.get(start));
                    }
                    length
                }
                Place::Candidate => self.compare(rest, start, at, &mut output),
                Place::Text => self.pass(rest),
                Place::Escape => {
                    self.shape.capture(rest.get(..1).unwrap_or_default());
                    self.place = Place::Text;
                    1
                }
            };
        }
        if self.place == Place::Candidate {
            output.copy_to(start);
            self.candidate.hold(chunk.get(start..).unwrap_or_default());
            output.taken = chunk.len();
        }
        Ok(output.finish())
    }

    /// The end of the body.
    ///
    /// # Errors
    /// [`Malformed::Truncated`] when its object has not ended.
    pub fn finish(&self) -> Result<(), Malformed> {
        if self.shape.is_complete() { Ok(()) } else { Err(Malformed::Truncated) }
    }

    /// `resourceType` of the root, as far as it has flowed by.
    #[must_use]
    pub fn resource_type(&self) -> Option<&str> {
        self.shape.resource_type()
    }

    /// `id` of the root, as far as it has flowed by.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.shape.id()
    }

    /// Most strings are seen not to start with a base by their first byte, when it has come already.
    fn begin(&mut self, string: Start, first: Option<&u8>) {
        let can_start = |first: &u8| *first == b'\\' || self.bases.from.iter().any(|base| base.first() == Some(first));
        let bases = self.bases.from.len();
        if string == Start::Other || bases == 0 || !first.is_none_or(can_start) {
            self.place = Place::Text;
            return;
        }
        self.place = Place::Candidate;
        self.candidate.begin(bases);
    }

    /// Compares byte by byte until it is clear whether the string starts with a base. Returns how many bytes are done.
    fn compare(&mut self, rest: &[u8], start: usize, at: usize, output: &mut Output<'_>) -> usize {
        for (index, byte) in rest.iter().enumerate() {
            let verdict = self.candidate.take(*byte, &self.bases.from);
            let ends = match verdict {
                Verdict::Open => continue,
                Verdict::Ends => true,
                Verdict::Goes => false,
            };
            output.settle(&mut self.candidate, start, &self.bases.to);
            self.place = Place::Text;
            if ends {
                self.end_string();
            }
            debug_assert!(at + index < output.chunk.len());
            return index + 1;
        }
        rest.len()
    }

    /// Passes over a string's content to its end or its next escape.
    fn pass(&mut self, rest: &[u8]) -> usize {
        let Some(index) = end_or_escape(rest) else {
            self.shape.capture(rest);
            return rest.len();
        };
        self.shape.capture(rest.get(..index).unwrap_or_default());
        if rest.get(index) == Some(&b'"') {
            self.end_string();
        } else {
            self.shape.capture(b"\\");
            self.place = Place::Escape;
        }
        index + 1
    }

    fn end_string(&mut self) {
        self.shape.end_string();
        self.place = Place::Between;
    }
}

impl Output<'_> {
    fn copy_to(&mut self, end: usize) {
        self.written.extend_from_slice(self.chunk.get(self.taken..end).unwrap_or_default());
        self.taken = self.taken.max(end);
    }

    /// Writes out a candidate whose fate is known: what was held back of it, with the base replaced if it has one.
    fn settle(&mut self, candidate: &mut Candidate, start: usize, to: &[u8]) {
        let held = candidate.held();
        match candidate.base_length() {
            None if held.is_empty() => {}
            None => self.written.extend_from_slice(held),
            Some(length) => {
                if held.is_empty() {
                    self.copy_to(start);
                }
                self.written.extend_from_slice(to);
                self.written.extend_from_slice(held.get(length..).unwrap_or_default());
                self.taken = start + length.saturating_sub(held.len());
            }
        }
        candidate.clear();
    }

    fn finish(mut self) -> Bytes {
        if self.written.is_empty() && self.taken == 0 {
            return self.chunk.clone();
        }
        if self.written.is_empty() {
            return self.chunk.slice(self.taken.min(self.chunk.len())..);
        }
        self.copy_to(self.chunk.len());
        self.written.into()
    }
}

#[cfg(test)]
mod tests;
