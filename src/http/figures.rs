//! Views of money, clocks and people.

use replay::{
    ids::PolicyId,
    time::{Day, When},
};
use std::collections::BTreeMap;

use super::{
    answer::Answer,
    app::App,
    asked::Asked,
    param::{Is, Param, Place, bad, contradict},
    routes::{AS_OF, CHECKS, EFFECTIVE_AT, Gives, KNOWN_AT, LIMIT, MONEY, Route, Run, STAFF, query, view},
};
use crate::{
    answers::{self, Lines},
    door::Door,
    error::{Error, ErrorKind, Result},
    journal::{self, Format, Window},
    judging::{
        board::{self, States},
        leakage,
        whatif::{Report, Under},
        world::Whole,
    },
    lineage::{self, Which},
    periods,
    progress::Progress,
    sod::{self, Days},
    store::sqlite::SqliteStore,
    view::By,
};

/// Longest journal that is sent, in bytes; a longer one is written by the command line.
const JOURNAL_BYTES_MAX: usize = 64 * 1024 * 1024;

const MERCHANT: Param = query("merchant", Is::Policy, "Policy id of the merchant");
const FROM: Param = query("from", Is::Day, "This day or later");
const TO: Param = query("to", Is::Day, "This day or earlier");
const DAYS_MAX: u64 = 36_600;
const BYS: &[&str] = &["merchant", "month", "posting_month", "country", "reason", "kind"];

/// The routes.
pub const ROUTES: &[Route] = &[
    view(
        "totals",
        "/v1/totals",
        "Refund totals: credited, reversed, failed, and what stands",
        MONEY,
        &[
            query(
                "by",
                Is::SomeOf(BYS),
                "What to group by; merchant unless given, posting_month stands alone",
            ),
            AS_OF,
            KNOWN_AT,
            EFFECTIVE_AT,
        ],
        Gives::Rows("TotalRow"),
        Run::ReadNow(totals),
    ),
    view(
        "owed",
        "/v1/owed",
        "What is still owed: refunds and goods to customers, charges from them",
        MONEY,
        &[
            query("what", Is::OneOf(&["refund", "goods", "charge"]), "Only these"),
            MERCHANT,
            AS_OF,
            KNOWN_AT,
            EFFECTIVE_AT,
        ],
        Gives::Rows("OwedRow"),
        Run::ReadNow(owed),
    ),
    view(
        "due",
        "/v1/due",
        "The board of clocks: what runs, is late or was met, and duties to inform that were missed",
        STAFF,
        &[
            query("at", Is::Time, "Read the clocks at this moment; now unless given"),
            KNOWN_AT,
            query("late", Is::Flag, "Only clocks that are late"),
            query("running", Is::Flag, "Only clocks that run and are not late"),
            query("met", Is::Flag, "Only clocks that were met"),
            query("within", Is::Number(DAYS_MAX), "Only what is not done and due within so many days"),
            query("policy", Is::Policy, "Only this policy id"),
            query("closed", Is::Flag, "Also closed and withdrawn claims"),
            LIMIT,
        ],
        Gives::Rows("DueRow"),
        Run::Fold(due),
    ),
    view(
        "leakage",
        "/v1/leakage",
        "Where money left without a clause, or stays against one",
        MONEY,
        &[
            FROM,
            TO,
            MERCHANT,
            query("grace", Is::Number(DAYS_MAX), "Days that an entitlement may stay unpaid"),
            query("label_days", Is::Number(DAYS_MAX), "Days that a label may stay unused; 30 unless given"),
            query("rows", Is::Flag, "Also the rows behind the sums"),
            AS_OF,
            KNOWN_AT,
            EFFECTIVE_AT,
        ],
        Gives::Rows("LeakageRow"),
        Run::Fold(leaked),
    ),
    view(
        "what_if",
        "/v1/what-if",
        "Every claim of a policy judged by another published version; writes nothing",
        MONEY,
        &[
            Param { place: Place::Needed, ..query("policy", Is::Policy, "Whose policy") },
            Param { place: Place::Needed, ..query("version", Is::Number(u32::MAX as u64), "Which version") },
            LIMIT,
            AS_OF,
            KNOWN_AT,
            EFFECTIVE_AT,
        ],
        Gives::Rows("WhatIfRow"),
        Run::Fold(what_if),
    ),
    view(
        "lineage_total",
        "/v1/lineage/total",
        "The events behind a refund total",
        MONEY,
        &[
            MERCHANT,
            query("currency", Is::Code, "ISO 4217 code"),
            query("month", Is::Month, "e.g. 2024-04"),
            query("country", Is::Code, "Country of the order"),
            query("reason", Is::Code, "Asserted reason"),
            query("kind", Is::OneOf(&["refund", "gift_credit", "historical"]), "Kind of credit"),
            query(
                "figure",
                Is::OneOf(&["credits", "credited", "reversed", "failed", "stands"]),
                "Which figure; stands unless given",
            ),
            LIMIT,
            AS_OF,
            KNOWN_AT,
            EFFECTIVE_AT,
        ],
        Gives::Rows("LineageRow"),
        Run::Fold(lineage_total),
    ),
    view(
        "lineage_event",
        "/v1/lineage/events/{position}",
        "Everything that one event touches: figures, decisions, amendments",
        STAFF,
        &[super::routes::path("position", Is::Position, "Its position")],
        Gives::Json("EventLineage"),
        Run::Read(lineage_event),
    ),
    view(
        "periods",
        "/v1/periods",
        "Months: open or sealed, with what was posted into them and who sealed them",
        MONEY,
        &[AS_OF, KNOWN_AT],
        Gives::Rows("PeriodRow"),
        Run::Fold(months),
    ),
    view(
        "journal",
        "/v1/journal",
        "The journal as accountants keep it: one even entry per event that moves money",
        MONEY,
        &[
            query(
                "format",
                Is::OneOf(&["hledger", "ledger", "beancount", "tackler", "csv", "json"]),
                "What reads it; json lines unless given",
            ),
            query("from", Is::Day, "Posted on this day or later"),
            query("until", Is::Day, "Posted on this day or earlier"),
            query("through", Is::Position, "Only up to this position"),
        ],
        Gives::Media("text/plain"),
        Run::Fold(journal_text),
    ),
    view(
        "people",
        "/v1/people",
        "Who holds which roles, and the limits of roles",
        STAFF,
        &[],
        Gives::Rows("PeopleRow"),
        Run::Read(people),
    ),
    view(
        "sod",
        "/v1/sod",
        "Segregation of duties: who did what should be for two, and what came close",
        CHECKS,
        &[FROM, TO],
        Gives::Rows("SodRow"),
        Run::Fold(duties),
    ),
    view(
        "sod_rules",
        "/v1/sod/rules",
        "The roles, and the rules that keep duties apart",
        STAFF,
        &[],
        Gives::Rows("SodRuleRow"),
        Run::Read(|_, _, _| Ok(Answer::rows(&answers::sod_rules()?.0, None))),
    ),
];

