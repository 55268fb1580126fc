//! `_include` and `_revinclude` (search.html#include): what stands on a page beside its matches.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use adapter::Error;
use fhir::ResourceType;
use fhir::json::Document;
use search::query::Include;
use search::{IndexValue, ParameterType, ReferenceValue};

use super::page::Entry;
use super::sight::Sight;
use crate::record::{self, Current};
use crate::scopes::Scope;
use crate::sql::{Connection, values};
use crate::write::scanned;

/// Resources that come along on a page, at most.
const MOST: usize = 1_000;

/// Bytes of their bodies, at most but for the last one.
const LARGEST: usize = 8 << 20;

/// What comes along.
pub(super) struct Includes {
    pub(super) includes: Vec<Include>,
    pub(super) revincludes: Vec<Include>,
}

/// What came along.
#[derive(Default)]
pub(super) struct Included {
    /// Each once, and none of the matches.
    pub(super) entries: Vec<Entry>,
    /// Whether there would have been more.
    pub(super) is_cut: bool,
}

impl Includes {
    /// Finds what comes along with matches. Nothing is included that the call could not find by a search of its own.
    pub(super) fn gather(&self, connection: &Connection, sight: &Sight, matches: &[Entry]) -> Result<Included, Error> {
        let seen = matches.iter().map(|entry| entry.key).collect();
        let mut round = Round { connection, sight, seen, bytes: 0, included: Included::default() };
        if self.includes.is_empty() && self.revincludes.is_empty() {
            return Ok(round.included);
        }
        for entry in matches {
            self.follow(&mut round, entry, false)?;
        }
        // `:iterate` goes on with what was included, until nothing new comes of it.
        let mut next = 0;
        let iterates = self.includes.iter().chain(&self.revincludes).any(|include| include.iterate);
        while iterates && !round.included.is_cut && next < round.included.entries.len() {
            let Some(entry) = round.included.entries.get(next).cloned() else { break };
            self.follow(&mut round, &entry, true)?;
            next += 1;
        }
        Ok(round.included)
    }

    fn follow(&self, round: &mut Round<'_>, entry: &Entry, iterates: bool) -> Result<(), Error> {
        let applies = |include: &&Include| include.iterate || !iterates;
        let forward: Vec<&Include> =
            self.includes.iter().filter(applies).filter(|include| include.source == entry.resource_type).collect();
        if !forward.is_empty() {
            for target in targets(entry, &forward, round.sight) {
                round.take_target(&target)?;
            }
        }
        for include in self.revincludes.iter().filter(applies) {
            if include.target.is_none_or(|target| target == entry.resource_type) {
                round.take_sources(include, entry)?;
            }
        }
        Ok(())
    }
}

/// What a reference points to in this store.
#[derive(PartialEq)]
struct Target {
    resource_type: ResourceType,
    id: String,
    /// The version that it names.
    version: Option<String>,
}

/// What the references of a resource point to in this store, each once.
fn targets(entry: &Entry, includes: &[&Include], sight: &Sight) -> Vec<Target> {
    let Ok(nodes) = scanned(&entry.body) else { return Vec::new() };
    let mut found = Vec::new();
    search::extract(
        Document::new(&entry.body, &nodes),
        entry.resource_type,
        sight.vocabulary(),
        &mut |parameter, value| {
            let IndexValue::Reference(reference) = value else { return };
            let Some(target) = target(&reference, sight) else { return };
            let is_meant = |include: &&Include| {
                include.parameter.is_none_or(|wanted| wanted.code == parameter.code)
                    && include.target.is_none_or(|wanted| wanted == target.resource_type)
            };
            if includes.iter().any(is_meant) && !found.contains(&target) {
                found.push(target);
            }
        },
    );
    found
}

fn target(reference: &ReferenceValue<'_>, sight: &Sight) -> Option<Target> {
    let resource_type = reference.resource_type?;
    if let Some(id) = &reference.id {
        let version = reference.version.as_deref().map(str::to_owned);
        return Some(Target { resource_type, id: id.to_string(), version });
    }
    let url = reference.url.as_deref()?;
    let rest = url.strip_prefix(&sight.prefix(resource_type))?;
    let (id, named) = rest.split_once("/_history/").map_or((rest, None), |(id, version)| (id, Some(version)));
    Some(Target { resource_type, id: id.to_owned(), version: named.map(str::to_owned) })
}

