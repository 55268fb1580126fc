//! Packages in a folder, in the layout that FHIR tools share: `NAME#VERSION/package/*.json`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use package::canonical::{compare_versions, satisfies};
use package::{Archive, BadArchive, Manifest, Package};

use super::PackageError;
use super::name::PackageName;

/// Bytes of all files of one package in a folder, at most.
const MOST_BYTES: u64 = 512 << 20;

/// A folder of packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The folder at a path, which need not exist. `~/` is the home of whoever runs this.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        let home = path.strip_prefix("~").ok().zip(std::env::var_os("HOME"));
        Self { path: home.map_or_else(|| path.to_owned(), |(rest, home)| PathBuf::from(home).join(rest)) }
    }

    /// `~/.fhir/packages`, where FHIR tools keep packages.
    #[must_use]
    pub fn usual() -> Self {
        Self::at(Path::new("~/.fhir/packages"))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What lies in it, sorted. Nothing when there is no such folder.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn names(&self) -> Result<Vec<PackageName>, PackageError> {
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(PackageError::file(&self.path, error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| PackageError::file(&self.path, error))?;
            let name = entry.file_name().to_str().and_then(|name| name.parse::<PackageName>().ok());
            names.extend(name.filter(|name| self.content(name).join("package.json").is_file()));
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Whether a package lies in it.
    #[must_use]
    pub fn has(&self, name: &PackageName) -> bool {
        self.content(name).join("package.json").is_file()
    }

    fn content(&self, name: &PackageName) -> PathBuf {
        self.path.join(name.to_string()).join("package")
    }

    /// The package that a dependency asks for: in that very version, else the newest that will do (`1.0.x`).
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn find(&self, name: &str, version: &str) -> Result<Option<PackageName>, PackageError> {
        if let Some(exact) = PackageName::new(name, version).ok().filter(|exact| self.has(exact)) {
            return Ok(Some(exact));
        }
        let fits = |known: &PackageName| known.name == name && satisfies(&known.version, version);
        let known = self.names()?.into_iter().filter(fits);
        Ok(known.max_by(|left, right| compare_versions(&left.version, &right.version)))
    }

    /// Reads a package. What cannot be used of it is logged and left out.
    ///
    /// # Errors
    /// It is not there, cannot be read, is too large, or has no usable manifest.
    pub fn read(&self, name: &PackageName) -> Result<Package, PackageError> {
        super::of_files(&name.to_string(), self.files(name)?)
    }

    /// The JSON files of a package, by name.
    ///
    /// # Errors
    /// It is not there, cannot be read, or is too large.
    pub fn files(&self, name: &PackageName) -> Result<Vec<(String, Bytes)>, PackageError> {
        read_files(&self.content(name))
    }

    /// What a package says of itself.
    ///
    /// # Errors
    /// It is not there, or its manifest cannot be used.
    pub fn manifest(&self, name: &PackageName) -> Result<Manifest, PackageError> {
        let path = self.content(name).join("package.json");
        let json = fs::read(&path).map_err(|error| PackageError::file(&path, error))?;
        Manifest::read(&json).map_err(|source| PackageError::Archive { name: name.to_string(), source })
    }

    /// Takes a package out of the folder. It is gone at once, its files one after the other.
    ///
    /// # Errors
    /// It is not there, another one in the folder builds on it, or the folder cannot be written.
    pub fn remove(&self, name: &PackageName) -> Result<(), PackageError> {
        if !self.has(name) {
            return Err(PackageError::NotHere { name: name.to_string(), folders: self.path.display().to_string() });
        }
        let others = self.names()?.into_iter().filter(|other| other != name);
        for other in others {
            let needs = self.manifest(&other)?.dependencies;
            let mut needs =
                needs.iter().filter(|(needed, version)| *needed == name.name && satisfies(&name.version, version));
            if needs.any(|(needed, version)| self.find(needed, version).is_ok_and(|found| found.as_ref() == Some(name)))
            {
                return Err(PackageError::InUse { name: name.clone(), by: other });
            }
        }
        let place = self.path.join(name.to_string());
        let aside = self.path.join(format!(".{name}.{}", uuid::Uuid::now_v7().simple()));
        fs::rename(&place, &aside).map_err(|error| PackageError::file(&place, error))?;
        fs::remove_dir_all(&aside).map_err(|error| PackageError::file(&aside, error))
    }

    /// Puts a package into the folder. It appears under its name when it is whole; one that is there already stays.
    ///
    /// # Errors
    /// Its manifest has no usable name, or the folder cannot be written.
    pub fn add(&self, archive: &Archive) -> Result<PackageName, PackageError> {
        let name = PackageName::new(&archive.manifest.name, &archive.manifest.version)?;
        if self.has(&name) {
            return Ok(name);
        }
        fs::create_dir_all(&self.path).map_err(|error| PackageError::file(&self.path, error))?;
        let partial = self.path.join(format!(".{name}.{}", uuid::Uuid::now_v7().simple()));
        let written = write(&partial, archive);
        let target = self.path.join(name.to_string());
        let moved =
            written.and_then(|()| fs::rename(&partial, &target).map_err(|error| PackageError::file(&target, error)));
        if moved.is_err() {
            // What is left of it is in nobody's way, and the error that is reported is the first one.
            let _ = fs::remove_dir_all(&partial);
        }
        // Somebody else may have added the same meanwhile.
        if self.has(&name) { Ok(name) } else { moved.map(|()| name) }
    }
}

/// The JSON files directly in a folder, by name. Links are not followed.
pub(super) fn read_files(folder: &Path) -> Result<Vec<(String, Bytes)>, PackageError> {
    let at = |error| PackageError::file(folder, error);
    let (mut files, mut size) = (Vec::new(), 0);
    for entry in fs::read_dir(folder).map_err(at)? {
        let entry = entry.map_err(at)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let about = entry.metadata().map_err(at)?;
        if !about.is_file() || !name.ends_with(".json") {
            continue;
        }
        size += about.len();
        if size > MOST_BYTES {
            let (name, source) =
                (folder.display().to_string(), BadArchive::TooLarge { limit: MOST_BYTES, of: "bytes" });
            return Err(PackageError::Archive { name, source });
        }
        let content = fs::read(entry.path()).map_err(|error| PackageError::file(&entry.path(), error))?;
        files.push((name, Bytes::from(content)));
    }
    files.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
    Ok(files)
}

fn write(partial: &Path, archive: &Archive) -> Result<(), PackageError> {
    let content = partial.join("package");
    fs::create_dir_all(&content).map_err(|error| PackageError::file(&content, error))?;
    let files = archive.files.iter().map(|(name, content)| (name.as_str(), &content[..]));
    for (name, bytes) in files.chain([("package.json", &archive.manifest_json[..])]) {
        let path = content.join(name);
        fs::write(&path, bytes).map_err(|error| PackageError::file(&path, error))?;
    }
    Ok(())
}
