//! Canonicals: `url`, `url|version`, `url#fragment` (references.html#canonical).

use std::cmp::Ordering;

/// A canonical in its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Canonical<'a> {
    /// The URL, without version and fragment.
    pub url: &'a str,
    /// What stands behind `|`; none when there is nothing.
    pub version: Option<&'a str>,
}

impl<'a> Canonical<'a> {
    /// Takes a canonical apart. A fragment is dropped: it names a part, not the artefact.
    #[must_use]
    pub fn of(text: &'a str) -> Self {
        let (url, version) = text.split_once('|').map_or((text, None), |(url, version)| (url, Some(version)));
        let (url, fragment_of_url) = url.split_once('#').map_or((url, ""), |(url, rest)| (url, rest));
        let version = version.map(|version| version.split_once('#').map_or(version, |(version, _)| version));
        // `#contained` alone names something within the same resource: it stays what it is.
        let url = if url.is_empty() && !fragment_of_url.is_empty() { text } else { url };
        Self { url, version: version.filter(|version| !version.is_empty()) }
    }
}

/// Where the structures of the specification live.
pub(crate) const CORE: &str = "http://hl7.org/fhir/StructureDefinition/";

/// `Patient` of `http://hl7.org/fhir/StructureDefinition/Patient`, whatever the version.
#[must_use]
pub fn core_name(canonical: &str) -> Option<&str> {
    Canonical::of(canonical).url.strip_prefix(CORE)
}

/// Whether a version that an artefact has answers a version that a canonical asks for: the same, or a beginning of it
/// (`4.0` of `4.0.1`).
#[must_use]
pub fn answers(has: &str, asked: &str) -> bool {
    has.strip_prefix(asked).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether a version of a package is one that a dependency asks for: `1.0.x` and `1.x` mean any of their kind, `latest`, `current`
/// and `*` any at all.
#[must_use]
pub fn satisfies(has: &str, wanted: &str) -> bool {
    match wanted.strip_suffix(".x").or_else(|| wanted.strip_suffix(".X")).or_else(|| wanted.strip_suffix(".*")) {
        Some(kind) => answers(has, kind),
        None => answers(has, wanted) || matches!(wanted, "latest" | "current" | "*"),
    }
}

/// Older and newer: numbers compare as numbers, a pre-release (`2.0.0-ballot`) is older than its release.
#[must_use]
pub fn compare_versions(left: &str, right: &str) -> Ordering {
    let (left_release, left_label) = split_label(left);
    let (right_release, right_label) = split_label(right);
    compare_parts(left_release, right_release).then_with(|| match (left_label, right_label) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(left), Some(right)) => compare_parts(left, right),
    })
}

fn split_label(version: &str) -> (&str, Option<&str>) {
    match version.split_once('+').map_or(version, |(version, _)| version).split_once('-') {
        // A date such as 2018-01-09 is no pre-release of 2018.
        Some((release, label)) if release.contains('.') => (release, Some(label)),
        _ => (version, None),
    }
}

fn compare_parts(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.split(['.', '-']), right.split(['.', '-']));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(left), Some(right)) => compare_part(left, right),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn compare_part(left: &str, right: &str) -> Ordering {
    match (left.parse::<u64>(), right.parse::<u64>()) {
        (Ok(left), Ok(right)) => left.cmp(&right),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => left.cmp(right),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canonical_comes_apart_into_url_and_version() {
        let parts = |text| {
            let canonical = Canonical::of(text);
            (canonical.url, canonical.version)
        };
        assert_eq!(parts("http://a/b"), ("http://a/b", None));
        assert_eq!(parts("http://a/b|1.0"), ("http://a/b", Some("1.0")));
        assert_eq!(parts("http://a/b|1.0#part"), ("http://a/b", Some("1.0")));
        assert_eq!(parts("http://a/b#part"), ("http://a/b", None));
        assert_eq!(parts("http://a/b|"), ("http://a/b", None));
        assert_eq!(parts("#vs"), ("#vs", None));
    }

    #[test]
    fn versions_compare_as_numbers_and_a_pre_release_is_older() {
        for (older, newer) in [
            ("6.1.0", "7.0.0"),
            ("9.0.0", "10.0.0"),
            ("2.0.0-ballot", "2.0.0"),
            ("2.0.0-ballot1", "2.0.0-ballot2"),
            ("1.0", "1.0.1"),
            ("2018-01-09", "2018-02-01"),
        ] {
            assert_eq!(compare_versions(older, newer), Ordering::Less, "{older} {newer}");
            assert_eq!(compare_versions(newer, older), Ordering::Greater, "{newer} {older}");
        }
    }

    #[test]
    fn a_dependency_asks_for_one_version_or_for_any_of_a_kind() {
        for wanted in ["1.0.7", "1.0.x", "1.0.X", "1.x", "1.0.*", "*", "latest", "current"] {
            assert!(satisfies("1.0.7", wanted), "{wanted}");
        }
        for wanted in ["1.0.8", "1.1.x", "2.x", "1.0.70", "dev"] {
            assert!(!satisfies("1.0.7", wanted), "{wanted}");
        }
    }

    #[test]
    fn a_shorter_version_asks_for_any_that_begins_with_it() {
        assert!(answers("4.0.1", "4.0.1") && answers("4.0.1", "4.0") && answers("4.0.1", "4"));
        assert!(!answers("4.0.1", "4.0.2") && !answers("14.0", "1") && !answers("4.0", "4.0.1"));
    }
}
