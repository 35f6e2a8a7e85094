//! Who may ask the service: people with passwords and sessions, programs with tokens. What they may do there is not
//! decided here: roles are events of the ledger. A secret leaves this module once, to whom it is for; kept are hashes.

pub mod password;
pub mod token;
pub mod told;

use replay::{
    ids::ActorId,
    merkle::sha256,
    time::{Instant, MICROS_MAX},
};
use std::{
    path::Path,
    sync::{Mutex, MutexGuard},
};

use crate::{
    door::Door,
    error::{Error, ErrorKind, Result},
    store::access::{AccessStore, AttemptRow, PersonRow, beside},
};
pub use password::{PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN};
pub use token::{Scope, Scopes, TOKEN_DAYS_MAX};

/// How long the link for the first admin holds, in minutes.
pub const SETUP_MINUTES: i64 = 60;
/// How long an invitation to choose a password holds, in hours.
pub const INVITE_HOURS: i64 = 72;
/// A session that was not used for so long ends, in minutes.
pub const SESSION_IDLE_MINUTES: i64 = 60;
/// A session ends after so long, used or not, in hours.
pub const SESSION_HOURS_MAX: i64 = 12;
/// Failed logins under one name before it is locked.
pub const FAILED_LOGINS_FREE: u32 = 5;
/// The first lock, in seconds; each further failure doubles it.
pub const LOCK_SECONDS_FIRST: i64 = 2;
/// The longest lock, in seconds.
pub const LOCK_SECONDS_MAX: i64 = 15 * 60;
/// Names under which failed logins are counted. Past it every new name is refused until old ones are forgotten.
pub const ATTEMPT_NAMES_MAX: u64 = 100_000;
/// A session in use is written down again after so long, in seconds.
const SESSION_TOUCH_SECONDS: i64 = 60;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// A secret in the form in which it is handed out once. It prints as nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The secret itself, for the one it is for.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(...)")
    }
}

/// People and programs of one ledger.
#[derive(Debug)]
pub struct Access {
    store: Mutex<AccessStore>,
}

/// A session that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Whose.
    pub actor: ActorId,
    /// What a form must carry along.
    pub csrf: String,
}

