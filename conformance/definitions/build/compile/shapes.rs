//! Types to shapes and elements: inheritance flattened, choices spelled out, a perfect hash over the members of each shape.

use std::collections::HashMap;

use super::Compiler;
use crate::primitive::Primitive;
use crate::tables::key::Key;
use crate::tables::{ElementRow, GROUP, MANY, MODIFIER, NONE, PLAIN, ROOT, SIMPLE, SUMMARY, ShapeRow, Span, VARIANT};
use crate::text::{ElementText, Family, ReleaseText, TypeText, TypeUse};

/// An element and the type whose text it stands in.
#[derive(Clone, Copy)]
struct Member<'a> {
    origin: &'a TypeText,
    element: &'a ElementText,
}

struct Shapes<'a> {
    release: &'a ReleaseText,
    /// Type name and path of an element within it (empty for the type itself) to shape.
    numbers: HashMap<(&'a str, &'a str), u16>,
}

pub(super) fn compile(compiler: &mut Compiler, release: &ReleaseText) {
    let mut places: Vec<(&TypeText, &str)> = Vec::new();
    for definition in release.types.iter().filter(|definition| definition.family != Family::Primitive) {
        places.push((definition, ""));
        places.extend(
            definition
                .elements
                .iter()
                .filter(|line| has_children(definition, &line.path))
                .map(|line| (definition, line.path.as_str())),
        );
    }
    let numbers =
        places.iter().enumerate().map(|(number, (of, path))| ((of.name.as_str(), *path), number as u16)).collect();
    let shapes = Shapes { release, numbers };
    compiler.tables.elements.push(ElementRow {
        shape: NONE,
        type_index: NONE,
        value_set: NONE,
        ..ElementRow::default()
    });
    release.types.iter().for_each(|definition| root(compiler, &shapes, definition));
    for (number, (definition, path)) in places.iter().enumerate() {
        shape(compiler, &shapes, number as u16, definition, path);
    }
}

fn has_children(definition: &TypeText, path: &str) -> bool {
    definition.elements.iter().any(|other| other.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}

impl<'a> Shapes<'a> {
    fn type_index(&self, name: &str) -> u16 {
        self.release.types.iter().position(|known| known.name == name).map_or(NONE, |index| index as u16)
    }

    fn of_type(&self, name: &str) -> Option<&'a TypeText> {
        self.release.types.iter().find(|known| known.name == name)
    }

    /// The shape of a value of that type; of a primitive: of its companion.
    fn shape_of(&self, name: &str) -> u16 {
        match self.of_type(name) {
            Some(definition) if definition.family == Family::Primitive => self.shape_of("Element"),
            Some(definition) if definition.family == Family::Resource && definition.is_abstract => NONE,
            Some(definition) => self.numbers.get(&(definition.name.as_str(), "")).copied().unwrap_or(NONE),
            None => NONE,
        }
    }

    /// Members of a type or of an element within it: those of its base first.
    fn members(&self, definition: &'a TypeText, path: &str) -> Vec<Member<'a>> {
        let base = if path.is_empty() {
            definition.base.as_deref()
        } else {
            let element = definition.elements.iter().find(|line| line.path == path);
            element.and_then(|line| line.types.first()).map(|used| used.name.as_str())
        };
        let mut members = base.and_then(|base| self.of_type(base)).map_or_else(Vec::new, |base| self.members(base, ""));
        for element in definition.elements.iter().filter(|line| parent(&line.path) == path) {
            let own = Member { origin: definition, element };
            match members.iter_mut().find(|known| name(known.element) == name(element)) {
                Some(known) => *known = own,
                None => members.push(own),
            }
        }
        members
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(parent, _)| parent)
}

fn name(element: &ElementText) -> &str {
    element.path.rsplit('.').next().unwrap_or_default()
}

fn root(compiler: &mut Compiler, shapes: &Shapes<'_>, definition: &TypeText) {
    let type_index = shapes.type_index(&definition.name);
    let name = compiler.text(&definition.name);
    let row = ElementRow {
        shape: shapes.shape_of(&definition.name),
        primitive: Primitive::named(&definition.name).map_or(0, Primitive::number),
        class: ROOT,
        max: 1,
        type_index,
        value_set: NONE,
        owner: NONE,
        name,
        path_name: name,
        invariants: compiler.invariants(&definition.invariants),
        ..ElementRow::default()
    };
    compiler.tables.types[type_index as usize].root = compiler.tables.elements.len() as u32;
    compiler.tables.elements.push(row);
}

fn shape(compiler: &mut Compiler, shapes: &Shapes<'_>, number: u16, definition: &TypeText, path: &str) {
    let first = compiler.tables.elements.len();
    let mut required = 0;
    let definition = shapes.of_type(&definition.name).expect("a type of the release");
    for (ordinal, member) in shapes.members(definition, path).into_iter().enumerate() {
        assert!(ordinal < 64, "{}.{path} has more than 64 elements", definition.name);
        if member.element.min > 0 {
            required |= 1 << ordinal;
        }
        rows(compiler, shapes, member, number, ordinal as u8);
    }
    let keys: Vec<Option<Key>> =
        compiler.tables.elements[first..].iter().map(|row| (row.class != GROUP).then_some(row.key)).collect();
    let (seed, bits, slots) = perfect_hash(&keys);
    let full_path = if path.is_empty() { definition.name.clone() } else { format!("{}.{path}", definition.name) };
    let row = ShapeRow {
        path: compiler.text(&full_path),
        members: Span { first: first as u32, count: keys.len() as u16 },
        slots: compiler.tables.slots.len() as u32,
        bits,
        seed,
        required,
    };
    compiler.tables.slots.extend(slots);
    compiler.tables.shapes.push(row);
}

/// The rows of an element: one, or a choice and its variants.
fn rows(compiler: &mut Compiler, shapes: &Shapes<'_>, member: Member<'_>, owner: u16, ordinal: u8) {
    let base = base_row(compiler, member, owner, ordinal);
    let element = member.element;
    let Some(stem) = name(element).strip_suffix("[x]") else {
        let row = plain(compiler, shapes, member, base);
        compiler.tables.elements.push(row);
        return;
    };
    let stem_text = compiler.text(stem);
    let group = compiler.tables.elements.len() as u32;
    compiler.tables.elements.push(ElementRow {
        class: GROUP,
        type_index: NONE,
        shape: NONE,
        name: stem_text,
        path_name: stem_text,
        variants: element.types.len() as u16,
        ..base.clone()
    });
    for used in &element.types {
        let mut initial = used.name.chars();
        let capital = initial.next().map(|c| c.to_ascii_uppercase()).into_iter();
        let json_name = stem.chars().chain(capital).chain(initial).collect::<String>();
        let row = ElementRow { class: VARIANT, group, path_name: stem_text, ..base.clone() };
        let row = with_type(compiler, shapes, used, &json_name, row);
        compiler.tables.elements.push(row);
    }
}

fn base_row(compiler: &mut Compiler, member: Member<'_>, owner: u16, ordinal: u8) -> ElementRow {
    let element = member.element;
    let mut row = ElementRow {
        ordinal,
        flags: if element.is_modifier { MODIFIER } else { 0 } | if element.is_summary { SUMMARY } else { 0 },
        min: element.min,
        max: element.max.unwrap_or(MANY),
        value_set: NONE,
        owner,
        invariants: compiler.invariants(&element.invariants),
        ..ElementRow::default()
    };
    if let Some(binding) = &element.binding {
        row.strength = match binding.strength.as_str() {
            "required" => 4,
            "extensible" => 3,
            "preferred" => 2,
            _ => 1,
        };
        row.binding = compiler.text(&binding.value_set);
        let index = compiler.tables.value_sets.iter().position(|known| known.url == row.binding);
        row.value_set = index.map_or(NONE, |index| index as u16);
    }
    row
}

fn plain(compiler: &mut Compiler, shapes: &Shapes<'_>, member: Member<'_>, base: ElementRow) -> ElementRow {
    let element = member.element;
    let row = ElementRow { class: PLAIN, ..base };
    let no_type = TypeUse::default();
    let content = element.content.as_deref().map(|path| content(shapes, path));
    let used = content.map_or(element, |(_, content)| content).types.first().unwrap_or(&no_type);
    let mut row = with_type(compiler, shapes, used, name(element), row);
    row.path_name = row.name;
    let place = content.map_or((member.origin.name.as_str(), element.path.as_str()), |(of, content)| {
        (of.name.as_str(), content.path.as_str())
    });
    if let Some(shape) = shapes.numbers.get(&place) {
        row.shape = *shape;
    }
    row
}

/// The element that a contentReference names.
fn content<'a>(shapes: &Shapes<'a>, path: &str) -> (&'a TypeText, &'a ElementText) {
    let (of, rest) = path.split_once('.').expect("a content reference to an element");
    let definition = shapes.of_type(of).expect("a content reference into a type");
    let element = definition.elements.iter().find(|line| line.path == rest);
    (definition, element.expect("a content reference to an element that is there"))
}

