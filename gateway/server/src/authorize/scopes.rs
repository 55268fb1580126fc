//! A set of scopes as bits: one word of fifteen bits (three contexts of `cruds`) for each resource type.

use fhir::ResourceType;

use super::scope::{Context, InvalidScope, Named, Permissions, Scope};

/// Scopes together permit what any one of them permits.
///
/// A wildcard covers every type but AuditEvent: who looked at whose data is read only with a scope that names it.
#[derive(Clone, PartialEq, Eq)]
pub struct Scopes {
    /// By [`ResourceType::index`].
    types: Box<[u16; ResourceType::COUNT]>,
    /// What `*` was asked with: for interactions that name no type.
    wildcard: u16,
    named: u16,
}

impl Default for Scopes {
    fn default() -> Self {
        Self { types: Box::new([0; ResourceType::COUNT]), wildcard: 0, named: 0 }
    }
}

impl Scopes {
    /// Reads a list that is separated by spaces, as RFC 6749 3.3 writes it.
    ///
    /// # Errors
    /// The first one that is no scope.
    pub fn parse(list: &str) -> Result<Self, InvalidScope> {
        let mut scopes = Self::default();
        for text in list.split_ascii_whitespace() {
            scopes.insert(text.parse()?);
        }
        Ok(scopes)
    }

    /// Reads a list of an issuer of its own vocabulary: what is no scope of ours grants nothing.
    #[must_use]
    pub fn parse_known(list: &str) -> Self {
        let mut scopes = Self::default();
        list.split_ascii_whitespace().filter_map(|text| text.parse().ok()).for_each(|scope| scopes.insert(scope));
        scopes
    }

    /// Adds a scope.
    pub fn insert(&mut self, scope: Scope) {
        match scope {
            Scope::Named(name) => self.named |= 1 << name as u16,
            Scope::Resource { context, resource_type: Some(resource_type), permissions } => {
                self.types[resource_type.index()] |= shifted(context, permissions);
            }
            Scope::Resource { context, resource_type: None, permissions } => {
                let bits = shifted(context, permissions);
                self.wildcard |= bits;
                ResourceType::all()
                    .filter(|kind| is_in_wildcard(*kind))
                    .for_each(|kind| self.types[kind.index()] |= bits);
            }
        }
    }

    /// What is permitted on a type in a context.
    #[must_use]
    pub fn on(&self, context: Context, resource_type: ResourceType) -> Permissions {
        Permissions::from_bits(self.types[resource_type.index()] >> shift(context))
    }

    /// Whether resources of a type may be seen in a context, by read or by search.
    #[must_use]
    pub fn may_read(&self, context: Context, resource_type: ResourceType) -> bool {
        !self.on(context, resource_type).common(Permissions::READ.and(Permissions::SEARCH)).is_empty()
    }

    /// The same of every type that a wildcard covers.
    #[must_use]
    pub fn may_read_all(&self, context: Context) -> bool {
        !self.on_all(context).common(Permissions::READ.and(Permissions::SEARCH)).is_empty()
    }

    /// What is permitted on every type in a context.
    #[must_use]
    pub fn on_all(&self, context: Context) -> Permissions {
        Permissions::from_bits(self.wildcard >> shift(context))
    }

    /// Whether anything is permitted in a context.
    #[must_use]
    pub fn any(&self, context: Context) -> bool {
        !self.on_all(context).is_empty()
            || self.types.iter().any(|bits| !Permissions::from_bits(bits >> shift(context)).is_empty())
    }

    /// Whether a name is among them.
    #[must_use]
    pub const fn has(&self, name: Named) -> bool {
        self.named & (1 << name as u16) != 0
    }

    /// What both permit.
    #[must_use]
    pub fn common(&self, other: &Self) -> Self {
        let mut common = self.clone();
        common.types.iter_mut().zip(other.types.iter()).for_each(|(bits, more)| *bits &= more);
        common.wildcard &= other.wildcard;
        common.named &= other.named;
        common
    }

    /// Whether nothing at all is permitted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What of an asked scope these (the registered) ones cover. The asked scope itself when it is covered whole.
    #[must_use]
    pub fn granted(&self, asked: Scope) -> Vec<Scope> {
        match asked {
            Scope::Named(name) => self.has(name).then_some(asked).into_iter().collect(),
            Scope::Resource { context, resource_type: Some(kind), permissions } => {
                let common = self.on(context, kind).common(permissions);
                scope_of(context, Some(kind), common).into_iter().collect()
            }
            Scope::Resource { context, resource_type: None, permissions } => self.granted_of_all(context, permissions),
        }
    }

