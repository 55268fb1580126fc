//! UCUM: codes of units as terms of prefixes, atoms, exponents and annotations (The Unified Code for Units of Measure, 2.1).

use std::sync::LazyLock;

use foldhash::HashMap;

/// Longest code that is read.
const MAX_LENGTH: usize = 256;
const MAX_NESTING: u32 = 16;
const MAX_EXPONENT: i32 = 99;
/// Deepest definition of an atom by other atoms.
const MAX_DEFINITIONS: u32 = 12;

/// Exponents of metre, second, gram, radian, kelvin, coulomb and candela.
pub type Dimension = [i32; 7];

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
    let lines = include_str!("../../facts/units.txt").lines();
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

/// Prefixes and their powers of ten; those of two are below.
pub const PREFIXES: [(&str, i32); 20] = [
    ("da", 1),
    ("Y", 24),
    ("Z", 21),
    ("E", 18),
    ("P", 15),
    ("T", 12),
    ("G", 9),
    ("M", 6),
    ("k", 3),
    ("h", 2),
    ("d", -1),
    ("c", -2),
    ("m", -3),
    ("u", -6),
    ("n", -9),
    ("p", -12),
    ("f", -15),
    ("a", -18),
    ("z", -21),
    ("y", -24),
];
const BINARY_PREFIXES: [&str; 4] = ["Ki", "Mi", "Gi", "Ti"];

/// The atom with that code, without a prefix.
#[must_use]
pub fn atom(code: &str) -> Option<&'static Atom> {
    ATOMS.get(code)
}

/// Whether a text is a code of UCUM, case-sensitive.
#[must_use]
pub fn is_unit(code: &str) -> bool {
    term(code, None).is_some()
}

/// What a code measures; none for what is no code. Arbitrary units have no dimension.
#[must_use]
pub fn dimension(code: &str) -> Option<Dimension> {
    term(code, Some(0))
}

/// Whether two codes measure the same, so that values of one could be told in the other.
#[must_use]
pub fn is_comparable(left: &str, right: &str) -> bool {
    dimension(left).is_some_and(|left| Some(left) == dimension(right))
}

/// Reads a code; `definitions` is how many atoms stand between it and what was asked, none when the dimension is not asked for.
fn term(code: &str, definitions: Option<u32>) -> Option<Dimension> {
    if code.is_empty() || code.len() > MAX_LENGTH || !code.is_ascii() || definitions > Some(MAX_DEFINITIONS) {
        return None;
    }
    let mut parser = Parser { rest: code, nesting: 0, definitions };
    let total = parser.term()?;
    parser.rest.is_empty().then_some(total)
}

struct Parser<'c> {
    rest: &'c str,
    nesting: u32,
    definitions: Option<u32>,
}

impl Parser<'_> {
    fn skip(&mut self, symbol: char) -> bool {
        let found = self.rest.strip_prefix(symbol);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    fn term(&mut self) -> Option<Dimension> {
        let mut total = [0; 7];
        let mut sign = if self.skip('/') { -1 } else { 1 };
        loop {
            total = times(total, self.component()?, sign);
            sign = match (self.skip('.'), self.rest.starts_with('/')) {
                (true, _) => 1,
                (false, true) => {
                    self.skip('/');
                    -1
                }
                (false, false) => return Some(total),
            };
        }
    }

    fn component(&mut self) -> Option<Dimension> {
        if self.skip('(') {
            self.nesting += 1;
            if self.nesting > MAX_NESTING {
                return None;
            }
            let inner = self.term()?;
            self.nesting -= 1;
            return self.skip(')').then_some(inner);
        }
        if self.annotation()? {
            return Some([0; 7]);
        }
        let (symbol, rest) = self.rest.split_at_checked(symbol_length(self.rest))?;
        self.rest = rest;
        let found = if !symbol.is_empty() && symbol.bytes().all(|byte| byte.is_ascii_digit()) {
            [0; 7]
        } else {
            let exponent = self.exponent()?;
            unit(symbol, self.definitions)?.map(|own| own * exponent)
        };
        self.annotation()?;
        Some(found)
    }

    /// `{score}` means nothing. None when it does not end.
    fn annotation(&mut self) -> Option<bool> {
        let Some(inner) = self.rest.strip_prefix('{') else { return Some(false) };
        let (text, rest) = inner.split_once('}')?;
        self.rest = rest;
        (!text.contains('{')).then_some(true)
    }

    fn exponent(&mut self) -> Option<i32> {
        let is_negative = self.skip('-');
        let is_signed = is_negative || self.skip('+');
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return (!is_signed).then_some(1);
        }
        let (number, rest) = self.rest.split_at_checked(digits)?;
        self.rest = rest;
        let number: i32 = number.parse().ok().filter(|number| *number <= MAX_EXPONENT)?;
        Some(if is_negative { -number } else { number })
    }
}

