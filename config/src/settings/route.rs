//! `[[routes]]` and `[practices.NAME]`: what goes where.

use std::collections::{BTreeMap, BTreeSet};

use fhir::{InteractionCode, ResourceType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::packages::PracticePackages;

/// `[[routes]]`: an adapter for what it names. The first route that matches is taken.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Route {
    /// Its name in metrics and logs; without it, the adapter's.
    #[serde(default)]
    pub name: Option<String>,
    /// Resource types, or `*` for all that the adapter offers.
    #[serde(default = "default_types")]
    pub types: Vec<Types>,
    /// Interactions; without it, all that the adapter offers.
    #[serde(default, with = "interactions")]
    #[schemars(with = "Option<Vec<String>>")]
    pub interactions: Option<BTreeSet<InteractionCode>>,
    /// The adapter's name; or `adapters`.
    #[serde(default)]
    pub adapter: String,
    /// Adapters that all hold resources of these types: a search asks all of them, ids begin with the adapter's prefix, and the
    /// first one takes what is created.
    #[serde(default)]
    pub adapters: Vec<String>,
    /// A FHIRPath condition on what is written (`serviceType.coding.exists(code = 'dental')`): what meets it goes here. Routes of a
    /// type with conditions stand in order; the first without one takes the rest. Reads and searches of the type ask all of them.
    #[serde(default)]
    pub when: Option<String>,
    /// Whose the resources of these adapters are: with `patients`, what belongs to a patient is written to the adapter that has the
    /// patient, and is looked for there only.
    #[serde(default)]
    pub owners: Option<Owners>,
    /// Whose ids the references to a type are, in the bodies of these adapters: an adapter that holds that type. Without it, an
    /// adapter's own, where it holds the type.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub references: BTreeMap<ResourceType, String>,
    /// What happens with a payload that breaks a rule.
    #[serde(default)]
    pub validate: ValidateMode,
    /// Canonical URLs of profiles that payloads of the profile's type must follow, beside those that they claim themselves.
    #[serde(default)]
    pub profiles: Vec<String>,
    /// `[routes.by-type.TYPE]`: other rules for payloads of one type.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, TypeRules>")]
    pub by_type: BTreeMap<ResourceType, TypeRules>,
    /// The practice whose requests it takes.
    #[serde(default = "default_practice")]
    pub practice: String,
}

/// One entry of `types`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Types {
    /// `*`
    All,
    /// One type.
    One(ResourceType),
}

/// Whose resources are: the compartment that decides where they live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Owners {
    /// Patients: their ids tell the adapter.
    Patients,
}

/// What happens with a payload that breaks a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ValidateMode {
    /// It is refused.
    #[default]
    Enforce,
    /// It travels on; the client is told.
    Warn,
    /// It is not looked at, beyond being JSON of the right type.
    Off,
}

/// `[routes.by-type.TYPE]`: what is different for one resource type.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct TypeRules {
    /// What happens with a payload that breaks a rule; without it, what the route says.
    pub validate: Option<ValidateMode>,
    /// Canonical URLs of profiles that payloads must follow, beside those of the route.
    pub profiles: Vec<String>,
}

/// `[practices.NAME]`: a practice beside `default`, at `/NAME/fhir/r4`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Practice {
    /// What people call it.
    pub title: Option<String>,
    /// `[practices.NAME.packages]`: the packages of this practice alone. Without it, those of `[packages]`.
    pub packages: Option<PracticePackages>,
}

impl Route {
    /// What happens with a payload of a type that breaks a rule.
    #[must_use]
    pub fn validate(&self, resource_type: Option<ResourceType>) -> ValidateMode {
        self.rules(resource_type).and_then(|rules| rules.validate).unwrap_or(self.validate)
    }

    /// The profiles that payloads of a type must follow, those of the route first.
    pub fn profiles(&self, resource_type: Option<ResourceType>) -> impl Iterator<Item = &str> {
        let more = self.rules(resource_type).map(|rules| rules.profiles.as_slice()).unwrap_or_default();
        self.profiles.iter().chain(more).map(String::as_str)
    }

    /// The names of its adapters, the first one first.
    pub fn adapters(&self) -> impl Iterator<Item = &str> {
        let one = (!self.adapter.is_empty()).then_some(self.adapter.as_str());
        one.into_iter().chain(self.adapters.iter().map(String::as_str))
    }

    /// Whether it names this adapter.
    #[must_use]
    pub fn leads_to(&self, adapter: &str) -> bool {
        self.adapters().any(|name| name == adapter)
    }

    fn rules(&self, resource_type: Option<ResourceType>) -> Option<&TypeRules> {
        self.by_type.get(&resource_type?)
    }

    /// Whether the route takes this interaction on this type (`None`: on the system).
    #[must_use]
    pub fn takes(&self, resource_type: Option<ResourceType>, interaction: InteractionCode) -> bool {
        let of_type = self.types.iter().any(|entry| match entry {
            Types::All => true,
            Types::One(named) => Some(*named) == resource_type,
        });
        of_type && self.interactions.as_ref().is_none_or(|named| named.contains(&interaction))
    }
}

impl<'de> Deserialize<'de> for Types {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "*" {
            return Ok(Self::All);
        }
        text.parse().map(Self::One).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Types {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::All => "*",
            Self::One(resource_type) => resource_type.as_str(),
        })
    }
}

impl JsonSchema for Types {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Types".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "description": "a resource type, or `*` for all" })
    }
}

mod interactions {
    use super::{BTreeSet, Deserialize, InteractionCode};

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<BTreeSet<InteractionCode>>, D::Error> {
        let codes = Vec::<String>::deserialize(deserializer)?;
        codes.iter().map(|code| parse(code).map_err(serde::de::Error::custom)).collect::<Result<_, _>>().map(Some)
    }

    pub(super) fn serialize<S: serde::Serializer>(
        codes: &Option<BTreeSet<InteractionCode>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match codes {
            Some(codes) => serializer.collect_seq(codes.iter().map(|code| code.code())),
            None => serializer.serialize_none(),
        }
    }

    fn parse(code: &str) -> Result<InteractionCode, String> {
        InteractionCode::from_code(code).ok_or_else(|| {
            let known: Vec<String> = InteractionCode::ALL.iter().map(|code| format!("`{}`", code.code())).collect();
            format!("unknown interaction `{code}`, expected one of {}", known.join(", "))
        })
    }
}

fn default_types() -> Vec<Types> {
    vec![Types::All]
}

pub(super) fn default_practice() -> String {
    "default".into()
}
