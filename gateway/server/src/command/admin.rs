//! `frontdesk admin`: the operator's pages.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::Done;
use crate::admin::Secret;

/// The operator's pages on the admin port
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  frontdesk admin token --config config/frontdesk.toml")]
pub(crate) struct Admin {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Token(Token),
}

/// Prints the token that signs somebody in to http://ADMIN-ADDRESS/admin, and nothing else
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  frontdesk admin token --config config/frontdesk.toml\n  \
                        frontdesk admin token --data data --new\n\n\
                        Whoever has the token sees who did what to whose data. Scripts send it as `Authorization: Bearer`.")]
struct Token {
    /// The gateway's configuration, which names its data folder
    #[arg(long, value_name = "FILE", required_unless_present = "data")]
    config: Option<PathBuf>,
    /// The gateway's data folder
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    data: Option<PathBuf>,
    /// Make a new one first: the one before it stops working at once, and whoever is signed in is signed out
    #[arg(long)]
    new: bool,
}

impl Admin {
    pub(crate) fn run(self) -> Done {
        match self.command {
            Command::Token(token) => token.run(),
        }
    }
}

impl Token {
    fn run(self) -> Done {
        println!("{}", self.token()?);
        Ok(ExitCode::SUCCESS)
    }

    fn token(&self) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
        let data = match (&self.data, &self.config) {
            (Some(data), _) => data.clone(),
            (None, Some(config)) => config::load(config).map_err(|error| error.to_string())?.gateway.data,
            (None, None) => return Err("expected --config or --data".into()),
        };
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&data)?;
        if self.new {
            return Ok(Secret::renewed(&data)?.reveal()?);
        }
        Ok(Secret::open(&data)?.reveal()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_stays_until_a_new_one_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let token = |new| Token { config: None, data: Some(data.clone()), new }.token().unwrap();
        let first = token(false);
        assert_eq!(token(false), first);
        let second = token(true);
        assert_ne!(second, first);
        std::fs::write(data.join("admin.token"), "").unwrap();
        assert_ne!(token(true), second, "a file that holds none is replaced");
    }
}
