//! `[base]/.well-known/smart-configuration` (SMART App Launch 2.2, conformance).

use adapter::Practice;
use bytes::Bytes;
use serde_json::json;

use super::authority::Authority;

impl Authority {
    /// The document of a practice. `issuer` and `jwks_uri` stand in it only where people sign in, which is not here.
    #[must_use]
    pub fn smart_configuration(&self, practice: &Practice) -> Bytes {
        let document = json!({
            "token_endpoint": self.0.places.token(practice),
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
            "grant_types_supported": ["client_credentials"],
            "scopes_supported": ["system/*.cruds", "system/AuditEvent.rs", "patient/*.cruds", "launch/patient"],
            "code_challenge_methods_supported": ["S256"],
            "capabilities": ["client-confidential-asymmetric", "permission-v1", "permission-v2", "permission-patient"],
        });
        Bytes::from(document.to_string())
    }

    /// The token endpoint of a practice, for `rest.security` of its CapabilityStatement.
    #[must_use]
    pub fn token_endpoint(&self, practice: &Practice) -> String {
        self.0.places.token(practice)
    }
}
