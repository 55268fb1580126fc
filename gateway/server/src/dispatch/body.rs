//! What has to stay alive until a streamed body ends.

use std::pin::Pin;
use std::task::{Context, Poll};

use adapter::{Body, Error};
use bytes::Bytes;
use futures_util::Stream;

/// Watches a body: `ended` is called once with `guard` when it has ended, with the error if it ended with one. Whoever
/// drops a stream before its end drops the guard. A body that is not a stream has ended already.
pub(super) fn watch<G, F>(body: Body, guard: G, ended: F) -> Body
where
    G: Send + 'static,
    F: FnOnce(G, Option<&Error>) + Send + 'static,
{
    match body {
        Body::Stream(length, stream) => Body::Stream(length, Box::pin(Watched { stream, held: Some((guard, ended)) })),
        whole => {
            ended(guard, None);
            whole
        }
    }
}

struct Watched<G, F> {
    stream: Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>,
    held: Option<(G, F)>,
}

// Nothing in it is pinned structurally: the stream has its own box.
impl<G, F> Unpin for Watched<G, F> {}

impl<G, F: FnOnce(G, Option<&Error>)> Stream for Watched<G, F> {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.held.is_none() {
            return Poll::Ready(None);
        }
        let next = std::task::ready!(self.stream.as_mut().poll_next(context));
        if !matches!(next, Some(Ok(_)))
            && let Some((guard, ended)) = self.held.take()
        {
            ended(guard, next.as_ref().and_then(|piece| piece.as_ref().err()));
        }
        Poll::Ready(next)
    }
}
