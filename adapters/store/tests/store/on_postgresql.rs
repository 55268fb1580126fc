//! What holds on every database, on a PostgreSQL server.

pub(crate) use crate::server::{fresh, open, planning};

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
