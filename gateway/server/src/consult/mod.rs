//! A terminology server outside: what nobody here can say about a code is asked there, all of it at once, and the validation
//! runs again with the answers. No answer leaves what it was, a warning at most. Only canonicals, versions and codes leave.

mod answer;
mod server;

use std::sync::Arc;
use std::time::Duration;

use config::SecretError;
use terminology::{Consultation, Inquiry, Patience, gather};
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::Instant;

use server::Server;

/// Why the settings of a terminology server cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// Its credentials.
    #[error("[terminology]: {0}")]
    Secret(#[from] SecretError),
    /// What cannot stand in a header field.
    #[error("[terminology]: expected credentials of visible ASCII characters")]
    Credentials,
    /// Its URL.
    #[error("[terminology] server: expected an http(s) URL")]
    Url,
    /// Nothing to ask with.
    #[error("[terminology]: expected to be started on a runtime")]
    Runtime(#[from] tokio::runtime::TryCurrentError),
}

/// A terminology server with what it said.
pub struct Outside {
    consultation: Arc<Consultation>,
    server: Arc<Server>,
    /// Longest wait for all answers to one validation.
    time: Duration,
    /// Most questions of one validation.
    questions: usize,
    /// Connections live here, whichever thread asks.
    runtime: Handle,
}

impl Outside {
    /// The server of the settings; none when they name none. Connects when it is first asked.
    ///
    /// # Errors
    /// Credentials that cannot be read, or no runtime around.
    pub fn of(settings: &config::Terminology) -> Result<Option<Self>, Unusable> {
        let Some(url) = &settings.server else { return Ok(None) };
        let patience = Patience {
            lifetime: *settings.lifetime,
            answers: settings.answers as usize,
            failures: settings.failures,
            pause: *settings.pause,
        };
        Ok(Some(Self {
            consultation: Arc::new(Consultation::new(patience)),
            server: Arc::new(Server::new(url, settings)?),
            time: *settings.time,
            questions: settings.questions as usize,
            runtime: Handle::try_current()?,
        }))
    }

    /// What it said, for a [`terminology::Terminology`].
    #[must_use]
    pub const fn consultation(&self) -> &Arc<Consultation> {
        &self.consultation
    }

    /// Does the work; when it leaves questions, asks them and does it once more. `work` must not depend on how often it is done.
    pub async fn settled<T>(&self, work: impl Fn() -> T) -> T {
        let (first, inquiries) = gather(&work);
        if !inquiries.is_empty() && self.ask(inquiries).await { work() } else { first }
    }

    /// Asks as many as it may at once; whether anything was learned.
    pub async fn ask(&self, mut inquiries: Vec<Inquiry>) -> bool {
        inquiries.truncate(self.questions);
        inquiries.truncate(self.consultation.admit(inquiries.len()));
        let deadline = Instant::now() + self.time;
        let mut asked = JoinSet::new();
        for inquiry in inquiries {
            let server = Arc::clone(&self.server);
            let ask = async move {
                let answer = server.ask(&inquiry, deadline).await;
                (inquiry, answer)
            };
            asked.spawn_on(ask, &self.runtime);
        }
        let mut has_learned = false;
        while let Some(answered) = asked.join_next().await {
            let Ok((inquiry, answer)) = answered else { continue };
            has_learned |= answer.is_ok();
            note(answer);
            if self.consultation.tell(&inquiry, answer) {
                tracing::warn!(
                    server = self.server.name(),
                    "the terminology server does not answer: it is left alone for a while"
                );
            }
        }
        has_learned
    }
}

fn note(answer: Result<bool, terminology::Unanswered>) {
    let answer = match answer {
        Ok(true) => "in",
        Ok(false) => "not-in",
        Err(terminology::Unanswered::Unknown) => "unknown",
        Err(terminology::Unanswered::Unavailable) => "none",
    };
    metrics::counter!("frontdesk_terminology_answers_total", "answer" => answer).increment(1);
}
