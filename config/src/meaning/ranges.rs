//! Numbers that have to lie within bounds.

use std::time::Duration;

use super::Meaning;
use crate::settings::Rate;

pub(super) fn check(meaning: &mut Meaning<'_>) {
    for (path, fits, expected) in bounds(meaning) {
        if !fits {
            let name = path.last().copied().unwrap_or_default();
            meaning.fault(&path, format!("`{name}` is out of range"), expected);
        }
    }
    rates(meaning);
    adapters(meaning);
}

type Bound = (Vec<&'static str>, bool, &'static str);

/// Each bound with whether it holds.
fn bounds(meaning: &Meaning<'_>) -> Vec<Bound> {
    let config = meaning.config;
    let (gateway, limits, tokens, audit) = (&config.gateway, &config.limits, &config.authorization, &config.audit);
    let (codes, bulk) = (&config.terminology, &config.bulk);
    let second = Duration::from_secs(1);
    let within = |value: u64, low: u64, high: u64| (low..=high).contains(&value);
    let times = |value: Duration, low: Duration, high: Duration| (low..=high).contains(&value);
    vec![
        (vec!["gateway", "workers"], gateway.workers.is_none_or(|n| within(n.into(), 1, 1024)), "expected 1 to 1024"),
        (vec!["gateway", "shutdown-time"], times(*gateway.shutdown_time, second, 3600 * second), "expected 1s to 1h"),
        (vec!["limits", "header-size"], within(limits.header_size.bytes(), 8 << 10, 1 << 20), "expected 8KiB to 1MiB"),
        (vec!["limits", "headers"], within(limits.headers.into(), 16, 1000), "expected 16 to 1000"),
        (vec!["limits", "body"], within(limits.body.bytes(), 1 << 10, 1 << 30), "expected 1KiB to 1GiB"),
        (
            vec!["limits", "bodies-in-flight"],
            limits.bodies_in_flight >= limits.body,
            "expected at least one `limits.body`",
        ),
        (vec!["limits", "reply"], within(limits.reply.bytes(), 1 << 16, 1 << 32), "expected 64KiB to 4GiB"),
        (
            vec!["limits", "header-time"],
            times(*limits.header_time, second / 10, 300 * second),
            "expected 100ms to 5min",
        ),
        (vec!["limits", "handshake"], times(*limits.handshake, second / 10, 300 * second), "expected 100ms to 5min"),
        (vec!["limits", "idle"], times(*limits.idle, second / 10, 3600 * second), "expected 100ms to 1h"),
        (vec!["limits", "total"], times(*limits.total, second / 10, 3600 * second), "expected 100ms to 1h"),
        (vec!["limits", "connections"], limits.connections > 0, "expected at least 1"),
        (vec!["limits", "connections-per-address"], limits.connections_per_address > 0, "expected at least 1"),
        (vec!["limits", "streams"], within(limits.streams.into(), 1, 10_000), "expected 1 to 10000"),
        // RFC 9113 6.9.1: a window is at most 2^31-1.
        (
            vec!["limits", "stream-window"],
            within(limits.stream_window.bytes(), 1 << 16, (1 << 31) - 1),
            "expected 64KiB to 2047MiB",
        ),
        (
            vec!["limits", "connection-window"],
            within(limits.connection_window.bytes(), 1 << 16, (1 << 31) - 1),
            "expected 64KiB to 2047MiB",
        ),
        // SMART App Launch, Backend Services: expires_in SHOULD NOT exceed 300.
        (
            vec!["authorization", "token-lifetime"],
            times(*tokens.token_lifetime, second, 300 * second),
            "expected 1s to 5min (SMART Backend Services)",
        ),
        (vec!["authorization", "clock-skew"], *tokens.clock_skew <= 300 * second, "expected at most 5min"),
        (
            vec!["authorization", "key-lifetime"],
            times(*tokens.key_lifetime, 3600 * second, 366 * 86_400 * second),
            "expected 1h to 366d",
        ),
        (
            vec!["authorization", "fetch-time"],
            times(*tokens.fetch_time, second / 10, 60 * second),
            "expected 100ms to 1min",
        ),
        (vec!["audit", "segment-size"], within(audit.segment_size.bytes(), 1 << 16, 1 << 32), "expected 64KiB to 4GiB"),
        (vec!["audit", "segment-age"], *audit.segment_age >= second, "expected at least 1s"),
        (vec!["audit", "group"], *audit.group <= second, "expected at most 1s"),
        (vec!["audit", "queue"], audit.queue > 0, "expected at least 1"),
        (
            vec!["audit", "retention-size"],
            audit.retention_size.is_none_or(|size| size >= audit.segment_size),
            "expected at least one `audit.segment-size`",
        ),
        (vec!["bulk", "max-size"], bulk.max_size >= bulk.file_size, "expected at least one `bulk.file-size`"),
        (vec!["bulk", "file-size"], within(bulk.file_size.bytes(), 1 << 16, 1 << 36), "expected 64KiB to 64GiB"),
        (vec!["bulk", "jobs-per-client"], within(bulk.jobs_per_client.into(), 1, 1000), "expected 1 to 1000"),
        (vec!["bulk", "workers"], within(bulk.workers.into(), 1, 64), "expected 1 to 64"),
        (vec!["bulk", "keep"], times(*bulk.keep, second, 366 * 86_400 * second), "expected 1s to 366d"),
        (vec!["bulk", "page"], within(bulk.page.into(), 1, 10_000), "expected 1 to 10000"),
        (vec!["bulk", "patience"], *bulk.patience <= 86_400 * second, "expected at most 1d"),
        (vec!["terminology", "time"], times(*codes.time, second / 100, 30 * second), "expected 10ms to 30s"),
        (vec!["terminology", "answers"], codes.answers > 0, "expected at least 1"),
        (vec!["terminology", "questions"], within(codes.questions.into(), 1, 1000), "expected 1 to 1000"),
        (vec!["terminology", "failures"], codes.failures > 0, "expected at least 1"),
        (vec!["terminology", "pause"], times(*codes.pause, second / 10, 3600 * second), "expected 100ms to 1h"),
        (
            vec!["telemetry", "sample-ratio"],
            (0.0..=1.0).contains(&config.telemetry.sample_ratio),
            "expected 0.0 to 1.0",
        ),
    ]
}

