use std::sync::Arc;
use std::time::Duration;

use adapter::{Adapter, Body, Clock, Error, ErrorKind, Health, Reply};
use futures_util::StreamExt;

use super::stub::{Act, Stub, TokioClock, create, read, update_of_version};
use super::*;
use crate::route::Destination;

const SECOND: Duration = Duration::from_secs(1);

fn name() -> Arc<str> {
    "ehr".into()
}

fn kind(result: Result<Reply, Error>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind)
}

fn plan(adapter: Arc<dyn Adapter>) -> Plan {
    Plan {
        route: name(),
        adapters: vec![Destination { name: name(), adapter }],
        federation: None,
        is_by_content: false,
        profiles: Arc::new([]),
        validate: config::ValidateMode::Enforce,
        additions: search::Additions::default(),
    }
}

async fn drain(reply: Reply) -> Result<usize, Error> {
    let Body::Stream(_, mut pieces) = reply.body else { return Ok(0) };
    let mut count = 0;
    while let Some(piece) = pieces.next().await {
        count += piece?.len();
    }
    Ok(count)
}

mod shed {
    use super::*;

    fn shed(stub: &Arc<Stub>, concurrency: usize, queue: usize) -> Arc<Shed> {
        let policy = ShedPolicy { concurrency, queue, wait: SECOND, retry_after: 2 * SECOND };
        Arc::new(Shed::new(Arc::clone(stub) as Arc<dyn Adapter>, policy))
    }

