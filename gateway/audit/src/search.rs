//! Finds events in the log, newest first.

use std::fmt;
use std::io;
use std::ops::ControlFlow;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Instant;

use crate::codec::View;
use crate::date::Range;
use crate::index::{Block, Key};
use crate::log::Log;
use crate::segment::{Segment, for_each_frame};

/// The place of an event in the log: its segment, the offset of its record, its number in the record.
/// As text it is the logical id of the AuditEvent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventId {
    pub(crate) segment: u64,
    pub(crate) offset: u64,
    pub(crate) event: u32,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.segment, self.offset, self.event)
    }
}

impl FromStr for EventId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split('-');
        let mut next = || parts.next().filter(|part| part.bytes().all(|byte| byte.is_ascii_digit())).ok_or(());
        let id = Self {
            segment: next()?.parse().map_err(drop)?,
            offset: next()?.parse().map_err(drop)?,
            event: next()?.parse().map_err(drop)?,
        };
        // One spelling per event: `01-2-3` is not one of ours.
        if parts.next().is_none() && id.to_string() == text { Ok(id) } else { Err(()) }
    }
}

/// What to look for. Each list of alternatives must hold one that matches; no list means anything.
#[derive(Clone, Default)]
pub(crate) struct Filter {
    pub(crate) practice: String,
    pub(crate) during: Option<Range>,
    pub(crate) patients: Vec<Vec<String>>,
    pub(crate) agents: Vec<Vec<String>>,
    pub(crate) entities: Vec<Vec<(String, String)>>,
    pub(crate) actions: Vec<Vec<String>>,
    pub(crate) outcomes: Vec<Vec<String>>,
    pub(crate) subtypes: Vec<Vec<String>>,
    pub(crate) ids: Vec<Vec<EventId>>,
}

impl Filter {
    fn during(&self) -> Range {
        self.during.unwrap_or(Range::ALL)
    }

    fn may_be_in(&self, block: &Block) -> bool {
        let any = |alternatives: &[String], key: fn(&str) -> Key<'_>| {
            alternatives.iter().any(|value| block.may_hold(key(value)))
        };
        self.during().meets(block.first, block.last)
            && self.patients.iter().all(|values| any(values, |id| Key::Patient(id)))
            && self.agents.iter().all(|values| any(values, |name| Key::Agent(name)))
            && self.entities.iter().all(|values| values.iter().any(|(kind, id)| block.may_hold(Key::Entity(kind, id))))
    }

    /// Whether a record can have events that match: everything but patient and id.
    fn takes(&self, view: &View<'_>) -> bool {
        let is = |lists: &[Vec<String>], value: &str| lists.iter().all(|list| list.iter().any(|one| one == value));
        view.practice == self.practice
            && self.during().holds(view.recorded)
            && self
                .agents
                .iter()
                .all(|list| list.iter().any(|one| view.client == Some(one.as_str()) || view.user == Some(one.as_str())))
            && self.entities.iter().all(|list| {
                list.iter()
                    .any(|(kind, id)| view.subject.is_some_and(|(other, other_id, _)| other == kind && other_id == id))
            })
            && is(&self.actions, crate::balp::action(view.interaction))
            && is(&self.outcomes, view.outcome.code())
            && is(&self.subtypes, view.interaction.code())
    }

    fn takes_event(&self, id: EventId, patient: Option<&str>) -> bool {
        self.patients.iter().all(|list| list.iter().any(|one| patient == Some(one.as_str())))
            && self.ids.iter().all(|list| list.contains(&id))
    }
}

/// Why a search did not end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SearchError {
    #[error("the deadline came before the search was done")]
    Deadline,
    #[error("the audit log cannot be read")]
    Io(#[from] io::Error),
}

impl Log {
    /// Visits the events that match, newest record first, from behind an event on. Blocks on the disk.
    pub(crate) fn visit(
        &self,
        filter: &Filter,
        behind: Option<EventId>,
        deadline: Instant,
        mut visit: impl FnMut(EventId, &View<'_>) -> ControlFlow<()>,
    ) -> Result<(), SearchError> {
        let segments: Vec<Arc<Segment>> = self.shared.segments.read().iter().rev().cloned().collect();
        for segment in segments {
            let summary = segment.summary();
            if behind.is_some_and(|behind| segment.number > behind.segment)
                || !filter.during().meets(summary.first, summary.last)
            {
                continue;
            }
            for block in present(segment.blocks())?.into_iter().flatten().rev() {
                if behind.is_some_and(|behind| segment.number == behind.segment && block.start > behind.offset)
                    || !filter.may_be_in(&block)
                {
                    continue;
                }
                if Instant::now() >= deadline {
                    return Err(SearchError::Deadline);
                }
                let Some(bytes) = present(segment.read(&block))? else { break };
                if visit_block(filter, behind, segment.number, &block, &bytes, &mut visit).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Visits one event, if it is there. An id that points into the middle of a record finds nothing.
    pub(crate) fn visit_one(
        &self,
        practice: &str,
        id: EventId,
        visit: impl FnOnce(&View<'_>),
    ) -> Result<(), SearchError> {
        let found = self.shared.segments.read().iter().find(|segment| segment.number == id.segment).cloned();
        let Some(segment) = found else { return Ok(()) };
        let blocks = present(segment.blocks())?.unwrap_or_default();
        let Some(block) = blocks.iter().find(|block| (block.start..block.end).contains(&id.offset)) else {
            return Ok(());
        };
        let Some(bytes) = present(segment.read(block))? else { return Ok(()) };
        let mut visit = Some(visit);
        let mut offset = block.start;
        for_each_frame(&bytes, |view, size| {
            let is_it = offset == id.offset && view.practice == practice && id.event < view.events();
            if is_it && let Some(visit) = visit.take() {
                visit(view);
            }
            offset += size as u64;
        });
        Ok(())
    }
}

fn visit_block(
    filter: &Filter,
    behind: Option<EventId>,
    segment: u64,
    block: &Block,
    bytes: &[u8],
    visit: &mut impl FnMut(EventId, &View<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut matching = Vec::new();
    let mut offset = block.start;
    for_each_frame(bytes, |view, size| {
        if filter.takes(view) {
            matching.push(offset);
        }
        offset += size as u64;
    });
    for offset in matching.into_iter().rev() {
        let at = usize::try_from(offset - block.start).unwrap_or(usize::MAX);
        let frame = bytes.get(at..).and_then(crate::codec::frame);
        let Some(view) = frame.and_then(|(payload, _)| View::decode(payload)) else { continue };
        let mut patients = view.patients();
        for event in 0..view.events() {
            let (id, patient) = (EventId { segment, offset, event }, patients.next());
            if behind.is_none_or(|behind| is_behind(id, behind)) && filter.takes_event(id, patient) {
                visit(id, &view)?;
            }
        }
    }
    ControlFlow::Continue(())
}

/// Newest record first; within a record in the order of its patients.
fn is_behind(id: EventId, behind: EventId) -> bool {
    match (id.segment, id.offset).cmp(&(behind.segment, behind.offset)) {
        std::cmp::Ordering::Less => true,
        std::cmp::Ordering::Equal => id.event > behind.event,
        std::cmp::Ordering::Greater => false,
    }
}

/// A segment that retention deleted meanwhile holds nothing.
fn present<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}
