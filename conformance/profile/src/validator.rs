//! The whole validation of a resource: the scan, then the passes over its nodes.
//!
//! A pass is a function that is given the [`Subject`] and a [`Report`]; it runs only where the scan left nodes that can be
//! trusted, and a valid resource costs it no allocation.

use std::cell::RefCell;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use fhir::json::{Document, Limits, Node};
use fhir::{IssueType, Outcome, ResourceType, Severity, Version};
use package::{Artefact, Registry};
use terminology::{InvalidResource, Terminology};

use crate::agenda::Agenda;
use crate::explain::Explanation;
use crate::policy::Policy;
use crate::profiled::Engine;
use crate::report::Report;
use crate::scan::{Bounds, Scratch, scan_with};

/// Steps of all invariants of one's own file: some seconds.
const STEPS: u64 = 200_000_000;

/// What a resource is validated against. Made once and shared.
#[derive(Clone, Debug)]
pub struct Validator {
    version: Version,
    engine: Arc<Engine>,
    policy: Arc<Policy>,
}

/// What one validation is asked beyond the validator's own settings.
#[derive(Clone, Debug, Default)]
pub struct Request<'a> {
    /// The type that the resource must have.
    pub expected: Option<ResourceType>,
    /// Canonicals of profiles that it must follow beside those that it claims itself.
    pub profiles: &'a [&'a str],
    /// Canonicals of profiles that resources of a type must follow at every depth: in Bundles and Parameters, and contained.
    pub by_type: &'a [(ResourceType, &'a [&'a str])],
}

/// A resource that came over the wire and is valid.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Its nodes: each knows its element. Those of `fhir::Resource::index`.
    pub nodes: Arc<[Node]>,
    /// What is doubtful: warnings and information.
    pub doubts: Outcome,
}

/// A resource that came over the wire and is not valid.
#[derive(Clone, Debug)]
pub struct Refused {
    /// Everything that is wrong, at most 100 things, and what is doubtful.
    pub outcome: Outcome,
    /// Whether it is FHIR at all, so that only rules of the specification or of a profile are broken.
    pub is_fhir: bool,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// A resource whose scan is done, as the passes see it.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) document: Document<'a>,
    pub(crate) definitions: &'static definitions::Definitions,
    pub(crate) validator: &'a Validator,
    /// Nodes of resources of types that packages define.
    pub(crate) own: &'a [u32],
}

impl<'a> Subject<'a> {
    pub(crate) fn terminology(&self) -> &'a Terminology {
        self.validator.terminology()
    }
}

impl Validator {
    /// For a release and what is built in for it.
    #[must_use]
    pub fn new(version: Version) -> Self {
        static BUILT_IN: [LazyLock<Validator>; 3] = [
            LazyLock::new(|| Validator::of(Registry::built_in(Version::R4), Terminology::of(Version::R4))),
            LazyLock::new(|| Validator::of(Registry::built_in(Version::R4B), Terminology::of(Version::R4B))),
            LazyLock::new(|| Validator::of(Registry::built_in(Version::R5), Terminology::of(Version::R5))),
        ];
        let [r4, r4b, r5] = &BUILT_IN;
        match version {
            Version::R4 => Self::clone(r4),
            Version::R4B => Self::clone(r4b),
            Version::R5 => Self::clone(r5),
        }
    }

    /// For definitions and codes, which are of one release.
    #[must_use]
    pub fn of(registry: Registry, terminology: Terminology) -> Self {
        let engine = Arc::new(Engine::new(registry, terminology));
        Self { version: engine.registry().version(), engine, policy: Arc::default() }
    }

    /// With code systems and value sets of its own: those of packages, or of what a resource comes with.
    #[must_use]
    pub fn with_terminology(self, terminology: Terminology) -> Self {
        Self { policy: Arc::clone(&self.policy), ..Self::of(self.registry().clone(), terminology) }
    }

    /// The same with further resources: definitions, value sets and code systems, alone, in Bundles or contained. What was there
    /// is shared. A resource that defines nothing is passed over.
    ///
    /// # Errors
    /// When one is no JSON.
    pub fn with(&self, resources: impl IntoIterator<Item = Bytes>) -> Result<Self, InvalidResource> {
        let resources: Vec<Bytes> = resources.into_iter().collect();
        let artefacts = resources.iter().filter_map(|json| Artefact::from_json(json.clone()).ok());
        let registry = self.registry().with(artefacts);
        let terminology = self.terminology().with(resources.iter().map(AsRef::as_ref))?;
        Ok(Self { policy: Arc::clone(&self.policy), ..Self::of(registry, terminology) })
    }

    /// The same with other settings. Definitions and codes are shared.
    #[must_use]
    pub fn with_policy(&self, policy: Policy) -> Self {
        Self { policy: Arc::new(policy), ..self.clone() }
    }

