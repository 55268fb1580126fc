//! A package as one file of a cache: read without looking at its JSON again.
//!
//! The file is a line that says what it is, a line with the hash of what it was made from, the length and the checksum of the
//! rest, and the rest: deflated, the manifest and the artefacts one behind the other. Whoever finds it damaged, of another
//! layout or made from something else makes it anew.

mod body;

use std::io::{Read as _, Write as _};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use crate::package::Package;

/// The layout, as a hash of the sources that say how facts are read and written: a file that another form of them wrote is made
/// anew, and nobody needs to remember to say so.
const LAYOUT: u64 = hash(&[
    include_bytes!("mod.rs"),
    include_bytes!("body.rs"),
    include_bytes!("../draft/json.rs"),
    include_bytes!("../draft/json/element.rs"),
    include_bytes!("../facts/print.rs"),
    include_bytes!("../facts/words.rs"),
    include_bytes!("../snapshot/identify.rs"),
]);

/// FNV-1a.
const fn hash(texts: &[&[u8]]) -> u64 {
    let (mut hash, mut text) = (0xcbf2_9ce4_8422_2325_u64, 0);
    while text < texts.len() {
        let mut at = 0;
        while at < texts[text].len() {
            hash = (hash ^ texts[text][at] as u64).wrapping_mul(0x0100_0000_01b3);
            at += 1;
        }
        text += 1;
    }
    hash
}

/// The first line of a file.
fn first_line() -> String {
    format!("frontdesk-package {LAYOUT:016x}")
}

/// Bytes of the unpacked rest, at most.
const MOST: u64 = 1 << 30;

/// Why a file of the cache is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotUsable {
    /// It was written by another release of this program.
    #[error("expected a file that this release of the program wrote")]
    Layout,
    /// It was made from something else.
    #[error("expected a file made from the same package")]
    Source,
    /// It is not what was written.
    #[error("expected an undamaged file")]
    Damaged,
}

impl Package {
    /// The package as a file of a cache. `source` is the hash of what it was made from, in any spelling without space.
    #[must_use]
    pub fn compiled(&self, source: &str) -> Vec<u8> {
        let body = body::write(self);
        let mut packed = DeflateEncoder::new(Vec::new(), Compression::fast());
        // Memory takes everything.
        let _ = packed.write_all(&body);
        let packed = packed.finish().unwrap_or_default();
        let mut file = format!("{}\n{source}\n{} {:08x}\n", first_line(), body.len(), checksum(&packed)).into_bytes();
        file.extend_from_slice(&packed);
        file
    }

    /// The package of a file that [`Package::compiled`] made.
    ///
    /// # Errors
    /// It is of another layout, made from something else, or damaged.
    pub fn from_compiled(file: &[u8], source: &str) -> Result<Self, NotUsable> {
        let (layout, rest) = line(file).ok_or(NotUsable::Layout)?;
        if layout != first_line() {
            return Err(NotUsable::Layout);
        }
        let (made_from, rest) = line(rest).ok_or(NotUsable::Damaged)?;
        if made_from != source {
            return Err(NotUsable::Source);
        }
        let (sizes, packed) = line(rest).ok_or(NotUsable::Damaged)?;
        let (length, sum) = sizes.split_once(' ').ok_or(NotUsable::Damaged)?;
        let length: u64 = length.parse().map_err(|_| NotUsable::Damaged)?;
        if sum != format!("{:08x}", checksum(packed)) || length > MOST {
            return Err(NotUsable::Damaged);
        }
        body::read(&unpacked(packed, length)?).ok_or(NotUsable::Damaged)
    }
}

fn line(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.iter().take(1024).position(|byte| *byte == b'\n')?;
    let (line, rest) = bytes.split_at(end);
    Some((std::str::from_utf8(line).ok()?, rest.get(1..)?))
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut sum = flate2::Crc::new();
    sum.update(bytes);
    sum.sum()
}

fn unpacked(packed: &[u8], length: u64) -> Result<Bytes, NotUsable> {
    let mut body = Vec::new();
    let read = DeflateDecoder::new(packed).take(length + 1).read_to_end(&mut body);
    match read {
        Ok(read) if read as u64 == length => Ok(body.into()),
        _ => Err(NotUsable::Damaged),
    }
}
