//! Stage 2: who is it, and may they? [`Request`] to [`Permitted`].

pub mod clients;
pub mod database;
pub mod fetch;
pub mod jose;
pub mod jwk;
pub mod jwks;
pub mod pem;
pub mod places;
pub mod registry;
pub mod replay;
pub mod scope;
pub mod scopes;
pub mod signing;

use std::sync::Arc;

use fhir::Compartment;

use crate::receive::Request;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// `client_id`.
    pub client: Arc<str>,
    /// Who issued the token.
    pub issuer: Arc<str>,
    /// `jti` of the token, for audit.
    pub token: Option<Arc<str>>,
    /// `fhirUser`, when a person stands behind the client.
    pub user: Option<Arc<str>>,
    /// The granted scopes as text, for audit.
    pub scopes: Arc<str>,
    /// The patient that a `patient/` token speaks for, or a `user/` token of a patient.
    pub patient: Option<Compartment>,
}

/// A request that may go on. Only this stage builds one, so that no request skips it.
#[derive(Debug)]
pub struct Permitted {
    request: Request,
    caller: Caller,
    confined_to: Option<Compartment>,
}

impl Permitted {
    /// What is asked.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Who asks.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The compartment that what is read and written must lie in; none for a directory read or a system token.
    #[must_use]
    pub fn confined_to(&self) -> Option<&Compartment> {
        self.confined_to.as_ref()
    }

    /// Takes it apart.
    #[must_use]
    pub fn into_parts(self) -> (Request, Caller, Option<Compartment>) {
        (self.request, self.caller, self.confined_to)
    }
}
