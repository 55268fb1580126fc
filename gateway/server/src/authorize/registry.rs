//! `authority.sqlite`: clients that were registered by command, their keys, and who is switched off.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use adapter::Practice;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, TransactionBehavior, params};
use serde_json::{Value, json};
use url::Url;

use super::clients::{Client, Keys, Standing};
use super::database::{self, DatabaseError};
use super::jwk::KeySet;
use super::mark::Mark;
use super::scope::InvalidScope;
use super::scopes::Scopes;

/// The file in the data folder.
pub const FILE: &str = "authority.sqlite";

const SCHEMA: &str = "
    CREATE TABLE clients (
        practice TEXT NOT NULL, id TEXT NOT NULL, jwks_url TEXT, scopes TEXT NOT NULL,
        patient_context INTEGER NOT NULL, origins TEXT NOT NULL, PRIMARY KEY (practice, id));
    CREATE TABLE keys (
        practice TEXT NOT NULL, client TEXT NOT NULL, kid TEXT NOT NULL, jwk TEXT NOT NULL,
        PRIMARY KEY (practice, client, kid));
    CREATE TABLE standings (
        practice TEXT NOT NULL, client TEXT NOT NULL, disabled INTEGER NOT NULL, epoch INTEGER NOT NULL,
        PRIMARY KEY (practice, client));";

/// Opens the file in the data folder, makes it when it is not there.
///
/// # Errors
/// When it cannot be used.
pub fn open(folder: &Path) -> Result<Connection, DatabaseError> {
    database::open(&folder.join(FILE), SCHEMA, 1)
}

/// What is registered of a new client.
#[derive(Clone, Debug)]
pub struct Registration {
    /// `client_id`.
    pub id: String,
    /// Its practice.
    pub practice: Practice,
    /// Its keys.
    pub keys: Keys,
    /// The most it may ask for, as text.
    pub scopes: String,
    /// Whether it may ask for a token in a patient's context.
    pub patient_context: bool,
    /// Origins that its pages may call from.
    pub origins: Vec<String>,
}

