//! The contract suite: what every adapter must do, run against an adapter by its own tests. `adapters/README.md` says the same
//! in words. An adapter's [`Capability`](fhir::Capability) decides which rules are asked: what it offers must work by the rules
//! of FHIR http.html and search.html, what it does not offer must be refused.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use adapter::{Adapter, contract};
//! async fn keeps_the_contract(adapter: Arc<dyn Adapter>) {
//!     let report = contract::run(|| std::future::ready(Arc::clone(&adapter))).await;
//!     assert!(report.is_kept(), "{report}");
//! }
//! ```

pub mod alone;
mod bench;
mod limits;
mod read;
mod search;
mod transact;
mod write;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use fhir::{InteractionCode, ResourceType};

use crate::Adapter;
pub(crate) use bench::{Bench, Checked, expect};

/// How binding a rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// An adapter that breaks it is wrong.
    Must,
    /// A back end may make it impossible; the adapter's README then says so.
    Should,
}

/// How a rule ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is kept.
    Kept,
    /// The adapter does not offer what the rule is about.
    NotOffered,
    /// It is broken: what was expected, and what happened.
    Broken(String),
}

/// A rule and how it ended.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule, as a sentence.
    pub rule: &'static str,
    /// How binding it is.
    pub level: Level,
    /// How it ended.
    pub verdict: Verdict,
}

/// Every rule and how it ended. Its `Display` lists them.
#[derive(Clone, Debug)]
pub struct Report(pub Vec<Finding>);

impl Report {
    /// Whether no rule is broken, `Should` included.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.broken().next().is_none()
    }

    /// Whether no `Must` is broken.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.broken().all(|finding| finding.level == Level::Should)
    }

    /// What is broken.
    pub fn broken(&self) -> impl Iterator<Item = &Finding> {
        self.0.iter().filter(|finding| matches!(finding.verdict, Verdict::Broken(_)))
    }

    /// What was asked: the adapter offers it.
    pub fn asked(&self) -> impl Iterator<Item = &Finding> {
        self.0.iter().filter(|finding| finding.verdict != Verdict::NotOffered)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Finding { rule, level, verdict } in &self.0 {
            match verdict {
                Verdict::Kept => writeln!(f, "kept         {level:?}: {rule}")?,
                Verdict::NotOffered => writeln!(f, "not offered  {level:?}: {rule}")?,
                Verdict::Broken(why) => writeln!(f, "BROKEN       {level:?}: {rule}\n             {why}")?,
            }
        }
        Ok(())
    }
}

type Check = for<'a> fn(&'a Bench) -> Pin<Box<dyn Future<Output = Checked> + Send + 'a>>;

/// A rule: a sentence, how binding it is, when it is asked, and how it is checked.
pub(crate) struct Rule {
    sentence: &'static str,
    level: Level,
    /// What Patient must offer.
    needs: &'static [InteractionCode],
    check: Check,
}

/// Makes a [`Rule`] of an async function.
macro_rules! rule {
    ($level:ident, [$($needs:ident),*], $sentence:literal, $check:path) => {
        $crate::contract::Rule {
            sentence: $sentence,
            level: $crate::contract::Level::$level,
            needs: &[$(fhir::InteractionCode::$needs),*],
            check: |bench| Box::pin($check(bench)),
        }
    };
}
pub(crate) use rule;

/// Runs every rule, each on an adapter that `connect` makes. The adapters may share a back end, and the back end may hold other
/// data: the rules look at what they made themselves.
pub async fn run<C, F>(connect: C) -> Report
where
    C: Fn() -> F,
    F: Future<Output = Arc<dyn Adapter>>,
{
    let mut findings = Vec::new();
    for rules in [write::RULES, read::RULES, search::RULES, transact::RULES, limits::RULES] {
        for rule in rules {
            findings.push(rule.apply(connect().await).await);
        }
    }
    Report(findings)
}

impl Rule {
    async fn apply(&self, adapter: Arc<dyn Adapter>) -> Finding {
        let capability = adapter.capability();
        let is_offered = self.needs.iter().all(|code| capability.offers(Some(ResourceType::PATIENT), *code));
        let verdict = if is_offered {
            match (self.check)(&Bench::new(adapter)).await {
                Ok(verdict) => verdict,
                Err(why) => Verdict::Broken(why),
            }
        } else {
            Verdict::NotOffered
        };
        Finding { rule: self.sentence, level: self.level, verdict }
    }
}

#[cfg(test)]
mod tests {
    use fhir::capability::ResourceCapability;
    use fhir::{Capability, Version};

    use super::*;
    use crate::{Call, Error, ErrorKind, Health, Reply, Status};

    /// Answers everything in one way, whatever it says that it offers.
    struct Stubborn {
        offered: Vec<InteractionCode>,
        answer: fn() -> Result<Reply, Error>,
    }

    #[async_trait::async_trait]
    impl Adapter for Stubborn {
        fn capability(&self) -> Arc<Capability> {
            let mut capability = Capability::empty(Version::R4);
            let patient = ResourceCapability {
                interactions: self.offered.iter().copied().collect(),
                ..ResourceCapability::default()
            };
            capability.resources.insert(ResourceType::PATIENT, patient);
            Arc::new(capability)
        }

        async fn perform(&self, _: Call) -> Result<Reply, Error> {
            (self.answer)()
        }

        async fn health(&self) -> Health {
            Health::Up
        }
    }

    async fn report(offered: &[InteractionCode], answer: fn() -> Result<Reply, Error>) -> Report {
        let adapter: Arc<dyn Adapter> = Arc::new(Stubborn { offered: offered.to_vec(), answer });
        run(|| std::future::ready(Arc::clone(&adapter))).await
    }

    #[tokio::test]
    async fn an_adapter_that_offers_nothing_and_refuses_everything_keeps_the_contract() {
        let report = report(&[], || Err(Error::new(ErrorKind::NotSupported, "there is nothing here"))).await;
        assert!(report.is_kept(), "{report}");
        assert!(report.asked().count() < report.0.len());
    }

    #[tokio::test]
    async fn an_adapter_that_says_yes_to_everything_is_caught_by_every_rule_that_asks_for_something() {
        let offered = InteractionCode::ALL;
        let report = report(offered, || Ok(Reply::new(Status::Ok))).await;
        let kept: Vec<&str> =
            report.0.iter().filter(|finding| finding.verdict == Verdict::Kept).map(|finding| finding.rule).collect();
        let harmless = ["what is not offered is refused as not supported", "health answers within five seconds"];
        assert!(kept.iter().all(|rule| harmless.contains(rule) || rule.starts_with("the capability")), "{kept:?}");
        assert!(!report.is_sound());
    }
}
