//! The one way in which this stage asks others: bounded in time and size, no redirects, TLS unless on loopback.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AGE, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use url::{Host, Url};

/// A key set or a discovery document is a few kilobytes.
const MOST_BYTES: usize = 256 * 1024;

/// What a document without Cache-Control is kept.
const UNSAID: Duration = Duration::from_secs(60);

const FHIR: &str = "application/fhir+json";
const FORM: &str = "application/x-www-form-urlencoded";

type HttpsClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Fetches documents of issuers and clients.
pub struct Fetch {
    time: Duration,
    most: usize,
    accept: HeaderValue,
    /// Connections that are kept for the next time.
    idle: usize,
    /// Made when it is first needed: it reads the machine's certificates.
    client: OnceLock<Result<HttpsClient, Arc<str>>>,
}

/// What was fetched.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The document.
    pub body: Bytes,
    /// How long it may be kept (RFC 9111 4.2.1).
    pub fresh_for: Duration,
}

/// Why nothing was fetched.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FetchError {
    /// The URL is not one that may be asked.
    #[error("expected an https URL without credentials (http only on loopback)")]
    Url,
    /// No connection, or it broke.
    #[error("not reachable: {0}")]
    Connection(Arc<str>),
    /// Another status than 200. Redirects are not followed.
    #[error("expected status 200, found {0}")]
    Status(StatusCode),
    /// Too long or cut off.
    #[error("expected a whole document of at most {0} bytes")]
    Body(usize),
    /// Too slow.
    #[error("no answer in time")]
    Time,
}

/// Whether a URL may be asked: https, or http on loopback; no credentials in it.
#[must_use]
pub fn may_fetch(url: &Url) -> bool {
    let is_loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    let is_plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    is_plain && (url.scheme() == "https" || url.scheme() == "http" && is_loopback)
}

impl Fetch {
    /// Fetches that take at most this long each.
    #[must_use]
    pub const fn new(time: Duration) -> Self {
        Self::with(time, MOST_BYTES, HeaderValue::from_static("application/json"), 0)
    }

    const fn with(time: Duration, most: usize, accept: HeaderValue, idle: usize) -> Self {
        Self { time, most, accept, idle, client: OnceLock::new() }
    }

    /// Fetches of FHIR resources in JSON, over connections of which so many are kept. They belong to the runtime that asks first.
    #[must_use]
    pub const fn of_fhir(time: Duration, idle: usize) -> Self {
        Self::with(time, MOST_BYTES, HeaderValue::from_static(FHIR), idle)
    }

    /// Fetches of anything, not only JSON, of at most so many bytes.
    #[must_use]
    pub const fn of_files(time: Duration, most: usize) -> Self {
        Self::with(time, most, HeaderValue::from_static("*/*"), 0)
    }

    /// `GET`
    ///
    /// # Errors
    /// When there is no document.
    pub async fn get(&self, url: &Url) -> Result<Fetched, FetchError> {
        let (status, fetched) = self.ask(url, Method::GET, HeaderMap::new(), Bytes::new()).await?;
        if status == StatusCode::OK { Ok(fetched) } else { Err(FetchError::Status(status)) }
    }

    /// `POST` of a form.
    ///
    /// # Errors
    /// When there is no answer of status 200.
    pub async fn post_form(&self, url: &Url, form: String, credentials: HeaderValue) -> Result<Fetched, FetchError> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, credentials);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(FORM));
        let (status, fetched) = self.ask(url, Method::POST, headers, form.into()).await?;
        if status == StatusCode::OK { Ok(fetched) } else { Err(FetchError::Status(status)) }
    }

    /// `POST` of a form that carries its own credentials; gives the answer of any status.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn submit(&self, url: &Url, form: String) -> Result<(StatusCode, Bytes), FetchError> {
        let headers = [(CONTENT_TYPE, HeaderValue::from_static(FORM))].into_iter().collect();
        let (status, fetched) = self.ask(url, Method::POST, headers, form.into()).await?;
        Ok((status, fetched.body))
    }

    /// `POST` of a resource; gives the answer of any status.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn post_fhir(
        &self,
        url: &Url,
        resource: Bytes,
        credentials: Option<HeaderValue>,
    ) -> Result<(StatusCode, Bytes), FetchError> {
        let mut headers: HeaderMap = [(CONTENT_TYPE, HeaderValue::from_static(FHIR))].into_iter().collect();
        headers.extend(credentials.map(|credentials| (AUTHORIZATION, credentials)));
        let (status, fetched) = self.ask(url, Method::POST, headers, resource).await?;
        Ok((status, fetched.body))
    }

    async fn ask(
        &self,
        url: &Url,
        method: Method,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<(StatusCode, Fetched), FetchError> {
        if !may_fetch(url) {
            return Err(FetchError::Url);
        }
        let mut request = Request::builder().method(method).uri(url.as_str());
        if let Some(fields) = request.headers_mut() {
            *fields = headers;
            fields.insert(ACCEPT, self.accept.clone());
        }
        let request = request.body(Full::new(body)).map_err(|_| FetchError::Url)?;
        let client = self
            .client
            .get_or_init(|| connector(self.idle))
            .as_ref()
            .map_err(|why| FetchError::Connection(why.clone()))?;
        let exchange = async {
            let response = client.request(request).await.map_err(|error| FetchError::Connection(reason(&error)))?;
            read(response, self.most).await
        };
        tokio::time::timeout(self.time, exchange).await.map_err(|_| FetchError::Time)?
    }
}

