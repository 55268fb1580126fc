//! FHIR as values to FHIR over HTTP, and back. Nothing here touches the network.

pub(crate) mod bundle;
pub(crate) mod confine;
pub(crate) mod outcome;
pub(crate) mod page;
pub(crate) mod reply;
pub(crate) mod request;
