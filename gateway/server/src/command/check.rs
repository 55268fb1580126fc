//! `frontdesk check`: everything that is wrong with a configuration.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use config::{Config, Fault, JwkSet, LoadError};
use package::Registry;

use super::Done;
use crate::authorize::jwk::KeySet;
use crate::authorize::scopes::Scopes;
use crate::packages::{PackageError, Packages};
use crate::registry;

/// Says everything that is wrong with a configuration, each with its place
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  frontdesk check --config config/frontdesk.toml\n  \
                        frontdesk check --schema > frontdesk.schema.json")]
pub(crate) struct Check {
    /// The configuration
    #[arg(long, value_name = "FILE", required_unless_present = "schema")]
    config: Option<PathBuf>,
    /// Print the JSON Schema of the configuration, for editors
    #[arg(long, conflicts_with = "config")]
    schema: bool,
}

impl Check {
    pub(crate) fn run(self) -> Done {
        let Some(path) = &self.config else {
            println!("{:#}", registry::schema());
            return Ok(ExitCode::SUCCESS);
        };
        if load(path)?.is_some() {
            println!("{}: no errors", path.display());
            return Ok(ExitCode::SUCCESS);
        }
        Ok(ExitCode::FAILURE)
    }
}

/// Loads a configuration through every pass; prints what is wrong and gives nothing then.
pub(crate) fn load(path: &Path) -> Result<Option<Config>, std::io::Error> {
    let report = match config::load(path) {
        Err(LoadError::Faults(report)) => report,
        Err(LoadError::File { path, source }) => {
            return Err(std::io::Error::new(source.kind(), format!("cannot read {path}: {source}")));
        }
        Ok(config) => match config.report(last_pass(&config)) {
            Ok(()) => return Ok(Some(config)),
            Err(report) => report,
        },
    };
    eprintln!("{}", report.render(std::io::stderr().is_terminal()));
    Ok(None)
}

/// What the configuration's own crate cannot know: kinds of adapter, scopes, keys, packages.
fn last_pass(config: &Config) -> Vec<Fault> {
    let mut faults = registry::check(config);
    for (name, client) in &config.clients {
        faults.extend(scopes(config, &["clients", name, "scopes"], &client.scopes));
        if let JwkSet::File(path) = &client.jwks {
            faults.extend(keys(config, &["clients", name, "jwks"], path));
        }
    }
    for (name, issuer) in &config.issuers {
        faults.extend(issuer.scopes.as_ref().and_then(|text| scopes(config, &["issuers", name, "scopes"], text)));
    }
    let loaded = Packages::check(config);
    faults.extend(packages(config, &loaded));
    faults.extend(profiles(config, &loaded));
    faults
}

/// Packages that cannot be loaded, each fault once: practices may share them.
fn packages(config: &Config, loaded: &Loaded) -> Vec<Fault> {
    let mut faults = Vec::new();
    let own = |name: &str| config.practices.get(name).is_some_and(|practice| practice.packages.is_some());
    let shared = loaded.iter().find(|(name, _)| !own(name)).map(|(_, found)| (vec!["packages"], found));
    let others = loaded.iter().filter(|(name, _)| own(name));
    let others = others.map(|(name, found)| (vec!["practices", name, "packages"], found));
    for (path, found) in shared.into_iter().chain(others) {
        if let Err(error) = found {
            faults.push(config.fault(&path, error.to_string(), "expected packages that can be loaded"));
        }
    }
    faults
}

/// What the packages of each practice come to.
type Loaded = BTreeMap<String, Result<Arc<[Registry; 3]>, Arc<PackageError>>>;

/// Profiles of routes that no package of the practice has, for any release: nothing could be held against them.
fn profiles(config: &Config, loaded: &Loaded) -> Vec<Fault> {
    // A practice whose packages cannot be loaded has its fault already.
    let is_known = |practice: &str, canonical: &str| match loaded.get(practice) {
        Some(Ok(registries)) => registries.iter().any(|registry| registry.structure(canonical).is_some()),
        _ => true,
    };
    let mut faults = Vec::new();
    let mut look = |path: &[&str], practice: &str, profiles: &[String]| {
        for (number, profile) in profiles.iter().enumerate().filter(|(_, profile)| !is_known(practice, profile)) {
            let number = number.to_string();
            let path = [path, &[&number]].concat();
            faults.push(config.fault(&path, format!("unknown profile `{profile}`"), "expected a profile of a package"));
        }
    };
    for (number, route) in config.routes.iter().enumerate() {
        let number = number.to_string();
        look(&["routes", &number, "profiles"], &route.practice, &route.profiles);
        for (of, rules) in &route.by_type {
            look(&["routes", &number, "by-type", of.as_str(), "profiles"], &route.practice, &rules.profiles);
        }
    }
    faults
}

fn scopes(config: &Config, path: &[&str], text: &str) -> Option<Fault> {
    let invalid = Scopes::parse(text).err()?;
    Some(config.fault(path, invalid.to_string(), "expected SMART scopes separated by blanks"))
}

fn keys(config: &Config, path: &[&str], file: &Path) -> Option<Fault> {
    // A file that cannot be read was a fault of the pass before.
    let bytes = std::fs::read(file).ok()?;
    let invalid = KeySet::parse_registration(&bytes).err()?;
    Some(config.fault(path, invalid.to_string(), "expected a JWK Set with public keys"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_in_the_repository_is_the_one_of_the_code() {
        let committed = include_str!("../../../../config/frontdesk.schema.json");
        let committed: serde_json::Value = serde_json::from_str(committed).unwrap();
        assert_eq!(
            committed,
            registry::schema(),
            "make it again: frontdesk check --schema > config/frontdesk.schema.json"
        );
    }

    #[test]
    fn the_configuration_out_of_the_box_passes_every_pass() {
        let config = config::parse("frontdesk.toml", config::OUT_OF_THE_BOX).unwrap();
        assert_eq!(last_pass(&config), []);
    }

    #[test]
    fn a_profile_that_no_package_has_is_said_with_its_place() {
        let text = "\
[adapters.a]
kind = \"store\"
[[routes]]
adapter = \"a\"
profiles = [\"http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient\", \"http://p.example/p\"]
by-type.Slot = { profiles = [\"http://p.example/q\"] }
";
        let config = config::parse("c.toml", text).unwrap();
        let report = config.report(last_pass(&config)).unwrap_err().to_string();
        for place in ["c.toml:5:80", "c.toml:6:30"] {
            assert!(report.contains(place), "{place}\n{report}");
        }
        assert!(!report.contains("unknown profile `http://hl7.org"), "{report}");
    }

    #[test]
    fn an_unknown_kind_an_unknown_setting_and_a_broken_scope_are_said_with_their_places() {
        let text = "\
[adapters.a]
kind = \"stor\"
[adapters.b]
kind = \"store\"
fil = \"x\"
[[routes]]
adapter = \"a\"
[clients.c]
jwks = { url = \"https://c.example/jwks\" }
scopes = \"system/Patient.sr\"
";
        let config = config::parse("c.toml", text).unwrap();
        let report = config.report(last_pass(&config)).unwrap_err().to_string();
        for place in ["c.toml:2:8", "c.toml:5:1", "c.toml:10:10"] {
            assert!(report.contains(place), "{place}\n{report}");
        }
    }
}
