//! Facts to tables. Runs in `build.rs`, so it may panic: a panic there is a fault of the committed text.

mod shapes;
mod terms;

use std::collections::HashMap;

use crate::tables::{InvariantRow, Span, Tables, Text, TypeRow};
use crate::text::{Family, InvariantText, ReleaseText};

/// Tables that grow, with the text they refer to.
#[derive(Default)]
pub struct Compiler {
    text: String,
    places: HashMap<String, Text>,
    tables: Tables,
}

/// A release as the bytes that [`crate::tables::read`] reads.
#[must_use]
pub fn compile(release: &ReleaseText) -> Vec<u8> {
    let mut compiler = Compiler::default();
    compiler.types(release);
    compiler.value_sets(&release.value_sets);
    shapes::compile(&mut compiler, release);
    compiler.search_parameters(&release.search_parameters);
    compiler.compartments(&release.compartments);
    crate::tables::write(&compiler.text, &compiler.tables)
}

impl Compiler {
    /// The place of a string, which is stored once.
    pub(crate) fn text(&mut self, text: &str) -> Text {
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        let length = u16::try_from(text.len()).expect("a fact of less than 64 KiB");
        let place = Text { start: self.text.len() as u32, length };
        self.text.push_str(text);
        self.places.insert(text.to_owned(), place);
        place
    }

    pub(crate) fn words<'a>(&mut self, words: impl IntoIterator<Item = &'a String>) -> Span {
        let first = self.tables.words.len() as u32;
        for word in words {
            let place = self.text(word);
            self.tables.words.push(place);
        }
        Span { first, count: (self.tables.words.len() as u32 - first) as u16 }
    }

    pub(crate) fn invariants(&mut self, rules: &[InvariantText]) -> Span {
        let first = self.tables.invariants.len() as u32;
        for rule in rules {
            let row = InvariantRow {
                key: self.text(&rule.key),
                is_error: u8::from(rule.is_error),
                expression: self.text(&rule.expression),
                human: self.text(&rule.human),
            };
            self.tables.invariants.push(row);
        }
        Span { first, count: rules.len() as u16 }
    }

    fn types(&mut self, release: &ReleaseText) {
        let index = |name: &str| release.types.iter().position(|known| known.name == name);
        for definition in &release.types {
            let base = definition.base.as_deref().and_then(index).map_or(crate::tables::NONE, |index| index as u16);
            let row = TypeRow {
                name: self.text(&definition.name),
                base,
                family: match definition.family {
                    Family::Primitive => 0,
                    Family::Complex => 1,
                    Family::Resource => 2,
                },
                is_abstract: u8::from(definition.is_abstract),
                root: 0,
            };
            self.tables.types.push(row);
        }
    }
}
