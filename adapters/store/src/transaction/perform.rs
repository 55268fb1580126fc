//! A transaction on the writing thread.

use std::collections::{HashMap, HashSet};

use adapter::{Error, ErrorKind, Reply, Status};
use fhir::{Id, Resource, ResourceType};

use super::references::{Resolved, Resolver, unmatched};
use super::{Action, Content, Done, Entry, Place, Target, Transaction, Write, located};
use crate::conditional::{Deletion, existing, one_match};
use crate::query::Condition;
use crate::sql::Connection;
use crate::{record, write};

impl Transaction {
    /// Does all of it; what came of each entry, in the order of the Bundle. Whoever calls undoes what was done before an error.
    ///
    /// # Errors
    /// Those of the first entry that fails, by its place in the Bundle.
    pub(crate) fn perform(mut self, connection: &Connection) -> Result<Vec<Done>, Error> {
        let mut done: Vec<Option<Done>> = self.entries.iter().map(|_| None).collect();
        let mut entries: Vec<Option<Entry>> = std::mem::take(&mut self.entries).into_iter().map(Some).collect();
        self.delete(connection, &mut entries, &mut done)?;
        self.identify(connection, &mut entries)?;
        for position in self.order_of_writes(&mut entries)? {
            let Some(Some(entry)) = entries.get_mut(position).map(Option::take) else { continue };
            let index = entry.index;
            let reply = self.write(connection, entry).map_err(|error| located(error, index))?;
            put(&mut done, position, Done::Written(reply));
        }
        for (position, entry) in entries.into_iter().enumerate() {
            let Some(Entry { index, action: Action::Look(look), .. }) = entry else { continue };
            let told = connection.until(self.deadline, || look(connection)).map_err(|error| located(error, index))?;
            put(&mut done, position, Done::Seen(told));
        }
        done.into_iter().map(|done| done.ok_or_else(forgotten)).collect()
    }

    fn delete(
        &self,
        connection: &Connection,
        entries: &mut [Option<Entry>],
        done: &mut [Option<Done>],
    ) -> Result<(), Error> {
        for (position, entry) in entries.iter_mut().enumerate() {
            let is_deletion = entry
                .as_ref()
                .is_some_and(|entry| matches!(entry.action, Action::Delete { .. } | Action::ConditionalDelete { .. }));
            let Some(entry) = entry.take_if(|_| is_deletion) else { continue };
            let index = entry.index;
            let reply = self.delete_one(connection, entry.action).map_err(|error| located(error, index))?;
            put(done, position, Done::Written(reply));
        }
        Ok(())
    }

    fn delete_one(&self, connection: &Connection, action: Action) -> Result<Reply, Error> {
        match action {
            Action::Delete { scope: Some(scope), id, if_match } => {
                write::delete(connection, &scope, self.version, id, if_match.as_ref(), self.now)
            }
            Action::Delete { scope: None, if_match, .. } => {
                write::check_match(None, if_match.as_ref()).map(|()| Reply::new(Status::NoContent))
            }
            Action::ConditionalDelete { scope, condition } => {
                let Self { deletes: how, deadline, version, now, .. } = *self;
                Deletion { how, deadline, version, now }.run(connection, &scope, &condition)
            }
            Action::Write(_) | Action::Look(_) => Err(forgotten()),
        }
    }

    fn one(&self, connection: &Connection, condition: &Condition) -> Result<Option<Id>, Error> {
        connection.until(self.deadline, || one_match(connection, condition))
    }

    /// Decides every condition before anything is made, gives each name its target, and refuses what is written twice. Creates on
    /// the same condition are the same create.
    fn identify(&mut self, connection: &Connection, entries: &mut [Option<Entry>]) -> Result<(), Error> {
        let mut decided: HashMap<(ResourceType, String), Id> = HashMap::new();
        let mut written: HashSet<(ResourceType, Id)> = HashSet::new();
        for entry in entries.iter_mut().flatten() {
            let Entry { index, full_url, action: Action::Write(of) } = entry else { continue };
            let kind = of.scope.resource_type;
            let id = self.id_of(connection, of, &mut decided).map_err(|error| located(error, *index))?;
            if !matches!(of.place, Place::Found(_)) && !written.insert((kind, id.clone())) {
                let text = "expected each resource once: another entry writes the one that the criteria match";
                return Err(located(Error::new(ErrorKind::Invalid, text), *index));
            }
            if let Some(name) = full_url.clone() {
                self.names.insert(name, Some(Target { resource_type: kind, id }));
            }
        }
        Ok(())
    }

