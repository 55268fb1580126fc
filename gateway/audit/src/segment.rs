//! One file of the log: a head, then frames. Written by one thread, read by many, deleted as a whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::RwLock;

use crate::codec::{self, View};
use crate::index::{self, Block, Index, Summary};

const MAGIC: [u8; 8] = *b"FDAUDIT\x01";
/// Bytes before the first frame: magic and number.
const HEAD: u64 = 16;

/// A segment as readers see it.
pub(crate) struct Segment {
    pub(crate) number: u64,
    log: PathBuf,
    state: RwLock<State>,
}

enum State {
    /// Being written: everything in the index is durable.
    Open(Index),
    /// Full: its index lies in a file.
    Sealed(Summary),
}

/// What opening a segment that was not sealed found behind its last sound frame.
pub(crate) struct Torn(pub(crate) u64);

impl Segment {
    /// The segment files of a folder, oldest first.
    pub(crate) fn list(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if let Some(number) = number_of(&path) {
                found.push((number, path));
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Opens a segment of an earlier run. One that was not sealed is read through; a torn tail is cut off (and kept
    /// beside it), and the segment is sealed.
    pub(crate) fn open(number: u64, log: PathBuf) -> io::Result<(Self, Option<Torn>)> {
        let length = fs::metadata(&log)?.len();
        if let Some(summary) = index::load_summary(&log.with_extension("index"))
            && summary.length == length
        {
            return Ok((Self { number, log, state: RwLock::new(State::Sealed(summary)) }, None));
        }
        let index = read_through(&log)?;
        let torn = cut_tail(&log, index.summary.length, length)?;
        let segment = Self { number, log, state: RwLock::new(State::Open(index)) };
        segment.seal()?;
        Ok((segment, torn))
    }

    pub(crate) fn summary(&self) -> Summary {
        match &*self.state.read() {
            State::Open(index) => index.summary,
            State::Sealed(summary) => *summary,
        }
    }

    /// Its blocks, oldest first.
    pub(crate) fn blocks(&self) -> io::Result<Vec<Arc<Block>>> {
        if let State::Open(index) = &*self.state.read() {
            return Ok(index.blocks.clone());
        }
        match index::load_blocks(&self.log.with_extension("index")) {
            Some(blocks) => Ok(blocks),
            // A damaged index costs time, never an answer.
            None => Ok(read_through(&self.log)?.blocks),
        }
    }

    /// The bytes of a block.
    pub(crate) fn read(&self, block: &Block) -> io::Result<Vec<u8>> {
        let length = usize::try_from(block.end.saturating_sub(block.start)).unwrap_or_default();
        let mut bytes = vec![0; length];
        File::open(&self.log)?.read_exact_at(&mut bytes, block.start)?;
        Ok(bytes)
    }

    /// Writes the index beside it. From now on only its summary is in memory.
    pub(crate) fn seal(&self) -> io::Result<()> {
        let mut state = self.state.write();
        if let State::Open(index) = &*state {
            index.save(&self.log.with_extension("index"))?;
            *state = State::Sealed(index.summary);
        }
        Ok(())
    }

    /// Deletes it with its index. Who reads it at the moment reads on.
    pub(crate) fn delete(&self) -> io::Result<()> {
        fs::remove_file(&self.log)?;
        match fs::remove_file(self.log.with_extension("index")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// The one segment that is being written.
pub(crate) struct Writer {
    pub(crate) segment: Arc<Segment>,
    file: File,
}

impl Writer {
    /// Begins a segment; it is on disk, with its name, when this returns.
    pub(crate) fn create(folder: &Path, number: u64) -> io::Result<Self> {
        let log = folder.join(format!("audit-{number:012}.log"));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&log)?;
        let head = [MAGIC, number.to_le_bytes()].concat();
        let begun = file.write_all(&head).and_then(|()| file.sync_all()).and_then(|()| File::open(folder)?.sync_all());
        if let Err(error) = begun {
            let _ = fs::remove_file(&log);
            return Err(error);
        }
        let state = RwLock::new(State::Open(Index::empty(HEAD)));
        Ok(Self { segment: Arc::new(Segment { number, log, state }), file })
    }

    /// Appends frames and waits until they are on disk. After an error the file is as long as before, as far as the
    /// disk lets us, and must not be written to again: a failed fsync leaves nothing to rely on.
    pub(crate) fn append(&mut self, frames: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_all(frames).and_then(|()| self.file.sync_data()) {
            let _ = self.file.set_len(self.segment.summary().length);
            return Err(error);
        }
        if let State::Open(index) = &mut *self.segment.state.write() {
            for_each_frame(frames, |view, size| index.add(view, size));
        }
        Ok(())
    }
}

/// Calls back for each sound frame from the front; returns the bytes that they take.
pub(crate) fn for_each_frame(mut frames: &[u8], mut visit: impl FnMut(&View<'_>, usize)) -> u64 {
    let mut taken = 0;
    while let Some((payload, size)) = codec::frame(frames) {
        let Some(view) = View::decode(payload) else { break };
        visit(&view, size);
        taken += size as u64;
        frames = frames.get(size..).unwrap_or_default();
    }
    taken
}

fn number_of(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    name.strip_prefix("audit-")?.strip_suffix(".log")?.parse().ok()
}

/// Reads a segment from its head to its end or its first damaged frame, in pieces.
fn read_through(log: &Path) -> io::Result<Index> {
    let mut file = File::open(log)?;
    let mut head = [0; HEAD as usize];
    let mut index = Index::empty(HEAD);
    match file.read_exact(&mut head) {
        Ok(()) if head.starts_with(&MAGIC) => {}
        // The crash came before the head was written: nothing is lost.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Index::empty(0)),
        Ok(()) => return Err(io::Error::new(io::ErrorKind::InvalidData, "not a segment of an audit log")),
        Err(error) => return Err(error),
    }
    let mut buffer = Vec::new();
    loop {
        let read = Read::take(&mut file, 1 << 20).read_to_end(&mut buffer)?;
        let taken = for_each_frame(&buffer, |view, size| index.add(view, size));
        buffer.drain(..usize::try_from(taken).unwrap_or_default());
        // What is longer than the longest frame and still no frame is damage.
        if read == 0 || buffer.len() > codec::LONGEST + codec::FRAME {
            return Ok(index);
        }
    }
}

/// Cuts off what stands behind the sound frames. The tail is kept in a file of its own: it was never acknowledged as
/// durable, but after damage in the middle of a file a person may want to look.
fn cut_tail(log: &Path, sound: u64, length: u64) -> io::Result<Option<Torn>> {
    if sound >= length {
        return Ok(None);
    }
    let file = OpenOptions::new().read(true).write(true).open(log)?;
    let mut tail = vec![0; usize::try_from((length - sound).min(16 << 20)).unwrap_or_default()];
    file.read_exact_at(&mut tail, sound)?;
    let mut kept =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(log.with_extension("torn"))?;
    kept.write_all(&tail)?;
    kept.sync_data()?;
    file.set_len(sound)?;
    file.sync_all()?;
    Ok(Some(Torn(length - sound)))
}
