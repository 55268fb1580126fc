//! `[packages]`: FHIR packages beside those that are built in.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

/// `[packages]`: of every practice that has no section of its own. Nothing is fetched at start: `frontdesk package add` does.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Packages {
    /// Where `frontdesk package add --config` puts packages; all that lie there are loaded. Without it, the folder `packages` of
    /// `gateway.data`.
    pub folder: Option<PathBuf>,
    /// A package cache that other programs fill, such as `~/.fhir/packages`: what `load` names, and what packages build on,
    /// is taken from there as well.
    pub cache: Option<PathBuf>,
    /// Packages that are loaded from `cache`, as `NAME#VERSION`, and such as are built in. A canonical without a version means the version
    /// that is named here, and what these and the packages of `folder` define is searched by as well.
    pub load: Vec<String>,
    /// The registry that `frontdesk package add NAME#VERSION` asks: `GET REGISTRY/NAME` lists versions as npm's does.
    pub registry: Option<Url>,
    /// Which version of a package a canonical without a version means, by package name. Stands above `load`.
    pub versions: BTreeMap<String, String>,
}

/// `[practices.NAME.packages]`: what this practice validates and searches by, in the place of `[packages]`. What is named here, and what
/// it builds on, is taken from `folder`, and from the folder and the `cache` of `[packages]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct PracticePackages {
    /// A folder of packages of its own; all that lie there are loaded.
    pub folder: Option<PathBuf>,
    /// Packages that are loaded, as `NAME#VERSION`. A canonical without a version means the version that is named here.
    pub load: Vec<String>,
    /// Which version of a package a canonical without a version means, by package name. Stands above `load`.
    pub versions: BTreeMap<String, String>,
}
