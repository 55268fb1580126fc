//! `frontdesk client`: who may ask for tokens. Works while the gateway runs: it sees a change at the next request.

mod keys;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use adapter::Practice;
use clap::{Args, Subcommand};
use jsonwebtoken::Algorithm;

use crate::authorize::DatabaseError;
use crate::authorize::clients::{Client, Keys};
use crate::authorize::jwk::InvalidKeySet;
use crate::authorize::pem::InvalidKey;
use crate::authorize::registry::{Registration, Registry, RegistryError};
use keys::{NewKeys, make_key, public_half};

/// Register clients, switch them off and on, rotate their keys.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  frontdesk client add --help")]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    place: Place,
}

/// Where the registry is.
#[derive(Args, Debug)]
struct Place {
    /// The gateway's data folder
    #[arg(long, value_name = "DIR", global = true, conflicts_with = "config")]
    data: Option<PathBuf>,
    /// The gateway's configuration, which names its data folder
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// The practice of the client
    #[arg(long, value_name = "NAME", global = true, default_value = "default")]
    practice: String,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Register a client
    #[command(
        after_help = "Examples:\n  frontdesk client add portal --jwks https://portal.example/jwks --scope 'system/Patient.rs'\n  \
                            frontdesk client add lab --generate-key lab.pem --scope 'system/*.rs'"
    )]
    Add(Addition),
    /// List the registered clients
    #[command(after_help = "Example:\n  frontdesk client list --data data")]
    List,
    /// Switch a client off; its tokens die at once
    #[command(after_help = "Example:\n  frontdesk client disable portal")]
    Disable {
        /// The client id
        name: String,
    },
    /// Switch a client on again
    #[command(after_help = "Example:\n  frontdesk client enable portal")]
    Enable {
        /// The client id
        name: String,
    },
    /// Add a key, beside the old one which stays good until it is removed
    #[command(after_help = "Examples:\n  frontdesk client rotate lab --generate-key lab-2.pem\n  \
                            frontdesk client rotate lab --remove KID")]
    Rotate(Rotation),
}

#[derive(Args, Debug)]
struct Addition {
    /// The client id
    name: String,
    #[command(flatten)]
    keys: NewKeys,
    /// The most that it may ask for: SMART scopes, separated by blanks
    #[arg(long, value_name = "SCOPES")]
    scope: String,
    /// It may ask for a token in the context of any patient
    #[arg(long)]
    patient_context: bool,
    /// An origin that its pages may call from; may be repeated
    #[arg(long = "origin", value_name = "URL")]
    origins: Vec<String>,
}

