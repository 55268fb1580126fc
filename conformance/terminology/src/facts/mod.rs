//! The built-in facts: text in the program, indexed at the first question, read canonical by canonical as they are asked for.

mod read;

use std::sync::{LazyLock, OnceLock};

use fhir::Version;
use foldhash::{HashMap, HashMapExt as _};

use crate::code_system::CodeSystem;
use crate::concept_map::ConceptMap;
use crate::value_set::ValueSet;

const CODE_SYSTEMS: [&str; 6] = [
    include_str!("../../facts/code-systems/fhir.txt"),
    include_str!("../../facts/code-systems/hl7.txt"),
    include_str!("../../facts/code-systems/others.txt"),
    include_str!("../../facts/code-systems/us-core.txt"),
    include_str!("../../facts/code-systems/v2.txt"),
    include_str!("../../facts/code-systems/v3.txt"),
];
const VALUE_SETS: [&str; 5] = [
    include_str!("../../facts/value-sets/fhir.txt"),
    include_str!("../../facts/value-sets/hl7.txt"),
    include_str!("../../facts/value-sets/us-core.txt"),
    include_str!("../../facts/value-sets/v2.txt"),
    include_str!("../../facts/value-sets/v3.txt"),
];

const CONCEPT_MAPS: [&str; 2] =
    [include_str!("../../facts/concept-maps/fhir.txt"), include_str!("../../facts/concept-maps/others.txt")];

static MAP_INDEX: LazyLock<Index<ConceptMap>> = LazyLock::new(|| Index::new(&CONCEPT_MAPS, "conceptmap "));
static SYSTEM_INDEX: LazyLock<Index<CodeSystem>> = LazyLock::new(|| Index::new(&CODE_SYSTEMS, "codesystem "));
static SET_INDEX: LazyLock<Index<ValueSet>> = LazyLock::new(|| Index::new(&VALUE_SETS, "valueset "));
/// Value sets of all codes of a code system.
static WHOLE: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    let blocks = SYSTEM_INDEX.blocks.iter().flat_map(|(url, blocks)| blocks.iter().map(|block| (*url, block)));
    blocks.filter_map(|(url, block)| Some((header(block.body, "@valueset ")?, url))).collect()
});

/// The code systems with that canonical in a release.
pub(crate) fn code_systems<'f>(version: Version, url: &str) -> impl Iterator<Item = &'f CodeSystem> + use<'f> {
    SYSTEM_INDEX.of(url, version).map(|block| block.read.get_or_init(|| read::code_system(block)))
}

/// The code systems with that canonical in whatever release: what has a code there may have lost it since, or not have got it
/// yet.
pub(crate) fn code_systems_anywhere<'f>(url: &str) -> impl Iterator<Item = &'f CodeSystem> + use<'f> {
    SYSTEM_INDEX.all(url).iter().map(|block| block.read.get_or_init(|| read::code_system(block)))
}

/// The value sets with that canonical in a release, oldest edition first.
pub(crate) fn value_sets<'f>(version: Version, url: &str) -> impl Iterator<Item = &'f ValueSet> + Clone + use<'f> {
    SET_INDEX.of(url, version).map(|block| block.read.get_or_init(|| read::value_set(block)))
}

/// The concept map with that canonical in a release.
pub(crate) fn concept_map<'f>(version: Version, url: &str) -> Option<&'f ConceptMap> {
    MAP_INDEX.of(url, version).map(|block| block.read.get_or_init(|| read::concept_map(block))).next()
}

/// The code system that has all its codes in that value set.
pub(crate) fn whole(value_set: &str) -> Option<&'static str> {
    WHOLE.get(value_set).copied()
}

/// What is written under a canonical for some releases.
struct Block<T> {
    url: &'static str,
    /// Space-separated.
    releases: &'static str,
    /// Bits of [`bit`].
    mask: u8,
    body: &'static str,
    read: OnceLock<T>,
}

struct Index<T> {
    blocks: HashMap<&'static str, Vec<Block<T>>>,
}

