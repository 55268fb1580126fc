//! What runs here: version, addresses, practices and routes, packages, certificates, room on the disk.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::SystemTime;

use adapter::Practice;
use config::Types;
use fhir::Version;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::super::Console;
use super::super::disk::{self, Room};
use super::super::frame::table;
use super::super::words;
use super::{Page, Shown};
use crate::failure::Failure;

pub(super) const PAGE: Page = Page { path: "system", title: "System", show: |console, _| Box::pin(show(console)) };

async fn show(console: &Console) -> Result<Shown, Failure> {
    let sizes = Sizes::of(console).await?;
    let packages = packages(console);
    let body = html! {
        (facts(console, &sizes))
        (practices(console))
        (routes(console))
        (certificates(console))
        (table("Packages", ["Package", "Version", "FHIR release", "Practices"], packages.iter().map(package_row).collect()))
        (table("Room on the disk", ["What", "Size"], sizes.rows()))
    };
    let data = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "started": words::instant(console.pipeline.started),
        "practices": console.pipeline.sites.all().iter().map(|site| json!({ "name": site.practice.as_str(), "base": &*site.base })).collect::<Vec<_>>(),
        "routes": console.config.routes.iter().map(route_json).collect::<Vec<_>>(),
        "certificates": console.terms().iter().map(|term| json!({ "subject": term.subject, "ends": words::instant(term.ends) })).collect::<Vec<_>>(),
        "packages": packages.iter().map(package_json).collect::<Vec<_>>(),
        "disk": sizes.json(),
    });
    Ok(Shown::new(body, data))
}

fn facts(console: &Console, sizes: &Sizes) -> Markup {
    let pipeline = &console.pipeline;
    let up = SystemTime::now().duration_since(pipeline.started).unwrap_or_default();
    html! {
        div .card {
            dl .facts {
                dt { "Version" } dd { (env!("CARGO_PKG_VERSION")) }
                dt { "Started" } dd { (words::when(pipeline.started)) " (" (words::span(up)) " ago)" }
                dt { "Clients connect to" } dd { (console.config.gateway.listen) @if console.config.gateway.tls.is_some() { ", encrypted" } @else { ", not encrypted" } }
                dt { "Audit log" } dd { (words::count(sizes.events)) " events, " (words::size(sizes.audit)) }
                dt { "Free on the disk" } dd { @match sizes.room { Some(room) => { (words::size(room.free)) " of " (words::size(room.all)) }, None => "unknown" } }
            }
        }
    }
}

fn practices(console: &Console) -> Markup {
    let rows = console.pipeline.sites.all().iter();
    let rows = rows.map(|site| [html! { (site.practice) }, html! { (site.base) }, html! { (site.version) }]);
    table("Practices", ["Practice", "FHIR base", "FHIR release"], rows.collect())
}

fn routes(console: &Console) -> Markup {
    let row = |route: &config::Route| {
        let adapters: Vec<&str> = route.adapters().collect();
        [
            html! { (route.name.clone().unwrap_or_else(|| adapters.join("+"))) },
            html! { (route.practice) },
            html! { (types(route)) },
            html! { (adapters.join(", ")) },
        ]
    };
    let rows = console.config.routes.iter().map(row).collect();
    table("Routes, the first that matches is taken", ["Route", "Practice", "Resource types", "Back ends"], rows)
}

fn types(route: &config::Route) -> String {
    let name = |of: &Types| match of {
        Types::All => "all that is offered".to_owned(),
        Types::One(of) => of.to_string(),
    };
    route.types.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn route_json(route: &config::Route) -> Value {
    json!({
        "name": route.name, "practice": route.practice, "types": types(route),
        "adapters": route.adapters().collect::<Vec<_>>(),
    })
}

fn certificates(console: &Console) -> Markup {
    let row = |term: &crate::listener::tls::Term| [html! { (term.subject) }, words::when(term.ends)];
    let rows: Vec<_> = console.terms().iter().map(row).collect();
    html! {
        @if !rows.is_empty() { (table("Certificates", ["Certificate", "Ends"], rows)) }
    }
}

/// Packages by name, version and release, with the practices that have them.
type Packages = BTreeMap<(String, String, Version), Vec<Practice>>;

fn packages(console: &Console) -> Packages {
    let mut all = Packages::new();
    for site in console.pipeline.sites.all() {
        for of in Version::ALL {
            for (name, version) in console.pipeline.packages.registry(&site.practice, of).packages() {
                let practices = all.entry((name, version, of)).or_default();
                if !practices.contains(&site.practice) {
                    practices.push(site.practice.clone());
                }
            }
        }
    }
    all
}

fn names(practices: &[Practice]) -> String {
    practices.iter().map(Practice::as_str).collect::<Vec<_>>().join(", ")
}

fn package_row(((name, version, of), practices): (&(String, String, Version), &Vec<Practice>)) -> [Markup; 4] {
    [html! { (name) }, html! { (version) }, html! { (of) }, html! { (names(practices)) }]
}

fn package_json(((name, version, of), practices): (&(String, String, Version), &Vec<Practice>)) -> Value {
    let practices: Vec<&str> = practices.iter().map(Practice::as_str).collect();
    json!({ "name": name, "version": version, "fhir": of.to_string(), "practices": practices })
}

struct Sizes {
    audit: u64,
    events: u64,
    stores: Vec<(String, u64)>,
    room: Option<Room>,
}

impl Sizes {
    async fn of(console: &Console) -> Result<Self, Failure> {
        let (audit, events) = console.pipeline.audit.size();
        let data = console.config.gateway.data.clone();
        let folders: Vec<(String, PathBuf)> =
            console.config.adapters.keys().map(|name| (name.clone(), data.join("adapters").join(name))).collect();
        let measured = tokio::task::spawn_blocking(move || {
            let stores = folders.into_iter().map(|(name, folder)| (name, disk::size(&folder)));
            (stores.filter(|(_, size)| *size > 0).collect(), disk::room(&data))
        });
        let (stores, room) = measured.await.map_err(|_| Failure::panicked())?;
        Ok(Self { audit, events, stores, room })
    }

    fn rows(&self) -> Vec<[Markup; 2]> {
        let audit = [html! { "Audit log" }, html! { (words::size(self.audit)) }];
        let store = |(name, size): &(String, u64)| [html! { "Data of " (name) }, html! { (words::size(*size)) }];
        std::iter::once(audit).chain(self.stores.iter().map(store)).collect()
    }

    fn json(&self) -> Value {
        json!({
            "audit": { "bytes": self.audit, "events": self.events },
            "stores": self.stores.iter().map(|(name, size)| json!({ "name": name, "bytes": size })).collect::<Vec<_>>(),
            "free": self.room.map(|room| room.free), "all": self.room.map(|room| room.all),
        })
    }
}
