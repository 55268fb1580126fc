//! A value set: what it includes and excludes. Never expanded to answer for one code.

mod filter;
mod read;

pub(crate) use filter::Filter;
pub(crate) use read::read;

use crate::code_system::Text;
use crate::sorted::Sorted;

/// A value set.
#[derive(Debug, Default)]
pub(crate) struct ValueSet {
    pub(crate) url: Text,
    /// Space-separated where the facts of several releases are the same.
    pub(crate) version: Text,
    /// The editions of US Core that have it, as bits; none for what is not of US Core.
    pub(crate) editions: u8,
    /// Whether it may have more codes than are here.
    pub(crate) is_partial: bool,
    pub(crate) includes: Vec<Clause>,
    pub(crate) excludes: Vec<Clause>,
    /// Whether codes that are not to be used any more are kept out (`compose.inactive` is false).
    pub(crate) is_active_only: bool,
}

/// Codes of one system, codes of other value sets, or what both share.
#[derive(Debug, Default)]
pub(crate) struct Clause {
    /// Empty when it takes other value sets only.
    pub(crate) system: Text,
    /// Empty when it says none.
    pub(crate) version: Text,
    /// The codes that it lists; none when it takes all or filters.
    pub(crate) codes: Option<Codes>,
    /// All of them must hold.
    pub(crate) filters: Vec<Filter>,
    /// Canonicals of value sets that must all have the code.
    pub(crate) imports: Vec<Text>,
}

impl Clause {
    /// The version of the code system that it draws from, when it says one.
    pub(crate) fn version(&self) -> Option<&str> {
        (!self.version.is_empty()).then_some(&*self.version)
    }
}

/// A list of codes.
#[derive(Debug, Default)]
pub(crate) struct Codes {
    /// As they were listed.
    pub(crate) listed: Vec<Text>,
    order: Sorted,
    folded: Sorted,
}

impl Codes {
    pub(crate) fn new(listed: Vec<Text>) -> Self {
        let sorted = |folds| Sorted::new(listed.len(), folds, |place| code_of(&listed, place));
        let (order, folded) = (sorted(false), sorted(true));
        Self { listed, order, folded }
    }

    /// Whether the list has a code, in whatever case when `folds`.
    pub(crate) fn has(&self, code: &str, folds: bool) -> bool {
        let order = if folds { &self.folded } else { &self.order };
        order.find(code, |place| code_of(&self.listed, place)).is_some()
    }
}

fn code_of(listed: &[Text], place: u32) -> &str {
    listed.get(place as usize).map_or("", |code| code)
}