impl<T> Index<T> {
    fn new(files: &[&'static str], keyword: &str) -> Self {
        let mut blocks: HashMap<_, Vec<_>> = HashMap::with_capacity(4096);
        for file in files {
            for block in split(file, keyword).filter_map(Block::new) {
                blocks.entry(block.url).or_default().push(block);
            }
        }
        blocks.values_mut().for_each(|blocks| blocks.sort_by_key(Block::editions));
        Self { blocks }
    }

    fn all(&self, url: &str) -> &[Block<T>] {
        self.blocks.get(url).map(Vec::as_slice).unwrap_or_default()
    }

    fn of<'i>(&'i self, url: &str, version: Version) -> impl Iterator<Item = &'i Block<T>> + Clone + use<'i, T> {
        self.all(url).iter().filter(move |block| block.mask & bit(version) != 0)
    }
}

/// The texts that follow a keyword at the start of a line.
fn split(file: &'static str, keyword: &str) -> impl Iterator<Item = &'static str> {
    let separator = format!("\n{keyword}");
    let mut rest = file.strip_prefix(keyword);
    std::iter::from_fn(move || {
        let text = rest?;
        let (block, after) = match text.split_once(&*separator) {
            Some((block, after)) => (block, Some(after)),
            None => (text, None),
        };
        rest = after;
        Some(block)
    })
}

impl<T> Block<T> {
    fn new(text: &'static str) -> Option<Self> {
        let (url, rest) = text.split_once('\n')?;
        let (releases, body) = rest.strip_prefix("@releases ")?.split_once('\n').unwrap_or((rest, ""));
        let mask = releases.split(' ').map(release_bits).fold(0, |all, bits| all | bits);
        Some(Self { url, releases, mask, body, read: OnceLock::new() })
    }

    /// The versions that it stands for, space-separated.
    fn versions(&self) -> String {
        let versions = self.releases.split(' ').filter_map(|release| release.split_once('='));
        versions.map(|(_, version)| version).filter(|version| !version.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// The editions of US Core that have it, as bits of [`edition`]; none for what is not of US Core.
    fn editions(&self) -> u8 {
        let releases = self.releases.split(' ').filter_map(|release| release.split_once('=')?.0.strip_prefix("us-"));
        releases.map(edition).fold(0, |all, edition| all | edition)
    }
}

/// The editions of US Core that are here, oldest first.
const EDITIONS: [&str; 3] = ["6.1.0", "7.0.0", "9.0.0"];

/// The bit of an edition of US Core: `7.0.0`, or `7` for what begins with it. None for one that is not here.
pub(crate) fn edition(version: &str) -> u8 {
    let place = EDITIONS.iter().rposition(|known| crate::evaluate::is_version(known, Some(version)));
    place.map_or(0, |place| 1 << place)
}

const fn bit(version: Version) -> u8 {
    1 << version as u8
}

/// What belongs to no release belongs to all.
fn release_bits(release: &str) -> u8 {
    match release.split_once('=') {
        Some(("r4", _)) => bit(Version::R4),
        Some(("extensions-r4", _)) => bit(Version::R4) | bit(Version::R4B),
        Some(("r4b", _)) => bit(Version::R4B),
        Some(("r5" | "extensions-r5", _)) => bit(Version::R5),
        _ => u8::MAX,
    }
}

/// The value of a line at the head of a block.
fn header(body: &'static str, name: &str) -> Option<&'static str> {
    body.lines().take_while(|line| line.starts_with('@')).find_map(|line| line.strip_prefix(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_is_read_and_every_parent_is_there() {
        let mut concepts = 0;
        for block in SYSTEM_INDEX.blocks.values().flatten() {
            let system = read::code_system(block);
            assert!(block.mask != 0, "{}", block.url);
            concepts += system.concepts.len();
        }
        let sets = SET_INDEX.blocks.values().flatten().map(read::value_set);
        assert!(concepts > 30_000 && sets.filter(|set| !set.includes.is_empty()).count() > 3000, "{concepts}");
    }
}