    fn granted_of_all(&self, context: Context, permissions: Permissions) -> Vec<Scope> {
        let all = self.on_all(context).common(permissions);
        let single = ResourceType::all().filter(|kind| is_in_wildcard(*kind)).filter_map(|kind| {
            let more = self.on(context, kind).common(permissions);
            if more == all { None } else { scope_of(context, Some(kind), more) }
        });
        scope_of(context, None, all).into_iter().chain(single).collect()
    }
}

/// As a list, in the shortest form.
impl std::fmt::Display for Scopes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let audit =
            |context| scope_of(context, Some(ResourceType::AUDIT_EVENT), self.on(context, ResourceType::AUDIT_EVENT));
        let of = |context| self.granted_of_all(context, Permissions::ALL).into_iter().chain(audit(context));
        let named = Named::ALL.iter().filter(|name| self.has(**name)).map(|name| Scope::Named(*name));
        let texts = Context::ALL.into_iter().flat_map(of).chain(named).map(|scope| scope.to_string());
        f.write_str(&texts.collect::<Vec<_>>().join(" "))
    }
}

impl std::fmt::Debug for Scopes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scopes(…)")
    }
}

fn scope_of(context: Context, resource_type: Option<ResourceType>, permissions: Permissions) -> Option<Scope> {
    (!permissions.is_empty()).then_some(Scope::Resource { context, resource_type, permissions })
}

fn is_in_wildcard(resource_type: ResourceType) -> bool {
    resource_type != ResourceType::AUDIT_EVENT
}

const fn shift(context: Context) -> u16 {
    context as u16 * 5
}

const fn shifted(context: Context, permissions: Permissions) -> u16 {
    permissions.bits() << shift(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(list: &str) -> Scopes {
        Scopes::parse(list).expect(list)
    }

    fn granted(registered: &str, asked: &str) -> String {
        let granted = scopes(registered).granted(asked.parse().expect(asked));
        granted.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn scopes_together_permit_what_any_of_them_permits() {
        let scopes = scopes("system/Patient.r system/Patient.s user/*.r openid");
        assert_eq!(scopes.on(Context::System, ResourceType::PATIENT).to_string(), "rs");
        assert_eq!(scopes.on(Context::User, ResourceType::SLOT).to_string(), "r");
        assert!(scopes.on(Context::System, ResourceType::SLOT).is_empty());
        assert!(scopes.on(Context::Patient, ResourceType::PATIENT).is_empty());
        assert!(scopes.has(Named::OpenId) && !scopes.has(Named::Launch));
    }

    #[test]
    fn a_wildcard_does_not_reach_the_audit_log() {
        assert!(scopes("system/*.*").on(Context::System, ResourceType::AUDIT_EVENT).is_empty());
        let named = scopes("system/AuditEvent.rs");
        assert_eq!(named.on(Context::System, ResourceType::AUDIT_EVENT).to_string(), "rs");
    }

    #[test]
    fn a_set_is_written_as_a_list_that_reads_back_as_itself() {
        let text = "patient/*.cruds system/*.r system/Slot.rs system/AuditEvent.rs launch/patient";
        assert_eq!(scopes(text).to_string(), text);
        assert_eq!(scopes(&scopes("user/Slot.read").to_string()), scopes("user/Slot.rs"));
    }

    #[test]
    fn only_what_is_registered_is_granted() {
        assert_eq!(granted("system/*.cruds", "system/Patient.rs"), "system/Patient.rs");
        assert_eq!(granted("system/Patient.rs", "system/Patient.cruds"), "system/Patient.rs");
        assert_eq!(granted("system/Patient.rs", "system/Slot.rs"), "");
        assert_eq!(granted("system/Patient.rs", "user/Patient.rs"), "");
        assert_eq!(granted("system/Patient.rs system/Slot.r", "system/*.r"), "system/Patient.r system/Slot.r");
        assert_eq!(granted("system/*.r system/Slot.s", "system/*.rs"), "system/*.r system/Slot.rs");
        assert_eq!(granted("openid", "openid"), "openid");
        assert_eq!(granted("openid", "fhirUser"), "");
    }
}