async fn read(response: Response<Incoming>, most: usize) -> Result<(StatusCode, Fetched), FetchError> {
    let status = response.status();
    let fresh_for = freshness(response.headers());
    let body = Limited::new(response.into_body(), most).collect().await.map_err(|_| FetchError::Body(most))?;
    Ok((status, Fetched { body: body.to_bytes(), fresh_for }))
}

/// Where none is kept, a connection each: such fetches are rare, and a pooled one would belong to the worker that opened it.
fn connector(idle: usize) -> Result<HttpsClient, Arc<str>> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let builder = HttpsConnectorBuilder::new().with_provider_and_native_roots(provider.clone());
    let builder = match builder {
        Ok(builder) => builder,
        // A machine without certificates of its own trusts those that every browser trusts.
        Err(_) => HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(provider)
            .map_err(|error| Arc::from(error.to_string()))?,
    };
    let connector = builder.https_or_http().enable_http1().build();
    Ok(Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_max_idle_per_host(idle)
        .build(connector))
}

fn reason(error: &hyper_util::client::legacy::Error) -> Arc<str> {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text.into()
}

/// `max-age` less Age; nothing with `no-store` or `no-cache`, or when it cannot be read.
fn freshness(headers: &HeaderMap) -> Duration {
    let mut fresh_for = None;
    for directive in headers.get_all(CACHE_CONTROL).iter().flat_map(directives) {
        let (name, value) = directive.split_once('=').unwrap_or((directive.as_str(), ""));
        match name {
            "no-store" | "no-cache" => return Duration::ZERO,
            "max-age" => {
                let seconds = value.trim_matches('"').parse().map_or(Duration::ZERO, Duration::from_secs);
                fresh_for = Some(fresh_for.map_or(seconds, |known: Duration| known.min(seconds)));
            }
            _ => {}
        }
    }
    let age = headers.get(AGE).and_then(|age| age.to_str().ok()?.trim().parse().ok()).unwrap_or(0);
    fresh_for.unwrap_or(UNSAID).saturating_sub(Duration::from_secs(age))
}

fn directives(value: &HeaderValue) -> Vec<String> {
    let text = value.to_str().unwrap_or("no-store");
    text.split(',').map(|directive| directive.trim().to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_loopback_may_be_asked() {
        let may = |url: &str| may_fetch(&Url::parse(url).expect(url));
        for url in ["https://a.example/jwks", "http://127.0.0.1:9/jwks", "http://[::1]/", "http://localhost:1/"] {
            assert!(may(url), "{url}");
        }
        for url in [
            "http://a.example/jwks",
            "http://localhost.example/",
            "http://10.0.0.1/",
            "https://user:secret@a.example/",
            "ftp://127.0.0.1/",
            "file:///etc/passwd",
            "https://a.example/#f",
        ] {
            assert!(!may(url), "{url}");
        }
    }

    #[test]
    fn a_document_is_kept_no_longer_than_it_says() {
        let fresh = |fields: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in fields {
                headers.append(*name, HeaderValue::from_static(value));
            }
            freshness(&headers).as_secs()
        };
        assert_eq!(fresh(&[("cache-control", "public, max-age=120")]), 120);
        assert_eq!(fresh(&[("cache-control", "max-age=120"), ("age", "100")]), 20);
        assert_eq!(fresh(&[("cache-control", "max-age=120"), ("age", "200")]), 0);
        assert_eq!(fresh(&[("cache-control", "max-age=120"), ("cache-control", "no-store")]), 0);
        assert_eq!(fresh(&[("cache-control", "No-Cache, max-age=120")]), 0);
        assert_eq!(fresh(&[("cache-control", "max-age=soon")]), 0);
        assert_eq!(fresh(&[]), 60);
    }
}
