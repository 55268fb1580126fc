//! PostgreSQL servers for the tests: in folders of their own, behind Unix sockets, stopped when nobody uses them any more.
#![allow(unreachable_pub, reason = "a module of a test binary")]

use std::fs::{File, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use store::{Settings, Store};

use crate::support::Place;

/// The store of a place.
pub use crate::support::open;

/// A store in a schema of its own.
pub fn fresh() -> (Place, Store) {
    let place = Place::new(settings(&Server::shared().schema()));
    let store = open(&place);
    (place, store)
}

/// The same with a planner that reads a table as a whole only where it cannot do otherwise: the tables of a test are so small that it
/// would, whatever indices there are.
pub fn planning() -> (Place, Store) {
    let url = Server::shared().schema();
    let place = Place::new(settings(&url.replace("options=", "options=-cenable_seqscan%3Doff%20")));
    let store = open(&place);
    (place, store)
}

/// Settings of a store in the database of that URL.
pub fn settings(url: &str) -> Settings {
    Settings { database: Some(url.parse().unwrap()), ..Settings::default() }
}

/// The port in the name of a socket, where nothing listens but that.
const PORT: u16 = 5432;

/// A running server.
pub struct Server {
    folder: PathBuf,
    port: u16,
    keeper: Option<Child>,
    options: Vec<String>,
    /// What goes with a server of one process.
    own: Option<tempfile::TempDir>,
}

/// Runs a server until the pipe from the test process is closed, however that ends; then stops it, at once, by its pid.
const KEEP_FOR_ONE: &str = r#"
    "$@" >"$FOLDER/log" 2>&1 & pid=$!
    cat >/dev/null
    kill -INT $pid
    wait $pid
"#;

/// Runs a server until no test process holds the lock any more; then stops it, and removes it.
const KEEP_FOR_ALL: &str = r#"
    "$@" >"$FOLDER/log" 2>&1 & pid=$!
    while sleep 3; do
        flock --nonblock "$FOLDER/../users" sh -c "kill -INT $pid; while kill -0 $pid 2>/dev/null; do sleep 0.1; done; rm -rf '$FOLDER'" && exit
    done
"#;

impl Server {
    /// The one that all test processes share: each test may be a process, and making a server takes seconds.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(|| {
            let home = PathBuf::from(format!("/tmp/frontdesk-tests-{}", output(Command::new("id").arg("-u"))));
            std::fs::create_dir_all(&home).unwrap();
            // Held until this process ends.
            let users = File::create(home.join("users")).unwrap();
            users.lock_shared().unwrap();
            std::mem::forget(users);
            let turn = File::create(home.join("turn")).unwrap();
            turn.lock().unwrap();
            let mut server =
                Self { folder: home.join("data"), port: PORT, keeper: None, options: Vec::new(), own: None };
            if server.try_run("SELECT 1").is_err() {
                let _ = std::fs::remove_dir_all(&server.folder);
                server.make();
                server.go_on();
            }
            server
        })
    }

    /// A new server of this test alone, with those lines of configuration.
    pub fn start(options: &[&str]) -> Self {
        let mut server = Self::prepare();
        server.options = options.iter().map(|option| (*option).to_owned()).collect();
        server.go_on();
        server
    }

    /// A new server that can also be reached by TLS at that port of `localhost`, with a certificate of its own.
    pub fn with_tls(port: u16, certificate: &str, key: &str) -> Self {
        let mut server = Self::prepare();
        for (name, pem) in [("server.crt", certificate), ("server.key", key)] {
            let path = server.folder.join(name);
            std::fs::write(&path, pem).unwrap();
            std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            give_away(&path);
        }
        server.port = port;
        server.options = vec!["listen_addresses=localhost".to_owned(), format!("port={port}"), "ssl=on".to_owned()];
        server.go_on();
        server
    }

    fn prepare() -> Self {
        let own = tempfile::Builder::new().prefix("fd-pg-").tempdir_in("/tmp").unwrap();
        give_away(own.path());
        let folder = own.path().join("data");
        let server = Self { folder, port: PORT, keeper: None, options: Vec::new(), own: Some(own) };
        server.make();
        server
    }

    fn make(&self) {
        std::fs::create_dir(&self.folder).unwrap();
        give_away(&self.folder);
        // Another order than the bytes' as the default: the store must not depend on it.
        let made = as_postgres("initdb")
            .arg("-D")
            .arg(&self.folder)
            .args(["-U", "frontdesk", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C.UTF-8"])
            .args(["--locale-provider=icu", "--icu-locale=en"])
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
    }

    /// Starts it, again.
    pub fn go_on(&mut self) {
        let mut postgres = as_postgres("postgres");
        postgres.arg("-D").arg(&self.folder).arg("-k").arg(&self.folder);
        for option in ["listen_addresses=", "max_connections=400", "shared_buffers=32MB", "fsync=off"] {
            postgres.args(["-c", option]);
        }
        for option in &self.options {
            postgres.args(["-c", option]);
        }
        let script = if self.own.is_some() { KEEP_FOR_ONE } else { KEEP_FOR_ALL };
        let keeper = Command::new("sh")
            .args(["-c", script, "keeper"])
            .arg(postgres.get_program())
            .args(postgres.get_args())
            .env("FOLDER", &self.folder)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.keeper = Some(keeper);
        self.wait();
    }

    /// Stops it at once: connections are cut.
    pub fn stop(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            keeper.wait().unwrap();
        }
    }

    /// From now on only whoever knows a password gets in.
    pub fn demand_passwords(&self) {
        std::fs::write(self.folder.join("pg_hba.conf"), "local all all scram-sha-256\n").unwrap();
        self.run("SELECT pg_reload_conf()");
    }

    fn wait(&self) {
        for _ in 0..300 {
            if self.try_run("SELECT 1").is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("no server: {}", std::fs::read_to_string(self.folder.join("log")).unwrap_or_default());
    }

    /// The URL of the database, with everything in that schema.
    pub fn url(&self, schema: &str) -> String {
        let host = self.folder.to_str().unwrap().replace('/', "%2F");
        format!("postgres://frontdesk@{host}/postgres?options=-csearch_path%3D{schema}")
    }

    /// The URL of a new schema.
    pub fn schema(&self) -> String {
        static SCHEMAS: AtomicU32 = AtomicU32::new(0);
        let name = format!("s{}_{}", std::process::id(), SCHEMAS.fetch_add(1, Ordering::Relaxed));
        self.run(&format!("CREATE SCHEMA {name}"));
        self.url(&name)
    }

    /// Runs SQL as its owner; what it prints.
    pub fn run(&self, sql: &str) -> String {
        self.try_run(sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    fn try_run(&self, sql: &str) -> Result<String, String> {
        let output = Command::new(program("psql"))
            .arg("-h")
            .arg(&self.folder)
            .args(["-p", &self.port.to_string()])
            .args(["-U", "frontdesk", "-d", "postgres", "-v", "ON_ERROR_STOP=1", "-qAtc", sql])
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A program of the server's, run by a user who may: PostgreSQL refuses to serve root.
fn as_postgres(name: &str) -> Command {
    if !is_root() {
        return Command::new(program(name));
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program(name));
    command
}

fn give_away(folder: &Path) {
    if is_root() {
        let id = |which| output(Command::new("id").args([which, "postgres"])).parse().expect(MISSING);
        chown(folder, Some(id("-u")), Some(id("-g"))).unwrap();
    }
}

fn is_root() -> bool {
    output(Command::new("id").arg("-u")) == "0"
}

fn output(command: &mut Command) -> String {
    String::from_utf8_lossy(&command.output().unwrap().stdout).trim().to_owned()
}

const MISSING: &str = "PostgreSQL is not installed: `apt-get install postgresql`, or `tests/run install` as root";

/// The newest server's program of that name: Debian keeps them beside the path.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.filter_map(Result::ok).map(|version| version.path().join("bin")).collect())
        .unwrap_or_default();
    folders.sort();
    folders.reverse();
    folders.extend(std::env::split_paths(&path));
    folders.iter().map(|folder| folder.join(name)).find(|program| program.exists()).expect(MISSING)
}
