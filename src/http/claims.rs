//! Views of claims and orders.

use replay::{
    ids::{ClaimId, OrderId, Stream},
    time::{Day, When},
};

use super::{
    answer::{Answer, HTML, JSON},
    app::App,
    asked::Asked,
    param::{Is, Param},
    routes::{AS_OF, CLEAR, EFFECTIVE_AT, Gives, KNOWN_AT, LIMIT, May, Route, Run, STAFF, path, query, view},
};
use crate::{
    access::Scope,
    answers::{self, Lines},
    door::Door,
    error::{Error, ErrorKind, Result},
    judging::{explain, next, whatif},
    lineage,
    packet::{self, Options},
    store::{Store, sqlite::SqliteStore},
    view::{self, Filter},
};

const CLAIM: Param = path("claim", Is::Claim, "The claim");
const ORDER: Param = path("order", Is::Order, "The order");
const FIGURES: &[&str] = &[
    "owed",
    "credited",
    "charged_back",
    "open",
    "overpaid",
    "charged",
    "charges_open",
    "units_claimed",
    "units_announced",
    "units_authorized",
    "units_received",
    "units_accepted",
    "units_refunded",
];
/// Figures of a claim, as `claims lineage claim --figure` knows them.
const FIGURE: Param = query("figure", Is::OneOf(FIGURES), "Only this figure");
const CLEAR_PARAM: Param =
    query("clear", Is::Flag, "Open personal values that are still there; for agents, approvers and admins");

/// The routes.
pub const ROUTES: &[Route] = &[
    view(
        "claims",
        "/v1/claims",
        "The board: claims by id, a page at a time",
        STAFF,
        &[
            query("merchant", Is::Policy, "Policy id of the merchant"),
            query("stage", Is::Code, "Stage of the claim, e.g. received"),
            query("country", Is::Code, "Country of the order"),
            query("reason", Is::Code, "Asserted reason, e.g. defect"),
            query("flag", Is::Code, "escalated, disputed, reopened, overpaid or historical"),
            query("order", Is::Order, "Claims on this order"),
            query("open_money", Is::Flag, "Only claims on which money is still open"),
            query("opened_from", Is::Day, "Opened on this day or later"),
            query("opened_to", Is::Day, "Opened on this day or earlier"),
            query("after", Is::Claim, "Begin after this claim: what the page before gave as next"),
            LIMIT,
            AS_OF,
            KNOWN_AT,
            EFFECTIVE_AT,
        ],
        Gives::Rows("ClaimRow"),
        Run::ReadNow(board),
    ),
    view(
        "claim",
        "/v1/claims/{claim}",
        "A claim as it stands, or stood; its revision is the ETag",
        STAFF,
        &[CLAIM, AS_OF, KNOWN_AT, EFFECTIVE_AT],
        Gives::Json("Claim"),
        Run::Read(claim),
    ),
    view(
        "claim_timeline",
        "/v1/claims/{claim}/timeline",
        "What happened on a claim and its order, by the time it happened",
        STAFF,
        &[
            CLAIM,
            query("own", Is::Flag, "Only the claim's own events"),
            CLEAR_PARAM,
            AS_OF,
            KNOWN_AT,
            EFFECTIVE_AT,
        ],
        Gives::Rows("TimelineEntry"),
        Run::Read(claim_timeline),
    ),
    view(
        "claim_explanation",
        "/v1/claims/{claim}/explanation",
        "Why a claim is worth what it is worth, cent by cent, by clause",
        STAFF,
        &[CLAIM, AS_OF, KNOWN_AT, EFFECTIVE_AT],
        Gives::Json("Explanation"),
        Run::Read(explanation),
    ),
    view(
        "claim_next",
        "/v1/claims/{claim}/next",
        "What can be done now, what is missing, what is due",
        STAFF,
        &[
            CLAIM,
            query("at", Is::Time, "Read clocks at this moment; now unless given"),
            AS_OF,
            KNOWN_AT,
            EFFECTIVE_AT,
        ],
        Gives::Json("Next"),
        Run::Read(claim_next),
    ),
    view(
        "claim_lineage",
        "/v1/claims/{claim}/lineage",
        "The events behind the figures of a claim",
        STAFF,
        &[CLAIM, FIGURE, AS_OF, KNOWN_AT, EFFECTIVE_AT],
        Gives::Rows("LineageRow"),
        Run::Read(claim_lineage),
    ),
    view(
        "claim_what_if",
        "/v1/claims/{claim}/what-if",
        "The claim judged by another published version of a policy; writes nothing",
        STAFF,
        &[
            CLAIM,
            Param { place: super::param::Place::Needed, ..query("policy", Is::Policy, "Whose policy") },
            Param {
                place: super::param::Place::Needed,
                ..query("version", Is::Number(u32::MAX as u64), "Which version")
            },
            AS_OF,
            KNOWN_AT,
            EFFECTIVE_AT,
        ],
        Gives::Rows("WhatIfRow"),
        Run::Read(claim_what_if),
    ),
    view(
        "claim_packet",
        "/v1/claims/{claim}/packet",
        "A claim's whole case with proofs, for a bank or a court",
        STAFF,
        &[
            CLAIM,
            query(
                "format",
                Is::OneOf(&["json", "html", "markdown"]),
                "What it is written as; json unless given",
            ),
            query("personal", Is::Flag, "With names, addresses and texts; for agents, approvers and admins"),
            query("with_notes", Is::Flag, "With notes among colleagues; needs personal"),
            query("checkpoint", Is::Position, "Prove against the recorded checkpoint of this size"),
            AS_OF,
            KNOWN_AT,
            EFFECTIVE_AT,
        ],
        Gives::Json("Packet"),
        Run::Read(claim_packet),
    ),
    view(
        "claim_proofs",
        "/v1/claims/{claim}/proofs",
        "Every event of a claim proved in the last checkpoint (C2SP tlog-proof)",
        STAFF,
        &[CLAIM, query("checkpoint", Is::Position, "Prove against the recorded checkpoint of this size")],
        Gives::Rows("Proof"),
        Run::Read(claim_proofs),
    ),
    view(
        "order",
        "/v1/orders/{order}",
        "An order with its claims; its revision is the ETag",
        STAFF,
        &[ORDER, AS_OF, KNOWN_AT, EFFECTIVE_AT],
        Gives::Json("Order"),
        Run::Read(order),
    ),
    view(
        "order_timeline",
        "/v1/orders/{order}/timeline",
        "What happened on an order",
        STAFF,
        &[ORDER, CLEAR_PARAM, AS_OF, KNOWN_AT, EFFECTIVE_AT],
        Gives::Rows("TimelineEntry"),
        Run::Read(order_timeline),
    ),
];

