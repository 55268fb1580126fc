//! A process of a test: its output in a file, stopped by its pid whatever happens.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

pub(crate) struct Process {
    child: Child,
    /// Standard output and standard error together.
    pub(crate) output: PathBuf,
}

impl Process {
    /// Starts a command; its output goes to a file of that name in the folder.
    pub(crate) fn start(mut command: Command, folder: &Path, name: &str) -> Self {
        Self::spawn(&mut command, folder, name)
    }

    /// Starts a command and waits until it prints a line with a text; what an earlier one printed is gone.
    pub(crate) fn start_until(command: &mut Command, folder: &Path, name: &str, text: &str) -> Self {
        let _ = fs::remove_file(folder.join(format!("{name}.log")));
        let mut process = Self::spawn(command, folder, name);
        process.line_with(text);
        process
    }

    fn spawn(command: &mut Command, folder: &Path, name: &str) -> Self {
        let output = folder.join(format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&output).unwrap();
        command.stdout(file.try_clone().unwrap()).stderr(file);
        command.stdin(Stdio::null());
        let child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        Self { child, output }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn printed(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.output).unwrap_or_default()).into_owned()
    }

    /// Waits for a line that holds a text, and returns it.
    pub(crate) fn line_with(&mut self, text: &str) -> String {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(line) = self.printed().lines().find(|line| line.contains(text)) {
                return line.to_owned();
            }
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < until, "expected a line with `{text}`:\n{}", self.printed());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn assert_running(&mut self) {
        let ended = self.child.try_wait().unwrap();
        assert!(ended.is_none(), "the process ended with {ended:?}:\n{}", self.printed());
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status().unwrap();
        assert!(status.success(), "kill -{name} {}", self.pid());
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let until = Instant::now() + Duration::from_secs(40);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < until, "expected the process to end:\n{}", self.printed());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Resident memory in KiB.
    pub(crate) fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
