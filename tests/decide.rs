//! Given, when, then: the rules of the ledger as tables in `fixtures/gwt`.
//!
//! A case is a name after `==` and one line per step:
//!
//! ```text
//! given story NAME          the lines of that story (stories.txt)
//! given LINE                an event that is on record, in the text form of tests/support/text.rs
//! when  LINE                the command; several are one batch (period_closed: claims close-month of that month)
//! then  recorded            the command's own event and nothing else
//! then  already_recorded    the first receipt again and no event
//! then  KIND CODE (CITES)   the error: refused, conflict, stale
//! then  STREAM KIND JSON    an event that was appended, with at least these fields; all of them are listed
//! state board CLAIM JSON    what the books say, with at least these fields; also detail CLAIM, obligations,
//!                           totals and refusals as lists
//! says  TEXT                a part of the error as people read it
//! ```
//!
//! Whatever a case is about: its log is replayed afterwards and must give the books that are served, and `decide`
//! asked alone must say what the ledger said.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use claims::error::{Error, ErrorKind};
use claims::ledger::{Outcome, Receipt};
use claims::store::Store;
use claims::store::memory::MemoryStore;
use replay::case::Case as OrderCase;
use replay::codec::{OwnedRow, Recorded, open};
use replay::decide::{Context, Refusal, decide, decide_own};
use replay::duty::Overstep;
use replay::event::{Event, UnitStatus};
use replay::ids::{Expected, Position, Revision, Stream};
use replay::law::{Breach, STREAM_EVENTS_MAX};
use replay::registry::RegistryFault;
use replay::seal::Proposal;
use replay::time::When;
use serde_json::{Value, json};
use support::{Script, text};

/// One case of a table.
struct Case {
    file: String,
    name: String,
    given: Vec<String>,
    when: Vec<String>,
    then: Vec<String>,
    state: Vec<String>,
    says: Vec<String>,
}

type Stories = BTreeMap<String, Vec<String>>;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/gwt")
}

/// The sections of a file: name after `==`, then its lines without comments.
fn sections(path: &Path) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    let text = fs::read_to_string(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    for line in text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
        match (line.strip_prefix("== "), found.last_mut()) {
            (Some(name), _) => found.push((name.into(), Vec::new())),
            (None, Some((_, lines))) => lines.push(line.into()),
            (None, None) => panic!("{}: a line before the first section: {line}", path.display()),
        }
    }
    found
}

fn stories() -> Stories {
    let mut stories = Stories::new();
    for (name, lines) in sections(&folder().join("stories.txt")) {
        let mut all = Vec::new();
        for line in lines {
            match line.strip_prefix("story ") {
                Some(inner) => all.extend(stories[inner].clone()),
                None => all.push(line),
            }
        }
        stories.insert(name, all);
    }
    stories
}

fn cases(stories: &Stories) -> Vec<Case> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut cases = Vec::new();
    for path in paths.iter().filter(|path| path.file_stem().is_some_and(|stem| stem != "stories")) {
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        for (name, lines) in sections(path) {
            cases.push(case(&file, name, lines, stories));
        }
    }
    cases
}

fn case(file: &str, name: String, lines: Vec<String>, stories: &Stories) -> Case {
    let [mut given, mut when, mut then, mut state, mut says] = [const { Vec::new() }; 5];
    for line in lines {
        let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let rest = rest.trim().to_string();
        match word {
            "given" => match rest.strip_prefix("story ") {
                Some(story) => {
                    given.extend(stories.get(story).unwrap_or_else(|| panic!("no story {story}")).clone())
                }
                None => given.push(rest),
            },
            "when" => when.push(rest),
            "then" => then.push(rest),
            "state" => state.push(rest),
            "says" => says.push(rest),
            _ => panic!("{file}, {name}: what is '{word}'?"),
        }
    }
    Case { file: file.into(), name, given, when, then, state, says }
}

#[test]
fn the_tables_hold() {
    let stories = stories();
    let cases = cases(&stories);
    let failed: Vec<String> = cases
        .iter()
        .filter_map(|case| case.run().err().map(|why| format!("{}, {}:\n{why}\n", case.file, case.name)))
        .collect();
    assert!(
        failed.is_empty(),
        "{} of {} cases do not hold\n\n{}",
        failed.len(),
        cases.len(),
        failed.join("\n")
    );
    println!("{} cases hold", cases.len());
    assert!(cases.len() >= 340, "the tables have shrunk to {} cases", cases.len());
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), cases.len(), "two cases have the same name");
}

