//! Crashes, damage, full disks, retention.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use adapter::Health;
use adapter::host::SystemClock;
use audit::{Full, Log, OnFull, OpenError, Record, Settings};

use crate::support::{open, open_with, read_of};

const SOON: Duration = Duration::from_secs(10);

fn segments(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    found.sort();
    found
}

fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + SOON;
    while !is_so() {
        assert!(Instant::now() < until, "{what} was expected within {SOON:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Runs this test alone in another process, which sees `FOLDER`.
fn as_child(test: &str, folder: &Path, shell: &str) -> Command {
    let mut command = Command::new("bash");
    command.args(["-c", &format!("{shell} exec \"$0\" --exact {test} --nocapture")]);
    command.arg(std::env::current_exe().unwrap()).env("FOLDER", folder).stdout(Stdio::piped());
    command
}

#[test]
fn a_kill_loses_nothing_that_was_flushed() {
    if let Some(folder) = std::env::var_os("FOLDER") {
        let log = Log::open(Settings::new(folder), Arc::new(SystemClock)).unwrap();
        for number in 0.. {
            log.record(&Record { recorded: SystemTime::now(), ..read_of(&format!("p{number}")) }).unwrap();
            if number % 50 == 0 {
                log.flush(SOON).unwrap();
                println!("durable {number}");
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let mut child = as_child("durability::a_kill_loses_nothing_that_was_flushed", folder.path(), "").spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let numbers = lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("durable ")?.parse::<u64>().ok());
    let acknowledged = numbers.take_while(|number| *number < 2000).last().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let setup = open(folder.path());
    assert!(setup.log.size().1 > acknowledged, "{} of {acknowledged}", setup.log.size().1);
    assert_eq!(setup.count(&format!("patient=p{acknowledged}")), 1);
}

#[test]
fn a_record_is_durable_a_window_later_without_a_flush() {
    let folder = tempfile::tempdir().unwrap();
    let setup = open(folder.path());
    setup.record(&read_of("p1"));
    eventually("a durable record", || setup.log.size().1 == 1);
}

#[test]
fn a_torn_tail_is_cut_off_and_kept_aside_and_the_log_goes_on() {
    for torn in [&b"\x40\0\0\0\x01\x02\x03\x04half a record"[..], b"\xff\xff\xff\xff\0\0\0\0", b"\x01"] {
        let folder = tempfile::tempdir().unwrap();
        let setup = open(folder.path());
        setup.record(&read_of("p1"));
        drop(setup);
        let log = segments(folder.path()).remove(0);
        fs::remove_file(log.with_extension("index")).unwrap();
        OpenOptions::new().append(true).open(&log).unwrap().write_all(torn).unwrap();
        let setup = open(folder.path());
        setup.record(&read_of("p2"));
        assert_eq!(setup.count(""), 2);
        assert_eq!(fs::read(log.with_extension("torn")).unwrap(), torn);
    }
}

#[test]
fn a_segment_that_a_crash_left_without_a_head_is_an_empty_one() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("audit-000000000001.log"), b"FDAU").unwrap();
    let setup = open(folder.path());
    setup.record(&read_of("p1"));
    assert_eq!(setup.count(""), 1);
}

#[test]
fn a_damaged_index_costs_no_event() {
    let folder = tempfile::tempdir().unwrap();
    let setup = open(folder.path());
    setup.record(&read_of("p1"));
    drop(setup);
    let index = segments(folder.path()).remove(0).with_extension("index");
    let mut bytes = fs::read(&index).unwrap();
    let last = bytes.len() - 100;
    bytes[last] ^= 1;
    fs::write(&index, bytes).unwrap();
    assert_eq!(open(folder.path()).count("patient=p1"), 1);
}

#[test]
fn an_index_that_is_older_than_its_segment_does_not_count() {
    let folder = tempfile::tempdir().unwrap();
    let setup = open(folder.path());
    setup.record(&read_of("p1"));
    drop(setup);
    let log = segments(folder.path()).remove(0);
    let bytes = fs::read(&log).unwrap();
    // The same frames once more, as a writer leaves them that was killed before it wrote the index.
    OpenOptions::new().append(true).open(&log).unwrap().write_all(&bytes[16..]).unwrap();
    assert_eq!(open(folder.path()).count("patient=p1"), 2);
}

#[test]
fn the_newest_segment_stays_however_long_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let setup = open_with(Settings { segment_size: 1, retain_size: Some(1), ..Settings::new(folder.path()) });
    for patient in ["p1", "p2"] {
        setup.record(&read_of(patient));
        setup.log.flush(Duration::from_secs(5)).unwrap();
    }
    eventually("the older segment goes", || segments(folder.path()).len() == 1);
    assert_eq!((setup.count("patient=p1"), setup.count("patient=p2")), (0, 1));
}

#[test]
fn one_folder_is_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let _setup = open(folder.path());
    let second = Log::open(Settings::new(folder.path()), Arc::new(SystemClock));
    assert!(matches!(second, Err(OpenError::InUse(_))));
}

