//! Packages in the form that is read quickly. Whatever is wrong with a file of it, the package is read anew: the cache never
//! decides anything.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use package::{NotUsable, Package};

use super::PackageError;
use super::folder::Folder;
use super::name::PackageName;

/// The folder of compiled packages.
#[derive(Clone, Debug)]
pub struct Cache {
    path: PathBuf,
}

impl Cache {
    /// The cache in a folder, which is made when something is put there.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// A package of a folder: from the cache, or read and put there.
    ///
    /// # Errors
    /// It is not in the folder, or cannot be used.
    pub fn read(&self, folder: &Folder, name: &PackageName) -> Result<Package, PackageError> {
        let files = folder.files(name)?;
        let source = hash(&files);
        let path = self.path.join(format!("{name}.package"));
        match fs::read(&path).ok().map(|file| Package::from_compiled(&file, &source)) {
            Some(Ok(package)) => return Ok(package),
            Some(Err(NotUsable::Damaged)) => tracing::warn!(%name, "a compiled package was damaged and is made anew"),
            Some(Err(NotUsable::Layout | NotUsable::Source)) | None => {}
        }
        let package = super::of_files(&name.to_string(), files)?;
        if let Err(error) = self.put(&path, &package.compiled(&source)) {
            tracing::warn!(%name, %error, "a compiled package cannot be kept");
        }
        Ok(package)
    }

    fn put(&self, path: &Path, file: &[u8]) -> std::io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.path)?;
        // Others may write the same at the same time: each its own file, and the last one stays.
        let partial = path.with_extension(format!("{}.partial", uuid::Uuid::now_v7().simple()));
        let put = fs::write(&partial, file).and_then(|()| fs::rename(&partial, path));
        if put.is_err() {
            let _ = fs::remove_file(&partial);
        }
        put
    }
}

/// What stands for the content of a package: a hash of its files, names included.
fn hash(files: &[(String, Bytes)]) -> String {
    let mut context = Context::new(&SHA256);
    for (name, content) in files {
        context.update(format!("{name}\t{}\n", content.len()).as_bytes());
        context.update(content);
    }
    context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