impl Access {
    /// Opens the access store beside a ledger, and makes it when it is not there.
    ///
    /// # Errors
    /// A file that is something else, storage errors.
    pub fn beside(ledger: &Path) -> Result<Self> {
        Ok(Self { store: Mutex::new(AccessStore::open(&beside(ledger))?) })
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, AccessStore> {
        // A panic in between leaves rows as SQLite has them, which are whole.
        self.store.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// A one-time link to set up the first admin, if nobody can log in yet.
    ///
    /// # Errors
    /// Storage errors, no randomness.
    pub fn setup(&self, door: &mut Door) -> Result<Option<Secret>> {
        if self.store().somebody_can_log_in()? {
            return Ok(None);
        }
        self.link(door, None, SETUP_MINUTES * MINUTE).map(Some)
    }

    /// Makes a person known and gives a one-time link with which that person chooses a password. Whoever had one
    /// keeps it until then.
    ///
    /// # Errors
    /// A name that a program has, storage errors.
    pub fn invite(&self, door: &mut Door, actor: &ActorId, by: &str) -> Result<Secret> {
        let now = door.now().micros();
        {
            let store = self.store();
            if store.tokens()?.iter().any(|token| token.actor == actor.as_str()) {
                let text = format!("{actor} is a program: it has tokens and logs in nowhere");
                return Err(Error::new(ErrorKind::Conflict, "actor_is_a_program", text)
                    .hint("a person needs an id of its own"));
            }
            store.put_person(actor.as_str(), now)?;
            store.did(now, by, "person_invited", actor.as_str())?;
        }
        self.link(door, Some(actor), INVITE_HOURS * HOUR)
    }

    fn link(&self, door: &mut Door, actor: Option<&ActorId>, micros: i64) -> Result<Secret> {
        let secret = fresh(door)?;
        let until = plus(door.now(), micros);
        self.store().put_invite(&hash(secret.reveal()), actor.map(ActorId::as_str), until)?;
        Ok(secret)
    }

    /// For whom a one-time link is; `None` inside = it sets up the first admin.
    ///
    /// # Errors
    /// A link that is unknown, used or too old; storage errors.
    pub fn invited(&self, secret: &str, now: Instant) -> Result<Option<ActorId>> {
        let found = self.store().invite(&hash(secret))?;
        let Some((actor, _)) = found.filter(|(_, until)| now.micros() < *until) else {
            let text = "this link was used already, or is too old";
            return Err(Error::new(ErrorKind::Forbidden, "link_is_spent", text).hint(
                "claims access person invite ID makes another; claims serve prints one as long as nobody can log in",
            ));
        };
        actor.map(|actor| actor_of(&actor)).transpose()
    }

    /// Uses a link up and sets the password of whom it is for.
    ///
    /// # Errors
    /// A link that does not hold, a password that is too short, storage errors.
    pub fn choose(&self, secret: &str, actor: &ActorId, password: &str, now: Instant) -> Result<()> {
        password::acceptable(password)?;
        if let Some(named) = self.invited(secret, now)?
            && named != *actor
        {
            let text = "this link is for somebody else";
            return Err(Error::new(ErrorKind::Forbidden, "link_is_for_another", text));
        }
        let phc = password::hashed(password)?;
        let store = self.store();
        if !store.take_invite(&hash(secret))? {
            return Err(Error::new(ErrorKind::Forbidden, "link_is_spent", "this link was used already"));
        }
        store.put_person(actor.as_str(), now.micros())?;
        store.set_password(actor.as_str(), &phc)?;
        // Whoever had a session with the old password has none with the new one.
        store.end_sessions_of(actor.as_str())?;
        store.clear_attempt(actor.as_str())?;
        store.did(now.micros(), actor.as_str(), "password_chosen", actor.as_str())
    }

    /// Logs a person in: the secret of a new session.
    ///
    /// # Errors
    /// One answer for a wrong name and a wrong password; a name that is locked after failures, with the seconds to wait.
    pub fn log_in(&self, door: &mut Door, name: &str, password: &str) -> Result<Secret> {
        let now = door.now().micros();
        let (attempt, person) = {
            let store = self.store();
            let attempt = store.attempt(name)?;
            if attempt.failed == 0 && store.attempts()? >= ATTEMPT_NAMES_MAX {
                return Err(locked(LOCK_SECONDS_MAX));
            }
            (attempt, store.person(name)?)
        };
        if attempt.locked_until > now {
            return Err(locked((attempt.locked_until - now + SECOND - 1) / SECOND));
        }
        // The hash is worked out outside the lock, and for nobody as well: the time tells nothing.
        let known = person.filter(|person| person.disabled_at.is_none()).and_then(|person| person.password);
        let right = password::is_right(password, known.as_deref());
        let store = self.store();
        if !right {
            // Asked again: others may have failed under this name while this one was being worked out.
            let failed = store.attempt(name)?.failed.saturating_add(1);
            let locked_until = now.saturating_add(lock_seconds(failed) * SECOND);
            store.put_attempt(name, AttemptRow { failed, last_at: now, locked_until })?;
            if failed >= FAILED_LOGINS_FREE {
                store.did(now, name, "login_locked", name)?;
            }
            return Err(Error::new(
                ErrorKind::Unauthenticated,
                "wrong_name_or_password",
                "name or password is wrong",
            )
            .hint("after several failures a name is locked for a while"));
        }
        store.clear_attempt(name)?;
        let (idle, oldest) = (now - SESSION_IDLE_MINUTES * MINUTE, now - SESSION_HOURS_MAX * HOUR);
        store.forget_old(idle, oldest, now)?;
        let secret = fresh(door)?;
        store.put_session(&hash(secret.reveal()), name, now)?;
        Ok(secret)
    }

    /// The session of a cookie, if it holds.
    ///
    /// # Errors
    /// Storage errors.
    pub fn session(&self, secret: &str, now: Instant) -> Result<Option<Session>> {
        let now = now.micros();
        let key = hash(secret);
        let store = self.store();
        let Some(row) = store.session(&key)? else { return Ok(None) };
        let idle = now.saturating_sub(row.seen_at) > SESSION_IDLE_MINUTES * MINUTE;
        let over = now.saturating_sub(row.created_at) > SESSION_HOURS_MAX * HOUR;
        let gone = store.person(&row.actor)?.is_none_or(|person| person.disabled_at.is_some());
        if idle || over || gone {
            store.end_session(&key)?;
            return Ok(None);
        }
        if now.saturating_sub(row.seen_at) > SESSION_TOUCH_SECONDS * SECOND {
            store.touch_session(&key, now)?;
        }
        Ok(Some(Session { actor: actor_of(&row.actor)?, csrf: csrf_of(secret) }))
    }

    /// Ends the session of a cookie.
    ///
    /// # Errors
    /// Storage errors.
    pub fn log_out(&self, secret: &str) -> Result<()> {
        self.store().end_session(&hash(secret))
    }

    /// Everybody who may log in.
    ///
    /// # Errors
    /// Storage errors.
    pub fn people(&self) -> Result<Vec<PersonRow>> {
        self.store().people()
    }

    /// Lets a person in no longer, from this moment on.
    ///
    /// # Errors
    /// Nobody of that name, storage errors.
    pub fn disable(&self, actor: &ActorId, by: &str, now: Instant) -> Result<()> {
        let store = self.store();
        if !store.disable_person(actor.as_str(), now.micros())? {
            return Err(Error::not_found(format!("nobody called {actor} may log in"))
                .hint("claims access person list shows who may"));
        }
        store.end_sessions_of(actor.as_str())?;
        store.did(now.micros(), by, "person_disabled", actor.as_str())
    }
}

/// What a form of a session must carry along. It follows from the cookie, so that nothing more is kept, and from it
/// nobody comes back to the cookie.
fn csrf_of(secret: &str) -> String {
    encoded(&sha256(format!("csrf/{secret}").as_bytes()).0)
}

/// Whether two secrets are the same, in a time that does not tell where they part.
pub fn is_same(a: &str, b: &str) -> bool {
    use subtle::ConstantTimeEq;
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

pub(crate) fn hash(secret: &str) -> [u8; 32] {
    sha256(secret.as_bytes()).0
}

pub(crate) fn fresh(door: &mut Door) -> Result<Secret> {
    Ok(Secret(encoded(&door.secret()?)))
}

pub(crate) fn encoded(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

fn actor_of(actor: &str) -> Result<ActorId> {
    ActorId::new(actor).map_err(|why| {
        Error::new(ErrorKind::Internal, "bad_actor", format!("the access store names {actor:?}: {why}"))
    })
}

pub(crate) fn plus(at: Instant, micros: i64) -> i64 {
    at.micros().saturating_add(micros).min(MICROS_MAX)
}

fn locked(seconds: i64) -> Error {
    Error::new(ErrorKind::Overloaded, "login_is_locked", "too many failed logins under this name")
        .hint(format!("try again in {seconds} seconds"))
}

/// Seconds for which a name is locked after so many failures.
fn lock_seconds(failed: u32) -> i64 {
    match failed.checked_sub(FAILED_LOGINS_FREE) {
        None => 0,
        Some(over) => LOCK_SECONDS_FIRST.saturating_mul(1i64 << over.min(20)).min(LOCK_SECONDS_MAX),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    fn at(seconds: i64) -> Instant {
        Instant::from_micros(1_700_000_000_000_000 + seconds * SECOND).unwrap()
    }

    fn access(dir: &Path) -> Access {
        Access::beside(&dir.join("shop.db")).unwrap()
    }

    fn with_anna(dir: &Path, door: &mut Door) -> (Access, ActorId) {
        let (access, anna) = (access(dir), ActorId::new("anna").unwrap());
        let link = access.invite(door, &anna, "test").unwrap();
        access.choose(link.reveal(), &anna, "correct horse battery", door.now()).unwrap();
        (access, anna)
    }

    #[test]
    fn the_lock_grows_to_its_limit() {
        let locks: Vec<i64> = (0..40).map(lock_seconds).collect();
        assert_eq!(locks[..9], [0, 0, 0, 0, 0, 2, 4, 8, 16]);
        assert!(locks.is_sorted());
        assert_eq!(locks.last(), Some(&LOCK_SECONDS_MAX));
    }

    #[test]
    fn a_session_ends_idle_over_and_with_its_person() {
        let dir = tempfile::tempdir().unwrap();
        let mut door = Door::fixed("a", at(0));
        let (access, anna) = with_anna(dir.path(), &mut door);
        let idle = access.log_in(&mut door, "anna", "correct horse battery").unwrap();
        assert!(access.session(idle.reveal(), at(SESSION_IDLE_MINUTES * 60)).unwrap().is_some());
        // Seen again a moment ago, so the idle time counts from there.
        assert!(access.session(idle.reveal(), at(2 * SESSION_IDLE_MINUTES * 60)).unwrap().is_some());
        assert!(access.session(idle.reveal(), at(3 * SESSION_IDLE_MINUTES * 60 + 1)).unwrap().is_none());
        assert!(access.session(idle.reveal(), at(0)).unwrap().is_none(), "ended for good");

        let used = access.log_in(&mut door, "anna", "correct horse battery").unwrap();
        let over = SESSION_HOURS_MAX * 3_600;
        for second in (0..=over).step_by(600) {
            assert!(access.session(used.reveal(), at(second)).unwrap().is_some(), "{second}");
        }
        assert!(access.session(used.reveal(), at(over + 1)).unwrap().is_none());

        let third = access.log_in(&mut door, "anna", "correct horse battery").unwrap();
        access.disable(&anna, "test", at(1)).unwrap();
        assert!(access.session(third.reveal(), at(1)).unwrap().is_none());
        assert_eq!(
            access.log_in(&mut door, "anna", "correct horse battery").unwrap_err().code,
            "wrong_name_or_password"
        );
    }

    #[test]
    fn a_name_is_locked_whether_or_not_it_is_somebody() {
        let dir = tempfile::tempdir().unwrap();
        let mut door = Door::fixed("a", at(0));
        let (access, _) = with_anna(dir.path(), &mut door);
        for name in ["anna", "nobody"] {
            for _ in 0..FAILED_LOGINS_FREE {
                let why = access.log_in(&mut door, name, "wrong").unwrap_err();
                assert_eq!(why.code, "wrong_name_or_password");
            }
            let why = access.log_in(&mut door, name, "correct horse battery").unwrap_err();
            assert_eq!((why.code.as_str(), why.http_status()), ("login_is_locked", 429));
        }
        door.set_now(at(LOCK_SECONDS_FIRST));
        assert!(access.log_in(&mut door, "anna", "correct horse battery").is_ok());
        // One success forgets the failures.
        assert_eq!(access.store().attempt("anna").unwrap().failed, 0);
    }

    #[test]
    fn a_link_works_once_and_not_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        let mut door = Door::fixed("a", at(0));
        let access = access(dir.path());
        let (anna, ben) = (ActorId::new("anna").unwrap(), ActorId::new("ben").unwrap());
        let setup = access.setup(&mut door).unwrap().unwrap();
        assert_eq!(access.invited(setup.reveal(), at(0)).unwrap(), None);
        let late = at(SETUP_MINUTES * 60);
        assert_eq!(access.invited(setup.reveal(), late).unwrap_err().code, "link_is_spent");
        let again = access.setup(&mut door).unwrap().unwrap();
        assert_eq!(access.invited(setup.reveal(), at(0)).unwrap_err().code, "link_is_spent");
        access.choose(again.reveal(), &anna, "correct horse battery", at(0)).unwrap();
        let twice = access.choose(again.reveal(), &anna, "correct horse battery", at(0));
        assert_eq!(twice.unwrap_err().code, "link_is_spent");
        assert!(access.setup(&mut door).unwrap().is_none(), "somebody can log in");
        let link = access.invite(&mut door, &ben, "anna").unwrap();
        let stolen = access.choose(link.reveal(), &anna, "correct horse battery", at(0));
        assert_eq!(stolen.unwrap_err().code, "link_is_for_another");
        let short = access.choose(link.reveal(), &ben, "short", at(0));
        assert_eq!(short.unwrap_err().code, "password_too_short");
        access.choose(link.reveal(), &ben, "correct horse battery", at(0)).unwrap();
        assert_eq!(access.store().acts(9).unwrap().len(), 3);
    }

    #[test]
    fn secrets_are_kept_as_hashes_only_and_for_the_owner() {
        let dir = tempfile::tempdir().unwrap();
        let mut door = Door::fixed("a", at(0));
        let (access, _) = with_anna(dir.path(), &mut door);
        let cookie = access.log_in(&mut door, "anna", "correct horse battery").unwrap();
        drop(access);
        for suffix in ["", "-wal"] {
            let Ok(bytes) = std::fs::read(dir.path().join(format!("shop.db.access{suffix}"))) else {
                continue;
            };
            for secret in [cookie.reveal(), "correct horse battery"] {
                assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{suffix}");
            }
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(dir.path().join("shop.db.access")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert_eq!(format!("{cookie:?}"), "Secret(...)");
    }
}
