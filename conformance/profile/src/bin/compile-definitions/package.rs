//! A FHIR package: a gzipped tar of JSON resources.

use std::error::Error;
use std::fs::File;
use std::path::Path;

use flate2::read::GzDecoder;
use serde_json::Value;

/// The resources of a package.
pub(crate) struct Package {
    resources: Vec<Value>,
}

impl Package {
    pub(crate) fn read(archive: &Path) -> Result<Self, Box<dyn Error>> {
        let mut resources = Vec::new();
        for entry in tar::Archive::new(GzDecoder::new(File::open(archive)?)).entries()? {
            let entry = entry?;
            let path = entry.path()?.into_owned();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if KINDS.iter().any(|kind| name.starts_with(kind)) && name.ends_with(".json") {
                resources.push(serde_json::from_reader(std::io::BufReader::new(entry))?);
            }
        }
        Ok(Self { resources })
    }

    /// Takes the code systems of another package, behind its own.
    pub(crate) fn add_terminology(&mut self, other: Self) {
        let code_systems =
            other.resources.into_iter().filter(|resource| text(resource, "resourceType") == "CodeSystem");
        self.resources.extend(code_systems);
    }

    /// The resources of a type.
    pub(crate) fn of_type<'a>(&'a self, resource_type: &'a str) -> impl Iterator<Item = &'a Value> {
        self.resources.iter().filter(move |resource| text(resource, "resourceType") == resource_type)
    }

    /// The resource of a type with that canonical.
    pub(crate) fn canonical(&self, resource_type: &str, url: &str) -> Option<&Value> {
        self.resources
            .iter()
            .find(|resource| text(resource, "url") == url && text(resource, "resourceType") == resource_type)
    }

    /// The code system with that canonical that has all its codes.
    pub(crate) fn complete_code_system(&self, url: &str) -> Option<&Value> {
        self.of_type("CodeSystem").find(|system| text(system, "url") == url && text(system, "content") == "complete")
    }
}

const KINDS: [&str; 5] =
    ["StructureDefinition-", "ValueSet-", "CodeSystem-", "SearchParameter-", "CompartmentDefinition-"];

/// The text of a member; empty when there is none.
pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The items of a member; none when there is none.
pub(crate) fn items<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The texts of a member.
pub(crate) fn texts(value: &Value, name: &str) -> Vec<String> {
    items(value, name).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// A text on one line.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A canonical without its version.
pub(crate) fn unversioned(canonical: &str) -> &str {
    canonical.split_once('|').map_or(canonical, |(url, _)| url)
}

/// The name of a type of the core specification, or the URL as it is.
pub(crate) fn core_name(url: &str) -> String {
    unversioned(url).trim_start_matches("http://hl7.org/fhir/StructureDefinition/").to_owned()
}
