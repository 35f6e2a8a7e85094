//! How many requests somebody may make: a bucket per principal, or per address for those who are nobody yet.

use replay::time::Instant;
use std::{collections::HashMap, sync::Mutex};

use super::limits::{RATE_BURST, RATE_NAMES_MAX};
use crate::error::{Error, ErrorKind, Result};

/// Buckets that fill by time and are emptied by requests, in thousandths of a request.
#[derive(Debug)]
pub struct Rates {
    per_second: u32,
    buckets: Mutex<HashMap<String, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: u64,
    at: i64,
}

const FULL: u64 = RATE_BURST as u64 * 1_000;

impl Rates {
    /// So many requests a second come back; 0 = no limit.
    pub fn new(per_second: u32) -> Self {
        Self { per_second, buckets: Mutex::new(HashMap::new()) }
    }
    /// Takes one request out of a bucket.
    ///
    /// # Errors
    /// The bucket is empty.
    pub fn take(&self, name: &str, now: Instant) -> Result<()> {
        if self.per_second == 0 {
            return Ok(());
        }
        let now = now.micros();
        let mut buckets = self.buckets.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if buckets.len() >= RATE_NAMES_MAX && !buckets.contains_key(name) {
            // Those that are full again say nothing that a new bucket would not say.
            let per_second = self.per_second;
            buckets.retain(|_, bucket| bucket.filled(per_second, now).left < FULL);
            if buckets.len() >= RATE_NAMES_MAX {
                buckets.clear();
            }
        }
        let bucket = buckets.entry(name.into()).or_insert(Bucket { left: FULL, at: now });
        *bucket = bucket.filled(self.per_second, now);
        match bucket.left.checked_sub(1_000) {
            Some(left) => {
                bucket.left = left;
                Ok(())
            }
            None => {
                let text = format!("more than {} requests a second", self.per_second);
                Err(Error::new(ErrorKind::Overloaded, "too_many_requests", text)
                    .hint("slow down, or send many commands in one POST /v1/events/bulk"))
            }
        }
    }
}

impl Bucket {
    fn filled(self, per_second: u32, now: i64) -> Self {
        let passed = u64::try_from(now.saturating_sub(self.at)).unwrap_or(0);
        let back = passed.saturating_mul(u64::from(per_second)) / 1_000;
        let left = self.left.saturating_add(back).min(FULL);
        if left == FULL {
            return Self { left, at: now };
        }
        // The time for which nothing came back yet counts the next time.
        let used = back.saturating_mul(1_000).checked_div(u64::from(per_second)).unwrap_or(0);
        Self { left, at: self.at.saturating_add(i64::try_from(used).unwrap_or(i64::MAX)) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills() {
        let at = |micros: i64| Instant::from_micros(1_700_000_000_000_000 + micros).unwrap();
        let rates = Rates::new(10);
        for _ in 0..RATE_BURST {
            rates.take("anna", at(0)).unwrap();
        }
        let why = rates.take("anna", at(99_999)).unwrap_err();
        assert_eq!((why.code.as_str(), why.http_status()), ("too_many_requests", 429));
        rates.take("ben", at(0)).unwrap();
        rates.take("anna", at(100_000)).unwrap();
        assert!(rates.take("anna", at(100_000)).is_err());
        let free = Rates::new(0);
        (0..=RATE_BURST).for_each(|_| free.take("anna", at(0)).unwrap());
    }
}
