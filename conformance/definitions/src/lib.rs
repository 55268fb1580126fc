//! The compiled facts of FHIR R4, R4B and R5: element tables, code lists, search parameters, compartments.

pub mod text;
