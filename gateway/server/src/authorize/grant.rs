//! What a verified token says, and the cache of them.

use std::sync::Arc;
use std::time::SystemTime;

use adapter::Practice;
use aws_lc_rs::digest::{Context, SHA256};
use dashmap::DashMap;
use fhir::{Compartment, ResourceType};

use super::Caller;
use super::scopes::Scopes;

/// What a verified token says.
#[derive(Debug)]
pub struct Grant {
    /// Who, as the rest of the gateway sees it.
    pub caller: Caller,
    /// What it permits.
    pub scopes: Scopes,
    /// The patient in context.
    pub patient: Option<Compartment>,
    /// The type and, of a patient, the compartment of `fhirUser`.
    pub user: Option<User>,
    /// Whose data.
    pub practice: Practice,
    /// The FHIR bases that it is for; none when its issuer names the gateway in a way of its own.
    pub bases: Option<Vec<String>>,
    /// When it ends.
    pub expires: SystemTime,
    /// When it was issued by us: the epoch of the client.
    pub epoch: Option<i64>,
    /// The certificate that it is bound to (RFC 8705 3.1).
    pub certificate: Option<[u8; 32]>,
}

/// The person behind a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// `Patient`, `Practitioner`, …
    pub resource_type: ResourceType,
    /// Of a patient: the patient.
    pub patient: Option<Compartment>,
}

impl User {
    /// Reads `fhirUser`: `Practitioner/1`, or an absolute URL under one of the bases. Whatever else it is, is nobody.
    #[must_use]
    pub fn read(reference: &str, bases: &[String]) -> Option<Self> {
        let under = |base: &String| reference.strip_prefix(base.as_str())?.strip_prefix('/');
        let relative = bases.iter().find_map(under).unwrap_or(reference);
        let (name, id) = relative.split_once('/')?;
        let (resource_type, id) = (name.parse().ok()?, id.parse().ok()?);
        let patient = (resource_type == ResourceType::PATIENT).then_some(Compartment { resource_type, id });
        Some(Self { resource_type, patient })
    }
}

/// Verified tokens by their SHA-256, until they expire.
pub struct GrantCache {
    grants: DashMap<[u8; 32], Arc<Grant>>,
    most: usize,
}

/// The SHA-256 of a token at a practice: what stands for it in memory. One token may be good at two practices, by an issuer that both
/// trust, and says something else at each.
#[must_use]
pub fn fingerprint(practice: &Practice, token: &str) -> [u8; 32] {
    let mut fingerprint = [0; 32];
    let mut context = Context::new(&SHA256);
    // No name of a practice holds a line break.
    [practice.as_str(), "\n", token].iter().for_each(|part| context.update(part.as_bytes()));
    let hash = context.finish();
    fingerprint.iter_mut().zip(hash.as_ref()).for_each(|(to, from)| *to = *from);
    fingerprint
}

impl GrantCache {
    /// A cache of at most that many tokens.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { grants: DashMap::new(), most: most.max(1) }
    }

    /// What a token was found to say, unless it has expired.
    #[must_use]
    pub fn find(&self, fingerprint: &[u8; 32], now: SystemTime) -> Option<Arc<Grant>> {
        let grant = self.grants.get(fingerprint)?.clone();
        (now < grant.expires).then_some(grant)
    }

    /// Remembers what a token says. When the cache is full, the expired go, and then any.
    pub fn insert(&self, fingerprint: [u8; 32], grant: Arc<Grant>, now: SystemTime) {
        if self.grants.len() >= self.most {
            self.grants.retain(|_, grant| now < grant.expires);
        }
        if self.grants.len() >= self.most {
            let mut spare = self.most / 8;
            self.grants.retain(|_, _| {
                let keep = spare == 0;
                spare = spare.saturating_sub(1);
                keep
            });
        }
        self.grants.insert(fingerprint, grant);
    }

    /// How many are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.grants.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.grants.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn fingerprint(token: &str) -> [u8; 32] {
        super::fingerprint(&Practice::default(), token)
    }

    fn grant(expires: SystemTime) -> Arc<Grant> {
        let caller = Caller {
            client: "a".into(),
            issuer: "i".into(),
            token: None,
            user: None,
            scopes: "".into(),
            patient: None,
        };
        Arc::new(Grant {
            caller,
            scopes: Scopes::default(),
            patient: None,
            user: None,
            practice: Practice::default(),
            bases: None,
            expires,
            epoch: None,
            certificate: None,
        })
    }

    #[test]
    fn a_token_is_remembered_until_it_expires() {
        let cache = GrantCache::new(10);
        let now = SystemTime::now();
        cache.insert(fingerprint("a"), grant(now + Duration::from_secs(10)), now);
        assert!(cache.find(&fingerprint("a"), now).is_some());
        assert!(cache.find(&fingerprint("b"), now).is_none());
        assert!(cache.find(&fingerprint("a"), now + Duration::from_secs(10)).is_none());
    }

    #[test]
    fn the_cache_is_bounded_and_lets_the_expired_go_first() {
        let cache = GrantCache::new(80);
        let now = SystemTime::now();
        let (soon, late) = (now + Duration::from_secs(1), now + Duration::from_secs(100));
        (0..40).for_each(|n| cache.insert(fingerprint(&format!("soon{n}")), grant(soon), now));
        (0..40).for_each(|n| cache.insert(fingerprint(&format!("late{n}")), grant(late), now));
        cache.insert(fingerprint("new"), grant(late), soon);
        assert_eq!(cache.len(), 41);
        (0..1000).for_each(|n| cache.insert(fingerprint(&format!("more{n}")), grant(late), soon));
        assert!(cache.len() <= 80);
        assert!(cache.find(&fingerprint("more999"), soon).is_some());
    }

    #[test]
    fn debug_names_no_person() {
        let mut grant = Arc::into_inner(grant(SystemTime::now())).expect("the only one");
        grant.caller.user = Some("Patient/eve".into());
        grant.user = User::read("Patient/eve", &[]);
        grant.patient = grant.user.as_ref().and_then(|user| user.patient.clone());
        assert!(!format!("{grant:?}").contains("eve"));
    }

    #[test]
    fn a_user_is_a_relative_reference_or_one_under_a_base_of_ours() {
        let bases = ["https://gw.example/fhir/r4".to_owned()];
        let kind = |reference| User::read(reference, &bases).map(|user| user.resource_type);
        assert_eq!(kind("Practitioner/1"), Some(ResourceType::PRACTITIONER));
        assert_eq!(kind("https://gw.example/fhir/r4/Patient/1"), Some(ResourceType::PATIENT));
        for odd in ["https://other.example/fhir/Practitioner/1", "Practitioner", "Nobody/1", "Patient/1/2", "", "a b/1"]
        {
            assert_eq!(kind(odd), None, "{odd}");
        }
        assert!(User::read("Patient/1", &[]).and_then(|user| user.patient).is_some());
    }
}
