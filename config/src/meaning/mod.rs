//! The third pass: names resolve, addresses and files can work, no route hides another.

mod access;
mod network;
mod ranges;
mod routes;
mod telemetry;
mod terminology;

use crate::nearest::nearest;
use crate::settings::Config;
use crate::source::Fault;

/// Everything that has the right shape and cannot work.
pub(crate) fn faults(config: &Config) -> Vec<Fault> {
    let mut meaning = Meaning { config, faults: Vec::new() };
    network::check(&mut meaning);
    ranges::check(&mut meaning);
    access::check(&mut meaning);
    routes::check(&mut meaning);
    telemetry::check(&mut meaning);
    terminology::check(&mut meaning);
    meaning.faults
}

struct Meaning<'c> {
    config: &'c Config,
    faults: Vec<Fault>,
}

impl Meaning<'_> {
    fn fault(&mut self, path: &[&str], message: impl Into<String>, expected: impl Into<String>) {
        self.faults.push(self.config.fault(path, message, expected));
    }

    /// A name that has to be one of the known ones.
    fn known<'n>(&mut self, path: &[&str], what: &str, name: &str, known: impl Iterator<Item = &'n str>) {
        let known: Vec<&str> = known.collect();
        if known.contains(&name) {
            return;
        }
        let expected = match nearest(name, &known) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => format!("expected the name of one of the {what}s, and there is none"),
            None => format!("expected one of: {}", known.join(", ")),
        };
        self.fault(path, format!("unknown {what} `{name}`"), expected);
    }

    fn practice(&mut self, path: &[&str], name: &str) {
        self.known(path, "practice", name, self.config.practice_names());
    }
}
