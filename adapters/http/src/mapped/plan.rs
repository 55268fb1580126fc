//! Settings compiled: tables, capability, and every fault of them with its place.

use std::collections::BTreeMap;

use adapter::ErrorKind;
use adapter::kind::SettingFault;
use exchange::settings::{absolute, refuse_plain_http};
use fhir::capability::ResourceCapability;
use fhir::{Capability, InteractionCode, ResourceType};

use super::convert::Conversion;
use super::settings::{Call, Paging, ParameterType, Resource, Settings, Style};
use super::table::Table;

/// A resource type that is mapped.
pub(super) struct Mapped {
    pub(super) settings: Resource,
    pub(super) table: Table,
    /// The rule of each search parameter.
    pub(super) conversions: BTreeMap<String, Conversion>,
}

/// The resource types of the settings.
///
/// # Errors
/// Every fault, with its place below `[adapters.NAME]`.
pub(super) fn compile(settings: &Settings) -> Result<BTreeMap<ResourceType, Mapped>, Vec<SettingFault>> {
    let mut faults = general(settings);
    let mut mapped = BTreeMap::new();
    for (name, resource) in &settings.resources {
        match name.parse::<ResourceType>() {
            Ok(kind) => {
                if let Some(compiled) = of_resource(kind, resource, settings, &mut faults) {
                    mapped.insert(kind, compiled);
                }
            }
            Err(error) => {
                faults.push(fault(&["resources", name], error.to_string(), "expected a type such as Patient"))
            }
        }
    }
    if faults.is_empty() { Ok(mapped) } else { Err(faults) }
}

fn fault(path: &[&str], message: impl Into<String>, expected: impl Into<String>) -> SettingFault {
    let path = path.iter().map(|part| (*part).to_owned()).collect();
    SettingFault { path, message: message.into(), expected: expected.into() }
}

fn below<'a>(place: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [place, more].concat()
}

fn general(settings: &Settings) -> Vec<SettingFault> {
    let mut faults = Vec::new();
    let base = absolute("base", &settings.base)
        .and_then(|url| if settings.connection.allow_plain_http { Ok(()) } else { refuse_plain_http("base", &url) });
    if let Err(error) = base {
        faults.push(fault(&["base"], error.to_string(), "expected an absolute URL"));
    }
    if [settings.header.is_some(), settings.basic.is_some(), settings.oauth.is_some()]
        .iter()
        .filter(|set| **set)
        .count()
        > 1
    {
        faults.push(fault(
            &[],
            "more than one way to authorize",
            "expected at most one of `header`, `basic` and `oauth`",
        ));
    }
    for (status, kind) in &settings.errors.kinds {
        if !status.parse::<u16>().is_ok_and(|status| (400..600).contains(&status)) {
            faults.push(fault(&["errors", "kinds", status], "not a status of an error", "expected 400 to 599"));
        }
        if !ErrorKind::ALL.iter().any(|known| known.code() == kind) {
            let known: Vec<&str> = ErrorKind::ALL.iter().map(|kind| kind.code()).collect();
            faults.push(fault(&["errors", "kinds", status], format!("unknown kind `{kind}`"), known.join(", ")));
        }
    }
    if settings.health.as_ref().is_some_and(|path| !is_path(path)) {
        faults.push(fault(&["health"], "not a path", "expected a path that begins with a slash"));
    }
    faults
}

fn of_resource(
    kind: ResourceType,
    resource: &Resource,
    settings: &Settings,
    faults: &mut Vec<SettingFault>,
) -> Option<Mapped> {
    let before = faults.len();
    let place = ["resources", kind.as_str()];
    let calls = [
        ("read", &resource.read),
        ("create", &resource.create),
        ("update", &resource.update),
        ("delete", &resource.delete),
    ];
    for (name, call) in calls.iter().filter_map(|(name, call)| Some((*name, call.as_ref()?))) {
        if let Some(message) = wrong_call(call, name != "create") {
            faults.push(fault(&below(&place, &[name]), message, "expected such as { path = \"/patients/{id}\" }"));
        }
    }
    let conversions = searches(kind, resource, settings, faults);
    match Table::compile(kind, settings.fhir_version, &resource.fields) {
        Ok(table) if faults.len() == before => Some(Mapped { settings: resource.clone(), table, conversions }),
        Ok(_) => None,
        Err(found) => {
            for found in found {
                let mut path = below(&place, &[]).iter().map(|part| (*part).to_owned()).collect::<Vec<_>>();
                for (depth, number) in found.place.iter().enumerate() {
                    path.push(if depth == 0 { "fields" } else { "each" }.to_owned());
                    path.push(number.to_string());
                }
                faults.push(SettingFault {
                    path,
                    message: found.message,
                    expected: "expected a field that can be mapped".to_owned(),
                });
            }
            None
        }
    }
}

