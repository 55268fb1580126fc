//! The second pass: a section into its type, with every fault and not only the first.
//!
//! serde stops at the first fault, so what is faulty is noted, taken out, and the rest is read again. Sections are
//! read one by one, because `flatten`, untagged and internally tagged enums lose positions.

use std::ops::Range;

use fhir::ResourceType;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, ValueDeserializer};

use crate::nearest::nearest;
use crate::source::Fault;

/// Names that are listed when none is near.
const MOST_NAMED: usize = 40;

/// Reads a section; faults are added to `faults`. `None` when something is missing that cannot be done without.
pub(crate) fn read<T: DeserializeOwned + JsonSchema>(
    mut value: Spanned<DeValue<'_>>,
    faults: &mut Vec<Fault>,
) -> Option<T> {
    let mut taken_out: Vec<String> = Vec::new();
    loop {
        let error = match T::deserialize(ValueDeserializer::from(value.clone())) {
            Ok(section) => return Some(section),
            Err(error) => error,
        };
        let span = error.span().unwrap_or_else(|| value.span());
        if let Some(name) = quoted(error.message(), "missing field ") {
            missing::<T>(&value, name, span, &taken_out, faults);
            return None;
        }
        let span = entry_of::<T>(&value, &span, error.message()).unwrap_or(span);
        faults.push(in_our_words(error.message(), span.clone()));
        match take_out(&mut value, &span) {
            Some(key) => taken_out.push(key),
            None => return None,
        }
    }
}

/// A fault of one entry may come with the place of its whole list: the entry is the one that is refused alone, too.
fn entry_of<T: DeserializeOwned>(
    value: &Spanned<DeValue<'_>>,
    list: &Range<usize>,
    message: &str,
) -> Option<Range<usize>> {
    let entries = list_at(value, list)?.len();
    (0..entries).find_map(|index| {
        let mut alone = value.clone();
        let entries = list_at_mut(&mut alone, list)?;
        let entry = entries.get(index)?.clone();
        let place = entry.span();
        *entries = DeArray::new();
        entries.push(entry);
        let error = T::deserialize(ValueDeserializer::from(alone)).err()?;
        (error.message() == message).then_some(place)
    })
}

fn list_at<'v, 'i>(value: &'v Spanned<DeValue<'i>>, span: &Range<usize>) -> Option<&'v DeArray<'i>> {
    match value.get_ref() {
        DeValue::Array(array) if value.span() == *span => Some(array),
        DeValue::Array(array) => array.iter().find_map(|entry| list_at(entry, span)),
        DeValue::Table(table) => table.values().find_map(|member| list_at(member, span)),
        _ => None,
    }
}

fn list_at_mut<'v, 'i>(value: &'v mut Spanned<DeValue<'i>>, span: &Range<usize>) -> Option<&'v mut DeArray<'i>> {
    if value.span() == *span && value.get_ref().is_array() {
        return match value.get_mut() {
            DeValue::Array(array) => Some(array),
            _ => None,
        };
    }
    match value.get_mut() {
        DeValue::Array(array) => array.iter_mut().find_map(|entry| list_at_mut(entry, span)),
        DeValue::Table(table) => table.iter_mut().find_map(|(_, member)| list_at_mut(member, span)),
        _ => None,
    }
}

/// Every required setting that is not there: serde names one, the schema all.
fn missing<T: JsonSchema>(
    value: &Spanned<DeValue<'_>>,
    named: &str,
    span: Range<usize>,
    taken_out: &[String],
    faults: &mut Vec<Fault>,
) {
    let table = value.get_ref().as_table();
    let mut names: Vec<String> = required::<T>();
    names.retain(|name| table.is_some_and(|table| !table.contains_key(name.as_str())));
    if !names.iter().any(|name| name == named) {
        names = vec![named.to_owned()];
    }
    names.retain(|name| !taken_out.contains(name));
    faults.extend(names.into_iter().map(|name| {
        Fault::new(span.clone(), format!("the setting `{name}` is missing"), format!("expected `{name}` here"))
    }));
}

/// The required settings of a section, by its schema.
fn required<T: JsonSchema>() -> Vec<String> {
    strings(schemars::schema_for!(T).get("required"))
}

/// The settings of a section, by its schema.
pub(crate) fn properties<T: JsonSchema>() -> Vec<String> {
    let schema = schemars::schema_for!(T);
    let properties = schema.get("properties").and_then(|properties| properties.as_object());
    properties.into_iter().flat_map(|properties| properties.keys().cloned()).collect()
}

