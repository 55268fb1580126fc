//! `frontdesk client`: who may ask for tokens. Works while the gateway runs: it sees a change at the next request.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use adapter::Practice;
use clap::{Args, Subcommand, ValueEnum};
use jsonwebtoken::Algorithm;
use serde_json::json;
use url::Url;

use crate::authorize::DatabaseError;
use crate::authorize::clients::{Client, Keys};
use crate::authorize::fetch::may_fetch;
use crate::authorize::jwk::{InvalidKeySet, KeySet};
use crate::authorize::pem::{InvalidKey, PrivateKey, generate, write_secret};
use crate::authorize::registry::{Registration, Registry, RegistryError};

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
    #[arg(long, value_name = "KID", conflicts_with_all = ["jwks", "generate_key"])]
    remove: Option<String>,
}

#[derive(Args, Debug)]
struct NewKeys {
    /// Its public keys: a file or an https URL of a JWK Set
    #[arg(long, value_name = "FILE|URL", conflicts_with = "generate_key")]
    jwks: Option<String>,
    /// Make a private key, write it to this new file and register its public half
    #[arg(long, value_name = "FILE")]
    generate_key: Option<PathBuf>,
    /// What the new key signs with
    #[arg(long, value_enum, default_value_t = KeyAlgorithm::Es384, requires = "generate_key")]
    alg: KeyAlgorithm,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum KeyAlgorithm {
    #[value(name = "ES384")]
    Es384,
    #[value(name = "RS384")]
    Rs384,
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
            registry.switch(&practice, name, true)?;
            Ok(format!("client `{name}` is disabled: its tokens are dead"))
        }
        Action::Enable { name } => {
            registry.switch(&practice, name, false)?;
            Ok(format!("client `{name}` is enabled"))
        }
        Action::Rotate(rotation) => rotate(&mut registry, &practice, rotation),
    }
}

impl Place {
    fn folder(&self) -> Result<PathBuf, ClientFailure> {
        match (&self.data, &self.config) {
            (Some(folder), _) => Ok(folder.clone()),
            (None, Some(path)) => {
                Ok(config::load(path).map_err(|error| ClientFailure::Config(error.to_string()))?.gateway.data)
            }
            (None, None) => Ok(config::Gateway::default().data),
        }
    }
}

fn add(registry: &mut Registry, practice: Practice, addition: &Addition) -> Result<String, ClientFailure> {
    // Before a key is made that nobody would use.
    if registry.contains(&practice, &addition.name)? {
        return Err(RegistryError::Exists(addition.name.clone()).into());
    }
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

impl NewKeys {
    fn read(&self) -> Result<Option<Keys>, ClientFailure> {
        if let Some(path) = &self.generate_key {
            let algorithm = match self.alg {
                KeyAlgorithm::Es384 => Algorithm::ES384,
                KeyAlgorithm::Rs384 => Algorithm::RS384,
            };
            return make_key(path, algorithm).map(|keys| Some(Keys::Inline(keys)));
        }
        self.jwks.as_deref().map(read_keys).transpose()
    }
}

fn read_keys(place: &str) -> Result<Keys, ClientFailure> {
    if place.contains("://") {
        let url = Url::parse(place).ok().filter(may_fetch);
        return url.map(Keys::Url).ok_or_else(|| ClientFailure::Url(place.to_owned()));
    }
    let bytes = std::fs::read(place).map_err(|error| ClientFailure::File("read", place.into(), error))?;
    let keys = KeySet::parse_registration(&bytes).map_err(|error| ClientFailure::KeySet(place.to_owned(), error))?;
    Ok(Keys::Inline(keys))
}

/// Makes a private key in a new file, for its owner alone; gives its public half.
fn make_key(path: &Path, algorithm: Algorithm) -> Result<KeySet, ClientFailure> {
    let pem = generate(algorithm).map_err(|error| ClientFailure::Key(path.into(), error))?;
    write_secret(path, &pem).map_err(|error| ClientFailure::File("write", path.into(), error))?;
    public_half(path, &pem)
}

fn public_half(path: &Path, pem: &str) -> Result<KeySet, ClientFailure> {
    let key = PrivateKey::from_pem(pem.as_bytes()).map_err(|error| ClientFailure::Key(path.into(), error))?;
    let set = json!({ "keys": [key.public] }).to_string();
    KeySet::parse_registration(set.as_bytes()).map_err(|error| ClientFailure::KeySet(path.display().to_string(), error))
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
