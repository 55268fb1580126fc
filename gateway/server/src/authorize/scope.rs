//! One SMART scope: the grammar of SMART App Launch 2.2 (scopes and launch context), v1 and v2.
//!
//! `(patient|user|system)/(Type|*).(c?r?u?d?s?)` with the letters in that order and at least one of them; v1 says
//! `.read` for `rs`, `.write` for `cud` and `.*` for `cruds`.

use std::fmt;
use std::str::FromStr;

use fhir::ResourceType;

/// In whose name a scope permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Context {
    /// The patient in context: confined to that patient's compartment.
    Patient,
    /// A person: what that person may do.
    User,
    /// A system: what its registration says.
    System,
}

impl Context {
    /// Every context, the narrowest first.
    pub const ALL: [Self; 3] = [Self::Patient, Self::User, Self::System];

    /// As a scope spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::User => "user",
            Self::System => "system",
        }
    }
}

/// A set of the five letters `cruds`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Permissions(u8);

impl Permissions {
    /// `c`: create
    pub const CREATE: Self = Self(1);
    /// `r`: read, vread, history of an instance
    pub const READ: Self = Self(2);
    /// `u`: update and patch; an update may create
    pub const UPDATE: Self = Self(4);
    /// `d`: delete
    pub const DELETE: Self = Self(8);
    /// `s`: search and history of a type or of the system
    pub const SEARCH: Self = Self(16);
    /// `cruds`
    pub const ALL: Self = Self(31);

    const LETTERS: [(char, Self); 5] =
        [('c', Self::CREATE), ('r', Self::READ), ('u', Self::UPDATE), ('d', Self::DELETE), ('s', Self::SEARCH)];

    /// Both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What both have.
    #[must_use]
    pub const fn common(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether every letter of the other set is in this one.
    #[must_use]
    pub const fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there is no letter.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) const fn bits(self) -> u16 {
        self.0 as u16
    }

    pub(super) const fn from_bits(bits: u16) -> Self {
        Self(bits as u8 & Self::ALL.0)
    }

    /// The letters of v2, or a word of v1.
    fn parse(text: &str) -> Result<Self, Fault> {
        match text {
            "read" => return Ok(Self::READ.and(Self::SEARCH)),
            "write" => return Ok(Self::CREATE.and(Self::UPDATE).and(Self::DELETE)),
            "*" => return Ok(Self::ALL),
            _ => {}
        }
        let mut rest = Self::LETTERS.iter();
        let mut found = Self::default();
        for letter in text.chars() {
            // Each letter is sought behind the last one found, so that `.dus` and `.rr` end here.
            let (_, permission) = rest.find(|(known, _)| *known == letter).ok_or(Fault::Permissions)?;
            found = found.and(*permission);
        }
        if found.is_empty() { Err(Fault::Permissions) } else { Ok(found) }
    }
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Self::LETTERS.iter().filter(|(_, bit)| self.covers(*bit)).try_for_each(|(letter, _)| write!(f, "{letter}"))
    }
}

macro_rules! named {
    ($($variant:ident = $text:literal,)*) => {
        /// A scope that is a name: about identity and launch, not about resources.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Named {
            $(#[doc = concat!("`", $text, "`")] $variant,)*
        }

        impl Named {
            /// Every name.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// As it is spelled.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }
    };
}

named! {
    OpenId = "openid",
    FhirUser = "fhirUser",
    Profile = "profile",
    Launch = "launch",
    LaunchPatient = "launch/patient",
    LaunchEncounter = "launch/encounter",
    OfflineAccess = "offline_access",
    OnlineAccess = "online_access",
}

/// One scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// About resources.
    Resource {
        /// In whose name.
        context: Context,
        /// Of which type; none for `*`.
        resource_type: Option<ResourceType>,
        /// What.
        permissions: Permissions,
    },
    /// A name.
    Named(Named),
}

/// What is wrong with a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not a name that we know, nor of the form `context/Type.letters`.
    Unknown,
    /// The type is none of FHIR's.
    ResourceType,
    /// Not letters out of `cruds` in that order, nor `read`, `write` or `*`.
    Permissions,
    /// It has search parameters.
    SearchParameters,
    /// Its search parameters are not `name=value` pairs.
    Query,
}

/// A text that is no scope that we grant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("scope `{text}`: {}", .fault.text())]
pub struct InvalidScope {
    /// The scope as it was written, cut to a bounded length.
    pub text: String,
    /// Why.
    pub fault: Fault,
}

impl Fault {
    const fn text(self) -> &'static str {
        match self {
            Self::Unknown => "expected a form such as `system/Patient.rs`, or a known name",
            Self::ResourceType => "expected a FHIR resource type or `*` behind the slash",
            Self::Permissions => "expected letters out of `cruds` in that order, or `read`, `write` or `*`",
            Self::SearchParameters => {
                "scopes with search parameters are not supported here; ask for the scope without them"
            }
            Self::Query => "expected `name=value` pairs joined by `&` behind the question mark",
        }
    }
}

impl FromStr for Scope {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, InvalidScope> {
        parse(text).map_err(|fault| InvalidScope { text: printable(text), fault })
    }
}

