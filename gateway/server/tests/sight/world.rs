//! A gateway whose back ends are emptied for each case.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use adapter::contract::alone::{call, host};
use adapter::{Adapter, Call, Clock, Error, Health, Host, Practice as Name, Reply};
use fhir::{Capability, Interaction, Resource, Version};
use http::Method;
use population::BASE;
use store::{Settings, Store};
use tempfile::TempDir;

use crate::ask::Ask;
use crate::case::Write;
use crate::harness::{Answer, Practice};
use crate::plain::Plain;

/// More requests than a client is let send.
const RATES: &str = r#"
    [rate-limits]
    client = { per-second = 100000, burst = 100000 }
    address = { per-second = 100000, burst = 100000 }
    token = { per-second = 1000, burst = 1000 }
"#;

/// A search has at most so many pages here.
const MOST_PAGES: usize = 40;

/// A store with nothing in it, again for each case: what it holds is kept by practice.
struct Emptied {
    store: Store,
    case: Arc<AtomicU64>,
}

#[async_trait::async_trait]
impl Adapter for Emptied {
    fn capability(&self) -> Arc<Capability> {
        self.store.capability()
    }

    async fn perform(&self, call: Call) -> Result<Reply, Error> {
        let practice = Name::new(&format!("{}{}", call.practice, self.case.load(Ordering::SeqCst)));
        self.store.perform(Call { practice, ..call }).await
    }

    async fn health(&self) -> Health {
        self.store.health().await
    }
}

/// A clock that stands still while one request is answered, and goes on between requests: so that what is ordered by time is ordered the
/// same in two worlds.
struct Steps(AtomicU64);

impl Clock for Steps {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_700_000_000 + self.0.load(Ordering::SeqCst))
    }

    fn instant(&self) -> Instant {
        Instant::now()
    }
}

