//! What a request costs before anything of it is done.

use super::*;

/// A future is moved as a whole before it is first polled. What is large and rare is boxed where it is awaited: the token
/// endpoint, `$validate`, holds, a token that is seen for the first time, reading a body.
const MOST_BYTES: usize = 3 * 1024;

#[test]
fn the_futures_of_a_request_stay_small() {
    let (answer, rest) = (of_answer(Pipeline::answer), of_rest(Pipeline::account_for));
    assert!(answer <= MOST_BYTES, "expected the future of a request in {MOST_BYTES} bytes, found {answer}");
    assert!(rest <= MOST_BYTES, "expected its part from permission on in {MOST_BYTES} bytes, found {rest}");
}

const fn of_answer<A, B, C, F: Future>(_: fn(A, B, C) -> F) -> usize {
    size_of::<F>()
}

const fn of_rest<A, B, C, D, E, F: Future>(_: fn(A, B, C, D, E) -> F) -> usize {
    size_of::<F>()
}
