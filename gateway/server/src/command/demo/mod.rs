//! `frontdesk demo`: a gateway with a sample practice, and lines to paste.

mod load;
mod settings;

use std::fs;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use config::Config;
use url::Url;

use super::running::{Signals, runtime};
use super::{Done, client};
use crate::gateway::Gateway;
use crate::telemetry;

/// The demo's client.
const CLIENT: &str = "demo";

/// The most that it may ask for; patients' contexts too, so that compartments can be tried.
const SCOPES: &str = "system/*.cruds system/AuditEvent.rs patient/*.cruds launch/patient";

/// Runs a gateway with a sample practice on this machine and prints lines to try it with
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  frontdesk demo --data demo-data\n\n\
                        The same folder keeps its data. Ctrl-C stops the gateway.")]
pub(crate) struct Demo {
    /// Where clients connect
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where operators connect
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8081")]
    admin: SocketAddr,
    /// The folder of the data
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
}

impl Demo {
    pub(crate) fn run(self) -> Done {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.data).map_err(|error| {
            io::Error::new(error.kind(), format!("cannot make the folder {}: {error}", self.data.display()))
        })?;
        let data = self.data.canonicalize()?;
        let config = settings::settings(self.listen, self.admin, data)?;
        runtime()?.block_on(run(config))
    }
}

async fn run(config: Config) -> Done {
    let _telemetry = telemetry::init(&config.telemetry)?;
    let mut signals = Signals::new()?;
    let data = config.gateway.data.clone();
    let key = data.join("demo-client.pem");
    client::ensure(&data, CLIENT, &key, SCOPES, true)?;
    let gateway = Gateway::start(config).await?;
    let done = match signals.unless_ended(load::once(gateway.base(), &data, &key)).await {
        Some(Ok(())) => {
            print(&gateway, &data, &key)?;
            signals.serve(&gateway).await;
            Ok(ExitCode::SUCCESS)
        }
        Some(Err(error)) => Err(error.into()),
        None => Ok(ExitCode::SUCCESS),
    };
    signals.drain(gateway).await;
    done
}

/// Lines that work when they are pasted into a shell, in any folder.
fn print(gateway: &Gateway, data: &Path, key: &Path) -> io::Result<()> {
    let base = gateway.base();
    let root = root(base);
    let program = std::env::current_exe().unwrap_or_else(|_| "frontdesk".into());
    let (program, key) = (quoted(&program), quoted(key));
    let mut output = io::stdout().lock();
    writeln!(output, "# Frontdesk is ready. The FHIR base of the sample practice:")?;
    writeln!(output, "{base}")?;
    writeln!(output, "# Health and metrics: http://{}/health", gateway.admin_address())?;
    let admin = gateway.admin_address();
    writeln!(output, "# What works and what does not: http://{admin}/admin, which asks for this:")?;
    writeln!(output, "{program} admin token --data {}", quoted(data))?;
    writeln!(
        output,
        "# A token for five minutes (with --patient patient-001: in that patient's context), and a request:"
    )?;
    writeln!(output, "TOKEN=$({program} token --gateway {root} --client {CLIENT} --key {key})")?;
    writeln!(output, "curl -sS -H \"Authorization: Bearer $TOKEN\" '{base}/Patient?_count=3'")?;
    output.flush()
}

/// The gateway's own URL: its base without the path.
fn root(base: &str) -> String {
    Url::parse(base).map_or_else(|_| base.to_owned(), |url| url.origin().ascii_serialization())
}

/// A path as one word of a shell.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+".contains(letter);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_of_a_shell() {
        assert_eq!(quoted(Path::new("/opt/frontdesk-1.0/data")), "/opt/frontdesk-1.0/data");
        assert_eq!(quoted(Path::new("/my data/it's")), r"'/my data/it'\''s'");
    }

    #[test]
    fn the_root_is_the_base_without_its_path() {
        assert_eq!(root("http://127.0.0.1:8080/fhir/r4"), "http://127.0.0.1:8080");
    }
}
