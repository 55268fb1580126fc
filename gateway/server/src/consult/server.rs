//! The way to a terminology server.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::HeaderValue;
use terminology::{Inquiry, Unanswered};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::Unusable;
use super::answer::{parameters, read};
use crate::authorize::fetch::Fetch;

/// Questions that are with the server at a time, of all validations together.
const AT_ONCE: usize = 16;

/// A FHIR server that has `$validate-code`.
pub(super) struct Server {
    name: String,
    value_sets: Url,
    code_systems: Url,
    authorization: Option<HeaderValue>,
    fetch: Fetch,
    turns: Semaphore,
}

impl Server {
    pub(super) fn new(base: &Url, settings: &config::Terminology) -> Result<Self, Unusable> {
        Ok(Self {
            name: base.origin().ascii_serialization(),
            value_sets: operation(base, "ValueSet")?,
            code_systems: operation(base, "CodeSystem")?,
            authorization: authorization(settings)?,
            fetch: Fetch::of_fhir(*settings.time, AT_ONCE),
            turns: Semaphore::new(AT_ONCE),
        })
    }

    /// What it is called in logs.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the value set, or the code system, has the code. Waits until `deadline` at most.
    pub(super) async fn ask(&self, inquiry: &Inquiry, deadline: Instant) -> Result<bool, Unanswered> {
        let exchange = async {
            let _turn = self.turns.acquire().await.map_err(|_| Unanswered::Unavailable)?;
            let url = if inquiry.value_set.is_some() { &self.value_sets } else { &self.code_systems };
            let body = Bytes::from(parameters(inquiry).to_string());
            let answer = self.fetch.post_fhir(url, body, self.authorization.clone()).await;
            let (status, body) = answer.map_err(|error| {
                tracing::debug!(server = self.name, %error, "no answer of the terminology server");
                Unanswered::Unavailable
            })?;
            read(status, &body)
        };
        timeout_at(deadline, exchange).await.unwrap_or(Err(Unanswered::Unavailable))
    }
}

fn operation(base: &Url, of: &str) -> Result<Url, Unusable> {
    let mut url = base.clone();
    url.path_segments_mut().map_err(|()| Unusable::Url)?.pop_if_empty().push(of).push("$validate-code");
    Ok(url)
}

fn authorization(settings: &config::Terminology) -> Result<Option<HeaderValue>, Unusable> {
    let text = match (&settings.token, &settings.user, &settings.password) {
        (Some(token), ..) => format!("Bearer {}", token.read()?.reveal()),
        (None, Some(user), Some(password)) => {
            let pair = format!("{user}:{}", password.read()?.reveal());
            format!("Basic {}", BASE64_STANDARD.encode(pair))
        }
        _ => return Ok(None),
    };
    let mut value = HeaderValue::from_str(&text).map_err(|_| Unusable::Credentials)?;
    value.set_sensitive(true);
    Ok(Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_stand_below_the_base_whether_or_not_it_ends_with_a_slash() {
        for base in ["https://tx.example/r4", "https://tx.example/r4/"] {
            let url = operation(&Url::parse(base).unwrap(), "ValueSet").unwrap();
            assert_eq!(url.as_str(), "https://tx.example/r4/ValueSet/$validate-code");
        }
    }

    #[test]
    fn credentials_are_a_token_or_a_name_with_its_password() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        std::fs::write(&file, "s3cret\n").unwrap();
        let secret = || Some(config::Secret::File(file.clone()));
        let token = config::Terminology { token: secret(), ..config::Terminology::default() };
        let pair = config::Terminology { user: Some("u".into()), password: secret(), ..config::Terminology::default() };
        let field = |settings| authorization(settings).unwrap().unwrap().to_str().unwrap().to_owned();
        assert_eq!(field(&token), "Bearer s3cret");
        assert_eq!(field(&pair), "Basic dTpzM2NyZXQ=");
        assert!(authorization(&config::Terminology::default()).unwrap().is_none());
    }
}
