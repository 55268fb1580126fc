//! Finds the parts of a segment that can hold what a search asks for: a segment is cut into blocks of about 64 KiB, and
//! each block knows its time range and, in a Bloom filter, its clients, users, patients and resources.
//!
//! Memory: the index of the segment being written, about 1/60 of its size. A sealed segment keeps a summary only; its
//! index is a file beside it, read when a search needs it.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

use crate::codec::View;

/// A block is closed when it is this long.
const BLOCK: u64 = 64 * 1024;
const WORDS: usize = 128;
const MAGIC: [u8; 8] = *b"FDINDEX\x01";
const SUMMARY: usize = 8 + 4 * 8 + 4;
const ENTRY: usize = 4 * 8 + WORDS * 8;

/// What a block can be asked for.
#[derive(Clone, Copy)]
pub(crate) enum Key<'a> {
    Patient(&'a str),
    Agent(&'a str),
    Entity(&'a str, &'a str),
}

impl Key<'_> {
    /// FNV-1a over a tag and the texts: stable across builds, because index files keep it.
    fn hash(self) -> u64 {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut mix = |bytes: &[u8]| {
            for byte in bytes {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
        };
        match self {
            Self::Patient(id) => [b"p", id.as_bytes()].map(&mut mix),
            Self::Agent(name) => [b"a", name.as_bytes()].map(&mut mix),
            Self::Entity(kind, id) => {
                mix(kind.as_bytes());
                [b"/", id.as_bytes()].map(&mut mix)
            }
        };
        hash ^ (hash >> 32)
    }
}

/// A Bloom filter of 8,192 bits, four probes: about 1 % false hits at 800 keys.
#[derive(Clone)]
struct Keys([u64; WORDS]);

impl Keys {
    fn probes(key: Key<'_>) -> impl Iterator<Item = (usize, u64)> {
        let hash = key.hash();
        let step = (hash >> 17) | 1;
        (0..4_u64).map(move |probe| {
            let bit = hash.wrapping_add(probe.wrapping_mul(step)) % (WORDS as u64 * 64);
            ((bit / 64) as usize, 1 << (bit % 64))
        })
    }

    fn insert(&mut self, key: Key<'_>) {
        for (word, bit) in Self::probes(key) {
            self.0[word] |= bit;
        }
    }

    fn may_hold(&self, key: Key<'_>) -> bool {
        Self::probes(key).all(|(word, bit)| self.0[word] & bit != 0)
    }
}

/// A part of a segment.
#[derive(Clone)]
pub(crate) struct Block {
    /// Offset of its first frame.
    pub(crate) start: u64,
    /// Offset behind its last frame.
    pub(crate) end: u64,
    /// The earliest and the latest record in it, in microseconds.
    pub(crate) first: i64,
    pub(crate) last: i64,
    keys: Keys,
}

impl Block {
    fn at(start: u64) -> Self {
        Self { start, end: start, first: i64::MAX, last: i64::MIN, keys: Keys([0; WORDS]) }
    }

    fn add(&mut self, view: &View<'_>, size: u64) {
        self.end += size;
        self.first = self.first.min(view.recorded);
        self.last = self.last.max(view.recorded);
        [view.client, view.user].into_iter().flatten().for_each(|agent| self.keys.insert(Key::Agent(agent)));
        view.patients().for_each(|patient| self.keys.insert(Key::Patient(patient)));
        if let Some((kind, id, _)) = view.subject {
            self.keys.insert(Key::Entity(kind, id));
        }
    }

    /// Whether it can hold a record with that key; a false yes is possible, a false no is not.
    pub(crate) fn may_hold(&self, key: Key<'_>) -> bool {
        self.keys.may_hold(key)
    }
}

/// A segment in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    /// Bytes of the segment.
    pub(crate) length: u64,
    /// The earliest and the latest record in it, in microseconds.
    pub(crate) first: i64,
    pub(crate) last: i64,
    /// AuditEvents in it.
    pub(crate) events: u64,
}

