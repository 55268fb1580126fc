//! Programs that others wrote, as tests/run installs them.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::process::Process;
use super::{free_port, repository};

/// The folder with `node_modules` and the official examples.
pub(crate) fn folder() -> PathBuf {
    let folder = std::env::var_os("FRONTDESK_PEERS").map_or_else(|| repository().join("target/peers"), PathBuf::from);
    assert!(
        folder.join("node_modules/oidc-provider").exists(),
        "no peers in {}: run `tests/run install`",
        folder.display()
    );
    folder
}

/// The OTLP collector.
pub(crate) fn rotel() -> PathBuf {
    let found = Command::new("find")
        .arg(folder().join("python"))
        .args(["-name", "rotel-agent", "-type", "f"])
        .output()
        .unwrap();
    let path = String::from_utf8(found.stdout).unwrap();
    PathBuf::from(path.lines().next().expect("no rotel: run `tests/run install`"))
}

/// Medplum's FHIR router as a FHIR server; its base.
pub(crate) fn medplum(logs: &Path) -> (Process, String) {
    let port = free_port();
    (medplum_on(port, None, logs), format!("http://127.0.0.1:{port}/fhir/R4"))
}

/// The same on a port; with a file it has its resources again when it is started again.
pub(crate) fn medplum_on(port: u16, file: Option<&Path>, logs: &Path) -> Process {
    let mut command = Command::new("node");
    command.arg(repository().join("tests/peers/medplum.mjs")).arg(port.to_string()).args(file);
    Process::start_until(command.env("FRONTDESK_PEERS", folder()), logs, "medplum", "ready")
}

/// The adapter process of the examples, in memory, on a port.
pub(crate) fn billing_on(port: u16, secret: &str, logs: &Path) -> Process {
    let mut command = Command::new("python3");
    command.arg(repository().join("adapters/http/examples/billing.py")).arg(format!("127.0.0.1:{port}"));
    Process::start_until(command.env("BILLING_SECRET", secret), logs, "billing", "listening")
}

/// oidc-provider as an outside issuer.
pub(crate) struct Issuer {
    child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
    pub(crate) url: String,
}

impl Issuer {
    /// An issuer on a port, whose tokens are for an audience.
    pub(crate) fn start(port: u16, audience: &str) -> Self {
        let mut command = Command::new("node");
        command.arg(repository().join("tests/peers/oidc.mjs")).arg(port.to_string()).arg(audience);
        command.env("FRONTDESK_PEERS", folder()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (asks, answers) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut issuer = Self { child, asks, answers, url: format!("http://127.0.0.1:{port}") };
        issuer.line("ready");
        issuer
    }

    fn line(&mut self, start: &str) -> String {
        let mut line = String::new();
        while !line.starts_with(start) {
            line.clear();
            assert!(self.answers.read_line(&mut line).unwrap() > 0, "the issuer ended");
        }
        line.trim().to_owned()
    }

    /// An access token of that scope.
    pub(crate) fn token(&mut self, scope: &str) -> String {
        writeln!(self.asks, "{scope}").unwrap();
        self.line("token").split_once(' ').unwrap().1.to_owned()
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
