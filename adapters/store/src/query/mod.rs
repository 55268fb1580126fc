//! Search. Criteria that have an index become SQL; what has none is decided by `search::matches` on the bodies that the others
//! leave, so that every answer is right first and fast second.

pub(crate) mod alternative;
mod bundle;
mod clause;
mod condition;
mod filter;
mod include;
mod nested;
mod order;
mod page;
mod pages;
mod range;
mod sight;
mod walk;

pub(crate) use bundle::{Bundle, json_text};
pub(crate) use clause::is_searchable;
pub(crate) use condition::Condition;
pub(crate) use pages::{Pages, Search};
pub(crate) use sight::Sight;