#[derive(Args, Debug)]
struct Rotation {
    /// The client id
    name: String,
    #[command(flatten)]
    keys: NewKeys,
    /// Remove the key of this id; tokens that were issued so far die
    // A thumbprint (RFC 7638) may begin with a hyphen.
    #[arg(long, value_name = "KID", allow_hyphen_values = true, conflicts_with_all = ["jwks", "generate_key"])]
    remove: Option<String>,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ClientFailure {
    /// The configuration.
    #[error("{0}")]
    Config(String),
    /// A file.
    #[error("cannot {0} `{1}`: {2}")]
    File(&'static str, PathBuf, std::io::Error),
    /// A private key.
    #[error("`{0}`: {1}")]
    Key(PathBuf, InvalidKey),
    /// Public keys.
    #[error("`{0}`: {1}")]
    KeySet(String, InvalidKeySet),
    /// Neither a file nor a URL that may be fetched.
    #[error("expected --jwks to be a file or an https URL (http only on loopback), found `{0}`")]
    Url(String),
    /// Nothing to register.
    #[error("expected --jwks FILE|URL or --generate-key FILE{0}")]
    NoKeys(&'static str),
    /// Neither here nor in a configuration.
    #[error("there is no client `{0}` in this registry (for one of the configuration, pass --config FILE)")]
    Unknown(String),
    /// The registry.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// Its file.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Runs the command.
#[must_use]
pub fn run(arguments: &Arguments) -> ExitCode {
    match perform(arguments) {
        Ok(text) => {
            print(&text);
            ExitCode::SUCCESS
        }
        Err(error) => {
            complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// Prints a result.
pub(super) fn print(text: &str) {
    // A closed pipe is the reader's choice.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints why there is none.
pub(super) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "error: {text}");
}

fn perform(arguments: &Arguments) -> Result<String, ClientFailure> {
    let practice = Practice::new(&arguments.place.practice);
    let mut registry = Registry::open(&arguments.place.folder()?)?;
    match &arguments.action {
        Action::Add(addition) => add(&mut registry, practice, addition),
        Action::List => Ok(registry.list()?.iter().map(line).collect::<Vec<_>>().join("\n")),
        Action::Disable { name } => {
            arguments.place.must_know(&registry, &practice, name)?;
            registry.switch(&practice, name, true)?;
            Ok(format!("client `{name}` is disabled: its tokens are dead"))
        }
        Action::Enable { name } => {
            arguments.place.must_know(&registry, &practice, name)?;
            registry.switch(&practice, name, false)?;
            Ok(format!("client `{name}` is enabled"))
        }
        Action::Rotate(rotation) => rotate(&mut registry, &practice, rotation),
    }
}

impl Place {
    fn folder(&self) -> Result<PathBuf, ClientFailure> {
        match &self.data {
            Some(folder) => Ok(folder.clone()),
            None => Ok(self.config()?.unwrap_or_default().gateway.data),
        }
    }

    fn config(&self) -> Result<Option<config::Config>, ClientFailure> {
        let load = |path: &PathBuf| config::load(path).map_err(|error| ClientFailure::Config(error.to_string()));
        self.config.as_ref().map(load).transpose()
    }

    /// A slip of the pen must not look like a client that was switched off.
    fn must_know(&self, registry: &Registry, practice: &Practice, name: &str) -> Result<(), ClientFailure> {
        let is_configured =
            || Ok::<_, ClientFailure>(self.config()?.is_some_and(|known| known.clients.contains_key(name)));
        if registry.contains(practice, name)? || is_configured()? {
            return Ok(());
        }
        Err(ClientFailure::Unknown(name.to_owned()))
    }
}

fn add(registry: &mut Registry, practice: Practice, addition: &Addition) -> Result<String, ClientFailure> {
    // Before a key is made that nobody would use.
    registry.would_add(&practice, &addition.name, &addition.scope)?;
    let keys = addition.keys.read()?.ok_or(ClientFailure::NoKeys(""))?;
    let registration = Registration {
        id: addition.name.clone(),
        practice,
        keys,
        scopes: addition.scope.clone(),
        patient_context: addition.patient_context,
        origins: addition.origins.clone(),
    };
    registry.add(&registration)?;
    Ok(format!("client `{}` is registered{}", addition.name, key_text(&registration.keys)))
}

fn rotate(registry: &mut Registry, practice: &Practice, rotation: &Rotation) -> Result<String, ClientFailure> {
    let name = &rotation.name;
    if let Some(kid) = &rotation.remove {
        registry.remove_key(practice, name, kid)?;
        return Ok(format!("client `{name}` lost key {kid}: tokens that were issued so far are dead"));
    }
    if !registry.contains(practice, name)? {
        return Err(RegistryError::Unknown(name.clone()).into());
    }
    match rotation.keys.read()?.ok_or(ClientFailure::NoKeys(" or --remove KID"))? {
        Keys::Url(url) => Err(ClientFailure::Url(url.to_string())),
        Keys::Inline(keys) => {
            registry.add_keys(practice, name, &keys)?;
            Ok(format!("client `{name}` has a new key{}", key_text(&Keys::Inline(keys))))
        }
    }
}

/// Makes sure that a client with a private key in that file is registered in a data folder: what `frontdesk demo` needs.
/// Makes the key when the file is not there; a client that is registered already keeps everything but gains that key.
///
/// # Errors
/// When a file or the registry cannot be used.
pub fn ensure(
    folder: &Path,
    client: &str,
    key: &Path,
    scopes: &str,
    patient_context: bool,
) -> Result<(), ClientFailure> {
    let keys = match std::fs::read_to_string(key) {
        Ok(pem) => public_half(key, &pem)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => make_key(key, Algorithm::ES384)?,
        Err(error) => return Err(ClientFailure::File("read", key.into(), error)),
    };
    let mut registry = Registry::open(folder)?;
    let practice = Practice::default();
    if registry.contains(&practice, client)? {
        return Ok(registry.add_keys(&practice, client, &keys)?);
    }
    Ok(registry.add(&Registration {
        id: client.to_owned(),
        practice,
        keys: Keys::Inline(keys),
        scopes: scopes.to_owned(),
        patient_context,
        origins: Vec::new(),
    })?)
}

fn line(client: &Client) -> String {
    let state = if client.standing.disabled { "disabled" } else { "enabled" };
    let context = if client.patient_context { ", patient context" } else { "" };
    let (id, practice, scopes) = (&client.id, &client.practice, &client.scopes);
    format!("{id} (practice {practice}, {state}{context}): {scopes}{}", key_text(&client.keys))
}

fn key_text(keys: &Keys) -> String {
    match keys {
        Keys::Url(url) => format!("\n  keys at {url}"),
        Keys::Inline(keys) => keys.iter().map(|(kid, _)| format!("\n  key {kid}")).collect(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::authorize::pem::PrivateKey;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn client(folder: &Path, line: &str) -> Result<String, String> {
        let words = std::iter::once("client").chain(line.split(' ')).map(str::to_owned);
        let place = ["--data".to_owned(), folder.display().to_string()];
        let line = Line::try_parse_from(words.chain(place)).map_err(|error| error.to_string())?;
        perform(&line.arguments).map_err(|error| error.to_string())
    }

    #[test]
    fn a_client_is_added_listed_switched_and_rotated() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let key = |name: &str| folder.join(name).display().to_string();
        client(folder, &format!("add lab --generate-key {} --scope system/*.rs --patient-context", key("1.pem")))
            .expect("added");
        let list = || client(folder, "list").expect("listed");
        assert!(list().starts_with("lab (practice default, enabled, patient context): system/*.rs"), "{}", list());
        client(folder, "disable lab").expect("disabled");
        assert!(list().contains("disabled"));
        client(folder, "enable lab").expect("enabled");
        client(folder, &format!("rotate lab --generate-key {} --alg RS384", key("2.pem"))).expect("rotated");
        assert_eq!(list().matches("key ").count(), 2);
        let first = PrivateKey::from_pem(&std::fs::read(key("1.pem")).expect("there")).expect("a key").kid;
        client(folder, &format!("rotate lab --remove {first}")).expect("removed");
        assert_eq!(list().matches("key ").count(), 1);
    }

    #[test]
    fn a_key_whose_id_begins_with_a_hyphen_can_be_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let key = folder.path().join("1.pem");
        client(folder.path(), &format!("add lab --generate-key {} --scope system/*.rs", key.display())).expect("added");
        let unknown = client(folder.path(), "rotate lab --remove -lacks").expect_err("there is no such key");
        assert!(unknown.contains("-lacks") && !unknown.contains("unexpected argument"), "{unknown}");
    }

    #[test]
    fn what_cannot_be_registered_leaves_nothing_behind() {
        let folder = tempfile::tempdir().expect("a folder");
        let key = folder.path().join("1.pem");
        let add = |rest: &str| client(folder.path(), &format!("add {rest}")).expect_err("refused");
        assert!(add(&format!("lab --generate-key {} --scope system/Patient.sr", key.display())).contains("cruds"));
        assert!(add(&format!("a/b --generate-key {} --scope system/*.rs", key.display())).contains("client id"));
        assert!(!key.exists());
        assert!(add("lab --scope system/*.rs").contains("--jwks"));
        assert!(add("lab --jwks http://lab.example/jwks --scope system/*.rs").contains("https"));
        assert!(add("lab --jwks /nowhere --scope system/*.rs").contains("/nowhere"));
        assert!(client(folder.path(), "disable lab").expect_err("unknown").contains("no client `lab`"));
        assert_eq!(client(folder.path(), "list").expect("listed"), "");
    }

    #[test]
    fn a_demo_client_is_made_once_and_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let key = folder.path().join("demo.pem");
        for _ in 0..2 {
            ensure(folder.path(), "demo", &key, "system/*.cruds", true).expect("ensured");
        }
        assert_eq!(client(folder.path(), "list").expect("listed").matches("key ").count(), 1);
    }
}
