//! The one door through which time, ids and salts come in. Nothing else in the program asks a clock or a
//! source of chance, so a run with a [`Door::fixed`] door gives the same bytes every time.

use replay::{
    commitment::SALT_BYTES,
    ids::EventId,
    merkle::sha256,
    multiset::MultisetKey,
    time::{Instant, MICROS_MAX, When},
};
use std::time::{SystemTime, UNIX_EPOCH};
use uuid::Builder;

use crate::error::{Error, ErrorKind, Result};

/// A key under which two collections are compared once. It comes from the operating system, whatever the door: nothing
/// that is written depends on it, and nobody may know it before.
///
/// # Errors
/// When the operating system gives no randomness.
pub fn comparison_key() -> Result<MultisetKey> {
    let mut key = MultisetKey([0; 16]);
    Door::System.fill(&mut key.0)?;
    Ok(key)
}

/// Where time, ids and salts come from.
#[derive(Debug)]
pub enum Door {
    /// The machine's clock and the operating system's randomness.
    System,
    /// A seed and a clock that is set from outside: for demonstrations and tests.
    Fixed {
        /// What ids and salts are derived from.
        seed: String,
        /// How many were given out.
        count: u64,
        /// The time it is.
        now: Instant,
    },
}

impl Door {
    /// A door that gives the same answers in every run.
    pub fn fixed(seed: &str, now: Instant) -> Self {
        Door::Fixed { seed: seed.into(), count: 0, now }
    }
    /// Sets a fixed clock; the system's clock sets itself.
    pub fn set_now(&mut self, at: Instant) {
        if let Door::Fixed { now, .. } = self {
            *now = at;
        }
    }
    /// The time it is.
    pub fn now(&self) -> Instant {
        match self {
            Door::Fixed { now, .. } => *now,
            Door::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                let micros = i64::try_from(since.as_micros()).unwrap_or(MICROS_MAX).min(MICROS_MAX);
                Instant::from_micros(micros).unwrap_or(Instant::EPOCH)
            }
        }
    }
    /// A fresh event id: UUID version 7, so that ids sort by the time they were made.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn event_id(&mut self, at: Instant) -> Result<EventId> {
        let mut random = [0u8; 10];
        self.fill(&mut random)?;
        let micros = u64::try_from(at.micros()).unwrap_or_default();
        Ok(EventId(Builder::from_unix_timestamp_millis(micros / 1_000, &random).into_uuid()))
    }
    /// A fresh salt for a commitment.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn salt(&mut self) -> Result<[u8; SALT_BYTES]> {
        let mut salt = [0u8; SALT_BYTES];
        self.fill(&mut salt)?;
        Ok(salt)
    }
    /// A fresh seed for a signing key.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn seed(&mut self) -> Result<[u8; 32]> {
        let mut seed = [0u8; 32];
        self.fill(&mut seed)?;
        Ok(seed)
    }
    /// A fresh secret that nobody can guess: passes, cookies, tokens.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn secret(&mut self) -> Result<[u8; 32]> {
        self.seed()
    }
    fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
        match self {
            Door::System => getrandom::fill(bytes).map_err(|why| {
                Error::new(
                    ErrorKind::Internal,
                    "no_randomness",
                    format!("the system gives no randomness: {why}"),
                )
            }),
            Door::Fixed { seed, count, .. } => {
                *count += 1;
                let hash = sha256(format!("{seed}/{count}").as_bytes());
                for (to, from) in bytes.iter_mut().zip(hash.0) {
                    *to = from;
                }
                Ok(())
            }
        }
    }
    /// The time it is, with the UTC offset of this machine's zone.
    pub fn now_here(&self) -> When {
        let at = self.now();
        let offset_minutes = match self {
            Door::Fixed { .. } => 0,
            Door::System => {
                let seconds = chrono::Local::now().offset().local_minus_utc();
                i16::try_from(seconds / 60).unwrap_or_default()
            }
        };
        When::new(at, offset_minutes).unwrap_or(When { at, offset_minutes: 0 })
    }
}
