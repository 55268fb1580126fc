//! A code system: its concepts and their hierarchy.

mod read;

use std::borrow::Cow;

pub(crate) use read::read;

use crate::answer::Known;
use crate::sorted::Sorted;

/// Text of the built-in facts, or of a resource that was added.
pub(crate) type Text = Cow<'static, str>;

/// How much of a code system is here (codesystem-content-mode).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Content {
    #[default]
    Complete,
    Fragment,
    /// `example` and `not-present`: what is not here may be there.
    Absent,
    Supplement,
}

impl Content {
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "complete" => Self::Complete,
            "fragment" => Self::Fragment,
            "supplement" => Self::Supplement,
            _ => Self::Absent,
        }
    }
}

/// A concept. Parents are indexes into the concepts of its code system.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Concept {
    pub(crate) code: Text,
    /// Empty when there is none.
    pub(crate) display: Text,
    pub(crate) designations: Box<[Text]>,
    pub(crate) parents: Vec<u32>,
    pub(crate) properties: Box<[(Text, Text)]>,
    pub(crate) is_abstract: bool,
    pub(crate) is_inactive: bool,
    pub(crate) is_deprecated: bool,
}

impl Concept {
    pub(crate) fn known(&self) -> Known<'_> {
        Known {
            code: Some(&self.code),
            display: (!self.display.is_empty()).then_some(&*self.display),
            designations: &self.designations,
            is_inactive: self.is_inactive,
            is_deprecated: self.is_deprecated,
            is_abstract: self.is_abstract,
        }
    }
}

/// A code system.
#[derive(Debug, Default)]
pub(crate) struct CodeSystem {
    pub(crate) url: Text,
    /// Space-separated where the facts of several releases are the same.
    pub(crate) version: Text,
    pub(crate) content: Content,
    pub(crate) is_case_sensitive: bool,
    /// The code system that this one supplements; empty when none.
    pub(crate) supplements: Text,
    /// The canonical of the value set of all its codes; empty when it names none.
    pub(crate) value_set: Text,
    pub(crate) concepts: Vec<Concept>,
    /// The concepts by code; by folded code where case does not count.
    pub(crate) order: Sorted,
}

impl CodeSystem {
    /// Sorts what was read. Parents beyond the concepts are dropped.
    pub(crate) fn sealed(mut self) -> Self {
        let count = self.concepts.len() as u32;
        for concept in &mut self.concepts {
            concept.parents.retain(|parent| *parent < count);
        }
        let concepts = &self.concepts;
        self.order = Sorted::new(concepts.len(), !self.is_case_sensitive, |place| code_of(concepts, place));
        self
    }

    /// The index of a code.
    pub(crate) fn find(&self, code: &str) -> Option<u32> {
        self.order.find(code, |place| code_of(&self.concepts, place))
    }

    /// The concept of a code.
    pub(crate) fn concept(&self, code: &str) -> Option<&Concept> {
        self.concepts.get(self.find(code)? as usize)
    }

    /// Whether any property, name and value, of a code, or of any, is such.
    pub(crate) fn has_property(&self, code: Option<&str>, is: &dyn Fn(&str, &str) -> bool) -> bool {
        let concepts = match code {
            Some(code) => self.concept(code).map(std::slice::from_ref).unwrap_or_default(),
            None => &*self.concepts,
        };
        concepts.iter().flat_map(|concept| &concept.properties).any(|(name, value)| is(name, value))
    }

    /// Whether `index` is `ancestor` or lies below it. A chain of single parents is followed without a list of what was seen.
    pub(crate) fn is_below(&self, mut index: u32, ancestor: u32) -> bool {
        for _ in 0..MAX_DEPTH {
            if index == ancestor {
                return true;
            }
            match self.concepts.get(index as usize).map(|concept| concept.parents.as_slice()) {
                Some([parent]) => index = *parent,
                Some([_, ..]) => return self.climbs(index, ancestor),
                _ => return false,
            }
        }
        false
    }

    /// The same where there are several ways up. Each concept is visited once, so cycles end.
    fn climbs(&self, index: u32, ancestor: u32) -> bool {
        let mut seen = vec![index];
        let mut next = 0;
        while let Some(index) = seen.get(next).copied() {
            if index == ancestor {
                return true;
            }
            next += 1;
            let Some(concept) = self.concepts.get(index as usize) else { continue };
            for parent in &concept.parents {
                if !seen.contains(parent) {
                    seen.push(*parent);
                }
            }
        }
        false
    }

    /// Whether any concept names this one as its parent.
    pub(crate) fn has_children(&self, index: u32) -> bool {
        self.concepts.iter().any(|concept| concept.parents.contains(&index))
    }
}

/// Longest chain of ancestors that is followed.
const MAX_DEPTH: usize = 1000;

fn code_of(concepts: &[Concept], place: u32) -> &str {
    concepts.get(place as usize).map_or("", |concept| &concept.code)
}
