//! A search or a history over several back ends: asked at the same time, merged in the order of the search, paged by one sealed
//! link. A back end that fails is reported in the answer, and the others are shown.
//!
//! Each page asks every back end that has more for the page where it stands, and skips what was given of it. A page ends early
//! where a back end's own page ends and it has more: what comes behind could stand before the entries of others.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;

use adapter::{Call, Error, ErrorKind, Reply, Status};
use bytes::Bytes;
use fhir::{Interaction, Issue, IssueType, Outcome, Query};
use futures_util::future::join_all;

use super::bundle::{self, Entry, Listed};
use super::order::Order;
use super::page::{self, At, Position};
use super::sources::{self, Asked};
use super::{Federation, Member};

/// Entries of a page without `_count`.
const DEFAULT: usize = 50;
/// The most that are given at a time: a link carries a mark for each.
const MOST: usize = 200;

/// Whether an interaction lists what several back ends may have.
pub(super) const fn is_listing(interaction: &Interaction) -> bool {
    page::query(interaction).is_some()
}

/// Who follows a history must miss no change: it is whole, or refused.
const fn is_history(interaction: &Interaction) -> bool {
    matches!(interaction, Interaction::HistoryType { .. } | Interaction::HistorySystem { .. })
}

/// One page of the listing.
///
/// # Errors
/// The client's fault, as any back end says; or the first failure when no back end answered.
pub(super) async fn list(federation: &Federation, call: Call) -> Result<Reply, Error> {
    let position = page::asked(federation, &call, || sources::first(federation, &call))?;
    let query = Query::parse(&position.query);
    let order = if is_history(&call.interaction) { Order::newest_first() } else { Order::of(&query) };
    let asked = Asked { size: size(&query), order, query };
    let known = position.at.iter().map(|at| Ok((sources::member(federation, &call, at)?, at.clone())));
    let known = known.collect::<Result<Vec<_>, Error>>()?;
    let answers = known.into_iter().map(|(member, at)| answer(federation, member, at, &call, &asked));
    let answers = join_all(answers).await;
    let mut page = Page::new(position, &asked);
    page.take(answers, call.must_be_complete || is_history(&call.interaction))?;
    page.merge();
    Ok(page.reply(federation, &call))
}

fn size(query: &Query) -> Option<usize> {
    let count = query.first("_count").and_then(|count| count.parse::<usize>().ok());
    let only_count = count == Some(0) || query.first("_summary") == Some("count");
    (!only_count).then(|| count.unwrap_or(DEFAULT).min(MOST))
}

/// What one back end said, or why it did not.
struct Answered {
    at: At,
    result: Result<Listed, Error>,
}

async fn answer(federation: &Federation, member: &Member, at: At, call: &Call, asked: &Asked) -> Answered {
    let result = sources::ask(federation, member, &at, call, asked).await;
    Answered { at, result }
}

/// The page that is put together.
struct Page<'a> {
    position: Position,
    asked: &'a Asked,
    sources: Vec<Source>,
    failures: Vec<Issue>,
    entries: Vec<Bytes>,
    given: HashSet<String>,
}

/// What is left of one back end's page.
struct Source {
    at: At,
    seen: HashSet<page::Mark>,
    /// Marks of all that is on it, in order.
    all: Vec<page::Mark>,
    /// The last one comes first.
    matches: Vec<Entry>,
    others: Vec<Entry>,
    next: Option<String>,
    is_used: bool,
}

impl<'a> Page<'a> {
    fn new(position: Position, asked: &'a Asked) -> Self {
        let failures = position.failed.iter().map(|name| unanswered(name, IssueType::Incomplete)).collect();
        Self { position, asked, sources: Vec::new(), failures, entries: Vec::new(), given: HashSet::new() }
    }

    /// Takes the answers in. The client's own fault is told as it is; a back end that fails is left out, unless all do, or a part is
    /// of no use.
    fn take(&mut self, answers: Vec<Answered>, must_be_complete: bool) -> Result<(), Error> {
        let is_first = self.position.is_first;
        let mut total = Some(0);
        let mut first_error = None;
        for Answered { at, result } in answers {
            match result {
                Ok(listed) => {
                    total = total.zip(listed.total).map(|(sum, more)| sum + more);
                    self.sources.push(Source::new(at, listed));
                }
                Err(error) if is_clients(error.kind) => return Err(error),
                Err(error) if must_be_complete => return Err(incomplete(&at.name, error)),
                Err(error) => {
                    total = None;
                    self.failures.push(unanswered(&at.name, error.kind.issue_type()));
                    self.position.failed.push(at.name);
                    first_error.get_or_insert(error);
                }
            }
        }
        if is_first {
            self.position.total = total;
        } else if first_error.is_some() {
            self.position.total = None;
        }
        match first_error {
            // Later on others have answered already.
            Some(error) if self.sources.is_empty() && is_first => Err(error),
            _ => Ok(()),
        }
    }