#[test]
fn segments_over_age_are_deleted_whole() {
    let folder = tempfile::tempdir().unwrap();
    let day = Duration::from_hours(24);
    let setup = open_with(Settings { segment_age: day, retain_age: Some(10 * day), ..Settings::new(folder.path()) });
    for number in 0..30 {
        setup.record(&read_of(&format!("p{number}")));
        setup.log.flush(SOON).unwrap();
        setup.clock.advance(day);
        // The thread looks at age once a second when nothing comes, and after every group.
        setup.record(&read_of("tick"));
        setup.log.flush(SOON).unwrap();
    }
    eventually("old segments deleted", || segments(folder.path()).len() <= 13);
    assert_eq!(setup.count("patient=p0"), 0);
    assert_eq!(setup.count("patient=p29"), 1);
}

#[test]
fn the_oldest_segments_are_deleted_when_all_are_too_long() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { segment_size: 2000, retain_size: Some(10_000), ..Settings::new(folder.path()) };
    let setup = open_with(settings);
    for number in 0..200 {
        setup.record(&read_of(&format!("p{number}")));
        setup.log.flush(SOON).unwrap();
    }
    eventually("old segments deleted", || setup.log.size().0 <= 12_500);
    assert_eq!(setup.count("patient=p0"), 0);
    assert_eq!(setup.count("patient=p199"), 1);
}

/// A folder that is moved away cannot take a new segment, which is what a full disk looks like from here.
fn broken(on_full: OnFull, buffer: usize) -> (tempfile::TempDir, PathBuf, crate::support::Setup) {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("log");
    let setup = open_with(Settings { on_full, buffer, segment_size: 1, ..Settings::new(&folder) });
    setup.record(&read_of("before"));
    setup.log.flush(SOON).unwrap();
    let away = place.path().join("away");
    fs::rename(&folder, &away).unwrap();
    setup.log.record(&read_of("during")).unwrap();
    (place, away, setup)
}

#[test]
fn a_full_disk_stops_requests_and_what_was_taken_is_written_when_there_is_room_again() {
    let (place, away, setup) = broken(OnFull::Stop, 8 << 20);
    assert_eq!(setup.log.admit(), Ok(()));
    eventually("refusal", || setup.log.admit() == Err(Full));
    assert!(matches!(setup.log.health(), Health::Down(_)));
    // What was under way is still taken.
    setup.log.record(&read_of("under-way")).unwrap();
    assert!(setup.log.flush(Duration::from_millis(50)).is_err());
    fs::rename(away, place.path().join("log")).unwrap();
    eventually("recovery", || setup.log.admit() == Ok(()) && setup.log.flush(SOON).is_ok());
    assert_eq!(setup.log.health(), Health::Up);
    for patient in ["before", "during", "under-way"] {
        assert_eq!(setup.count(&format!("patient={patient}")), 1, "{patient}");
    }
}

#[test]
fn with_continue_a_full_disk_costs_records_and_says_so() {
    let (place, away, setup) = broken(OnFull::Continue, 1000);
    eventually("an alarm", || matches!(setup.log.health(), Health::Degraded(_)));
    for number in 0..100 {
        assert_eq!(setup.log.admit(), Ok(()));
        assert_eq!(setup.log.record(&read_of(&format!("p{number}"))), Ok(()));
    }
    assert!(setup.log.lost() > 50, "{}", setup.log.lost());
    fs::rename(away, place.path().join("log")).unwrap();
    eventually("recovery", || setup.log.flush(SOON).is_ok());
    assert_eq!(setup.count("patient=p0"), 1);
    assert!(matches!(setup.log.health(), Health::Degraded(_)), "what was lost stays visible");
}

#[test]
fn a_full_buffer_refuses_with_stop_and_the_memory_stays_bounded() {
    let (_place, _away, setup) = broken(OnFull::Stop, 1000);
    eventually("a full buffer", || setup.log.record(&read_of("more")) == Err(Full));
}

#[test]
fn a_full_queue_refuses_with_stop() {
    let folder = tempfile::tempdir().unwrap();
    let window = Duration::from_millis(500);
    let setup = open_with(Settings { queue: 10, window, ..Settings::new(folder.path()) });
    (0..10).for_each(|_| setup.record(&read_of("p1")));
    assert_eq!(setup.log.record(&read_of("p1")), Err(Full));
    setup.log.flush(SOON).unwrap();
    setup.record(&read_of("p1"));
}

#[test]
fn a_write_that_fails_half_way_leaves_each_record_once() {
    let test = "durability::a_write_that_fails_half_way_leaves_each_record_once";
    if let Some(folder) = std::env::var_os("FOLDER") {
        let setup = open(Path::new(&folder));
        // Groups of about 5 KB against files of at most 16 KiB: a later group of each file fails in the middle.
        for number in 0..400 {
            setup.record(&read_of(&format!("p{number}")));
            if number % 25 == 24 {
                setup.log.flush(SOON).unwrap();
            }
        }
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // A file beyond the limit is EFBIG once its signal is ignored.
    let status = as_child(test, folder.path(), "trap '' XFSZ; ulimit -f 16;").status().unwrap();
    assert!(status.success());
    assert!(segments(folder.path()).len() > 2, "no write failed");
    let setup = open(folder.path());
    assert_eq!(setup.count("_count=500"), 400);
    for number in [0, 74, 75, 199, 399] {
        assert_eq!(setup.count(&format!("patient=p{number}")), 1);
    }
}
