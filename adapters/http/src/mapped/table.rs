//! A table, compiled: their record as our resource, and our resource as their body.

use adapter::{Error, ErrorKind};
use fhir::json::Document;
use fhir::{ResourceType, Version};
use fhirpath::{Environment, Item, Program};

use super::compile::Compiler;
use super::convert::Conversion;
use super::path::ElementPath;
use super::pointer::Pointer;
use super::settings::Field;
use super::tree::Tree;
use crate::document::index;

/// The fields of one resource type.
pub(crate) struct Table {
    resource_type: ResourceType,
    fields: Vec<Line>,
}

/// A field, compiled.
pub(super) struct Line {
    pub(super) path: Option<ElementPath>,
    pub(super) pointer: Option<Pointer>,
    pub(super) program: Option<Program>,
    pub(super) constant: Option<Tree>,
    pub(super) default: Option<Tree>,
    pub(super) default_json: Option<Tree>,
    pub(super) conversion: Conversion,
    pub(super) reads: bool,
    pub(super) writes: bool,
    pub(super) each: Vec<Self>,
}

/// A fault of a table: the number of the field (and of the field in its `each`), and what is wrong.
#[derive(Debug)]
pub(crate) struct TableFault {
    pub(crate) place: Vec<usize>,
    pub(crate) message: String,
}

/// Items of an array that are mapped.
const MOST_ITEMS: usize = 1_000;
/// Steps that the expression of one field may take.
const STEPS: u64 = 100_000;
/// Elements that are named as not kept.
const MOST_LOST: usize = 20;

impl Table {
    /// Compiles a table.
    ///
    /// # Errors
    /// Every fault of it.
    pub(crate) fn compile(kind: ResourceType, version: Version, fields: &[Field]) -> Result<Self, Vec<TableFault>> {
        let compiler = Compiler::new(version);
        let whole = |message: String| vec![TableFault { place: Vec::new(), message }];
        let root = definitions::of(version).type_of(kind).and_then(definitions::Type::root);
        let root = root.ok_or_else(|| whole(format!("{version} has no type {kind}")))?;
        let mut faults = Vec::new();
        let lines = compiler.lines(fields, root, &mut Vec::new(), &mut faults);
        if faults.is_empty() {
            compiler.required(&lines, root, &mut faults);
        }
        if faults.is_empty() { Ok(Self { resource_type: kind, fields: lines }) } else { Err(faults) }
    }

    /// Their record as our resource, without id and meta.
    pub(crate) fn ours(&self, record: &Tree) -> Tree {
        let mut out = Tree::Object(vec![("resourceType".to_owned(), Tree::Text(self.resource_type.to_string()))]);
        fill(&self.fields, record, &mut out);
        out.pruned().unwrap_or(Tree::Null)
    }

    /// Our resource as their body.
    ///
    /// # Errors
    /// [`ErrorKind::Unprocessable`] when an expression cannot be evaluated on it, [`ErrorKind::Invalid`] when it is no JSON.
    pub(crate) fn theirs(&self, bytes: &[u8]) -> Result<Tree, Error> {
        let nodes = index(bytes).map_err(|_| Error::new(ErrorKind::Invalid, "expected a resource in JSON"))?;
        let document = Document::new(bytes, &nodes);
        let environment = Environment { step_limit: STEPS, ..Environment::new(document) };
        let mut body = Tree::object();
        for line in self.fields.iter().filter(|line| line.writes) {
            line.write(&environment, None, &mut body)?;
        }
        Ok(body)
    }

    /// The elements of our resource that would not be read back from this body.
    pub(crate) fn lost(&self, bytes: &[u8], body: &Tree) -> Vec<String> {
        let Ok(sent) = Tree::read(bytes) else { return Vec::new() };
        let back = self.ours(body);
        let kept = back.leaves();
        let mut lost: Vec<String> = Vec::new();
        for (path, value) in sent.leaves() {
            let is_own = path == "id" || path == "resourceType" || path.starts_with("meta.");
            if is_own || kept.iter().any(|(known, other)| *known == path && *other == value) {
                continue;
            }
            let path = format!("{}.{path}", self.resource_type);
            if lost.len() < MOST_LOST && !lost.contains(&path) {
                lost.push(path);
            }
        }
        lost
    }

    /// The names of the members that the table fills.
    pub(crate) fn members(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().filter(|line| line.reads).filter_map(|line| line.path.as_ref()).map(ElementPath::top)
    }
}

