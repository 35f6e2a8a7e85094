//! demo --serve: the demonstration at the desk, with somebody who works there and somebody who approves.

use replay::{
    event::RoleGranted,
    ids::{ActorId, Code, Expected, SourceId, Stream},
    seal::Proposal,
};
use serde_json::json;
use std::{net::SocketAddr, path::Path};

use super::internal;
use crate::{
    access::Access,
    cli::output::{Output, line},
    door::Door,
    error::Result,
    http::{self, Options, limits::RATE_PER_SECOND},
    ledger::Ledger,
    proof::{self, By},
    store::{Store, sqlite::SqliteStore},
};

/// Who there is, in which roles. The first one is admin before anybody else is anything.
const PEOPLE: [(&str, &[&str]); 2] =
    [("boss", &["admin"]), ("demo", &["agent", "warehouse", "approver", "finance", "auditor"])];

/// Rebuilds the books once, lets the people in and serves until it is told to end.
pub fn serve(mut ledger: Ledger<SqliteStore>, path: &Path, listen: SocketAddr, out: Output) -> Result<()> {
    let nightly = By {
        actor: ActorId::new("nightly").map_err(internal)?,
        role: Code::new("operations").map_err(internal)?,
        source: SourceId::new("demo").map_err(internal)?,
    };
    proof::rebuild(&mut ledger, &nightly, false, false)?;
    let first = PEOPLE[0].0;
    for (who, roles) in PEOPLE {
        for role in roles {
            let by = if *role == "admin" { who } else { first };
            grant(&mut ledger, by, who, role)?;
        }
    }
    drop(ledger);
    let access = Access::beside(path)?;
    let mut links = Vec::new();
    for (who, roles) in PEOPLE {
        let link = access.invite(&mut Door::System, &ActorId::new(who).map_err(internal)?, "demo")?;
        links.push((who, roles, link));
    }
    let options = Options {
        ledger: path.into(),
        listen,
        tls: None,
        trusted_proxy: None,
        public_hosts: Vec::new(),
        insecure: 0,
        rate_per_second: RATE_PER_SECOND,
    };
    http::serve(&options, |listening| {
        let links = links.iter().map(|(who, roles, link)| {
            (*who, roles.join(", "), format!("{}setup?link={}", listening.url, link.reveal()))
        });
        let links: Vec<_> = links.collect();
        if out.json {
            let people: Vec<_> =
                links.iter().map(|(who, _, link)| json!({ "person": who, "setup": link })).collect();
            return out.say(&json!({ "url": listening.url, "people": people }), String::new);
        }
        line(&format!("4. the desk is at {}\n\nchoose a password for each, once:", listening.url))?;
        for (who, roles, link) in &links {
            line(&format!("  {who} ({roles})\n    {link}"))?;
        }
        line("\nCtrl-C ends it; claims serve --ledger serves the same file again")
    })
}

fn grant(ledger: &mut Ledger<SqliteStore>, by: &str, who: &str, role: &str) -> Result<()> {
    let (actor, role) = (ActorId::new(who).map_err(internal)?, Code::new(role).map_err(internal)?);
    let revision = ledger.store().revision(&Stream::Ledger)?;
    let effective = ledger.door().now_here();
    ledger.record(vec![Proposal {
        stream: Stream::Ledger,
        expected: Expected::at_number(revision),
        event: RoleGranted { actor, role }.into(),
        effective,
        effective_is_given: false,
        actor: ActorId::new(by).map_err(internal)?,
        role: Code::new("admin").map_err(internal)?,
        approver: None,
        source: SourceId::new("demo").map_err(internal)?,
        external_id: None,
        event_id: None,
        causation: None,
        correlation: None,
    }])?;
    Ok(())
}
