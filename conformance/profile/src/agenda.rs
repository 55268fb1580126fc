//! Where the passes behind the scan have something to do: found in one look at each node, so that a pass visits only its own.

use std::sync::LazyLock;

use fhir::Version;
use fhir::json::Node;

use crate::base::has_duty;
use crate::binding::is_coded;
use crate::profiled::is_marked;

/// Nodes of a document, by pass, each in the order of the document.
#[derive(Default)]
pub(crate) struct Agenda {
    /// Those of [`crate::base`].
    pub(crate) base: Vec<u32>,
    /// Those of [`crate::binding`].
    pub(crate) coded: Vec<u32>,
    /// Those of [`crate::profiled`].
    pub(crate) marked: Vec<u32>,
}

const BASE: u8 = 1;
const CODED: u8 = 2;
const MARKED: u8 = 4;

impl Agenda {
    /// Forgets the last document, and notes what is to be done in this one. `own`: resources of types that packages define.
    pub(crate) fn fill(&mut self, nodes: &[Node], own: &[u32], version: Version) {
        let passes = passes(version);
        self.clear();
        for (node, index) in nodes.iter().zip(0..) {
            let asked = passes.get(node.element as usize).copied().unwrap_or_default();
            if asked & BASE != 0 {
                self.base.push(index);
            }
            if asked & CODED != 0 {
                self.coded.push(index);
            }
            if asked & MARKED != 0 {
                self.marked.push(index);
            }
        }
        if !own.is_empty() {
            self.marked.extend(own);
            self.marked.sort_unstable();
            self.marked.dedup();
        }
    }

    fn clear(&mut self) {
        self.base.clear();
        self.coded.clear();
        self.marked.clear();
    }

    /// How much memory it holds, in nodes.
    pub(crate) fn capacity(&self) -> usize {
        self.base.capacity().max(self.coded.capacity()).max(self.marked.capacity())
    }
}

/// The passes that ask for an element, by raw element id.
fn passes(version: Version) -> &'static [u8] {
    static PASSES: [LazyLock<Vec<u8>>; 3] =
        [LazyLock::new(|| all(Version::R4)), LazyLock::new(|| all(Version::R4B)), LazyLock::new(|| all(Version::R5))];
    let [r4, r4b, r5] = &PASSES;
    match version {
        Version::R4 => r4,
        Version::R4B => r4b,
        Version::R5 => r5,
    }
}

fn all(version: Version) -> Vec<u8> {
    let definitions = definitions::of(version);
    let flag = |is_asked: bool, pass: u8| if is_asked { pass } else { 0 };
    let of = |element: u32| {
        flag(has_duty(version, element), BASE)
            | flag(is_coded(definitions, element), CODED)
            | flag(is_marked(version, element), MARKED)
    };
    (0..definitions.element_count()).map(of).collect()
}
