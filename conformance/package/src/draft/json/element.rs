//! ElementDefinitions.

use fhir::json::{Kind, Value};

use super::{canonical, clean, extensions, flag, items, text, word};
use crate::draft::{ElementDraft, Max};
use crate::structure::{
    AdditionalBinding, Binding, Cardinality, Constraint, Discriminator, DiscriminatorType, Rules, Slicing, Strength,
    TypeUse, ValueFact,
};

const FHIR_TYPE: &str = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type";
const BEST_PRACTICE: &str = "http://hl7.org/fhir/StructureDefinition/elementdefinition-bestpractice";
const MAX_VALUE_SET: &str = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet";
const MIN_VALUE_SET: &str = "http://hl7.org/fhir/StructureDefinition/elementdefinition-minValueSet";
const REGEX: &str = "http://hl7.org/fhir/StructureDefinition/regex";
const ADDITIONAL: &str = "http://hl7.org/fhir/tools/StructureDefinition/additional-binding";

/// An element; none without a path.
pub(super) fn element(value: Value<'_>) -> Option<ElementDraft> {
    let mut element = ElementDraft { path: word(value, "path")?, ..ElementDraft::default() };
    for member in value.children() {
        read_member(&mut element, member);
    }
    element.constraints.extend(expressions(value).map(matching));
    element.types = types(value, element.base.as_ref().map_or(element.path.as_str(), |base| &base.path));
    Some(element)
}

fn read_member(element: &mut ElementDraft, member: Value<'_>) {
    match member.name() {
        "id" => element.id = member.text().map(|id| id.split_whitespace().collect()).unwrap_or_default(),
        "sliceName" => element.slice_name = member.text().map(|name| name.trim().replace(char::is_whitespace, "-")),
        "slicing" => element.slicing = Some(slicing(member)),
        "min" => element.min = number(member),
        "max" => element.max = member.text().and_then(|text| max(&text)),
        "base" => element.base = cardinality(member),
        "contentReference" => element.content = member.text().and_then(|text| clean(text.rsplit('#').next()?)),
        "maxLength" => element.max_length = number(member),
        "binding" => element.binding = binding(member),
        "constraint" => element.constraints = member.children().filter_map(constraint).collect(),
        "mustHaveValue" => element.must_have_value = member.boolean(),
        "valueAlternatives" => element.value_alternatives = canonicals(member),
        "mustSupport" => element.must_support = member.boolean(),
        "isModifier" => element.is_modifier = member.boolean(),
        name => read_value(element, name, member),
    }
}

fn read_value(element: &mut ElementDraft, name: &str, member: Value<'_>) {
    for (prefix, slot) in [
        ("fixed", &mut element.fixed),
        ("pattern", &mut element.pattern),
        ("minValue", &mut element.min_value),
        ("maxValue", &mut element.max_value),
    ] {
        if let Some(type_) = name.strip_prefix(prefix).filter(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
        {
            *slot = Some(ValueFact { type_: type_name(type_), json: minified(member) });
            return;
        }
    }
}

/// `fixedUri` has a `uri`, `fixedCodeableConcept` a `CodeableConcept`.
fn type_name(in_member: &str) -> String {
    let mut lower = in_member.to_owned();
    if let Some(first) = lower.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    if definitions::Primitive::named(&lower).is_some() { lower } else { in_member.to_owned() }
}

fn number(value: Value<'_>) -> Option<u32> {
    value.number()?.parse().ok()
}

fn max(text: &str) -> Option<Max> {
    match text.trim() {
        "*" => Some(None),
        number => number.parse().ok().map(Some),
    }
}

fn cardinality(value: Value<'_>) -> Option<Cardinality> {
    let min = value.member("min").and_then(number).unwrap_or_default();
    Some(Cardinality { path: word(value, "path")?, min, max: max(&text(value, "max")?)? })
}

fn slicing(value: Value<'_>) -> Slicing {
    Slicing {
        discriminators: items(value, "discriminator").filter_map(discriminator).collect(),
        is_ordered: flag(value, "ordered").unwrap_or_default(),
        rules: match text(value, "rules").as_deref() {
            Some("closed") => Rules::Closed,
            Some("openAtEnd") => Rules::OpenAtEnd,
            _ => Rules::Open,
        },
    }
}

fn discriminator(value: Value<'_>) -> Option<Discriminator> {
    let type_ = match text(value, "type")?.as_str() {
        "value" => DiscriminatorType::Value,
        "exists" => DiscriminatorType::Exists,
        "pattern" => DiscriminatorType::Pattern,
        "type" => DiscriminatorType::Type,
        "profile" => DiscriminatorType::Profile,
        "position" => DiscriminatorType::Position,
        _ => return None,
    };
    Some(Discriminator { type_, path: text(value, "path")? })
}

/// The types. One that is written several times, once for each profile as older tools do, becomes one.
fn types(value: Value<'_>, origin: &str) -> Vec<TypeUse> {
    let mut types: Vec<TypeUse> = Vec::new();
    for used in items(value, "type").filter_map(|used| type_use(used, origin)) {
        match types.iter_mut().find(|known| known.code == used.code) {
            Some(known) => {
                known.profiles.extend(used.profiles);
                known.targets.extend(used.targets);
            }
            None => types.push(used),
        }
    }
    types
}

fn type_use(value: Value<'_>, origin: &str) -> Option<TypeUse> {
    let code = canonical(value, "code")?;
    Some(TypeUse {
        code: if code.starts_with("http://hl7.org/fhirpath/System.") {
            written_type(value, &code, origin)
        } else {
            code
        },
        profiles: value.member("profile").map(canonicals).unwrap_or_default(),
        targets: value.member("targetProfile").map(canonicals).unwrap_or_default(),
        aggregation: items(value, "aggregation").filter_map(|item| clean(&item.text()?)).collect(),
        versioning: word(value, "versioning"),
    })
}

/// The primitive that FHIR writes where a definition names a type of FHIRPath. The packages differ in how they say it:
/// resource.html#id is an id, element.html#id is a string without spaces.
fn written_type(value: Value<'_>, code: &str, origin: &str) -> String {
    match origin {
        "Resource.id" => return "id".to_owned(),
        "Element.id" => return "string".to_owned(),
        _ => {}
    }
    let named = extensions(value, FHIR_TYPE)
        .find_map(|extension| canonical(extension, "valueUrl").or_else(|| canonical(extension, "valueUri")));
    named.unwrap_or_else(|| code.to_owned())
}

fn canonicals(list: Value<'_>) -> Vec<String> {
    list.items().filter_map(|item| clean(&item.text()?)).collect()
}

fn binding(value: Value<'_>) -> Option<Binding> {
    let strength = match text(value, "strength")?.as_str() {
        "required" => Strength::Required,
        "extensible" => Strength::Extensible,
        "preferred" => Strength::Preferred,
        "example" => Strength::Example,
        _ => return None,
    };
    let value_set = canonical(value, "valueSet")
        .or_else(|| canonical(value, "valueSetUri"))
        .or_else(|| canonical(value.member("valueSetReference")?, "reference"));
    let limits = [(MAX_VALUE_SET, "maximum"), (MIN_VALUE_SET, "minimum")].into_iter();
    let mut additional: Vec<_> = limits.flat_map(|(url, purpose)| limit(value, url, purpose)).collect();
    additional.extend(items(value, "additional").filter_map(additional_binding));
    additional.extend(extensions(value, ADDITIONAL).filter_map(additional_extension));
    Some(Binding { strength, value_set, additional })
}

fn limit<'a>(value: Value<'a>, url: &'a str, purpose: &str) -> impl Iterator<Item = AdditionalBinding> {
    extensions(value, url).filter_map(move |extension| {
        let value_set = canonical(extension, "valueCanonical")
            .or_else(|| canonical(extension, "valueUri"))
            .or_else(|| canonical(extension.member("valueReference")?, "reference"))?;
        Some(AdditionalBinding { purpose: purpose.to_owned(), value_set, ..AdditionalBinding::default() })
    })
}

