//! access: people who log in, and tokens of programs. Works on the access store beside the ledger, also while the
//! service runs.

use clap::{Args, Subcommand};
use replay::ids::{ActorId, SourceId};
use serde_json::json;

use super::{
    common::Common,
    output::{Output, table},
};
use crate::{
    access::{Access, Scope, Scopes, token::Asked},
    door::Door,
    error::Result,
};

/// Who is on record for what was done with this program, on the machine of the ledger.
const BY: &str = "command line";

#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  claims access person invite a.jones
  claims access token issue shop-sync --scopes read,append")]
pub enum AccessCommand {
    /// People who log in
    #[command(subcommand)]
    Person(PersonCommand),
    /// Tokens of programs
    #[command(subcommand)]
    Token(TokenCommand),
}

#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  claims access person invite a.jones")]
pub enum PersonCommand {
    /// Let a person in: prints a one-time link on which a password is chosen; again for a forgotten one
    #[command(after_help = "Examples:
  claims access person invite a.jones
  claims grant a.jones agent --actor d.ruiz --role admin     and the role, as an event")]
    Invite {
        /// The person's id in the ledger
        who: ActorId,
        /// How the link begins [default: the address of claims serve]
        #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8377/")]
        url: String,
    },
    /// Let a person in no longer, and end their sessions
    #[command(after_help = "Example:\n  claims access person disable a.jones")]
    Disable {
        /// The person's id in the ledger
        who: ActorId,
    },
    /// Everybody who may log in
    #[command(after_help = "Example:\n  claims access person list --json")]
    List,
}

#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  claims access token issue shop-sync --scopes read,append --days 90")]
pub enum TokenCommand {
    /// Make a token for a program; it is printed this once
    Issue(IssueArgs),
    /// Take a token back
    #[command(after_help = "Example:\n  claims access token revoke EPzE3e22ZKvx")]
    Revoke {
        /// Its public name
        id: String,
    },
    /// Every token, without its secret
    #[command(after_help = "Example:\n  claims access token list")]
    List,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  claims access token issue shop-sync --scopes read,append --days 90
  claims grant shop-sync system --actor d.ruiz --role admin  and the role, as an event

Scopes say what a token is for: read (views, feed), personal (values in clear), append (record events),
access (people and tokens), metrics. What its actor may do there, the roles in the ledger say.")]
pub struct IssueArgs {
    /// The program's id in the ledger; not that of a person
    who: ActorId,
    /// What it may be used for: read, personal, append, access, metrics
    #[arg(long, value_delimiter = ',', required = true)]
    scopes: Vec<Scope>,
    /// Days until it ends
    #[arg(long, default_value_t = 90)]
    days: u32,
    /// The system its events come from [default: the program's id]
    #[arg(long, value_name = "NAME")]
    source: Option<SourceId>,
}

impl AccessCommand {
    pub fn run(self, common: &Common, out: Output) -> Result<()> {
        // A ledger is opened first: a mistyped name makes no access store.
        common.read()?;
        let access = Access::beside(common.path()?)?;
        let mut door = Door::System;
        match self {
            AccessCommand::Person(PersonCommand::Invite { who, url }) => {
                let link = access.invite(&mut door, &who, BY)?;
                let link = format!("{}/setup?link={}", url.trim_end_matches('/'), link.reveal());
                out.say(&json!({ "actor": who, "link": link }), || link.clone())
            }
            AccessCommand::Person(PersonCommand::Disable { who }) => {
                access.disable(&who, BY, door.now())?;
                out.say(&json!({ "actor": who, "disabled": true }), || format!("{who} may log in no longer"))
            }
            AccessCommand::Person(PersonCommand::List) => people(&access, out),
            AccessCommand::Token(TokenCommand::Issue(args)) => {
                let source = match args.source {
                    Some(source) => source,
                    None => SourceId::new(args.who.as_str()).map_err(|why| {
                        crate::error::Error::unreadable("bad_source", why.to_string())
                            .hint("give --source NAME")
                    })?,
                };
                let scopes = Scopes::of(args.scopes);
                let asked = Asked { actor: args.who, source, scopes, days: args.days };
                let (id, token) = access.issue(&mut door, &asked, BY)?;
                let answer = json!({ "id": id, "actor": asked.actor, "source": asked.source,
                                     "scopes": asked.scopes, "days": asked.days, "token": token.reveal() });
                out.say(&answer, || token.reveal().to_string())
            }
            AccessCommand::Token(TokenCommand::Revoke { id }) => {
                access.revoke(&id, BY, door.now())?;
                out.say(&json!({ "id": id, "revoked": true }), || format!("token {id} holds no longer"))
            }
            AccessCommand::Token(TokenCommand::List) => tokens(&access, out),
        }
    }
}

fn people(access: &Access, out: Output) -> Result<()> {
    let rows = access.people()?;
    if out.json {
        return rows.iter().try_for_each(|row| out.say(&crate::access::told::person(row), String::new));
    }
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let told = crate::access::told::person(row);
            vec![told.actor.clone(), told.state.into(), told.since.get(..10).unwrap_or_default().into()]
        })
        .collect();
    out.say(&(), || table(&["who", "state", "since"], &cells))
}

fn tokens(access: &Access, out: Output) -> Result<()> {
    let now = Door::System.now();
    let rows = access.tokens()?;
    if out.json {
        return rows.iter().try_for_each(|row| out.say(&crate::access::told::token(row, now), String::new));
    }
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let told = crate::access::told::token(row, now);
            let until = told.expires_at.get(..10).unwrap_or_default().to_string();
            vec![told.id.clone(), told.actor.clone(), told.scopes.join(" "), told.state.into(), until]
        })
        .collect();
    out.say(&(), || table(&["token", "who", "for", "state", "until"], &cells))
}
