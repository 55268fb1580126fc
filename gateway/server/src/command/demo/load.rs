//! The sample practice, sent as any client sends its data: over HTTP, with a token, validated and audited.

use std::fs;
use std::io;
use std::path::Path;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use indicatif::{ProgressBar, ProgressStyle};
use sample::{Entry, SampleError};
use time::OffsetDateTime;
use url::Url;

use super::super::token;
use super::{CLIENT, root};

/// Says that the sample is in this data folder already.
const MARKER: &str = "sample-practice-loaded";

/// Requests under way at a time: enough that writes share their fsync.
const AT_A_TIME: usize = 32;

/// What of a refusal is read.
const REFUSAL: usize = 64 * 1024;

/// Why the sample practice is not there.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    #[error(transparent)]
    Sample(#[from] SampleError),
    #[error("no token for the sample practice: {0}")]
    Token(#[from] token::TokenFailure),
    #[error("the base `{0}` is no URL")]
    Base(String),
    #[error("cannot send {target}: {source}")]
    Send { target: String, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("{target} was refused with {status}: {outcome}")]
    Refused { target: String, status: StatusCode, outcome: String },
    #[error("cannot note in {} that the sample practice is loaded: {source}", folder.display())]
    Marker { folder: std::path::PathBuf, source: io::Error },
}

/// Loads the sample practice, unless this data folder had it before.
pub(super) async fn once(base: &str, data: &Path, key: &Path) -> Result<(), LoadError> {
    let marker = data.join(MARKER);
    if marker.exists() {
        return Ok(());
    }
    let gateway = Url::parse(&root(base)).map_err(|_| LoadError::Base(base.to_owned()))?;
    let wanted = token::Arguments::new(gateway, CLIENT, key.to_owned(), "system/*.cruds");
    let token = token::token(&wanted).await?;
    let today = OffsetDateTime::now_utc().date();
    send_all(base, &token, sample::practice(today)?).await?;
    fs::write(&marker, today.to_string()).map_err(|source| LoadError::Marker { folder: data.to_owned(), source })
}

async fn send_all(base: &str, token: &str, entries: Vec<Entry>) -> Result<(), LoadError> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let progress = progress(entries.len());
    stream::iter(entries)
        .map(|entry| send(&client, base, token, entry))
        .buffer_unordered(AT_A_TIME)
        .try_for_each(|()| {
            progress.inc(1);
            std::future::ready(Ok(()))
        })
        .await?;
    progress.finish_and_clear();
    Ok(())
}

/// Draws nothing where stderr is no terminal.
fn progress(length: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("sample practice {bar:40} {pos}/{len} {per_sec}");
    let progress = ProgressBar::new(length as u64);
    match style {
        Ok(style) => progress.with_style(style),
        Err(_) => progress,
    }
}

/// An update that creates: sent again after an interruption, it changes nothing but the version.
async fn send(
    client: &Client<HttpConnector, Full<Bytes>>,
    base: &str,
    token: &str,
    entry: Entry,
) -> Result<(), LoadError> {
    let target = format!("{}/{}", entry.resource_type, entry.id);
    let failed = |source| LoadError::Send { target: target.clone(), source };
    let request = Request::builder()
        .method(Method::PUT)
        .uri(format!("{base}/{target}"))
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/fhir+json")
        .header("prefer", "return=minimal")
        .body(Full::new(Bytes::from(entry.json)))
        .map_err(|error| failed(error.into()))?;
    let answer = client.request(request).await.map_err(|error| failed(error.into()))?;
    let status = answer.status();
    let body = Limited::new(answer.into_body(), REFUSAL).collect().await.map_err(failed)?.to_bytes();
    if status.is_success() {
        return Ok(());
    }
    Err(LoadError::Refused { target, status, outcome: String::from_utf8_lossy(&body).into_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_practice_is_valid_r4() {
        for entry in sample::practice(OffsetDateTime::now_utc().date()).unwrap() {
            let outcome = profile::validate(&entry.json, fhir::Version::R4, Some(entry.resource_type));
            let texts: Vec<&str> = outcome.0.iter().map(|issue| issue.text.as_str()).collect();
            assert!(!outcome.has_errors(), "{}/{}: {texts:?}", entry.resource_type, entry.id);
        }
    }
}
