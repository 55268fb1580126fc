//! JSON Patch (RFC 6902).

use fhir::json::{Document, Kind, Value};

use crate::Limits;
use crate::equal::equal;
use crate::error::{Fault, PatchError, Reason, quoted};
use crate::pointer::{Pointer, index};
use crate::text::Text;

/// One operation, with its value as it is written in the patch.
enum Operation<'p> {
    Add(Pointer, Value<'p>),
    Remove(Pointer),
    Replace(Pointer, Value<'p>),
    Move { from: Pointer, path: Pointer },
    Copy { from: Pointer, path: Pointer },
    Test(Pointer, Value<'p>),
}

/// Performs a patch. Every operation is read before the first is done.
pub(crate) fn perform(text: &mut Text, patch: Document<'_>, limits: &Limits) -> Result<(), PatchError> {
    let list = patch.root().filter(|root| root.kind() == Kind::Array);
    let list =
        list.ok_or_else(|| PatchError::new(Fault::Malformed, "expected a JSON Patch: an array of operations"))?;
    if list.children().count() > limits.operations {
        let text = format!("expected a patch of at most {} operations", limits.operations);
        return Err(PatchError::new(Fault::TooCostly, text));
    }
    let operations: Vec<Operation<'_>> = list
        .children()
        .enumerate()
        .map(|(number, operation)| read(operation).map_err(|reason| PatchError::from(reason).at(number)))
        .collect::<Result<_, _>>()?;
    for (number, operation) in operations.iter().enumerate() {
        operation.perform(text).map_err(|reason| PatchError::from(reason).at(number))?;
    }
    Ok(())
}

fn read(operation: Value<'_>) -> Result<Operation<'_>, Reason> {
    if operation.kind() != Kind::Object {
        return Err(Reason::malformed("expected an operation: an object"));
    }
    let name = text_of(operation, "op")?;
    let path = || Pointer::parse(&text_of(operation, "path")?);
    let from = || Pointer::parse(&text_of(operation, "from")?);
    let value = || operation.member("value").ok_or_else(|| Reason::malformed("expected a `value`"));
    Ok(match name.as_str() {
        "add" => Operation::Add(path()?, value()?),
        "remove" => Operation::Remove(path()?),
        "replace" => Operation::Replace(path()?, value()?),
        "move" => Operation::Move { from: from()?, path: path()? },
        "copy" => Operation::Copy { from: from()?, path: path()? },
        "test" => Operation::Test(path()?, value()?),
        other => {
            let text = format!("expected `op` to be add, remove, replace, move, copy or test, found {}", quoted(other));
            return Err(Reason::malformed(text));
        }
    })
}

fn text_of(operation: Value<'_>, name: &str) -> Result<String, Reason> {
    let text = operation.member(name).and_then(Value::text);
    text.map(std::borrow::Cow::into_owned).ok_or_else(|| Reason::malformed(format!("expected `{name}`: a string")))
}

impl Operation<'_> {
    fn perform(&self, text: &mut Text) -> Result<(), Reason> {
        match self {
            Self::Add(path, value) => add(text, path, value.raw()),
            Self::Remove(path) => remove(text, path),
            Self::Replace(path, value) => {
                let node = path.resolve(root(text)?)?.index();
                text.replace(node, value.raw())
            }
            Self::Move { from, path } if from.is_above(path) => Err(Reason::unsuitable(format!(
                "expected to move {} out of itself and not to {}",
                from.shown(),
                path.shown()
            ))),
            Self::Move { from, path } => {
                let value = from.resolve(root(text)?)?.raw().to_vec();
                if from == path {
                    return Ok(());
                }
                remove(text, from)?;
                add(text, path, &value)
            }
            Self::Copy { from, path } => {
                let value = from.resolve(root(text)?)?.raw().to_vec();
                add(text, path, &value)
            }
            Self::Test(path, value) => {
                text.look()?;
                if equal(path.resolve(root(text)?)?, *value) {
                    return Ok(());
                }
                Err(Reason::unsuitable(format!("the test failed: expected another value at {}", path.shown())))
            }
        }
    }
}

fn root(text: &Text) -> Result<Value<'_>, Reason> {
    text.document().root().ok_or_else(|| Reason::unsuitable("expected a document"))
}

fn add(text: &mut Text, path: &Pointer, raw: &[u8]) -> Result<(), Reason> {
    let Some((name, _)) = path.split() else { return text.replace(0, raw) };
    let container = path.container(root(text)?)?;
    let node = container.index();
    match container.kind() {
        Kind::Object => text.put(node, name, raw),
        Kind::Array => {
            let length = container.children().count();
            let place = if name == "-" { Some(length) } else { index(name).filter(|place| *place <= length) };
            let place = place.ok_or_else(|| {
                Reason::unsuitable(format!("expected a place of 0 to {length}, or `-`, at {}", path.shown()))
            })?;
            text.insert(node, place, raw)
        }
        _ => Err(Reason::unsuitable(format!("expected an object or an array above {}", path.shown()))),
    }
}

fn remove(text: &mut Text, path: &Pointer) -> Result<(), Reason> {
    if path.split().is_none() {
        return Err(Reason::unsuitable("expected to remove a part of the document and not all of it"));
    }
    let root = root(text)?;
    let (container, child) = (path.container(root)?.index(), path.resolve(root)?.index());
    text.remove(container, child)
}
