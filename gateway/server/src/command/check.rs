//! `frontdesk check`: everything that is wrong with a configuration.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use config::{Config, LoadError};

use super::Done;
use crate::registry;

/// Says everything that is wrong with a configuration: file:line:column, the line, what was expected
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  frontdesk check --config config/frontdesk.toml")]
pub(crate) struct Check {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

impl Check {
    pub(crate) fn run(self) -> Done {
        if load(&self.config)?.is_some() {
            println!("{}: no errors", self.config.display());
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
        Ok(config) => match config.report(registry::check(&config)) {
            Ok(()) => return Ok(Some(config)),
            Err(report) => report,
        },
    };
    eprintln!("{}", report.render(std::io::stderr().is_terminal()));
    Ok(None)
}
