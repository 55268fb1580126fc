//! Blocks of the facts to code systems and value sets. The text stays where it is.

use std::collections::HashMap;

use super::{Block, SYSTEM_INDEX, header};
use crate::code_system::{CodeSystem, Concept, Content, Text};
use crate::concept_map::{ConceptMap, Group, Mapping};
use crate::value_set::{Clause, Codes, Filter, ValueSet};

pub(super) fn code_system(block: &Block<CodeSystem>) -> CodeSystem {
    CodeSystem {
        url: block.url.into(),
        version: block.versions().into(),
        content: header(block.body, "@content ").map_or(Content::Complete, Content::named),
        is_case_sensitive: header(block.body, "@case-insensitive").is_none(),
        supplements: Text::default(),
        value_set: header(block.body, "@valueset ").unwrap_or_default().into(),
        concepts: concepts(block.body),
        ..CodeSystem::default()
    }
    .sealed()
}

/// `group`, source and target, and below it a mapping a line.
pub(super) fn concept_map(block: &Block<ConceptMap>) -> ConceptMap {
    let mut groups: Vec<Group> = Vec::new();
    for line in block.body.lines() {
        let (mark, rest) = line.strip_prefix('\t').and_then(|line| line.split_once('\t')).unwrap_or_default();
        let mut fields = rest.split('\t').map(Text::from);
        let mut next = || fields.next().unwrap_or_default();
        if mark == "group" {
            groups.push(Group { source: next(), target: next(), ..Group::default() });
        } else if let Some(group) = groups.last_mut() {
            group.mappings.push(Mapping { code: next(), target: next(), relationship: next() });
        }
    }
    ConceptMap { url: block.url.into(), groups: groups.into_iter().map(Group::sealed).collect() }
}

/// Parents and children that are named by code, to be followed at the end.
#[derive(Default)]
struct Links {
    parents: Vec<(u32, &'static str)>,
    children: Vec<(u32, &'static str)>,
}

fn concepts(body: &'static str) -> Vec<Concept> {
    let mut outline = Outline::default();
    outline.read(body, 0);
    link(&mut outline.concepts, &outline.links);
    outline.concepts
}

/// Concepts below each other as their lines are indented.
#[derive(Default)]
struct Outline {
    concepts: Vec<Concept>,
    /// The last one at each depth.
    above: Vec<u32>,
    links: Links,
}

impl Outline {
    /// `<CANONICAL` stands for the concepts of another code system, at its depth.
    fn read(&mut self, body: &'static str, depth: usize) {
        for line in body.lines().filter(|line| line.starts_with('\t')) {
            let text = line.trim_start_matches('\t');
            let own = depth + line.len() - text.len() - 1;
            match text.strip_prefix('<').filter(|_| depth == 0) {
                Some(other) => SYSTEM_INDEX.all(other).iter().for_each(|block| self.read(block.body, own)),
                None => self.add(text, own),
            }
        }
    }

    fn add(&mut self, text: &'static str, depth: usize) {
        self.above.truncate(depth);
        let index = self.concepts.len() as u32;
        let mut read = concept(text, index, &mut self.links);
        read.parents.extend(self.above.last());
        self.above.push(index);
        self.concepts.push(read);
    }
}

fn concept(text: &'static str, index: u32, links: &mut Links) -> Concept {
    let mut fields = text.split('\t');
    let mut read = Concept {
        code: fields.next().unwrap_or_default().into(),
        display: fields.next().unwrap_or_default().into(),
        ..Concept::default()
    };
    let (mut designations, mut properties) = (Vec::new(), Vec::new());
    for field in fields {
        match field.split_once('=') {
            None => match field {
                "abstract" => read.is_abstract = true,
                "inactive" => read.is_inactive = true,
                _ => read.is_deprecated |= field == "deprecated",
            },
            Some(("parent", code)) => links.parents.push((index, code)),
            Some(("child", code)) => links.children.push((index, code)),
            Some(("also", words)) => designations.push(Text::from(words)),
            Some((name, value)) => properties.push((Text::from(name), Text::from(value))),
        }
    }
    (read.designations, read.properties) = (designations.into(), properties.into());
    read
}

fn link(concepts: &mut [Concept], links: &Links) {
    if links.parents.is_empty() && links.children.is_empty() {
        return;
    }
    let by_code: HashMap<&str, u32> = concepts
        .iter()
        .zip(0..)
        .filter_map(|(concept, index)| match concept.code {
            Text::Borrowed(code) => Some((code, index)),
            Text::Owned(_) => None,
        })
        .collect();
    let up = links.parents.iter().filter_map(|(index, code)| Some((*index, *by_code.get(code)?)));
    let down = links.children.iter().filter_map(|(index, code)| Some((*by_code.get(code)?, *index)));
    for (child, parent) in up.chain(down).collect::<Vec<_>>() {
        if let Some(concept) = concepts.get_mut(child as usize)
            && child != parent
            && !concept.parents.contains(&parent)
        {
            concept.parents.push(parent);
        }
    }
}

pub(super) fn value_set(block: &Block<ValueSet>) -> ValueSet {
    let mut set = ValueSet {
        url: block.url.into(),
        version: block.versions().into(),
        editions: block.editions(),
        is_partial: header(block.body, "@partial").is_some(),
        is_active_only: header(block.body, "@active-only").is_some(),
        ..ValueSet::default()
    };
    let mut lines = block.body.lines().peekable();
    while let Some(line) = lines.next() {
        let clauses = match line.strip_prefix("\tinclude ") {
            Some(system) => Some((&mut set.includes, system)),
            None => line.strip_prefix("\texclude ").map(|system| (&mut set.excludes, system)),
        };
        let Some((clauses, system)) = clauses else { continue };
        let entries = std::iter::from_fn(|| lines.next_if(|line| line.starts_with("\t\t")));
        clauses.push(clause(system, entries));
    }
    set
}

fn clause(system: &'static str, lines: impl Iterator<Item = &'static str>) -> Clause {
    // The facts have one edition of most code systems: a stated version would only make every code unknown.
    let (system, _) = system.split_once('|').unwrap_or((system, ""));
    let mut clause = Clause { system: system.into(), ..Clause::default() };
    let mut codes = Vec::new();
    for line in lines {
        let entry = line.trim_start_matches('\t');
        if let Some(import) = entry.strip_prefix('^') {
            clause.imports.push(import.into());
        } else if let Some(filter) = entry.strip_prefix('~') {
            clause.filters.extend(self::filter(filter));
        } else {
            codes.push(Text::from(entry));
        }
    }
    clause.codes = (!codes.is_empty()).then(|| Codes::new(codes));
    clause
}

fn filter(line: &'static str) -> Option<Filter> {
    let (property, rest) = line.split_once('\t')?;
    let (operator, value) = rest.split_once('\t')?;
    Some(Filter::new(property.into(), operator, value.into()))
}
