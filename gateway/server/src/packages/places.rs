//! Where the packages of a practice lie, and what a load reads there.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use adapter::Practice;
use config::{Config, PracticePackages};
use fhir::Version;
use package::{Package, Registry};
use parking_lot::Mutex;
use profile::Validator;

use super::PackageError;
use super::cache::Cache;
use super::folder::Folder;
use super::folders::Folders;
use super::load::{check_version, registry, validator};
use super::name::{NoPackageName, PackageName};
use crate::consult::Outside;

/// Where packages of a practice lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Places {
    /// All that lies here is loaded.
    own: Option<Folder>,
    /// Where packages are looked for, the own one first.
    folders: Folders,
    /// Where packages are kept in the form that is read quickly; none when nothing is to be written.
    compiled: Option<PathBuf>,
    named: Vec<String>,
    versions: BTreeMap<String, String>,
}

/// What was read during one load: a package of several practices is read once, and its bytes are shared.
#[derive(Default)]
pub(super) struct Read(Mutex<HashMap<(PathBuf, PackageName), Package>>);

impl Read {
    fn once(
        &self,
        folder: &Folder,
        name: &PackageName,
        read: impl Fn(&Folder, &PackageName) -> Result<Package, PackageError>,
    ) -> Result<Package, PackageError> {
        let key = (folder.path().to_owned(), name.clone());
        if let Some(known) = self.0.lock().get(&key) {
            return Ok(known.clone());
        }
        let package = read(folder, name)?;
        self.0.lock().insert(key, package.clone());
        Ok(package)
    }
}

impl Places {
    /// The places of every practice, each once, with the first practice that has them; and which of them a practice has.
    pub(super) fn of_practices(
        config: &Config,
        compiled: Option<&Path>,
    ) -> (Vec<(String, Self)>, HashMap<Practice, usize>) {
        let mut sets: Vec<(String, Self)> = Vec::new();
        let mut of = HashMap::new();
        for name in config.practice_names() {
            let own = config.practices.get(name).and_then(|practice| practice.packages.as_ref());
            let mut places = own.map_or_else(|| Self::of(config), |own| Self::own(config, own));
            places.compiled = compiled.map(Path::to_owned);
            let index = sets.iter().position(|(_, known)| *known == places).unwrap_or_else(|| {
                sets.push((name.to_owned(), places));
                sets.len() - 1
            });
            of.insert(Practice::new(name), index);
        }
        (sets, of)
    }

    fn of(config: &Config) -> Self {
        let packages = &config.packages;
        Self {
            own: Some(folder_of(config)),
            folders: Folders(shared(config).collect()),
            compiled: None,
            named: packages.load.clone(),
            versions: packages.versions.clone(),
        }
    }

    fn own(config: &Config, own: &PracticePackages) -> Self {
        let folder = own.folder.as_deref().map(Folder::at);
        Self {
            folders: Folders(folder.iter().cloned().chain(shared(config)).collect()),
            own: folder,
            compiled: None,
            named: own.load.clone(),
            versions: own.versions.clone(),
        }
    }

    pub(super) fn registries(&self, read: &Read) -> Result<[Registry; 3], PackageError> {
        let packages = self.read(read)?;
        let mut by_release = Version::ALL.map(|version| (version, Vec::new()));
        for package in packages {
            // A package that names several releases is read once for each: rare, and its bytes are shared.
            for (version, list) in &mut by_release {
                if package.manifest().is_for(*version) {
                    list.push(package.clone());
                }
            }
        }
        let [r4, r4b, r5] = by_release;
        let registries = [registry(r4)?, registry(r4b)?, registry(r5)?];
        for (name, version) in &self.versions {
            check_version(&registries, name, version)?;
        }
        let preferred = self.preferred()?;
        let prefer = |registry: Registry| {
            preferred.iter().fold(registry, |registry, (name, version)| registry.prefer(name, version))
        };
        Ok(registries.map(prefer))
    }

    pub(super) fn validators(&self, read: &Read, outside: Option<&Outside>) -> Result<[Validator; 3], PackageError> {
        Ok(self.registries(read)?.map(|registry| validator(registry, outside)))
    }

    /// All that lies in the own folder, what is named, and what these build on.
    fn read(&self, read: &Read) -> Result<Vec<Package>, PackageError> {
        let mut wanted = match &self.own {
            Some(own) => own.names()?,
            None => Vec::new(),
        };
        for name in self.named()? {
            if !self.is_only_built_in(&name)? {
                wanted.push(name);
            }
        }
        let cache = self.compiled.as_deref().map(Cache::at);
        let one = |folder: &Folder, name: &PackageName| match &cache {
            Some(cache) => cache.read(folder, name),
            None => folder.read(name),
        };
        self.folders.with_needs(wanted, &|folder, name| read.once(folder, name, one))
    }

    fn named(&self) -> Result<Vec<PackageName>, NoPackageName> {
        self.named.iter().map(|name| name.parse()).collect()
    }

    fn is_only_built_in(&self, name: &PackageName) -> Result<bool, PackageError> {
        Ok(self.folders.find(&name.name, &name.version)?.is_none() && Registry::is_built_in(&name.name, &name.version))
    }

    /// Which version of a package a canonical without one means: what `versions` says, else what is named.
    pub(super) fn preferred(&self) -> Result<BTreeMap<String, String>, PackageError> {
        let named = self.named()?.into_iter().map(|name| (name.name, name.version));
        Ok(named.chain(self.versions.clone()).collect())
    }
}

/// Where packages of every practice may lie.
fn shared(config: &Config) -> impl Iterator<Item = Folder> {
    std::iter::once(folder_of(config)).chain(config.packages.cache.as_deref().map(Folder::at))
}

/// The folder of a configuration, into which packages are added.
pub(super) fn folder_of(config: &Config) -> Folder {
    match &config.packages.folder {
        Some(path) => Folder::at(path),
        None => Folder::at(&config.gateway.data.join("packages")),
    }
}
