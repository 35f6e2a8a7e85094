//! What every command shares: which ledger, who acts, how the answer looks.

use replay::{
    case::Case,
    ids::{ActorId, Code, Expected, ExternalId, SourceId, Stream},
    seal::Proposal,
    time::When,
};
use std::path::PathBuf;

use crate::{
    command::Defaults,
    door::Door,
    error::{Error, ErrorKind, Result},
    store::{Store, sqlite::SqliteStore},
};

/// The actor of a command line that names none.
pub(super) const UNNAMED: &str = "unnamed";

/// Options of every command.
#[derive(Debug, Clone, clap::Args)]
pub struct Common {
    /// The ledger file
    #[arg(
        long,
        short = 'l',
        global = true,
        env = "CLAIMS_LEDGER",
        value_name = "FILE",
        help_heading = "Ledger"
    )]
    pub ledger: Option<PathBuf>,
    /// Print JSON for programs (one object, or one a line)
    #[arg(long, global = true, help_heading = "Ledger")]
    pub json: bool,
}

/// Options of every command that records something.
#[derive(Debug, Clone, clap::Args)]
pub struct Acting {
    /// Who acts (a pseudonymous id, no personal name)
    #[arg(
        long,
        env = "CLAIMS_ACTOR",
        default_value = UNNAMED, hide_default_value = true,
        value_name = "ID",
        help_heading = "Who and when"
    )]
    pub actor: ActorId,
    /// In which role
    #[arg(
        long,
        env = "CLAIMS_ROLE",
        default_value = "agent",
        value_name = "ROLE",
        help_heading = "Who and when"
    )]
    pub role: Code,
    /// The second person, where a rule asks for one
    #[arg(long, value_name = "ID", help_heading = "Who and when")]
    pub approver: Option<ActorId>,
    /// When it happened, with UTC offset [default: now]
    #[arg(long, value_name = "TIME", value_parser = When::parse, help_heading = "Who and when")]
    pub at: Option<When>,
    /// The system this comes from
    #[arg(
        long,
        env = "CLAIMS_SOURCE",
        default_value = "cli",
        value_name = "NAME",
        help_heading = "Who and when"
    )]
    pub source: SourceId,
    /// Your own key: the same key and content again changes nothing
    #[arg(long, value_name = "KEY", help_heading = "Who and when")]
    pub key: Option<ExternalId>,
    /// The revision you believe the claim or order to have [default: the one it has now]
    #[arg(long, value_name = "N", help_heading = "Who and when")]
    pub expected_revision: Option<u64>,
}

/// Who answers for what the ledger says of itself (seals, heads, keys). It is made under the writer's lock over the log
/// as it stands, so there is no revision to expect and no key to repeat it by.
#[derive(Debug, Clone, clap::Args)]
pub struct Answering {
    /// Who acts (a pseudonymous id, no personal name)
    #[arg(
        long,
        env = "CLAIMS_ACTOR",
        default_value = UNNAMED, hide_default_value = true,
        value_name = "ID",
        help_heading = "Who and when"
    )]
    pub actor: ActorId,
    /// In which role
    #[arg(
        long,
        env = "CLAIMS_ROLE",
        default_value = "finance",
        value_name = "ROLE",
        help_heading = "Who and when"
    )]
    pub role: Code,
    /// The second person, where a rule asks for one
    #[arg(long, value_name = "ID", help_heading = "Who and when")]
    pub approver: Option<ActorId>,
    /// When it happened, with UTC offset [default: now]
    #[arg(long, value_name = "TIME", value_parser = When::parse, help_heading = "Who and when")]
    pub at: Option<When>,
    /// The system this comes from
    #[arg(
        long,
        env = "CLAIMS_SOURCE",
        default_value = "cli",
        value_name = "NAME",
        help_heading = "Who and when"
    )]
    pub source: SourceId,
}

impl Answering {
    /// Somebody was named.
    ///
    /// # Errors
    /// When nobody was.
    pub fn named(&self) -> Result<()> {
        named(&self.actor)
    }
    /// What the ledger is to say of itself.
    pub fn proposal(&self, door: &Door, event: replay::event::Event) -> Proposal {
        Proposal {
            stream: Stream::Ledger,
            // Nothing can come between: it is worked out under the writer's lock.
            expected: Expected::AfterThePreviousOfThisBatch,
            event,
            effective: self.at.unwrap_or_else(|| door.now_here()),
            effective_is_given: self.at.is_some(),
            actor: self.actor.clone(),
            role: self.role.clone(),
            approver: self.approver.clone(),
            source: self.source.clone(),
            external_id: None,
            event_id: None,
            causation: None,
            correlation: None,
        }
    }
}

