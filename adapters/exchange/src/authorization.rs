//! How the gateway authorizes itself towards a back end. A client's own token never gets here.

use std::time::Instant;

use adapter::setting::Secret;
use adapter::{ConnectError, Error};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue};

use crate::client::Client;
use crate::settings::{Basic, Header, OAuth, Smart};
use crate::token::{Token, Tokens};

/// Nothing, a fixed header field, or tokens of the back end's own authorization server.
pub enum Authorization {
    /// Nothing.
    None,
    /// A fixed header field.
    Header(HeaderName, HeaderValue),
    /// Tokens, renewed.
    Tokens(Box<Tokens>),
}

/// What one request is authorized with.
#[derive(Clone)]
pub enum Grant {
    /// Nothing.
    None,
    /// A header field.
    Header(HeaderName, HeaderValue),
    /// A bearer token.
    Token(std::sync::Arc<Token>),
}

impl Authorization {
    /// A fixed header field.
    ///
    /// # Errors
    /// The secret cannot be read, or does not fit into a header field.
    pub fn header(header: &Header) -> Result<Self, ConnectError> {
        let value = header.value.read().map_err(|e| ConnectError::Settings(format!("`header.value`: {e}")))?;
        Self::field("header", &header.name, value.reveal())
    }

    /// `Authorization: Bearer`, with a secret that both sides know.
    ///
    /// # Errors
    /// The secret cannot be read, or does not fit into a header field.
    pub fn bearer(setting: &str, secret: &Secret) -> Result<Self, ConnectError> {
        let value = secret.read().map_err(|e| ConnectError::Settings(format!("`{setting}`: {e}")))?;
        Self::field(setting, "authorization", &format!("Bearer {}", value.reveal()))
    }

    /// A user and a password (RFC 7617).
    ///
    /// # Errors
    /// The password cannot be read, or the user has a colon.
    pub fn basic(basic: &Basic) -> Result<Self, ConnectError> {
        if basic.user.contains(':') {
            return Err(ConnectError::Settings("`basic.user`: expected a name without a colon".to_owned()));
        }
        let password = basic.password.read().map_err(|e| ConnectError::Settings(format!("`basic.password`: {e}")))?;
        let pair = STANDARD.encode(format!("{}:{}", basic.user, password.reveal()));
        Self::field("basic", "authorization", &format!("Basic {pair}"))
    }

    /// Tokens by a signed assertion (SMART Backend Services).
    ///
    /// # Errors
    /// The key cannot be read, or the endpoint cannot be used.
    pub fn smart(smart: &Smart, base: &str, allow_plain_http: bool) -> Result<Self, ConnectError> {
        Tokens::new(smart, base, allow_plain_http).map(|tokens| Self::Tokens(Box::new(tokens)))
    }

    /// Tokens by a client secret.
    ///
    /// # Errors
    /// The secret cannot be read, or the endpoint cannot be used.
    pub fn oauth(oauth: &OAuth, allow_plain_http: bool) -> Result<Self, ConnectError> {
        Tokens::by_secret(oauth, allow_plain_http).map(|tokens| Self::Tokens(Box::new(tokens)))
    }

    fn field(setting: &str, name: &str, value: &str) -> Result<Self, ConnectError> {
        let name = name
            .parse()
            .map_err(|_| ConnectError::Settings(format!("`{setting}.name`: expected the name of a header field")))?;
        let mut value = HeaderValue::from_str(value)
            .map_err(|_| ConnectError::Settings(format!("`{setting}`: expected the value of a header field")))?;
        value.set_sensitive(true);
        Ok(Self::Header(name, value))
    }

    /// What the next request is authorized with. `refused` is what the back end answered 401 to.
    ///
    /// # Errors
    /// No token can be had.
    pub async fn grant(&self, client: &Client, refused: Option<&Grant>, deadline: Instant) -> Result<Grant, Error> {
        match self {
            Self::None => Ok(Grant::None),
            Self::Header(name, value) => Ok(Grant::Header(name.clone(), value.clone())),
            Self::Tokens(tokens) => {
                let refused = match refused {
                    Some(Grant::Token(token)) => Some(token),
                    _ => None,
                };
                tokens.token(client, refused, deadline).await.map(Grant::Token)
            }
        }
    }

    /// Whether another grant can be had after a 401.
    #[must_use]
    pub const fn can_renew(&self) -> bool {
        matches!(self, Self::Tokens(_))
    }
}

impl Grant {
    /// Puts it into the head of a request.
    pub fn apply(&self, headers: &mut http::HeaderMap) {
        match self {
            Self::None => {}
            Self::Header(name, value) => {
                headers.insert(name.clone(), value.clone());
            }
            Self::Token(token) => {
                headers.insert(http::header::AUTHORIZATION, token.bearer.clone());
            }
        }
    }
}
