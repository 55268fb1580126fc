//! The value of an operation as JSON: a `value[x]`, a resource, or an element put together from parts.

use definitions::{Definitions, Element as Definition};
use fhir::json::Value;

use crate::error::{Reason, quoted};

/// What comes to stand in an element: its value, and of a primitive its companion (`_birthDate`).
#[derive(Default)]
pub(super) struct Content {
    /// `HumanName` of a `valueHumanName`; none of parts and resources.
    pub(super) type_name: Option<String>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) companion: Option<Vec<u8>>,
}

impl Content {
    /// Reads a parameter; `definition` is that of the element that it becomes, where there is one.
    pub(super) fn read(
        parameter: Value<'_>,
        definition: Option<Definition<'static>>,
        known: &'static Definitions,
    ) -> Result<Self, Reason> {
        let mut content = Self::default();
        for member in parameter.children() {
            let name = member.name();
            if let Some(of) = name.strip_prefix("value") {
                content.type_name = Some(of.to_owned());
                content.value = Some(member.raw().to_vec());
            } else if let Some(of) = name.strip_prefix("_value") {
                content.type_name = Some(of.to_owned());
                content.companion = Some(member.raw().to_vec());
            } else if name == "resource" {
                content.value = Some(member.raw().to_vec());
            } else if name == "part" {
                content.value = Some(from_parts(member, definition, known)?);
            }
        }
        if content.value.is_none() && content.companion.is_none() {
            return Err(Reason::malformed("expected a value: value[x], a resource, or parts"));
        }
        Ok(content)
    }

    /// The member that this is written to as an element: of a choice `deceasedBoolean`.
    pub(super) fn member_name(&self, definition: Option<Definition<'static>>, name: &str) -> Result<String, Reason> {
        let Some(choice) = definition.filter(|definition| definition.is_choice()) else {
            return Ok(plain(name).to_owned());
        };
        let written = format!("{}{}", choice.path_name(), self.type_name.as_deref().unwrap_or_default());
        if choice.variants().any(|variant| variant.name() == written) {
            return Ok(written);
        }
        let types: Vec<&str> = choice.variants().map(Definition::type_name).take(8).collect();
        Err(Reason::unsuitable(format!(
            "expected a value of a type that {} may have ({}{})",
            quoted(name),
            types.join(", "),
            if choice.variants().nth(8).is_some() { ", …" } else { "" }
        )))
    }
}

/// The `value[x]` of a parameter, with its type.
pub(super) fn given(parameter: Value<'_>) -> Option<(&str, Value<'_>)> {
    parameter.children().find_map(|member| Some((member.name().strip_prefix("value")?, member)))
}

/// The name without the `[x]` of a choice.
pub(super) fn plain(name: &str) -> &str {
    name.strip_suffix("[x]").unwrap_or(name)
}

/// The child of that name. None where nothing is known of the parent.
pub(super) fn child(
    known: &'static Definitions,
    parent: Option<Definition<'static>>,
    name: &str,
) -> Result<Option<Definition<'static>>, Reason> {
    let is_name = !name.is_empty() && name.trim_end_matches("[x]").bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_name {
        return Err(Reason::malformed(format!("expected the name of an element, found {}", quoted(name))));
    }
    let Some(parent) = parent.filter(|parent| parent.shape().is_some()) else { return Ok(None) };
    let child = known.child(parent.id(), plain(name));
    let child = child.ok_or_else(|| {
        Reason::unsuitable(format!("expected an element of {}, found {}", parent.path(), quoted(name)))
    })?;
    Ok(Some(child))
}

/// One member of the element that parts make.
struct Member {
    name: String,
    is_list: bool,
    contents: Vec<Content>,
}

/// An element from parts: each is a child of it, a repeated one a list (fhirpatch.html#concept).
fn from_parts(
    parts: Value<'_>,
    definition: Option<Definition<'static>>,
    known: &'static Definitions,
) -> Result<Vec<u8>, Reason> {
    let mut members: Vec<Member> = Vec::new();
    for part in parts.children() {
        let name = part.member("name").and_then(Value::text);
        let name = name.ok_or_else(|| Reason::malformed("expected each part of a value to have a name"))?;
        let definition = child(known, definition, &name)?;
        let content = Content::read(part, definition, known)?;
        let name = content.member_name(definition, &name)?;
        match members.iter_mut().find(|member| member.name == name) {
            Some(member) => member.contents.push(content),
            None => {
                let is_list = definition.is_some_and(Definition::is_list);
                members.push(Member { name, is_list, contents: vec![content] });
            }
        }
    }
    if members.is_empty() {
        return Err(Reason::malformed("expected a value with at least one part"));
    }
    let mut json = vec![b'{'];
    for member in &members {
        member.write(&mut json)?;
    }
    json.push(b'}');
    Ok(json)
}

impl Member {
    fn write(&self, json: &mut Vec<u8>) -> Result<(), Reason> {
        if !self.is_list && self.contents.len() > 1 {
            return Err(Reason::unsuitable(format!("expected {} once: it is no list", quoted(&self.name))));
        }
        let values = self.contents.iter().map(|content| content.value.as_deref());
        self.write_one("", values, json);
        let companions = self.contents.iter().map(|content| content.companion.as_deref());
        self.write_one("_", companions, json);
        Ok(())
    }

    fn write_one<'c>(&self, mark: &str, mut all: impl Iterator<Item = Option<&'c [u8]>> + Clone, json: &mut Vec<u8>) {
        if all.clone().all(|one| one.is_none()) {
            return;
        }
        if json.len() > 1 {
            json.push(b',');
        }
        json.extend_from_slice(format!("\"{mark}{}\":", self.name).as_bytes());
        if self.is_list {
            let items: Vec<&[u8]> = all.map(|one| one.unwrap_or(b"null")).collect();
            json.extend_from_slice(&[b"[".as_slice(), &items.join(&b","[..]), b"]"].concat());
        } else if let Some(Some(one)) = all.next() {
            json.extend_from_slice(one);
        }
    }
}