    #[tokio::test(start_paused = true)]
    async fn who_finds_no_place_is_sent_away_with_a_time_to_come_back() {
        let stub = Stub::new([]).slow(SECOND);
        let shed = shed(&stub, 1, 0);
        let other = Arc::clone(&shed);
        let first = tokio::spawn(async move { other.perform(read()).await });
        tokio::task::yield_now().await;
        let error = shed.perform(read()).await.unwrap_err();
        assert_eq!((error.kind, error.retry_after), (ErrorKind::Shed, Some(2 * SECOND)));
        assert_eq!(shed.load(), Load { running: 1, places: 1, waiting: 0, seats: 0 });
        assert!(first.await.unwrap().is_ok());
        assert_eq!(stub.calls(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_gets_a_place_when_one_is_free_in_time() {
        for (pause, expected) in [(SECOND / 2, None), (3 * SECOND, Some(ErrorKind::Shed))] {
            let shed = shed(&Stub::new([]).slow(pause), 1, 1);
            let other = Arc::clone(&shed);
            let first = tokio::spawn(async move { other.perform(read()).await });
            tokio::task::yield_now().await;
            assert_eq!(kind(shed.perform(read()).await), expected);
            assert!(first.await.unwrap().is_ok());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_streamed_reply_keeps_its_place_to_its_end() {
        let shed = shed(&Stub::new([Act::Stream(SECOND, None)]), 1, 0);
        let reply = shed.perform(read()).await.unwrap();
        assert_eq!(kind(shed.perform(read()).await), Some(ErrorKind::Shed));
        assert_eq!(drain(reply).await.unwrap(), 2);
        assert_eq!(kind(shed.perform(read()).await), None);
    }
}

mod deadline {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_call_ends_at_the_adapters_limit_or_at_the_callers_deadline() {
        let stub = Stub::new([]).slow(10 * SECOND);
        let deadline = Deadline::new(Arc::clone(&stub) as Arc<dyn Adapter>, 5 * SECOND);
        let started = TokioClock.instant();
        assert_eq!(kind(deadline.perform(read()).await), Some(ErrorKind::Timeout));
        assert_eq!(TokioClock.instant() - started, 5 * SECOND);
        let mut call = read();
        call.deadline = TokioClock.instant() + SECOND;
        assert_eq!(kind(deadline.perform(call).await), Some(ErrorKind::Timeout));
        assert_eq!(TokioClock.instant() - started, 6 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn a_streamed_body_ends_at_the_deadline_with_an_error() {
        let stub = Stub::new([Act::Stream(10 * SECOND, None)]);
        let reply = Deadline::new(stub, 5 * SECOND).perform(read()).await.unwrap();
        assert_eq!(drain(reply).await.unwrap_err().kind, ErrorKind::Timeout);
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_took_too_long_says_that_its_end_is_unknown() {
        let stub = Stub::new([]).slow(10 * SECOND);
        let error = Deadline::new(stub, SECOND).perform(create()).await.unwrap_err();
        assert!(error.issues[0].text.contains("unknown"));
    }
}

mod retry {
    use super::*;

    fn retry(stub: &Arc<Stub>, budget: f64) -> Retry {
        Retry::new(Arc::clone(stub) as Arc<dyn Adapter>, RetryPolicy { budget, ..RetryPolicy::default() })
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_is_tried_again_until_it_succeeds_or_the_tries_are_used_up() {
        let stub = Stub::new([Act::Fail(ErrorKind::Broken), Act::Fail(ErrorKind::Unavailable)]);
        assert_eq!(kind(retry(&stub, 0.1).perform(read()).await), None);
        assert_eq!(stub.calls(), 3);
        let stub = Stub::always(Act::Fail(ErrorKind::Broken));
        assert_eq!(kind(retry(&stub, 0.1).perform(read()).await), Some(ErrorKind::Broken));
        assert_eq!(stub.calls(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_plain_create_is_tried_again_only_when_nothing_was_sent() {
        for (failed, calls) in [(ErrorKind::Broken, 1), (ErrorKind::Timeout, 1), (ErrorKind::Unreachable, 2)] {
            let stub = Stub::new([Act::Fail(failed)]);
            assert_eq!(kind(retry(&stub, 0.1).perform(create()).await).is_none(), calls == 2, "{failed:?}");
            assert_eq!(stub.calls(), calls, "{failed:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_create_with_a_key_that_the_back_end_honours_is_tried_again_after_an_unknown_end() {
        for (trusts_idempotency_key, key, calls) in [(true, true, 2), (true, false, 1), (false, true, 1)] {
            let stub = Stub::new([Act::Fail(ErrorKind::Broken)]);
            let policy = RetryPolicy { trusts_idempotency_key, ..RetryPolicy::default() };
            let retry = Retry::new(Arc::clone(&stub) as Arc<dyn Adapter>, policy);
            let call = adapter::Call { idempotency_key: key.then(|| "key-1".into()), ..create() };
            assert_eq!(kind(retry.perform(call).await).is_none(), calls == 2, "{trusts_idempotency_key} {key}");
            assert_eq!(stub.calls(), calls, "{trusts_idempotency_key} {key}");
        }
        let stub = Stub::new([Act::Fail(ErrorKind::Timeout)]);
        let policy = RetryPolicy { trusts_idempotency_key: true, ..RetryPolicy::default() };
        let call = adapter::Call { idempotency_key: Some("key-1".into()), ..create() };
        let result = Retry::new(Arc::clone(&stub) as Arc<dyn Adapter>, policy).perform(call).await;
        assert_eq!(
            (kind(result), stub.calls()),
            (Some(ErrorKind::Timeout), 1),
            "what took too long is not made longer"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_version_that_our_own_first_try_made_is_no_mismatch_of_the_clients() {
        let stub = Stub::new([Act::Fail(ErrorKind::Broken), Act::Fail(ErrorKind::VersionMismatch)]);
        assert_eq!(kind(retry(&stub, 0.1).perform(update_of_version()).await), Some(ErrorKind::Broken));
        let stub = Stub::new([Act::Fail(ErrorKind::VersionMismatch)]);
        assert_eq!(kind(retry(&stub, 0.1).perform(update_of_version()).await), Some(ErrorKind::VersionMismatch));
        assert_eq!(stub.calls(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_time_to_come_back_is_waited_for_unless_it_is_long() {
        for (after, calls) in [(SECOND, 2), (60 * SECOND, 1)] {
            let stub = Stub::new([Act::FailAndComeBack(ErrorKind::Throttled, after)]);
            let started = TokioClock.instant();
            let result = retry(&stub, 0.1).perform(read()).await;
            assert_eq!((result.is_ok(), stub.calls()), (calls == 2, calls));
            assert!(calls == 1 || TokioClock.instant() - started >= SECOND);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_try_begins_behind_the_deadline() {
        let stub = Stub::always(Act::FailAndComeBack(ErrorKind::Throttled, SECOND));
        let mut call = read();
        call.deadline = TokioClock.instant() + SECOND / 2;
        assert_eq!(kind(retry(&stub, 0.1).perform(call).await), Some(ErrorKind::Throttled));
        assert_eq!(stub.calls(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_back_end_that_fails_everything_gets_a_bounded_share_of_retries() {
        let stub = Stub::always(Act::Fail(ErrorKind::Broken));
        let retry = retry(&stub, 0.1);
        for _ in 0..500 {
            retry.perform(read()).await.unwrap_err();
        }
        let retries = stub.calls() - 500;
        assert!((50..=65).contains(&retries), "10 at the start, then one for ten calls: {retries}");
    }
}

mod vitals {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_an_adapter_did_of_late_is_told_by_its_wrappers() {
        let stub = Stub::new([]);
        stub.then(Act::Fail(ErrorKind::BadReply));
        let vitals = wrap(&name(), Arc::clone(&stub) as Arc<dyn Adapter>, &Policy::default(), Arc::new(TokioClock));
        vitals.adapter().perform(read()).await.unwrap_err();
        stub.then(Act::Fail(ErrorKind::NotFound));
        vitals.adapter().perform(read()).await.unwrap_err();
        assert_eq!(vitals.recent().calls.rates().minute, [2, 1], "what is not there is no failure of the back end");
        assert_eq!(vitals.recent().last_failure().map(|failed| failed.kind), Some(ErrorKind::BadReply));
        assert!(vitals.recent().latency.quantiles([0.5]).is_some());
        assert_eq!((vitals.breaker(), vitals.load().running), (BreakerState::Closed, 0));
    }
}

mod breaker {
    use super::*;

    const POLICY: BreakerPolicy =
        BreakerPolicy { window: Duration::from_secs(10), min_calls: 4, failure_ratio: 0.5, open: SECOND, probes: 2 };

    fn breaker(stub: &Arc<Stub>) -> Arc<Breaker> {
        Arc::new(Breaker::new(&name(), Arc::clone(stub) as Arc<dyn Adapter>, POLICY, Arc::new(TokioClock)))
    }

    async fn fail(breaker: &Breaker, stub: &Stub, kind: ErrorKind, times: usize) {
        stub.then(Act::Fail(kind));
        for _ in 0..times {
            breaker.perform(read()).await.unwrap_err();
        }
        stub.then(Act::Answer);
    }

    #[tokio::test(start_paused = true)]
    async fn it_opens_on_failures_and_closes_after_probes_that_succeed() {
        let stub = Stub::new([]);
        let breaker = breaker(&stub);
        fail(&breaker, &stub, ErrorKind::Unavailable, 4).await;
        let error = breaker.perform(read()).await.unwrap_err();
        assert_eq!((error.kind, error.retry_after), (ErrorKind::Shed, Some(SECOND)));
        assert!(matches!(breaker.health().await, Health::Degraded(_)));
        assert_eq!(stub.calls(), 4);
        assert_eq!(breaker.state(), BreakerState::Open { left: SECOND });
        tokio::time::advance(SECOND).await;
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        for _ in 0..3 {
            assert_eq!(kind(breaker.perform(read()).await), None);
        }
        assert_eq!((breaker.health().await, breaker.state()), (Health::Up, BreakerState::Closed));
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_fails_opens_it_again() {
        let stub = Stub::new([]);
        let breaker = breaker(&stub);
        fail(&breaker, &stub, ErrorKind::Timeout, 4).await;
        tokio::time::advance(SECOND).await;
        fail(&breaker, &stub, ErrorKind::Timeout, 1).await;
        assert_eq!(kind(breaker.perform(read()).await), Some(ErrorKind::Shed));
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_few_probes_go_out_at_a_time() {
        let stub = Stub::new([]);
        let breaker = breaker(&stub);
        fail(&breaker, &stub, ErrorKind::Broken, 4).await;
        tokio::time::advance(SECOND).await;
        Arc::clone(&stub).slow(SECOND);
        let calls: Vec<_> = (0..5)
            .map(|_| {
                let breaker = Arc::clone(&breaker);
                tokio::spawn(async move { breaker.perform(read()).await.is_ok() })
            })
            .collect();
        let mut done = 0;
        for call in calls {
            done += usize::from(call.await.unwrap());
        }
        assert_eq!(done, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_of_the_client_and_old_failures_do_not_open_it() {
        let stub = Stub::new([]);
        let breaker = breaker(&stub);
        fail(&breaker, &stub, ErrorKind::NotFound, 20).await;
        assert_eq!(kind(breaker.perform(read()).await), None);
        for _ in 0..30 {
            fail(&breaker, &stub, ErrorKind::Broken, 1).await;
            tokio::time::advance(4 * SECOND).await;
        }
        assert_eq!(kind(breaker.perform(read()).await), None);
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_were_given_up_at_their_deadline_count_as_failures() {
        let stub = Stub::new([]).slow(60 * SECOND);
        let breaker = breaker(&stub);
        let deadline = Deadline::new(Arc::clone(&breaker) as Arc<dyn Adapter>, SECOND);
        for _ in 0..4 {
            assert_eq!(kind(deadline.perform(read()).await), Some(ErrorKind::Timeout));
        }
        assert_eq!(kind(deadline.perform(read()).await), Some(ErrorKind::Shed));
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_that_break_count_as_failures() {
        let stub = Stub::always(Act::Stream(Duration::ZERO, Some(ErrorKind::Broken)));
        let breaker = breaker(&stub);
        for _ in 0..4 {
            drain(breaker.perform(read()).await.unwrap()).await.unwrap_err();
        }
        assert_eq!(kind(breaker.perform(read()).await), Some(ErrorKind::Shed));
    }
}

mod whole {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_panic_ends_its_own_call_only() {
        for call in [create(), read()] {
            let stub = Stub::new([Act::Panic]);
            let plan = plan(wrap(&name(), stub, &Policy::default(), Arc::new(TokioClock)).adapter());
            assert_eq!(kind(perform(&plan, call).await), Some(ErrorKind::Internal));
            assert_eq!(kind(perform(&plan, read()).await), None);
        }
    }

    #[test]
    fn the_policy_of_the_configuration_is_taken_over() {
        let text = "[adapters.ehr]\nkind = \"store\"\nconcurrency = 7\nqueue = 3\nqueue-time = \"2s\"\ndeadline = \"9s\"\n\
                    [adapters.ehr.retry]\nattempts = 2\nbudget = 20\nidempotency-key = true\n\
                    [adapters.ehr.breaker]\nfailures = 40\n";
        let config = config::shape("frontdesk.toml", text).unwrap();
        let policy = Policy::from(&config.adapters["ehr"]);
        assert_eq!((policy.shed.concurrency, policy.shed.queue, policy.shed.wait), (7, 3, 2 * SECOND));
        assert_eq!(policy.deadline, 9 * SECOND);
        assert_eq!((policy.retry.attempts, policy.retry.budget), (2, 0.2));
        assert!(policy.retry.trusts_idempotency_key && !Policy::default().retry.trusts_idempotency_key);
        assert!((policy.breaker.failure_ratio - 0.4).abs() < 1e-9);
    }
}
