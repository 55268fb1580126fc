//! Turns the committed text into tables.

#![allow(dead_code, unreachable_pub, reason = "modules are shared with the crate and the tool, which use the rest")]
#![allow(clippy::expect_used, clippy::panic, reason = "a panic here is a fault of the committed text")]

mod compile;
#[path = "../src/primitive.rs"]
mod primitive;
#[path = "../src/tables/mod.rs"]
mod tables;
#[path = "../src/text/mod.rs"]
mod text;

use std::path::{Path, PathBuf};
use std::{env, fs};

use text::{ReleaseText, parse};

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    for folder in ["r4", "r4b", "r5"] {
        println!("cargo::rerun-if-changed={folder}");
        fs::write(out.join(format!("{folder}.tables")), compile::compile(&release(Path::new(folder))))
            .expect("OUT_DIR can be written");
    }
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=src");
}

fn release(folder: &Path) -> ReleaseText {
    let mut files: Vec<PathBuf> = fs::read_dir(folder.join("types"))
        .expect("a folder of types")
        .map(|entry| entry.expect("a folder that can be read").path())
        .collect();
    files.sort();
    ReleaseText {
        types: files.iter().map(|file| read(file, parse::type_file)).collect(),
        value_sets: read(&folder.join("value-sets.txt"), parse::value_sets),
        search_parameters: read(&folder.join("search-parameters.txt"), parse::search_parameters),
        compartments: read(&folder.join("compartments.txt"), parse::compartments),
    }
}

fn read<T>(file: &Path, parse: fn(&str) -> Result<T, parse::ParseError>) -> T {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    parse(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