/// Fills `out` from their record. Whether anything but a constant was set.
fn fill(lines: &[Line], record: &Tree, out: &mut Tree) -> bool {
    let mut found = false;
    let reading = || lines.iter().filter(|line| line.reads).filter_map(|line| Some((line, line.path.as_ref()?)));
    for (line, path) in reading() {
        if let Some(value) = line.read(record, path) {
            path.put(out, value);
            found = true;
        }
    }
    // A constant alone does not make an element: a system without a value says nothing.
    for (line, path) in reading() {
        if let Some(constant) = line.constant.as_ref().filter(|_| line.pointer.is_none() && path.has_parent(out)) {
            path.put(out, constant.clone());
        }
    }
    found
}

impl Line {
    /// Theirs as ours; none where there is nothing.
    fn read(&self, record: &Tree, path: &ElementPath) -> Option<Tree> {
        let theirs = record.at(self.pointer.as_ref()?);
        if !self.each.is_empty() {
            let items = items(theirs?).filter_map(|item| {
                let mut out = Tree::object();
                fill(&self.each, item, &mut out).then_some(out)
            });
            let items: Vec<Tree> = items.take(MOST_ITEMS).collect();
            return if path.is_all() {
                (!items.is_empty()).then_some(Tree::Array(items))
            } else {
                items.into_iter().next()
            };
        }
        let value = match theirs {
            Some(array @ Tree::Array(_)) if path.is_all() => {
                let values: Vec<Tree> =
                    items(array).filter_map(|item| self.conversion.ours(item)).take(MOST_ITEMS).collect();
                (!values.is_empty()).then_some(Tree::Array(values))
            }
            Some(value) => self.conversion.ours(value),
            None => None,
        };
        value.or_else(|| self.default.clone())
    }

    /// Ours into their body.
    fn write<'a>(
        &'a self,
        environment: &Environment<'a>,
        context: Option<&Item<'a>>,
        body: &mut Tree,
    ) -> Result<(), Error> {
        let Some(pointer) = &self.pointer else { return Ok(()) };
        let Some(program) = &self.program else {
            if let Some(constant) = &self.constant {
                body.put(pointer, constant.clone());
            }
            return Ok(());
        };
        let found = match context {
            Some(context) => program.evaluate_on(environment, context.clone()),
            None => program.evaluate(environment),
        };
        let found = found.map_err(|error| {
            Error::new(ErrorKind::Unprocessable, "an expression of the back end's table cannot be evaluated on this")
                .because(error)
        })?;
        let value =
            if self.each.is_empty() { self.value(environment, &found) } else { self.array(environment, &found)? };
        if let Some(value) = value.or_else(|| self.default_json.clone()) {
            body.put(pointer, value);
        }
        Ok(())
    }

    fn value(&self, environment: &Environment<'_>, found: &[Item<'_>]) -> Option<Tree> {
        let theirs = |item| tree(environment.document, item).and_then(|ours| self.conversion.theirs(&ours));
        if self.path.as_ref().is_some_and(ElementPath::is_all) && found.len() > 1 {
            return Some(Tree::Array(found.iter().take(MOST_ITEMS).filter_map(theirs).collect()));
        }
        found.first().and_then(theirs)
    }

    fn array<'a>(&'a self, environment: &Environment<'a>, found: &[Item<'a>]) -> Result<Option<Tree>, Error> {
        let mut items = Vec::new();
        for item in found.iter().take(MOST_ITEMS) {
            let mut body = Tree::object();
            for line in self.each.iter().filter(|line| line.writes) {
                line.write(environment, Some(item), &mut body)?;
            }
            items.push(body);
        }
        Ok((!items.is_empty()).then_some(Tree::Array(items)))
    }
}

fn items(value: &Tree) -> impl Iterator<Item = &Tree> {
    match value {
        Tree::Array(items) => items.as_slice(),
        other => std::slice::from_ref(other),
    }
    .iter()
}