    /// Gives the entries that come first, until the page is full or a back end has to be asked for more.
    fn merge(&mut self) {
        let Some(size) = self.asked.size else { return };
        let mut matches = 0;
        while matches < size {
            self.sources.iter_mut().for_each(|source| source.pass_over(&self.given));
            if self.sources.iter().any(|source| source.matches.is_empty() && source.next.is_some()) {
                break;
            }
            let heads =
                self.sources.iter().enumerate().filter_map(|(index, source)| Some((index, source.matches.last()?)));
            let first = heads.min_by(|(_, left), (_, right)| self.asked.compare(left, right)).map(|(index, _)| index);
            let Some(source) = first.and_then(|index| self.sources.get_mut(index)) else { break };
            let Some(entry) = source.matches.pop() else { break };
            source.seen.insert(page::mark(&entry.identity));
            source.is_used = true;
            self.given.insert(entry.identity);
            self.entries.push(entry.json);
            matches += 1;
        }
        for source in self.sources.iter_mut().filter(|source| source.is_used || source.matches.is_empty()) {
            for other in source.others.drain(..) {
                if other.identity.trim().is_empty() || self.given.insert(other.identity) {
                    self.entries.push(other.json);
                }
            }
        }
    }

    fn reply(mut self, federation: &Federation, call: &Call) -> Reply {
        let reply = Reply::new(Status::Ok);
        let total = self.position.total.filter(|_| self.failures.is_empty());
        if !self.failures.is_empty() {
            self.entries.push(bundle::outcome(&Outcome(std::mem::take(&mut self.failures))));
        }
        let mut links = vec![("self", adapter::page::link(call, &self.position.query))];
        self.position.at = self.sources.into_iter().filter_map(|source| source.rest(call)).collect();
        if self.asked.size.is_some() && !self.position.at.is_empty() {
            links.extend(page::link(federation, call, &self.position).map(|url| ("next", url)));
        }
        let kind = if is_history(&call.interaction) { "history" } else { "searchset" };
        reply.with_body(bundle::write(kind, total, &links, &self.entries))
    }
}

impl Asked {
    /// Entries with the same keys stand in the order of their ids.
    fn compare(&self, left: &Entry, right: &Entry) -> Ordering {
        self.order.compare(&left.keys, &right.keys).then_with(|| left.identity.cmp(&right.identity))
    }
}

impl Source {
    fn new(at: At, listed: Listed) -> Self {
        let Listed { mut matches, others, next, .. } = listed;
        let all = matches.iter().map(|entry| page::mark(&entry.identity)).collect();
        matches.reverse();
        Self { seen: at.seen(), all, at, matches, others, next, is_used: false }
    }

    /// Drops what was given already, on this page or one before.
    fn pass_over(&mut self, given: &HashSet<String>) {
        let is_given =
            |entry: &Entry| given.contains(&entry.identity) || self.seen.contains(&page::mark(&entry.identity));
        while self.matches.last().is_some_and(is_given) {
            self.matches.pop();
        }
    }

    /// Where the next page stands, when there is more.
    fn rest(mut self, call: &Call) -> Option<At> {
        self.pass_over(&HashSet::new());
        if !self.matches.is_empty() {
            return Some(self.at.behind(&self.seen));
        }
        let own = Call { interaction: sources::interaction(call, &self.at), ..call.clone() };
        let page = page::followed(&own, &self.next?)?;
        Some(self.at.next(page, &self.all))
    }
}

/// Whether a failure says that the search itself is at fault.
const fn is_clients(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Invalid | ErrorKind::NotSupported | ErrorKind::Unprocessable | ErrorKind::TooCostly)
}

/// The failure of one back end where all are needed.
fn incomplete(name: &Arc<str>, error: Error) -> Error {
    let text =
        format!("the back end `{name}` did not answer, and an answer without what it has would be wrong: try again");
    let retry_after = error.retry_after;
    Error { retry_after, ..Error::new(error.kind, text).because(error) }
}

fn unanswered(name: &Arc<str>, code: IssueType) -> Issue {
    Issue::warning(code, format!("the back end `{name}` did not answer: what it has is missing here"))
}