/// How a route over stores is made.
pub(crate) struct Layout {
    /// Types (none: all), and the stores that hold them.
    pub(crate) routes: &'static [(&'static [&'static str], &'static [&'static str])],
    pub(crate) names: &'static population::Names,
}

/// A gateway over stores.
pub(crate) struct World {
    practice: Practice,
    stores: Vec<Arc<Emptied>>,
    case: Arc<AtomicU64>,
    clock: Arc<Steps>,
    tokens: BTreeMap<String, (String, Instant)>,
    _folders: Vec<TempDir>,
}

impl World {
    pub(crate) async fn start(layout: &Layout) -> Self {
        let case = Arc::new(AtomicU64::new(0));
        let clock = Arc::new(Steps(AtomicU64::new(0)));
        let (mut adapters, mut stores, mut folders) = (BTreeMap::new(), Vec::new(), Vec::new());
        for name in layout.routes.iter().flat_map(|(_, stores)| stores.iter()) {
            if adapters.contains_key(*name) {
                continue;
            }
            let folder = tempfile::tempdir().unwrap();
            let host = Host { clock: Arc::clone(&clock) as Arc<dyn Clock>, ..host(folder.path()) };
            let store = Store::open(&Settings::default(), &host).unwrap();
            let emptied = Arc::new(Emptied { store, case: Arc::clone(&case) });
            adapters.insert((*name).to_owned(), Arc::clone(&emptied) as Arc<dyn Adapter>);
            stores.push(emptied);
            folders.push(folder);
        }
        let routes = layout.routes.iter().map(|(types, stores)| route(types, stores)).collect();
        let practice = Practice::routed(RATES, routes, adapters).await;
        Self { practice, stores, case, clock, tokens: BTreeMap::new(), _folders: folders }
    }

    /// Begins anew, with this data.
    pub(crate) async fn fill(&mut self, writes: &[Write]) {
        self.case.fetch_add(1, Ordering::SeqCst);
        let token = self.token("system/*.cruds", "").await;
        for write in writes {
            self.clock.0.fetch_add(1, Ordering::SeqCst);
            let fields = [("authorization", token.as_str()), ("content-type", "application/fhir+json")];
            let answer = match write {
                Write::Put(resource) => {
                    let path =
                        format!("/{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
                    let body = resource.to_string().replace(BASE, self.practice.gateway.base());
                    self.practice.ask(Method::PUT, &path, &fields, body).await
                }
                Write::Delete(kind, id) => {
                    self.practice.ask(Method::DELETE, &format!("/{kind}/{id}"), &fields, "").await
                }
            };
            let is_done = answer.status.is_success() || matches!(write, Write::Delete(..));
            assert!(is_done, "{} {}", answer.status, answer.json());
        }
    }

    /// Gives data to another practice of the same back ends, behind the gateway.
    pub(crate) async fn fill_neighbour(&self, writes: &[Write]) {
        let base = self.practice.gateway.base();
        for write in writes {
            let interaction = match write {
                Write::Put(resource) => {
                    let of = resource["resourceType"].as_str().unwrap().parse().unwrap();
                    let body = resource.to_string().replace(BASE, base);
                    let id = resource["id"].as_str().unwrap().parse().unwrap();
                    Interaction::Update { id, resource: Resource::new(of, Version::R4, body), if_match: None }
                }
                Write::Delete(kind, id) => Interaction::Delete {
                    resource_type: kind.parse().unwrap(),
                    id: id.parse().unwrap(),
                    if_match: None,
                },
            };
            for store in &self.stores {
                let practice = Name::new("neighbour");
                let call = Call { practice, base: Arc::from(base), ..call(interaction.clone()) };
                store.perform(call).await.unwrap();
            }
        }
    }

    /// A token, used for a while.
    pub(crate) async fn token(&mut self, scope: &str, more: &str) -> String {
        let key = format!("{scope}{more}");
        if let Some((token, made)) = self.tokens.get(&key)
            && made.elapsed() < Duration::from_secs(120)
        {
            return token.clone();
        }
        let granted = self.practice.token_for(scope, more).await;
        let token = granted.json()["access_token"].as_str().map(|token| format!("Bearer {token}"));
        let token = token.unwrap_or_else(|| panic!("{}", granted.json()));
        self.tokens.insert(key, (token.clone(), Instant::now()));
        token
    }

    /// The answers to each request, each to the last page, without what may differ.
    pub(crate) async fn answers(&self, token: &str, asks: &[Ask]) -> Vec<String> {
        let base = self.practice.gateway.base();
        let mut plain = Plain::new(base);
        let mut answers = Vec::new();
        for ask in asks {
            let mut answer = self.ask(token, ask).await;
            let mut told = plain.answer(&answer);
            for _ in 0..MOST_PAGES {
                let Some(next) = next(&answer, base) else { break };
                answer = self.ask(token, &Ask::get(next)).await;
                told.push_str("\n--- next page\n");
                told.push_str(&plain.answer(&answer));
            }
            answers.push(told);
        }
        answers
    }

    async fn ask(&self, token: &str, ask: &Ask) -> Answer {
        self.clock.0.fetch_add(1, Ordering::SeqCst);
        let base = self.practice.gateway.base();
        let path = ask.path.replace(BASE, base);
        let body = ask.body.replace(BASE, base);
        let mut fields: Vec<(&str, &str)> = ask.fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        fields.push(("authorization", token));
        self.practice.ask(ask.method.clone(), &path, &fields, body).await
    }
}

/// The path behind the base of the link to the next page.
fn next(answer: &Answer, base: &str) -> Option<String> {
    let json = answer.json();
    let link = json["link"].as_array()?.iter().find(|link| link["relation"] == "next")?;
    Some(link["url"].as_str()?.strip_prefix(base)?.to_owned())
}

fn route(types: &[&str], stores: &[&str]) -> config::Route {
    let types: Vec<String> = types.iter().map(|name| format!("{name:?}")).collect();
    let types = if types.is_empty() { "\"*\"".to_owned() } else { types.join(",") };
    let to = match stores {
        [one] => format!("adapter = {one:?}"),
        several => format!("adapters = {several:?}"),
    };
    toml::from_str(&format!("types = [{types}]\nvalidate = \"off\"\n{to}")).unwrap()
}
