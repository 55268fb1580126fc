//! Parameters that say what to return and not what to match (search.html#return).

use fhir::ResourceType;

use super::parse::{Refusal, Scope, short};
use super::{Include, Search, Sort, Summary, Total};
use crate::ParameterType;

const MAX_SORT_KEYS: usize = 8;
const MAX_ELEMENTS: usize = 128;
const MAX_INCLUDES: usize = 32;

/// Takes a result parameter into the search; false when it is none.
pub(super) fn read(search: &mut Search, scope: Scope<'_>, name: &str, value: &str) -> Result<bool, Refusal> {
    let (plain, modifier) = name.split_once(':').map_or((name, None), |(plain, modifier)| (plain, Some(modifier)));
    match plain {
        "_include" | "_revinclude" => {
            let list = if plain == "_include" { &mut search.includes } else { &mut search.revincludes };
            list.push(include(scope, plain, modifier, value)?);
            if list.len() > MAX_INCLUDES {
                return Err(Refusal::wrong(format!("expected at most {MAX_INCLUDES} times `{plain}`")));
            }
        }
        "_count" => once(&mut search.count, name, count(value)?)?,
        "_total" => once(&mut search.total, name, total(value)?)?,
        "_summary" => once(&mut search.summary, name, summary(value)?)?,
        "_sort" => sort(search, scope, value)?,
        "_elements" => elements(search, value)?,
        "_page" => return Err(Refusal::wrong("expected a page in `_page`")),
        // `false` is what happens anyway.
        "_contained" if value == "false" => {}
        _ => return Ok(false),
    }
    match modifier {
        Some(modifier) if !plain.ends_with("include") => {
            Err(Refusal::wrong(format!("`{plain}` takes no modifier and has `:{}`", short(modifier))))
        }
        _ => Ok(true),
    }
}

fn once<T>(slot: &mut Option<T>, name: &str, value: T) -> Result<(), Refusal> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Refusal::wrong(format!("expected `{}` once", short(name)))),
    }
}

fn count(value: &str) -> Result<u32, Refusal> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let count = digits.then(|| value.parse::<i32>().ok()).flatten();
    count.map(i32::unsigned_abs).ok_or_else(|| Refusal::wrong("expected a number from 0 to 2147483647 in `_count`"))
}

fn total(value: &str) -> Result<Total, Refusal> {
    match value {
        "none" => Ok(Total::None),
        "estimate" => Ok(Total::Estimate),
        "accurate" => Ok(Total::Accurate),
        _ => Err(Refusal::wrong("expected `none`, `estimate` or `accurate` in `_total`")),
    }
}

fn summary(value: &str) -> Result<Summary, Refusal> {
    match value {
        "true" => Ok(Summary::True),
        "text" => Ok(Summary::Text),
        "data" => Ok(Summary::Data),
        "count" => Ok(Summary::Count),
        "false" => Ok(Summary::False),
        _ => Err(Refusal::wrong("expected `true`, `text`, `data`, `count` or `false` in `_summary`")),
    }
}

fn sort(search: &mut Search, scope: Scope<'_>, value: &str) -> Result<(), Refusal> {
    for key in value.split(',') {
        let (code, descending) = key.strip_prefix('-').map_or((key, false), |code| (code, true));
        if code.is_empty() {
            return Err(Refusal::wrong("expected names of search parameters in `_sort`"));
        }
        let parameter = scope.parameter(code)?;
        if parameter.kind == ParameterType::Composite {
            return Err(Refusal::wrong(format!("`{code}` is a composite, which has no order for `_sort`")));
        }
        search.sort.push(Sort { parameter, descending });
    }
    if search.sort.len() > MAX_SORT_KEYS {
        return Err(Refusal::wrong(format!("expected at most {MAX_SORT_KEYS} keys in `_sort`")));
    }
    Ok(())
}

fn elements(search: &mut Search, value: &str) -> Result<(), Refusal> {
    for name in value.split(',') {
        // With the type before it where more than one type is searched: `Patient.name`.
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_')) {
            return Err(Refusal::wrong("expected names of elements in `_elements`"));
        }
        search.elements.push(name.to_owned());
    }
    if search.elements.len() > MAX_ELEMENTS {
        return Err(Refusal::wrong(format!("expected at most {MAX_ELEMENTS} names in `_elements`")));
    }
    Ok(())
}

fn include(scope: Scope<'_>, name: &str, modifier: Option<&str>, value: &str) -> Result<Include, Refusal> {
    let iterate = match modifier {
        None => false,
        // `recurse` is the name in older releases.
        Some("iterate" | "recurse") => true,
        Some(other) => return Err(Refusal::wrong(format!("`{name}` takes `:iterate` and has `:{}`", short(other)))),
    };
    let expected = || Refusal::wrong(format!("expected `Type:parameter` or `Type:parameter:Target` in `{name}`"));
    if value == "*"
        && let Some(source) = scope.resource_type
    {
        return Ok(Include { source, parameter: None, target: None, iterate });
    }
    let known = |name: &str| name.parse::<ResourceType>().ok().filter(|known| known.is_in(scope.vocabulary.version));
    let mut parts = value.split(':');
    let source = parts.next().and_then(known).ok_or_else(expected)?;
    let code = parts.next().ok_or_else(expected)?;
    let target = match parts.next() {
        None => None,
        Some(target) => Some(known(target).ok_or_else(expected)?),
    };
    if parts.next().is_some() {
        return Err(expected());
    }
    if code == "*" {
        return Ok(Include { source, parameter: None, target, iterate });
    }
    let parameter = Scope { resource_type: Some(source), ..scope }.parameter(code)?;
    if parameter.kind != ParameterType::Reference {
        return Err(Refusal::wrong(format!("`{code}` of {source} is no reference, which `{name}` needs")));
    }
    Ok(Include { source, parameter: Some(parameter), target, iterate })
}
