//! Numbers with their implicit precision (search.html#number).

pub(crate) use fhirpath::Decimal;

/// The half-open range that a number stands for: half a unit of its last digit to each side. 100 is `[99.5, 100.5)`,
/// 5.40e-3 is `[0.005395, 0.005405)`; 1e2 is `[95, 105)`, because search.html#number says so of it.
pub(crate) fn implicit_range(text: &str, value: Decimal) -> (Decimal, Decimal) {
    let whole_mantissa = text.contains(['e', 'E']) && !text.contains('.');
    let half = Decimal::new(5, 1 + significant_scale(text) + u32::from(whole_mantissa));
    let shifted = half.checked_mul(exponent_unit(text)).unwrap_or(half);
    (value.checked_sub(shifted).unwrap_or(value), value.checked_add(shifted).unwrap_or(value))
}

/// Digits behind the point of the mantissa.
fn significant_scale(text: &str) -> u32 {
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len().min(27) as u32)
}

fn exponent_unit(text: &str) -> Decimal {
    match text.split_once(['e', 'E']) {
        Some((_, exponent)) => format!("1e{exponent}").parse().unwrap_or(Decimal::ONE),
        None => Decimal::ONE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stands_for_the_range_of_its_last_digit() {
        // search.html#number: 100, 100.00 and 1e2.
        for (text, low, high) in
            [("100", 99.5, 100.5), ("100.00", 99.995, 100.005), ("1e2", 95.0, 105.0), ("5.40e-3", 0.005395, 0.005405)]
        {
            let range = implicit_range(text, text.parse().unwrap());
            assert_eq!((range.0.to_f64(), range.1.to_f64()), (low, high), "{text}");
        }
    }
}
