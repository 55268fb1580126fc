//! CPU time of a scan, on a machine that does other things too: `cost FILE [TIMES [WHAT]]`. Wall time says little there; this
//! prints the process's own time, beside what serde_json needs to build a tree of the same bytes. With WHAT only what has this
//! word in its name is done: for counting instructions under `valgrind --tool=callgrind`.

use std::hint::black_box;
use std::{env, fs, io};

use fhir::Version;
use fhir::json::Limits;
use profile::{Bounds, Request, Scratch, Validator};

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let bytes = fs::read(arguments.first().ok_or_else(|| io::Error::other("expected a file"))?)?;
    let times: u32 = arguments.get(1).and_then(|times| times.parse().ok()).unwrap_or(200_000);
    let mut scratch = Scratch::default();
    let mut nodes = Vec::new();
    let only = arguments.get(2).map_or("", String::as_str);
    let print =
        |name: &str, work: &mut dyn FnMut()| if name.contains(only) { print(name, times, work) } else { Ok(()) };
    print("typed scan with all rules", &mut || {
        black_box(profile::scan(black_box(&bytes), Version::R4, None, Bounds::default(), &mut scratch));
    })?;
    let validator = Validator::new(Version::R4);
    print("validation with profiles", &mut || {
        black_box(validator.accepts(black_box(&bytes), &Request::default(), &mut scratch));
    })?;
    print("untyped scan", &mut || {
        let _ = black_box(fhir::json::scan(black_box(&bytes), &mut nodes, Limits::default()));
    })?;
    print("serde_json Value", &mut || {
        let _ = black_box(serde_json::from_slice::<serde_json::Value>(black_box(&bytes)));
    })?;
    print("sonic-rs Value", &mut || {
        let _ = black_box(sonic_rs::from_slice::<sonic_rs::Value>(black_box(&bytes)));
    })
}

fn print(name: &str, times: u32, work: &mut dyn FnMut()) -> io::Result<()> {
    let before = ticks()?;
    (0..times).for_each(|_| work());
    // A tick is 10 ms.
    let nanoseconds = (ticks()? - before) * 10_000_000 / u64::from(times);
    println!("{name}: {}.{:03} µs", nanoseconds / 1000, nanoseconds % 1000);
    Ok(())
}

/// User and system time of this process.
fn ticks() -> io::Result<u64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace();
    Ok(fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum())
}
