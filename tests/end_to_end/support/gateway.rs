//! A gateway: the built binary, started on free ports with a folder of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::process::Process;
use super::{Http, PATIENCE, free_port, repository};

/// Everything a system client may ask for.
pub(crate) const EVERYTHING: &str = "system/*.cruds";

/// The binary, as `cargo build` leaves it.
pub(crate) fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("FRONTDESK_BINARY") {
        return PathBuf::from(path);
    }
    // target/PROFILE/deps/end_to_end-… -> target/PROFILE/frontdesk
    let tests = std::env::current_exe().unwrap();
    let binary = tests.parent().and_then(Path::parent).unwrap().join("frontdesk");
    assert!(binary.exists(), "no {}: run `cargo build -p frontdesk`", binary.display());
    binary
}

/// Runs a command of the binary to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    Command::new(binary()).args(arguments).current_dir(repository()).output().unwrap()
}

/// Runs a command that must succeed; what it printed.
pub(crate) fn run_well(arguments: &[&str]) -> String {
    let output = run(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// A folder for a gateway, and its configuration; a gateway can be started on it more than once.
pub(crate) struct Site {
    pub(crate) folder: TempDir,
    pub(crate) port: u16,
    pub(crate) admin: u16,
}

impl Site {
    /// A site on the embedded store.
    pub(crate) fn on_store() -> Self {
        Self::with("[adapters.store]\nkind = \"store\"\n\n[[routes]]\nadapter = \"store\"\ntypes = [\"*\"]\n")
    }

    /// A site whose one adapter is `fhir-rest` before a back end; more settings of the adapter may follow.
    pub(crate) fn before(back_end: &str, settings: &str) -> Self {
        Self::with(&format!(
            "[adapters.ehr]\nkind = \"fhir-rest\"\nbase = \"{back_end}\"\n{settings}\n\n[[routes]]\nadapter = \"ehr\"\ntypes = [\"*\"]\n"
        ))
    }

    /// A site with these sections beside those that name its ports and its folder.
    pub(crate) fn with(sections: &str) -> Self {
        let site = Self { folder: tempfile::tempdir().unwrap(), port: free_port(), admin: free_port() };
        site.configure("", sections);
        site
    }

    /// Writes its configuration anew; `gateway` goes into the section of that name.
    pub(crate) fn configure(&self, gateway: &str, sections: &str) {
        let limits = "[rate-limits]\n\
            client = { per-second = 100000, burst = 100000 }\n\
            address = { per-second = 100000, burst = 100000 }\n\
            token = { per-second = 1000, burst = 1000 }\n\
            failures = { per-second = 1000, burst = 1000 }\n";
        let limits = if sections.contains("[rate-limits]") { "" } else { limits };
        let text = format!(
            "[gateway]\nlisten = \"127.0.0.1:{}\"\nadmin = \"127.0.0.1:{}\"\ndata = \"{}\"\nshutdown-time = \"10s\"\n{gateway}\n\n{limits}\n{sections}",
            self.port,
            self.admin,
            self.data().display()
        );
        fs::write(self.config(), text).unwrap();
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("frontdesk.toml")
    }

    pub(crate) fn base(&self) -> String {
        format!("http://127.0.0.1:{}/fhir/r4", self.port)
    }

    /// Starts `frontdesk serve` and waits until it is ready.
    pub(crate) fn serve(&self) -> Gateway {
        let mut command = Command::new(binary());
        command.args(["serve", "--config"]).arg(self.config()).current_dir(repository());
        self.start(command)
    }

    /// Starts `frontdesk demo` and waits until it is ready.
    pub(crate) fn demo(&self) -> Gateway {
        let mut command = Command::new(binary());
        let (listen, admin) = (format!("127.0.0.1:{}", self.port), format!("127.0.0.1:{}", self.admin));
        command.args(["demo", "--listen", &listen, "--admin", &admin, "--data"]).arg(self.data());
        self.start(command)
    }

    /// The demo when it has loaded its practice and said how to go on.
    pub(crate) fn demo_with_practice(&self) -> Gateway {
        let mut gateway = self.demo();
        gateway.process.line_with("curl ");
        gateway
    }

    /// Starts a command that becomes a gateway and waits until it is ready.
    pub(crate) fn start(&self, command: Command) -> Gateway {
        self.start_with_log(command, "info")
    }

    /// The same with another level of logs.
    pub(crate) fn start_with_log(&self, mut command: Command, log: &str) -> Gateway {
        command.env("RUST_BACKTRACE", "1").env("FRONTDESK_LOG", log);
        let mut process = Process::start(command, self.folder.path(), "gateway");
        let began = Instant::now();
        while !self.is_ready() {
            assert!(began.elapsed() < PATIENCE, "expected a ready gateway:\n{}", process.printed());
            process.assert_running();
            std::thread::sleep(Duration::from_millis(5));
        }
        Gateway { process, base: self.base(), port: self.port, admin: self.admin }
    }

    /// Whether it answers; with a back end that is down it says 503 and serves all the same.
    fn is_ready(&self) -> bool {
        let request = format!("GET /ready HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nconnection: close\r\n\r\n", self.admin);
        std::net::TcpStream::connect(("127.0.0.1", self.admin)).is_ok()
            && matches!(super::wire::status(&super::wire::exchange(self.admin, request.as_bytes())), 200 | 503)
    }

    /// The id of the one key of a client.
    pub(crate) fn key_id(&self, client: &str) -> String {
        let listed = run_well(&["client", "list", "--config", self.config().to_str().unwrap()]);
        let mut lines = listed.lines().skip_while(|line| !line.starts_with(client)).skip(1);
        lines.find_map(|line| line.trim().strip_prefix("key ")).expect("a client with a key").to_owned()
    }

    /// Registers a client that may ask for a scope, and gives the file of its key.
    pub(crate) fn client(&self, name: &str, scope: &str, options: &[&str]) -> PathBuf {
        let key = self.folder.path().join(format!("{name}.pem"));
        let config = self.config();
        let mut arguments = vec!["client", "add", name, "--config", config.to_str().unwrap()];
        arguments.extend(["--generate-key", key.to_str().unwrap(), "--scope", scope]);
        arguments.extend(options);
        run_well(&arguments);
        key
    }
}

/// A running gateway.
pub(crate) struct Gateway {
    pub(crate) process: Process,
    pub(crate) base: String,
    pub(crate) port: u16,
    pub(crate) admin: u16,
}

impl Gateway {
    /// An access token by `frontdesk token`.
    pub(crate) fn token(&self, client: &str, key: &Path, options: &[&str]) -> String {
        let mut arguments = vec!["token", "--gateway", &self.base, "--client", client, "--key", key.to_str().unwrap()];
        arguments.extend(options);
        run_well(&arguments).trim().to_owned()
    }

    /// An HTTP client with a token of that scope.
    pub(crate) fn http(&self, site: &Site, scope: &str) -> Http {
        let name = format!("client-{}", free_port());
        let key = site.client(&name, scope, &[]);
        Http::new(&self.base, Some(&self.token(&name, &key, &["--scope", scope])))
    }

    pub(crate) fn anonymous(&self) -> Http {
        Http::new(&self.base, None)
    }

    pub(crate) fn admin(&self) -> Http {
        Http::new(&format!("http://127.0.0.1:{}", self.admin), None)
    }

    /// SIGTERM, and the end that must follow; how long it took.
    pub(crate) fn stop(mut self) -> Duration {
        let began = Instant::now();
        self.process.signal("TERM");
        let status = self.process.wait();
        assert_eq!(status.code(), Some(0), "{}", self.process.printed());
        began.elapsed()
    }
}