/// The index of a segment while it is written.
#[derive(Clone)]
pub(crate) struct Index {
    pub(crate) blocks: Vec<Arc<Block>>,
    pub(crate) summary: Summary,
}

impl Index {
    /// The index of a segment that holds nothing but its head.
    pub(crate) const fn empty(head: u64) -> Self {
        Self { blocks: Vec::new(), summary: Summary { length: head, first: i64::MAX, last: i64::MIN, events: 0 } }
    }

    /// Takes the next frame in.
    pub(crate) fn add(&mut self, view: &View<'_>, size: usize) {
        let size = size as u64;
        if self.blocks.last().is_none_or(|block| block.end - block.start >= BLOCK) {
            self.blocks.push(Arc::new(Block::at(self.summary.length)));
        }
        if let Some(block) = self.blocks.last_mut() {
            // A search may hold the block: it then keeps its own copy.
            Arc::make_mut(block).add(view, size);
        }
        let summary = &mut self.summary;
        summary.length += size;
        summary.first = summary.first.min(view.recorded);
        summary.last = summary.last.max(view.recorded);
        summary.events += u64::from(view.events());
    }

    /// Writes it beside its segment: under another name first, so that a half-written index is never read.
    pub(crate) fn save(&self, path: &Path) -> io::Result<()> {
        let mut out = MAGIC.to_vec();
        let summary = &self.summary;
        [summary.length, summary.first as u64, summary.last as u64, summary.events]
            .iter()
            .for_each(|field| out.extend_from_slice(&field.to_le_bytes()));
        out.extend_from_slice(&crc32fast::hash(&out).to_le_bytes());
        for block in &self.blocks {
            [block.start, block.end, block.first as u64, block.last as u64]
                .iter()
                .chain(&block.keys.0)
                .for_each(|field| out.extend_from_slice(&field.to_le_bytes()));
        }
        let sum = crc32fast::hash(out.get(SUMMARY..).unwrap_or_default());
        out.extend_from_slice(&sum.to_le_bytes());
        let draft = path.with_extension("draft");
        let mut file = File::create(&draft)?;
        file.write_all(&out)?;
        file.sync_data()?;
        fs::rename(draft, path)
    }
}

/// Reads the summary of an index file; none when it is damaged.
pub(crate) fn load_summary(path: &Path) -> Option<Summary> {
    let mut head = [0; SUMMARY];
    File::open(path).ok()?.read_exact(&mut head).ok()?;
    parse_summary(&head)
}

/// Reads the blocks of an index file; none when it is damaged.
pub(crate) fn load_blocks(path: &Path) -> Option<Vec<Arc<Block>>> {
    let bytes = fs::read(path).ok()?;
    parse_summary(&bytes)?;
    let (body, sum) = bytes.get(SUMMARY..)?.split_last_chunk::<4>()?;
    if crc32fast::hash(body) != u32::from_le_bytes(*sum) || body.len() % ENTRY != 0 {
        return None;
    }
    Some(body.chunks_exact(ENTRY).map(|entry| Arc::new(parse_block(entry))).collect())
}

fn parse_summary(bytes: &[u8]) -> Option<Summary> {
    let (fields, sum) = bytes.get(..SUMMARY)?.split_last_chunk::<4>()?;
    if !fields.starts_with(&MAGIC) || crc32fast::hash(fields) != u32::from_le_bytes(*sum) {
        return None;
    }
    let mut words = words(fields.get(MAGIC.len()..)?);
    let mut next = || words.next().unwrap_or_default();
    Some(Summary { length: next(), first: next() as i64, last: next() as i64, events: next() })
}

fn parse_block(entry: &[u8]) -> Block {
    let mut words = words(entry);
    let mut next = || words.next().unwrap_or_default();
    let (start, end, first, last) = (next(), next(), next() as i64, next() as i64);
    let mut keys = [0; WORDS];
    keys.iter_mut().for_each(|word| *word = next());
    Block { start, end, first, last, keys: Keys(keys) }
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u64> {
    bytes.chunks_exact(8).filter_map(|chunk| chunk.first_chunk().map(|word| u64::from_le_bytes(*word)))
}