    /// Its settings.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The release.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The definitions.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        self.engine.registry()
    }

    /// The codes.
    #[must_use]
    pub fn terminology(&self) -> &Terminology {
        self.engine.terminology()
    }

    /// What expressions may ask: its codes and profiles. Documents must be typed.
    #[must_use]
    pub fn services(&self) -> impl fhirpath::Services + '_ {
        crate::profiled::Known::new(self, 0)
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Everything that is wrong or doubtful with a resource in JSON or XML; an outcome without issues when nothing is. Lines and
    /// columns are those of the text as it is given.
    #[must_use]
    pub fn validate(&self, bytes: &[u8], request: &Request<'_>) -> Outcome {
        if !xml::is_xml(bytes) {
            // RFC 8259 8.1: a reader may ignore a byte order mark. Files have one; the wire has none.
            return self.validate_json(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes), request);
        }
        let limits = xml::Limits { values: u32::MAX, ..xml::Limits::default() };
        xml::read(bytes, self.version, limits).outcome(bytes, |json| self.validate_json(json, request))
    }

    fn validate_json(&self, bytes: &[u8], request: &Request<'_>) -> Outcome {
        let json = Limits { nodes: u32::MAX, ..Limits::default() };
        let bounds = Bounds { json, steps: STEPS, ..Bounds::default() };
        let mut scratch = Scratch::default();
        let report = self.run(bytes, request, bounds, &mut scratch);
        self.explain(bytes, request, &scratch, &report)
    }

    /// Checks a resource in JSON that came over the wire: its typed nodes for later stages, and what is doubtful.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, bytes: &[u8], request: &Request<'_>) -> Result<Checked, Refused> {
        SCRATCH.with_borrow_mut(|scratch| {
            let report = self.run(bytes, request, Bounds::default(), scratch);
            let is_silent = scratch.findings().is_empty() && report.is_empty();
            let outcome = if is_silent { Outcome::default() } else { self.explain(bytes, request, scratch, &report) };
            let checked = match scratch.is_valid() && !report.has_errors() {
                true => Ok(Checked { nodes: Arc::from(scratch.nodes()), doubts: outcome }),
                false => Err(Refused { is_fhir: self.is_fhir(bytes, request, scratch), outcome }),
            };
            scratch.let_go();
            checked
        })
    }

    /// Whether a resource in JSON is valid, and nothing else. Allocates nothing for a valid one once the scratch is warm and the
    /// profiles are compiled.
    pub fn accepts(&self, bytes: &[u8], request: &Request<'_>, scratch: &mut Scratch) -> bool {
        let report = self.run(bytes, request, Bounds::default(), scratch);
        scratch.is_valid() && !report.has_errors()
    }

    /// The scan and the passes.
    fn run(&self, bytes: &[u8], request: &Request<'_>, bounds: Bounds, scratch: &mut Scratch) -> Report {
        let mut report = Report::new(bounds.findings);
        let bounds = Bounds { best_practice: self.policy.best_practice, ..bounds };
        scan_with(bytes, self.version, request.expected, bounds, Some(self.engine()), scratch);
        if scratch.is_whole() {
            scratch.plan(self.version);
            let document = Document::new(bytes, scratch.nodes());
            let definitions = definitions::of(self.version);
            let subject = Subject { document, definitions, validator: self, own: scratch.own() };
            crate::scan::settle(&subject, scratch, &mut report);
            passes(&subject, scratch.agenda(), request, &mut report);
        }
        report
    }

    /// Whether all that the scan found wrong breaks a rule, rather than saying that this is no FHIR.
    fn is_fhir(&self, bytes: &[u8], request: &Request<'_>, scratch: &Scratch) -> bool {
        let scanned = crate::explain(bytes, self.version, request.expected, scratch);
        let is_rule = |code| matches!(code, IssueType::CodeInvalid | IssueType::Invariant | IssueType::NotFound);
        scanned.0.iter().filter(|issue| issue.severity >= Severity::Error).all(|issue| is_rule(issue.code))
    }

    fn explain(&self, bytes: &[u8], request: &Request<'_>, scratch: &Scratch, report: &Report) -> Outcome {
        let mut outcome = crate::explain(bytes, self.version, request.expected, scratch);
        let explanation = Explanation::new(Document::new(bytes, scratch.nodes()), self.version, request.expected);
        outcome.0.extend(report.issues(&explanation));
        outcome
    }
}

/// Every pass behind the scan, in the order in which people want to read what they find.
fn passes(subject: &Subject<'_>, agenda: &Agenda, request: &Request<'_>, report: &mut Report) {
    crate::base::check(subject, &agenda.base, report);
    crate::binding::check(subject, &agenda.coded, report);
    crate::profiled::check(subject, &agenda.marked, request, report);
}
