//! A search in their words, and the pages of its answer.

use adapter::{Call, Error, ErrorKind};
use fhir::{Compartment, Id, Query, ResourceType};
use http::HeaderMap;

use super::plan::Mapped;
use super::settings::{Paging, Parameter, ParameterType, Search, Style};
use super::tree::Tree;

/// What a search comes to.
pub(super) enum Plan {
    /// Nothing can match.
    Nothing,
    /// One by its id.
    One(Id),
    /// A request.
    Ask(Ask),
}

/// A request for a page.
pub(super) struct Ask {
    /// What follows the base.
    pub(super) target: String,
    /// Entries of a page.
    size: u64,
    /// Where the page begins: number, offset, or the place in an answer that has all.
    at: u64,
    /// Only the number of matches is wanted.
    pub(super) is_count: bool,
    needs_total: bool,
}

/// A page of their records.
pub(super) struct Found<'t> {
    pub(super) records: Vec<&'t Tree>,
    pub(super) total: Option<u64>,
    pub(super) next: Option<String>,
}

/// Entries of a page where their API has no pages and the client does not say.
const LOCAL_PAGE: u64 = 100;

/// Plans a search.
///
/// # Errors
/// [`ErrorKind::Invalid`] for what is not mapped, [`ErrorKind::Forbidden`] for a compartment that cannot be kept.
pub(super) fn plan(
    kind: ResourceType,
    mapped: &Mapped,
    call: &Call,
    query: &Query,
    cursor: Option<&str>,
) -> Result<Plan, Error> {
    let Some(search) = &mapped.settings.search else {
        return Err(Error::new(ErrorKind::NotSupported, "this type cannot be searched"));
    };
    let asked = match &call.interaction {
        fhir::Interaction::SearchType { compartment, .. } => compartment.as_ref(),
        _ => None,
    };
    let mut draft = Draft { mapped, search, call, pairs: Vec::new(), id: None, ask: asked_size(search, query)? };
    for (name, value) in search.always.iter() {
        draft.pairs.push((name.clone(), value.clone()));
    }
    for owner in [asked, call.confinement()].into_iter().flatten() {
        if !draft.confine(kind, owner)? {
            return Ok(Plan::Nothing);
        }
    }
    for (name, value) in
        query.iter().filter(|(name, _)| !matches!(*name, "_count" | "_total" | "_summary" | "_format" | "_pretty"))
    {
        if !draft.criterion(name, value)? {
            return Ok(Plan::Nothing);
        }
    }
    draft.finish(cursor)
}

fn asked_size(search: &Search, query: &Query) -> Result<Ask, Error> {
    let invalid = |text: &str| Error::new(ErrorKind::Invalid, text);
    let count = query.first("_count").map(str::parse::<u64>).transpose();
    let count = count.map_err(|_| invalid("`_count`: expected a whole number"))?;
    let is_count = match query.first("_summary") {
        None | Some("false") => count == Some(0),
        Some("count") => true,
        Some(_) => return Err(invalid("`_summary`: expected `count` or `false` of this back end")),
    };
    let most = search.paging.as_ref().map_or(u64::from(u32::MAX), |paging| u64::from(paging.most));
    let usual = search.paging.as_ref().map_or(LOCAL_PAGE, |paging| u64::from(paging.most));
    let needs_total = is_count || query.first("_total") == Some("accurate");
    if needs_total && search.total.is_none() && search.paging.is_some() {
        return Err(Error::new(ErrorKind::NotSupported, "this back end does not count matches"));
    }
    let size = if is_count { 1 } else { count.unwrap_or(usual).clamp(1, most) };
    Ok(Ask { target: String::new(), size, at: 0, is_count, needs_total })
}

struct Draft<'a> {
    mapped: &'a Mapped,
    search: &'a Search,
    call: &'a Call,
    pairs: Vec<(String, String)>,
    id: Option<Id>,
    ask: Ask,
}

