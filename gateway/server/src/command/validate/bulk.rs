//! `--ndjson`: a bulk file, a resource a line. Read in blocks of whole lines, checked by several threads, answered in order; what
//! is held in memory does not depend on the file.

mod blocks;

use std::io::{self, BufRead, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Instant;

use fhir::{Issue, IssueType, Outcome, Version};
use serde_json::json;

use super::judge::Judge;
use super::sheet::Sheet;
use crate::command::Output;
use blocks::{Block, Blocks, MOST_LINE};

/// Blocks that may wait before a thread, and answers behind it.
const WAITING: usize = 2;

/// How a bulk file is checked and its wrong lines are written.
pub(super) struct Bulk<'a> {
    pub(super) judge: &'a Judge,
    pub(super) version: Version,
    /// What the file is called.
    pub(super) name: &'a str,
    pub(super) output: Output,
    pub(super) colours: bool,
    pub(super) threads: usize,
}

/// What a thread says about a block.
#[derive(Default)]
struct Answer {
    resources: u64,
    invalid: u64,
    warnings: u64,
    /// The lines with errors, as they are printed.
    text: Vec<u8>,
}

/// The same about the whole file.
struct Total {
    resources: u64,
    invalid: u64,
    warnings: u64,
    seconds: f64,
}

impl Bulk<'_> {
    /// Whether all lines are without errors.
    pub(super) fn run(&self, input: impl BufRead + Send, output: &mut impl Write) -> io::Result<bool> {
        let began = Instant::now();
        let sum = self.check(input, output)?;
        let total = Total {
            resources: sum.resources,
            invalid: sum.invalid,
            warnings: sum.warnings,
            seconds: began.elapsed().as_secs_f64(),
        };
        match self.output {
            Output::Json => writeln!(output, "{}", total.json())?,
            Output::Text => writeln!(output, "{}", total.text(self.name))?,
        }
        Ok(sum.invalid == 0)
    }

    fn check(&self, input: impl BufRead + Send, output: &mut impl Write) -> io::Result<Answer> {
        thread::scope(|scope| {
            let (mut to_threads, mut answers) = (Vec::new(), Vec::new());
            for _ in 0..self.threads.max(1) {
                let (to_thread, blocks) = sync_channel(WAITING);
                let (to_printer, from_thread) = sync_channel(WAITING);
                scope.spawn(move || self.work(&blocks, &to_printer));
                to_threads.push(to_thread);
                answers.push(from_thread);
            }
            let reader = scope.spawn(move || deal(input, &to_threads));
            let sum = print(&answers, output);
            // Nobody waits any more for what cannot be printed.
            drop(answers);
            let read = reader.join().unwrap_or_else(|_| Err(io::Error::other("the reader broke")));
            let sum = sum?;
            read.map(|()| sum)
        })
    }

    fn work(&self, blocks: &Receiver<Block>, answers: &SyncSender<Answer>) {
        for block in blocks {
            if answers.send(self.answer(&block)).is_err() {
                return;
            }
        }
    }

    fn answer(&self, block: &Block) -> Answer {
        let mut answer = Answer::default();
        for (number, line) in block.lines() {
            let outcome = match line {
                Some(line) if line.trim_ascii().is_empty() => continue,
                Some(line) => self.judge.validate(self.version, line),
                None => too_long(),
            };
            answer.resources += 1;
            if outcome.has_errors() {
                answer.invalid += 1;
                self.write(number, line.unwrap_or_default(), &outcome, &mut answer.text);
            } else {
                answer.warnings += u64::from(!outcome.0.is_empty());
            }
        }
        answer
    }

    fn write(&self, number: u64, line: &[u8], outcome: &Outcome, text: &mut Vec<u8>) {
        match self.output {
            Output::Json => text.extend(json!({ "line": number, "outcome": outcome }).to_string().into_bytes()),
            Output::Text => {
                let first_line = usize::try_from(number).unwrap_or(usize::MAX);
                let sheet = Sheet { name: self.name, source: line, first_line, colours: self.colours };
                text.extend(format!("line {number}\n{}", sheet.issues(outcome)).into_bytes());
            }
        }
        text.push(b'\n');
    }
}

