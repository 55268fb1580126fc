//! On the official examples of R4 (`FRONTDESK_EXAMPLES` names the folder of the unpacked npm package
//! `hl7.fhir.r4.examples`): what a parameter's expression finds as a FHIRPath program, extraction finds along its plan.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use fhir::Version;
use fhirpath::{Environment, Program};
use search::{Parameter, ParameterType};

use crate::support::Scanned;

#[test]
fn a_plan_finds_values_exactly_where_the_program_finds_elements() {
    let Some(folder) = std::env::var_os("FRONTDESK_EXAMPLES").map(PathBuf::from) else {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "FRONTDESK_EXAMPLES is not set");
        println!("SKIPPED: set FRONTDESK_EXAMPLES to the folder of hl7.fhir.r4.examples");
        return;
    };
    let mut programs = HashMap::new();
    let (mut files, mut hits) = (0, 0);
    for path in examples(&folder) {
        let resource = Scanned::new(&std::fs::read_to_string(&path).unwrap());
        files += 1;
        hits += compare(&path, &resource, &mut programs);
    }
    println!("{files} examples, {hits} parameters with values");
    assert!(files > 500 && hits > 5_000, "{files} examples, {hits} parameters with values");
}

/// Instances that a request could carry (2 MiB); definitional resources are many and alike.
fn examples(folder: &Path) -> Vec<PathBuf> {
    const DEFINITIONS: [&str; 6] =
        ["StructureDefinition-", "SearchParameter-", "ValueSet-", "CodeSystem-", "OperationDefinition-", "ConceptMap-"];
    let folder = if folder.join("package").is_dir() { folder.join("package") } else { folder.to_owned() };
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<_> = files
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let fits = std::fs::metadata(path).is_ok_and(|file| file.len() <= 2 << 20);
            fits && name.contains('-')
                && name.ends_with(".json")
                && !DEFINITIONS.iter().any(|prefix| name.starts_with(prefix))
        })
        .collect();
    files.sort();
    files
}

fn compare(path: &Path, resource: &Scanned, programs: &mut HashMap<(&'static str, &'static str), Program>) -> usize {
    let document = resource.document();
    let resource_type = resource.resource_type();
    let mut extracted = BTreeSet::new();
    search::extract(document, resource_type, Version::R4, &mut |parameter, _| {
        extracted.insert(parameter.code);
    });
    let mut hits = 0;
    for parameter in search::parameters(Version::R4, resource_type) {
        let program = programs
            .entry((resource_type.as_str(), parameter.code))
            .or_insert_with(|| Program::compile(parameter.expression, Version::R4).unwrap());
        let found = !program.evaluate(&Environment::new(document)).unwrap().is_empty();
        let indexed = extracted.contains(parameter.code);
        hits += usize::from(found);
        assert!(found || !indexed, "{}: {} has a value and no element", path.display(), parameter.code);
        assert!(
            indexed || !found || may_lack_a_value(parameter),
            "{}: {} has no value",
            path.display(),
            parameter.code
        );
    }
    hits
}

/// Elements that may be there without a value: a reference that only displays or is contained, a Timing without limits, a
/// choice of another type, an identifier of nothing but an assigner, sampled data.
fn may_lack_a_value(parameter: &Parameter) -> bool {
    matches!(
        parameter.kind,
        ParameterType::Reference | ParameterType::Composite | ParameterType::Date | ParameterType::Quantity
    ) || parameter.code == "identifier"
}