fn rows(lines: &Lines) -> Result<Answer> {
    Ok(Answer::rows(&lines.0, None))
}

/// Days in their order.
fn days(asked: &Asked) -> Result<(Option<Day>, Option<Day>)> {
    let (from, to) = (asked.read("from", Day::parse)?, asked.read("to", Day::parse)?);
    match (from, to) {
        (Some(from), Some(to)) if from > to => {
            Err(Error::new(ErrorKind::Usage, "days_run_backwards", format!("{from} is after {to}"))
                .hint("from is the first day, to the last"))
        }
        both => Ok(both),
    }
}

fn by(text: &str) -> Option<By> {
    let all = [By::Merchant, By::Month, By::PostingMonth, By::Country, By::Reason, By::Kind];
    all.into_iter().find(|by| by.as_str() == text)
}

fn totals(_: &App, store: &mut SqliteStore, asked: &Asked) -> Result<Answer> {
    let by: Vec<By> = asked.text("by").unwrap_or("merchant").split(',').filter_map(by).collect();
    let groups = if by.contains(&By::PostingMonth) {
        answers::posted(&[], &by)?;
        answers::posted(&periods::list(store, &of_the_record(asked)?)?, &by)?
    } else {
        answers::totals_of(store, &by, &asked.cut()?)?
    };
    rows(&answers::totals(&groups, &by)?)
}

/// A month has what was posted into it, whenever that happened.
fn of_the_record(asked: &Asked) -> Result<replay::history::Cut> {
    let cut = asked.cut()?;
    if cut.effective_at.is_some() {
        return Err(contradict("posting months know no effective_at"));
    }
    Ok(cut)
}

fn owed(_: &App, store: &mut SqliteStore, asked: &Asked) -> Result<Answer> {
    rows(&Lines::of(&answers::owed(store, asked.text("what"), asked.text("merchant"), &asked.cut()?)?)?)
}

/// Figures with the cases that are in none of them.
fn with_not_proved(mut lines: Lines, whole: &Whole) -> Result<Answer> {
    lines.0.extend(answers::not_proved(whole)?.0);
    rows(&lines)
}

fn small(asked: &Asked, name: &str) -> Option<u32> {
    asked.number(name).and_then(|n| u32::try_from(n).ok())
}

fn limit(asked: &Asked) -> usize {
    usize::try_from(asked.rows()).unwrap_or(usize::MAX)
}

fn due(_: &App, store: &mut SqliteStore, asked: &Asked) -> Result<Answer> {
    let ask = board::Ask {
        at: asked.read("at", When::parse)?.unwrap_or_else(|| Door::System.now_here()),
        known_at: asked.read("known_at", When::parse)?,
        policy: asked.read("policy", PolicyId::new)?,
        closed: asked.flag("closed"),
        states: States { late: asked.flag("late"), running: asked.flag("running"), met: asked.flag("met") },
        within_days: small(asked, "within"),
        limit: limit(asked),
    };
    let whole = Whole::read(store, &ask.cut(), false)?;
    with_not_proved(answers::due(&board::board(&whole, &ask, false)?)?, &whole)
}

