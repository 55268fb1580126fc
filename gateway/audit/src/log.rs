//! The log: records go into a bounded buffer, a thread of its own writes them in groups.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use adapter::{Clock, Health};
use parking_lot::{Condvar, Mutex, RwLock};

use crate::codec;
use crate::record::Record;
use crate::segment::Segment;
use crate::writer;

/// How the log is kept.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The log's own folder; made when it is not there.
    pub folder: PathBuf,
    /// How long records are gathered before one write and one fsync: what a crash can lose. Default 5 ms.
    pub window: Duration,
    /// A segment is sealed when it is this many bytes long. Default 64 MiB.
    pub segment_size: u64,
    /// A segment is sealed when its first record is this old, so that retention by age is exact enough. Default one day.
    pub segment_age: Duration,
    /// Segments whose last record is older are deleted. Default six years, as HIPAA wants (45 CFR 164.316(b)(2)).
    pub retain_age: Option<Duration>,
    /// The oldest segments are deleted while all of them are longer than this many bytes. Default none.
    pub retain_size: Option<u64>,
    /// Records that are not durable yet at most. Default 16,384.
    pub queue: u64,
    /// Bytes that wait for the writer at most. Default 8 MiB.
    pub buffer: usize,
    /// What to do when records can be neither written nor buffered.
    pub on_full: OnFull,
}

impl Settings {
    /// The defaults, in that folder.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            window: Duration::from_millis(5),
            segment_size: 64 << 20,
            segment_age: Duration::from_hours(24),
            retain_age: Some(Duration::from_hours(24 * 365 * 6 + 48)),
            retain_size: None,
            queue: 16_384,
            buffer: 8 << 20,
            on_full: OnFull::Stop,
        }
    }
}

/// What to do when records can be neither written nor buffered: a full disk, a broken disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFull {
    /// Requests go on without being written down; metric, log and health raise an alarm.
    Continue,
    /// Requests are refused until the log can be written again.
    Stop,
}

/// The log cannot take a record, and the settings say to stop. The client gets 503.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the audit log cannot be written")]
pub struct Full;

/// Why a log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Two processes would write the same files.
    #[error("the audit log in {0} is in use by another process")]
    InUse(PathBuf),
    /// The folder or a segment cannot be read or written.
    #[error("cannot open the audit log in {0}")]
    Io(PathBuf, #[source] io::Error),
    /// No thread.
    #[error("cannot start the audit log's thread")]
    Thread(#[source] io::Error),
}

/// Records could not be made durable in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the audit log was not written in time")]
pub struct NotFlushed;

/// The audit log of a gateway. Cheap to clone; when the last clone is dropped, what waits is written.
#[derive(Clone)]
pub struct Log {
    pub(crate) shared: Arc<Shared>,
    _thread: Arc<Thread>,
}

/// What the log, its thread and its readers share.
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) pending: Mutex<Pending>,
    /// Something waits, or somebody is in a hurry.
    pub(crate) wake: Condvar,
    /// Something became durable.
    pub(crate) written: Condvar,
    /// The last write failed.
    pub(crate) failing: AtomicBool,
    /// Records that were given up.
    pub(crate) lost: AtomicU64,
    /// Oldest first; the last one may be open.
    pub(crate) segments: RwLock<Vec<Arc<Segment>>>,
    /// Held while the process lives.
    _lock: File,
}

#[derive(Default)]
pub(crate) struct Pending {
    /// Frames.
    pub(crate) bytes: Vec<u8>,
    /// How many records were ever taken, and how many of them are durable.
    pub(crate) taken: u64,
    pub(crate) durable: u64,
    pub(crate) hurry: bool,
    pub(crate) closing: bool,
}

struct Thread {
    shared: Arc<Shared>,
    handle: Option<JoinHandle<()>>,
}

impl Log {
    /// Opens the log in a folder and starts its thread. A torn tail of an earlier run is cut off.
    ///
    /// # Errors
    /// When another process has it, or the folder cannot be read or written.
    pub fn open(settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let failed = |error| OpenError::Io(settings.folder.clone(), error);
        fs::create_dir_all(&settings.folder).map_err(failed)?;
        let lock = lock(&settings)?;
        let segments = open_segments(&settings).map_err(failed)?;
        let shared = Arc::new(Shared {
            settings,
            clock,
            pending: Mutex::default(),
            wake: Condvar::new(),
            written: Condvar::new(),
            failing: AtomicBool::new(false),
            lost: AtomicU64::new(0),
            segments: RwLock::new(segments),
            _lock: lock,
        });
        let thread = Arc::clone(&shared);
        let handle = std::thread::Builder::new()
            .name("audit".into())
            .spawn(move || writer::run(&thread))
            .map_err(OpenError::Thread)?;
        Ok(Self { _thread: Arc::new(Thread { shared: Arc::clone(&shared), handle: Some(handle) }), shared })
    }