fn strings(value: Option<&serde_json::Value>) -> Vec<String> {
    let entries = value.and_then(|value| value.as_array()).into_iter().flatten();
    entries.filter_map(|entry| entry.as_str().map(str::to_owned)).collect()
}

/// Takes out the setting whose key or value stands there; its key, or the number of an entry of an array.
fn take_out(value: &mut Spanned<DeValue<'_>>, span: &Range<usize>) -> Option<String> {
    match value.get_mut() {
        DeValue::Table(table) => take_out_of_table(table, span),
        DeValue::Array(array) => take_out_of_array(array, span),
        _ => None,
    }
}

fn take_out_of_table(table: &mut DeTable<'_>, span: &Range<usize>) -> Option<String> {
    for (_, value) in table.iter_mut() {
        if let Some(key) = take_out(value, span) {
            return Some(key);
        }
    }
    let here = |(key, value): &(&Spanned<_>, &Spanned<_>)| key.span() == *span || value.span() == *span;
    let key = table.iter().find(here).map(|(key, _)| key.clone())?;
    table.remove(key.get_ref().as_ref());
    Some(key.into_inner().into_owned())
}

fn take_out_of_array(array: &mut DeArray<'_>, span: &Range<usize>) -> Option<String> {
    for value in array.iter_mut() {
        if let Some(key) = take_out(value, span) {
            return Some(key);
        }
    }
    let index = array.iter().position(|value| value.span() == *span)?;
    let mut rest = DeArray::new();
    for (position, value) in array.iter().enumerate() {
        if position != index {
            rest.push(value.clone());
        }
    }
    *array = rest;
    Some(index.to_string())
}

/// What serde says, in the words of this project.
fn in_our_words(message: &str, span: Range<usize>) -> Fault {
    if let Some((what, name)) = message.strip_prefix("unknown ").and_then(|rest| rest.split_once(" `")) {
        let name = name.split('`').next().unwrap_or_default();
        return match what {
            "field" => unknown(span, "setting", name, &known(message)),
            "variant" => unknown(span, "value", name, &known(message)),
            "resource type" => {
                unknown(span, what, name, &ResourceType::all().map(ResourceType::as_str).collect::<Vec<_>>())
            }
            _ => unknown(span, what, name, &known(message)),
        };
    }
    for (start, kind) in [("invalid type: ", "type"), ("invalid value: ", "value"), ("invalid length ", "length")] {
        let parts = message.strip_prefix(start).and_then(|rest| rest.rsplit_once(", expected "));
        if let Some((found, expected)) = parts {
            return Fault::new(span, format!("wrong {kind}: {found}"), format!("expected {}", in_words(expected)));
        }
    }
    let masked = message.starts_with(adapter::setting::SECRET_IN_PLAIN);
    let (message, expected) = message
        .split_once(", expected ")
        .map_or((message, String::new()), |(message, expected)| (message, format!("expected {expected}")));
    Fault { masked, ..Fault::new(span, message, expected) }
}

/// What serde and the standard library expect, for a person who knows neither.
fn in_words(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, not negative",
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "f32" | "f64" => "a number",
        "a string" | "string" | "path string" => "text in quotes",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "socket address" => "an address with a port, such as \"127.0.0.1:8080\"",
        "IP address" => "an IP address",
        other => other.strip_prefix("struct ").map_or(other, |_| "a table of settings"),
    }
}

/// Something that is not known, with the nearest that is.
pub(crate) fn unknown(span: Range<usize>, what: &str, name: &str, known: &[&str]) -> Fault {
    let expected = match nearest(name, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "expected nothing here".to_owned(),
        None if known.len() > MOST_NAMED => format!("expected a {what} such as `{}`", known[known.len() / 2]),
        None => format!("expected one of: {}", known.join(", ")),
    };
    Fault::new(span, format!("unknown {what} `{name}`"), expected)
}

/// The first name in backquotes after a start.
fn quoted<'a>(message: &'a str, start: &str) -> Option<&'a str> {
    message.strip_prefix(start)?.strip_prefix('`')?.split('`').next()
}

/// The names in backquotes after `expected`.
fn known(message: &str) -> Vec<&str> {
    let expected = message.split_once(", expected ").map_or("", |(_, expected)| expected);
    expected.split('`').skip(1).step_by(2).collect()
}
