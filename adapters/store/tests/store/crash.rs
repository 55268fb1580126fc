//! What is left after the process dies in the middle of writing.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use fhir::ResourceType;

use crate::support::{create, id, open_in, read};

/// Names the folder of the store to the child process.
const FOLDER: &str = "FRONTDESK_STORE_TEST_FOLDER";

#[tokio::test]
async fn nothing_acknowledged_is_lost_when_the_process_is_killed_while_it_writes() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeSet::new();
    for round in 1..=4 {
        acknowledged.extend(write_until_killed(folder.path(), 150 * round));
        let store = open_in(folder.path());
        for id in &acknowledged {
            read(&store, ResourceType::PATIENT, id).await.unwrap();
        }
        create(&store, r#"{"resourceType":"Patient"}"#).await.unwrap();
    }
    assert!(acknowledged.len() >= 150 * (1 + 2 + 3 + 4));
}

/// Lets a child process write, kills it after that many acknowledgements, and returns what was acknowledged.
fn write_until_killed(folder: &Path, count: usize) -> BTreeSet<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child_that_writes", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged = BTreeSet::new();
    while acknowledged.len() < count {
        let line = lines.next().expect("the child writes until it is killed").unwrap();
        acknowledged.extend(line.strip_prefix("written ").map(str::to_owned));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // What it said before it died counts as well; a line that is cut off was not said.
    acknowledged.extend(
        lines
            .map_while(Result::ok)
            .filter_map(|line| line.strip_prefix("written ").map(str::to_owned))
            .filter(|id| id.len() == 36),
    );
    acknowledged
}

/// Does nothing unless [`write_until_killed`] started it.
#[tokio::test]
async fn child_that_writes() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let store = Arc::new(open_in(&folder));
    let writers = (0..16).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            while let Ok(reply) = create(&store, r#"{"resourceType":"Patient","birthDate":"1970-01-01"}"#).await {
                let mut out = std::io::stdout().lock();
                writeln!(out, "written {}", id(&reply)).unwrap();
                out.flush().unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}
