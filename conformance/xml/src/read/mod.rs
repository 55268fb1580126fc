//! XML to JSON: one pass over the tags, one buffer for the JSON.

mod attributes;
mod members;
mod primitive;
mod sink;
pub(crate) mod source;

use definitions::{Definitions, Element, Family};
use fhir::json::position;
use fhir::{Outcome, Version};

use crate::fault::{Fault, shortened};
use crate::path::Path;
use crate::positions::{Positions, without_mark};
use crate::{FHIR_NAMESPACE, Limits};
use fhir::Issue;
use sink::Sink;
use source::{Located, Source, Tag, Token, check_text};

/// What an XML says, as JSON, as far as it could be read.
pub struct Reading {
    /// The resource in compact JSON; whole when there are no issues, without what was passed over when there are, and empty when
    /// the text is no XML to its end.
    pub json: Vec<u8>,
    /// What is wrong, with FHIRPath, line and column in the XML. All of them are errors.
    pub issues: Vec<Issue>,
    /// From the JSON to the XML.
    pub positions: Positions,
}

impl Reading {
    /// What is wrong with the XML and with the JSON that it says: `check` is given the JSON, and its issues come back with lines
    /// and columns of `xml`, the text that was read. What is wrong at one place twice is told once, in the words for XML.
    #[must_use]
    pub fn outcome(self, xml: &[u8], check: impl FnOnce(&[u8]) -> Outcome) -> Outcome {
        let mut issues = self.issues;
        if !self.json.is_empty() {
            let mut found = check(&self.json);
            self.positions.relocate(&self.json, xml, &mut found);
            let is_new = |issue: &Issue| !issues.iter().any(|known| known.expression == issue.expression);
            let new: Vec<_> = found.0.into_iter().filter(is_new).collect();
            issues.extend(new);
        }
        Outcome(issues)
    }
}

/// Reads FHIR XML. What is no FHIR is noted and passed over; what is no XML ends it.
#[must_use]
pub fn read(xml: &[u8], version: Version, limits: Limits) -> Reading {
    let xml = without_mark(xml);
    let text = match check_text(xml) {
        Ok(text) => text,
        Err((offset, fault)) => return Reading::refused(xml, offset, &fault),
    };
    let mut reader = Reader {
        xml,
        source: Source::new(text),
        definitions: definitions::of(version),
        limits,
        sink: Sink::default(),
        spare: Vec::new(),
        peeked: None,
        path: Path::default(),
        issues: Vec::new(),
        depth: 0,
        values: 0,
    };
    reader.sink.bytes.reserve(xml.len());
    if reader.document().is_err() {
        reader.sink.clear();
    }
    Reading { json: reader.sink.bytes, issues: reader.issues, positions: Positions::new(reader.sink.marks) }
}

impl Reading {
    fn refused(xml: &[u8], offset: usize, fault: &Fault) -> Self {
        let mut issue = fault.issue();
        issue.position = Some(position(xml, offset));
        Self { json: Vec::new(), issues: vec![issue], positions: Positions::default() }
    }
}

/// Reading cannot go on; why is among the issues.
struct Stop;

type Step<T = ()> = Result<T, Stop>;