fn additional_binding(value: Value<'_>) -> Option<AdditionalBinding> {
    Some(AdditionalBinding {
        purpose: word(value, "purpose")?,
        value_set: canonical(value, "valueSet")?,
        is_any: flag(value, "any").unwrap_or_default(),
        usages: items(value, "usage").map(minified).collect(),
    })
}

fn additional_extension(value: Value<'_>) -> Option<AdditionalBinding> {
    let part = |name: &'static str| extensions(value, name);
    Some(AdditionalBinding {
        purpose: part("purpose").find_map(|purpose| word(purpose, "valueCode"))?,
        value_set: part("valueSet")
            .find_map(|set| canonical(set, "valueCanonical").or_else(|| canonical(set, "valueUri")))?,
        is_any: part("any").find_map(|any| flag(any, "valueBoolean")).unwrap_or_default(),
        usages: part("usage").filter_map(|usage| usage.member("valueUsageContext")).map(minified).collect(),
    })
}

/// Regular expressions of an element, or of its only type (the extension `regex`).
fn expressions(value: Value<'_>) -> impl Iterator<Item = String> {
    let mut types = items(value, "type");
    let only = types.next().filter(|_| types.next().is_none());
    let holders = [Some(value), only].into_iter().flatten();
    holders.flat_map(|holder| extensions(holder, REGEX)).filter_map(|extension| text(extension, "valueString"))
}

/// That the text of a value is of a regular expression, as a rule: FHIRPath says the same.
fn matching(expression: String) -> Constraint {
    let literal = expression.replace('\\', "\\\\").replace('\'', "\\'");
    Constraint {
        key: "regex".to_owned(),
        is_error: true,
        is_best_practice: false,
        human: format!("the value has the form {expression}"),
        expression: Some(format!("$this.hasValue() implies $this.toString().matchesFull('{literal}')")),
        source: None,
    }
}

fn constraint(value: Value<'_>) -> Option<Constraint> {
    Some(Constraint {
        key: word(value, "key")?,
        is_error: text(value, "severity").as_deref() != Some("warning"),
        is_best_practice: extensions(value, BEST_PRACTICE)
            .any(|extension| flag(extension, "valueBoolean") == Some(true)),
        human: text(value, "human").unwrap_or_default(),
        expression: text(value, "expression").filter(|expression| !expression.trim().is_empty()),
        source: canonical(value, "source"),
    })
}

/// The JSON of a value without space outside of strings: numbers and escapes stay as written.
fn minified(value: Value<'_>) -> Box<[u8]> {
    let raw = value.raw();
    if !matches!(value.kind(), Kind::Array | Kind::Object) {
        return raw.into();
    }
    let (mut out, mut in_string, mut is_escaped) = (Vec::with_capacity(raw.len()), false, false);
    for &byte in raw {
        if !in_string && byte.is_ascii_whitespace() {
            continue;
        }
        out.push(byte);
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_string => is_escaped = true,
            b'"' => in_string = !in_string,
            _ => {}
        }
    }
    out.into()
}
