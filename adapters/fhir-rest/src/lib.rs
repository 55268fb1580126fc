//! Any FHIR server as a back end.
