//! The thread that writes: gathers what came within the window, appends it, fsyncs once, and keeps the segments.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::codec::micros;
use crate::log::{OnFull, Shared};
use crate::segment::{Segment, Writer};

/// How often age and size are looked at when nothing is written, and how long a failed write waits.
const TICK: Duration = Duration::from_secs(1);
/// Between two retention passes.
const RETENTION: Duration = Duration::from_secs(60);

/// Writes until the log is closed.
pub(crate) fn run(shared: &Shared) {
    let mut writing = Writing { shared, open: None, group: Vec::new(), retained: None };
    while let Some(upto) = writing.gather() {
        writing.write_until_durable(upto);
        writing.keep_house();
    }
    writing.seal();
}

struct Writing<'a> {
    shared: &'a Shared,
    open: Option<Writer>,
    /// What is being written.
    group: Vec<u8>,
    retained: Option<Instant>,
}

impl Writing<'_> {
    /// Waits for records and takes them all; the number of records taken so far. None when the log is closed and empty.
    fn gather(&mut self) -> Option<u64> {
        let mut pending = self.shared.pending.lock();
        while pending.bytes.is_empty() {
            if pending.closing {
                return None;
            }
            if self.shared.wake.wait_for(&mut pending, TICK).timed_out() && pending.bytes.is_empty() {
                return Some(pending.taken);
            }
        }
        let until = Instant::now() + self.shared.settings.window;
        while !pending.hurry && !pending.closing {
            if self.shared.wake.wait_until(&mut pending, until).timed_out() {
                break;
            }
        }
        pending.hurry = false;
        self.group.clear();
        std::mem::swap(&mut self.group, &mut pending.bytes);
        Some(pending.taken)
    }

    /// Tries until the group is on disk. Closing gives up after one more try: a stop must end.
    fn write_until_durable(&mut self, upto: u64) {
        while !self.group.is_empty() {
            match self.write() {
                Ok(()) => self.succeeded(),
                Err(error) => {
                    self.failed(&error);
                    if self.shared.pending.lock().closing {
                        tracing::error!(
                            bytes = self.group.len(),
                            "closing the audit log with records that are not written"
                        );
                        break;
                    }
                    std::thread::sleep(TICK);
                }
            }
        }
        self.group.clear();
        self.shared.pending.lock().durable = upto;
        self.shared.written.notify_all();
    }

    fn write(&mut self) -> io::Result<()> {
        let mut writer = match self.open.take() {
            Some(writer) => writer,
            None => self.begin()?,
        };
        let began = Instant::now();
        // After an error the writer is dropped: the next try begins a new segment.
        let done = writer.append(&self.group);
        metrics::histogram!("frontdesk_audit_write_seconds").record(began.elapsed().as_secs_f64());
        if let Err(error) = done {
            self.close(&writer);
            return Err(error);
        }
        self.group.clear();
        self.open = Some(writer);
        Ok(())
    }

    fn begin(&self) -> io::Result<Writer> {
        let mut segments = self.shared.segments.write();
        let number = segments.last().map_or(1, |segment| segment.number + 1);
        let writer = Writer::create(&self.shared.settings.folder, number)?;
        segments.push(Arc::clone(&writer.segment));
        Ok(writer)
    }

    fn succeeded(&self) {
        if self.shared.failing.swap(false, Ordering::Relaxed) {
            tracing::warn!("the audit log can be written again");
            metrics::gauge!("frontdesk_audit_failing").set(0.0);
        }
    }

    fn failed(&self, error: &io::Error) {
        if !self.shared.failing.swap(true, Ordering::Relaxed) {
            let requests = if self.shared.settings.on_full == OnFull::Stop { "are refused" } else { "go on" };
            tracing::error!(%error, requests, "the audit log cannot be written");
            metrics::gauge!("frontdesk_audit_failing").set(1.0);
        }
    }

    /// Seals what is full or old and deletes what is over age or over size.
    fn keep_house(&mut self) {
        let settings = &self.shared.settings;
        if let Some(writer) = &self.open {
            let summary = writer.segment.summary();
            let oldest = micros(self.shared.now()).saturating_sub(as_micros(settings.segment_age));
            if summary.length >= settings.segment_size || summary.first <= oldest {
                self.seal();
            }
        }
        if self.retained.is_none_or(|last| last.elapsed() >= RETENTION) {
            self.retain();
        }
    }

    fn seal(&mut self) {
        if let Some(writer) = self.open.take() {
            self.close(&writer);
            self.retain();
        }
    }

    /// Without its index a segment can still be read, and is indexed at the next start.
    fn close(&self, writer: &Writer) {
        if let Err(error) = writer.segment.seal() {
            tracing::warn!(%error, segment = writer.segment.number, "cannot write the index of an audit segment");
        }
    }

    fn is_writing(&self, segment: &Segment) -> bool {
        self.open.as_ref().is_some_and(|writer| writer.segment.number == segment.number)
    }

    fn retain(&mut self) {
        self.retained = Some(Instant::now());
        let settings = &self.shared.settings;
        let mut segments = self.shared.segments.write();
        let mut total: u64 = segments.iter().map(|segment| segment.summary().length).sum();
        let oldest = settings.retain_age.map(|age| micros(self.shared.now()).saturating_sub(as_micros(age)));
        while let Some(first) = segments.first().filter(|segment| !self.is_writing(segment)) {
            let summary = first.summary();
            let aged = oldest.is_some_and(|oldest| summary.last < oldest);
            let over = settings.retain_size.is_some_and(|size| total > size) && segments.len() > 1;
            if !aged && !over {
                break;
            }
            if let Err(error) = first.delete() {
                tracing::error!(%error, segment = first.number, "cannot delete an audit segment");
                break;
            }
            tracing::info!(segment = first.number, events = summary.events, "deleted an audit segment by retention");
            total -= summary.length;
            segments.remove(0);
        }
    }
}

fn as_micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
