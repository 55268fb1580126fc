//! Atoms and prefixes.

use std::sync::LazyLock;

use foldhash::HashMap;

/// An atom as UCUM defines it: `factor` times `unit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Atom {
    /// `m`, `[in_i]`
    pub code: &'static str,
    /// One of the seven base units.
    pub is_base: bool,
    /// Whether it takes a prefix.
    pub is_metric: bool,
    /// Whether it is on a scale with an offset or a logarithm: `Cel`, `[pH]`.
    pub is_special: bool,
    /// Whether it is comparable to nothing but itself: `[iU]`.
    pub is_arbitrary: bool,
    /// A decimal; empty for base units and special ones.
    pub factor: &'static str,
    /// A code of UCUM; empty for base units.
    pub unit: &'static str,
    /// `meter`
    pub name: &'static str,
}

static ATOMS: LazyLock<HashMap<&'static str, Atom>> = LazyLock::new(|| {
    let lines = include_str!("../facts/units.txt").lines();
    lines.filter_map(read).map(|atom| (atom.code, atom)).collect()
});

fn read(line: &'static str) -> Option<Atom> {
    let mut fields = line.split('\t');
    let (code, marks) = (fields.next()?, fields.next()?);
    let has = |mark| marks.split(' ').any(|known| known == mark);
    Some(Atom {
        code,
        is_base: has("base"),
        is_metric: has("metric") || has("base"),
        is_special: has("special"),
        is_arbitrary: has("arbitrary"),
        factor: fields.next()?,
        unit: fields.next()?,
        name: fields.next().unwrap_or_default(),
    })
}

/// Prefixes and their values.
const PREFIXES: [(&str, &str); 24] = [
    ("da", "10"),
    ("Ki", "1024"),
    ("Mi", "1048576"),
    ("Gi", "1073741824"),
    ("Ti", "1099511627776"),
    ("Y", "1e24"),
    ("Z", "1e21"),
    ("E", "1e18"),
    ("P", "1e15"),
    ("T", "1e12"),
    ("G", "1e9"),
    ("M", "1e6"),
    ("k", "1000"),
    ("h", "100"),
    ("d", "0.1"),
    ("c", "0.01"),
    ("m", "0.001"),
    ("u", "1e-6"),
    ("n", "1e-9"),
    ("p", "1e-12"),
    ("f", "1e-15"),
    ("a", "1e-18"),
    ("z", "1e-21"),
    ("y", "1e-24"),
];

/// The atom with that code, without a prefix.
#[must_use]
pub fn atom(code: &str) -> Option<&'static Atom> {
    ATOMS.get(code)
}

/// Every atom.
pub(crate) fn atoms() -> impl Iterator<Item = &'static Atom> {
    ATOMS.values()
}

/// The atom of a symbol and the value of its prefix, where it has one. `min` is a minute and no milli-inch.
pub(crate) fn symbol(symbol: &str) -> Option<(&'static Atom, Option<&'static str>)> {
    if let Some(known) = atom(symbol) {
        return Some((known, None));
    }
    let stems = PREFIXES.iter().filter_map(|(prefix, value)| Some((atom(symbol.strip_prefix(prefix)?)?, Some(*value))));
    stems.into_iter().find(|(known, _)| known.is_metric)
}
