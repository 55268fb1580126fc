//! Out of the tar, within bounds.

use std::io::Read;
use std::path::{Component, Path};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;

use super::BadArchive;

/// What is taken from one archive at most: whoever made it may mean harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of the whole, unpacked.
    pub unpacked: u64,
    /// Bytes of one file.
    pub file: u64,
    /// Entries of the tar.
    pub entries: u64,
}

impl Default for Bounds {
    /// The core package of R5 has 90 MiB in 4,000 files.
    fn default() -> Self {
        Self { unpacked: 512 << 20, file: 64 << 20, entries: 100_000 }
    }
}

/// The JSON files directly under `package/`, by name.
pub(super) fn files(packed: &[u8], bounds: Bounds) -> Result<Vec<(String, Bytes)>, BadArchive> {
    let mut files = Vec::new();
    let unpacked = Counted { inner: MultiGzDecoder::new(packed), left: bounds.unpacked };
    let mut archive = tar::Archive::new(unpacked);
    let mut entries = 0;
    for entry in archive.entries()? {
        let entry = entry.map_err(|error| unpack_error(error, bounds))?;
        entries += 1;
        if entries > bounds.entries {
            return Err(BadArchive::TooLarge { limit: bounds.entries, of: "entries" });
        }
        let Some(name) = wanted(&entry) else { continue };
        let mut content = Vec::new();
        entry.take(bounds.file + 1).read_to_end(&mut content).map_err(|error| unpack_error(error, bounds))?;
        if content.len() as u64 > bounds.file {
            return Err(BadArchive::TooLarge { limit: bounds.file, of: "bytes in one file" });
        }
        files.push((name, Bytes::from(content)));
    }
    // The tar ends before the gzip does: only who reads on learns that something was cut off or changed.
    std::io::copy(&mut archive.into_inner(), &mut std::io::sink()).map_err(|error| unpack_error(error, bounds))?;
    Ok(files)
}

/// The name of a file that is read: `package/NAME.json`, nothing else and nothing deeper.
fn wanted<R: Read>(entry: &tar::Entry<'_, R>) -> Option<String> {
    if !entry.header().entry_type().is_file() {
        return None;
    }
    let path = entry.path().ok()?;
    let name = name_in_package(&path)?;
    (name.ends_with(".json") && name != ".index.json").then(|| name.to_owned())
}

fn name_in_package(path: &Path) -> Option<&str> {
    let mut parts = path.components().filter(|part| *part != Component::CurDir);
    match (parts.next()?, parts.next()?, parts.next()) {
        (Component::Normal(folder), Component::Normal(name), None) if folder == "package" => name.to_str(),
        _ => None,
    }
}

/// Stops a stream that does not end.
struct Counted<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or(std::io::ErrorKind::FileTooLarge)?;
        Ok(read)
    }
}

fn unpack_error(error: std::io::Error, bounds: Bounds) -> BadArchive {
    if error.kind() == std::io::ErrorKind::FileTooLarge {
        BadArchive::TooLarge { limit: bounds.unpacked, of: "bytes unpacked" }
    } else {
        BadArchive::Unpack(error)
    }
}