impl Common {
    /// The ledger's file.
    ///
    /// # Errors
    /// When none was named.
    pub fn path(&self) -> Result<&PathBuf> {
        self.ledger.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Usage, "no_ledger_named", "no ledger was named")
                .hint("give --ledger FILE, or set CLAIMS_LEDGER=FILE")
        })
    }
    /// Opens the ledger for reading.
    ///
    /// # Errors
    /// As [`SqliteStore::open_read_only`].
    pub fn read(&self) -> Result<SqliteStore> {
        SqliteStore::open_read_only(self.path()?)
    }
    /// Opens the ledger for writing.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub fn write(&self) -> Result<SqliteStore> {
        SqliteStore::open(self.path()?)
    }
}

/// Somebody was named as the actor.
pub(super) fn named(actor: &ActorId) -> Result<()> {
    if actor.as_str() != UNNAMED {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Usage, "nobody_named", "the log needs to know who acts")
        .hint("give --actor ID, or set CLAIMS_ACTOR=ID (a pseudonymous id, no personal name)"))
}

impl Acting {
    /// An event in the log has an actor; "unnamed" is only there for files whose commands name their own.
    ///
    /// # Errors
    /// When nobody was named.
    pub fn named(&self) -> Result<()> {
        named(&self.actor)
    }
    /// A proposal of one event on one stream, at the revision the stream has now unless one was named.
    ///
    /// # Errors
    /// Storage errors.
    pub fn proposal<S: Store>(
        &self,
        store: &mut S,
        door: &Door,
        stream: Stream,
        event: impl Into<replay::event::Event>,
    ) -> Result<Proposal> {
        let revision = match self.expected_revision {
            Some(number) => number,
            None => store.revision(&stream)?,
        };
        Ok(Proposal {
            stream,
            expected: Expected::at_number(revision),
            event: event.into(),
            effective: self.at.unwrap_or_else(|| door.now_here()),
            effective_is_given: self.at.is_some(),
            actor: self.actor.clone(),
            role: self.role.clone(),
            approver: self.approver.clone(),
            source: self.source.clone(),
            external_id: self.key.clone(),
            event_id: None,
            causation: None,
            correlation: None,
        })
    }
    /// What commands in a file may leave out.
    pub fn defaults(&self, door: &Door) -> Defaults {
        Defaults {
            actor: self.actor.clone(),
            role: self.role.clone(),
            source: self.source.clone(),
            effective: self.at.unwrap_or_else(|| door.now_here()),
        }
    }
}

/// Units as people write them: `all` or `*`, a line (`L1`), a unit (`L1#2`), a range (`L1#1-3`), several with
/// commas. `all` means every unit of the claim, or of the order where there is no claim yet.
///
/// # Errors
/// When a word is none of these, or names a line that was not sold.
pub fn units(case: &Case, stream: &Stream, text: &str) -> Result<replay::units::Units> {
    use replay::units::Units;
    let bad = |why: String| {
        Error::new(ErrorKind::Usage, "bad_units", why)
            .hint("write all, a line (L1), a unit (L1#2) or a range (L1#1-3)")
    };
    let order = case.order_state().ok_or_else(|| bad("the order is not on record".into()))?;
    let mut found = Units::default();
    for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        let more = if matches!(word, "*" | "all") {
            match stream {
                Stream::Claim(id) => match case.claim_state(id) {
                    Some(state) => state.units.units(),
                    None => order.units(),
                },
                _ => order.units(),
            }
        } else if word.contains('#') {
            Units::parse_loose([word]).map_err(|why| bad(why.to_string()))?
        } else {
            let line = order.sale.lines.iter().find(|line| line.id.as_str() == word);
            let line = line.ok_or_else(|| {
                let lines: Vec<&str> = order.sale.lines.iter().map(|line| line.id.as_str()).collect();
                bad(format!("the order has no line {word}, only {}", lines.join(", ")))
            })?;
            Units::from_line(line.id.clone(), line.quantity).map_err(|why| bad(why.to_string()))?
        };
        found = found.union(&more);
    }
    if found.is_empty() { Err(bad("no units were named".into())) } else { Ok(found) }
}
