//! What the ledger does of itself when somebody asks: sealing a month, rebuilding the books. Worked out under the
//! writer's lock through a connection of its own, while readers go on.

use replay::{
    duty::Area,
    ids::{Code, Expected, Stream},
    seal::Proposal,
    time::Month,
};

use super::{
    answer::Answer,
    app::App,
    asked::Asked,
    param::Is,
    routes::{Gives, May, Route, Run, Takes, Verb, path, query},
};
use crate::{
    access::Scope,
    door::Door,
    error::Result,
    ledger::Ledger,
    periods,
    proof::{self, By},
    store::sqlite::SqliteStore,
};

/// The routes.
pub const ROUTES: &[Route] = &[
    Route {
        name: "close_month",
        method: Verb::Post,
        path: "/v1/periods/{month}/close",
        says: "Seals a month with its totals; what is learned of it later is posted into the next open one",
        may: May::Roles(&["finance"]),
        scope: Some(Scope::Append),
        params: &[path("month", Is::Month, "e.g. 2024-04; it must be over")],
        takes: Takes::Nothing,
        gives: Gives::Json("Closed"),
        run: Run::Work(close_month),
    },
    Route {
        name: "rebuild",
        method: Verb::Post,
        path: "/v1/rebuild",
        says: "Rebuilds the books from the log, compares them row by row with what is served, and swaps them in if equal",
        may: May::Roles(&["finance", "admin"]),
        scope: Some(Scope::Append),
        params: &[query("accept", Is::Flag, "Swap although rows differ, and record how many")],
        takes: Takes::Nothing,
        gives: Gives::Json("Rebuilt"),
        run: Run::Work(rebuild),
    },
];

fn ledger(app: &App) -> Result<Ledger<SqliteStore>> {
    Ok(Ledger::new(SqliteStore::open(app.path())?, Door::System))
}

/// The first role that is held and does this.
fn role(asked: &Asked, area: Area) -> Result<Code> {
    let who = asked.who()?;
    let does = |role: &&Code| replay::duty::role(role.as_str()).is_some_and(|role| role.may.contains(&area));
    who.roles.iter().find(does).cloned().map_or_else(|| who.acting_role(None), Ok)
}

fn close_month(app: &App, asked: &Asked) -> Result<Answer> {
    let (who, month) = (asked.who()?, asked.needed("month", Month::parse)?);
    let proposal = Proposal {
        stream: Stream::Ledger,
        // Nothing can come between: it is worked out under the writer's lock.
        expected: Expected::AfterThePreviousOfThisBatch,
        event: periods::unfilled(month),
        effective: Door::System.now_here(),
        effective_is_given: false,
        actor: who.actor.clone(),
        role: role(asked, Area::Periods)?,
        approver: None,
        source: who.source.clone(),
        external_id: None,
        event_id: None,
        causation: None,
        correlation: asked.correlation(),
    };
    Ok(Answer::json(&periods::close(&mut ledger(app)?, &proposal, month)?)?.status(201))
}

fn rebuild(app: &App, asked: &Asked) -> Result<Answer> {
    let who = asked.who()?;
    let role = role(asked, Area::Periods)?;
    let by = By { actor: who.actor.clone(), role, source: who.source.clone() };
    Answer::json(&proof::rebuild(&mut ledger(app)?, &by, asked.flag("accept"), false)?)
}
