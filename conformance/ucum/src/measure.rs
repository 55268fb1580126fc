//! What a code measures: a factor to base units and a dimension.

use std::sync::LazyLock;

use foldhash::{HashMap, HashMapExt as _};

use crate::atom::{self, Atom};
use crate::decimal::Decimal;
use crate::parser;

/// Exponents of metre, second, gram, radian, kelvin, coulomb, candela and mole.
pub type Dimension = [i32; 8];

/// The base units in the order of [`Dimension`]. UCUM counts moles; here they are a dimension of their own.
const BASES: [&str; 8] = ["m", "s", "g", "rad", "K", "C", "cd", "mol"];
/// Deepest definition of an atom by other atoms.
const MAX_DEFINITIONS: u32 = 12;

/// What a code measures.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    factor: Decimal,
    dimension: Dimension,
    /// Arbitrary and special units, comparable only to the same ones, as a term; empty as a rule.
    own: String,
}

static MEASURES: LazyLock<HashMap<&'static str, Measure>> = LazyLock::new(|| {
    let mut known = HashMap::new();
    for atom in atom::atoms() {
        if let Some(measure) = of_atom(atom, MAX_DEFINITIONS) {
            known.insert(atom.code, measure);
        }
    }
    known
});

impl Measure {
    /// Of the number one.
    pub(crate) const ONE: Self = Self { factor: Decimal::ONE, dimension: [0; 8], own: String::new() };

    /// What a code measures; none for what is no code, and for one whose factor no decimal holds.
    #[must_use]
    pub fn of(code: &str) -> Option<Self> {
        parser::read(code, Some(&|symbol| prefixed(symbol, |atom| MEASURES.get(atom.code).cloned())))
    }

    pub(crate) fn of_number(factor: Decimal) -> Self {
        Self { factor, ..Self::ONE }
    }

    /// How many base units it is.
    #[must_use]
    pub const fn factor(&self) -> Decimal {
        self.factor
    }

    /// The base units that it is a multiple of, as a code: `g.m-3`, `1` for a number. Two measures are comparable when theirs are the same.
    #[must_use]
    pub fn base(&self) -> String {
        let powers = BASES.iter().zip(self.dimension).filter(|(_, exponent)| *exponent != 0);
        let mut terms: Vec<String> = powers
            .map(|(base, exponent)| if exponent == 1 { (*base).to_owned() } else { format!("{base}{exponent}") })
            .collect();
        if !self.own.is_empty() {
            terms.push(self.own.clone());
        }
        if terms.is_empty() { "1".to_owned() } else { terms.join(".") }
    }

    /// Whether both measure the same.
    #[must_use]
    pub fn is_comparable(&self, other: &Self) -> bool {
        self.dimension == other.dimension && self.own == other.own
    }

    /// A value in base units.
    #[must_use]
    pub fn canonical(&self, value: Decimal) -> Option<Decimal> {
        value.checked_mul(self.factor)
    }

    pub(crate) fn times(self, other: Self) -> Option<Self> {
        let mut dimension = self.dimension;
        for (own, more) in dimension.iter_mut().zip(other.dimension) {
            *own = own.saturating_add(more);
        }
        let own = match (self.own.is_empty(), other.own.is_empty()) {
            (_, true) => self.own,
            (true, false) => other.own,
            (false, false) => format!("{}.{}", self.own, other.own),
        };
        Some(Self { factor: self.factor.checked_mul(other.factor)?, dimension, own })
    }

    pub(crate) fn power(&self, exponent: i32) -> Option<Self> {
        let mut factor = Decimal::ONE;
        for _ in 0..exponent.unsigned_abs() {
            factor = factor.checked_mul(self.factor)?;
        }
        let factor = if exponent < 0 { Decimal::ONE.checked_div(factor)? } else { factor };
        let own = match (self.own.is_empty(), exponent) {
            (true, _) | (_, 0) => String::new(),
            (false, 1) => self.own.clone(),
            (false, exponent) => format!("({}){exponent}", self.own),
        };
        Some(Self { factor, dimension: self.dimension.map(|own| own.saturating_mul(exponent)), own })
    }
}

/// Whether two codes measure the same, so that values of one can be told in the other.
#[must_use]
pub fn is_comparable(left: &str, right: &str) -> bool {
    Measure::of(left).zip(Measure::of(right)).is_some_and(|(left, right)| left.is_comparable(&right))
}