impl Draft<'_> {
    /// Keeps the search in a compartment. False when nothing can match.
    fn confine(&mut self, kind: ResourceType, owner: &Compartment) -> Result<bool, Error> {
        let forbidden = || {
            let text =
                format!("{kind} cannot be searched inside of one {} compartment on this back end", owner.resource_type);
            Error::new(ErrorKind::Forbidden, text)
        };
        if owner.resource_type == kind {
            return self.by_id(owner.id.as_str());
        }
        match search::compartment::parameters(owner.resource_type, kind, self.call.version) {
            Some([code]) if self.search.parameters.contains_key(&**code) => {
                self.criterion(code, &format!("{}/{}", owner.resource_type, owner.id))
            }
            _ => Err(forbidden()),
        }
    }

    fn by_id(&mut self, id: &str) -> Result<bool, Error> {
        let id: Id = id.parse().map_err(|_| Error::new(ErrorKind::Invalid, "`_id`: expected one id"))?;
        if self.id.as_ref().is_some_and(|other| *other != id) {
            return Ok(false);
        }
        self.id = Some(id);
        Ok(true)
    }

    fn criterion(&mut self, code: &str, value: &str) -> Result<bool, Error> {
        if code == "_id" && self.mapped.settings.read.is_some() {
            return self.by_id(value);
        }
        let Some(parameter) = self.search.parameters.get(code) else {
            let text = "a search parameter or modifier that this back end does not have";
            return Err(Error::new(ErrorKind::Invalid, text));
        };
        if value.contains(',') {
            return Err(Error::new(ErrorKind::Invalid, "expected one value: this back end has no `or`"));
        }
        let (name, value) = compared(parameter, value)?;
        let Some(value) = self.spelled(code, parameter, value)? else { return Ok(false) };
        self.pairs.push((name.to_owned(), value));
        Ok(true)
    }

    /// A value as theirs; none when nothing of theirs can have it.
    fn spelled(&self, code: &str, parameter: &Parameter, value: &str) -> Result<Option<String>, Error> {
        let value = match parameter.r#type {
            ParameterType::Token => token(parameter, value)?,
            ParameterType::Reference => reference(parameter, &self.call.base, value),
            ParameterType::String | ParameterType::Date => Some(value),
        };
        let Some(value) = value else { return Ok(None) };
        let conversion = self.mapped.conversions.get(code);
        let theirs =
            conversion.and_then(|rule| rule.theirs(&Tree::Text(value.to_owned()))).and_then(|tree| tree.text());
        if theirs.is_none() && parameter.r#type == ParameterType::Date {
            return Err(Error::new(ErrorKind::Invalid, "expected a whole date or time"));
        }
        Ok(theirs)
    }

    fn finish(mut self, cursor: Option<&str>) -> Result<Plan, Error> {
        if let Some(id) = self.id {
            let is_alone = self.pairs.len() == self.search.always.len();
            let refused = "on this back end, one resource is not searched by its id and something else";
            return if is_alone { Ok(Plan::One(id)) } else { Err(Error::new(ErrorKind::Forbidden, refused)) };
        }
        let foreign = || Error::new(ErrorKind::Invalid, "the page link is not one of this server's");
        let number = |cursor: Option<&str>, first: u64| match cursor {
            Some(cursor) => cursor.parse().map_err(|_| foreign()),
            None => Ok(first),
        };
        match &self.search.paging {
            None => self.ask.at = number(cursor, 0)?,
            Some(Paging { style: Style::Link, size, .. }) => {
                if let Some(target) = cursor {
                    self.ask.target = target.to_owned();
                    return Ok(Plan::Ask(self.ask));
                }
                self.pairs.extend(size.clone().map(|name| (name, self.ask.size.to_string())));
            }
            Some(paging) => {
                let parameter = paging.parameter.clone().unwrap_or_default();
                self.pairs.extend(paging.size.clone().map(|name| (name, self.ask.size.to_string())));
                match paging.style {
                    Style::Cursor => self.pairs.extend(cursor.map(|cursor| (parameter, cursor.to_owned()))),
                    style => {
                        let first = if style == Style::Page { paging.first } else { 0 };
                        self.ask.at = number(cursor, first)?;
                        self.pairs.push((parameter, self.ask.at.to_string()));
                    }
                }
            }
        }
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.pairs).finish();
        self.ask.target =
            if query.is_empty() { self.search.path.clone() } else { format!("{}?{query}", self.search.path) };
        Ok(Plan::Ask(self.ask))
    }
}

/// The name that a comparison has, and the value without its prefix (search.html#prefix).
fn compared<'a>(parameter: &'a Parameter, value: &'a str) -> Result<(&'a str, &'a str), Error> {
    if parameter.r#type != ParameterType::Date {
        return Ok((&parameter.name, value));
    }
    let split = value.find(|letter: char| !letter.is_ascii_lowercase()).unwrap_or(value.len());
    match value.split_at(split) {
        ("" | "eq", value) => Ok((&parameter.name, value)),
        (prefix, value) => match parameter.comparisons.get(prefix) {
            Some(name) => Ok((name, value)),
            None => Err(Error::new(ErrorKind::Invalid, "a comparison that this back end does not have")),
        },
    }
}

fn token<'v>(parameter: &Parameter, value: &'v str) -> Result<Option<&'v str>, Error> {
    match (value.split_once('|'), &parameter.system) {
        (None, _) => Ok(Some(value)),
        (Some((system, code)), Some(known)) => Ok((system == known).then_some(code)),
        (Some(("", code)), None) => Ok(Some(code)),
        (Some(_), None) => Err(Error::new(ErrorKind::Invalid, "expected a code without its system")),
    }
}

