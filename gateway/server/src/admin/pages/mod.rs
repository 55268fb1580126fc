//! The pages, one file each. A new page is its file and its line in [`PAGES`].

mod audit;
pub(super) mod back_ends;
mod overview;
mod requests;
mod rules;
mod system;

use std::sync::Arc;
use std::time::Instant;

use adapter::Trace;
use fhir::Query;
use futures_util::future::BoxFuture;
use http::StatusCode;
use maud::Markup;
use serde_json::Value;

use super::Console;
use super::door::Connection;
use crate::failure::Failure;

/// Every page, in the order of the navigation.
pub(super) const PAGES: [Page; 6] =
    [overview::PAGE, back_ends::PAGE, requests::PAGE, rules::PAGE, audit::PAGE, system::PAGE];

/// One page: read only.
pub(super) struct Page {
    /// Where it is below `/admin/`; the same with `.json` behind it gives its data (of the first page, `overview.json`).
    pub(super) path: &'static str,
    /// What it is called.
    pub(super) title: &'static str,
    /// Makes it.
    pub(super) show: for<'a> fn(&'a Console, &'a Asked) -> BoxFuture<'a, Result<Shown, Failure>>,
}

/// What a page has to show: for people and for programs.
pub(super) struct Shown {
    /// 200, or 4xx when what was asked cannot be shown.
    pub(super) status: StatusCode,
    /// Everything below the title. What others wrote is escaped by the template.
    pub(super) body: Markup,
    /// The same as data.
    pub(super) data: Value,
}

impl Shown {
    /// What was asked for.
    pub(super) const fn new(body: Markup, data: Value) -> Self {
        Self { status: StatusCode::OK, body, data }
    }
}

/// A request for a page, by somebody who is signed in.
pub(super) struct Asked {
    /// What stands behind the question mark.
    pub(super) query: Query,
    /// The path with the query, for the audit log.
    pub(super) target: String,
    /// The session, or `token` for a program.
    pub(super) operator: Arc<str>,
    /// Where the request came from.
    pub(super) connection: Connection,
    /// X-Request-Id.
    pub(super) trace: Trace,
    /// When the answer is of no use any more.
    pub(super) deadline: Instant,
}
