//! Tokens of programs: `clm_ID_SECRET`, kept as a hash, scoped, with an end, and taken back at any time.

use replay::{
    ids::{ActorId, SourceId},
    time::Instant,
};
use serde::Serialize;
use std::{fmt, str::FromStr};
use subtle::ConstantTimeEq;

use super::{Access, DAY, Secret, actor_of, encoded, fresh, hash, plus};
use crate::{
    door::Door,
    error::{Error, ErrorKind, Result},
    store::access::TokenRow,
};

/// Longest life of a token, in days.
pub const TOKEN_DAYS_MAX: u32 = 366;
/// What every token begins with, so that scanners for leaked secrets know it.
const PREFIX: &str = "clm_";

/// What a token may be used for; the roles of its actor in the ledger are asked beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Views and the feed.
    Read,
    /// Personal values in clear.
    Personal,
    /// Recording events.
    Append,
    /// People and tokens.
    Access,
    /// Figures of the service.
    Metrics,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Scope; 5] = [Scope::Read, Scope::Personal, Scope::Append, Scope::Access, Scope::Metrics];
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Personal => "personal",
            Scope::Append => "append",
            Scope::Access => "access",
            Scope::Metrics => "metrics",
        }
    }
}

impl FromStr for Scope {
    type Err = String;
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let names = || Scope::ALL.map(Scope::as_str).join(", ");
        let found = Scope::ALL.into_iter().find(|scope| scope.as_str() == text);
        found.ok_or_else(|| format!("'{text}' is no scope; there are {}", names()))
    }
}

/// Several scopes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// All of them: what a person has.
    pub fn all() -> Self {
        Self(Scope::ALL.to_vec())
    }
    /// From a list, each once.
    pub fn of(mut scopes: Vec<Scope>) -> Self {
        scopes.sort_unstable();
        scopes.dedup();
        Self(scopes)
    }
    /// Whether this one is among them.
    pub fn has(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" "))
    }
}

/// A program whose token holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The actor in the ledger.
    pub actor: ActorId,
    /// The system its events come from.
    pub source: SourceId,
    /// What it may be used for.
    pub scopes: Scopes,
    /// The public name of the token.
    pub token: String,
}

/// What a new token is to be.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The actor in the ledger.
    pub actor: ActorId,
    /// The system its events come from.
    pub source: SourceId,
    /// What it may be used for.
    pub scopes: Scopes,
    /// Days until it ends.
    pub days: u32,
}

impl Access {
    /// Makes a token: its public name, and the secret that is shown this once.
    ///
    /// # Errors
    /// An actor who is a person, a life that is too long, no scope; storage errors.
    pub fn issue(&self, door: &mut Door, asked: &Asked, by: &str) -> Result<(String, Secret)> {
        let wrong = |code: &str, text: String| Err(Error::new(ErrorKind::Usage, code, text));
        if asked.days == 0 || asked.days > TOKEN_DAYS_MAX {
            return wrong("bad_life", format!("a token lives 1 to {TOKEN_DAYS_MAX} days"));
        }
        if asked.scopes == Scopes::default() {
            return wrong("no_scope", "a token without a scope is good for nothing".into());
        }
        let now = door.now();
        let id = encoded(door.secret()?.get(..9).unwrap_or_default()).replace(['-', '_'], "x");
        let secret = fresh(door)?;
        let store = self.store();
        if store.person(asked.actor.as_str())?.is_some() {
            let text = format!("{} is a person: people log in, and what they do is theirs", asked.actor);
            return Err(Error::new(ErrorKind::Conflict, "actor_is_a_person", text)
                .hint("a program needs an id of its own, with roles of its own"));
        }
        store.put_token(&TokenRow {
            id: id.clone(),
            hash: hash(secret.reveal()).to_vec(),
            actor: asked.actor.to_string(),
            source: asked.source.to_string(),
            scopes: asked.scopes.to_string(),
            created_by: by.into(),
            created_at: now.micros(),
            expires_at: plus(now, i64::from(asked.days) * DAY),
            revoked_at: None,
        })?;
        store.did(now.micros(), by, "token_issued", &format!("{id} for {}", asked.actor))?;
        Ok((id.clone(), Secret(format!("{PREFIX}{id}_{}", secret.reveal()))))
    }