fn parse(text: &str) -> Result<Scope, Fault> {
    if let Some(name) = Named::ALL.iter().find(|name| name.as_str() == text) {
        return Ok(Scope::Named(*name));
    }
    let (context, rest) = text.split_once('/').ok_or(Fault::Unknown)?;
    let context = *Context::ALL.iter().find(|known| known.as_str() == context).ok_or(Fault::Unknown)?;
    let (resource, query) = match rest.split_once('?') {
        Some((resource, query)) => (resource, Some(query)),
        None => (rest, None),
    };
    let (name, letters) = resource.split_once('.').ok_or(Fault::Permissions)?;
    let resource_type = match name {
        "*" => None,
        name => Some(name.parse().map_err(|_| Fault::ResourceType)?),
    };
    let permissions = Permissions::parse(letters)?;
    match query {
        None => Ok(Scope::Resource { context, resource_type, permissions }),
        Some(query) if is_query(query) => Err(Fault::SearchParameters),
        Some(_) => Err(Fault::Query),
    }
}

/// `param=value(&param=value)*`
fn is_query(query: &str) -> bool {
    query.split('&').all(|pair| pair.split_once('=').is_some_and(|(name, value)| !name.is_empty() && !value.is_empty()))
}

/// What may be repeated to the client: RFC 6749 5.2 lets only some characters into `error_description`.
fn printable(text: &str) -> String {
    let fits = |letter: &char| matches!(letter, ' '..='~') && !matches!(letter, '"' | '\\');
    text.chars().filter(fits).take(80).collect()
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name.as_str()),
            Self::Resource { context, resource_type, permissions } => {
                let name = resource_type.map_or("*", ResourceType::as_str);
                write!(f, "{}/{name}.{permissions}", context.as_str())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fault(text: &str) -> Fault {
        text.parse::<Scope>().expect_err(text).fault
    }

    fn permissions(text: &str) -> String {
        match text.parse::<Scope>().expect(text) {
            Scope::Resource { permissions, .. } => permissions.to_string(),
            Scope::Named(_) => panic!("{text} is about resources"),
        }
    }

    #[test]
    fn version_1_words_mean_their_version_2_letters() {
        assert_eq!(permissions("system/Patient.read"), "rs");
        assert_eq!(permissions("user/Slot.write"), "cud");
        assert_eq!(permissions("patient/*.*"), "cruds");
    }

    #[test]
    fn letters_out_of_order_twice_or_absent_are_refused() {
        for letters in ["dus", "sr", "rr", "rsr", "", "x", "Read", "cruds.", "readwrite", "c r"] {
            assert_eq!(fault(&format!("system/Patient.{letters}")), Fault::Permissions, "{letters}");
        }
        assert_eq!(fault("system/Patient"), Fault::Permissions);
    }

    #[test]
    fn a_scope_with_search_parameters_is_refused_by_name() {
        let error = "patient/Observation.rs?category=laboratory".parse::<Scope>().expect_err("refused");
        assert_eq!(error.fault, Fault::SearchParameters);
        assert!(error.to_string().contains("patient/Observation.rs?category=laboratory"), "{error}");
        assert_eq!(fault("patient/Observation.rs?category"), Fault::Query);
        assert_eq!(fault("patient/Observation.rs?a=b&"), Fault::Query);
    }

    #[test]
    fn what_is_no_scope_is_refused() {
        for text in ["", "/", "openID", "everything", "practice/Patient.rs", "Patient.read", "patient", "system/"] {
            assert!(text.parse::<Scope>().is_err(), "{text}");
        }
        for text in ["system/patient.rs", "system/Foo.rs", "system/.rs", "system/Patient/1.rs", "system/ Patient.rs"] {
            assert_eq!(fault(text), Fault::ResourceType, "{text}");
        }
    }

    #[test]
    fn a_refused_scope_is_repeated_without_what_a_header_cannot_hold() {
        let error = format!("system/\r\n\"{}", "é".repeat(500)).parse::<Scope>().expect_err("refused");
        assert!(error.text.len() <= 80 && error.text.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
    }

    proptest! {
        #[test]
        fn every_scope_reads_back_as_itself(context in 0..3_usize, kind in 0..=ResourceType::COUNT, bits in 1..32_u16) {
            let scope = Scope::Resource {
                context: Context::ALL[context],
                resource_type: ResourceType::all().nth(kind),
                permissions: Permissions::from_bits(bits),
            };
            prop_assert_eq!(scope.to_string().parse::<Scope>(), Ok(scope));
        }

        #[test]
        fn any_text_is_read_or_refused_and_what_is_read_is_a_scope(text in ".{0,40}") {
            if let Ok(scope) = text.parse::<Scope>() {
                prop_assert_eq!(scope.to_string().parse::<Scope>(), Ok(scope));
            }
        }

        #[test]
        fn only_ordered_letters_are_read(letters in "[cruds]{1,6}") {
            let ordered = letters.bytes().map(|letter| b"cruds".iter().position(|known| *known == letter));
            let ordered: Vec<_> = ordered.collect();
            let expected = ordered.windows(2).all(|pair| pair[0] < pair[1]);
            prop_assert_eq!(format!("user/Slot.{letters}").parse::<Scope>().is_ok(), expected);
        }
    }
}