fn text(asked: &Asked, name: &str) -> Option<String> {
    asked.text(name).map(String::from)
}

/// Personal values are for those who talk with customers, and for tokens that say so.
fn may_read_clear(asked: &Asked) -> Result<()> {
    let who = asked.who()?;
    super::principal::in_scope(who, Scope::Personal)?;
    let May::Roles(roles) = CLEAR else { return Ok(()) };
    if who.holds_one_of(roles) {
        return Ok(());
    }
    let text = format!("personal values are opened for {} alone", roles.join(", "));
    Err(Error::new(ErrorKind::Forbidden, "not_for_this_role", text).hint("ask without them"))
}

fn board(_: &App, store: &mut SqliteStore, asked: &Asked) -> Result<Answer> {
    let filter = Filter {
        merchant: text(asked, "merchant"),
        stage: text(asked, "stage"),
        country: text(asked, "country"),
        reason: text(asked, "reason"),
        flag: text(asked, "flag"),
        order: asked.read("order", OrderId::new)?,
        open_money: asked.flag("open_money"),
        opened_from: asked.read("opened_from", Day::parse)?.map(|day| day.to_string()),
        opened_to: asked.read("opened_to", Day::parse)?.map(|day| day.to_string()),
    };
    let (rows, more) = answers::board(store, &filter, asked.text("after"), asked.rows(), &asked.cut()?)?;
    let next = rows.last().filter(|_| more).map(|row| row.claim.clone());
    Ok(Answer::rows(&Lines::of(&rows)?.0, next.as_deref()))
}

fn claim(_: &App, store: &mut SqliteStore, asked: &Asked) -> Result<Answer> {
    let shown = answers::claim(store, &asked.needed("claim", ClaimId::new)?, &asked.cut()?)?;
    Ok(Answer::json(&shown.answer)?.header("etag", format!("\"{}\"", shown.revision)))
}

fn order(_: &App, store: &mut SqliteStore, asked: &Asked) -> Result<Answer> {
    let id = asked.needed("order", OrderId::new)?;
    let (answer, _) = answers::order(store, &id, &asked.cut()?)?;
    let revision = store.revision(&Stream::Order(id))?;
    Ok(Answer::json(&answer)?.header("etag", format!("\"{revision}\"")))
}

fn timeline(store: &mut SqliteStore, asked: &Asked, stream: &Stream, with_order: bool) -> Result<Answer> {
    let clear = asked.flag("clear");
    if clear {
        may_read_clear(asked)?;
    }
    let entries = view::timeline(store, stream, with_order, clear, &asked.cut()?)?;
    Ok(Answer::rows(&Lines::of(&entries)?.0, None))
}

