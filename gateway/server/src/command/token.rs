//! `frontdesk token`: a token by SMART Backend Services, for people and scripts.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use form_urlencoded::Serializer;
use http::StatusCode;
use jsonwebtoken::{Algorithm, Header};
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use crate::authorize::fetch::{Fetch, FetchError};
use crate::authorize::pem::{InvalidKey, PrivateKey};

/// How long the gateway may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long the assertion is good.
const ASSERTION: Duration = Duration::from_secs(240);

/// Get an access token and print it, nothing else.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  frontdesk token --gateway http://127.0.0.1:8080 --client demo --key data/demo-client.pem"
)]
pub struct Arguments {
    /// URL of the gateway, or of a FHIR base
    #[arg(long, value_name = "URL")]
    gateway: Url,
    /// The practice of the client, with the URL of the gateway
    #[arg(long, value_name = "NAME")]
    practice: Option<String>,
    /// The client id
    #[arg(long, value_name = "ID")]
    client: String,
    /// The client's private key, PEM
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The key's id, when it was registered under another one than its RFC 7638 thumbprint
    #[arg(allow_hyphen_values = true, long, value_name = "KID")]
    kid: Option<String>,
    /// SMART scopes, separated by blanks [default: all that the client may have]
    #[arg(long, value_name = "SCOPES")]
    scope: Option<String>,
    /// Ask for a token in the context of this patient; only for a client that is configured for it
    #[arg(long, value_name = "ID")]
    patient: Option<String>,
}

impl Arguments {
    /// A token with these scopes, for another command.
    pub(super) fn new(gateway: Url, client: &str, key: PathBuf, scope: &str) -> Self {
        let (client, scope) = (client.to_owned(), Some(scope.to_owned()));
        Self { gateway, practice: None, client, key, kid: None, scope, patient: None }
    }

    /// Where the practice is: below the gateway, unless it is the default one.
    fn place(&self) -> Url {
        let name = self.practice.as_deref().filter(|name| *name != "default");
        let mut place = self.gateway.clone();
        if let (Some(name), Ok(mut segments)) = (name, place.path_segments_mut()) {
            segments.pop_if_empty().push(name);
        }
        place
    }
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub(super) enum TokenFailure {
    #[error("cannot read `{0}`: {1}")]
    File(PathBuf, std::io::Error),
    #[error("`{0}`: {1}")]
    Key(PathBuf, InvalidKey),
    #[error("the key is on P-256, expected an EC key on P-384 or an RSA key: SMART signs with ES384 or RS384")]
    Curve,
    #[error("cannot sign: {0}")]
    Sign(jsonwebtoken::errors::Error),
    #[error("`{0}`: {1}")]
    Fetch(Url, FetchError),
    #[error("found no SMART configuration at {0}: is it the URL of a Frontdesk gateway or of a FHIR base?")]
    Discovery(String),
    #[error("the gateway refused: {0}")]
    Refused(String),
    #[error("the gateway answered {0} with something that is no token response")]
    Answer(StatusCode),
}

/// Runs the command.
#[must_use]
pub fn run(arguments: &Arguments) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(token(arguments)).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match result {
        Ok(token) => {
            super::client::print(&token);
            ExitCode::SUCCESS
        }
        Err(error) => {
            super::client::complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// Asks for the token.
pub(super) async fn token(arguments: &Arguments) -> Result<String, TokenFailure> {
    let key = read_key(arguments)?;
    let fetch = Fetch::new(PATIENCE);
    let endpoint = discover(&fetch, &arguments.place()).await?;
    let form = form(arguments, &assertion(arguments, &key, &endpoint)?);
    let (status, body) =
        fetch.submit(&endpoint, form).await.map_err(|error| TokenFailure::Fetch(endpoint.clone(), error))?;
    let answer: Value = serde_json::from_slice(&body).map_err(|_| TokenFailure::Answer(status))?;
    if let Some(token) = answer["access_token"].as_str().filter(|_| status == StatusCode::OK) {
        return Ok(token.to_owned());
    }
    match (answer["error"].as_str(), answer["error_description"].as_str()) {
        (Some(error), Some(description)) => Err(TokenFailure::Refused(format!("{description} ({error})"))),
        (Some(error), None) => Err(TokenFailure::Refused(error.to_owned())),
        _ => Err(TokenFailure::Answer(status)),
    }
}

fn read_key(arguments: &Arguments) -> Result<PrivateKey, TokenFailure> {
    let path = &arguments.key;
    let pem = std::fs::read(path).map_err(|error| TokenFailure::File(path.clone(), error))?;
    let key = PrivateKey::from_pem(&pem).map_err(|error| TokenFailure::Key(path.clone(), error))?;
    if key.algorithm == Algorithm::ES256 { Err(TokenFailure::Curve) } else { Ok(key) }
}

/// Finds the token endpoint: the document is under the FHIR base, and the URL may be either.
async fn discover(fetch: &Fetch, gateway: &Url) -> Result<Url, TokenFailure> {
    let root = gateway.as_str().trim_end_matches('/');
    let mut places = [format!("{root}/fhir/r4"), root.to_owned()];
    if gateway.path().contains("/fhir") {
        places.reverse();
    }
    let mut tried = String::new();
    for base in places {
        let at = format!("{base}/.well-known/smart-configuration");
        let Ok(url) = Url::parse(&at) else { continue };
        match fetch.get(&url).await {
            Ok(document) => {
                let document: Value = serde_json::from_slice(&document.body).unwrap_or_default();
                if let Some(endpoint) = document["token_endpoint"].as_str().and_then(|url| Url::parse(url).ok()) {
                    return Ok(endpoint);
                }
            }
            Err(FetchError::Status(_)) => {}
            Err(error) => return Err(TokenFailure::Fetch(url, error)),
        }
        let _ = write!(tried, "{}{at}", if tried.is_empty() { "" } else { " or " });
    }
    Err(TokenFailure::Discovery(tried))
}

fn assertion(arguments: &Arguments, key: &PrivateKey, endpoint: &Url) -> Result<String, TokenFailure> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let mut header = Header::new(key.algorithm);
    header.kid = Some(arguments.kid.clone().unwrap_or_else(|| key.kid.clone()));
    let claims = json!({
        "iss": arguments.client,
        "sub": arguments.client,
        "aud": endpoint.as_str(),
        "iat": now,
        "exp": now + ASSERTION.as_secs(),
        "jti": Uuid::new_v4().to_string(),
    });
    jsonwebtoken::encode(&header, &claims, &key.encoding).map_err(TokenFailure::Sign)
}

fn form(arguments: &Arguments, assertion: &str) -> String {
    let all = if arguments.patient.is_some() { "launch/patient patient/*.cruds" } else { "system/*.cruds" };
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials")
        .append_pair("scope", arguments.scope.as_deref().unwrap_or(all))
        .append_pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
        .append_pair("client_assertion", assertion);
    if let Some(patient) = &arguments.patient {
        form.append_pair("patient", patient);
    }
    form.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_practice_is_below_the_gateway() {
        let place = |gateway: &str, practice: Option<&str>| {
            let mut arguments = Arguments::new(gateway.parse().unwrap(), "c", "key".into(), "system/*.rs");
            arguments.practice = practice.map(str::to_owned);
            arguments.place().to_string()
        };
        assert_eq!(place("https://gw.example", Some("north")), "https://gw.example/north");
        assert_eq!(place("https://gw.example/", Some("north")), "https://gw.example/north");
        assert_eq!(place("https://gw.example", Some("default")), "https://gw.example/");
        assert_eq!(place("https://gw.example/fhir/r4", None), "https://gw.example/fhir/r4");
    }
}