/// Why the registry was not changed.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The id is taken.
    #[error("client `{0}` exists already")]
    Exists(String),
    /// There is none.
    #[error("there is no client `{0}` in this registry")]
    Unknown(String),
    /// No such key.
    #[error("client `{0}` has no key `{1}`")]
    UnknownKey(String, String),
    /// The last key would go.
    #[error("client `{0}` would be left without a key: add the new one first")]
    LastKey(String),
    /// Its keys are fetched from a URL.
    #[error("the keys of client `{0}` are at a URL: change them there")]
    KeysElsewhere(String),
    /// A `client_id` that cannot be told from other text.
    #[error("expected a client id of 1 to 100 letters, digits, `-`, `_`, `.` or `:`")]
    Id,
    /// Its scopes.
    #[error(transparent)]
    Scope(#[from] InvalidScope),
    /// The change is made, and a running gateway cannot be told at once.
    #[error("the change is made; a running gateway will see it within a second: {0}")]
    Mark(#[source] std::io::Error),
    /// SQLite says no.
    #[error("the registry cannot be changed: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

/// The registry as the commands use it.
pub struct Registry {
    connection: Connection,
    mark: Mark,
}

impl Registry {
    /// Opens the registry in the data folder.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn open(folder: &Path) -> Result<Self, DatabaseError> {
        let connection = open(folder)?;
        let mark = Mark::open(folder).map_err(|source| DatabaseError::File { path: folder.into(), source })?;
        Ok(Self { connection, mark })
    }

    /// Registers a client.
    ///
    /// # Errors
    /// When its id is taken or not sound, or a scope is none.
    pub fn add(&mut self, new: &Registration) -> Result<(), RegistryError> {
        self.would_add(&new.practice, &new.id, &new.scopes)?;
        let practice = new.practice.as_str();
        let transaction = begin(&mut self.connection)?;
        let url = match &new.keys {
            Keys::Url(url) => Some(url.as_str()),
            Keys::Inline(_) => None,
        };
        let origins = json!(new.origins).to_string();
        let inserted = transaction.execute(
            "INSERT OR IGNORE INTO clients (practice, id, jwks_url, scopes, patient_context, origins)
             VALUES (?, ?, ?, ?, ?, ?)",
            params![practice, new.id, url, new.scopes, new.patient_context, origins],
        )?;
        if inserted == 0 {
            return Err(RegistryError::Exists(new.id.clone()));
        }
        if let Keys::Inline(keys) = &new.keys {
            insert_keys(&transaction, practice, &new.id, keys)?;
        }
        transaction.commit()?;
        self.announce()
    }

    /// Whether a client of that id and those scopes could be registered.
    ///
    /// # Errors
    /// When its id is taken or not sound, or a scope is none.
    pub fn would_add(&self, practice: &Practice, id: &str, scopes: &str) -> Result<(), RegistryError> {
        Scopes::parse(scopes)?;
        if !is_client_id(id) {
            return Err(RegistryError::Id);
        }
        if self.contains(practice, id)? { Err(RegistryError::Exists(id.to_owned())) } else { Ok(()) }
    }

    /// Every registered client.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn list(&self) -> Result<Vec<Client>, RegistryError> {
        let standings = standings(&self.connection)?;
        let mut all = clients(&self.connection)?;
        for client in &mut all {
            client.standing = standings.get(&(client.practice.clone(), client.id.clone())).copied().unwrap_or_default();
        }
        Ok(all)
    }

    /// Switches a client off or on again, also one of the configuration. Its tokens are dead either way.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn switch(&mut self, practice: &Practice, id: &str, disabled: bool) -> Result<(), RegistryError> {
        let transaction = begin(&mut self.connection)?;
        transaction.execute(
            "INSERT INTO standings (practice, client, disabled, epoch) VALUES (?1, ?2, ?3, 1)
             ON CONFLICT (practice, client) DO UPDATE SET disabled = ?3, epoch = epoch + 1",
            params![practice.as_str(), id, disabled],
        )?;
        transaction.commit()?;
        self.announce()
    }

    /// Adds keys to a client; the ones it has stay good.
    ///
    /// # Errors
    /// When there is no such client, or its keys are at a URL.
    pub fn add_keys(&mut self, practice: &Practice, id: &str, keys: &KeySet) -> Result<(), RegistryError> {
        let transaction = begin(&mut self.connection)?;
        must_hold_keys(&transaction, practice, id)?;
        insert_keys(&transaction, practice.as_str(), id, keys)?;
        transaction.commit()?;
        self.announce()
    }

    /// Takes a key away from a client and lets the tokens that were issued so far die.
    ///
    /// # Errors
    /// When there is no such client or key, or it is the last one.
    pub fn remove_key(&mut self, practice: &Practice, id: &str, kid: &str) -> Result<(), RegistryError> {
        let transaction = begin(&mut self.connection)?;
        must_hold_keys(&transaction, practice, id)?;
        let named = params![practice.as_str(), id, kid];
        if transaction.execute("DELETE FROM keys WHERE practice = ? AND client = ? AND kid = ?", named)? == 0 {
            return Err(RegistryError::UnknownKey(id.into(), kid.into()));
        }
        let count = "SELECT count(*) FROM keys WHERE practice = ? AND client = ?";
        if transaction.query_row(count, params![practice.as_str(), id], |row| row.get::<_, i64>(0))? == 0 {
            return Err(RegistryError::LastKey(id.into()));
        }
        transaction.execute(
            "INSERT INTO standings (practice, client, disabled, epoch) VALUES (?, ?, 0, 1)
             ON CONFLICT (practice, client) DO UPDATE SET epoch = epoch + 1",
            params![practice.as_str(), id],
        )?;
        transaction.commit()?;
        self.announce()
    }

    /// Whether a client of that id is registered here.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn contains(&self, practice: &Practice, id: &str) -> Result<bool, RegistryError> {
        let query = "SELECT 1 FROM clients WHERE practice = ? AND id = ?";
        Ok(self.connection.query_row(query, params![practice.as_str(), id], |_| Ok(())).optional()?.is_some())
    }

    /// Lets a running gateway know before the command ends.
    fn announce(&self) -> Result<(), RegistryError> {
        self.mark.change().map_err(RegistryError::Mark)
    }
}

