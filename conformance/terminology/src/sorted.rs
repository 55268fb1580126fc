//! Codes in order, found by their first eight bytes: one row of numbers, so that a look-up touches the text of one code.

use std::cmp::Ordering;

/// Places of codes in a list, sorted by code.
#[derive(Debug, Default)]
pub(crate) struct Sorted {
    /// Whether ASCII case does not count.
    folds: bool,
    /// The first bytes of each code, in order.
    prefixes: Box<[u64]>,
    places: Box<[u32]>,
}

impl Sorted {
    /// Sorts the codes of a list of that length.
    pub(crate) fn new<'c>(length: usize, folds: bool, code: impl Fn(u32) -> &'c str) -> Self {
        let mut places: Vec<u32> = (0..length as u32).collect();
        places.sort_by(|left, right| compare(code(*left), code(*right), folds));
        let prefixes = places.iter().map(|place| prefix(code(*place), folds)).collect();
        Self { folds, prefixes, places: places.into() }
    }

    /// The place of a code in the list.
    pub(crate) fn find<'c>(&self, wanted: &str, code: impl Fn(u32) -> &'c str) -> Option<u32> {
        let prefix = prefix(wanted, self.folds);
        let first = self.prefixes.partition_point(|known| *known < prefix);
        let behind = self.prefixes.get(first..)?;
        // Mostly one code starts so, and no search is needed to see it.
        let alike = match behind {
            [one, next, ..] if *one == prefix && *next == prefix => behind.partition_point(|known| *known == prefix),
            [one, ..] => usize::from(*one == prefix),
            [] => 0,
        };
        let places = self.places.get(first..first + alike)?;
        let found = places.binary_search_by(|place| compare(code(*place), wanted, self.folds)).ok()?;
        places.get(found).copied()
    }
}

/// The first eight bytes of a code as a number that sorts as the code does.
fn prefix(code: &str, folds: bool) -> u64 {
    let mut bytes = [0; 8];
    let length = code.len().min(8);
    if let (Some(places), Some(first)) = (bytes.get_mut(..length), code.as_bytes().get(..length)) {
        places.copy_from_slice(first);
    }
    if folds {
        bytes.make_ascii_lowercase();
    }
    u64::from_be_bytes(bytes)
}

/// Byte order, or byte order of what ASCII case folding makes.
fn compare(left: &str, right: &str, folds: bool) -> Ordering {
    if folds {
        return left
            .bytes()
            .map(|byte| byte.to_ascii_lowercase())
            .cmp(right.bytes().map(|byte| byte.to_ascii_lowercase()));
    }
    left.cmp(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_among_those_that_start_alike() {
        let codes = ["", "b", "abcdefgh", "abcdefghi", "abcdefg", "a", "abcdefghij", "\u{e9}", "B"];
        let code = |place: u32| codes[place as usize];
        let sorted = Sorted::new(codes.len(), false, code);
        for (place, wanted) in codes.iter().enumerate() {
            assert_eq!(sorted.find(wanted, code), Some(place as u32), "{wanted}");
        }
        for other in ["abcdefghk", "c", "A", "ab"] {
            assert_eq!(sorted.find(other, code), None, "{other}");
        }
    }

    #[test]
    fn case_does_not_count_where_it_folds() {
        let codes = ["Yes", "no", "ABCDEFGHi", "abcdefghJ"];
        let code = |place: u32| codes[place as usize];
        let sorted = Sorted::new(codes.len(), true, code);
        assert_eq!(sorted.find("YES", code), Some(0));
        assert_eq!(sorted.find("abcdefghj", code), Some(3));
        assert_eq!(sorted.find("maybe", code), None);
    }
}
