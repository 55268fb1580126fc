//! Decisions out of numbers.

/// A list of numbers, each of which decides something. Where it ends, everything is decided as by 0.
#[derive(Clone, Debug)]
pub struct Choices<'a> {
    rest: &'a [u16],
}

impl<'a> Choices<'a> {
    /// Decides by these.
    #[must_use]
    pub const fn new(numbers: &'a [u16]) -> Self {
        Self { rest: numbers }
    }

    /// A number below `end`; 0 when `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        let Some((first, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        usize::from(*first).checked_rem(end).unwrap_or(0)
    }

    /// One of these; the default when there is none.
    pub fn of<T: Copy + Default>(&mut self, all: &[T]) -> T {
        let index = self.below(all.len());
        all.get(index).copied().unwrap_or_default()
    }

    /// Yes, once in so many times.
    pub fn is_one_in(&mut self, times: usize) -> bool {
        self.below(times) + 1 == times
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_list_decides_for_the_first_and_against_everything_else() {
        let mut choices = Choices::new(&[]);
        assert_eq!((choices.of(&["a", "b"]), choices.is_one_in(2), choices.below(0)), ("a", false, 0));
    }

    #[test]
    fn a_number_decides_once() {
        let mut choices = Choices::new(&[5, 1]);
        assert_eq!((choices.of(&[1, 2, 3]), choices.is_one_in(2), choices.below(9)), (3, true, 0));
    }
}