fn reference<'v>(parameter: &Parameter, base: &str, value: &'v str) -> Option<&'v str> {
    let value = value.strip_prefix(base).and_then(|rest| rest.strip_prefix('/')).unwrap_or(value);
    match &parameter.prefix {
        Some(prefix) => value.strip_prefix(prefix.as_str()).or((!value.contains('/')).then_some(value)),
        None => Some(value),
    }
}

impl Ask {
    /// Reads an answer.
    ///
    /// # Errors
    /// [`ErrorKind::BadReply`] without an array, or without a number of matches that was asked for.
    pub(super) fn found<'t>(
        &self,
        search: &Search,
        answer: &'t Tree,
        headers: &HeaderMap,
        prefix: &str,
    ) -> Result<Found<'t>, Error> {
        let bad = |text: &str| Error::new(ErrorKind::BadReply, text);
        let Some(Tree::Array(items)) = answer.at(&search.items) else {
            return Err(bad("expected an array of records from the back end"));
        };
        let total = search.total.as_ref().and_then(|pointer| answer.at(pointer)).and_then(Tree::text);
        let mut total = total.and_then(|total| total.parse().ok());
        let mut records: Vec<&Tree> = items.iter().collect();
        let mut next = None;
        match &search.paging {
            None => {
                let all = records.len() as u64;
                total = Some(all);
                let end = self.at.saturating_add(self.size);
                next = (end < all).then(|| end.to_string());
                records = items.iter().skip(as_usize(self.at)).take(as_usize(self.size)).collect();
            }
            Some(paging) => {
                records.truncate(as_usize(u64::from(paging.most)));
                if !records.is_empty() {
                    next = self.next(paging, answer, headers, prefix, records.len() as u64, total);
                }
            }
        }
        if self.needs_total && total.is_none() {
            return Err(bad("expected the number of matches from the back end"));
        }
        if self.is_count {
            (records, next) = (Vec::new(), None);
        }
        Ok(Found { records, total, next })
    }

    fn next(
        &self,
        paging: &Paging,
        answer: &Tree,
        headers: &HeaderMap,
        prefix: &str,
        here: u64,
        total: Option<u64>,
    ) -> Option<String> {
        match paging.style {
            Style::Page => {
                let seen = self.at.saturating_sub(paging.first).saturating_add(1).saturating_mul(self.size);
                let is_more = total.map_or(here >= self.size, |total| seen < total);
                is_more.then(|| self.at.saturating_add(1).to_string())
            }
            Style::Offset => {
                let seen = self.at.saturating_add(here);
                let is_more = total.map_or(here >= self.size, |total| seen < total);
                is_more.then(|| seen.to_string())
            }
            Style::Cursor => answer.at(paging.next.as_ref()?).and_then(Tree::text).filter(|text| !text.is_empty()),
            Style::Link => headers
                .get_all(http::header::LINK)
                .iter()
                .filter_map(|value| value.to_str().ok())
                .find_map(|text| linked(text, prefix)),
        }
    }
}

fn as_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// What follows the base in `<…>; rel="next"` (RFC 8288). `prefix` is the base, without a slash at the end. None when it leads
/// elsewhere.
fn linked(text: &str, prefix: &str) -> Option<String> {
    let link = text.split(",").find(|link| {
        link.split(';').skip(1).any(|parameter| matches!(parameter.trim(), "rel=\"next\"" | "rel=next"))
    })?;
    let url = link.split_once('<')?.1.split_once('>')?.0;
    let path = prefix.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..])).unwrap_or("");
    let target = url.strip_prefix(prefix).or_else(|| url.strip_prefix(path).filter(|_| url.starts_with('/')))?;
    let is_below = target.starts_with(['/', '?']) && !target.starts_with("//") && !target.contains("/..");
    (is_below && target.len() < 2_000 && target.is_ascii()).then(|| target.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_followed_below_the_base_alone() {
        let base = "https://crm.example/api";
        for (text, target) in [
            (r#"<https://crm.example/api/patients?after=3>; rel="next""#, Some("/patients?after=3")),
            (r#"</api/patients?after=3>; rel=next"#, Some("/patients?after=3")),
            (r#"<https://crm.example/api/a>; rel="prev", <https://crm.example/api/b>; rel="next""#, Some("/b")),
            (r#"<https://evil.example/api/patients>; rel="next""#, None),
            (r#"<https://crm.example/api.evil/x>; rel="next""#, None),
            (r#"</api/../admin>; rel="next""#, None),
            (r#"<https://crm.example/api/patients>; rel="last""#, None),
            ("next", None),
        ] {
            assert_eq!(linked(text, base).as_deref(), target, "{text}");
        }
    }
}
