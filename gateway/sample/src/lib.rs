//! The sample practice, built with typed FHIR models.
