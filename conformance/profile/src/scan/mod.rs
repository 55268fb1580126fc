//! The one pass: bytes to typed nodes and findings.

mod contained;
mod invariants;
mod members;
mod nodes;
mod own;
mod primitive;
mod resource;
mod special;
mod untyped;

use std::ops::Range;

use definitions::{Element, Shape};
use fhir::json::{Fault, Kind, Limits, Node, check_text};
use fhir::{ResourceType, Version};

pub(crate) use invariants::settle;

use crate::agenda::Agenda;
use crate::finding::{Finding, Problem};
use crate::policy::BestPractice;
use crate::profiled::Engine;
use crate::rules::{self, Rules};

/// What a scan works in. Kept by the caller and used again: after warm-up a scan of a valid resource allocates nothing.
#[derive(Default)]
pub struct Scratch {
    nodes: Vec<Node>,
    findings: Vec<Finding>,
    /// The text of the string that is being read, when it has escapes.
    text: Vec<u8>,
    /// Nodes of References such as `#p1` in the resource that is being read.
    locals: Vec<u32>,
    /// Invariants that must run when all is read.
    pending: Vec<Pending>,
    /// Those of them that only codes or profiles decide.
    undecided: Vec<Pending>,
    /// Where the passes behind the scan have something to do.
    agenda: Agenda,
    /// Findings that are errors.
    errors: usize,
    /// Nodes of resources of types that packages define.
    own: Vec<u32>,
    /// What became of recommendations in the last scan.
    best_practice: BestPractice,
}

/// An invariant that the presence of members has not decided.
#[derive(Clone, Copy)]
struct Pending {
    node: u32,
    /// The resource that holds it.
    resource: u32,
    /// The resource that contains that one.
    root: u32,
    rule: u16,
}

impl Scratch {
    /// The nodes of the last scan, typed: `Node::element` holds a [`definitions::ElementId`] or 0.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Whether the last scan found no error; there may be warnings.
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        self.errors == 0
    }

    /// Whether the last scan found something that is not enough to refuse.
    #[must_use]
    pub fn has_warnings(&self) -> bool {
        self.findings.len() > self.errors
    }

    /// Whether the last scan came to the end of the resource, so that its nodes are all there.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        !self.findings.iter().any(|finding| matches!(finding.problem, Problem::Syntax(_) | Problem::More))
    }

    /// Gives memory back that only an unusually large document needed: there is one scratch a thread.
    pub(crate) fn let_go(&mut self) {
        const USUAL: usize = 64 * 1024;
        if self.nodes.capacity() > USUAL {
            self.nodes = Vec::new();
        }
        if self.text.capacity() > USUAL {
            self.text = Vec::new();
        }
        if self.undecided.capacity() > USUAL {
            self.undecided = Vec::new();
        }
        if self.pending.capacity() > USUAL {
            self.pending = Vec::new();
        }
        if self.agenda.capacity() > USUAL {
            self.agenda = Agenda::default();
        }
    }

    /// Notes where the passes have something to do.
    pub(crate) fn plan(&mut self, version: Version) {
        self.agenda.fill(&self.nodes, &self.own, version);
    }

    pub(crate) const fn agenda(&self) -> &Agenda {
        &self.agenda
    }

    pub(crate) const fn best_practice(&self) -> BestPractice {
        self.best_practice
    }

    /// Resources of types that packages define.
    pub(crate) fn own(&self) -> &[u32] {
        &self.own
    }

    pub(crate) fn findings(&self) -> &[Finding] {
        &self.findings
    }
}

/// Steps that all invariants of a resource together may take.
const STEPS: u64 = 4_000_000;

/// How much a scan takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Depth and number of values.
    pub json: Limits,
    /// Findings until the scan stops; with 1 it stops at the first.
    pub findings: usize,
    /// Steps that all invariants together may take.
    pub steps: u64,
    /// What becomes of recommendations (dom-6).
    pub best_practice: BestPractice,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { json: Limits::default(), findings: 100, steps: STEPS, best_practice: BestPractice::Ignore }
    }
}

/// Scans a resource in one pass: JSON to typed nodes in `scratch`, and everything that is wrong with its structure. True when
/// nothing is. The root must be of type `expected`, when that is given.
///
/// The same scan serves the wire and the command line: only [`Bounds::findings`] differs, and the texts are made afterwards
/// by [`crate::explain`].
pub fn scan(
    bytes: &[u8],
    version: Version,
    expected: Option<ResourceType>,
    bounds: Bounds,
    scratch: &mut Scratch,
) -> bool {
    scan_with(bytes, version, expected, bounds, None, scratch)
}

