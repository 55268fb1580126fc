//! Value sets, search parameters and compartments.

use super::Compiler;
use crate::tables::key::Key;
use crate::tables::{CODE_SEED, CodeRow, CompartmentMemberRow, CompartmentRow, SearchParameterRow, Span, ValueSetRow};
use crate::text::{CompartmentText, SearchParameterText, ValueSetText};

impl Compiler {
    pub(crate) fn value_sets(&mut self, value_sets: &[ValueSetText]) {
        for value_set in value_sets {
            let row = self.value_set(value_set);
            self.tables.value_sets.push(row);
        }
    }

    fn value_set(&mut self, value_set: &ValueSetText) -> ValueSetRow {
        let first_code = self.tables.codes.len() as u32;
        let first_system = self.tables.systems.len() as u32;
        for (system, (url, codes)) in value_set.systems.iter().enumerate() {
            let place = self.text(url);
            self.tables.systems.push(place);
            for code in codes {
                let row = CodeRow { code: self.text(code), system: system as u16 };
                self.tables.codes.push(row);
            }
        }
        let codes: Vec<&String> = value_set.systems.iter().flat_map(|(_, codes)| codes).collect();
        let bits = (codes.len() * 2).next_power_of_two().trailing_zeros().max(1) as u8;
        let slots = self.code_slots(&codes, bits);
        ValueSetRow {
            url: self.text(&value_set.url),
            systems: Span { first: first_system, count: value_set.systems.len() as u16 },
            is_open: u8::from(value_set.systems.iter().any(|(_, codes)| codes.is_empty())),
            codes: Span { first: first_code, count: u16::try_from(codes.len()).expect("fewer than 65,536 codes") },
            slots,
            bits,
        }
    }

    /// An open-addressing table, at most half full.
    fn code_slots(&mut self, codes: &[&String], bits: u8) -> u32 {
        let first = self.tables.code_slots.len();
        let size = 1_usize << bits;
        self.tables.code_slots.resize(first + size, 0);
        for (number, code) in codes.iter().enumerate() {
            let mut slot = Key::of(code.as_bytes()).hash(CODE_SEED, bits);
            while self.tables.code_slots[first + slot] != 0 {
                slot = (slot + 1) % size;
            }
            self.tables.code_slots[first + slot] = number as u16 + 1;
        }
        first as u32
    }

    pub(crate) fn search_parameters(&mut self, parameters: &[SearchParameterText]) {
        for parameter in parameters {
            let components: Vec<String> =
                parameter.components.iter().flat_map(|(url, expression)| [url.clone(), expression.clone()]).collect();
            let row = SearchParameterRow {
                url: self.text(&parameter.url),
                code: self.text(&parameter.code),
                kind: self.text(&parameter.kind),
                expression: self.text(parameter.expression.as_deref().unwrap_or_default()),
                bases: self.words(&parameter.bases),
                targets: self.words(&parameter.targets),
                comparators: self.words(&parameter.comparators),
                modifiers: self.words(&parameter.modifiers),
                multiple_or: said(parameter.multiple_or),
                multiple_and: said(parameter.multiple_and),
                components: self.words(&components),
            };
            self.tables.search_parameters.push(row);
        }
    }

    pub(crate) fn compartments(&mut self, compartments: &[CompartmentText]) {
        for compartment in compartments {
            let first = self.tables.compartment_members.len() as u32;
            for (resource_type, parameters) in &compartment.members {
                let row = CompartmentMemberRow {
                    resource_type: self.text(resource_type),
                    parameters: self.words(parameters),
                };
                self.tables.compartment_members.push(row);
            }
            let row = CompartmentRow {
                owner: self.text(&compartment.owner),
                members: Span { first, count: compartment.members.len() as u16 },
            };
            self.tables.compartments.push(row);
        }
    }
}

fn said(flag: Option<bool>) -> u8 {
    flag.map_or(0, |flag| 1 + u8::from(flag))
}
