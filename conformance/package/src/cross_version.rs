//! Extensions that carry an element of one release in another (versions.html#extensions): their URL says which,
//! `http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment.subject`. Their definitions follow from the elements'.

use fhir::Version;

use crate::canonical::{CORE, Canonical};
use crate::draft::{ElementDraft, StructureDraft};
use crate::registry::Registry;
use crate::structure::{Derivation, ElementDefinition, Header, Structure, StructureKind, TypeUse, ValueFact};

/// The definition of the extension with that canonical for use in `version`, to be laid over `Extension`. None when the URL is another
/// one, or the release that it names has no such element.
pub(crate) fn draft(canonical: &str, version: Version) -> Option<StructureDraft> {
    let url = Canonical::of(canonical).url;
    let rest = url.strip_prefix("http://hl7.org/fhir/")?;
    let (number, path) = rest.split_once("/StructureDefinition/extension-")?;
    let of = Version::ALL.into_iter().find(|release| release.mime() == number && *release != version)?;
    let type_name = path.split('.').next()?;
    let structure = Registry::built_in(of).type_structure(type_name)?;
    let element = element(&structure, path)?;
    Some(extension(url, path, of, version, element))
}

/// The element with that path; a choice may be named without `[x]`.
fn element<'s>(structure: &'s Structure, path: &str) -> Option<&'s ElementDefinition> {
    let is_it = |element: &&ElementDefinition| {
        element.path == path || element.path.strip_suffix("[x]").is_some_and(|choice| choice == path)
    };
    structure.elements.iter().skip(1).find(is_it)
}

fn extension(url: &str, path: &str, of: Version, version: Version, element: &ElementDefinition) -> StructureDraft {
    let fixed = ValueFact { type_: "uri".to_owned(), json: format!("\"{url}\"").into_bytes().into() };
    let root = ElementDraft { is_modifier: Some(element.is_modifier), ..at("Extension") };
    let address = ElementDraft { fixed: Some(fixed), ..at("Extension.url") };
    let value = ElementDraft { types: value_types(element, version), ..at("Extension.value[x]") };
    let (url, type_) = (url.to_owned(), "Extension".to_owned());
    let header = Header {
        version: Some(of.number().to_owned()),
        name: format!("Extension_{}", path.replace('.', "_")),
        status: "active".to_owned(),
        base: Some(format!("{CORE}Extension")),
        ..Header::of(url, StructureKind::Complex, type_, Derivation::Constraint)
    };
    let differential = vec![root, address, value];
    StructureDraft { header, fhir_version: Some(version), snapshot: Vec::new(), differential }
}

fn at(path: &str) -> ElementDraft {
    ElementDraft { id: path.to_owned(), path: path.to_owned(), ..ElementDraft::default() }
}

/// The types of the value. Empty, which allows all, when one of the element's types has no place in an extension of `version`: such
/// an element is taken apart into nested extensions, and how is not said here.
fn value_types(element: &ElementDefinition, version: Version) -> Vec<TypeUse> {
    let extension = Registry::built_in(version).type_structure("Extension");
    let allowed = extension.as_ref().and_then(|extension| extension.element("Extension.value[x]"));
    let fits = |code: &str| allowed.is_some_and(|value| value.types.iter().any(|used| used.code == code));
    if element.types.iter().any(|used| !fits(&used.code)) {
        return Vec::new();
    }
    // What a reference points at may have another name in another release.
    element.types.iter().map(|used| TypeUse { code: used.code.clone(), ..TypeUse::default() }).collect()
}