/// Exponents of a code of at most 256 bytes stay far below the range of an i32.
fn times(left: Dimension, right: Dimension, sign: i32) -> Dimension {
    let mut total = left;
    total.iter_mut().zip(right).for_each(|(own, more)| *own = own.saturating_add(more.saturating_mul(sign)));
    total
}

/// A number, or a unit up to its exponent; what is in brackets belongs to the unit.
fn symbol_length(rest: &str) -> usize {
    if rest.starts_with("10*") || rest.starts_with("10^") {
        return 3;
    }
    let bytes = rest.as_bytes();
    if bytes.first().is_some_and(u8::is_ascii_digit) {
        return bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    }
    let mut is_bracketed = false;
    let belongs = |byte: &&u8| {
        let was_bracketed = is_bracketed;
        is_bracketed = match byte {
            b'[' => true,
            b']' => false,
            _ => is_bracketed,
        };
        was_bracketed || is_bracketed || !matches!(byte, b'.' | b'/' | b'(' | b')' | b'{' | b'+' | b'-' | b'0'..=b'9')
    };
    bytes.iter().take_while(belongs).count()
}

fn unit(symbol: &str, definitions: Option<u32>) -> Option<Dimension> {
    if let Some(known) = atom(symbol) {
        return measure(known, definitions);
    }
    let prefixes = PREFIXES.iter().map(|(prefix, _)| *prefix).chain(BINARY_PREFIXES);
    let mut stems = prefixes.filter_map(|prefix| atom(symbol.strip_prefix(prefix)?)).filter(|known| known.is_metric);
    measure(stems.next()?, definitions)
}

/// The base units in the order of [`Dimension`].
const BASES: [&str; 7] = ["m", "s", "g", "rad", "K", "C", "cd"];

fn measure(known: &Atom, definitions: Option<u32>) -> Option<Dimension> {
    let Some(definitions) = definitions else { return Some([0; 7]) };
    if known.is_base {
        return Some(BASES.map(|base| i32::from(base == known.code)));
    }
    if known.is_arbitrary || known.unit.is_empty() {
        return Some([0; 7]);
    }
    term(known.unit, Some(definitions + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_atom_is_a_code_and_every_definition_ends() {
        assert!(ATOMS.len() > 290, "{}", ATOMS.len());
        let broken: Vec<_> = ATOMS.keys().filter(|code| !is_unit(code)).collect();
        assert!(broken.is_empty(), "{broken:?}");
    }

    #[test]
    fn terms_are_read_and_what_is_none_is_not() {
        for code in [
            "mg/dL",
            "kg/m2",
            "10*3/uL",
            "10*-6",
            "mm[Hg]",
            "{score}",
            "/min",
            "[iU]/L",
            "Cel",
            "mL/min/{1.73_m2}",
            "%",
            "1",
            "umol/(8.h)",
            "g.m/(s2)",
            "meq/L",
            "ug{creat}",
            "[in_i]",
            "B[10.nV]",
            "[degF]",
            "a",
            "mo",
            "wk",
            "KiBy",
            "m2",
            "ms",
        ] {
            assert!(is_unit(code), "{code}");
        }
        for code in
            ["", "x y", "foo", "m/", "(m", "m)", "{", "m-", "MG/DL", "mgg", "[", "kmin", "lbs", "é", "m..s", "mmHg"]
        {
            assert!(!is_unit(code), "{code}");
        }
        assert!(!is_unit(&"(".repeat(200)) && !is_unit(&"m.".repeat(500)));
    }

    #[test]
    fn dimensions_tell_what_can_be_compared() {
        assert!(is_comparable("mg/dL", "g/L") && is_comparable("N", "kg.m/s2") && is_comparable("[lb_av]", "kg"));
        assert!(!is_comparable("mg", "mL") && !is_comparable("m", "foo"));
    }
}