fn begin(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

fn is_client_id(id: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    (1..=100).contains(&id.len()) && id.bytes().all(fits)
}

fn must_hold_keys(transaction: &Transaction<'_>, practice: &Practice, id: &str) -> Result<(), RegistryError> {
    let query = "SELECT jwks_url FROM clients WHERE practice = ? AND id = ?";
    let found = transaction.query_row(query, params![practice.as_str(), id], |row| row.get::<_, Option<String>>(0));
    match found.optional()? {
        None => Err(RegistryError::Unknown(id.into())),
        Some(Some(_)) => Err(RegistryError::KeysElsewhere(id.into())),
        Some(None) => Ok(()),
    }
}

fn insert_keys(transaction: &Transaction<'_>, practice: &str, id: &str, keys: &KeySet) -> rusqlite::Result<()> {
    let mut insert =
        transaction.prepare("INSERT OR REPLACE INTO keys (practice, client, kid, jwk) VALUES (?, ?, ?, ?)")?;
    for (kid, jwk) in keys.iter() {
        insert.execute(params![practice, id, kid, jwk.to_string()])?;
    }
    Ok(())
}

/// Every registered client; its standing is not looked up.
pub(super) fn clients(connection: &Connection) -> rusqlite::Result<Vec<Client>> {
    let mut keys = keys(connection)?;
    let mut query = connection
        .prepare_cached("SELECT practice, id, jwks_url, scopes, patient_context, origins FROM clients ORDER BY 1, 2")?;
    let rows = query.query_map([], |row| client(row, &mut keys))?;
    rows.collect()
}

fn client(row: &Row<'_>, keys: &mut HashMap<(String, String), KeySet>) -> rusqlite::Result<Client> {
    let (practice, id): (String, String) = (row.get(0)?, row.get(1)?);
    let url = row.get::<_, Option<String>>(2)?.and_then(|url| Url::parse(&url).ok());
    let inline = keys.remove(&(practice.clone(), id.clone())).unwrap_or_default();
    let origins: Vec<String> = serde_json::from_str(&row.get::<_, String>(5)?).unwrap_or_default();
    Ok(Client {
        id: id.into(),
        practice: Practice::new(&practice),
        keys: url.map_or(Keys::Inline(inline), Keys::Url),
        scopes: Scopes::parse_known(&row.get::<_, String>(3)?),
        patient_context: row.get(4)?,
        origins,
        rate: None,
        standing: Standing::default(),
    })
}

fn keys(connection: &Connection) -> rusqlite::Result<HashMap<(String, String), KeySet>> {
    let mut query = connection.prepare_cached("SELECT practice, client, jwk FROM keys")?;
    let mut sets: HashMap<(String, String), Vec<Value>> = HashMap::new();
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let jwk: String = row.get(2)?;
        sets.entry((row.get(0)?, row.get(1)?)).or_default().extend(serde_json::from_str::<Value>(&jwk).ok());
    }
    let parsed = |keys: Vec<Value>| KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap_or_default();
    Ok(sets.into_iter().map(|(client, keys)| (client, parsed(keys))).collect())
}

