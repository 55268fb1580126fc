//! Reads structure definitions from files and makes their snapshots: `structures RELEASE FILE…`. Files that are no artefact are
//! named, and so are structures that cannot be used. Prints what it took.

use std::error::Error;
use std::time::Instant;

use fhir::ResourceType;
use package::{Artefact, Registry};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let release = arguments.next().ok_or("expected: structures RELEASE FILE…")?.parse()?;
    let start = Instant::now();
    let built_in = Registry::built_in(release);
    println!("built in: {:?}", start.elapsed());
    let mut artefacts = Vec::new();
    for file in arguments {
        match Artefact::from_json(std::fs::read(&file)?.into()) {
            Ok(artefact) => artefacts.push(artefact),
            Err(error) => println!("{file}: {error}"),
        }
    }
    let registry = built_in.with(artefacts);
    let start = Instant::now();
    let (mut structures, mut elements) = (0, 0);
    for artefact in registry.artefacts(ResourceType::STRUCTURE_DEFINITION) {
        let canonical = match artefact.effective_version() {
            Some(version) => format!("{}|{version}", artefact.url()),
            None => artefact.url().to_owned(),
        };
        match registry.try_structure(&canonical) {
            Ok(structure) => {
                structures += 1;
                elements += structure.elements.len();
                if let Some(base) = &structure.missing_base {
                    println!("{canonical}: {base} is not here");
                }
            }
            Err(error) => println!("{canonical}: {error}"),
        }
    }
    println!("{structures} structures with {elements} elements: {:?}", start.elapsed());
    Ok(())
}
