//! The clients of the embedded authorization server: from the configuration and from `authority.sqlite` in the data
//! folder, which `frontdesk client` changes while the gateway runs.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use adapter::Practice;
use arc_swap::ArcSwap;
use config::JwkSet;
use parking_lot::Mutex;
use rusqlite::Connection;
use url::Url;

use super::database::DatabaseError;
use super::jwk::{InvalidKeySet, KeySet};
use super::mark::Mark;
use super::registry;
use super::scope::InvalidScope;
use super::scopes::Scopes;

/// A registered client.
#[derive(Clone, Debug)]
pub struct Client {
    /// `client_id`.
    pub id: Arc<str>,
    /// The practice that it belongs to.
    pub practice: Practice,
    /// Its public keys.
    pub keys: Keys,
    /// The most it may ask for.
    pub scopes: Scopes,
    /// Whether it may ask for a token in a patient's context.
    pub patient_context: bool,
    /// Origins that its pages may call from.
    pub origins: Vec<String>,
    /// Another rate than everybody's.
    pub rate: Option<config::Rate>,
    /// Whether it is let in.
    pub standing: Standing,
}

/// Where the public keys of a client are.
#[derive(Clone, Debug)]
pub enum Keys {
    /// Here.
    Inline(KeySet),
    /// There.
    Url(Url),
}

/// Whether a client is let in, and which of its tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Switched off.
    pub disabled: bool,
    /// Tokens of an earlier epoch are dead.
    pub epoch: i64,
}

/// A client in the configuration that cannot work.
#[derive(Debug, thiserror::Error)]
pub enum InvalidClient {
    /// Its keys.
    #[error("client `{0}`: {1}")]
    Keys(String, InvalidKeySet),
    /// The file of its keys.
    #[error("client `{0}`: cannot read `{1}`: {2}")]
    File(String, String, std::io::Error),
    /// Its scopes.
    #[error("client `{0}`: {1}")]
    Scopes(String, InvalidScope),
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// How long a change may go unseen whose process was killed before it could set the mark.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Every client as it is now. A change by another process is seen by the next request.
pub struct Clients {
    configured: Vec<Client>,
    mark: Mark,
    watch: Mutex<Watch>,
    now: ArcSwap<Seen>,
}

struct Watch {
    connection: Connection,
    version: i64,
}

/// What was read, and when and at which mark it was found to be current.
struct Seen {
    snapshot: Arc<Snapshot>,
    mark: Option<u64>,
    looked: Instant,
}

/// The clients at one moment.
#[derive(Default)]
pub struct Snapshot {
    clients: HashMap<Practice, HashMap<Arc<str>, Arc<Client>>>,
}

impl Clients {
    /// Opens the registry in a folder, beside the clients of the configuration.
    ///
    /// # Errors
    /// When a client cannot work or the file cannot be used.
    pub fn open(folder: &Path, config: &config::Config) -> Result<Self, InvalidClient> {
        let configured: Vec<_> =
            config.clients.iter().map(|(id, client)| configured(id, client)).collect::<Result<_, _>>()?;
        let mut connection = registry::open(folder)?;
        let sqlite = |source| DatabaseError::Sqlite { path: folder.join(registry::FILE), source };
        let mark = Mark::open(folder).map_err(|source| DatabaseError::File { path: folder.into(), source })?;
        let (seen, version) = look(&mut connection, &configured, &mark, None).map_err(sqlite)?;
        let watch = Mutex::new(Watch { connection, version });
        Ok(Self { configured, mark, watch, now: ArcSwap::from_pointee(seen) })
    }

    /// The clients now. Costs the reading of eight bytes; a change is read at once.
    ///
    /// # Errors
    /// When the file cannot be read: nobody can be let in then.
    pub fn current(&self) -> rusqlite::Result<Arc<Snapshot>> {
        if let Some(snapshot) = self.seen() {
            return Ok(snapshot);
        }
        let mut watch = self.watch.lock();
        if let Some(snapshot) = self.seen() {
            return Ok(snapshot);
        }
        let known = Some((watch.version, self.now.load().snapshot.clone()));
        let (seen, version) = look(&mut watch.connection, &self.configured, &self.mark, known)?;
        watch.version = version;
        let snapshot = seen.snapshot.clone();
        self.now.store(Arc::new(seen));
        Ok(snapshot)
    }

    /// What was seen last, when nothing says that it changed.
    fn seen(&self) -> Option<Arc<Snapshot>> {
        let seen = self.now.load();
        let is_current = seen.looked.elapsed() < LOOK_EVERY && seen.mark == self.mark.read();
        is_current.then(|| seen.snapshot.clone())
    }
}

/// Reads the registry when it is another version than what is known. The mark is read first: a change after that is seen by
/// the next look.
fn look(
    connection: &mut Connection,
    configured: &[Client],
    mark: &Mark,
    known: Option<(i64, Arc<Snapshot>)>,
) -> rusqlite::Result<(Seen, i64)> {
    let (mark, looked) = (mark.read(), Instant::now());
    // SQLite: `data_version` changes when another connection has committed.
    let version = connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
    let snapshot = match known {
        Some((known, snapshot)) if known == version => snapshot,
        _ => {
            let transaction = connection.transaction()?;
            Arc::new(Snapshot::read(&transaction, configured)?)
        }
    };
    Ok((Seen { snapshot, mark, looked }, version))
}

fn configured(id: &str, client: &config::Client) -> Result<Client, InvalidClient> {
    let keys = match &client.jwks {
        JwkSet::Url(url) => Keys::Url(url.clone()),
        JwkSet::File(path) => {
            let file = |error| InvalidClient::File(id.into(), path.display().to_string(), error);
            let bytes = std::fs::read(path).map_err(file)?;
            Keys::Inline(KeySet::parse_registration(&bytes).map_err(|error| InvalidClient::Keys(id.into(), error))?)
        }
    };
    Ok(Client {
        id: id.into(),
        practice: Practice::new(&client.practice),
        keys,
        scopes: Scopes::parse(&client.scopes).map_err(|error| InvalidClient::Scopes(id.into(), error))?,
        patient_context: client.patient_context,
        origins: client.origins.clone(),
        rate: client.rate,
        standing: Standing::default(),
    })
}

impl Snapshot {
    fn read(connection: &Connection, configured: &[Client]) -> rusqlite::Result<Self> {
        let standings = registry::standings(connection)?;
        let mut snapshot = Self::default();
        // The configuration goes last: it is what an operator reads, so it wins over a registration of the same id.
        for mut client in registry::clients(connection)?.into_iter().chain(configured.iter().cloned()) {
            client.standing = standings.get(&(client.practice.clone(), client.id.clone())).copied().unwrap_or_default();
            snapshot.clients.entry(client.practice.clone()).or_default().insert(client.id.clone(), Arc::new(client));
        }
        Ok(snapshot)
    }

    /// A client of a practice, when it is registered and let in.
    #[must_use]
    pub fn client(&self, practice: &Practice, id: &str) -> Option<&Arc<Client>> {
        self.clients.get(practice)?.get(id).filter(|client| !client.standing.disabled)
    }

    /// Whether some client of the practice may call from pages of that origin.
    #[must_use]
    pub fn allows_origin(&self, practice: &Practice, origin: &str) -> bool {
        let of = |client: &Arc<Client>| !client.standing.disabled && client.origins.iter().any(|known| known == origin);
        self.clients.get(practice).is_some_and(|clients| clients.values().any(of))
    }
}
