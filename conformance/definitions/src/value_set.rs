//! Value sets as lists of codes.

use crate::Definitions;
use crate::tables::key::Key;
use crate::tables::{CODE_SEED, CodeRow, NONE, ValueSetRow};

/// The codes of a value set.
#[derive(Clone, Copy)]
pub struct ValueSet<'d> {
    definitions: &'d Definitions,
    row: &'d ValueSetRow,
}

impl<'d> ValueSet<'d> {
    /// Its canonical, without a version.
    #[must_use]
    pub fn url(self) -> &'static str {
        self.definitions.text(self.row.url)
    }

    /// Whether it has codes of a system that cannot be listed (currencies, media types, units): then an unknown code says
    /// nothing.
    #[must_use]
    pub const fn is_open(self) -> bool {
        self.row.is_open == 1
    }

    /// The code systems it draws from.
    pub fn systems(self) -> impl Iterator<Item = &'static str> {
        let definitions = self.definitions;
        self.row.systems.of(&definitions.tables.systems).iter().map(move |place| definitions.text(*place))
    }

    /// Its codes in order, each with its system.
    pub fn codes(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.rows().iter().map(move |row| (self.system(row), self.definitions.text(row.code)))
    }

    /// Whether one of its systems has the code: what an element of type `code` asks.
    #[must_use]
    pub fn has_code(self, code: &[u8]) -> bool {
        self.matches(code).next().is_some()
    }

    /// Whether it has the code of that system: what a Coding asks.
    #[must_use]
    pub fn has(self, system: &str, code: &[u8]) -> bool {
        self.matches(code).any(|row| self.system(row) == system)
    }

    fn system(self, row: &CodeRow) -> &'static str {
        let systems = self.row.systems.of(&self.definitions.tables.systems);
        systems.get(row.system as usize).map_or("", |place| self.definitions.text(*place))
    }

    fn rows(self) -> &'d [CodeRow] {
        self.row.codes.of(&self.definitions.tables.codes)
    }

    /// Rows with that code: a probe of a table that is at most half full, then its neighbours.
    fn matches(self, code: &[u8]) -> impl Iterator<Item = &'d CodeRow> {
        let size = 1_usize << self.row.bits;
        let mut slot = Key::of(code).hash(CODE_SEED, self.row.bits);
        let found = std::iter::from_fn(move || {
            let number = *self.definitions.tables.code_slots.get(self.row.slots as usize + slot)?;
            slot = (slot + 1) % size;
            self.rows().get(usize::from(number).checked_sub(1)?)
        });
        found.filter(move |row| self.definitions.text(row.code).as_bytes() == code)
    }
}

impl Definitions {
    /// The value set with that canonical, when its codes are known: those of required bindings are.
    #[must_use]
    pub fn value_set(&self, url: &str) -> Option<ValueSet<'_>> {
        let index = self.tables.value_sets.binary_search_by(|row| self.text(row.url).cmp(url)).ok()?;
        self.value_set_at(u16::try_from(index).ok()?)
    }

    #[inline]
    pub(crate) fn value_set_at(&self, index: u16) -> Option<ValueSet<'_>> {
        if index == NONE {
            return None;
        }
        self.tables.value_sets.get(index as usize).map(|row| ValueSet { definitions: self, row })
    }
}
