//! What the service counts, in the text format of Prometheus. No name of a claim, an order or a person is in it.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::ledger::{Outcome, Receipt};

/// The media type.
pub const MEDIA: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Upper bounds of the times that are counted, in microseconds.
const BOUNDS_US: [u64; 12] =
    [500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000, 30_000_000];

/// Counts since the start.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Per route and status.
    requests: Mutex<BTreeMap<(&'static str, u16), u64>>,
    /// Per route.
    times: Mutex<BTreeMap<&'static str, Times>>,
    /// Events that were recorded.
    recorded: AtomicU64,
    /// Commands whose key was there already.
    repeated: AtomicU64,
    /// Connections that are open.
    pub connections: AtomicU64,
    /// Feeds that are open.
    pub feeds: AtomicU64,
    /// Feeds that were ended because their reader was too slow.
    pub feeds_dropped: AtomicU64,
}

#[derive(Debug, Default, Clone, Copy)]
struct Times {
    buckets: [u64; BOUNDS_US.len()],
    count: u64,
    sum_us: u64,
}

impl Metrics {
    /// Counts an answer.
    pub fn answered(&self, route: &'static str, status: u16, took_us: u64) {
        let mut requests = self.requests.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *requests.entry((route, status)).or_default() += 1;
        drop(requests);
        let mut times = self.times.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let times = times.entry(route).or_default();
        times.count += 1;
        times.sum_us = times.sum_us.saturating_add(took_us);
        for (bucket, bound) in times.buckets.iter_mut().zip(BOUNDS_US) {
            *bucket += u64::from(took_us <= bound);
        }
    }
    /// Counts receipts.
    pub fn appended(&self, receipts: &[Receipt]) {
        for receipt in receipts {
            let count = match receipt.outcome {
                Outcome::Recorded => &self.recorded,
                Outcome::AlreadyRecorded => &self.repeated,
            };
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
    /// Everything as text, with the position that the log has reached.
    pub fn text(&self, position: u64) -> String {
        let mut text = String::new();
        let mut one = |name: &str, kind: &str, help: &str, value: u64| {
            let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
        };
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        one("claims_log_position", "gauge", "Position of the last event.", position);
        one(
            "claims_events_recorded_total",
            "counter",
            "Events recorded through the service.",
            load(&self.recorded),
        );
        one(
            "claims_events_repeated_total",
            "counter",
            "Commands that were there already.",
            load(&self.repeated),
        );
        one("claims_connections", "gauge", "Open connections.", load(&self.connections));
        one("claims_feeds", "gauge", "Open feeds.", load(&self.feeds));
        one(
            "claims_feeds_dropped_total",
            "counter",
            "Feeds ended for being slow.",
            load(&self.feeds_dropped),
        );
        let requests = self.requests.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        text.push_str("# HELP claims_requests_total Answers by route and status.\n# TYPE claims_requests_total counter\n");
        for ((route, status), count) in &requests {
            let _ = writeln!(text, "claims_requests_total{{route=\"{route}\",status=\"{status}\"}} {count}");
        }
        let times = self.times.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let name = "claims_request_seconds";
        let _ = write!(text, "# HELP {name} Time to answer.\n# TYPE {name} histogram\n");
        for (route, times) in &times {
            for (bucket, bound) in times.buckets.iter().zip(BOUNDS_US) {
                let _ =
                    writeln!(text, "{name}_bucket{{route=\"{route}\",le=\"{}\"}} {bucket}", seconds(bound));
            }
            let _ = writeln!(text, "{name}_bucket{{route=\"{route}\",le=\"+Inf\"}} {}", times.count);
            let _ = writeln!(text, "{name}_sum{{route=\"{route}\"}} {}", seconds(times.sum_us));
            let _ = writeln!(text, "{name}_count{{route=\"{route}\"}} {}", times.count);
        }
        text
    }
}

/// Microseconds as a decimal number of seconds.
fn seconds(us: u64) -> String {
    format!("{}.{:06}", us / 1_000_000, us % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative() {
        let metrics = Metrics::default();
        metrics.answered("claim", 200, 400);
        metrics.answered("claim", 200, 2_000_000);
        metrics.answered("claim", 404, 40_000_000);
        let text = metrics.text(7);
        for line in [
            "claims_log_position 7",
            "claims_requests_total{route=\"claim\",status=\"200\"} 2",
            "claims_request_seconds_bucket{route=\"claim\",le=\"0.000500\"} 1",
            "claims_request_seconds_bucket{route=\"claim\",le=\"5.000000\"} 2",
            "claims_request_seconds_bucket{route=\"claim\",le=\"+Inf\"} 3",
            "claims_request_seconds_sum{route=\"claim\"} 42.000400",
        ] {
            assert!(text.lines().any(|have| have == line), "{line}\n{text}");
        }
    }
}