    /// Whether a request may begin. Asked before anything is done, so that nothing is done that cannot be written down.
    /// Costs one atomic load.
    ///
    /// # Errors
    /// When the log cannot be written and the settings say to stop.
    pub fn admit(&self) -> Result<(), Full> {
        match self.shared.settings.on_full {
            OnFull::Stop if self.shared.failing.load(Ordering::Relaxed) => Err(Full),
            _ => Ok(()),
        }
    }

    /// Hands a record to the writer; it is durable about one window later. Never blocks on the disk.
    ///
    /// # Errors
    /// When the buffer is full and the settings say to stop. With [`OnFull::Continue`] the record is given up, counted
    /// and reported.
    pub fn record(&self, record: &Record) -> Result<(), Full> {
        let mut pending = self.shared.pending.lock();
        let settings = &self.shared.settings;
        if pending.bytes.len() >= settings.buffer || pending.taken - pending.durable >= settings.queue {
            drop(pending);
            return self.give_up();
        }
        let was_empty = pending.bytes.is_empty();
        codec::append(record, &mut pending.bytes);
        pending.taken += 1;
        drop(pending);
        if was_empty {
            self.shared.wake.notify_one();
        }
        Ok(())
    }

    fn give_up(&self) -> Result<(), Full> {
        let lost = self.shared.lost.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("frontdesk_audit_lost_total").increment(1);
        match self.shared.settings.on_full {
            OnFull::Stop => Err(Full),
            OnFull::Continue => {
                // Each power of two: loud, and yet not a line per request.
                if (lost + 1).is_power_of_two() {
                    tracing::error!(lost = lost + 1, "audit records are being lost: the log cannot be written");
                }
                Ok(())
            }
        }
    }

    /// Waits until everything that was recorded before is durable. Blocks: call it from a thread that may.
    ///
    /// # Errors
    /// When it takes longer than `patience`.
    pub fn flush(&self, patience: Duration) -> Result<(), NotFlushed> {
        let until = Instant::now() + patience;
        let mut pending = self.shared.pending.lock();
        let wanted = pending.taken;
        while pending.durable < wanted {
            pending.hurry = true;
            self.shared.wake.notify_one();
            if self.shared.written.wait_until(&mut pending, until).timed_out() {
                return if pending.durable < wanted { Err(NotFlushed) } else { Ok(()) };
            }
        }
        Ok(())
    }

    /// How the log is. It is down when requests are refused because of it, degraded when records are being lost.
    #[must_use]
    pub fn health(&self) -> Health {
        if self.shared.failing.load(Ordering::Relaxed) {
            let text = "the audit log cannot be written".to_owned();
            return if self.shared.settings.on_full == OnFull::Stop {
                Health::Down(text)
            } else {
                Health::Degraded(text)
            };
        }
        match self.lost() {
            0 => Health::Up,
            lost => Health::Degraded(format!("{lost} audit records were lost since start")),
        }
    }

    /// Records that were given up since the log was opened.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.shared.lost.load(Ordering::Relaxed)
    }

    /// Bytes on disk and AuditEvents in them.
    #[must_use]
    pub fn size(&self) -> (u64, u64) {
        let segments = self.shared.segments.read();
        segments
            .iter()
            .map(|segment| segment.summary())
            .fold((0, 0), |(bytes, events), summary| (bytes + summary.length, events + summary.events))
    }
}

impl Shared {
    pub(crate) fn now(&self) -> SystemTime {
        self.clock.now()
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.shared.pending.lock().closing = true;
        self.shared.wake.notify_one();
        if let Some(handle) = self.handle.take() {
            let _ = handle.join();
        }
    }
}

fn lock(settings: &Settings) -> Result<File, OpenError> {
    let failed = |error| OpenError::Io(settings.folder.clone(), error);
    let file =
        File::options().create(true).truncate(false).write(true).open(settings.folder.join("lock")).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(settings.folder.clone())),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

fn open_segments(settings: &Settings) -> io::Result<Vec<Arc<Segment>>> {
    let mut segments = Vec::new();
    for (number, path) in Segment::list(&settings.folder)? {
        let (segment, torn) = Segment::open(number, path)?;
        if let Some(torn) = torn {
            tracing::warn!(segment = number, bytes = torn.0, "cut off the torn tail of an audit segment");
        }
        segments.push(Arc::new(segment));
    }
    Ok(segments)
}
