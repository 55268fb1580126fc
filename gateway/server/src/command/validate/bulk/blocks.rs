//! Whole lines of a file, a bounded block at a time.

use std::io::{self, BufRead, Read};

/// Bytes of a block: enough to make handing it over cheap.
const BLOCK: usize = 256 * 1024;
/// Bytes of one line.
pub(super) const MOST_LINE: usize = 64 * 1024 * 1024;

/// Lines that stand together in a file.
pub(super) struct Block {
    /// The number of the first, from 1.
    first: u64,
    /// None of one line that is too long.
    text: Option<Vec<u8>>,
}

impl Block {
    /// Each line with its number; none for one that is too long.
    pub(super) fn lines(&self) -> impl Iterator<Item = (u64, Option<&[u8]>)> {
        let cut = self.text.is_none().then_some((self.first, None));
        let text = self.text.as_deref().unwrap_or_default();
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let lines = text.split(|byte| *byte == b'\n').take(if self.text.is_some() { usize::MAX } else { 0 });
        (self.first..).zip(lines.map(Some)).chain(cut)
    }
}

/// The blocks of a file.
pub(super) struct Blocks<R> {
    input: R,
    next: u64,
    /// A line that is too long and stands behind the block that was given last.
    cut: Option<u64>,
}

impl<R: BufRead> Blocks<R> {
    pub(super) const fn new(input: R) -> Self {
        Self { input, next: 1, cut: None }
    }

    fn block(&mut self) -> io::Result<Option<Block>> {
        if let Some(first) = self.cut.take() {
            return Ok(Some(Block { first, text: None }));
        }
        let first = self.next;
        let mut text = Vec::new();
        while text.len() < BLOCK {
            let before = text.len();
            let most = MOST_LINE as u64 + 1;
            if self.input.by_ref().take(most).read_until(b'\n', &mut text)? == 0 {
                break;
            }
            self.next += 1;
            if text.len() - before > MOST_LINE && text.last() != Some(&b'\n') {
                text.truncate(before);
                self.skip()?;
                self.cut = Some(self.next - 1);
                break;
            }
        }
        if text.is_empty() && self.cut.is_some() {
            return self.block();
        }
        Ok((!text.is_empty()).then_some(Block { first, text: Some(text) }))
    }

    /// The rest of a line.
    fn skip(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.input.fill_buf()?;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let length = end.map_or(buffer.len(), |end| end + 1);
            let is_done = end.is_some() || buffer.is_empty();
            self.input.consume(length);
            if is_done {
                return Ok(());
            }
        }
    }
}

impl<R: BufRead> Iterator for Blocks<R> {
    type Item = io::Result<Block>;

    fn next(&mut self) -> Option<io::Result<Block>> {
        self.block().transpose()
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn numbers(text: impl Read) -> Vec<(u64, Option<usize>)> {
        let blocks = Blocks::new(BufReader::new(text)).map(|block| block.unwrap());
        blocks
            .flat_map(|block| block.lines().map(|(number, line)| (number, line.map(<[u8]>::len))).collect::<Vec<_>>())
            .collect()
    }

    #[test]
    fn every_line_keeps_its_number_also_over_blocks_and_without_a_last_line_break() {
        assert_eq!(numbers("ab\n\nc".as_bytes()), [(1, Some(2)), (2, Some(0)), (3, Some(1))]);
        assert_eq!(numbers("".as_bytes()), []);
        let many = "0123456789\n".repeat(60_000);
        let found = numbers(many.as_bytes());
        assert_eq!(found.len(), 60_000);
        assert!(found.iter().zip(1..).all(|(found, number)| *found == (number, Some(10))));
    }

    #[test]
    fn a_line_that_is_too_long_is_not_held_but_has_its_number() {
        let long = io::repeat(b'x').take(MOST_LINE as u64 + 5);
        let text = "a\n".as_bytes().chain(long).chain("\nb\n".as_bytes());
        assert_eq!(numbers(text), [(1, Some(1)), (2, None), (3, Some(1))]);
    }
}