    fn id_of(
        &self,
        connection: &Connection,
        of: &mut Write,
        decided: &mut HashMap<(ResourceType, String), Id>,
    ) -> Result<Id, Error> {
        let Place::Where { text, condition, otherwise, is_own } = &of.place else {
            let (Place::New(id) | Place::At(id) | Place::Found(id)) = &of.place else { return Err(forgotten()) };
            return Ok(id.clone());
        };
        let key = (of.scope.resource_type, text.clone());
        let found = match decided.get(&key).filter(|_| of.is_post) {
            Some(same) => Some(same.clone()),
            None => self.one(connection, condition)?,
        };
        let id = match found {
            Some(_) if of.is_post && of.must_create => {
                return Err(Error::new(ErrorKind::VersionMismatch, "expected criteria that nothing matches"));
            }
            Some(id) if of.is_post => {
                of.place = Place::Found(id.clone());
                id
            }
            Some(id) => {
                of.place = Place::At(id.clone());
                id
            }
            None => {
                let id = otherwise.clone();
                if *is_own && is_taken(connection, of.scope.key, &id)? {
                    let text = "the criteria match nothing, yet a resource with that `id` exists";
                    return Err(Error::new(ErrorKind::Conflict, text));
                }
                if !of.is_post {
                    of.place = Place::At(id.clone());
                }
                id
            }
        };
        decided.insert(key, id.clone());
        Ok(id)
    }

    /// POSTs before PUTs; what waits for a conditional reference behind all others, because it may mean what they make.
    fn order_of_writes(&self, entries: &mut [Option<Entry>]) -> Result<Vec<usize>, Error> {
        let mut order: Vec<(bool, bool, usize)> = Vec::new();
        for (position, entry) in entries.iter_mut().enumerate() {
            let Some(Entry { index, full_url, action: Action::Write(of) }) = entry else { continue };
            let is_open = self.close(full_url.as_deref(), of).map_err(|error| located(error, *index))?;
            order.push((is_open, !of.is_post, position));
        }
        order.sort_unstable();
        Ok(order.into_iter().map(|(.., position)| position).collect())
    }

    /// Resolves what is known by now. Whether conditional references are left.
    fn close(&self, full_url: Option<&str>, of: &mut Write) -> Result<bool, Error> {
        let Content::Open(resource) = &of.content else { return Ok(false) };
        let find = |_: &str| Ok(None);
        let mut resolver = Resolver { names: &self.names, full_url, base: &self.base, find };
        let resource = match resolver.resolve(&resource.bytes)? {
            Resolved::Open => return Ok(true),
            Resolved::Same => resource.clone(),
            Resolved::Changed(bytes) => Resource::new(resource.resource_type, resource.version, bytes),
        };
        of.content = Content::Ready(Box::new(write::Draft::new(of.scope.clone(), resource)?));
        Ok(false)
    }

    fn write(&self, connection: &Connection, entry: Entry) -> Result<Reply, Error> {
        let Entry { full_url, action: Action::Write(of), .. } = entry else { return Err(forgotten()) };
        if let Place::Found(id) = of.place {
            return existing(connection, &of.scope, id);
        }
        let draft = match of.content {
            Content::Ready(draft) => *draft,
            Content::Open(resource) => {
                let find = |text: &str| self.find(connection, text).map(Some);
                let mut resolver =
                    Resolver { names: &self.names, full_url: full_url.as_deref(), base: &self.base, find };
                let resource = match resolver.resolve(&resource.bytes)? {
                    Resolved::Changed(bytes) => Resource::new(resource.resource_type, resource.version, bytes),
                    Resolved::Same | Resolved::Open => resource,
                };
                write::Draft::new(of.scope.clone(), resource)?
            }
        };
        match of.place {
            Place::New(id) => write::create(connection, &draft, id, self.now),
            Place::Where { condition, otherwise, .. } => {
                // Nothing matched before; an entry of this transaction may match by now.
                if self.one(connection, &condition)?.is_some() {
                    let text = "another entry of the transaction makes what the criteria of this one match";
                    return Err(Error::new(ErrorKind::Conflict, text));
                }
                write::create(connection, &draft, otherwise, self.now)
            }
            Place::At(id) => {
                draft.check_id(&id)?;
                if of.must_create {
                    write::check_absent(connection, &draft, &id)?;
                }
                write::update(connection, &draft, id, of.if_match.as_ref(), self.now)
            }
            Place::Found(_) => Err(forgotten()),
        }
    }

    /// What a conditional reference means.
    fn find(&self, connection: &Connection, text: &str) -> Result<Target, Error> {
        let resource_type = text.split('?').next().and_then(|kind| kind.parse().ok());
        let (Some(resource_type), Some(Some(condition))) = (resource_type, self.conditions.get(text)) else {
            return Err(unmatched(text, false));
        };
        let mut found = connection.until(self.deadline, || condition.first_two(connection))?;
        match (found.pop(), found.is_empty()) {
            (Some(id), true) => Ok(Target { resource_type, id }),
            (None, _) => Err(unmatched(text, false)),
            (Some(_), false) => Err(unmatched(text, true)),
        }
    }
}

/// Whether somebody has an id that a conditional update without a match would take (http.html#cond-update).
fn is_taken(connection: &Connection, scope: i64, id: &Id) -> Result<bool, Error> {
    Ok(record::current(connection, scope, id.as_str())?.is_some_and(|current| !current.is_deleted))
}

fn put(done: &mut [Option<Done>], position: usize, what: Done) {
    if let Some(place) = done.get_mut(position) {
        *place = Some(what);
    }
}

fn forgotten() -> Error {
    Error::new(ErrorKind::Internal, "the store lost an entry of the transaction; nothing was written")
}
