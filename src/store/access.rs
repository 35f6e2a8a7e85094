//! The access store: people, sessions, tokens and one-time links of the service, in a SQLite file of its own beside the
//! ledger. It keeps rows and finds them again; `crate::access` has the rules.

use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};
use std::path::{Path, PathBuf};

use super::sqlite::{BUSY_TIMEOUT_MS, fault};
use crate::error::{Error, ErrorKind, Result};

/// "CLMA" in the header of the file.
const APPLICATION_ID: i32 = 0x434C_4D41;
/// Version of the file's tables.
const FILE_VERSION: i32 = 1;

/// Rows of people and programs that may ask.
#[derive(Debug)]
pub struct AccessStore {
    db: Connection,
}

/// Somebody who may log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonRow {
    /// The actor in the ledger.
    pub actor: String,
    /// The hash of the password, once it was chosen.
    pub password: Option<String>,
    /// Since when.
    pub created_at: i64,
    /// Until when, if no longer.
    pub disabled_at: Option<i64>,
}

/// A session of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Whose.
    pub actor: String,
    /// Since when.
    pub created_at: i64,
    /// Last asked.
    pub seen_at: i64,
}

/// A token of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Its public name.
    pub id: String,
    /// SHA-256 of its secret.
    pub hash: Vec<u8>,
    /// The actor in the ledger.
    pub actor: String,
    /// The system that events come from.
    pub source: String,
    /// What it may be used for, words with blanks between.
    pub scopes: String,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: i64,
    /// Until when it holds.
    pub expires_at: i64,
    /// Since when it does not, if it was taken back.
    pub revoked_at: Option<i64>,
}

/// Failed logins under one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AttemptRow {
    /// Failed in a row.
    pub failed: u32,
    /// The last one.
    pub last_at: i64,
    /// Nobody logs in under the name before.
    pub locked_until: i64,
}

/// An act that waits, or waited, for a second person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalRow {
    /// Its name.
    pub id: String,
    /// Who asks.
    pub requester: String,
    /// In which role.
    pub role: String,
    /// From which system.
    pub source: String,
    /// The command as it was sent.
    pub command: String,
    /// When it was asked.
    pub created_at: i64,
    /// Until when it may be decided.
    pub expires_at: i64,
    /// `pending`, `approved` or `rejected`.
    pub state: String,
    /// Who decided.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<i64>,
    /// What came of it.
    pub receipt: Option<String>,
}

/// The file of a ledger's access store: the ledger's name with `.access` behind it.
pub fn beside(ledger: &Path) -> PathBuf {
    let mut name = ledger.as_os_str().to_owned();
    name.push(".access");
    name.into()
}

