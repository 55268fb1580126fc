//! Writes the facts of a FHIR core package as text: `compile-definitions PACKAGE.tgz OUT-DIR [TERMINOLOGY.tgz…]`.
//! Code systems that the package only names are looked up in the packages that follow.
//!
//! The text is committed under `conformance/definitions`; a new release of a package is read as its difference.

mod package;
mod search;
mod types;
mod value_sets;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use definitions::text::print;

use crate::package::Package;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(archive), Some(out)) = (arguments.next(), arguments.next()) else {
        return Err("expected: compile-definitions PACKAGE.tgz OUT-DIR [TERMINOLOGY.tgz…]".into());
    };
    let mut package = Package::read(&archive)?;
    for archive in arguments {
        package.add_terminology(Package::read(&archive)?);
    }
    write_all(&package, &out)?;
    Ok(())
}

fn write_all(package: &Package, out: &Path) -> std::io::Result<()> {
    let types = types::types(package);
    let folder = out.join("types");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    for definition in &types {
        fs::write(folder.join(format!("{}.txt", definition.name)), print::type_file(definition))?;
    }
    let value_sets = value_sets::required(package, &types);
    fs::write(out.join("value-sets.txt"), print::value_sets(&value_sets))?;
    fs::write(out.join("search-parameters.txt"), print::search_parameters(&search::parameters(package)))?;
    fs::write(out.join("compartments.txt"), print::compartments(&search::compartments(package)))
}
