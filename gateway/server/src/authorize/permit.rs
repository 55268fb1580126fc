//! The stage itself, in two steps, so that a stranger's body is never read: [`identify`] makes a bearer token a grant,
//! [`permit`] holds the interaction against it.

use std::sync::Arc;
use std::time::SystemTime;

use adapter::Practice;
use fhir::bundle::{conditional, conditionals};
use fhir::{Compartment, Interaction, IssueType, ResourceType};
use http::StatusCode;

use super::access::judge;
use super::authority::{Authority, Inner, OWN_ALGORITHMS};
use super::grant::{Grant, fingerprint};
use super::issuer::{Issuer, Refused};
use super::jose::{Claims, InvalidToken, Unverified};
use super::scopes::Scopes;
use super::signing::TOKEN_TYPE;
use super::{Caller, Identified, Permitted, challenge};
use crate::failure::Failure;
use crate::receive::{Credentials, Request};

/// A longer token is none of anybody's.
const LONGEST_TOKEN: usize = 16 * 1024;

/// Finds out who asks.
///
/// # Errors
/// 401 without a good token, 429 beyond a limit, 503 when that cannot be found out.
pub async fn identify(credentials: &Credentials, authority: &Authority) -> Result<Identified, Failure> {
    let inner = &authority.0;
    inner.limits.address(credentials.address)?;
    let grant = inner.grant(credentials).await?;
    let rate = inner.limits.client(&credentials.practice, &grant.caller.client)?;
    Ok(Identified { grant, rate })
}

/// Decides whether they may.
///
/// # Errors
/// 403 when the token does not permit the interaction.
pub fn permit(request: Box<Request>, identified: Identified, authority: &Authority) -> Result<Permitted, Failure> {
    let Identified { grant, rate } = identified;
    let policy = &authority.0.policy;
    let reach = judge(&grant, &request.interaction, request.version, policy)
        .map_err(|denied| challenge::insufficient(&request.base, &denied.text, &denied.scope).of(&grant.caller))?;
    Ok(Permitted { request, grant, reach, rate, policy: policy.clone() })
}

/// Decides whether they may do what an entry of their batch asks for.
///
/// # Errors
/// As [`permit`].
pub fn permit_entry(request: Box<Request>, batch: &Permitted) -> Result<Permitted, Failure> {
    let Permitted { grant, rate, policy, .. } = batch;
    let reach = judge(grant, &request.interaction, request.version, policy)
        .map_err(|denied| challenge::insufficient(&request.base, &denied.text, &denied.scope).of(&grant.caller))?;
    Ok(Permitted { request, grant: Arc::clone(grant), reach, rate: rate.clone(), policy: Arc::clone(policy) })
}

/// Decides whether what an entry of a transaction refers to by conditions may be searched for: whether the transaction succeeds tells
/// what is there, and under which id.
///
/// # Errors
/// As [`permit`].
pub fn permit_references(entry: &Permitted) -> Result<(), Failure> {
    let Permitted { request, grant, policy, .. } = entry;
    let references = request.interaction.resource().map(|resource| conditionals(&resource.bytes));
    for (resource_type, query) in references.iter().flatten().filter_map(|text| conditional(text)) {
        let search = Interaction::SearchType { resource_type, compartment: None, query };
        judge(grant, &search, request.version, policy)
            .map_err(|denied| challenge::insufficient(&request.base, &denied.text, &denied.scope).of(&grant.caller))?;
    }
    Ok(())
}

impl Inner {
    /// What the bearer token says, verified, from the cache where it is.
    async fn grant(&self, credentials: &Credentials) -> Result<Arc<Grant>, Failure> {
        let bearer = credentials.bearer.as_ref().ok_or_else(|| challenge::missing(&credentials.base))?;
        let token: &str = &bearer.0;
        let fingerprint = fingerprint(&credentials.practice, token);
        let now = self.clock.now();
        let grant = match self.cache.find(&fingerprint, now) {
            Some(grant) => grant,
            None => {
                self.limits.is_welcome(credentials.address)?;
                let verified = Box::pin(self.verify(token, credentials)).await;
                let grant = Arc::new(verified.map_err(|refused| self.refusal(refused, credentials))?);
                self.cache.insert(fingerprint, grant.clone(), now);
                grant
            }
        };
        self.check(&grant, credentials)?;
        Ok(grant)
    }