fn leaked(_: &App, store: &mut SqliteStore, asked: &Asked) -> Result<Answer> {
    let (from, to) = days(asked)?;
    let cut = asked.cut()?;
    // Ages are read at the moment that is looked at.
    let looked_at = cut.effective_at.into_iter().chain(cut.known_at).min();
    let at = looked_at.map_or_else(|| Door::System.now_here(), |at| When { at, offset_minutes: 0 });
    let ask = leakage::Ask {
        cut,
        at,
        from,
        to,
        merchant: asked.read("merchant", PolicyId::new)?,
        grace_days: small(asked, "grace").unwrap_or(0),
        label_days: small(asked, "label_days").unwrap_or(leakage::LABEL_DAYS),
        rows: asked.flag("rows"),
    };
    let whole = Whole::read(store, &cut, false)?;
    with_not_proved(answers::leakage(&leakage::leakage(&whole, &ask, false)?)?, &whole)
}

fn what_if(app: &App, store: &mut SqliteStore, asked: &Asked) -> Result<Answer> {
    let registry = app.registry(store)?;
    let policy = asked.needed("policy", PolicyId::new)?;
    let under = Under::published(&registry, &policy, asked.needed("version", str::parse::<u32>)?)?;
    let cut = asked.cut()?;
    let whole = Whole::read(store, &cut, false)?;
    let report = Report::of_all(&whole, &cut, &under, false)?;
    let shown = report.changes.get(..limit(asked)).unwrap_or(&report.changes);
    with_not_proved(answers::what_if(&report, shown, true)?, &whole)
}

fn lineage_total(_: &App, store: &mut SqliteStore, asked: &Asked) -> Result<Answer> {
    let text = |name: &str| asked.text(name).map(String::from);
    let which = Which {
        merchant: text("merchant"),
        country: text("country"),
        reason: text("reason"),
        kind: text("kind"),
        month: text("month"),
        currency: text("currency"),
    };
    let figure = asked.read("figure", str::parse)?.unwrap_or(replay::lineage::OfTotal::Stands);
    let cut = asked.cut()?;
    let whole = Whole::read(store, &cut, false)?;
    let found = lineage::of_totals(&whole, &which, figure, &cut, false)?;
    with_not_proved(answers::lineage(&found, limit(asked))?, &whole)
}

fn lineage_event(_: &App, store: &mut SqliteStore, asked: &Asked) -> Result<Answer> {
    Answer::json(&lineage::of_event(store, asked.needed("position", str::parse::<u64>)?)?)
}

fn months(_: &App, store: &mut SqliteStore, asked: &Asked) -> Result<Answer> {
    rows(&Lines::of(&periods::list(store, &of_the_record(asked)?)?)?)
}

fn people(app: &App, store: &mut SqliteStore, _: &Asked) -> Result<Answer> {
    rows(&answers::people(&*app.registry(store)?)?)
}

fn duties(_: &App, store: &mut SqliteStore, asked: &Asked) -> Result<Answer> {
    let (from, to) = days(asked)?;
    rows(&answers::sod(&sod::report(store, Days { from, to })?)?)
}

/// Bytes up to a limit.
struct Bounded(Vec<u8>);

impl std::io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len().saturating_add(bytes.len()) > JOURNAL_BYTES_MAX {
            return Err(std::io::Error::other(format!("it has more than {JOURNAL_BYTES_MAX} bytes")));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn journal_text(_: &App, store: &mut SqliteStore, asked: &Asked) -> Result<Answer> {
    let formats: BTreeMap<&str, (Format, &'static str)> = BTreeMap::from([
        ("hledger", (Format::Hledger, "text/plain; charset=utf-8")),
        ("ledger", (Format::Ledger, "text/plain; charset=utf-8")),
        ("beancount", (Format::Beancount, "text/plain; charset=utf-8")),
        ("tackler", (Format::Tackler, "text/plain; charset=utf-8")),
        ("csv", (Format::Csv, "text/csv; charset=utf-8")),
        ("json", (Format::Json, "application/x-ndjson")),
    ]);
    let named = asked.text("format").unwrap_or("json");
    let (format, media) =
        formats.get(named).copied().ok_or_else(|| bad("format", "there is none like this"))?;
    let window = Window {
        from: asked.read("from", Day::parse)?,
        until: asked.read("until", Day::parse)?,
        through: asked.number("through"),
    };
    let mut bytes = Bounded(Vec::new());
    journal::export(store, format, &window, &mut bytes, &Progress::silent())
        .map_err(|why| why.hint("ask for fewer days, or use claims export journal"))?;
    Ok(Answer::of(200, media, bytes.0))
}
