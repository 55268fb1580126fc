//! What somebody names as a package: a file, a folder, or one that lies in a folder of packages or is built in.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use fhir::Version;
use package::{Package, Registry};

use super::folder::{Folder, read_files};
use super::folders::Folders;
use super::name::PackageName;
use super::{PackageError, archive, of_files, usable};

/// Packages that were named, with what they build on, and which versions canonicals without one mean because of that.
#[derive(Default)]
pub struct Given {
    packages: Vec<Package>,
    /// Names and versions of those that were named themselves.
    preferred: Vec<(String, String)>,
}

impl Given {
    /// Reads what is named: a `.tgz`, a folder that holds a package, a file with a resource (JSON, NDJSON or XML), or NAME#VERSION of
    /// a package in `folders` or built in. What packages build on is taken from `folders`.
    ///
    /// # Errors
    /// One is none of these, cannot be read, or builds on a package that is nowhere.
    pub fn read(named: &[String], folders: &Folders) -> Result<Self, PackageError> {
        let mut given = Self::default();
        for what in named {
            given.add(what, folders)?;
        }
        let mut needs = Vec::new();
        for package in &given.packages {
            needs.extend(folders.needs(package.manifest())?);
        }
        for package in folders.with_needs(needs, &Folder::read)? {
            given.push(package);
        }
        for version in Version::ALL {
            given.check(version)?;
        }
        Ok(given)
    }

    fn add(&mut self, what: &str, folders: &Folders) -> Result<(), PackageError> {
        let path = Path::new(what);
        let package = if path.is_dir() {
            of_folder(path)?
        } else if path.is_file() {
            of_file(path)?
        } else {
            return self.add_named(what, folders);
        };
        self.prefer(&package.manifest().name.clone(), &package.manifest().version.clone());
        self.push(package);
        Ok(())
    }

    fn add_named(&mut self, what: &str, folders: &Folders) -> Result<(), PackageError> {
        let name: PackageName = what.parse().map_err(|_| PackageError::Nothing(what.to_owned()))?;
        let Some((folder, found)) = folders.find(&name.name, &name.version)? else {
            if !Registry::is_built_in(&name.name, &name.version) {
                return Err(folders.not_here(&name));
            }
            self.prefer(&name.name, &name.version);
            return Ok(());
        };
        let package = folder.read(&found)?;
        self.prefer(&package.manifest().name.clone(), &package.manifest().version.clone());
        self.push(package);
        Ok(())
    }

    fn prefer(&mut self, name: &str, version: &str) {
        self.preferred.push((name.to_owned(), version.to_owned()));
    }

    fn push(&mut self, package: Package) {
        let is_it = |known: &Package| known.manifest().id() == package.manifest().id();
        // Resources have no version: two files of the same name are two.
        if package.manifest().version.is_empty() || !self.packages.iter().any(is_it) {
            self.packages.push(package);
        }
    }

    fn check(&self, version: Version) -> Result<(), PackageError> {
        let missing = Registry::built_in(version).missing(self.of(version).map(Package::manifest));
        if missing.is_empty() { Ok(()) } else { Err(PackageError::Missing(missing)) }
    }

    fn of(&self, version: Version) -> impl Iterator<Item = &Package> + Clone {
        self.packages.iter().filter(move |package| package.manifest().is_for(version))
    }

    /// A registry with what was named; none when nothing of it is for the release.
    #[must_use]
    pub fn registry(&self, version: Version) -> Option<Registry> {
        if self.of(version).next().is_none() && self.preferred.is_empty() {
            return None;
        }
        // What came without a package hides what packages have.
        let (loose, whole): (Vec<&Package>, Vec<&Package>) =
            self.of(version).partition(|package| package.manifest().version.is_empty());
        let registry = Registry::built_in(version).with_packages(whole.into_iter().cloned());
        let registry = registry.with_packages(loose.into_iter().cloned());
        Some(self.preferred.iter().fold(registry, |registry, (name, version)| registry.prefer(name, version)))
    }
}

/// The package in a folder: its `package.json` lies in it or in its folder `package`.
fn of_folder(path: &Path) -> Result<Package, PackageError> {
    let inner = path.join("package");
    let content: PathBuf = if inner.join("package.json").is_file() { inner } else { path.to_owned() };
    of_files(&path.display().to_string(), read_files(&content)?)
}

fn of_file(path: &Path) -> Result<Package, PackageError> {
    const GZIP: &[u8] = &[0x1f, 0x8b];
    let bytes = std::fs::read(path).map_err(|error| PackageError::file(path, error))?;
    let is_archive = path.extension().is_some_and(|extension| extension == "tgz" || extension == "gz");
    if is_archive || bytes.starts_with(GZIP) {
        return Ok(usable(archive(&path.display().to_string(), &bytes)?));
    }
    let resources = resources(path, bytes)?;
    Package::of_resources(&path.display().to_string(), resources)
        .map_err(|source| PackageError::Resource { path: path.to_owned(), source })
}

/// The resources in a file, as JSON.
fn resources(path: &Path, bytes: Vec<u8>) -> Result<Vec<Bytes>, PackageError> {
    if xml::is_xml(&bytes) {
        let limits = xml::Limits { values: u32::MAX, ..xml::Limits::default() };
        // The release only matters for what a definition does not hold.
        let json = xml::to_json(&bytes, Version::R4, limits).or_else(|_| xml::to_json(&bytes, Version::R5, limits));
        let json = json.map_err(|outcome| PackageError::Xml { path: path.to_owned(), why: first_text(&outcome) })?;
        return Ok(vec![Bytes::from(json)]);
    }
    let bytes = Bytes::from(bytes);
    let bytes = if bytes.starts_with(b"\xEF\xBB\xBF") { bytes.slice(3..) } else { bytes };
    if path.extension().is_some_and(|extension| extension == "ndjson") {
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        return Ok(lines.map(|line| bytes.slice_ref(line)).collect());
    }
    Ok(vec![bytes])
}

fn first_text(outcome: &fhir::Outcome) -> String {
    outcome.0.first().map(|issue| issue.text.clone()).unwrap_or_default()
}