impl AccessStore {
    /// Opens the store, and makes it when it is not there.
    ///
    /// # Errors
    /// A file that is something else or newer, storage errors.
    pub fn open(path: &Path) -> Result<Self> {
        Self::opened(path).map_err(|why| why.at(path.display()))
    }
    fn opened(path: &Path) -> Result<Self> {
        let is_new = !path.exists();
        if is_new {
            // Nobody else may read it at any moment, so the file is made before SQLite sees it.
            crate::whole::new_file(path, b"", crate::whole::Readers::Owner)?;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(path, flags).map_err(fault)?;
        db.busy_timeout(std::time::Duration::from_millis(BUSY_TIMEOUT_MS)).map_err(fault)?;
        let settings = "PRAGMA trusted_schema = OFF; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                        PRAGMA secure_delete = ON;";
        let number = |name: &str| db.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
        let (application, version) = (number("application_id"), number("user_version"));
        match (application.map_err(fault)?, version.map_err(fault)?) {
            // Made, and left before its tables were there.
            (0, 0) if path.metadata().is_ok_and(|data| data.len() == 0) => {
                db.execute_batch(settings).map_err(fault)?;
                let tables = include_str!("access.sql");
                let made = format!(
                    "BEGIN IMMEDIATE; {tables} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FILE_VERSION}; COMMIT;"
                );
                db.execute_batch(&made).map_err(fault)?;
            }
            (APPLICATION_ID, FILE_VERSION) => db.execute_batch(settings).map_err(fault)?,
            (APPLICATION_ID, newer) => {
                let text = format!("the access store has version {newer}, this program knows {FILE_VERSION}");
                return Err(Error::new(ErrorKind::NotALedger, "access_store_is_newer", text)
                    .hint("use the newer program that wrote it; nothing was changed"));
            }
            _ => {
                let text = "this is no access store";
                return Err(Error::new(ErrorKind::NotALedger, "not_an_access_store", text)
                    .hint("move the file away; a new one is made at the next start"));
            }
        }
        Ok(Self { db })
    }

    /// One person.
    ///
    /// # Errors
    /// Storage errors.
    pub fn person(&self, actor: &str) -> Result<Option<PersonRow>> {
        let sql = "SELECT actor, password, created_at, disabled_at FROM person WHERE actor = ?1";
        self.one(sql, [actor], person)
    }
    /// Everybody, by name.
    ///
    /// # Errors
    /// Storage errors.
    pub fn people(&self) -> Result<Vec<PersonRow>> {
        let sql = "SELECT actor, password, created_at, disabled_at FROM person ORDER BY actor";
        self.all(sql, [], person)
    }
    /// Whether somebody can log in.
    ///
    /// # Errors
    /// Storage errors.
    pub fn somebody_can_log_in(&self) -> Result<bool> {
        let sql = "SELECT 1 FROM person WHERE password IS NOT NULL AND disabled_at IS NULL LIMIT 1";
        Ok(self.one(sql, [], |_| Ok(()))?.is_some())
    }
    /// Makes a person known, or again.
    ///
    /// # Errors
    /// Storage errors.
    pub fn put_person(&self, actor: &str, now: i64) -> Result<()> {
        let sql = "INSERT INTO person (actor, created_at) VALUES (?1, ?2) ON CONFLICT (actor) DO UPDATE SET disabled_at = NULL";
        self.run(sql, params![actor, now]).map(|_| ())
    }
    /// Sets the hash of a password.
    ///
    /// # Errors
    /// Storage errors.
    pub fn set_password(&self, actor: &str, phc: &str) -> Result<()> {
        self.run("UPDATE person SET password = ?2 WHERE actor = ?1", params![actor, phc]).map(|_| ())
    }
    /// Lets a person in no longer. Says whether there was one.
    ///
    /// # Errors
    /// Storage errors.
    pub fn disable_person(&self, actor: &str, now: i64) -> Result<bool> {
        let sql = "UPDATE person SET disabled_at = ?2, password = NULL WHERE actor = ?1";
        Ok(self.run(sql, params![actor, now])? > 0)
    }

    /// Keeps a one-time link.
    ///
    /// # Errors
    /// Storage errors.
    pub fn put_invite(&self, hash: &[u8], actor: Option<&str>, expires_at: i64) -> Result<()> {
        // A new link takes the place of the old ones.
        self.run("DELETE FROM invite WHERE actor IS ?1", params![actor])?;
        let sql = "INSERT INTO invite (hash, actor, expires_at) VALUES (?1, ?2, ?3)";
        self.run(sql, params![hash, actor, expires_at]).map(|_| ())
    }
    /// The link that a secret opens: for whom, and until when.
    ///
    /// # Errors
    /// Storage errors.
    pub fn invite(&self, hash: &[u8]) -> Result<Option<(Option<String>, i64)>> {
        let sql = "SELECT actor, expires_at FROM invite WHERE hash = ?1";
        self.one(sql, params![hash], |row| Ok((row.get(0)?, row.get(1)?)))
    }
    /// Uses a link up. Says whether it was there: of two who use it at once, one does.
    ///
    /// # Errors
    /// Storage errors.
    pub fn take_invite(&self, hash: &[u8]) -> Result<bool> {
        Ok(self.run("DELETE FROM invite WHERE hash = ?1", params![hash])? > 0)
    }

    /// Keeps a session.
    ///
    /// # Errors
    /// Storage errors.
    pub fn put_session(&self, hash: &[u8], actor: &str, now: i64) -> Result<()> {
        let sql = "INSERT INTO session (hash, actor, created_at, seen_at) VALUES (?1, ?2, ?3, ?3)";
        self.run(sql, params![hash, actor, now]).map(|_| ())
    }
    /// The session of a cookie.
    ///
    /// # Errors
    /// Storage errors.
    pub fn session(&self, hash: &[u8]) -> Result<Option<SessionRow>> {
        let sql = "SELECT actor, created_at, seen_at FROM session WHERE hash = ?1";
        self.one(sql, params![hash], |row| {
            Ok(SessionRow { actor: row.get(0)?, created_at: row.get(1)?, seen_at: row.get(2)? })
        })
    }
    /// Says that a session is in use.
    ///
    /// # Errors
    /// Storage errors.
    pub fn touch_session(&self, hash: &[u8], now: i64) -> Result<()> {
        self.run("UPDATE session SET seen_at = ?2 WHERE hash = ?1", params![hash, now]).map(|_| ())
    }
    /// Ends a session.
    ///
    /// # Errors
    /// Storage errors.
    pub fn end_session(&self, hash: &[u8]) -> Result<()> {
        self.run("DELETE FROM session WHERE hash = ?1", params![hash]).map(|_| ())
    }
    /// Ends every session of somebody.
    ///
    /// # Errors
    /// Storage errors.
    pub fn end_sessions_of(&self, actor: &str) -> Result<usize> {
        self.run("DELETE FROM session WHERE actor = ?1", params![actor])
    }
    /// Forgets sessions, links, failed logins and what waited in vain that are past these moments.
    ///
    /// # Errors
    /// Storage errors.
    pub fn forget_old(&self, seen_before: i64, created_before: i64, now: i64) -> Result<()> {
        let sql = "DELETE FROM session WHERE seen_at < ?1 OR created_at < ?2";
        self.run(sql, params![seen_before, created_before])?;
        self.run("DELETE FROM invite WHERE expires_at < ?1", params![now])?;
        let sql = format!("UPDATE approval SET {GIST} WHERE state = 'pending' AND expires_at < ?1");
        self.run(&sql, params![now])?;
        let sql = "DELETE FROM attempt WHERE locked_until < ?1 AND last_at < ?2";
        self.run(sql, params![now, created_before]).map(|_| ())
    }

    /// Keeps a token.
    ///
    /// # Errors
    /// Storage errors.
    pub fn put_token(&self, token: &TokenRow) -> Result<()> {
        let sql = "INSERT INTO token (id, hash, actor, source, scopes, created_by, created_at, expires_at)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let TokenRow { id, hash, actor, source, scopes, created_by, created_at, expires_at, .. } = token;
        self.run(sql, params![id, hash, actor, source, scopes, created_by, created_at, expires_at])
            .map(|_| ())
    }
    /// One token.
    ///
    /// # Errors
    /// Storage errors.
    pub fn token(&self, id: &str) -> Result<Option<TokenRow>> {
        let sql = "SELECT id, hash, actor, source, scopes, created_by, created_at, expires_at, revoked_at
                   FROM token WHERE id = ?1";
        self.one(sql, [id], token)
    }
    /// Every token, by name.
    ///
    /// # Errors
    /// Storage errors.
    pub fn tokens(&self) -> Result<Vec<TokenRow>> {
        let sql = "SELECT id, hash, actor, source, scopes, created_by, created_at, expires_at, revoked_at
                   FROM token ORDER BY id";
        self.all(sql, [], token)
    }
    /// Takes a token back. Says whether there was one that held.
    ///
    /// # Errors
    /// Storage errors.
    pub fn revoke_token(&self, id: &str, now: i64) -> Result<bool> {
        let sql = "UPDATE token SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL";
        Ok(self.run(sql, params![id, now])? > 0)
    }

    /// Failed logins under a name.
    ///
    /// # Errors
    /// Storage errors.
    pub fn attempt(&self, name: &str) -> Result<AttemptRow> {
        let sql = "SELECT failed, last_at, locked_until FROM attempt WHERE name = ?1";
        let found = self.one(sql, [name], |row| {
            Ok(AttemptRow { failed: row.get(0)?, last_at: row.get(1)?, locked_until: row.get(2)? })
        })?;
        Ok(found.unwrap_or_default())
    }
    /// Keeps what came of a failed login.
    ///
    /// # Errors
    /// Storage errors.
    pub fn put_attempt(&self, name: &str, attempt: AttemptRow) -> Result<()> {
        let sql = "INSERT INTO attempt (name, failed, last_at, locked_until) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT (name) DO UPDATE SET failed = ?2, last_at = ?3, locked_until = ?4";
        self.run(sql, params![name, attempt.failed, attempt.last_at, attempt.locked_until]).map(|_| ())
    }
    /// How many names have failed logins.
    ///
    /// # Errors
    /// Storage errors.
    pub fn attempts(&self) -> Result<u64> {
        let count = self.one("SELECT count(*) FROM attempt", [], |row| row.get::<_, i64>(0))?;
        Ok(count.and_then(|n| u64::try_from(n).ok()).unwrap_or(0))
    }
    /// Forgets failed logins under a name.
    ///
    /// # Errors
    /// Storage errors.
    pub fn clear_attempt(&self, name: &str) -> Result<()> {
        self.run("DELETE FROM attempt WHERE name = ?1", [name]).map(|_| ())
    }

    /// Keeps an act for a second person.
    ///
    /// # Errors
    /// Storage errors.
    pub fn put_approval(&self, row: &ApprovalRow) -> Result<()> {
        let sql = "INSERT INTO approval (id, requester, role, source, command, created_at, expires_at, state)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let ApprovalRow { id, requester, role, source, command, created_at, expires_at, state, .. } = row;
        self.run(sql, params![id, requester, role, source, command, created_at, expires_at, state])
            .map(|_| ())
    }
    /// One act for a second person.
    ///
    /// # Errors
    /// Storage errors.
    pub fn approval(&self, id: &str) -> Result<Option<ApprovalRow>> {
        let sql = format!("SELECT {APPROVAL} FROM approval WHERE id = ?1");
        self.one(&sql, [id], approval)
    }
    /// Acts for a second person in one state, the newest first.
    ///
    /// # Errors
    /// Storage errors.
    pub fn approvals(&self, state: &str, limit: u32) -> Result<Vec<ApprovalRow>> {
        let sql = format!("SELECT {APPROVAL} FROM approval WHERE state = ?1 ORDER BY id DESC LIMIT ?2");
        self.all(&sql, params![state, limit], approval)
    }
    /// How many acts one person has waiting.
    ///
    /// # Errors
    /// Storage errors.
    pub fn approvals_of(&self, requester: &str, now: i64) -> Result<u64> {
        let sql =
            "SELECT count(*) FROM approval WHERE requester = ?1 AND state = 'pending' AND expires_at > ?2";
        let count = self.one(sql, params![requester, now], |row| row.get::<_, i64>(0))?;
        Ok(count.and_then(|n| u64::try_from(n).ok()).unwrap_or(0))
    }
    /// Decides an act that waits. Says whether it did.
    ///
    /// # Errors
    /// Storage errors.
    pub fn decide_approval(&self, id: &str, state: &str, by: &str, now: i64) -> Result<bool> {
        let sql = "UPDATE approval SET state = ?2, decided_by = ?3, decided_at = ?4
                   WHERE id = ?1 AND state = 'pending'";
        let decided = self.run(sql, params![id, state, by, now])? > 0;
        if decided && state == "rejected" {
            self.run(&format!("UPDATE approval SET {GIST} WHERE id = ?1"), [id])?;
        }
        Ok(decided)
    }
    /// Puts an act back that could not be carried out.
    ///
    /// # Errors
    /// Storage errors.
    pub fn reopen_approval(&self, id: &str) -> Result<()> {
        let sql = "UPDATE approval SET state = 'pending', decided_by = NULL, decided_at = NULL WHERE id = ?1";
        self.run(sql, [id]).map(|_| ())
    }
    /// Keeps what came of an act.
    ///
    /// # Errors
    /// Storage errors.
    pub fn put_receipt(&self, id: &str, receipt: &str) -> Result<()> {
        let sql = format!("UPDATE approval SET receipt = ?2, {GIST} WHERE id = ?1");
        self.run(&sql, params![id, receipt]).map(|_| ())
    }

    /// Puts on record what somebody did to people and tokens.
    ///
    /// # Errors
    /// Storage errors.
    pub fn did(&self, at: i64, who: &str, what: &str, about: &str) -> Result<()> {
        let sql = "INSERT INTO act (at, who, what, about) VALUES (?1, ?2, ?3, ?4)";
        self.run(sql, params![at, who, what, about]).map(|_| ())
    }
    /// What was done, the newest first: time, who, what, about what.
    ///
    /// # Errors
    /// Storage errors.
    pub fn acts(&self, limit: u32) -> Result<Vec<(i64, String, String, String)>> {
        let sql = "SELECT at, who, what, about FROM act ORDER BY id DESC LIMIT ?1";
        self.all(sql, [limit], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
    }

    fn run(&self, sql: &str, params: impl rusqlite::Params) -> Result<usize> {
        self.db.prepare_cached(sql).and_then(|mut s| s.execute(params)).map_err(fault)
    }
    fn one<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        let mut statement = self.db.prepare_cached(sql).map_err(fault)?;
        statement.query_row(params, read).optional().map_err(fault)
    }
    fn all<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let mut statement = self.db.prepare_cached(sql).map_err(fault)?;
        let found = statement.query_map(params, read).map_err(fault)?;
        found.collect::<rusqlite::Result<_>>().map_err(fault)
    }
}

