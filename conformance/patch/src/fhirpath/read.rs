//! The operations of a Parameters resource.

use ::fhirpath::Program;
use fhir::json::{Document, Value};

use super::value::given;
use crate::Context;
use crate::error::{Fault, PatchError, Reason, quoted};

/// One operation: on what, and what.
pub(super) struct Operation<'p> {
    pub(super) path: String,
    pub(super) program: Program,
    pub(super) action: Action<'p>,
}

/// What an operation does; values are parameters, `value[x]` or `part`.
pub(super) enum Action<'p> {
    Add { name: String, value: Value<'p> },
    Insert { index: usize, value: Value<'p> },
    Delete,
    Replace { value: Value<'p> },
    Move { source: usize, destination: usize },
}

/// Reads every operation.
pub(super) fn operations<'p>(patch: Document<'p>, context: &Context) -> Result<Vec<Operation<'p>>, PatchError> {
    let root = patch.root();
    let is_parameters =
        |root: &Value<'_>| root.member("resourceType").and_then(Value::text).as_deref() == Some("Parameters");
    let root = root.filter(is_parameters).ok_or_else(|| {
        PatchError::new(Fault::Malformed, "expected a FHIRPath Patch: a Parameters resource with operations")
    })?;
    let parameters = || root.member("parameter").into_iter().flat_map(Value::children);
    if parameters().count() > context.limits.operations {
        let text = format!("expected a patch of at most {} operations", context.limits.operations);
        return Err(PatchError::new(Fault::TooCostly, text));
    }
    parameters()
        .enumerate()
        .map(|(number, parameter)| operation(parameter, context).map_err(|reason| PatchError::from(reason).at(number)))
        .collect()
}

fn operation<'p>(parameter: Value<'p>, context: &Context) -> Result<Operation<'p>, Reason> {
    if name_of(parameter).as_deref() != Some("operation") {
        return Err(Reason::malformed("expected parameters named `operation`"));
    }
    let parts = Parts::read(parameter)?;
    let path = parts.text("path")?;
    let kind = parts.text("type")?;
    let action = match kind.as_str() {
        "add" => Action::Add { name: parts.text("name")?, value: parts.one("value")? },
        "insert" => Action::Insert { index: parts.number("index")?, value: parts.one("value")? },
        "delete" => Action::Delete,
        "replace" => Action::Replace { value: parts.one("value")? },
        "move" => Action::Move { source: parts.number("source")?, destination: parts.number("destination")? },
        other => {
            let text = format!("expected `type` to be add, insert, delete, replace or move, found {}", quoted(other));
            return Err(Reason::malformed(text));
        }
    };
    Ok(Operation { program: program(&path, context)?, path, action })
}

/// Compiles the path of an operation.
pub(super) fn program(path: &str, context: &Context) -> Result<Program, Reason> {
    Program::compile(path, context.version)
        .map_err(|error| Reason::malformed(format!("expected FHIRPath in `path`: {error}")))
}

const KNOWN: [&str; 7] = ["type", "path", "name", "value", "index", "source", "destination"];

/// The parts of an operation. One that is not known would be passed over, and with it what somebody meant.
struct Parts<'p>(Vec<(String, Value<'p>)>);

impl<'p> Parts<'p> {
    fn read(parameter: Value<'p>) -> Result<Self, Reason> {
        let mut parts: Vec<(String, Value<'p>)> = Vec::new();
        for part in parameter.member("part").into_iter().flat_map(Value::children) {
            let name = name_of(part).ok_or_else(|| Reason::malformed("expected each part to have a name"))?;
            if !KNOWN.contains(&name.as_str()) {
                let text = format!("expected the parts {}, found {}", KNOWN.join(", "), quoted(&name));
                return Err(Reason::malformed(text));
            }
            if parts.iter().any(|(known, _)| *known == name) {
                return Err(Reason::malformed(format!("expected `{name}` once in an operation")));
            }
            parts.push((name, part));
        }
        Ok(Self(parts))
    }

    fn one(&self, name: &str) -> Result<Value<'p>, Reason> {
        let found = self.0.iter().find(|(known, _)| known == name).map(|(_, part)| *part);
        found.ok_or_else(|| Reason::malformed(format!("expected a part `{name}`")))
    }

    fn text(&self, name: &str) -> Result<String, Reason> {
        let value = given(self.one(name)?).and_then(|(_, value)| value.text());
        let text = value.map(std::borrow::Cow::into_owned);
        text.ok_or_else(|| Reason::malformed(format!("expected the part `{name}` to be a string")))
    }

    fn number(&self, name: &str) -> Result<usize, Reason> {
        let number = given(self.one(name)?).and_then(|(_, value)| value.number()?.parse().ok());
        number.ok_or_else(|| Reason::malformed(format!("expected the part `{name}` to be an integer from 0")))
    }
}

fn name_of(parameter: Value<'_>) -> Option<String> {
    parameter.member("name").and_then(Value::text).map(std::borrow::Cow::into_owned)
}
