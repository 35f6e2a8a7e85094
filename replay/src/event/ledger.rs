//! Events of the ledger stream: policies, calendars, people, periods, seals, refusals.

use alloc::{collections::BTreeMap, string::String};

use super::{
    payload::{Unsound, payload},
    words::KeyReason,
};
use crate::{
    evidence::note::{KeyType, VerifierKey},
    ids::{ActorId, Code, EventId, ExternalId, Personal, PolicyId, Stream, Word},
    merkle::Hash,
    money::{Amount, Currency},
    time::{Day, When},
};

/// Longest signed note of a checkpoint, in characters.
pub const NOTE_CHARS_MAX: usize = 8_000;
/// Longest time for which personal values are kept, in days (a hundred years).
pub const RETENTION_DAYS_MAX: u32 = 36_525;
/// Most tables of a rebuild's manifest.
pub const TABLES_MAX: usize = 50;
/// Longest table name of a rebuild's manifest, in bytes.
pub const TABLE_NAME_BYTES_MAX: usize = 64;

payload! {
    /// A policy version comes into the log. The version in force at purchase governs a claim (H-7).
    PolicyPublished {
        policy: PolicyId,
        /// From 1, one more for every later version.
        version: u32,
        name: Word,
        /// First local day of purchases that it governs.
        effective_from: Day,
        /// SHA-256 of the canonical JSON of `body`.
        sha256: Hash,
        supersedes?: u32,
        /// Policy, clause register and house-rule version as data.
        body: serde_json::Value,
    } @check |p| {
        if p.version == 0 {
            return Err(Unsound { field: "version", rule: "counts from 1".into() });
        }
        if !p.body.is_object() {
            return Err(Unsound { field: "body", rule: "is an object: the policy as data".into() });
        }
        let canonical = crate::canonical::to_bytes(&p.body)
            .map_err(|e| Unsound { field: "body", rule: alloc::format!("is not canonical JSON: {e}") })?;
        if crate::merkle::sha256(&canonical) != p.sha256 {
            return Err(Unsound { field: "sha256", rule: "is not the SHA-256 of the policy's canonical text".into() });
        }
        Ok(())
    }

    /// The public holidays of one calendar in one year (H-4).
    CalendarPublished { calendar: Code, year: u16, holidays*: Day, source: Word, }

    /// A person or system becomes known. The name is personal; the id is not.
    ActorRegistered { actor: ActorId, name?: Personal, } @personal name;
    /// An actor may act in a role from now on.
    RoleGranted { actor: ActorId, role: Code, }
    /// An actor may no longer act in a role.
    RoleRevoked { actor: ActorId, role: Code, reason_code: Code, }
    /// The largest amount a role may move with one act.
    LimitSet { role: Code, act: Code, amount: Amount, }

    /// How long personal values of one name are kept after the last thing that happened on their case.
    RetentionSet {
        /// The field, e.g. `address`; `any` for every field that has no time of its own.
        what: Code,
        days: u32,
        /// The legal basis on which they are erased then.
        basis: Code,
    } @check |p| {
        if p.days == 0 || p.days > RETENTION_DAYS_MAX {
            let rule = alloc::format!("must lie between 1 and {RETENTION_DAYS_MAX}");
            return Err(Unsound { field: "days", rule });
        }
        Ok(())
    }
    /// Personal values were erased; their commitments stay and can no longer be opened.
    PersonalDataRedacted { targets*: RedactedField, basis: Code, requester: ActorId, } @check |p| {
        if p.targets.is_empty() {
            return Err(Unsound { field: "targets", rule: "must name at least one value".into() });
        }
        Ok(())
    }
    /// One erased value.
    RedactedField { event: EventId, path: Word, }

    /// The root of the log at a size, with the signed note that was given out.
    CheckpointRecorded { size: u64, root: Hash, note: String, } @check |p| {
        if p.note.chars().count() > NOTE_CHARS_MAX {
            let rule = alloc::format!("is longer than {NOTE_CHARS_MAX} characters");
            return Err(Unsound { field: "note", rule });
        }
        Ok(())
    }

    /// From now on this key signs the heads of the log, in the place of another.
    SigningKeyAnnounced {
        /// The key that checks what it signs: name, id and public key (vkey of C2SP signed-note).
        key: String,
        /// The key in whose place it comes; none before the first one.
        replaces?: String,
        reason: KeyReason,
        /// The statement as a signed note: by this key, and by the one before it when it was rotated.
        note: String,
    } @check |p| {
        for (field, key) in [("key", Some(&p.key)), ("replaces", p.replaces.as_ref())] {
            let Some(key) = key else { continue };
            match key.parse::<VerifierKey>() {
                Ok(key) if key.kind() == KeyType::Log => {}
                Ok(_) => return Err(Unsound { field, rule: "is a witness's key".into() }),
                Err(why) => return Err(Unsound { field, rule: alloc::format!("is no key: {why}") }),
            }
        }
        if p.replaces.is_none() != (p.reason == KeyReason::Introduced) {
            return Err(Unsound { field: "replaces", rule: "names the key before it, unless it is introduced".into() });
        }
        if p.note.chars().count() > NOTE_CHARS_MAX {
            let rule = alloc::format!("is longer than {NOTE_CHARS_MAX} characters");
            return Err(Unsound { field: "note", rule });
        }
        Ok(())
    }

    /// A month's books are sealed with these totals.
    PeriodClosed {
        period: String,
        /// Of what was posted into the month, per currency.
        totals*: ControlTotal,
        /// Last position that the totals count.
        through?: u64,
        /// RFC 6962 root of the log at `through`.
        root?: Hash,
    } @check |p| { super::ledger::month(&p.period) }
    /// A sealed month is opened again.
    PeriodReopened { period: String, reason_code: Code, } @check |p| { super::ledger::month(&p.period) }
    /// Sums per currency, in minor units.
    ControlTotal { currency: Currency, credited_minor: u64, reversed_minor: u64, failed_minor: u64, }

    /// The projections were rebuilt from the log: what from, with what, and to what.
    ProjectionRebuilt {
        /// Last position replayed.
        through: u64,
        /// RFC 6962 root of the log at `through`.
        root: Hash,
        /// Digest of the rebuilt projections.
        digest: Hash,
        rows: BTreeMap<String, u64>,
        control_totals*: ControlTotal,
        policies*: Hash,
        code_version: Word,
        books_version: u32,
        /// Rows that differed from what was served (0 unless a difference was accepted).
        differences: u64,
    } @check |p| {
        if p.rows.len() > TABLES_MAX || p.rows.keys().any(|name| name.len() > TABLE_NAME_BYTES_MAX) {
            return Err(Unsound { field: "rows", rule: alloc::format!("names more than {TABLES_MAX} tables or a name too long") });
        }
        Ok(())
    }

    /// A merchant's act was understood and refused. Changes no claim and no money.
    AppendRefused {
        /// The stream the act was meant for.
        stream: Stream,
        /// The kind that was asked for.
        kind: Code,
        key?: ExternalId,
        /// The refusal, as in the error table.
        reason: Code,
        message: Word,
        cites*: Code,
        /// Amount asked for, where money was refused.
        amount?: Amount,
        asked_at?: When,
    }
}

/// `YYYY-MM`.
fn month(text: &str) -> Result<(), Unsound> {
    Day::parse(&alloc::format!("{text}-01"))
        .map(|_| ())
        .map_err(|_| Unsound { field: "period", rule: "is a month, written like 2024-04".into() })
}