/// Who is switched off, and whose tokens of which epoch are dead.
pub(super) fn standings(connection: &Connection) -> rusqlite::Result<HashMap<(Practice, Arc<str>), Standing>> {
    let mut query = connection.prepare_cached("SELECT practice, client, disabled, epoch FROM standings")?;
    let rows = query.query_map([], |row| {
        let (practice, client): (String, String) = (row.get(0)?, row.get(1)?);
        let standing = Standing { disabled: row.get(2)?, epoch: row.get(3)? };
        Ok(((Practice::new(&practice), client.into()), standing))
    })?;
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorize::clients::Clients;
    use crate::authorize::pem::{PrivateKey, generate};

    fn keys() -> (String, KeySet) {
        let key = generate(jsonwebtoken::Algorithm::ES384).and_then(|pem| PrivateKey::from_pem(pem.as_bytes()));
        let key = key.expect("a key");
        (key.kid, KeySet::parse(json!({ "keys": [key.public] }).to_string().as_bytes()).expect("a set"))
    }

    fn registration(id: &str, keys: KeySet) -> Registration {
        Registration {
            id: id.into(),
            practice: Practice::default(),
            keys: Keys::Inline(keys),
            scopes: "system/Patient.rs".into(),
            patient_context: false,
            origins: vec!["https://portal.example".into()],
        }
    }

    #[test]
    fn a_change_by_another_process_is_seen_by_the_next_look() {
        let folder = tempfile::tempdir().expect("a folder");
        let clients = Clients::open(folder.path(), &config::Config::default()).expect("opens");
        let practice = Practice::default();
        let find = || clients.current().expect("readable").client(&practice, "portal").cloned();
        assert!(find().is_none());

        let mut registry = Registry::open(folder.path()).expect("opens");
        registry.add(&registration("portal", keys().1)).expect("added");
        let first = find().expect("registered");
        assert_eq!(first.origins, ["https://portal.example"]);
        assert!(clients.current().expect("readable").allows_origin(&practice, "https://portal.example"));

        registry.switch(&practice, "portal", true).expect("switched off");
        assert!(find().is_none());
        assert!(!clients.current().expect("readable").allows_origin(&practice, "https://portal.example"));
        registry.switch(&practice, "portal", false).expect("switched on");
        assert!(find().expect("back").standing.epoch > first.standing.epoch, "tokens of before stay dead");
    }

    #[test]
    fn a_change_whose_mark_was_never_set_is_seen_soon() {
        let folder = tempfile::tempdir().expect("a folder");
        let clients = Clients::open(folder.path(), &config::Config::default()).expect("opens");
        let connection = open(folder.path()).expect("opens");
        let insert = "INSERT INTO clients VALUES ('default', 'late', NULL, '', 0, '[]')";
        connection.execute(insert, []).expect("inserted by hand");
        std::thread::sleep(std::time::Duration::from_millis(600));
        assert!(clients.current().expect("readable").client(&Practice::default(), "late").is_some());
    }

    #[test]
    fn rotation_adds_a_key_and_removal_takes_one_but_not_the_last() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut registry = Registry::open(folder.path()).expect("opens");
        let practice = Practice::default();
        let (old, old_keys) = keys();
        let (new, new_keys) = keys();
        registry.add(&registration("portal", old_keys)).expect("added");
        registry.add_keys(&practice, "portal", &new_keys).expect("rotated");
        let Keys::Inline(both) = registry.list().expect("listed").remove(0).keys else { panic!("inline keys") };
        assert!(both.contains(&old) && both.contains(&new));
        registry.remove_key(&practice, "portal", &old).expect("removed");
        assert!(matches!(registry.remove_key(&practice, "portal", &old), Err(RegistryError::UnknownKey(..))));
        assert!(matches!(registry.remove_key(&practice, "portal", &new), Err(RegistryError::LastKey(_))));
        assert!(registry.list().expect("listed")[0].standing.epoch > 0, "tokens of the removed key are dead");
    }

    #[test]
    fn a_client_is_refused_that_exists_or_has_a_bad_id_or_scope() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut registry = Registry::open(folder.path()).expect("opens");
        registry.add(&registration("portal", keys().1)).expect("added");
        assert!(matches!(registry.add(&registration("portal", keys().1)), Err(RegistryError::Exists(_))));
        for id in ["", "a b", "a/b", "é", &"a".repeat(101)] {
            assert!(matches!(registry.add(&registration(id, keys().1)), Err(RegistryError::Id)), "{id}");
        }
        let mut odd = registration("other", keys().1);
        odd.scopes = "system/Patient.rs?name=x".into();
        assert!(matches!(registry.add(&odd), Err(RegistryError::Scope(_))));
        assert!(matches!(registry.add_keys(&Practice::default(), "nobody", &keys().1), Err(RegistryError::Unknown(_))));
    }
}