/// Deals the blocks of a file to the threads in turn.
fn deal(input: impl BufRead, threads: &[SyncSender<Block>]) -> io::Result<()> {
    let mut turn = threads.iter().cycle();
    for block in Blocks::new(input) {
        let Some(thread) = turn.next() else { break };
        if thread.send(block?).is_err() {
            break;
        }
    }
    Ok(())
}

/// Prints the answers in the order of the blocks: in turn, as they were dealt.
fn print(threads: &[Receiver<Answer>], output: &mut impl Write) -> io::Result<Answer> {
    let mut sum = Answer::default();
    for thread in threads.iter().cycle() {
        let Ok(answer) = thread.recv() else { break };
        sum.resources += answer.resources;
        sum.invalid += answer.invalid;
        sum.warnings += answer.warnings;
        output.write_all(&answer.text)?;
    }
    Ok(sum)
}

fn too_long() -> Outcome {
    Outcome::from(Issue::error(IssueType::TooLong, format!("expected a line of at most {MOST_LINE} bytes")))
}

impl Total {
    fn rate(&self) -> f64 {
        #[allow(clippy::cast_precision_loss, reason = "a rate for people")]
        let resources = self.resources as f64;
        (resources / self.seconds.max(1e-9)).round()
    }

    fn json(&self) -> serde_json::Value {
        json!({ "summary": {
            "resources": self.resources,
            "invalid": self.invalid,
            "with-warnings": self.warnings,
            "seconds": (self.seconds * 1e6).round() / 1e6,
            "resources-per-second": self.rate(),
        } })
    }

    fn text(&self, name: &str) -> String {
        let Self { resources, invalid, warnings, seconds } = self;
        let rate = self.rate();
        format!(
            "{name}: {resources} resources, {invalid} invalid, {warnings} valid with warnings; {seconds:.3} s, {rate} resources per second"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"resourceType":"Patient","active":true}"#;
    const BAD: &str = r#"{"resourceType":"Patient","active":"yes"}"#;

    fn run(text: &str, output: Output) -> (bool, String) {
        let judge = Judge::default();
        let bulk = Bulk { judge: &judge, version: Version::R4, name: "b.ndjson", output, colours: false, threads: 3 };
        let mut printed = Vec::new();
        let sound = bulk.run(text.as_bytes(), &mut printed).unwrap();
        (sound, String::from_utf8(printed).unwrap())
    }

    #[test]
    fn only_lines_with_errors_are_printed_numbered_and_in_order_before_a_summary() {
        let lines: Vec<&str> = (1..=20_000).map(|number| if number % 5_000 == 3 { BAD } else { GOOD }).collect();
        let (sound, printed) = run(&lines.join("\n"), Output::Json);
        assert!(!sound);
        let values: Vec<serde_json::Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let numbers: Vec<_> = values.iter().filter_map(|value| value["line"].as_u64()).collect();
        assert_eq!(numbers, [3, 5_003, 10_003, 15_003]);
        assert_eq!(values[0]["outcome"]["issue"][0]["expression"][0], "Patient.active");
        let summary = &values.last().unwrap()["summary"];
        assert_eq!((summary["resources"].as_u64(), summary["invalid"].as_u64()), (Some(20_000), Some(4)));
        assert!(summary["resources-per-second"].as_f64().unwrap() > 0.0);
    }

    #[test]
    fn a_sound_file_has_only_its_summary_and_empty_lines_are_no_resources() {
        let (sound, printed) = run(&format!("{GOOD}\r\n\n{GOOD}\n"), Output::Text);
        assert!(sound);
        assert!(printed.starts_with("b.ndjson: 2 resources, 0 invalid"), "{printed}");
    }

    #[test]
    fn people_see_the_line_of_the_file_and_a_caret() {
        let (_, printed) = run(&format!("{GOOD}\n{BAD}\n"), Output::Text);
        assert!(printed.contains("line 2\n"), "{printed}");
        assert!(printed.contains("b.ndjson:2:36"), "{printed}");
        assert!(printed.contains("^^^^^"), "{printed}");
    }
}
