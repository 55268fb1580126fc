//! Any FHIR R4 server as a back end.

pub mod rewrite;
