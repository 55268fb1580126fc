//! What the tests stand on: processes, a gateway, HTTP, peers.

pub(crate) mod gateway;
pub(crate) mod http;
pub(crate) mod peers;
pub(crate) mod process;
pub(crate) mod wire;

use std::path::Path;
use std::time::{Duration, Instant};

pub(crate) use gateway::Gateway;
pub(crate) use http::{Answer, Http};

/// The longest wait for something that should happen at once.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A port that nobody listens on at the moment.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The folder of the whole project.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Waits until something is so.
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "expected {what} within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A small valid Patient whose family name marks it.
pub(crate) fn patient(family: &str) -> String {
    format!(
        r#"{{"resourceType":"Patient","active":true,"name":[{{"family":"{family}","given":["Testgiven"]}}],"birthDate":"1931-07-04"}}"#
    )
}
