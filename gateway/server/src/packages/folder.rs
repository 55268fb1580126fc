//! Packages in a folder, in the layout that FHIR tools share: `NAME#VERSION/package/*.json`.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use package::{Archive, BadArchive, Manifest, Package};
use sha2::{Digest as _, Sha256};

use super::PackageError;
use super::name::PackageName;

/// Bytes of all files of one package in a folder, at most.
const MOST_BYTES: u64 = 512 << 20;

/// A folder of packages.
#[derive(Clone, Debug)]
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

    /// Reads a package. What cannot be used of it is logged and left out.
    ///
    /// # Errors
    /// It is not there, cannot be read, is too large, or has no usable manifest.
    pub fn read(&self, name: &PackageName) -> Result<Package, PackageError> {
        let mut files = Vec::new();
        for file in self.files(name)? {
            let content = fs::read(&file.path).map_err(|error| PackageError::file(&file.path, error))?;
            files.push((file.name, Bytes::from(content)));
        }
        let archive =
            Archive::from_files(files).map_err(|source| PackageError::Archive { name: name.to_string(), source })?;
        Ok(super::usable(archive))
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

    /// What stands for the content of a package without reading it: names, sizes and times of its files.
    ///
    /// # Errors
    /// It is not there or cannot be read.
    pub fn fingerprint(&self, name: &PackageName) -> Result<String, PackageError> {
        let mut digest = Sha256::new();
        for file in self.files(name)? {
            digest.update(format!("{}\t{}\t{}.{}\n", file.name, file.size, file.changed.0, file.changed.1));
        }
        Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn files(&self, name: &PackageName) -> Result<Vec<File>, PackageError> {
        let folder = self.content(name);
        let at = |error| PackageError::file(&folder, error);
        let (mut files, mut size) = (Vec::new(), 0);
        for entry in fs::read_dir(&folder).map_err(at)? {
            let entry = entry.map_err(at)?;
            let file_name = entry.file_name().to_string_lossy().into_owned();
            let about = entry.metadata().map_err(at)?;
            if !about.is_file() || !file_name.ends_with(".json") {
                continue;
            }
            size += about.len();
            if size > MOST_BYTES {
                let source = BadArchive::TooLarge { limit: MOST_BYTES, of: "bytes" };
                return Err(PackageError::Archive { name: name.to_string(), source });
            }
            let changed = (about.mtime(), about.mtime_nsec());
            files.push(File { name: file_name, path: entry.path(), size: about.len(), changed });
        }
        files.sort_unstable_by(|left, right| left.name.cmp(&right.name));
        Ok(files)
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
        let partial = self.path.join(format!(".{name}.{}", std::process::id()));
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

struct File {
    name: String,
    path: PathBuf,
    size: u64,
    changed: (i64, i64),
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
