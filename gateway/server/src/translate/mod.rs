//! Stage 5: the client's FHIR version to the adapter's, and back.
