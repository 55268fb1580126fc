//! What holds on every database, on a SQLite file.

pub(crate) use crate::support::{file as fresh, file as planning, open};

#[path = "amounts.rs"]
mod amounts;
#[path = "confinement.rs"]
mod confinement;
#[path = "contract.rs"]
mod contract;
#[path = "include.rs"]
mod include;
#[path = "links.rs"]
mod links;
#[path = "modifiers.rs"]
mod modifiers;
#[path = "nested.rs"]
mod nested;
#[path = "oracle.rs"]
mod oracle;
#[path = "plans.rs"]
mod plans;
#[path = "search.rs"]
mod search;
#[path = "transactions.rs"]
mod transactions;
#[path = "write.rs"]
mod write;