/// As [`scan`], with the types that packages define.
pub(crate) fn scan_with(
    bytes: &[u8],
    version: Version,
    expected: Option<ResourceType>,
    bounds: Bounds,
    engine: Option<&Engine>,
    scratch: &mut Scratch,
) -> bool {
    scratch.nodes.clear();
    scratch.own.clear();
    scratch.best_practice = bounds.best_practice;
    scratch.findings.clear();
    scratch.locals.clear();
    scratch.pending.clear();
    scratch.undecided.clear();
    scratch.errors = 0;
    let mut scanner = Scanner {
        bytes,
        rules: rules::of(version),
        engine,
        scratch,
        at: 0,
        depth: 0,
        contained: 0,
        resource: 0,
        root: 0,
        bounds,
    };
    // What a stop says is among the findings.
    match scanner.document(expected) {
        Ok(()) => drop(scanner.run_invariants()),
        Err(Stop) => scanner.close_what_is_open(),
    }
    scratch.is_valid()
}

/// The scan cannot go on; why is among the findings.
struct Stop;

type Step<T = ()> = Result<T, Stop>;

struct Scanner<'a> {
    bytes: &'a [u8],
    rules: &'static Rules,
    engine: Option<&'a Engine>,
    scratch: &'a mut Scratch,
    at: usize,
    depth: u32,
    /// Contained resources so far.
    contained: u32,
    /// The resource that is being read.
    resource: u32,
    /// The resource that contains that one, otherwise the same.
    root: u32,
    bounds: Bounds,
}

/// A member name in the text; of length 0 for an item and the root.
#[derive(Clone, Copy, Default)]
struct Name {
    start: u32,
    length: u16,
    is_escaped: bool,
}

impl Name {
    /// Its bytes in the text.
    #[inline]
    fn span(self) -> Range<usize> {
        let start = self.start as usize;
        start..start + self.length as usize
    }
}

impl Scanner<'_> {
    fn document(&mut self, expected: Option<ResourceType>) -> Step {
        if let Err(error) = check_text(self.bytes) {
            return self.syntax(error);
        }
        self.space();
        if self.byte() == Some(b'{') {
            self.resource(Name::default(), resource::Place::Root(expected))?;
        } else {
            self.report(Problem::ExpectedObject)?;
            self.untyped(Name::default())?;
        }
        self.space();
        if self.at == self.bytes.len() { Ok(()) } else { self.fault(Fault::End) }
    }

    /// The value of an element: one, or the array of all.
    #[inline]
    fn element(&mut self, name: Name, element: Element<'static>) -> Step {
        if !element.is_list() {
            return self.single(name, element);
        }
        if self.byte() != Some(b'[') {
            self.report(Problem::ExpectedArray)?;
            return self.pass_over(name, element);
        }
        self.list(name, element)
    }

    fn list(&mut self, name: Name, element: Element<'static>) -> Step {
        let index = self.open(Kind::Array, name, element.id().raw())?;
        let mut count: u32 = 0;
        while self.more_items(count == 0)? {
            self.single(Name::default(), element)?;
            count += 1;
        }
        self.close(index);
        if count == 0 {
            self.report_at(index, Problem::EmptyArray)?;
        }
        match element.max() {
            Some(max) if count > u32::from(max) => self.report_at(index, Problem::TooMany(max)),
            _ => Ok(()),
        }
    }

    /// Whether another item follows in the array; its value is next then.
    #[inline]
    fn more_items(&mut self, is_first: bool) -> Step<bool> {
        match self.byte() {
            Some(b']') => {
                self.at += 1;
                Ok(false)
            }
            Some(b'{' | b'"') if is_first => Ok(true),
            _ => self.more_items_apart(is_first),
        }
    }

    /// The same where there is space, or a comma.
    fn more_items_apart(&mut self, is_first: bool) -> Step<bool> {
        self.space();
        match self.byte() {
            Some(b']') => {
                self.at += 1;
                return Ok(false);
            }
            Some(b',') if !is_first => {
                self.at += 1;
                self.space();
            }
            _ if !is_first => return self.fault(Fault::CommaOrBracket),
            _ => {}
        }
        Ok(true)
    }

    #[inline]
    fn single(&mut self, name: Name, element: Element<'static>) -> Step {
        if let Some(primitive) = element.primitive() {
            return self.primitive(name, element, primitive);
        }
        match element.shape() {
            Some(shape) => self.object(name, element, shape),
            None if self.byte() == Some(b'{') => self.resource(name, resource::Place::of(element)),
            None => self.no_object(name, element),
        }
    }

    fn object(&mut self, name: Name, element: Element<'static>, shape: Shape<'static>) -> Step {
        if self.byte() != Some(b'{') {
            return self.no_object(name, element);
        }
        let members = self.members(name, element.id(), shape, None)?;
        self.note_invariants(members.node, element.id(), members.seen());
        self.special(&members, element)
    }

    /// Something else where an object is expected: noted, and passed over.
    #[cold]
    fn no_object(&mut self, name: Name, element: Element<'static>) -> Step {
        let problem = match self.byte() {
            Some(b'[') => Problem::ExpectedSingle,
            Some(b'n') => Problem::Null,
            _ => Problem::ExpectedObject,
        };
        self.report(problem)?;
        self.pass_over(name, element)
    }
}