fn claim_timeline(_: &App, store: &mut SqliteStore, asked: &Asked) -> Result<Answer> {
    let stream = Stream::Claim(asked.needed("claim", ClaimId::new)?);
    timeline(store, asked, &stream, !asked.flag("own"))
}

fn order_timeline(_: &App, store: &mut SqliteStore, asked: &Asked) -> Result<Answer> {
    let stream = Stream::Order(asked.needed("order", OrderId::new)?);
    timeline(store, asked, &stream, false)
}

fn explanation(app: &App, store: &mut SqliteStore, asked: &Asked) -> Result<Answer> {
    let id = asked.needed("claim", ClaimId::new)?;
    let case = view::case_of(store, &Stream::Claim(id.clone()))?;
    let registry = app.registry(store)?;
    Answer::json(&explain::explain(&case, &id, &registry, &asked.cut()?)?)
}

fn claim_next(app: &App, store: &mut SqliteStore, asked: &Asked) -> Result<Answer> {
    let id = asked.needed("claim", ClaimId::new)?;
    let case = view::case_of(store, &Stream::Claim(id.clone()))?;
    let registry = app.registry(store)?;
    let at = asked.read("at", When::parse)?.map_or_else(|| Door::System.now(), |at| at.at);
    Answer::json(&next::next(&case, &id, &registry, &asked.cut()?, at)?)
}

fn claim_lineage(_: &App, store: &mut SqliteStore, asked: &Asked) -> Result<Answer> {
    let figure = asked.read("figure", str::parse)?;
    let id = asked.needed("claim", ClaimId::new)?;
    let found = lineage::of_claim(store, &id, figure, &asked.cut()?)?;
    Ok(Answer::rows(&answers::lineage(&found, usize::MAX)?.0, None))
}

fn claim_what_if(app: &App, store: &mut SqliteStore, asked: &Asked) -> Result<Answer> {
    let id = asked.needed("claim", ClaimId::new)?;
    let registry = app.registry(store)?;
    let policy = asked.needed("policy", replay::ids::PolicyId::new)?;
    let under = whatif::Under::published(&registry, &policy, asked.needed("version", str::parse::<u32>)?)?;
    let case = view::case_of(store, &Stream::Claim(id.clone()))?;
    let report = whatif::Report::of_claim(&case, &id, &registry, &asked.cut()?, &under);
    if report.totals.is_empty() {
        return Err(crate::judging::nothing_to_judge(&case, &id));
    }
    Ok(Answer::rows(&answers::what_if(&report, &report.changes, false)?.0, None))
}

fn claim_packet(_: &App, store: &mut SqliteStore, asked: &Asked) -> Result<Answer> {
    let (personal, with_notes) = (asked.flag("personal"), asked.flag("with_notes"));
    if personal || with_notes {
        may_read_clear(asked)?;
    }
    let id = asked.needed("claim", ClaimId::new)?;
    let checkpoint = asked.number("checkpoint").map(|size| answers::head(store, Some(size))).transpose()?;
    let options = Options {
        cut: asked.cut()?,
        checkpoint,
        trust: None,
        without_personal: !personal,
        with_notes: personal && with_notes,
    };
    let made = packet::packet(store, &id, &options)?;
    match asked.text("format") {
        // The page brings a script of its own along, which checks it: it is saved, and not run under our name.
        Some("html") => Ok(Answer::of(200, HTML, packet::html(&made)?.into_bytes())
            .header(
                "content-disposition",
                format!("attachment; filename=\"{}.html\"", file_name(id.as_str())),
            )
            .header("content-security-policy", "sandbox; default-src 'none'")),
        Some("markdown") => {
            Ok(Answer::of(200, "text/markdown; charset=utf-8", packet::markdown(&made).into_bytes()))
        }
        _ => Ok(Answer { media: Some(JSON), ..Answer::json(&made)? }),
    }
}

/// An id as a name of a file.
fn file_name(id: &str) -> String {
    id.chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' })
        .collect()
}

fn claim_proofs(_: &App, store: &mut SqliteStore, asked: &Asked) -> Result<Answer> {
    let note = answers::head(store, asked.number("checkpoint"))?;
    let proofs = answers::proofs_of_claim(store, &asked.needed("claim", ClaimId::new)?, &note)?;
    let mut lines = Lines::default();
    for (position, proof) in proofs {
        lines.add(&serde_json::json!({ "position": position, "proof": proof }))?;
    }
    Ok(Answer::rows(&lines.0, None))
}
