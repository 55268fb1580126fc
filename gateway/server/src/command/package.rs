//! `frontdesk package`: FHIR packages beside those that are built in.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use fhir::{ResourceType, Version};
use package::{Artefact, Registry};
use url::Url;

use super::Done;
use super::check::load;
use super::running::runtime;
use crate::packages::{Adding, Folder, Folders, PackageName};

/// Adds, lists, shows and removes FHIR packages (profiles, value sets, extensions, search parameters)
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  frontdesk package add clinic.guide.tgz\n  \
                        frontdesk package add clinic.guide#1.0.0 --registry https://packages.example\n  \
                        frontdesk package list --config config/frontdesk.toml\n\n\
                        R4, R4B, R5 and US Core 6.1.0, 7.0.0 and 9.0.0 are built in.")]
pub(crate) struct Package {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Add(Add),
    List(List),
    Show(One),
    Remove(Remove),
}

/// Adds a package, with what it builds on; a gateway loads it at its next start or SIGHUP
#[derive(Debug, Args)]
struct Add {
    /// A file, or a package that the registry has
    #[arg(value_name = "FILE.tgz|NAME#VERSION")]
    what: String,
    #[command(flatten)]
    place: Place,
    /// The registry to fetch from [default: `registry` in [packages] of the configuration]
    #[arg(long, value_name = "URL")]
    registry: Option<Url>,
    /// Add it even when a package that it builds on is not there
    #[arg(long)]
    without_dependencies: bool,
}

/// Lists packages: those that are built in, and those in the folder
#[derive(Debug, Args)]
struct List {
    #[command(flatten)]
    place: Place,
}

/// Shows what a package is, what it builds on and how much it holds
#[derive(Debug, Args)]
struct One {
    /// The package
    #[arg(value_name = "NAME#VERSION")]
    name: PackageName,
    #[command(flatten)]
    place: Place,
}

/// Takes a package out of the folder; a gateway forgets it at its next start or SIGHUP
#[derive(Debug, Args)]
struct Remove {
    #[command(flatten)]
    one: One,
}

#[derive(Debug, Args)]
struct Place {
    /// The configuration whose packages are meant
    #[arg(long, value_name = "FILE", conflicts_with = "folder")]
    config: Option<PathBuf>,
    /// The folder of packages [default: ~/.fhir/packages]
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl Package {
    pub(crate) fn run(self) -> Done {
        match self.command {
            Command::Add(add) => add.run(),
            Command::List(list) => list.run(),
            Command::Show(one) => one.show(),
            Command::Remove(Remove { one }) => one.remove(),
        }
    }
}

impl Add {
    fn run(self) -> Done {
        let Some(mut adding) = self.place.adding()? else { return Ok(ExitCode::FAILURE) };
        adding.registry = self.registry.or(adding.registry);
        adding.with_dependencies = !self.without_dependencies;
        for added in runtime()?.block_on(adding.add(&self.what))? {
            let word = if added.was_there { "is there already" } else { "added" };
            println!("{} {word}", added.name);
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    fn run(self) -> Done {
        let Some(adding) = self.place.adding()? else { return Ok(ExitCode::FAILURE) };
        for name in built_in() {
            println!("{name}  built in");
        }
        for folder in std::iter::once(&adding.folder).chain(&adding.shared) {
            for name in folder.names()? {
                println!("{name}  {}", folder.path().display());
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl One {
    fn show(self) -> Done {
        let Some(adding) = self.place.adding()? else { return Ok(ExitCode::FAILURE) };
        let folders = Folders(std::iter::once(adding.folder).chain(adding.shared).collect());
        match folders.find(&self.name.name, &self.name.version)? {
            Some((folder, found)) => print(&folder.read(&found)?, &folder.path().display().to_string()),
            None if built_in().contains(&self.name) => {
                println!("{}  built in", self.name);
                let registries = Version::ALL.map(Registry::built_in);
                let package = Some((self.name.name.as_str(), self.name.version.as_str()));
                let all = registries.iter().flat_map(|known| ResourceType::all().flat_map(|of| known.artefacts(of)));
                print_counts(all.filter(|artefact| artefact.package() == package));
            }
            None => return Err(folders.not_here(&self.name).into()),
        }
        Ok(ExitCode::SUCCESS)
    }

    fn remove(self) -> Done {
        let Some(adding) = self.place.adding()? else { return Ok(ExitCode::FAILURE) };
        adding.folder.remove(&self.name)?;
        println!("{} removed", self.name);
        Ok(ExitCode::SUCCESS)
    }
}

fn print(package: &package::Package, place: &str) {
    let manifest = package.manifest();
    println!("{}  {place}", manifest.id());
    if let Some(canonical) = &manifest.canonical {
        println!("canonical   {canonical}");
    }
    let releases: Vec<_> = manifest.fhir_versions.iter().map(ToString::to_string).collect();
    println!("releases    {}", if releases.is_empty() { "all".to_owned() } else { releases.join(", ") });
    for (name, version) in &manifest.dependencies {
        println!("builds on   {name}#{version}");
    }
    print_counts(package.artefacts().iter());
}

fn print_counts<'a>(artefacts: impl Iterator<Item = &'a Artefact>) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    artefacts.for_each(|artefact| *counts.entry(artefact.resource_type().as_str()).or_default() += 1);
    for (name, count) in counts {
        println!("{count:>8}    {name}");
    }
}

fn built_in() -> Vec<PackageName> {
    let packages = Version::ALL.into_iter().flat_map(|version| Registry::built_in(version).packages());
    let mut names: Vec<_> = packages.filter_map(|(name, version)| PackageName::new(&name, &version).ok()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

impl Place {
    /// None when there is something wrong with the configuration, which has been said then.
    fn adding(&self) -> Result<Option<Adding>, Box<dyn std::error::Error + Send + Sync>> {
        if let Some(path) = &self.config {
            return Ok(load(path)?.as_ref().map(Adding::by));
        }
        let folder = self.folder.as_deref().map_or_else(Folder::usual, Folder::at);
        Ok(Some(Adding { folder, shared: None, registry: None, with_dependencies: true }))
    }
}
