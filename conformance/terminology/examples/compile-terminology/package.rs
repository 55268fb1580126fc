//! Resources of a FHIR package.

use std::error::Error;
use std::fs::File;
use std::io::BufReader;

use flate2::read::GzDecoder;
use serde_json::Value;
use tar::Archive;

/// The code systems, value sets and concept maps of a package.
pub(crate) struct Package {
    /// The release it stands for.
    pub(crate) name: String,
    resources: Vec<Value>,
}

impl Package {
    pub(crate) fn read(name: &str, archive: &str) -> Result<Self, Box<dyn Error>> {
        let mut resources = Vec::new();
        for entry in Archive::new(GzDecoder::new(File::open(archive)?)).entries()? {
            let entry = entry?;
            let path = entry.path()?.into_owned();
            // Some packages write the type in small letters.
            let file = path.file_name().and_then(|file| file.to_str()).unwrap_or_default().to_ascii_lowercase();
            let is_wanted = ["codesystem-", "valueset-", "conceptmap-"].iter().any(|start| file.starts_with(start));
            if is_wanted && path.parent().is_some_and(|folder| folder.ends_with("package")) {
                resources.push(serde_json::from_reader(BufReader::new(entry))?);
            }
        }
        resources.sort_by(|left, right| text(left, "url").cmp(text(right, "url")));
        Ok(Self { name: name.to_owned(), resources })
    }

    pub(crate) fn of_type<'a>(&'a self, resource_type: &'a str) -> impl Iterator<Item = &'a Value> {
        self.resources.iter().filter(move |resource| text(resource, "resourceType") == resource_type)
    }
}

/// The text of a member; empty when there is none.
pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The items of a member; none when there is none.
pub(crate) fn items<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// A text on one line.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
