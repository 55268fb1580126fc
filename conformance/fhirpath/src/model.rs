//! The type system of FHIR, as the definitions of a release have it.

use definitions::{Definitions, Element, ElementId, Family, Primitive};
use fhir::Version;
use fhir::json::{Document, Value};
use serde_json::json;

use crate::program::Name;

/// What an element is: a row of the definitions. The default knows nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Kind(u32);

impl Kind {
    /// The element of the definitions, when it is known.
    #[must_use]
    pub const fn element(self) -> Option<ElementId> {
        ElementId::from_raw(self.0)
    }
}

impl From<ElementId> for Kind {
    fn from(id: ElementId) -> Self {
        Self(id.raw())
    }
}

/// The System type that a primitive converts to (fhirpath.html#types).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum System {
    Boolean,
    Integer,
    Long,
    Decimal,
    Text,
    Date,
    Time,
    Quantity,
}

/// A type as an expression names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeSpecifier {
    /// The name in FHIR, where FHIR is allowed and has it.
    pub(crate) fhir: Option<&'static str>,
    /// The name in System, where System is allowed and has it.
    pub(crate) system: Option<&'static str>,
}

const SYSTEM_TYPES: [&str; 10] =
    ["Any", "Boolean", "Date", "DateTime", "Decimal", "Integer", "Long", "Quantity", "String", "Time"];

/// The type of that name; without a namespace in FHIR and System. `None` for an unknown one.
pub(crate) fn specifier(version: Version, namespace: Option<&str>, name: &str) -> Option<TypeSpecifier> {
    let system = SYSTEM_TYPES.iter().find(|known| **known == name).copied();
    let fhir = definitions::of(version).type_named(name).map(definitions::Type::name);
    let specifier = match namespace {
        None => TypeSpecifier { fhir, system },
        Some("FHIR") => TypeSpecifier { fhir, system: None },
        Some("System") => TypeSpecifier { fhir: None, system },
        Some(_) => return None,
    };
    (specifier.fhir.is_some() || specifier.system.is_some()).then_some(specifier)
}

/// The definitions of one release, asked in the words of FHIRPath.
#[derive(Clone, Copy)]
pub(crate) struct Model {
    definitions: &'static Definitions,
}

impl Model {
    pub(crate) fn of(version: Version) -> Self {
        Self { definitions: definitions::of(version) }
    }

    pub(crate) const fn version(self) -> Version {
        self.definitions.version()
    }

    /// What a type of that name is as an element.
    pub(crate) fn root(self, name: &str) -> Kind {
        self.definitions.type_named(name).and_then(|known| known.root()).map_or_else(Kind::default, Kind::from)
    }

