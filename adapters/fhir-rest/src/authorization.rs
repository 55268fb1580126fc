//! How the gateway authorizes itself towards a back end. A client's own token never gets here.

use std::time::Instant;

use adapter::{ConnectError, Error};
use http::{HeaderName, HeaderValue};

use crate::client::Client;
use crate::settings::Settings;
use crate::token::{Token, Tokens};

/// Nothing, a fixed header field, or tokens of the back end's own authorization server.
pub(crate) enum Authorization {
    None,
    Header(HeaderName, HeaderValue),
    Smart(Box<Tokens>),
}

/// What one request is authorized with.
#[derive(Clone)]
pub(crate) enum Grant {
    None,
    Header(HeaderName, HeaderValue),
    Token(std::sync::Arc<Token>),
}

impl Authorization {
    pub(crate) fn new(settings: &Settings, base: &str) -> Result<Self, ConnectError> {
        match (&settings.header, &settings.smart) {
            (Some(_), Some(_)) => {
                Err(ConnectError::Settings("expected at most one of `header` and `smart`".to_owned()))
            }
            (Some(header), None) => {
                let name = header.name.parse().map_err(|_| {
                    ConnectError::Settings("`header.name`: expected the name of a header field".to_owned())
                })?;
                let value = header.value.read().map_err(|e| ConnectError::Settings(format!("`header.value`: {e}")))?;
                let mut value = HeaderValue::from_str(value.reveal()).map_err(|_| {
                    ConnectError::Settings("`header.value`: expected the value of a header field".to_owned())
                })?;
                value.set_sensitive(true);
                Ok(Self::Header(name, value))
            }
            (None, Some(smart)) => {
                Tokens::new(smart, base, settings.allow_plain_http).map(|tokens| Self::Smart(Box::new(tokens)))
            }
            (None, None) => Ok(Self::None),
        }
    }

    /// What the next request is authorized with. `refused` is what the back end answered 401 to.
    pub(crate) async fn grant(
        &self,
        client: &Client,
        refused: Option<&Grant>,
        deadline: Instant,
    ) -> Result<Grant, Error> {
        match self {
            Self::None => Ok(Grant::None),
            Self::Header(name, value) => Ok(Grant::Header(name.clone(), value.clone())),
            Self::Smart(tokens) => {
                let refused = match refused {
                    Some(Grant::Token(token)) => Some(token),
                    _ => None,
                };
                tokens.token(client, refused, deadline).await.map(Grant::Token)
            }
        }
    }

    /// Whether another grant can be had after a 401.
    pub(crate) const fn can_renew(&self) -> bool {
        matches!(self, Self::Smart(_))
    }
}

impl Grant {
    pub(crate) fn apply(&self, headers: &mut http::HeaderMap) {
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