    /// The program behind a token, if it holds.
    ///
    /// # Errors
    /// Storage errors.
    pub fn program(&self, token: &str, now: Instant) -> Result<Option<Program>> {
        let Some((id, secret)) = token.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')) else {
            return Ok(None);
        };
        let Some(row) = self.store().token(id)? else { return Ok(None) };
        let right: bool = row.hash.as_slice().ct_eq(&hash(secret)).into();
        if !right || row.revoked_at.is_some() || row.expires_at <= now.micros() {
            return Ok(None);
        }
        let source = SourceId::new(&row.source).map_err(|why| {
            Error::new(ErrorKind::Internal, "bad_source", format!("the access store: {why}"))
        })?;
        // A scope that a later program knew gives nothing here.
        let scopes = row.scopes.split(' ').filter_map(|word| word.parse().ok()).collect();
        Ok(Some(Program { actor: actor_of(&row.actor)?, source, scopes: Scopes::of(scopes), token: row.id }))
    }

    /// Every token, without its secret.
    ///
    /// # Errors
    /// Storage errors.
    pub fn tokens(&self) -> Result<Vec<TokenRow>> {
        self.store().tokens()
    }

    /// Takes a token back, from this moment on.
    ///
    /// # Errors
    /// No such token that holds, storage errors.
    pub fn revoke(&self, id: &str, by: &str, now: Instant) -> Result<()> {
        let store = self.store();
        if !store.revoke_token(id, now.micros())? {
            return Err(Error::not_found(format!("there is no token {id} that holds"))
                .hint("claims access token list shows them"));
        }
        store.did(now.micros(), by, "token_revoked", id)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn a_token_holds_until_its_end_or_until_it_is_taken_back() {
        let dir = tempfile::tempdir().unwrap();
        let start = Instant::from_micros(1_700_000_000_000_000).unwrap();
        let mut door = Door::fixed("t", start);
        let access = Access::beside(&dir.path().join("shop.db")).unwrap();
        let asked = Asked {
            actor: ActorId::new("shop").unwrap(),
            source: SourceId::new("shop").unwrap(),
            scopes: Scopes::of(vec![Scope::Append, Scope::Read, Scope::Read]),
            days: 1,
        };
        let (id, token) = access.issue(&mut door, &asked, "anna").unwrap();
        let program = access.program(token.reveal(), start).unwrap().unwrap();
        assert_eq!((program.actor.as_str(), program.scopes.to_string()), ("shop", "read append".into()));
        let day = Instant::from_micros(plus(start, DAY)).unwrap();
        assert_eq!(access.program(token.reveal(), day).unwrap(), None, "its day is over");
        let mut wrong = token.reveal().to_string();
        wrong.pop();
        for bad in [wrong.as_str(), "", "clm_", "clm_x_y", &format!("clm_{id}_")] {
            assert_eq!(access.program(bad, start).unwrap(), None, "{bad}");
        }
        access.revoke(&id, "anna", start).unwrap();
        assert_eq!(access.program(token.reveal(), start).unwrap(), None);
        assert_eq!(access.revoke(&id, "anna", start).unwrap_err().kind, ErrorKind::NotFound);
    }

    #[test]
    fn nobody_is_person_and_program() {
        let dir = tempfile::tempdir().unwrap();
        let mut door = Door::System;
        let access = Access::beside(&dir.path().join("shop.db")).unwrap();
        let (anna, shop) = (ActorId::new("anna").unwrap(), ActorId::new("shop").unwrap());
        let source = SourceId::new("shop").unwrap();
        access.invite(&mut door, &anna, "test").unwrap();
        let scopes = Scopes::of(vec![Scope::Read]);
        let of = |actor: &ActorId| Asked {
            actor: actor.clone(),
            source: source.clone(),
            scopes: scopes.clone(),
            days: 1,
        };
        assert_eq!(access.issue(&mut door, &of(&anna), "t").unwrap_err().code, "actor_is_a_person");
        access.issue(&mut door, &of(&shop), "t").unwrap();
        assert_eq!(access.invite(&mut door, &shop, "t").unwrap_err().code, "actor_is_a_program");
    }
}
