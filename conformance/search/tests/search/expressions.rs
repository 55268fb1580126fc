//! Every search parameter that the specification defines can be indexed.

use fhir::{ResourceType, Version};
use fhirpath::{Environment, Program};

use crate::support::Scanned;

#[test]
fn every_expression_of_every_release_compiles_and_runs() {
    for version in Version::ALL {
        let mut count = 0;
        for resource_type in ResourceType::all().filter(|known| known.is_in(version)) {
            let resource = Scanned::new(&format!(r#"{{"resourceType":"{resource_type}","id":"1"}}"#));
            for parameter in search::parameters(version, resource_type) {
                let program = Program::compile(parameter.expression, version)
                    .unwrap_or_else(|error| panic!("{version} {}: {error}", parameter.url));
                let environment = Environment::new(resource.document());
                program.evaluate(&environment).unwrap_or_else(|error| panic!("{version} {}: {error}", parameter.url));
                count += 1;
            }
            assert!(resource.values(version).contains(&"_id=-|1".to_owned()), "{version} {resource_type}");
        }
        assert!(count > 2_000, "{version} has {count} parameters");
    }
}

#[test]
fn the_parameters_of_resource_are_there_for_every_type() {
    for resource_type in ResourceType::all().filter(|known| known.is_in(Version::R4)) {
        for code in ["_id", "_lastUpdated", "_profile", "_security", "_source", "_tag"] {
            assert!(search::parameter(Version::R4, resource_type, code).is_some(), "{resource_type} {code}");
        }
    }
    assert!(search::parameters(Version::R4, "ActorDefinition".parse().unwrap()).is_empty());
}

#[test]
fn the_parts_of_a_composite_are_known() {
    for version in Version::ALL {
        for resource_type in ResourceType::all().filter(|known| known.is_in(version)) {
            for parameter in search::parameters(version, resource_type) {
                if parameter.kind == search::ParameterType::Composite {
                    assert!(parameter.components.len() >= 2, "{version} {}", parameter.url);
                }
            }
        }
    }
}
