//! `frontdesk store`: the database of the store.

use std::path::PathBuf;
use std::process::ExitCode;

use adapter::setting::Secret;
use clap::{Args, Subcommand};
use store::Location;

use super::Done;

/// Moves the store's resources between SQLite and PostgreSQL
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  frontdesk store migrate store.sqlite postgres://frontdesk@127.0.0.1/frontdesk")]
pub(crate) struct Store {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Migrate(Migrate),
}

/// Copies a store to an empty database, keys and versions included, and verifies counts and hashes
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  frontdesk store migrate data/adapters/store/store.sqlite \
                        postgres://frontdesk@db.example/frontdesk --password-file password\n  \
                        frontdesk store migrate postgres://frontdesk@127.0.0.1/frontdesk store.sqlite\n\n\
                        Stop the gateway first: what is written after the start is not copied. The source is left as it is.\n\
                        The copy appears at once when it is verified; one that is interrupted leaves nothing behind, and is\n\
                        started anew by the same command. Then set `database` in the adapter's section.")]
struct Migrate {
    /// A SQLite file, or the URL of a PostgreSQL database without a password
    #[arg(value_name = "FROM")]
    from: String,
    /// The same; a file that is not there yet, or an empty database
    #[arg(value_name = "TO")]
    to: String,
    /// The file with the database's password
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// PEM file of the authorities that are trusted to vouch for the database's server
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

impl Store {
    pub(crate) fn run(self) -> Done {
        match self.command {
            Command::Migrate(migrate) => migrate.run(),
        }
    }
}

impl Migrate {
    fn run(self) -> Done {
        let moved = store::migrate(&self.location(&self.from)?, &self.location(&self.to)?)?;
        for one in &moved {
            println!("{one}");
        }
        let (resources, versions) = moved
            .iter()
            .fold((0, 0), |(resources, versions), one| (resources + one.resources, versions + one.versions));
        println!("{resources} resources with {versions} versions copied and verified");
        Ok(ExitCode::SUCCESS)
    }

    fn location(&self, text: &str) -> Result<Location, store::SourceError> {
        if !text.contains("://") {
            return Ok(Location::File(text.into()));
        }
        Ok(Location::Database {
            url: text.parse()?,
            password: self.password_file.clone().map(Secret::File),
            ca: self.ca.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_with_a_password_is_refused_without_showing_it() {
        let migrate = |from: &str| Migrate { from: from.to_owned(), to: String::new(), password_file: None, ca: None };
        let one = migrate("postgres://me:hunter2@db.example/name");
        let error = one.location(&one.from).unwrap_err().to_string();
        assert!(error.contains("without a password") && !error.contains("hunter2"), "{error}");
        let one = migrate("data/store.sqlite");
        assert!(matches!(one.location(&one.from), Ok(Location::File(_))));
    }
}