fn wrong_call(call: &Call, needs_id: bool) -> Option<&'static str> {
    if !is_path(&call.path) {
        return Some("a path begins with a slash and has no query");
    }
    if needs_id != call.path.contains("{id}") {
        return Some(if needs_id { "the path does not say where `{id}` stands" } else { "a create has no `{id}`" });
    }
    call.method.as_ref().filter(|method| !METHODS.contains(&method.as_str())).map(|_| "unknown method")
}

const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE"];

fn is_path(path: &str) -> bool {
    path.starts_with('/') && !path.contains(['?', '#', ' ']) && path.is_ascii()
}

fn searches(
    kind: ResourceType,
    resource: &Resource,
    settings: &Settings,
    faults: &mut Vec<SettingFault>,
) -> BTreeMap<String, Conversion> {
    let mut conversions = BTreeMap::new();
    let Some(search) = &resource.search else { return conversions };
    let place = ["resources", kind.as_str(), "search"];
    if !is_path(&search.path) || search.path.contains('{') {
        faults.push(fault(&below(&place, &["path"]), "not a path of a search", "expected such as \"/patients\""));
    }
    for (code, parameter) in &search.parameters {
        let place = below(&place, &["parameters", code]);
        if search::parameter(settings.fhir_version, kind, code).is_none() || code == "_id" {
            faults.push(fault(
                &place,
                format!("unknown search parameter `{code}` of {kind}"),
                "expected one of FHIR's",
            ));
        }
        if parameter.comparisons.keys().any(|prefix| !PREFIXES.contains(&prefix.as_str())) {
            faults.push(fault(&place, "unknown comparison", format!("expected {}", PREFIXES.join(", "))));
        }
        match Conversion::of_parameter(parameter) {
            Ok(conversion) => drop(conversions.insert(code.clone(), conversion)),
            Err(message) => faults.push(fault(&place, message, "expected a rule that can be applied")),
        }
    }
    if let Some(message) = search.paging.as_ref().and_then(wrong_paging) {
        faults.push(fault(&below(&place, &["paging"]), message, "expected what the style needs"));
    }
    conversions
}

/// search.html#prefix, as far as a name of a query can say it.
const PREFIXES: &[&str] = &["gt", "ge", "lt", "le", "sa", "eb"];

fn wrong_paging(paging: &Paging) -> Option<&'static str> {
    match paging.style {
        Style::Page | Style::Offset | Style::Cursor if paging.parameter.is_none() => Some("`parameter` is missing"),
        Style::Page | Style::Offset if paging.size.is_none() => Some("`size` is missing"),
        Style::Cursor if paging.next.is_none() => Some("`next` is missing"),
        _ if paging.most == 0 => Some("`most` is 0"),
        _ => None,
    }
}

/// What the settings offer.
pub(super) fn capability(settings: &Settings, mapped: &BTreeMap<ResourceType, Mapped>) -> Capability {
    let resources = mapped.iter().map(|(kind, mapped)| (*kind, offered(&mapped.settings))).collect();
    Capability { resources, ..Capability::empty(settings.fhir_version) }
}

fn offered(resource: &Resource) -> ResourceCapability {
    let calls = [
        (resource.read.is_some(), InteractionCode::Read),
        (resource.create.is_some(), InteractionCode::Create),
        (resource.update.is_some(), InteractionCode::Update),
        (resource.delete.is_some(), InteractionCode::Delete),
        (resource.search.is_some(), InteractionCode::SearchType),
    ];
    let parameters = resource.search.iter().flat_map(|search| &search.parameters);
    let mut search: BTreeMap<String, String> =
        parameters.map(|(code, parameter)| (code.clone(), kind_of(parameter.r#type).to_owned())).collect();
    if resource.search.is_some() && resource.read.is_some() {
        search.insert("_id".to_owned(), "token".to_owned());
    }
    let is_versioned = resource.etag || resource.version.is_some();
    ResourceCapability {
        interactions: calls.into_iter().filter(|(is_there, _)| *is_there).map(|(_, code)| code).collect(),
        search,
        versioning: Some(if is_versioned { "versioned-update" } else { "no-version" }.to_owned()),
        ..ResourceCapability::default()
    }
}

const fn kind_of(kind: ParameterType) -> &'static str {
    match kind {
        ParameterType::Token => "token",
        ParameterType::String => "string",
        ParameterType::Date => "date",
        ParameterType::Reference => "reference",
    }
}
