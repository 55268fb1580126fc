//! A short run of every target without a fuzzer: the corpus as it is, then changed in ways that are the same in every run.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use std::path::Path;
use std::time::{Duration, Instant};

use fuzz::TARGETS;

/// For each target.
const LONGEST: Duration = Duration::from_secs(3);
/// One input may take so long, in a build for tests on a busy machine.
const PATIENCE: Duration = Duration::from_secs(2);
/// Changes of each input.
const CHANGES: u64 = 50_000;

/// Pieces that are likely to meet a branch.
const PIECES: [&[u8]; 24] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b",",
    b":",
    b"null",
    b"1e400",
    b"\\ud800",
    b"<",
    b"/>",
    b"</",
    b"<!--",
    b"&#1;",
    b"\0",
    b"\xFF",
    b"(",
    b"$this",
    b"%resource",
    b".repeat($this)",
    b"'",
    b"9999999999",
];

#[test]
fn every_target_takes_its_corpus_and_changes_of_it() {
    for (name, target) in TARGETS {
        let inputs = corpus(name);
        assert!(inputs.len() >= 3, "expected a corpus for {name}");
        let (began, mut runs) = (Instant::now(), 0_u32);
        inputs.iter().for_each(|input| timed(name, target, input));
        // Round by round, so that every input has its share of the time.
        'rounds: for seed in 1..=CHANGES {
            for input in &inputs {
                if began.elapsed() > LONGEST {
                    break 'rounds;
                }
                timed(name, target, &changed(input, seed));
                runs += 1;
            }
        }
        eprintln!("{name}: {} inputs, {runs} changed ones, {:?}", inputs.len(), began.elapsed());
    }
}

fn timed(name: &str, target: fn(&[u8]), input: &[u8]) {
    let began = Instant::now();
    if let Err(panic) = std::panic::catch_unwind(|| target(input)) {
        eprintln!("{name} fails for {}", input.escape_ascii());
        std::panic::resume_unwind(panic);
    }
    assert!(began.elapsed() < PATIENCE, "{name} took {:?} for {}", began.elapsed(), input.escape_ascii());
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// One to four changes: a piece put in, some bytes taken out, a bit turned, a part said twice.
fn changed(input: &[u8], seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ input.len() as u64 | 1;
    let mut below = |end: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % end.max(1) as u64) as usize
    };
    let mut bytes = input.to_vec();
    for _ in 0..=below(4) {
        let at = below(bytes.len());
        let end = (at + below(12)).min(bytes.len());
        match below(4) {
            0 => drop(bytes.splice(at..at, PIECES[below(PIECES.len())].iter().copied())),
            1 => drop(bytes.drain(at..end)),
            2 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << below(8)),
            _ => {
                let part = bytes.get(at..end).unwrap_or_default().to_vec();
                bytes.splice(at..at, part);
            }
        }
    }
    bytes
}
