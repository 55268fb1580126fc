//! Documents, and extracted values as short texts.

use fhir::json::{Document, Limits, Node, scan};
use fhir::{Query, ResourceType, Version};
use search::{Handling, IndexValue, ReferenceValue, Search};

/// A resource and its untyped index.
pub(crate) struct Scanned {
    bytes: Vec<u8>,
    nodes: Vec<Node>,
}

impl Scanned {
    pub(crate) fn new(json: &str) -> Self {
        let mut nodes = Vec::new();
        scan(json.as_bytes(), &mut nodes, Limits::default()).unwrap_or_else(|error| panic!("{error}: {json}"));
        Self { bytes: json.as_bytes().to_vec(), nodes }
    }

    /// The same with the index that the validator makes.
    pub(crate) fn typed(json: &str) -> Self {
        let nodes = profile::check(json.as_bytes(), Version::R4, None)
            .unwrap_or_else(|outcome| panic!("{}", String::from_utf8_lossy(&outcome.to_json())));
        Self { bytes: json.as_bytes().to_vec(), nodes: nodes.to_vec() }
    }

    pub(crate) fn document(&self) -> Document<'_> {
        Document::new(&self.bytes, &self.nodes)
    }

    pub(crate) fn resource_type(&self) -> ResourceType {
        let root = self.document().root().unwrap();
        root.member("resourceType").unwrap().text().unwrap().parse().unwrap()
    }

    /// Every value as `code=value`, sorted.
    pub(crate) fn values(&self, version: Version) -> Vec<String> {
        let mut values = Vec::new();
        search::extract(self.document(), self.resource_type(), version, &mut |parameter, value| {
            values.push(format!("{}={}", parameter.code, show(&value)));
        });
        values.sort();
        values
    }

    pub(crate) fn values_of(&self, code: &str) -> Vec<String> {
        let prefix = format!("{code}=");
        self.values(Version::R4).iter().filter_map(|value| value.strip_prefix(&prefix)).map(str::to_owned).collect()
    }

    pub(crate) fn meets(&self, query: &str) -> bool {
        search::matches(self.document(), &parse(self.resource_type(), query).criteria)
    }
}

pub(crate) fn parse(resource_type: ResourceType, query: &str) -> Search {
    search::parse(&Query::parse(query), Version::R4, Some(resource_type), Handling::Strict).unwrap_or_else(|issues| {
        let texts: Vec<&str> = issues.iter().map(|issue| issue.text.as_str()).collect();
        panic!("{query}: {texts:?}")
    })
}

fn show(value: &IndexValue<'_>) -> String {
    let text = |part: &Option<std::borrow::Cow<'_, str>>| part.as_deref().unwrap_or("-").to_owned();
    match value {
        IndexValue::Token { system, code, text: display } => {
            let shown = display.as_deref().map(|display| format!(" ({display})")).unwrap_or_default();
            format!("{}|{}{shown}", text(system), text(code))
        }
        IndexValue::TypedIdentifier { system, code, value } => format!("{system}|{code}|{value}"),
        IndexValue::Text { exact, normalized } => format!("{exact} ~ {normalized}"),
        IndexValue::Date { low, high } => format!("{}..{}", moment(*low), moment(*high)),
        IndexValue::Reference(ReferenceValue { resource_type, id, version, url, identifier }) => {
            let named = resource_type.map_or("-", ResourceType::as_str);
            let identifier = identifier.as_ref().map(|(system, value)| format!(" {}|{value}", text(system)));
            let version = version.as_ref().map(|version| format!(" v{version}"));
            format!(
                "{named}/{}{}{}{}",
                text(id),
                url.as_ref().map(|url| format!(" {url}")).unwrap_or_default(),
                version.unwrap_or_default(),
                identifier.unwrap_or_default()
            )
        }
        IndexValue::Number { low, high } => format!("{low}..{high}"),
        IndexValue::Quantity { low, high, system, code, unit, .. } => {
            format!("{low}..{high} {}|{}|{}", text(system), text(code), text(unit))
        }
        IndexValue::Uri(uri) => uri.to_string(),
        IndexValue::Composite { group, part, value } => format!("{group}.{part} {}", show(value)),
    }
}

fn moment(micros: i64) -> String {
    if micros == i64::MIN || micros == i64::MAX {
        return "ever".to_owned();
    }
    let text = fhirpath::Temporal::from_micros(micros).to_string();
    match text.strip_suffix("T00:00:00.000Z") {
        Some(date) => date.to_owned(),
        None => text.replace(".000Z", "Z"),
    }
}