    pub(crate) fn definition(self, kind: Kind) -> Option<Element<'static>> {
        self.definitions.element(kind.element()?)
    }

    /// What the object at a node is as a resource: what a typed scan said, else its `resourceType`.
    pub(crate) fn resource(self, document: Document<'_>, node: u32) -> Kind {
        let Some(value) = document.at(node) else { return Kind::default() };
        if value.node().element != 0 {
            return Kind(value.node().element);
        }
        let name = value.member("resourceType").and_then(Value::text);
        let root = name.and_then(|name| self.definitions.type_named(&name)?.root());
        root.map_or_else(Kind::default, Kind::from)
    }

    /// Whether any resource may stand there, so that its object says what it is.
    pub(crate) fn is_resource(self, kind: Kind) -> bool {
        self.definition(kind)
            .and_then(Element::type_)
            .is_some_and(|known| known.is_abstract() && known.family() == Family::Resource)
    }

    /// What a member of an object is; `plain` is its name without the `_` of a companion.
    pub(crate) fn child(self, parent: Kind, member: &Value<'_>, plain: &[u8]) -> Kind {
        if member.node().element != 0 {
            return Kind(member.node().element);
        }
        let shape = self.definition(parent).and_then(Element::shape);
        shape.and_then(|shape| shape.member(plain)).map_or_else(Kind::default, |child| Kind::from(child.id()))
    }

    /// The element of that name, when it is no choice and no place for any resource: the nodes of those have other elements.
    #[inline]
    pub(crate) fn exact(self, parent: Kind, wanted: &Name) -> Option<Element<'static>> {
        let shape = self.definition(parent)?.shape()?;
        shape
            .member_with(wanted.key, wanted.text.as_bytes())
            .filter(|element| !element.is_variant() && element.shape().is_some())
    }

    /// What a member is when FHIRPath calls it `wanted`: `deceasedBoolean` is `deceased` and not `deceasedBoolean`.
    #[inline]
    pub(crate) fn member(self, parent: Kind, member: &Value<'_>, plain: &[u8], wanted: &[u8]) -> Option<Kind> {
        let rest = plain.strip_prefix(wanted)?;
        let choice = rest.first().is_some_and(u8::is_ascii_uppercase);
        if !rest.is_empty() && !choice {
            return None;
        }
        let kind = self.child(parent, member, plain);
        match self.definition(kind) {
            Some(element) if element.is_variant() => (element.path_name().as_bytes() == wanted).then_some(kind),
            _ => rest.is_empty().then_some(kind),
        }
    }

    /// The System type of a primitive or quantity.
    pub(crate) fn system(self, kind: Kind) -> Option<System> {
        let element = self.definition(kind)?;
        let Some(primitive) = element.primitive() else {
            return element.type_()?.is_a("Quantity").then_some(System::Quantity);
        };
        Some(match primitive {
            Primitive::Boolean => System::Boolean,
            Primitive::Integer | Primitive::PositiveInt | Primitive::UnsignedInt => System::Integer,
            Primitive::Integer64 => System::Long,
            Primitive::Decimal => System::Decimal,
            Primitive::Date | Primitive::DateTime | Primitive::Instant => System::Date,
            Primitive::Time => System::Time,
            _ => System::Text,
        })
    }

    pub(crate) fn type_name(self, kind: Kind) -> Option<&'static str> {
        self.definition(kind)?.type_().map(definitions::Type::name)
    }

    pub(crate) fn specifier(self, name: &str) -> Option<TypeSpecifier> {
        specifier(self.definitions.version(), None, name)
    }

    /// The base specification's ElementDefinition of an element, as far as it is known here, in JSON.
    pub(crate) fn element_definition(self, kind: Kind) -> Option<Vec<u8>> {
        let element = self.definition(kind)?;
        let max = element.max().map_or_else(|| "*".to_owned(), |max| max.to_string());
        // An abstract choice has a type for each of its variants.
        let types: Vec<&str> = match (element.is_root(), element.is_choice()) {
            (true, _) => Vec::new(),
            (false, true) => element.variants().map(Element::type_name).collect(),
            (false, false) => vec![element.type_name()],
        };
        let types: Vec<_> = types.into_iter().map(|code| json!({ "code": code })).collect();
        let binding = element.binding().map(|binding| {
            let strength = format!("{:?}", binding.strength).to_ascii_lowercase();
            json!({ "strength": strength, "valueSet": binding.url })
        });
        let mut fields = vec![
            ("id", json!(element.path())),
            ("path", json!(element.path())),
            ("min", json!(element.min())),
            ("max", json!(max)),
        ];
        fields.extend((!types.is_empty()).then(|| ("type", json!(types))));
        fields.extend(binding.map(|binding| ("binding", binding)));
        let definition: serde_json::Map<_, _> =
            fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Some(serde_json::Value::Object(definition).to_string().into_bytes())
    }

    /// Whether an element is of the type or of one that specializes it.
    pub(crate) fn is_a(self, kind: Kind, specifier: &TypeSpecifier) -> bool {
        let Some(name) = specifier.fhir else { return false };
        self.definition(kind).and_then(Element::type_).is_some_and(|known| known.is_a(name))
    }

    /// Whether a type of that name is the type or specializes it.
    pub(crate) fn is_named(self, name: &str, specifier: &TypeSpecifier) -> bool {
        let Some(wanted) = specifier.fhir else { return false };
        self.definitions.type_named(name).is_some_and(|known| known.is_a(wanted))
    }
}