impl Case {
    fn run(&self) -> Result<(), String> {
        let mut script = Script::new(support::memory("gwt"));
        for line in &self.given {
            script.line(line).map_err(|why| format!("given {line}\n  {} {why}", why.code))?;
        }
        let before = support::rows(script.ledger.store());
        let batch = self.batch(&mut script);
        let alone = batch.first().filter(|_| batch.len() == 1).cloned();
        let now = script.ledger.door().now();
        let result = match &alone {
            Some(seal) if support::is_seal(seal) => script.seal(seal).map(|receipt| vec![receipt]),
            _ => script.ledger.record(batch),
        };
        let after = support::rows(script.ledger.store());
        let appended = after.get(before.len()..).ok_or("the log got shorter")?;

        self.check_then(&result, appended)?;
        self.check_says(&result)?;
        self.check_state(script.ledger.store())?;
        if let Some(proposal) = alone {
            agrees(&before, &proposal, now, &result)?;
        }
        support::check_sound(script.ledger.store()).map(|_| ())
    }

    /// The commands of `when` as one batch: only the first on a stream names the revision.
    fn batch(&self, script: &mut Script<MemoryStore>) -> Vec<Proposal> {
        let mut begun = BTreeSet::new();
        let mut batch = Vec::new();
        for line in &self.when {
            let mut proposal = script.proposal(line);
            if !begun.insert(proposal.stream.clone()) {
                proposal.expected = Expected::AfterThePreviousOfThisBatch;
            }
            batch.push(proposal);
        }
        batch
    }

    fn check_then(&self, result: &Result<Vec<Receipt>, Error>, appended: &[OwnedRow]) -> Result<(), String> {
        let mut events: Vec<text::Line> = Vec::new();
        let mut outcome = "recorded".to_string();
        for line in &self.then {
            let first = line.split(' ').next().unwrap_or_default();
            match first {
                "recorded" => events.extend(self.when.iter().map(|line| bare(line))),
                "already_recorded" | "refused" | "conflict" | "stale" | "unreadable" => {
                    outcome.clone_from(line)
                }
                _ => events.push(text::parse(line)),
            }
        }
        let found = match result {
            Ok(receipts) if receipts.iter().all(|r| r.outcome == Outcome::AlreadyRecorded) => {
                "already_recorded".into()
            }
            Ok(_) => "recorded".into(),
            Err(why) => error_line(why),
        };
        if found != outcome {
            let why = result.as_ref().err().map(ToString::to_string).unwrap_or_default();
            return Err(format!("  then: {outcome}\n found: {found}\n  {why}"));
        }
        let matches = events.len() == appended.len()
            && events.iter().zip(appended).all(|(want, row)| {
                row.stream == want.stream.to_string()
                    && row.kind == want.kind
                    && open(&row.as_row())
                        .ok()
                        .and_then(|recorded| recorded.event.to_value().ok())
                        .is_some_and(|payload| text::holds(&want.payload, &payload))
            });
        if matches {
            return Ok(());
        }
        let want: Vec<String> =
            events.iter().map(|e| format!("    {} {} {}", e.stream, e.kind, e.payload)).collect();
        Err(format!("  then:\n{}\n  found:\n{}", want.join("\n"), support::log_text(appended)))
    }

    fn check_says(&self, result: &Result<Vec<Receipt>, Error>) -> Result<(), String> {
        let Some(missing) = self.says.iter().find(|says| match result {
            Ok(_) => true,
            Err(why) => !why.to_string().contains(says.as_str()),
        }) else {
            return Ok(());
        };
        Err(format!(
            "  says: {missing}\n found: {}",
            result.as_ref().err().map(ToString::to_string).unwrap_or_default()
        ))
    }

