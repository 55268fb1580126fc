//! Texts that are packed into the program: the index is read at start, the text is unpacked when it is first asked for.

use std::io::Read as _;
use std::sync::OnceLock;

use flate2::read::DeflateDecoder;

/// A packed text and its parts.
pub(crate) struct Volume {
    index: &'static str,
    packed: &'static [u8],
    text: OnceLock<String>,
}

/// A part of a volume.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    start: usize,
    length: usize,
}

impl Volume {
    pub(crate) const fn new(index: &'static str, packed: &'static [u8]) -> Self {
        Self { index, packed, text: OnceLock::new() }
    }

    /// The keys of its parts, and where these are.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (&'static str, Part)> {
        self.index.lines().skip(1).filter_map(|line| {
            let (rest, length) = line.rsplit_once('\t')?;
            let (key, start) = rest.rsplit_once('\t')?;
            Some((key, Part { start: start.parse().ok()?, length: length.parse().ok()? }))
        })
    }

    /// The text of a part.
    pub(crate) fn text(&self, part: Part) -> &str {
        self.text.get_or_init(|| self.unpack()).get(part.start..part.start + part.length).unwrap_or_default()
    }

    /// Our own build packed it: what cannot be unpacked cannot be there.
    fn unpack(&self) -> String {
        let size = self.index.lines().next().and_then(|line| line.parse().ok()).unwrap_or_default();
        let mut text = String::with_capacity(size);
        match DeflateDecoder::new(self.packed).read_to_string(&mut text) {
            Ok(_) => text,
            Err(_) => String::new(),
        }
    }
}

/// A volume that `build.rs` made.
macro_rules! volume {
    ($($name:literal),+) => {
        $crate::volume::Volume::new(
            include_str!(concat!(env!("OUT_DIR"), "/", $($name,)+ ".index")),
            include_bytes!(concat!(env!("OUT_DIR"), "/", $($name,)+ ".packed")),
        )
    };
}
pub(crate) use volume;