/// What remains of a command that no longer waits: names and texts in it have no business here, where nobody would
/// look for them to erase them.
const GIST: &str = "command = json_object('stream', json_extract(command, '$.stream'), 'kind', json_extract(command, '$.kind'))";
const APPROVAL: &str =
    "id, requester, role, source, command, created_at, expires_at, state, decided_by, decided_at, receipt";

fn person(row: &Row<'_>) -> rusqlite::Result<PersonRow> {
    Ok(PersonRow {
        actor: row.get(0)?,
        password: row.get(1)?,
        created_at: row.get(2)?,
        disabled_at: row.get(3)?,
    })
}

fn token(row: &Row<'_>) -> rusqlite::Result<TokenRow> {
    Ok(TokenRow {
        id: row.get(0)?,
        hash: row.get(1)?,
        actor: row.get(2)?,
        source: row.get(3)?,
        scopes: row.get(4)?,
        created_by: row.get(5)?,
        created_at: row.get(6)?,
        expires_at: row.get(7)?,
        revoked_at: row.get(8)?,
    })
}

fn approval(row: &Row<'_>) -> rusqlite::Result<ApprovalRow> {
    Ok(ApprovalRow {
        id: row.get(0)?,
        requester: row.get(1)?,
        role: row.get(2)?,
        source: row.get(3)?,
        command: row.get(4)?,
        created_at: row.get(5)?,
        expires_at: row.get(6)?,
        state: row.get(7)?,
        decided_by: row.get(8)?,
        decided_at: row.get(9)?,
        receipt: row.get(10)?,
    })
}