fn prefixed(symbol: &str, measure: impl Fn(&'static Atom) -> Option<Measure>) -> Option<Measure> {
    let (atom, prefix) = atom::symbol(symbol)?;
    let measure = measure(atom)?;
    match prefix {
        Some(prefix) => Measure::of_number(prefix.parse().ok()?).times(measure),
        None => Some(measure),
    }
}

fn of_atom(atom: &'static Atom, definitions: u32) -> Option<Measure> {
    if let Some(place) = BASES.iter().position(|base| *base == atom.code) {
        let mut dimension = [0; 8];
        *dimension.get_mut(place)? = 1;
        return Some(Measure { dimension, ..Measure::ONE });
    }
    let defined = |unit: &str| {
        let definitions = definitions.checked_sub(1)?;
        parser::read(unit, Some(&|symbol| prefixed(symbol, |atom| of_atom(atom, definitions))))
    };
    if atom.is_special || atom.is_arbitrary {
        // `[IU]` is another spelling of `[iU]`.
        let same = defined(atom.unit).filter(|unit| atom.is_arbitrary && !unit.own.is_empty());
        return same.or_else(|| Some(Measure { own: atom.code.to_owned(), ..Measure::ONE }));
    }
    Measure::of_number(number(atom.factor)?).times(defined(atom.unit)?)
}

/// The factor of a definition; pi has more digits than a decimal.
fn number(factor: &'static str) -> Option<Decimal> {
    const DIGITS: usize = 20;
    let is_long = factor.len() > DIGITS && factor.contains('.') && !factor.contains(['e', 'E']);
    if is_long { factor.get(..DIGITS)?.parse().ok() } else { factor.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(left: (&str, &str), right: (&str, &str)) -> bool {
        let measure = |(value, code): (&str, &str)| {
            let measure = Measure::of(code).unwrap_or_else(|| panic!("{code}"));
            (measure.canonical(value.parse().unwrap()).unwrap(), measure)
        };
        let ((left_value, left), (right_value, right)) = (measure(left), measure(right));
        left.is_comparable(&right) && left_value == right_value
    }

    #[test]
    fn the_same_amount_is_the_same_in_every_unit() {
        for (left, right) in [
            (("1", "g"), ("1000", "mg")),
            (("1", "kg/m2"), ("1000", "g/m2")),
            (("5.5", "mmol/L"), ("5500", "umol/L")),
            (("1", "L"), ("1", "dm3")),
            (("120", "mm[Hg]"), ("0.12", "m[Hg]")),
            (("1", "10*3/uL"), ("1", "10*9/L")),
            (("60", "min"), ("1", "h")),
            (("3", "{score}"), ("3", "1")),
            (("1", "[lb_av]"), ("453.59237", "g")),
            (("1", "[ft_i]"), ("12", "[in_i]")),
            (("1", "N"), ("1", "kg.m/s2")),
            (("1", "meq/L"), ("1", "mmol/L")),
            (("1", "a"), ("365.25", "d")),
            (("2", "[IU]"), ("2", "[iU]")),
            (("1", "k[iU]"), ("1000", "[iU]")),
            (("1", "KiBy"), ("8192", "bit")),
        ] {
            assert!(same(left, right), "{left:?} {right:?}");
        }
    }

    #[test]
    fn comparable_codes_have_the_same_base() {
        for (code, base) in
            [("mg/dL", "m-3.g"), ("g/L", "m-3.g"), ("%", "1"), ("Cel", "Cel"), ("[iU]/L", "m-3.[iU]"), ("kg", "g")]
        {
            assert_eq!(Measure::of(code).unwrap().base(), base, "{code}");
        }
    }

    #[test]
    fn what_measures_something_else_does_not_compare() {
        for (left, right) in [
            ("g", "m"),
            ("mg", "mL"),
            ("[iU]", "[arb'U]"),
            ("[iU]/L", "/L"),
            ("Cel", "[degF]"),
            ("mol", "1"),
            ("m", "foo"),
        ] {
            assert!(!is_comparable(left, right), "{left} {right}");
        }
        assert!(is_comparable("mg/dL", "g/L") && is_comparable("[degF]", "[degF]"));
    }

    #[test]
    fn every_atom_is_a_code_and_nearly_every_one_has_a_measure() {
        let atoms: Vec<_> = atom::atoms().map(|atom| atom.code).collect();
        assert!(atoms.len() > 290, "{}", atoms.len());
        let no_code: Vec<_> = atoms.iter().filter(|code| !crate::is_unit(code)).collect();
        let unmeasured: Vec<_> = atoms.iter().filter(|code| Measure::of(code).is_none()).collect();
        assert!(no_code.is_empty() && unmeasured.len() <= 12, "{no_code:?} {unmeasured:?}");
    }

    #[test]
    fn what_is_no_code_or_beyond_a_decimal_has_no_measure_and_never_panics() {
        for code in ["", "x y", "foo", "m/", "(m", "m99", "10*99", "é", "/", "((((((((((((((((((m))))))))))))))))))"] {
            let _ = Measure::of(code);
        }
        assert!(Measure::of("foo").is_none() && Measure::of("10*99").is_none() && crate::is_unit("10*99"));
    }
}
