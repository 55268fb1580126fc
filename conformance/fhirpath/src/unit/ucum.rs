//! Codes of UCUM: terms of prefixes, atoms and exponents, as a factor to base units and the dimension. Special units
//! (Cel, pH, [degF]) have no factor and compare only with themselves.

use crate::Decimal;

/// Longest code that is read.
const MAX_LENGTH: usize = 128;
const MAX_NESTING: u32 = 8;
const MAX_EXPONENT: i32 = 12;

/// Exponents of metre, gram, second, kelvin, radian, coulomb, candela, mole, and of arbitrary units together.
type Dimension = [i32; 9];

/// What a code measures.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Measure {
    factor: Decimal,
    dimension: Dimension,
    /// An arbitrary unit such as `[iU]`: comparable only to the same one.
    arbitrary: Option<String>,
}

impl Measure {
    /// Reads a code; `None` for what is none or is not known here.
    pub(super) fn parse(code: &str) -> Option<Self> {
        if code.is_empty() || code.len() > MAX_LENGTH || !code.is_ascii() {
            return None;
        }
        let mut parser = Parser { rest: code, nesting: 0 };
        let measure = parser.term()?;
        parser.rest.is_empty().then_some(measure)
    }

    pub(super) const fn factor(&self) -> Decimal {
        self.factor
    }

    pub(super) fn is_comparable(&self, other: &Self) -> bool {
        self.dimension == other.dimension && self.arbitrary == other.arbitrary
    }

    /// A value in base units.
    pub(super) fn canonical(&self, value: Decimal) -> Option<Decimal> {
        value.checked_mul(self.factor)
    }

    fn plain(factor: Decimal) -> Self {
        Self { factor, dimension: [0; 9], arbitrary: None }
    }

    fn times(self, other: Self) -> Option<Self> {
        let mut dimension = self.dimension;
        for (own, more) in dimension.iter_mut().zip(other.dimension) {
            *own += more;
        }
        let arbitrary = match (self.arbitrary, other.arbitrary) {
            (Some(left), Some(right)) => Some(format!("{left}.{right}")),
            (left, right) => left.or(right),
        };
        Some(Self { factor: self.factor.checked_mul(other.factor)?, dimension, arbitrary })
    }

    fn power(&self, exponent: i32) -> Option<Self> {
        if exponent.abs() > MAX_EXPONENT {
            return None;
        }
        let mut factor = Decimal::ONE;
        for _ in 0..exponent.abs() {
            factor = factor.checked_mul(self.factor)?;
        }
        let factor = if exponent < 0 { Decimal::ONE.checked_div(factor)? } else { factor };
        let arbitrary =
            self.arbitrary.as_ref().map(|name| if exponent == 1 { name.clone() } else { format!("{name}{exponent}") });
        Some(Self { factor, dimension: self.dimension.map(|own| own * exponent), arbitrary })
    }
}

struct Parser<'c> {
    rest: &'c str,
    nesting: u32,
}

impl Parser<'_> {
    fn skip(&mut self, symbol: char) -> bool {
        let found = self.rest.strip_prefix(symbol);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    fn term(&mut self) -> Option<Measure> {
        let mut total = if self.skip('/') { self.component()?.power(-1)? } else { self.component()? };
        loop {
            if self.skip('.') {
                total = total.times(self.component()?)?;
            } else if self.skip('/') {
                total = total.times(self.component()?.power(-1)?)?;
            } else {
                return Some(total);
            }
        }
    }

    fn component(&mut self) -> Option<Measure> {
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
            return Some(Measure::plain(Decimal::ONE));
        }
        let length = self.atom_length();
        let (atom, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        let measure = if let Ok(number) = atom.parse::<u32>() {
            Measure::plain(i64::from(number).into())
        } else {
            let exponent = self.exponent()?;
            unit(atom)?.power(exponent)?
        };
        self.annotation()?;
        Some(measure)
    }

    /// `{score}` means nothing. `None` when it does not end.
    fn annotation(&mut self) -> Option<bool> {
        if !self.rest.starts_with('{') {
            return Some(false);
        }
        let end = self.rest.find('}')?;
        self.rest = self.rest.get(end + 1..)?;
        Some(true)
    }

    /// A number, or a unit up to its exponent; what is in brackets belongs to the unit.
    fn atom_length(&self) -> usize {
        let bytes = self.rest.as_bytes();
        if bytes.first().is_some_and(u8::is_ascii_digit)
            && !self.rest.starts_with("10*")
            && !self.rest.starts_with("10^")
        {
            return bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
        }
        if self.rest.starts_with("10*") || self.rest.starts_with("10^") {
            return 3;
        }
        let mut bracket = false;
        bytes
            .iter()
            .take_while(|byte| {
                match byte {
                    b'[' => bracket = true,
                    b']' => {
                        bracket = false;
                        return true;
                    }
                    _ => {}
                }
                bracket || !matches!(byte, b'.' | b'/' | b'(' | b')' | b'{' | b'+' | b'-' | b'0'..=b'9')
            })
            .count()
    }

    fn exponent(&mut self) -> Option<i32> {
        let negative = self.skip('-');
        let signed = negative || self.skip('+');
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return (!signed).then_some(1);
        }
        let (number, rest) = self.rest.split_at_checked(digits)?;
        self.rest = rest;
        let number: i32 = number.parse().ok()?;
        Some(if negative { -number } else { number })
    }
}

