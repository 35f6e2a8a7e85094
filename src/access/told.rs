//! People and tokens as programs read them: everything but secrets and hashes.

use replay::time::Instant;
use serde::Serialize;

use crate::store::access::{PersonRow, TokenRow};

/// A person who may log in, or might.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Person {
    /// The actor in the ledger.
    pub actor: String,
    /// `active`, `invited` (no password yet) or `disabled`.
    pub state: &'static str,
    /// When the person was first let in.
    pub since: String,
}

/// A token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Token {
    /// Its public name.
    pub id: String,
    /// The actor in the ledger.
    pub actor: String,
    /// The system its events come from.
    pub source: String,
    /// What it may be used for.
    pub scopes: Vec<String>,
    /// `active`, `expired` or `revoked`.
    pub state: &'static str,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: String,
    /// Until when it holds.
    pub expires_at: String,
}

pub(crate) fn time(micros: i64) -> String {
    Instant::from_micros(micros).map(|at| at.to_string()).unwrap_or_default()
}

/// A row of a person.
pub fn person(row: &PersonRow) -> Person {
    let state = match (&row.disabled_at, &row.password) {
        (Some(_), _) => "disabled",
        (None, Some(_)) => "active",
        (None, None) => "invited",
    };
    Person { actor: row.actor.clone(), state, since: time(row.created_at) }
}

/// A row of a token, as it is at a moment.
pub fn token(row: &TokenRow, now: Instant) -> Token {
    let state = match row.revoked_at {
        Some(_) => "revoked",
        None if row.expires_at <= now.micros() => "expired",
        None => "active",
    };
    Token {
        id: row.id.clone(),
        actor: row.actor.clone(),
        source: row.source.clone(),
        scopes: row.scopes.split(' ').map(String::from).collect(),
        state,
        created_by: row.created_by.clone(),
        created_at: time(row.created_at),
        expires_at: time(row.expires_at),
    }
}
