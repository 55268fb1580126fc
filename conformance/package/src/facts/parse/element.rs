//! Elements.

use super::{Lines, ParseError};
use crate::draft::{ElementDraft, Max};
use crate::facts::words::{discriminator_of, long, rules_of, strength_of, unescaped};
use crate::structure::{
    AdditionalBinding, Binding, Cardinality, Constraint, Discriminator, Slicing, TypeUse, ValueFact,
};

pub(super) fn elements(lines: &mut Lines<'_>) -> Result<Vec<ElementDraft>, ParseError> {
    let mut elements = Vec::new();
    while let Some(line) = lines.at(2) {
        let Some(mut element) = head(line) else { return lines.expected("`ID MIN..MAX`") };
        while let Some(line) = lines.at(4) {
            if fact(&mut element, line).is_none() {
                return lines.expected("a fact of an element");
            }
            while let Some(line) = lines.at(6) {
                if detail(&mut element, line).is_none() {
                    return lines.expected("a detail of the fact before");
                }
                while let Some(line) = lines.at(8) {
                    if usage(&mut element, line).is_none() {
                        return lines.expected("`for JSON` behind an additional binding");
                    }
                }
            }
        }
        elements.push(element);
    }
    Ok(elements)
}

/// The path that an id stands for, when nothing else is said.
pub(in crate::facts) fn path_of(id: &str) -> String {
    let names = id.split('.').map(|step| step.split_once(':').map_or(step, |(name, _)| name));
    names.collect::<Vec<_>>().join(".")
}

fn head(line: &str) -> Option<ElementDraft> {
    let mut words = line.split(' ');
    let id = words.next()?.to_owned();
    let (min, max) = cardinality(words.next()?)?;
    let slice_name = id.rsplit('.').next()?.split_once(':').map(|(_, slice)| slice.to_owned());
    let mut element = ElementDraft { path: path_of(&id), slice_name, id, min, max, ..ElementDraft::default() };
    for word in words {
        let (name, flag) = word.strip_prefix("no-").map_or((word, true), |name| (name, false));
        *match name {
            "modifier" => &mut element.is_modifier,
            "must-support" => &mut element.must_support,
            "must-have-value" => &mut element.must_have_value,
            _ => return None,
        } = Some(flag);
    }
    Some(element)
}

fn cardinality(text: &str) -> Option<(Option<u32>, Option<Max>)> {
    let (min, max) = text.split_once("..")?;
    let min = if min.is_empty() { None } else { Some(min.parse().ok()?) };
    let max = match max {
        "" => None,
        "*" => Some(None),
        number => Some(Some(number.parse().ok()?)),
    };
    Some((min, max))
}

fn fact(element: &mut ElementDraft, line: &str) -> Option<()> {
    let (word, rest) = line.split_once(' ')?;
    match word {
        "path" => element.path = rest.to_owned(),
        "base" => {
            let (path, range) = rest.split_once(' ')?;
            let (min, max) = cardinality(range)?;
            element.base = Some(Cardinality { path: path.to_owned(), min: min?, max: max? });
        }
        "slicing" => element.slicing = Some(slicing(rest)?),
        "type" => element.types.push(type_use(rest)?),
        "content" => element.content = Some(rest.to_owned()),
        "fixed" => element.fixed = Some(value(rest)?),
        "pattern" => element.pattern = Some(value(rest)?),
        "at-least" => element.min_value = Some(value(rest)?),
        "at-most" => element.max_value = Some(value(rest)?),
        "length" => element.max_length = Some(rest.parse().ok()?),
        "alternative" => element.value_alternatives.push(long(rest)),
        "binding" => element.binding = Some(binding(rest)?),
        "!" => element.constraints.push(constraint(rest)?),
        _ => return None,
    }
    Some(())
}

fn slicing(text: &str) -> Option<Slicing> {
    let mut words = text.split(' ');
    let rules = rules_of(words.next()?)?;
    Some(Slicing { discriminators: Vec::new(), is_ordered: words.next() == Some("ordered"), rules })
}

fn type_use(text: &str) -> Option<TypeUse> {
    let mut words = text.split(' ');
    let mut used = TypeUse { code: words.next()?.to_owned(), ..TypeUse::default() };
    let mut list = "";
    for word in words {
        match (word, list) {
            ("as" | "to" | "found" | "versioned", _) => list = word,
            (_, "as") => used.profiles.push(long(word)),
            (_, "to") => used.targets.push(long(word)),
            (_, "found") => used.aggregation.push(word.to_owned()),
            (_, "versioned") => used.versioning = Some(word.to_owned()),
            _ => return None,
        }
    }
    Some(used)
}

fn value(text: &str) -> Option<ValueFact> {
    let (type_, json) = text.split_once(' ')?;
    Some(ValueFact { type_: type_.to_owned(), json: json.as_bytes().into() })
}

fn binding(text: &str) -> Option<Binding> {
    let (strength, value_set) = text.split_once(' ').map_or((text, None), |(strength, url)| (strength, Some(url)));
    Some(Binding { strength: strength_of(strength)?, value_set: value_set.map(long), additional: Vec::new() })
}

fn constraint(text: &str) -> Option<Constraint> {
    let mut words = text.split(' ');
    let key = words.next()?.to_owned();
    let is_error = words.next()? == "error";
    let (mut is_best_practice, mut source) = (false, None);
    while let Some(word) = words.next() {
        match word {
            "best-practice" => is_best_practice = true,
            "from" => source = Some(long(words.next()?)),
            _ => return None,
        }
    }
    Some(Constraint { key, is_error, is_best_practice, human: String::new(), expression: None, source })
}

fn detail(element: &mut ElementDraft, line: &str) -> Option<()> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    match word {
        "by" => {
            let (type_, path) = rest.split_once(' ').unwrap_or((rest, ""));
            let by = Discriminator { type_: discriminator_of(type_)?, path: unescaped(path) };
            element.slicing.as_mut()?.discriminators.push(by);
        }
        "also" => {
            let mut words = rest.split(' ');
            let (purpose, value_set) = (words.next()?.to_owned(), long(words.next()?));
            let is_any = words.next() == Some("any");
            let said = AdditionalBinding { purpose, value_set, is_any, usages: Vec::new() };
            element.binding.as_mut()?.additional.push(said);
        }
        "=" => element.constraints.last_mut()?.expression = Some(unescaped(rest)),
        ":" => element.constraints.last_mut()?.human = unescaped(rest),
        _ => return None,
    }
    Some(())
}

fn usage(element: &mut ElementDraft, line: &str) -> Option<()> {
    let json = line.strip_prefix("for ")?;
    element.binding.as_mut()?.additional.last_mut()?.usages.push(json.as_bytes().into());
    Some(())
}
