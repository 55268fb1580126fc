//! Several folders of packages, and what packages in them build on.

use std::collections::HashSet;

use package::{Manifest, Package, Registry};

use super::PackageError;
use super::folder::Folder;
use super::name::PackageName;

/// Folders of packages. What an earlier one has is taken from there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders(pub Vec<Folder>);

impl Folders {
    /// The package that a dependency asks for, and where it lies.
    ///
    /// # Errors
    /// A folder cannot be read.
    pub fn find(&self, name: &str, version: &str) -> Result<Option<(&Folder, PackageName)>, PackageError> {
        for folder in &self.0 {
            if let Some(found) = folder.find(name, version)? {
                return Ok(Some((folder, found)));
            }
        }
        Ok(None)
    }

    /// Packages, and what they build on as far as it lies here. What is built in is not taken from a folder as well, and what is
    /// nowhere is found out by who makes a registry of them. `read` reads one.
    ///
    /// # Errors
    /// One that is wanted is not here, or one cannot be read.
    pub fn with_needs(
        &self,
        wanted: Vec<PackageName>,
        read: &dyn Fn(&Folder, &PackageName) -> Result<Package, PackageError>,
    ) -> Result<Vec<Package>, PackageError> {
        let (mut packages, mut wanted, mut seen) = (Vec::<Package>::new(), wanted, HashSet::new());
        while let Some(name) = wanted.pop() {
            // A folder `x#current` holds what calls itself `x#1.2.0`: both names are looked at.
            if !seen.insert(name.clone()) || packages.iter().any(|package| is(package.manifest(), &name)) {
                continue;
            }
            let (folder, name) = self.find(&name.name, &name.version)?.ok_or_else(|| self.not_here(&name))?;
            let package = read(folder, &name)?;
            wanted.extend(self.needs(package.manifest())?);
            if !packages.iter().any(|known| known.manifest().id() == package.manifest().id()) {
                packages.push(package);
            }
        }
        Ok(packages)
    }

    /// What a package builds on, lies here and is not built in.
    ///
    /// # Errors
    /// A folder cannot be read.
    pub fn needs(&self, manifest: &Manifest) -> Result<Vec<PackageName>, PackageError> {
        let mut found = Vec::new();
        for (name, version) in &manifest.dependencies {
            if !Registry::is_built_in(name, version) {
                found.extend(self.find(name, version)?.map(|(_, name)| name));
            }
        }
        Ok(found)
    }

    /// That a package lies in none of these folders.
    #[must_use]
    pub fn not_here(&self, name: &PackageName) -> PackageError {
        let folders = self.0.iter().map(|folder| folder.path().display().to_string());
        PackageError::NotHere { name: name.to_string(), folders: folders.collect::<Vec<_>>().join(", ") }
    }
}

fn is(manifest: &Manifest, name: &PackageName) -> bool {
    manifest.name == name.name && manifest.version == name.version
}