struct Reader<'a> {
    xml: &'a [u8],
    source: Source<'a>,
    definitions: &'static Definitions,
    limits: Limits,
    sink: Sink,
    /// Sinks that are used again.
    spare: Vec<Sink>,
    /// A tag that has been read too early.
    peeked: Option<Tag<'a>>,
    path: Path<'a>,
    issues: Vec<Issue>,
    depth: u32,
    values: u32,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Step {
        let root = match self.token()? {
            Token::Open(tag) => tag,
            _ => return self.stop(0, &Fault::NotOneRoot),
        };
        self.resource(&root)?;
        // The root could not be typed: nothing below it was looked at.
        if self.sink.bytes.is_empty() {
            return Err(Stop);
        }
        let offset = self.source.offset();
        match self.token()? {
            Token::End => Ok(()),
            _ => self.stop(offset, &Fault::NotOneRoot),
        }
    }

    /// An element with the name of a resource type. Writes nothing when it has none.
    fn resource(&mut self, tag: &Tag<'a>) -> Step {
        let name = tag.start.name().local_name().into_inner();
        self.check_namespace(tag, FHIR_NAMESPACE)?;
        let known = self.definitions.type_named(name);
        let known = known.filter(|known| known.family() == Family::Resource && !known.is_abstract());
        let root = known.and_then(|known| known.root()).and_then(|root| self.definitions.element(root));
        let Some((root, shape)) = root.and_then(|root| Some((root, root.shape()?))) else {
            self.note(tag.offset, &Fault::UnknownResourceType(shortened(name)))?;
            return self.skip(tag);
        };
        let is_top = self.depth == 0;
        if is_top {
            self.path.push(root.name(), None);
        }
        self.plain_attributes(tag, is_top)?;
        self.sink.raw("{\"resourceType\":\"");
        self.sink.raw(root.name());
        self.sink.raw("\"");
        self.content(tag, shape)?;
        self.sink.raw("}");
        if is_top {
            self.path.pop();
        }
        Ok(())
    }

    /// `contained`, `resource`: an element with one resource in it.
    fn holder(&mut self, tag: &Tag<'a>) -> Step {
        self.plain_attributes(tag, false)?;
        let before = self.sink.bytes.len();
        self.enter(tag)?;
        let count = if tag.is_empty { 0 } else { self.held()? };
        self.depth -= 1;
        if self.sink.bytes.len() == before {
            self.sink.raw("{}");
        }
        if count == 1 { Ok(()) } else { self.note(tag.offset, &Fault::OneResource) }
    }

    /// Reads the first resource in the element that is open; returns how many there are.
    fn held(&mut self) -> Step<u32> {
        let mut count = 0;
        while let Some(inner) = self.child()? {
            count += 1;
            if count == 1 {
                self.resource(&inner)?;
            } else {
                self.skip(&inner)?;
            }
        }
        Ok(count)
    }

    /// The next child of the element that is open, or none at its end.
    fn child(&mut self) -> Step<Option<Tag<'a>>> {
        if let Some(tag) = self.peeked.take() {
            return Ok(Some(tag));
        }
        loop {
            match self.token()? {
                Token::Open(tag) => return Ok(Some(tag)),
                Token::Close => return Ok(None),
                Token::Text(offset) => self.note(offset, &Fault::Text)?,
                Token::End => {
                    let fault = Fault::Malformed("each element is closed".into());
                    return self.stop(self.source.offset(), &fault);
                }
            }
        }
    }

    /// Passes over an element and all that is in it.
    fn skip(&mut self, tag: &Tag<'a>) -> Step {
        let mut depth = u32::from(!tag.is_empty);
        while depth > 0 {
            match self.token()? {
                Token::Open(inner) => depth += u32::from(!inner.is_empty),
                Token::Close => depth -= 1,
                Token::Text(_) => {}
                Token::End => {
                    let fault = Fault::Malformed("each element is closed".into());
                    return self.stop(self.source.offset(), &fault);
                }
            }
        }
        Ok(())
    }

    fn token(&mut self) -> Step<Token<'a>> {
        let next = self.source.next();
        self.checked(next)
    }

    fn checked<T>(&mut self, result: Located<T>) -> Step<T> {
        result.or_else(|(offset, fault)| self.stop(offset, &fault))
    }

    fn enter(&mut self, tag: &Tag<'a>) -> Step {
        self.depth += 1;
        if self.depth > self.limits.depth {
            return self.stop(tag.offset, &Fault::TooDeep);
        }
        self.count(tag)
    }

    fn count(&mut self, tag: &Tag<'a>) -> Step {
        self.values += 1;
        if self.values > self.limits.values {
            return self.stop(tag.offset, &Fault::TooManyValues);
        }
        Ok(())
    }

    fn check_namespace(&mut self, tag: &Tag<'a>, expected: &'static str) -> Step {
        match self.source.namespace(tag.start.name()).map(|found| found == expected) {
            Ok(true) => Ok(()),
            // Most often the whole document has it wrong: one issue is enough.
            Ok(false) => self.stop(tag.offset, &Fault::Namespace(expected)),
            Err(fault) => self.stop(tag.offset, &fault),
        }
    }

    /// Notes a fault that can be passed over.
    #[cold]
    fn note(&mut self, offset: usize, fault: &Fault) -> Step {
        self.add(offset, fault);
        if self.issues.len() < self.limits.issues {
            return Ok(());
        }
        if self.limits.issues > 1 {
            self.issues.push(Fault::More.issue());
        }
        Err(Stop)
    }

    /// Notes a fault of an element below the one that is open.
    #[cold]
    fn note_below(&mut self, name: &'a str, offset: usize, fault: &Fault) -> Step {
        self.path.push(name, None);
        let noted = self.note(offset, fault);
        self.path.pop();
        noted
    }

    /// Notes a fault that ends reading.
    #[cold]
    fn stop<T>(&mut self, offset: usize, fault: &Fault) -> Step<T> {
        self.add(offset, fault);
        Err(Stop)
    }

    fn add(&mut self, offset: usize, fault: &Fault) {
        let mut issue = fault.issue();
        issue.expression = self.path.expression();
        issue.position = Some(position(self.xml, offset));
        self.issues.push(issue);
    }
}

/// Whether JSON has it as a member of its own and XML as an attribute.
pub(crate) fn is_attribute(element: Element<'_>) -> bool {
    element.is_element_id()
        || element.name() == "url" && element.owner().is_some_and(|owner| owner.path() == "Extension")
}