    fn check_state(&self, store: &mut MemoryStore) -> Result<(), String> {
        let books = store.books().map_err(|why| why.to_string())?;
        for line in &self.state {
            let (what, rest) = line.split_once(' ').ok_or_else(|| format!("state {line}?"))?;
            let (have, json) = match what {
                "board" | "detail" => {
                    let (claim, json) = rest.split_once(' ').ok_or_else(|| format!("state {line}?"))?;
                    let have = if what == "board" {
                        json!(books.board.get(claim))
                    } else {
                        let detail = books.detail.get(claim).map_or("null", String::as_str);
                        serde_json::from_str(detail).map_err(|why| why.to_string())?
                    };
                    (have, json)
                }
                "obligations" => (json!(books.obligations.values().collect::<Vec<_>>()), rest),
                "totals" => (json!(books.totals.iter().map(total).collect::<Vec<_>>()), rest),
                "refusals" => (json!(books.refusals.values().collect::<Vec<_>>()), rest),
                _ => return Err(format!("state {what}?")),
            };
            let mut want: Value = serde_json::from_str(json).map_err(|why| format!("{json}: {why}"))?;
            text::amounts(&mut want);
            if !holds_in_any_order(&want, &have) {
                return Err(format!("  state {line}\n  found {have}"));
            }
        }
        Ok(())
    }
}

/// What a line is about, without its payload: `then recorded` asks only that the command became its event.
fn bare(line: &str) -> text::Line {
    text::Line { payload: json!({}), ..text::parse(line) }
}

/// `refused over_refund (H-14)`.
fn error_line(why: &Error) -> String {
    let cites = if why.cites.is_empty() { String::new() } else { format!(" ({})", why.cites.join(", ")) };
    format!("{} {}{cites}", text::word(&why.kind), why.code)
}

fn total((key, sums): (&replay::books::TotalKey, &replay::books::Sums)) -> Value {
    let (mut all, sums) = (json!(key), json!(sums));
    if let (Some(all), Value::Object(sums)) = (all.as_object_mut(), sums) {
        all.extend(sums);
    }
    all
}

/// Lists of rows have no order of their own.
fn holds_in_any_order(want: &Value, have: &Value) -> bool {
    match (want, have) {
        (Value::Array(want), Value::Array(have)) => {
            want.len() == have.len() && want.iter().all(|w| have.iter().any(|h| text::holds(w, h)))
        }
        _ => text::holds(want, have),
    }
}

/// `decide` is a pure function of the folded log: asked beside the ledger, and twice, it says the same.
fn agrees(
    before: &[OwnedRow],
    proposal: &Proposal,
    now: replay::time::Instant,
    result: &Result<Vec<Receipt>, Error>,
) -> Result<(), String> {
    // Keys and revisions are the ledger's business; they are looked at before anything is decided.
    let ledgers_own = match result {
        Ok(receipts) => receipts.iter().any(|r| r.outcome == Outcome::AlreadyRecorded),
        Err(why) => why.kind != ErrorKind::Refused,
    };
    if ledgers_own {
        return Ok(());
    }
    let outcome = support::replayed(before);
    let empty = OrderCase::default();
    let case = match (&proposal.stream, &proposal.event) {
        (Stream::Claim(id), Event::ClaimOpened(opened)) => {
            outcome.world.case_of(id).or_else(|| outcome.world.case_of_order(&opened.order))
        }
        (Stream::Claim(id), _) => outcome.world.case_of(id),
        (Stream::Order(id), _) => outcome.world.case_of_order(id),
        (Stream::Ledger, _) => None,
    };
    let context = Context { registry: &outcome.world.registry, case: case.unwrap_or(&empty) };
    let ask = || match support::is_seal(proposal) {
        true => decide_own(context, proposal, now).map(|()| vec![proposal.event.clone()]),
        false => decide(context, proposal, now),
    };
    let answers = [ask(), ask()];
    if answers[0] != answers[1] {
        return Err("decide said two things about the same".into());
    }
    match (&answers[0], result) {
        (Ok(_), Ok(_)) => Ok(()),
        (Err(refusal), Err(why)) if code_of(refusal) == why.code && refusal.code() == why.code => {
            let cites: Vec<String> = refusal.cites().iter().map(ToString::to_string).collect();
            if cites == why.cites && !refusal.hint().is_empty() && !refusal.to_string().is_empty() {
                Ok(())
            } else {
                Err(format!("decide cites {cites:?}, the ledger {:?}", why.cites))
            }
        }
        (alone, ledger) => Err(format!("decide alone: {alone:?}\n  the ledger: {ledger:?}")),
    }
}

