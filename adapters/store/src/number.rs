//! Numbers of resources as whole numbers of the same order, which both databases compare alike.

/// A whole number for each number: smaller ones have smaller ones, zero with either sign has one.
pub(crate) const fn ordered(number: f64) -> i64 {
    // -0.0 + 0.0 is 0.0.
    let bits = (number + 0.0).to_bits().cast_signed();
    // IEEE 754: positive numbers are in the order of their bits, negative ones in the opposite one.
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_numbers_is_kept() {
        let numbers = [f64::NEG_INFINITY, -1e300, -2.5, -1.0, -1e-300, 0.0, 1e-300, 0.005, 1.0, 2.5, f64::INFINITY];
        let ordered: Vec<i64> = numbers.map(ordered).to_vec();
        assert!(ordered.is_sorted_by(|one, other| one < other), "{ordered:?}");
        assert_eq!(super::ordered(-0.0), super::ordered(0.0));
    }
}
