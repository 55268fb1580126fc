//! One record of theirs as a resource with id and meta.

use adapter::reply::Subject;
use adapter::{Error, ErrorKind};
use fhir::{Id, ResourceType, VersionId};

use super::plan::Mapped;
use super::tree::Tree;

/// A record, read.
pub(super) struct Record {
    pub(super) subject: Subject,
    pub(super) last_updated: Option<jiff::Timestamp>,
    pub(super) bytes: Vec<u8>,
}

/// Reads a record. `etag`: the version that the answer's head names.
///
/// # Errors
/// [`ErrorKind::BadReply`] without an id that FHIR can have.
pub(super) fn read(
    kind: ResourceType,
    mapped: &Mapped,
    record: &Tree,
    etag: Option<VersionId>,
) -> Result<Record, Error> {
    let bad = |text: &str| Error::new(ErrorKind::BadReply, text);
    let settings = &mapped.settings;
    let id = record.at(&settings.id).and_then(Tree::text);
    let id: Id =
        id.and_then(|id| id.parse().ok()).ok_or_else(|| bad("expected a record with an id that FHIR can have"))?;
    let version = settings.version.as_ref().and_then(|pointer| record.at(pointer)).and_then(Tree::text);
    let version_id = version.and_then(|version| version.parse().ok()).or(etag);
    let last_updated = settings.last_modified.as_ref().and_then(|pointer| record.at(pointer)).and_then(Tree::text);
    let last_updated = last_updated.and_then(|text| text.parse().ok());
    let subject = Subject { resource_type: kind, id, version_id };
    let bytes = stamped(content(mapped, record), &subject, last_updated).to_bytes();
    Ok(Record { subject, last_updated, bytes })
}

/// The resource of a record: what the table says, over what was kept as it was sent.
fn content(mapped: &Mapped, record: &Tree) -> Tree {
    let ours = mapped.table.ours(record);
    let Some(kept) = mapped.settings.keep.as_ref().and_then(|pointer| record.at(pointer)).and_then(Tree::text) else {
        return ours;
    };
    let Ok(mut tree) = Tree::read(kept.as_bytes()) else { return ours };
    if tree.member("resourceType") != ours.member("resourceType") {
        return ours;
    }
    let as_sent = mapped.table.theirs(kept.as_bytes()).map(|body| mapped.table.ours(&body));
    if as_sent.is_ok_and(|as_sent| as_sent == ours) {
        return tree;
    }
    // Somebody changed the record since: its fields hold, and what no field maps stays.
    if let (Tree::Object(members), Tree::Object(now)) = (&mut tree, ours) {
        members.retain(|(name, _)| !mapped.table.members().any(|mapped| mapped == name.trim_start_matches('_')));
        members.extend(now.into_iter().filter(|(name, _)| name != "resourceType"));
    }
    tree
}

fn stamped(content: Tree, subject: &Subject, last_updated: Option<jiff::Timestamp>) -> Tree {
    let Tree::Object(members) = content else { return Tree::Null };
    let (mut meta, mut rest) = (Tree::object(), Vec::new());
    for (name, value) in members {
        match name.as_str() {
            "meta" => meta = value,
            "id" => {}
            _ => rest.push((name, value)),
        }
    }
    let facts = [
        ("versionId", subject.version_id.as_ref().map(ToString::to_string)),
        ("lastUpdated", last_updated.map(|time| time.to_string())),
    ];
    for (name, value) in facts {
        if let (Some(value), Some(place)) = (value, meta.member_place(name)) {
            *place = Tree::Text(value);
        }
    }
    let mut all = vec![("id".to_owned(), Tree::Text(subject.id.to_string()))];
    all.extend(meta.pruned().map(|meta| ("meta".to_owned(), meta)));
    rest.splice(1.min(rest.len())..1.min(rest.len()), all);
    Tree::Object(rest)
}