/// Names every variant with its code. There is no wildcard: a new refusal does not compile until it is here, and
/// does not pass until a table has it.
macro_rules! codes {
    ($name:ident, $list:ident, $type:ty, $($pattern:pat => $code:expr,)+) => {
        fn $name(value: &$type) -> &'static str {
            match value { $($pattern => $code,)+ }
        }
        const $list: &[&str] = &[$($code),+];
    };
}

codes! { code_of, REFUSALS, Refusal,
    Refusal::WrittenByTheLedgerItself(_) => "written_by_the_ledger_itself",
    Refusal::KindIsNotForThisStream(..) => "kind_is_not_for_this_stream",
    Refusal::EffectiveInTheFuture(_) => "effective_in_the_future",
    Refusal::PolicyIsNotInForce(..) => "policy_is_not_in_force",
    Refusal::Registry(RegistryFault::Gap { .. }) => "revision_is_not_the_next",
    Refusal::Registry(RegistryFault::PolicyVersionIsNotTheNext { .. }) => "policy_version_is_not_the_next",
    Refusal::Registry(RegistryFault::PolicyBeginsBeforeItsPredecessor { .. }) => "policy_begins_before_its_predecessor",
    Refusal::Registry(RegistryFault::CalendarYearIsPublished) => "calendar_year_is_published",
    Refusal::Registry(RegistryFault::LastAdminStays) => "last_admin_stays",
    Refusal::Registry(RegistryFault::SystemIsNoPerson) => "system_is_no_person",
    Refusal::Registry(RegistryFault::ActHasNoAmount { .. }) => "act_has_no_amount",
    Refusal::Registry(RegistryFault::PeriodIsSealed { .. }) => "period_is_sealed",
    Refusal::Registry(RegistryFault::PeriodIsNotSealed { .. }) => "period_is_not_sealed",
    Refusal::Registry(RegistryFault::PeriodIsNotOver { .. }) => "period_is_not_over",
    Refusal::Registry(RegistryFault::AnotherKeySigns { .. }) => "another_key_signs",
    Refusal::Registry(RegistryFault::NoKeySigns) => "no_key_signs",
    Refusal::Registry(RegistryFault::KeyWasAnnouncedBefore) => "key_was_announced_before",
    Refusal::Breach(Breach::OrderIsNotOnRecord) => "order_is_not_on_record",
    Refusal::Breach(Breach::StreamBeginsWith(_)) => "stream_has_not_begun",
    Refusal::Breach(Breach::StreamHasBegun) => "stream_has_begun",
    Refusal::Breach(Breach::StreamIsFull) => "stream_is_full",
    Refusal::Breach(Breach::UnitsAreNotInTheOrder(_)) => "units_are_not_in_the_order",
    Refusal::Breach(Breach::UnitsAreNotInTheClaim(_)) => "units_are_not_in_the_claim",
    Refusal::Breach(Breach::EffectiveBeforeThePurchase { .. }) => "effective_before_the_purchase",
    Refusal::Breach(Breach::TargetIsNotInTheStream(_)) => "target_is_not_in_the_stream",
    Refusal::Breach(Breach::TargetCannotBeAmended(_)) => "target_cannot_be_amended",
    Refusal::Breach(Breach::TargetIsReversedAlready) => "target_is_reversed_already",
    Refusal::Breach(Breach::MoneyIsReversedNotCorrected(_)) => "money_is_reversed_not_corrected",
    Refusal::Breach(Breach::CorrectionDoesNotFit(_)) => "correction_does_not_fit",
    Refusal::Breach(Breach::RefundIdIsUsed(_)) => "refund_id_is_used",
    Refusal::Breach(Breach::ChargebackIsOnRecord) => "chargeback_is_on_record",
    Refusal::Breach(Breach::CurrencyDiffers { .. }) => "currency_differs",
    Refusal::Breach(Breach::DecisionExceedsTheCapture { .. }) => "decision_exceeds_the_capture",
    Refusal::Breach(Breach::UnitsAreDecidedInAnotherClaim(..)) => "units_are_decided_in_another_claim",
    Refusal::Breach(Breach::DecisionSplitsAnEarlierOne(_)) => "decision_splits_an_earlier_one",
    Refusal::Breach(Breach::RefundExceedsTheEntitlement { .. }) => "over_refund",
    Refusal::Breach(Breach::RefundExceedsTheCapture { .. }) => "over_capture",
    Refusal::Duty(Overstep::RoleIsNotHeld { .. }) => "role_is_not_held",
    Refusal::Duty(Overstep::RoleMayNotDoThis { .. }) => "role_may_not_do_this",
    Refusal::Duty(Overstep::RoleIsUnknown { .. }) => "role_is_unknown",
    Refusal::Duty(Overstep::NobodyGrantsThemselves) => "nobody_grants_themselves",
    Refusal::Duty(Overstep::SecondPersonIsMissing { .. }) => "second_person_is_missing",
    Refusal::Duty(Overstep::SecondPersonIsTheFirst { .. }) => "second_person_is_the_first",
    Refusal::Duty(Overstep::ApproverMayNotApprove { .. }) => "approver_may_not_approve",
    Refusal::Duty(Overstep::OverTheLimitOfTheRole { .. }) => "over_the_limit_of_the_role",
    Refusal::Duty(Overstep::AmountNeedsASecondPerson { .. }) => "amount_needs_a_second_person",
    Refusal::Duty(Overstep::PayerIsTheRequester { .. }) => "payer_is_the_requester",
    Refusal::Duty(Overstep::ApproverIsTheRequester { .. }) => "approver_is_the_requester",
    Refusal::ClaimIsClosed => "claim_is_closed",
    Refusal::ClaimIsWithdrawn => "claim_is_withdrawn",
    Refusal::ClaimIsNotClosed => "claim_is_not_closed",
    Refusal::RmaIsMissing { .. } => "rma_is_missing",
    Refusal::RmaIsNotOpen { .. } => "rma_is_not_open",
    Refusal::RmaIsUsed(_) => "rma_is_used",
    Refusal::UnitsHaveAnOpenRma(_) => "units_have_an_open_rma",
    Refusal::UnitsAreNotOnTheRma { .. } => "units_are_not_on_the_rma",
    Refusal::UnitsAreNotReceived(_) => "units_are_not_received",
    Refusal::UnitsAreNotDecidedForThis(_) => "units_are_not_decided_for_this",
    Refusal::NotUnderThePolicy { status: UnitStatus::Ineligible, .. } => "policy_denies",
    Refusal::NotUnderThePolicy { status: UnitStatus::NeedsDiscretion, .. } => "policy_needs_discretion",
    Refusal::NotUnderThePolicy { status: UnitStatus::Hold, .. } => "policy_holds",
    Refusal::NotUnderThePolicy { status: UnitStatus::Authorizable | UnitStatus::Eligible, .. } => "policy_waits_for_the_goods",
    Refusal::GrantedByThePolicy { .. } => "policy_grants",
    Refusal::AssessmentDiffers { .. } => "assessment_differs",
    Refusal::CustomerHasChosen { .. } => "policy_leaves_the_choice",
    Refusal::VariantIsAnother { .. } => "variant_differs",
    Refusal::EntitlementExceedsThePolicy { .. } => "over_entitlement",
    Refusal::RefundExceedsThePolicy { .. } => "over_refund",
    Refusal::PayoutIsAnother { .. } => "payout_differs",
    Refusal::PayoutWaitsForTheGoods { .. } => "payout_waits",
    Refusal::NobodyAnswersForIt => "nobody_answers_for_it",
    Refusal::PolicyCannotBeJudgedBy(_) => "policy_cannot_be_judged_by",
    Refusal::UnknownPoint(_) => "unknown_point",
    Refusal::OptionIsNotOfThePoint { .. } => "option_is_not_of_the_point",
    Refusal::OutOfBounds { .. } => "out_of_bounds",
    Refusal::RefundIsNotOnRecord => "refund_is_not_on_record",
    Refusal::RefundHasFailed => "refund_has_failed",
    Refusal::ChargeIdIsUsed => "charge_id_is_used",
    Refusal::ChargeIsNotOnRecord => "charge_is_not_on_record",
    Refusal::ChargeIsSettled => "charge_is_settled",
    Refusal::ChargebackIsNotOpen => "chargeback_is_not_open",
    Refusal::SomethingWasPaid => "something_was_paid",
    Refusal::MoneyIsStillOpen { .. } => "money_is_still_open",
    Refusal::ChargeIsStillOpen => "charge_is_still_open",
    Refusal::DisputeIsRunning => "dispute_is_running",
    Refusal::NoDisputeIsRunning => "no_dispute_is_running",
    Refusal::HoldIdIsUsed => "hold_id_is_used",
    Refusal::HoldIsNotInForce => "hold_is_not_in_force",
}

