//! The command line. The names of commands and options are a contract.

mod admin;
mod backup;
mod check;
pub mod client;
mod demo;
mod fhirpath;
mod package;
mod running;
mod serve;
mod store;
pub mod token;
mod validate;

use std::io::{self, Read as _};
use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What a command ends with: its exit code, or why it could not do its work.
pub(crate) type Done = Result<ExitCode, Box<dyn std::error::Error + Send + Sync>>;

/// The front desk of a medical practice's software: an HL7 FHIR integration gateway.
#[derive(Debug, Parser)]
#[command(name = "frontdesk", version, propagate_version = true, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Demo),
    Serve(serve::Serve),
    Check(check::Check),
    Token(token::Arguments),
    Client(client::Arguments),
    Validate(validate::Validate),
    Fhirpath(fhirpath::Fhirpath),
    Package(package::Package),
    Admin(admin::Admin),
    Backup(backup::Backup),
    Store(store::Store),
}

/// How a result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    /// For programs
    Json,
    /// For people
    Text,
}

impl Output {
    /// What is written when nobody says.
    const fn of(is_terminal: bool) -> Self {
        if is_terminal { Self::Text } else { Self::Json }
    }
}

/// The content of a file; `-` is standard input.
fn read(file: &Path) -> io::Result<Vec<u8>> {
    if file.as_os_str() != "-" {
        return std::fs::read(file);
    }
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A FHIR release in any usual spelling.
fn parse_version(text: &str) -> Result<fhir::Version, fhir::version::UnknownVersion> {
    text.parse()
}

/// Runs the command that the arguments name.
#[must_use]
pub fn run() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Demo(demo) => demo.run(),
        Command::Serve(serve) => serve.run(),
        Command::Check(check) => check.run(),
        Command::Token(token) => Ok(token::run(&token)),
        Command::Client(client) => Ok(client::run(&client)),
        Command::Validate(validate) => validate.run(),
        Command::Fhirpath(fhirpath) => fhirpath.run(),
        Command::Package(package) => package.run(),
        Command::Admin(admin) => admin.run(),
        Command::Backup(backup) => backup.run(),
        Command::Store(store) => store.run(),
    };
    done.unwrap_or_else(|error| {
        eprintln!("frontdesk: {}", with_causes(&*error));
        ExitCode::FAILURE
    })
}

/// An error with what caused it, unless it says so itself.
fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn every_usual_form_of_a_version_is_taken() {
        for text in ["4.0.1", "4.0", "R4", "r4"] {
            assert_eq!(parse_version(text).unwrap(), fhir::Version::R4, "{text}");
        }
        assert!(parse_version("3.0").is_err());
    }

    #[test]
    fn the_command_line_is_sound_and_each_command_shows_an_example() {
        let mut commands = Arguments::command();
        commands.clone().debug_assert();
        for command in commands.get_subcommands_mut() {
            let help = command.render_long_help().to_string();
            assert!(help.contains("Example"), "{}", command.get_name());
            assert!(help.contains(&format!("frontdesk {}", command.get_name())), "{help}");
        }
    }
}
