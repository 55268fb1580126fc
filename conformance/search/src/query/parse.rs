//! A whole query: which pairs are criteria, which are result parameters, which are not understood.

use fhir::{Issue, IssueType, Query, ResourceType, Version};

use super::{Handling, Search, condition, result};
use crate::parameter::{parameters, shared_parameter};
use crate::{Parameter, Vocabulary, parameter};

/// Criteria of one search. More would make a query plan that nobody has asked for in good faith.
const MAX_CRITERIA: usize = 64;
/// Pairs that are the HTTP interface's own and no search.
const FOR_HTTP: [&str; 3] = ["_format", "_pretty", "_fhirVersion"];
/// Parameters of the specification that nothing here can answer, and what to use instead.
const UNSUPPORTED: [(&str, &str); 9] = [
    ("_content", "a search parameter of the element that holds the text"),
    ("_text", "a search parameter of the element that holds the text"),
    ("_list", "the references of the List: read it, and search by `_id`"),
    ("_query", "search parameters"),
    (
        "_filter",
        "search parameters, which are all combined by AND, and values separated by commas, which are combined by OR",
    ),
    ("_contained", "a resource of its own instead of a contained one"),
    ("_containedType", "a resource of its own instead of a contained one"),
    ("_score", "`_sort` by a search parameter: nothing here is scored"),
    ("near", "`address-city` or `address-postalcode`"),
];

/// What a search is about: which parameters there are.
#[derive(Clone, Copy)]
pub(super) struct Scope<'t> {
    pub(super) vocabulary: Vocabulary,
    pub(super) resource_type: Option<ResourceType>,
    /// `_type` of a system search.
    pub(super) types: &'t [ResourceType],
}

/// Why a pair is not taken.
pub(super) enum Refusal {
    /// Nobody knows the parameter: lenient handling passes over it.
    Unknown(String),
    /// It is wrong, under any handling.
    Wrong(Issue),
}

impl Refusal {
    pub(super) fn wrong(text: impl Into<String>) -> Self {
        Self::Wrong(Issue::error(IssueType::Invalid, text))
    }
}

/// Reads a query. `resource_type` is `None` for a search over all types, which has the parameters of Resource, or with
/// `_type` those that all named types share.
///
/// # Errors
/// Every fault at once: unknown parameters (strict), modifiers that do not fit, malformed and empty values. A
/// fault is never read as "match all", with lenient handling neither.
pub fn parse(
    query: &Query,
    vocabulary: impl Into<Vocabulary>,
    resource_type: Option<ResourceType>,
    handling: Handling,
) -> Result<Search, Vec<Issue>> {
    if let Some(page) = query.first("_page").filter(|page| !page.is_empty()) {
        return Ok(Search { page: Some(page.to_owned()), ..Search::default() });
    }
    let vocabulary = vocabulary.into();
    let mut search = Search::default();
    let mut issues = Vec::new();
    if resource_type.is_none() {
        match types(query, vocabulary.version) {
            Ok(types) => search.types = types,
            Err(issue) => issues.push(issue),
        }
    }
    let types = search.types.clone();
    let scope = Scope { vocabulary, resource_type, types: &types };
    for (name, value) in query.iter() {
        if FOR_HTTP.contains(&name) || (name == "_type" && resource_type.is_none()) {
            continue;
        }
        match pair(&mut search, scope, name, value) {
            Ok(()) => {}
            Err(Refusal::Wrong(issue)) => issues.push(issue),
            Err(Refusal::Unknown(why)) if handling == Handling::Lenient => search.ignored.push((name.to_owned(), why)),
            Err(Refusal::Unknown(why)) => issues.push(Issue::error(IssueType::NotSupported, why)),
        }
    }
    if search.criteria.len() > MAX_CRITERIA {
        issues.push(Issue::error(IssueType::TooCostly, format!("expected at most {MAX_CRITERIA} criteria")));
    }
    if issues.is_empty() { Ok(search) } else { Err(issues) }
}

fn pair(search: &mut Search, scope: Scope<'_>, name: &str, value: &str) -> Result<(), Refusal> {
    if result::read(search, scope, name, value)? {
        return Ok(());
    }
    search.criteria.push(condition::read(scope, name, value, 0)?);
    Ok(())
}

fn types(query: &Query, version: Version) -> Result<Vec<ResourceType>, Issue> {
    let mut types = Vec::new();
    for name in query.all("_type").flat_map(|value| value.split(',')) {
        let known = name.parse::<ResourceType>().ok().filter(|known| known.is_in(version));
        let known = known.ok_or_else(|| {
            let text = format!("unknown resource type `{}` in `_type`: expected one of {version}", short(name));
            Issue::error(IssueType::Invalid, text)
        })?;
        types.push(known);
    }
    Ok(types)
}

impl Scope<'_> {
    /// The parameter of that code, in all types of the scope.
    pub(super) fn parameter(self, code: &str) -> Result<&'static Parameter, Refusal> {
        let found = match (self.resource_type, self.types) {
            (Some(resource_type), _) => parameter(self.vocabulary, resource_type, code),
            (None, []) => shared_parameter(self.vocabulary, code),
            (None, [first, rest @ ..]) => parameter(self.vocabulary, *first, code).filter(|found| {
                rest.iter()
                    .all(|other| parameter(self.vocabulary, *other, code).is_some_and(|other| other.kind == found.kind))
            }),
        };
        found.ok_or_else(|| Refusal::Unknown(self.unknown(code)))
    }

    fn unknown(self, code: &str) -> String {
        if let Some((_, instead)) = UNSUPPORTED.iter().find(|(known, _)| *known == code) {
            return format!("search parameter `{code}` is not supported; expected {instead}");
        }
        let known: Vec<&str> = match self.resource_type.or(self.types.first().copied()) {
            Some(resource_type) => parameters(self.vocabulary, resource_type).iter().map(|known| known.code).collect(),
            None => vec!["_id", "_lastUpdated", "_profile", "_security", "_source", "_tag"],
        };
        let of = self.resource_type.map(|known| format!(" of {known}")).unwrap_or_default();
        format!("unknown search parameter `{}`{of} (known: {})", short(code), known.join(", "))
    }
}

/// A client's text as far as an error text repeats it.
pub(super) fn short(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(64).collect()
}