const KEYS: &str = "a key is announced over the head of the log as it stands; see tests/keys.rs";

/// Codes that no table can have, and why.
const NOT_IN_TABLES: &[(&str, &str)] = &[
    (
        "revision_is_not_the_next",
        "the ledger compares revisions before it decides; only a broken log has a gap",
    ),
    ("another_key_signs", KEYS),
    ("no_key_signs", KEYS),
    ("key_was_announced_before", KEYS),
    ("stream_is_full", "needs 10,000 events; see a_stream_has_room_for_ten_thousand_events"),
];

/// Codes that two refusals have, and why.
const SHARED_CODES: &[(&str, &str)] = &[(
    "over_refund",
    "the law measures by what was decided, the policy by what is payable: who pays too much reads one code",
)];

#[test]
fn every_refusal_and_every_breach_is_in_a_table() {
    let stories = stories();
    let cases = cases(&stories);
    let told: BTreeSet<&str> = cases
        .iter()
        .flat_map(|case| &case.then)
        .filter_map(|line| line.strip_prefix("refused "))
        .map(|rest| rest.split(' ').next().unwrap_or(rest))
        .collect();
    let known: BTreeSet<&str> = REFUSALS.iter().copied().collect();
    let exempt: BTreeSet<&str> = NOT_IN_TABLES.iter().map(|(code, _)| *code).collect();
    let missing: Vec<_> = known.difference(&told).filter(|code| !exempt.contains(*code)).collect();
    assert!(missing.is_empty(), "no table has {missing:?}");
    let needless: Vec<_> = told.intersection(&exempt).collect();
    assert!(needless.is_empty(), "the tables do have {needless:?}");
    assert!(told.is_subset(&known), "a table names codes that are none: {:?}", told.difference(&known));
    let shared = REFUSALS.len() - known.len();
    assert_eq!(shared, SHARED_CODES.len(), "two refusals share a code");
}

