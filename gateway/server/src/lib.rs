//! The gateway: the life of a request is [`pipeline`]; each stage is a module of its name.

pub mod admin;
pub mod authorize;
pub mod bulk;
pub mod command;
pub mod consult;
pub mod dispatch;
pub mod failure;
pub mod federate;
pub mod gateway;
pub mod listener;
pub mod operations;
pub mod packages;
pub mod passage;
pub mod pipeline;
pub mod receive;
pub mod registry;
pub mod respond;
pub mod route;
pub mod telemetry;
pub mod translate;
pub mod validate;

pub use gateway::{Gateway, StartError};