fn with_type(
    compiler: &mut Compiler,
    shapes: &Shapes<'_>,
    used: &TypeUse,
    json_name: &str,
    row: ElementRow,
) -> ElementRow {
    let first = compiler.tables.targets.len() as u32;
    let targets: Vec<u16> = used.targets.iter().map(|target| shapes.type_index(target)).collect();
    // A profile as target says nothing about the type, and Resource says any.
    let is_any = targets.contains(&NONE) || used.targets.iter().any(|target| target == "Resource");
    if !is_any {
        compiler.tables.targets.extend(&targets);
    }
    let count = if is_any { 0 } else { targets.len() as u16 };
    let simple = if used.profiles.iter().any(|profile| profile == "SimpleQuantity") { SIMPLE } else { 0 };
    ElementRow {
        flags: row.flags | simple,
        key: Key::of(json_name.as_bytes()),
        name: compiler.text(json_name),
        shape: shapes.shape_of(&used.name),
        primitive: Primitive::named(&used.name).map_or(0, Primitive::number),
        type_index: shapes.type_index(&used.name),
        targets: Span { first, count },
        ..row
    }
}

/// A seed, a size and a table in which no two keys meet.
fn perfect_hash(keys: &[Option<Key>]) -> (u64, u8, Vec<u16>) {
    let smallest = keys.len().next_power_of_two().trailing_zeros().max(1) as u8;
    let mut seed: u64 = 0x2545_F491_4F6C_DD1D;
    for bits in smallest..smallest + 5 {
        for _ in 0..2_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407) | 1;
            if let Some(slots) = try_hash(keys, seed, bits) {
                return (seed, bits, slots);
            }
        }
    }
    panic!("no perfect hash: two member names have one key")
}

fn try_hash(keys: &[Option<Key>], seed: u64, bits: u8) -> Option<Vec<u16>> {
    let mut slots = vec![0; 1 << bits];
    for (number, key) in keys.iter().enumerate() {
        let Some(key) = key else { continue };
        let slot = &mut slots[key.hash(seed, bits)];
        if *slot != 0 {
            return None;
        }
        *slot = number as u16 + 1;
    }
    Some(slots)
}