fn rates(meaning: &mut Meaning<'_>) {
    let rates = &meaning.config.rate_limits;
    let all =
        [("client", rates.client), ("address", rates.address), ("token", rates.token), ("failures", rates.failures)];
    for (name, value) in all {
        rate(meaning, &["rate-limits", name], value);
    }
    if rates.tracked == 0 {
        meaning.fault(&["rate-limits", "tracked"], "`tracked` is out of range", "expected at least 1");
    }
}

/// A rate of nothing would refuse everyone, for ever.
pub(super) fn rate(meaning: &mut Meaning<'_>, path: &[&str], rate: Rate) {
    for (name, value) in [("per-second", rate.per_second), ("burst", rate.burst)] {
        if value == 0 {
            let path: Vec<&str> = path.iter().copied().chain([name]).collect();
            meaning.fault(&path, format!("`{name}` is out of range"), "expected at least 1");
        }
    }
}

fn adapters(meaning: &mut Meaning<'_>) {
    for (name, adapter) in &meaning.config.adapters {
        let (retry, breaker) = (&adapter.retry, &adapter.breaker);
        let prefix = adapter.prefix(name);
        let letters = prefix.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let bounds: [(&[&str], bool, &str); 9] = [
            (&["prefix"], letters && (1..=12).contains(&prefix.len()), "expected 1 to 12 of `a-z` and `0-9`"),
            (&["concurrency"], adapter.concurrency > 0, "expected at least 1"),
            (&["deadline"], !adapter.deadline.is_zero(), "expected more than 0s"),
            (&["retry", "attempts"], (1..=10).contains(&retry.attempts), "expected 1 to 10"),
            (&["retry", "budget"], retry.budget <= 100, "expected 0 to 100 percent"),
            (&["retry", "backoff"], retry.backoff <= retry.backoff_limit, "expected at most `backoff-limit`"),
            (&["breaker", "failures"], (1..=100).contains(&breaker.failures), "expected 1 to 100 percent"),
            (&["breaker", "window"], !breaker.window.is_zero(), "expected more than 0s"),
            (&["breaker", "probes"], breaker.probes > 0, "expected at least 1"),
        ];
        for (setting, fits, expected) in bounds {
            if !fits {
                let path: Vec<&str> = ["adapters", name].into_iter().chain(setting.iter().copied()).collect();
                meaning.fault(&path, format!("`{}` is out of range", setting.join(".")), expected);
            }
        }
    }
}
