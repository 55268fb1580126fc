//! Ids in search parameters: what a client asks, as one adapter is asked.

use fhir::{Query, ResourceType};
use search::{ParameterType, Vocabulary};

use super::rewrite::{Role, literal};
use super::space::{Ids, Whose};

/// The query for an adapter; none when it names only ids of others, so that nothing of this adapter can match.
#[must_use]
pub(super) fn own(
    ids: &Ids,
    query: &Query,
    of: Option<ResourceType>,
    vocabulary: Vocabulary,
    base: &str,
) -> Option<Query> {
    let mut pairs = Query::default();
    for (name, value) in query.iter() {
        let plain = name.split(':').next().unwrap_or_default();
        match of {
            Some(of) if plain == "_id" && ids.shares(of) => pairs.push(name, own_ids(ids, of, value)?),
            _ => pairs.push(name, values(ids, of, vocabulary, name, value, base)),
        }
    }
    Some(pairs)
}

/// Those of `_id` that are the adapter's.
fn own_ids(ids: &Ids, of: ResourceType, value: &str) -> Option<String> {
    let own = value.split(',').filter_map(|id| match ids.own(of, id) {
        Whose::Own(own) => Some(own),
        Whose::Other => None,
    });
    let own: Vec<String> = own.collect();
    (!own.is_empty()).then(|| own.join(","))
}

fn values(ids: &Ids, of: Option<ResourceType>, vocabulary: Vocabulary, name: &str, value: &str, base: &str) -> String {
    let target = target(of, vocabulary, name);
    let one = |value: &str| {
        let typed = literal(value, Role::Target, base, &mut |_, of, id| ids.target_own(of, id));
        let bare = || target.and_then(|of| ids.target_own(of, value));
        typed.or_else(bare).unwrap_or_else(|| value.to_owned())
    };
    value.split(',').map(one).collect::<Vec<_>>().join(",")
}

/// The one type that a bare id in this parameter is of, where there is one.
fn target(of: Option<ResourceType>, vocabulary: Vocabulary, name: &str) -> Option<ResourceType> {
    let (plain, modifier) = name.split_once(':').unwrap_or((name, ""));
    let modifier = modifier.parse().ok();
    if name.contains('.') || name.starts_with('_') {
        return chained(name);
    }
    let parameter = search::parameter(vocabulary, of?, plain).filter(|known| known.kind == ParameterType::Reference)?;
    modifier.or(match parameter.targets.as_slice() {
        [only] => Some(*only),
        // FHIR R4: `patient` is a reference to a Patient also where its expression could lead to a Group.
        _ => (plain == "patient").then_some(ResourceType::PATIENT),
    })
}

/// `subject:Patient._id`
fn chained(name: &str) -> Option<ResourceType> {
    let (path, last) = name.rsplit_once('.')?;
    let step = path.rsplit('.').next()?;
    (last == "_id").then(|| step.split_once(':').and_then(|(_, of)| of.parse().ok())).flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use fhir::Version;

    use super::super::names::Names;
    use super::super::space::Space;
    use super::*;

    fn asked(query: &str, of: &str) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let mut space = Space::new(Arc::new(Names::open(&folder.path().join("ids.db"), "default").unwrap()));
        let types = ["Patient", "Observation"].map(|of| config::Types::One(of.parse().unwrap()));
        space.share(&types, &[("ehr".into(), "ehr".into()), ("old".into(), "old".into())]);
        let ids = Ids::new(Arc::new(space), "ehr".into(), Arc::new(BTreeMap::new()));
        let of = of.parse().unwrap();
        own(&ids, &Query::parse(query), Some(of), Version::R4.into(), "https://g.example/fhir/r4")
            .map(|query| query.encode())
    }

    #[test]
    fn an_adapter_is_asked_by_its_own_ids() {
        for (client, adapter) in [
            ("_id=ehr-1%2Cold-2%2Cehr-3", "_id=1%2C3"),
            ("subject=Patient%2Fehr-1%2CPatient%2Fold-1", "subject=Patient%2F1%2CPatient%2Fold-1"),
            ("patient=ehr-1&code=x", "patient=1&code=x"),
            ("subject%3APatient=ehr-1", "subject%3APatient=1"),
            ("subject%3APatient._id=ehr-1", "subject%3APatient._id=1"),
            (
                "subject=https%3A%2F%2Fg.example%2Ffhir%2Fr4%2FPatient%2Fehr-1",
                "subject=https%3A%2F%2Fg.example%2Ffhir%2Fr4%2FPatient%2F1",
            ),
            ("code=ehr-1&_page=ehr-1", "code=ehr-1&_page=ehr-1"),
        ] {
            assert_eq!(asked(client, "Observation").as_deref(), Some(adapter));
        }
    }

    #[test]
    fn an_adapter_that_none_of_the_ids_is_of_is_not_asked() {
        assert_eq!(asked("_id=old-2", "Patient"), None);
        assert_eq!(asked("_id=1", "Patient"), None);
    }
}
