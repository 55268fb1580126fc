//! Packs the committed facts: for each volume an index that is read at start and a text that is unpacked at first use.

#![allow(clippy::expect_used, reason = "a panic here is a fault of the committed text")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use flate2::Compression;
use flate2::write::DeflateEncoder;

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    for release in ["r4", "r4b", "r5"] {
        let folder = Path::new("../definitions").join(release).join("types");
        println!("cargo::rerun-if-changed={}", folder.display());
        pack(&out, &format!("{release}-types"), types(&folder));
    }
    for folder in sorted(Path::new("facts")) {
        let name = folder.file_name().and_then(|name| name.to_str()).expect("a folder name in UTF-8");
        pack(&out, name, structures(&folder));
        pack(&out, &format!("{name}-resources"), resources(&folder));
    }
    println!("cargo::rerun-if-changed=facts");
    println!("cargo::rerun-if-changed=build.rs");
}

/// The parts of a volume: what stands in its index, and the text.
type Part = (String, String);

fn types(folder: &Path) -> Vec<Part> {
    sorted(folder).iter().map(|file| (name(file), fs::read_to_string(file).expect("a file of facts"))).collect()
}

/// The structures of a package, each under its canonical and version.
fn structures(folder: &Path) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for file in ["profiles.txt", "extensions.txt"] {
        let text = fs::read_to_string(folder.join(file)).expect("a file of facts");
        for line in text.split_inclusive('\n') {
            if let Some(url) = line.strip_prefix("structure ") {
                parts.push((format!("{}\t", url.trim_end()), String::new()));
            }
            let (key, part) = parts.last_mut().expect("a file that begins with `structure URL`");
            part.push_str(line);
            if let Some(version) = line.strip_prefix("  version ") {
                key.push_str(version.trim_end());
            }
        }
    }
    parts
}

/// The other resources of a package, each under its type, canonical and version. Some packages have none.
fn resources(folder: &Path) -> Vec<Part> {
    let text = fs::read_to_string(folder.join("resources.ndjson")).unwrap_or_default();
    let key =
        |line: &str| format!("{}\t{}\t{}", member(line, "resourceType"), member(line, "url"), member(line, "version"));
    text.lines().map(|line| (key(line), line.to_owned())).collect()
}

/// The text of a member that the resource has before anything else of that name.
fn member<'a>(line: &'a str, name: &str) -> &'a str {
    let start = line.find(&format!("\"{name}\":\"")).map_or(line.len(), |start| start + name.len() + 4);
    line[start..].split('"').next().unwrap_or_default()
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of facts");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a folder that can be read").path()).collect();
    files.sort();
    files
}

fn name(file: &Path) -> String {
    file.file_stem().and_then(|stem| stem.to_str()).expect("a file name in UTF-8").to_owned()
}

/// Writes `NAME.index`, a line `KEY<TAB>START<TAB>LENGTH` for each part, and `NAME.packed`, the texts as one deflate stream.
fn pack(out: &Path, volume: &str, parts: Vec<Part>) {
    let (mut index, mut text) = (String::new(), String::new());
    for (key, part) in parts {
        writeln!(index, "{key}\t{}\t{}", text.len(), part.len()).expect("a string can be written");
        text.push_str(&part);
    }
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text.as_bytes()).expect("memory can be written");
    fs::write(out.join(format!("{volume}.packed")), encoder.finish().expect("memory can be written"))
        .expect("OUT_DIR can be written");
    let index = format!("{}\n{index}", text.len());
    fs::write(out.join(format!("{volume}.index")), index).expect("OUT_DIR can be written");
}
