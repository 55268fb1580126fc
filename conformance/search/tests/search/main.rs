//! Search by the rules of FHIR R4 search.html.

mod expressions;
mod extraction;
mod hostile;
mod matching;
mod queries;
mod support;