/// An item of an evaluation as a single value.
fn tree(document: Document<'_>, item: &Item<'_>) -> Option<Tree> {
    match item {
        Item::Element(element) => document.at(element.node).map(Tree::of),
        Item::Boolean(value) => Some(Tree::Boolean(*value)),
        Item::Integer(value) | Item::Long(value) => Some(Tree::Number(value.to_string())),
        Item::Decimal(value) => Some(Tree::Number(value.to_string())),
        Item::Text(text) => Some(Tree::Text(text.to_string())),
        Item::Temporal(value) => Some(Tree::Text(value.to_string().trim_start_matches('@').to_owned())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(json: serde_json::Value) -> Result<Table, Vec<TableFault>> {
        let fields: Vec<Field> = serde_json::from_value(json).unwrap();
        Table::compile(ResourceType::PATIENT, Version::R4, &fields)
    }

    fn people() -> Table {
        table(serde_json::json!([
            { "fhir": "identifier[0].value", "json": "/mrn", "expression": "identifier.where(system = 'urn:mrn').value.first()" },
            { "fhir": "identifier[0].system", "constant": "urn:mrn" },
            { "fhir": "name[0].family", "json": "/last" },
            { "fhir": "name[0].given", "json": "/first" },
            { "fhir": "gender", "json": "/sex", "values": { "male": "M", "female": "F" }, "default": "unknown" },
            { "fhir": "birthDate", "json": "/born/on", "format": "%d.%m.%Y" },
            { "fhir": "telecom", "json": "/phones", "each": [
                { "fhir": "value", "json": "/number" },
                { "fhir": "system", "constant": "phone" },
            ] },
            { "json": "/source", "constant": "frontdesk" },
        ]))
        .unwrap()
    }

    const OURS: &str = r#"{"resourceType":"Patient","identifier":[{"value":"7","system":"urn:mrn"}],"name":[{"family":"Müller","given":["A","B"]}],"gender":"female","birthDate":"1970-03-01","telecom":[{"value":"1","system":"phone"},{"value":"2","system":"phone"}]}"#;
    const THEIRS: &str = r#"{"mrn":"7","last":"Müller","first":["A","B"],"sex":"F","born":{"on":"01.03.1970"},"phones":[{"number":"1"},{"number":"2"}],"source":"frontdesk"}"#;

    #[test]
    fn one_table_maps_both_ways() {
        let table = people();
        let body = table.theirs(OURS.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(body.to_bytes()).unwrap(), THEIRS);
        let resource = table.ours(&Tree::read(THEIRS.as_bytes()).unwrap());
        assert_eq!(String::from_utf8(resource.to_bytes()).unwrap(), OURS);
        assert!(table.lost(OURS.as_bytes(), &body).is_empty());
    }

    #[test]
    fn what_theirs_lacks_is_left_out_or_the_default_and_a_constant_alone_makes_nothing() {
        let resource = people().ours(&Tree::read(br#"{"sex":"X","phones":[{}],"first":[]}"#).unwrap());
        assert_eq!(resource.to_bytes(), br#"{"resourceType":"Patient","gender":"unknown"}"#);
    }

    #[test]
    fn what_is_not_mapped_is_told() {
        let table = people();
        let sent = br#"{"resourceType":"Patient","id":"1","active":true,"name":[{"family":"A"},{"family":"B"}],"gender":"other"}"#;
        let body = table.theirs(sent).unwrap();
        assert_eq!(table.lost(sent, &body), ["Patient.active", "Patient.name[1].family", "Patient.gender"]);
    }

    #[test]
    fn faults_of_a_table_name_their_fields() {
        let faults = table(serde_json::json!([
            { "fhir": "nmae", "json": "/a" },
            { "fhir": "gender", "json": "/b", "expression": "gender +" },
            { "fhir": "gender", "json": "/b", "expression": "sex" },
            { "fhir": "name", "json": "/c" },
            { "fhir": "telecom", "json": "/d", "each": [{ "fhir": "number", "json": "/e" }] },
            { "fhir": "gender" },
            { "fhir": "gender", "json": "/b", "zone": "Europe/Berlin" },
        ]));
        let faults = faults.err().unwrap();
        let places: Vec<&[usize]> = faults.iter().map(|fault| fault.place.as_slice()).collect();
        assert_eq!(places, [&[0][..], &[1], &[2], &[3], &[4, 0], &[5], &[6]], "{faults:?}");
    }

    #[test]
    fn an_element_that_must_be_there_and_that_nothing_fills_is_a_fault() {
        let fields: Vec<Field> =
            serde_json::from_value(serde_json::json!([{ "fhir": "status", "json": "/s" }])).unwrap();
        let faults = Table::compile(ResourceType::CLAIM, Version::R4, &fields).err().unwrap();
        assert!(faults.iter().any(|fault| fault.message.contains("Claim.patient")), "{faults:?}");
        assert!(!faults.iter().any(|fault| fault.message.contains("Claim.status")), "{faults:?}");
    }
}
