//! Quantities in base units of UCUM, so that `5 mg` is found by `0.005 g`.

use fhirpath::Decimal;
use ucum::Measure;

/// The system of UCUM's codes.
const UCUM: &str = "http://unitsofmeasure.org";

/// Longest name of base units, in bytes: what is longer is compared by its code alone.
const LONGEST: usize = 200;

/// A range in base units: closed where a resource has it, infinite where it is open.
#[derive(Clone, PartialEq)]
pub struct Canonical {
    /// The base units, as UCUM writes them: `g`, `m-3.g`.
    pub base: String,
    /// Smallest.
    pub low: f64,
    /// Largest.
    pub high: f64,
}

/// What a code of UCUM measures, and its code of base units. `None` for any other system, and for what UCUM does not have.
pub(crate) struct Unit {
    measure: Measure,
    base: String,
}

impl Unit {
    pub(crate) fn of(system: Option<&str>, code: Option<&str>) -> Option<Self> {
        if system? != UCUM {
            return None;
        }
        let measure = Measure::of(code?)?;
        let base = measure.base();
        (base.len() <= LONGEST).then_some(Self { measure, base })
    }

    /// A number in base units. What no decimal holds is as near as a binary fraction comes.
    pub(crate) fn convert(&self, value: Decimal) -> f64 {
        match self.measure.canonical(value) {
            Some(value) => value.to_f64(),
            None => value.to_f64() * self.measure.factor().to_f64(),
        }
    }

    /// A range in base units.
    pub(crate) fn range(self, low: f64, high: f64) -> Canonical {
        Canonical { base: self.base, low, high }
    }
}
