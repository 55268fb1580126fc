//! A batch: every entry is authorized, routed, validated, performed and written down on its own, and fails on its own.

use std::sync::Arc;

use bytes::Bytes;
use fhir::bundle::{Answer, Answers, Entry};
use fhir::{Interaction, IssueType};
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};
use http::StatusCode;

use super::answer::{Asked, failed, is_write};
use super::{Entries, Pipeline, request, unread};
use crate::authorize::{self, Permitted};
use crate::failure::Failure;
use crate::passage::Passage;
use crate::respond::account;

/// Reads of one batch that run at a time.
const AT_A_TIME: usize = 8;

impl Pipeline {
    /// The Bundle that answers: writes one after the other in the order of the Bundle, then reads beside each other, so that they
    /// see what was written.
    pub(super) async fn each(
        self: &Arc<Self>,
        batch: &Permitted,
        entries: Entries,
        passage: &Passage,
    ) -> Result<Bytes, Failure> {
        let mut answers = Gathered { answers: vec![Answer::default(); entries.len()], left: self.reply };
        let mut reads = Vec::new();
        for (index, entry) in entries.into_iter().enumerate() {
            match entry {
                Ok(entry) if entry.interaction.is_safe() => reads.push(entry),
                Ok(entry) => answers.put(index, true, self.one(batch, &entry, passage).await),
                Err(fault) => answers.put(index, false, failed(unread(fault))),
            }
        }
        let read = |entry: Entry| async move {
            let answer = self.one(batch, &entry, passage).await;
            (entry.index, answer)
        };
        let mut read = stream::iter(reads).map(read).buffer_unordered(AT_A_TIME);
        while let Some((index, answer)) = read.next().await {
            answers.put(index, false, answer);
        }
        Ok(answers.into_bundle())
    }

    /// Boxed as what it is: an entry goes the way of a request, of which a batch is a part.
    fn one<'a>(
        self: &'a Arc<Self>,
        batch: &'a Permitted,
        entry: &'a Entry,
        passage: &Passage,
    ) -> BoxFuture<'a, Answer> {
        let passage = passage.clone();
        Box::pin(async move {
            self.try_one(batch, entry, passage).await.unwrap_or_else(|failure| {
                self.log_entry(batch, &failure);
                failed(failure)
            })
        })
    }

    async fn try_one(self: &Arc<Self>, batch: &Permitted, entry: &Entry, passage: Passage) -> Result<Answer, Failure> {
        if entry.must_create && !matches!(entry.interaction, Interaction::Update { .. }) {
            return Err(no_such_condition());
        }
        let request = request(batch.request(), entry);
        let asked = Asked {
            base: Arc::clone(&request.base),
            returns: request.preferences.returns,
            is_write: is_write(&request.interaction),
            most: self.reply,
        };
        let mut record = account::draft(&request);
        let permitted = match authorize::permit_entry(request, batch) {
            Ok(permitted) => permitted,
            Err(failure) => return Err(self.refuse(record, failure)),
        };
        account::identify(&mut record, &permitted);
        let lease = self.limits.budget.lease();
        let (answered, _) = Box::pin(Arc::clone(self).account_for(permitted, record, passage, lease)).await;
        asked.answer(answered?).await
    }

    /// Logs what the client was not told of an entry.
    pub(super) fn log_entry(&self, batch: &Permitted, failure: &Failure) {
        if failure.status.is_server_error() {
            let (status, request_id) = (failure.status.as_u16(), &*batch.request().trace.request_id);
            let cause = failure.cause.as_ref().map(ToString::to_string);
            tracing::warn!(status, request_id, cause, "an entry of a batch failed");
        }
    }
}

/// `If-None-Match` of a write, as of a request of its own.
pub(super) fn no_such_condition() -> Failure {
    let text = "expected ifMatch: other conditions of a write are not supported";
    Failure::new(StatusCode::BAD_REQUEST, IssueType::NotSupported, text)
}

/// Answers in the order of the entries, of so many bytes in all.
struct Gathered {
    answers: Vec<Answer>,
    left: usize,
}

impl Gathered {
    /// A read that does not fit any more is answered without what it found; a write has happened and says so.
    fn put(&mut self, index: usize, is_write: bool, mut answer: Answer) {
        let bytes = answer.resource.as_ref().map_or(0, Bytes::len);
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None if is_write => answer.resource = None,
            None => {
                let text = "the answers to the other entries are as large as one Bundle may be: ask for this alone";
                answer = failed(Failure::new(StatusCode::PAYLOAD_TOO_LARGE, IssueType::TooCostly, text));
            }
        }
        if let Some(place) = self.answers.get_mut(index) {
            *place = answer;
        }
    }

    fn into_bundle(self) -> Bytes {
        let mut bundle = Answers::new(false);
        self.answers.iter().for_each(|answer| bundle.push(answer));
        bundle.into_bytes()
    }
}
