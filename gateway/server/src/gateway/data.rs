//! The data folder, and what every gateway has in it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use adapter::seal::Seal;
use adapter::{Adapter, Clock, PracticeAdditions};
use config::{Config, Fault, Route, Types, ValidateMode};
use fhir::ResourceType;

use crate::authorize::pem::write_secret;
use crate::federate::Ground;

/// The name of the adapter over the audit log.
const AUDIT: &str = "audit";

/// Makes a folder that only its owner can read, unless it is there.
pub(super) fn folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// The seal of page links: its key is kept, so that links survive a restart.
pub(super) fn seal(data: &Path) -> io::Result<Arc<Seal>> {
    let path = data.join("seal.key");
    match fs::read(&path) {
        Ok(bytes) => {
            let key: [u8; 32] = bytes
                .try_into()
                .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "expected 32 bytes in seal.key"))?;
            Ok(Arc::new(Seal::new(&key)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key: [u8; 32] = rand::random();
            write_secret(&path, &key)?;
            Ok(Arc::new(Seal::new(&key)))
        }
        Err(error) => Err(error),
    }
}

/// What federations stand on.
pub(super) fn ground(
    config: &Config,
    seal: &Arc<Seal>,
    clock: &Arc<dyn Clock>,
    additions: &PracticeAdditions,
) -> Ground {
    Ground {
        prefixes: config.adapters.iter().map(|(name, adapter)| (name.clone(), adapter.prefix(name))).collect(),
        names: config.gateway.data.join("ids.db"),
        seal: Arc::clone(seal),
        clock: Arc::clone(clock),
        reply: config.limits.reply.as_usize(),
        additions: additions.clone(),
    }
}

/// The routes, with AuditEvents of every practice served from the log before anything else is asked for them.
pub(super) fn with_audit_events(
    config: &Config,
    adapters: &mut BTreeMap<String, Arc<dyn Adapter>>,
    events: Arc<dyn Adapter>,
) -> Vec<Route> {
    // `[adapters.audit]` may be somebody's own name for a back end: ours then has a name that no section can have.
    let name = if adapters.contains_key(AUDIT) { "audit log".to_owned() } else { AUDIT.to_owned() };
    adapters.insert(name.clone(), events);
    let practices = std::iter::once("default").chain(config.practices.keys().map(String::as_str));
    let of_practice = |practice: &str| Route {
        name: Some(AUDIT.to_owned()),
        types: vec![Types::One(ResourceType::AUDIT_EVENT)],
        interactions: None,
        adapter: name.clone(),
        adapters: Vec::new(),
        when: None,
        owners: None,
        references: BTreeMap::new(),
        validate: ValidateMode::Enforce,
        profiles: Vec::new(),
        by_type: BTreeMap::new(),
        practice: practice.to_owned(),
    };
    practices.map(of_practice).chain(config.routes.iter().cloned()).collect()
}

/// Faults in one line.
pub(super) fn describe(faults: &[Fault]) -> String {
    faults.iter().map(|fault| format!("{}: {}", fault.message, fault.expected)).collect::<Vec<_>>().join("; ")
}
