//! The manifest and the artefacts, one behind the other.

use bytes::Bytes;
use fhir::Version;

use crate::archive::Manifest;
use crate::package::Package;
use crate::registry::{Artefact, Body};

pub(super) fn write(package: &Package) -> Vec<u8> {
    let mut out = manifest(&package.manifest).into_bytes();
    for artefact in &package.artefacts {
        let (form, content) = match &artefact.body {
            Body::Json(json) => ("json", json),
            Body::Text(text) => ("text", text),
            // A package that was read holds nothing that is built in.
            Body::Type(_) | Body::Facts(..) | Body::Packed(..) => continue,
        };
        let version = artefact.version.as_deref().unwrap_or_default();
        let (type_, url) = (artefact.resource_type.as_str(), &artefact.url);
        out.extend_from_slice(format!("{form}\t{type_}\t{url}\t{version}\t{}\n", content.len()).as_bytes());
        out.extend_from_slice(content);
    }
    out
}

fn manifest(manifest: &Manifest) -> String {
    let mut text =
        format!("{}\t{}\t{}\n", manifest.name, manifest.version, manifest.canonical.as_deref().unwrap_or_default());
    let releases: Vec<_> = manifest.fhir_versions.iter().map(ToString::to_string).collect();
    text.push_str(&format!("{}\n{}\n", releases.join("\t"), manifest.dependencies.len()));
    for (name, version) in &manifest.dependencies {
        text.push_str(&format!("{name}\t{version}\n"));
    }
    text
}

pub(super) fn read(body: &Bytes) -> Option<Package> {
    let mut rest = Rest { body, at: 0 };
    let manifest = read_manifest(&mut rest)?;
    let mut artefacts = Vec::new();
    while rest.at < body.len() {
        artefacts.push(read_artefact(&mut rest)?);
    }
    Some(Package::new(manifest, artefacts))
}

fn read_manifest(rest: &mut Rest<'_>) -> Option<Manifest> {
    let mut names = rest.line()?.split('\t').map(str::to_owned);
    let (name, version, canonical) = (names.next()?, names.next()?, names.next()?);
    let fhir_versions: Vec<Version> = rest.line()?.split('\t').filter_map(|release| release.parse().ok()).collect();
    let count: usize = rest.line()?.parse().ok()?;
    let mut dependencies = Vec::new();
    for _ in 0..count {
        let (name, version) = rest.line()?.split_once('\t')?;
        dependencies.push((name.to_owned(), version.to_owned()));
    }
    let canonical = (!canonical.is_empty()).then_some(canonical);
    Some(Manifest { name, version, canonical, fhir_versions, dependencies })
}

fn read_artefact(rest: &mut Rest<'_>) -> Option<Artefact> {
    let mut parts = rest.line()?.split('\t');
    let (form, type_, url, version) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let version = (!version.is_empty()).then(|| version.to_owned());
    let (resource_type, url) = (type_.parse().ok()?, url.to_owned());
    let is_json = match form {
        "json" => true,
        "text" => false,
        _ => return None,
    };
    let content = rest.take(parts.next()?.parse().ok()?)?;
    let body = if is_json { Body::Json(content) } else { Body::Text(content) };
    Some(Artefact::new(resource_type, url, version, body))
}

/// What has not been read yet.
struct Rest<'a> {
    body: &'a Bytes,
    at: usize,
}

impl<'a> Rest<'a> {
    fn line(&mut self) -> Option<&'a str> {
        let rest = self.body.get(self.at..)?;
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        self.at += end + 1;
        std::str::from_utf8(&rest[..end]).ok()
    }

    fn take(&mut self, length: usize) -> Option<Bytes> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.body.len())?;
        let taken = self.body.slice(self.at..end);
        self.at = end;
        Some(taken)
    }
}
