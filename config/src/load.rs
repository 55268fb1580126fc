//! A file into a [`Config`]: syntax, shape, meaning; each pass says everything that it finds.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::settings::{Adapter, AdapterSettings, Config, Route};
use crate::shape::{properties, read, unknown};
use crate::source::{Fault, Report, Source};

/// The configuration that starts out of the box: `config/frontdesk.toml`.
pub const OUT_OF_THE_BOX: &str = include_str!("../frontdesk.toml");

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file.
    #[error("cannot read the configuration {path}: {source}")]
    File {
        /// Which file.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// What stands in it.
    #[error("{0}")]
    Faults(#[from] Report),
}

/// Loads a file through all passes that need no adapter; the registry's pass follows with [`Config::report`].
///
/// # Errors
/// The file cannot be read, or everything that the first failing pass found.
pub fn load(path: &Path) -> Result<Config, LoadError> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|source| LoadError::File { path: name.clone(), source })?;
    Ok(parse(&name, &text)?)
}

/// Loads a text; `name` stands in its reports.
///
/// # Errors
/// Everything that the first failing pass found.
pub fn parse(name: &str, text: &str) -> Result<Config, Report> {
    let config = shape(name, text)?;
    check(&config)?;
    Ok(config)
}

/// The third pass alone.
///
/// # Errors
/// Everything that has the right shape and cannot work.
pub fn check(config: &Config) -> Result<(), Report> {
    config.report(crate::meaning::faults(config))
}

/// The first two passes alone, for a caller that changes settings before their meaning is checked.
///
/// # Errors
/// Everything that the first failing pass found.
pub fn shape(name: &str, text: &str) -> Result<Config, Report> {
    let source = Arc::new(Source::new(name, text));
    let (root, errors) = DeTable::parse_recoverable(text);
    let syntax: Vec<Fault> = errors.iter().map(syntax_fault).collect();
    if !syntax.is_empty() {
        return Err(Report::new(source, syntax));
    }
    let mut sections = Sections { source: source.clone(), table: root.into_inner(), faults: Vec::new() };
    let config = sections.config();
    if sections.faults.is_empty() { Ok(config) } else { Err(Report::new(source, sections.faults)) }
}

fn syntax_fault(error: &toml::de::Error) -> Fault {
    let span = error.span().unwrap_or(0..0);
    match error.message().split_once(", expected ") {
        Some((message, expected)) => Fault::new(span, message, format!("expected {expected}")),
        None => Fault::new(span, error.message(), ""),
    }
}

/// The sections that are not read yet.
struct Sections<'i> {
    source: Arc<Source>,
    table: DeTable<'i>,
    faults: Vec<Fault>,
}

/// Every section, for "did you mean".
const SECTIONS: &[&str] = &[
    "gateway",
    "limits",
    "rate-limits",
    "authorization",
    "issuers",
    "clients",
    "adapters",
    "routes",
    "practices",
    "packages",
    "terminology",
    "audit",
    "bulk",
    "telemetry",
];

impl<'i> Sections<'i> {
    fn config(&mut self) -> Config {
        let config = Config {
            gateway: self.section("gateway"),
            limits: self.section("limits"),
            rate_limits: self.section("rate-limits"),
            authorization: self.section("authorization"),
            issuers: self.named("issuers"),
            clients: self.named("clients"),
            adapters: self.adapters(),
            routes: self.routes(),
            practices: self.named("practices"),
            packages: self.section("packages"),
            terminology: self.section("terminology"),
            audit: self.section("audit"),
            bulk: self.section("bulk"),
            telemetry: self.section("telemetry"),
            source: self.source.clone(),
        };
        let rest = self.table.keys().map(|key| unknown(key.span(), "section", key.get_ref(), SECTIONS));
        self.faults.extend(rest);
        config
    }

    /// `[name]`; the defaults when it is absent, or faulty (and then there is a fault).
    fn section<T: DeserializeOwned + JsonSchema + Default>(&mut self, name: &str) -> T {
        let Some(value) = self.table.remove(name) else { return T::default() };
        read(value, &mut self.faults).unwrap_or_default()
    }

    /// `[name.NAME]`
    fn named<T: DeserializeOwned + JsonSchema>(&mut self, name: &str) -> BTreeMap<String, T> {
        let entries = self.entries(name);
        entries.into_iter().filter_map(|(name, value)| Some((name, read(value, &mut self.faults)?))).collect()
    }

    /// `[adapters.NAME]`: what every adapter has is read here, its kind reads the rest.
    fn adapters(&mut self) -> BTreeMap<String, Adapter> {
        let entries = self.entries("adapters");
        let adapters = entries.into_iter().filter_map(|(name, mut value)| {
            keep_common(&mut value, true);
            let adapter: Adapter = read(value, &mut self.faults)?;
            let settings = AdapterSettings::at(self.source.clone(), &name);
            Some((name, Adapter { settings, ..adapter }))
        });
        adapters.collect()
    }

    fn routes(&mut self) -> Vec<Route> {
        let Some(value) = self.table.remove("routes") else { return Vec::new() };
        let DeValue::Array(array) = value.get_ref() else {
            self.faults.push(Fault::new(value.span(), "`routes` is a list", "expected [[routes]]"));
            return Vec::new();
        };
        array.iter().filter_map(|route| read(route.clone(), &mut self.faults)).collect()
    }

    fn entries(&mut self, name: &str) -> Vec<(String, Spanned<DeValue<'i>>)> {
        let Some(value) = self.table.remove(name) else { return Vec::new() };
        let span = value.span();
        let DeValue::Table(table) = value.into_inner() else {
            let message = format!("`{name}` holds sections with a name each");
            self.faults.push(Fault::new(span, message, format!("expected [{name}.NAME]")));
            return Vec::new();
        };
        table.into_iter().map(|(key, value)| (key.into_inner().into_owned(), value)).collect()
    }
}

/// Keeps of an adapter's section what every adapter has, or the rest, which is its kind's.
pub(crate) fn keep_common(value: &mut Spanned<DeValue<'_>>, common: bool) {
    let names = properties::<Adapter>();
    if let DeValue::Table(table) = value.get_mut() {
        let all = std::mem::take(table).into_iter();
        *table = all.filter(|(key, _)| names.iter().any(|name| name == key.get_ref()) == common).collect();
    }
}
