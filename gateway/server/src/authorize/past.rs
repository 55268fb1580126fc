//! Work that outlives its request: what a client that asked a while ago may do now. Its token may have ended meanwhile, which takes
//! nothing away; a registration that was removed, revoked or narrowed does.

use std::time::SystemTime;

use adapter::Practice;
use fhir::{Interaction, Version};

use super::access::{Reach, judge};
use super::grant::{Grant, User};
use super::scope::Permissions;
use super::scopes::Scopes;
use super::{Authority, Caller};

/// Who asked, as it was then.
#[derive(Clone, Copy, Debug)]
pub struct Past<'a> {
    /// The practice.
    pub practice: &'a Practice,
    /// `client_id`.
    pub client: &'a str,
    /// Who issued the token.
    pub issuer: &'a str,
    /// `fhirUser`.
    pub user: Option<&'a str>,
    /// The granted scopes.
    pub scopes: &'a str,
    /// The epoch of the client, when the token was one of ours.
    pub epoch: Option<i64>,
}

/// Why nothing may be done in a client's name any more.
#[derive(Debug, thiserror::Error)]
pub enum Withdrawn {
    /// The client was removed, switched off, or its tokens were revoked.
    #[error("the client is not let in any more")]
    Client,
    /// Its issuer is not trusted any more.
    #[error("the issuer of the client's token is not trusted any more")]
    Issuer,
    /// The scopes do not permit it any more.
    #[error("the client's scopes do not permit this any more")]
    Scopes,
    /// It cannot be found out now.
    #[error("the registry of clients cannot be read")]
    Unknown(#[from] rusqlite::Error),
}

impl Authority {
    /// What is left of what a client was granted.
    ///
    /// # Errors
    /// When nothing is, or that cannot be found out.
    pub fn renew(&self, past: Past<'_>) -> Result<Grant, Withdrawn> {
        let inner = &self.0;
        let mut scopes = Scopes::parse_known(past.scopes);
        if past.issuer == inner.places.issuer(past.practice) {
            let clients = inner.clients.current()?;
            let client = clients.client(past.practice, past.client).ok_or(Withdrawn::Client)?;
            if past.epoch != Some(client.standing.epoch) {
                return Err(Withdrawn::Client);
            }
            scopes = scopes.common(&client.scopes);
        } else if !inner.issuers.iter().any(|issuer| issuer.practice() == past.practice && issuer.is(past.issuer)) {
            return Err(Withdrawn::Issuer);
        }
        let bases = inner.places.audiences(past.practice);
        Ok(Grant {
            caller: Caller {
                client: past.client.into(),
                issuer: past.issuer.into(),
                token: None,
                user: past.user.map(Into::into),
                scopes: past.scopes.into(),
                patient: None,
            },
            scopes,
            patient: None,
            user: past.user.and_then(|user| User::read(user, &bases)),
            practice: past.practice.clone(),
            bases: None,
            expires: SystemTime::UNIX_EPOCH,
            epoch: past.epoch,
            certificate: None,
        })
    }

    /// Whether a grant lets all that a listing finds in a practice be taken away: it is permitted, reaches the whole practice, and its
    /// scopes let resources of the type be read as well as searched.
    ///
    /// # Errors
    /// [`Withdrawn::Scopes`] when it does not.
    pub fn may_take(&self, grant: &Grant, listing: &Interaction, version: Version) -> Result<(), Withdrawn> {
        let reach = judge(grant, listing, version, &self.0.policy).map_err(|_| Withdrawn::Scopes)?;
        let Reach::Practice(context) = reach else { return Err(Withdrawn::Scopes) };
        let needed = Permissions::READ.and(Permissions::SEARCH);
        let holds = listing.resource_type().is_some_and(|of| grant.scopes.on(context, of).covers(needed));
        if holds { Ok(()) } else { Err(Withdrawn::Scopes) }
    }
}