/// What was found so far.
struct Round<'a> {
    connection: &'a Connection,
    sight: &'a Sight,
    seen: HashSet<i64>,
    bytes: usize,
    included: Included,
}

impl Round<'_> {
    fn take_target(&mut self, target: &Target) -> Result<(), Error> {
        let Some(scope) = self.sight.scope(self.connection, target.resource_type)? else { return Ok(()) };
        let Some(current) = record::current(self.connection, scope.key, &target.id)? else { return Ok(()) };
        let named = target.version.as_ref().map(|version| version.parse::<i64>());
        match named {
            _ if current.is_deleted => Ok(()),
            None => self.take(&scope, current.key, current.version, &target.id),
            Some(Ok(number)) if number == current.number => self.take(&scope, current.key, current.version, &target.id),
            Some(Ok(number)) => self.take_version(&scope, &current, &target.id, number),
            // None of ours.
            Some(Err(_)) => Ok(()),
        }
    }

    /// references.html#Reference.reference: one to a version means that version. Whoever may not see the resource as it is now does not
    /// see it as it was.
    fn take_version(&mut self, scope: &Arc<Scope>, current: &Current, id: &str, number: i64) -> Result<(), Error> {
        let now = record::body(self.connection, current.version)?.unwrap_or_default();
        if !self.sight.admits(scope.resource_type, &now) {
            return Ok(());
        }
        match record::version_key(self.connection, current.key, number)? {
            // No resource has such a key: the version stands beside the resource itself.
            Some(version) => self.take(scope, -version, version, id),
            None => Ok(()),
        }
    }

    /// What refers to a resource by the references of an include, in the order of its creation.
    fn take_sources(&mut self, include: &Include, entry: &Entry) -> Result<(), Error> {
        if !self.sight.may_bring(include.source) {
            return Ok(());
        }
        let Some(scope) = self.sight.scope(self.connection, include.source)? else { return Ok(()) };
        let url = format!("{}{}", self.sight.prefix(entry.resource_type), entry.id);
        let sql = "SELECT r.key, r.current, r.id FROM link AS l JOIN resource AS r ON r.key = l.resource \
                   WHERE l.parameter = ?1 AND ((l.target = ?2 AND l.type = ?3) OR (l.target = ?4 AND l.type = '')) \
                   ORDER BY r.key";
        for parameter in keys(include, &scope, self.sight) {
            let values = values![parameter, entry.id.as_str(), entry.resource_type.as_str(), url.as_str()];
            let mut sources: Vec<(i64, i64, String)> = Vec::new();
            self.connection.each(sql, &values, |row| {
                sources.push((row.get(0)?, row.get(1)?, row.get(2)?));
                let is_enough = sources.len() > MOST + self.seen.len();
                Ok::<_, Error>(if is_enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            })?;
            for (key, version, id) in sources {
                self.take(&scope, key, version, &id)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, scope: &Arc<Scope>, key: i64, version: i64, id: &str) -> Result<(), Error> {
        if self.included.is_cut || self.seen.contains(&key) {
            return Ok(());
        }
        let Some(body) = record::body(self.connection, version)? else { return Ok(()) };
        if !self.sight.admits(scope.resource_type, &body) {
            return Ok(());
        }
        if self.included.entries.len() >= MOST || self.bytes >= LARGEST {
            self.included.is_cut = true;
            return Ok(());
        }
        self.seen.insert(key);
        self.bytes += body.len();
        self.included.entries.push(Entry { key, resource_type: scope.resource_type, id: id.to_owned(), body });
        Ok(())
    }
}

/// The keys of the references that an include names.
fn keys(include: &Include, scope: &Scope, sight: &Sight) -> Vec<i64> {
    let all = search::parameters(sight.vocabulary(), include.source).iter();
    let named = all.filter(|known| {
        known.kind == ParameterType::Reference && include.parameter.is_none_or(|wanted| wanted.code == known.code)
    });
    let mut keys: Vec<i64> = named.filter_map(|parameter| scope.parameter(parameter)).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}