    /// What can change while a token is in the cache, or from request to credentials.
    fn check(&self, grant: &Grant, credentials: &Credentials) -> Result<(), Failure> {
        let invalid = |text: &str| Err(challenge::invalid(&credentials.base, text));
        if grant.practice != credentials.practice {
            return invalid("the access token is for another practice");
        }
        if grant.bases.as_ref().is_some_and(|bases| !bases.iter().any(|base| **base == *credentials.base)) {
            return invalid("the access token is for another FHIR base");
        }
        if grant.certificate.is_some() && grant.certificate != credentials.certificate {
            return invalid("the access token is bound to another client certificate");
        }
        if let Some(epoch) = grant.epoch {
            let clients = self.clients.current().map_err(unavailable)?;
            let client = clients.client(&grant.practice, &grant.caller.client);
            if client.is_none_or(|client| client.standing.epoch != epoch) {
                return invalid("the access token was revoked");
            }
        }
        Ok(())
    }

    fn refusal(&self, refused: Refused, credentials: &Credentials) -> Failure {
        match refused {
            Refused::Token(text) => {
                self.limits.failed(credentials.address);
                challenge::invalid(&credentials.base, &text)
            }
            Refused::Issuer(cause) => unavailable(cause),
        }
    }

    async fn verify(&self, token: &str, credentials: &Credentials) -> Result<Grant, Refused> {
        if token.len() > LONGEST_TOKEN {
            return Err(Refused::Token("expected an access token of at most 16 KiB".into()));
        }
        let bases = self.places.audiences(&credentials.practice);
        let iss = match Unverified::parse(token) {
            Ok(token) => token.claims.text("iss").map(str::to_owned),
            Err(_) => return self.introspect(token, &credentials.practice, &bases).await,
        };
        let iss = iss.ok_or_else(|| Refused::Token("expected `iss` in the access token".into()))?;
        if iss == self.places.issuer(&credentials.practice) {
            return self.own(token, &bases);
        }
        let issuer = self.issuers_of(&credentials.practice).find(|issuer| issuer.is(&iss));
        let issuer =
            issuer.ok_or_else(|| Refused::Token("the issuer of the access token is not trusted here".into()))?;
        issuer.verify(token, &bases, &self.tools).await
    }

    /// A token that is no JWT may be anybody's: each issuer that can be asked is asked.
    async fn introspect(&self, token: &str, practice: &Practice, bases: &[String]) -> Result<Grant, Refused> {
        let mut refused = Refused::Token("expected a signed JWT as access token".into());
        for issuer in self.issuers_of(practice).filter(|issuer| issuer.introspects()) {
            match issuer.introspect(token, bases, &self.tools).await {
                Ok(grant) => return Ok(grant),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    fn issuers_of<'a>(&'a self, practice: &'a Practice) -> impl Iterator<Item = &'a Issuer> {
        self.issuers.iter().filter(move |issuer| issuer.practice() == practice)
    }

    /// Verifies a token of our own.
    fn own(&self, text: &str, bases: &[String]) -> Result<Grant, Refused> {
        let token = Unverified::parse(text)?;
        if !token.header.is_typed(&[TOKEN_TYPE]) {
            return Err(Refused::Token(format!("expected an access token: `typ` {TOKEN_TYPE}")));
        }
        if token.header.kid.is_none() {
            return Err(InvalidToken::Form.into());
        }
        let claims = self.signing.with_public(|keys| token.verify(keys, &OWN_ALGORITHMS))?;
        // Our own clock made it, so that no skew is due.
        let expires = claims.date("exp").ok().flatten().filter(|expires| self.clock.now() < *expires);
        let expires = expires.ok_or_else(|| Refused::Token("the access token has expired".into()))?;
        own_grant(&claims, bases, expires).ok_or_else(|| InvalidToken::Form.into())
    }
}

fn own_grant(claims: &Claims, bases: &[String], expires: SystemTime) -> Option<Grant> {
    let audiences = claims.audiences();
    let scope = claims.text("scope")?;
    let patient = match claims.text("patient") {
        None => None,
        Some(id) => Some(Compartment { resource_type: ResourceType::PATIENT, id: id.parse().ok()? }),
    };
    let caller = Caller {
        client: claims.text("client_id")?.into(),
        issuer: claims.text("iss")?.into(),
        token: Some(claims.text("jti")?.into()),
        user: None,
        scopes: scope.into(),
        patient: patient.clone(),
    };
    Some(Grant {
        caller,
        scopes: Scopes::parse(scope).ok()?,
        patient,
        user: None,
        practice: Practice::new(claims.text("practice")?),
        bases: Some(bases.iter().filter(|base| audiences.contains(&base.as_str())).cloned().collect()),
        expires,
        epoch: Some(claims.number("epoch")?),
        certificate: None,
    })
}

/// Nobody is let in when it cannot be found out who they are.
fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Failure {
    let text = "the access token cannot be verified now";
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, IssueType::Transient, text).because(cause)
}
