//! Ids: the only name of an element that says which slices it is in (elementdefinition.html#id).

use crate::draft::ElementDraft;

/// Gives every element an id. One that is written stays when it agrees with the path; else it follows from paths, slice names
/// and order.
pub(crate) fn identify(elements: &mut [ElementDraft]) {
    let mut open: Vec<(String, String)> = Vec::new();
    for element in elements {
        while open.last().is_some_and(|(path, _)| !is_within(&element.path, path)) {
            open.pop();
        }
        if agrees(&element.id, &element.path) {
            take_slice(element);
        } else {
            element.id = derived(element, open.last());
        }
        open.push((element.path.clone(), element.id.clone()));
    }
}

fn is_within(path: &str, of: &str) -> bool {
    path.strip_prefix(of).is_some_and(|rest| rest.starts_with('.'))
}

/// Whether an id is the path with slice names. `value[x]:valueQuantity` may have the path `valueQuantity`.
fn agrees(id: &str, path: &str) -> bool {
    let (mut steps, mut names) = (id.split('.'), path.split('.'));
    loop {
        match (steps.next(), names.next()) {
            (None, None) => return true,
            (Some(step), Some(name)) => {
                let step = step.split_once(':').map_or(step, |(name, _)| name);
                let is_choice = step.strip_suffix("[x]").is_some_and(|choice| name.starts_with(choice));
                if step != name && !is_choice {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

/// An id that names a slice says so for the element, and the other way round.
fn take_slice(element: &mut ElementDraft) {
    let last = element.id.rsplit('.').next().unwrap_or_default();
    match (last.split_once(':'), &element.slice_name) {
        (Some((_, slice)), _) => element.slice_name = Some(slice.to_owned()),
        (None, Some(slice)) if element.path.contains('.') => element.id = format!("{}:{slice}", element.id),
        (None, _) => {}
    }
}

fn derived(element: &ElementDraft, parent: Option<&(String, String)>) -> String {
    let mut id = match parent {
        Some((path, id)) => format!("{id}{}", element.path.get(path.len()..).unwrap_or_default()),
        None => element.path.clone(),
    };
    if let Some(slice) = element.slice_name.as_ref().filter(|_| element.path.contains('.')) {
        id = format!("{id}:{slice}");
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(elements: &[(&str, &str, Option<&str>)]) -> Vec<String> {
        let mut drafts: Vec<_> = elements
            .iter()
            .map(|(id, path, slice)| ElementDraft {
                id: (*id).to_owned(),
                path: (*path).to_owned(),
                slice_name: slice.map(str::to_owned),
                ..ElementDraft::default()
            })
            .collect();
        identify(&mut drafts);
        drafts.into_iter().map(|draft| draft.id).collect()
    }

    #[test]
    fn ids_that_are_missing_follow_from_paths_and_slice_names() {
        let found = ids(&[
            ("", "Patient", None),
            ("", "Patient.extension", Some("race")),
            ("", "Patient.extension.url", None),
            ("", "Patient.name.family", None),
        ]);
        assert_eq!(found, ["Patient", "Patient.extension:race", "Patient.extension:race.url", "Patient.name.family"]);
    }

    #[test]
    fn an_id_that_contradicts_its_path_is_not_believed() {
        let found = ids(&[("17", "Patient.name", Some("official")), ("Patient.telecom", "Patient.name.given", None)]);
        assert_eq!(found, ["Patient.name:official", "Patient.name:official.given"]);
    }

    #[test]
    fn the_short_form_of_a_type_slice_agrees_with_its_long_id() {
        let found = ids(&[("Observation.value[x]:valueQuantity", "Observation.valueQuantity", None)]);
        assert_eq!(found, ["Observation.value[x]:valueQuantity"]);
    }
}