/// The limit of a stream, without 10,000 commits: the case is folded from the same sealed note, again and again.
#[test]
fn a_stream_has_room_for_ten_thousand_events() {
    let mut script = Script::new(support::memory("full"));
    script.lines(&stories()["claim"].join("\n"));
    script.lines(r#"claim/C1 note_added {"text":"again"}"#);
    let rows = support::rows(script.ledger.store());
    let mut case = OrderCase::default();
    let mut note: Option<Recorded> = None;
    for row in rows.iter().filter(|row| row.stream != "ledger") {
        let recorded = open(&row.as_row()).unwrap();
        note = Some(recorded.clone());
        case.apply(recorded).unwrap();
    }
    let mut note = note.unwrap();
    for revision in 3..=STREAM_EVENTS_MAX {
        note.envelope.revision = Revision::new(revision).unwrap();
        note.envelope.position = Position::new(rows.len() as u64 + revision).unwrap();
        case.apply(note.clone()).unwrap();
    }
    let proposal = script.proposal(r#"claim/C1 note_added {"text":"too many"}"#);
    let context = Context { registry: &Default::default(), case: &case };
    let refusal = decide(context, &proposal, script.ledger.door().now()).unwrap_err();
    assert_eq!(refusal, Refusal::Breach(Breach::StreamIsFull));
    assert_eq!(refusal.code(), "stream_is_full");
    let when = When { at: proposal.effective.at, offset_minutes: 0 };
    let law = replay::law::check(&case, &proposal.stream, &proposal.event, when);
    assert_eq!(law, Err(Breach::StreamIsFull), "what is refused is a breach on replay as well");
}