fn unit(atom: &str) -> Option<Measure> {
    if let Some(measure) = named(atom) {
        return Some(measure);
    }
    PREFIXES.iter().find_map(|(prefix, factor)| {
        let measure = METRIC.contains(&atom.strip_prefix(prefix)?).then(|| named(atom.strip_prefix(prefix)?))??;
        Some(Measure { factor: measure.factor.checked_mul(factor.parse().ok()?)?, ..measure })
    })
}

fn named(atom: &str) -> Option<Measure> {
    if let Some((_, factor, dimension)) = ATOMS.iter().find(|(name, ..)| *name == atom) {
        return Some(Measure { factor: factor.parse().ok()?, dimension: *dimension, arbitrary: None });
    }
    let arbitrary = ARBITRARY.contains(&atom).then(|| atom.to_owned());
    arbitrary.map(|name| Measure {
        factor: Decimal::ONE,
        dimension: [0, 0, 0, 0, 0, 0, 0, 0, 1],
        arbitrary: Some(name),
    })
}

/// Longest first: `da` before `d`.
const PREFIXES: [(&str, &str); 20] = [
    ("da", "10"),
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

/// Atoms that take a prefix.
const METRIC: [&str; 33] = [
    "m", "g", "s", "K", "rad", "C", "cd", "mol", "L", "l", "Hz", "N", "Pa", "J", "W", "A", "V", "F", "Ohm", "S", "Wb",
    "T", "H", "lm", "lx", "Bq", "Gy", "Sv", "kat", "U", "eq", "osm", "bar",
];

/// Units that are comparable only to themselves: procedure-defined or on a scale with an offset or a logarithm.
const ARBITRARY: [&str; 14] = [
    "[iU]", "[IU]", "[arb'U]", "[USP'U]", "Cel", "[degF]", "[pH]", "[CFU]", "[PFU]", "[AU]", "[BAU]", "[hp'_X]", "B",
    "Np",
];

const M: Dimension = [1, 0, 0, 0, 0, 0, 0, 0, 0];
const G: Dimension = [0, 1, 0, 0, 0, 0, 0, 0, 0];
const S: Dimension = [0, 0, 1, 0, 0, 0, 0, 0, 0];
const VOLUME: Dimension = [3, 0, 0, 0, 0, 0, 0, 0, 0];
const NONE: Dimension = [0, 0, 0, 0, 0, 0, 0, 0, 0];
const ENERGY: Dimension = [2, 1, -2, 0, 0, 0, 0, 0, 0];
const PRESSURE: Dimension = [-1, 1, -2, 0, 0, 0, 0, 0, 0];

/// Code, factor to base units, dimension. Ten to the 23rd of a mole is kept as a dimension of its own, so that nothing
/// exceeds a decimal.
#[rustfmt::skip]
const ATOMS: [(&str, &str, Dimension); 75] = [
    ("m", "1", M), ("g", "1", G), ("s", "1", S), ("K", "1", [0, 0, 0, 1, 0, 0, 0, 0, 0]),
    ("rad", "1", [0, 0, 0, 0, 1, 0, 0, 0, 0]), ("C", "1", [0, 0, 0, 0, 0, 1, 0, 0, 0]),
    ("cd", "1", [0, 0, 0, 0, 0, 0, 1, 0, 0]), ("mol", "1", [0, 0, 0, 0, 0, 0, 0, 1, 0]),
    ("10*", "10", NONE), ("10^", "10", NONE), ("%", "0.01", NONE), ("[ppth]", "0.001", NONE), ("[ppm]", "0.000001", NONE),
    ("[ppb]", "0.000000001", NONE), ("[pptr]", "0.000000000001", NONE),
    ("L", "0.001", VOLUME), ("l", "0.001", VOLUME), ("ar", "100", [2, 0, 0, 0, 0, 0, 0, 0, 0]),
    ("min", "60", S), ("h", "3600", S), ("d", "86400", S), ("wk", "604800", S), ("a", "31557600", S), ("a_t", "31556925.216", S),
    ("a_j", "31557600", S), ("a_g", "31556952", S), ("mo", "2629800", S), ("mo_j", "2629800", S), ("mo_s", "2551442.976", S),
    ("mo_g", "2629746", S),
    ("Hz", "1", [0, 0, -1, 0, 0, 0, 0, 0, 0]), ("N", "1000", [1, 1, -2, 0, 0, 0, 0, 0, 0]), ("Pa", "1000", PRESSURE),
    ("J", "1000", ENERGY), ("W", "1000", [2, 1, -3, 0, 0, 0, 0, 0, 0]), ("A", "1", [0, 0, -1, 0, 0, 1, 0, 0, 0]),
    ("V", "1000", [2, 1, -2, 0, 0, -1, 0, 0, 0]), ("F", "0.001", [-2, -1, 2, 0, 0, 2, 0, 0, 0]),
    ("Ohm", "1000", [2, 1, -1, 0, 0, -2, 0, 0, 0]), ("S", "0.001", [-2, -1, 1, 0, 0, 2, 0, 0, 0]),
    ("Wb", "1000", [2, 1, -1, 0, 0, -1, 0, 0, 0]), ("T", "1000", [0, 1, -1, 0, 0, -1, 0, 0, 0]),
    ("H", "1000", [2, 1, 0, 0, 0, -2, 0, 0, 0]), ("lm", "1", [0, 0, 0, 0, 2, 0, 1, 0, 0]),
    ("lx", "1", [-2, 0, 0, 0, 2, 0, 1, 0, 0]), ("Bq", "1", [0, 0, -1, 0, 0, 0, 0, 0, 0]),
    ("Gy", "1", [2, 0, -2, 0, 0, 0, 0, 0, 0]), ("Sv", "1", [2, 0, -2, 0, 0, 0, 0, 0, 0]),
    ("kat", "1", [0, 0, -1, 0, 0, 0, 0, 1, 0]), ("U", "0.0000000166666666666667", [0, 0, -1, 0, 0, 0, 0, 1, 0]),
    ("eq", "1", [0, 0, 0, 0, 0, 0, 0, 1, 0]), ("osm", "1", [0, 0, 0, 0, 0, 0, 0, 1, 0]), ("bar", "100000000", PRESSURE),
    ("atm", "101325000", PRESSURE), ("m[Hg]", "133322000", PRESSURE), ("mm[Hg]", "133322", PRESSURE),
    ("cm[H2O]", "98066.5", PRESSURE), ("m[H2O]", "9806650", PRESSURE), ("[psi]", "6894757.293168359", PRESSURE),
    ("t", "1000000", G), ("[lb_av]", "453.59237", G), ("[oz_av]", "28.349523125", G), ("[gr]", "0.06479891", G),
    ("[stone_av]", "6350.29318", G), ("[in_i]", "0.0254", M), ("[ft_i]", "0.3048", M), ("[yd_i]", "0.9144", M),
    ("[mi_i]", "1609.344", M), ("[cal]", "4184", ENERGY), ("cal", "4184", ENERGY), ("kcal", "4184000", ENERGY),
    ("[foz_us]", "0.0000295735295625", VOLUME), ("[gal_us]", "0.003785411784", VOLUME), ("deg", "0.0174532925199433", [0, 0, 0, 0, 1, 0, 0, 0, 0]),
    ("[drp]", "0.00000005", VOLUME),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn same(left: (&str, &str), right: (&str, &str)) -> bool {
        let measure = |(value, code): (&str, &str)| {
            let measure = Measure::parse(code).unwrap_or_else(|| panic!("{code}"));
            (measure.canonical(value.parse().unwrap()).unwrap(), measure)
        };
        let ((left_value, left), (right_value, right)) = (measure(left), measure(right));
        left.is_comparable(&right) && left_value == right_value
    }

    #[test]
    fn the_same_amount_is_the_same_in_every_unit() {
        assert!(same(("1", "g"), ("1000", "mg")));
        assert!(same(("1", "kg/m2"), ("1000", "g/m2")));
        assert!(same(("5.5", "mmol/L"), ("5500", "umol/L")));
        assert!(same(("1", "L"), ("1", "dm3")));
        assert!(same(("120", "mm[Hg]"), ("0.12", "m[Hg]")));
        assert!(same(("1", "10*3/uL"), ("1", "10*9/L")));
        assert!(same(("60", "min"), ("1", "h")));
        assert!(same(("3", "{score}"), ("3", "1")));
    }

    #[test]
    fn different_dimensions_and_arbitrary_units_do_not_compare() {
        assert!(!same(("1", "g"), ("1", "m")));
        assert!(!same(("1", "[iU]"), ("1", "[arb'U]")));
        assert!(!same(("1", "[iU]/L"), ("1", "/L")));
    }

    #[test]
    fn what_is_no_code_is_none_and_never_panics() {
        for code in ["", "x y", "foo", "m/", "(m", "m)", "{", "m-", "((((((((((m))))))))))", "m99", "é", "10*", "/"] {
            let _ = Measure::parse(code);
        }
        assert!(Measure::parse("foo").is_none() && Measure::parse("m99").is_none());
    }
}
