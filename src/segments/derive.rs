//! From rows of the log to rows of a segment. A range of the log is derived alone: cases that began before it are folded
//! from the store as they stood there, so nothing has to be kept from range to range, and ranges can be derived side by
//! side.

use replay::{
    books::{Counted, Sums, TotalKey, counted},
    case::{Broken, Case, CaseKey, first_key},
    codec::{self, OwnedRow, Recorded},
    event::Event,
    ids::{ClaimId, Position, Stream},
    merkle::{Frontier, Hash},
    money::Amount,
    posting::may_move,
};
use serde::Deserialize;
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    ops::ControlFlow,
};

use super::{
    body::Envelope,
    table::{Batch, EVENTS, MOVEMENTS},
};
use crate::{
    error::{Error, ErrorKind, Result},
    store::{Span, Store},
    view::opened,
};

/// Rows that are read from the store at once.
const ROWS_AT_ONCE: u64 = 1_024;

/// What a range of the log amounts to as rows of a segment.
#[derive(Debug)]
pub struct Derived {
    /// First position.
    pub first: u64,
    /// Last position.
    pub last: u64,
    /// One row per event.
    pub events: Batch,
    /// What they moved.
    pub movements: Batch,
    /// The tree over the leaves of the range.
    pub tree: Frontier,
    /// Bytes that the values of the rows have in the log.
    pub row_bytes: u64,
}

/// Derives a range of the log alone, both ends included; it must be there.
///
/// # Errors
/// As [`Deriver::range`].
pub fn derive<S: Store>(
    store: &mut S,
    first: u64,
    last: u64,
    reach: &mut dyn FnMut(u64) -> Result<()>,
) -> Result<Derived> {
    Deriver::default().range(store, first, last, reach)
}

fn broken(why: String) -> Error {
    Error::new(ErrorKind::BrokenLog, "log_is_broken", why)
        .hint("there are no segments of a broken log; claims audit names everything that is wrong")
}

/// A case as it stands at the row that is looked at.
struct Held {
    case: Case,
    counted: BTreeMap<ClaimId, Counted>,
    /// The last position that touched it.
    touched: u64,
}

/// Derives ranges. One that follows on the one before finds the cases that were touched there as they stand; all others
/// are folded from the store, so what is held does not grow with the log.
#[derive(Default)]
pub struct Deriver {
    cases: HashMap<CaseKey, Held>,
    claims: HashMap<ClaimId, CaseKey>,
    buffer: Vec<u8>,
    /// First and last position of the range before.
    before: (u64, u64),
}

impl Deriver {
    /// Derives a range of the log, both ends included; it must be there. `reach` is told how many events were added.
    ///
    /// # Errors
    /// [`ErrorKind::BrokenLog`] where the log contradicts itself: of such a log there are no segments. Storage errors, and
    /// whatever `reach` says.
    pub fn range<S: Store>(
        &mut self,
        store: &mut S,
        first: u64,
        last: u64,
        reach: &mut dyn FnMut(u64) -> Result<()>,
    ) -> Result<Derived> {
        let (begun, ended) = self.before;
        if ended + 1 == first {
            self.cases.retain(|_, held| held.touched >= begun);
            let cases = &self.cases;
            self.claims.retain(|_, key| cases.contains_key(key));
        } else {
            self.cases.clear();
            self.claims.clear();
        }
        self.before = (first, last);
        let mut derived = Derived {
            first,
            last,
            events: Batch::new(&EVENTS),
            movements: Batch::new(&MOVEMENTS),
            tree: Frontier::new(),
            row_bytes: 0,
        };
        let mut next = first;
        while next <= last {
            let span = Span { first: next, last: last.min(next.saturating_add(ROWS_AT_ONCE - 1)) };
            let mut rows: Vec<OwnedRow> = Vec::new();
            store.scan(span, &mut |row| {
                rows.push(OwnedRow {
                    position: row.position,
                    stream: row.stream.into(),
                    revision: row.revision,
                    event_id: row.event_id,
                    kind: row.kind.into(),
                    recorded_at: row.recorded_at,
                    body: row.body.to_vec(),
                    leaf: row.leaf,
                });
                ControlFlow::Continue(())
            })?;
            for (row, due) in rows.iter().zip(next..) {
                if row.position != due {
                    break;
                }
                self.take(store, row, &mut derived)?;
                next = due + 1;
            }
            if next <= span.last {
                return Err(broken(format!("position {next} is missing")));
            }
            reach(span.last - span.first + 1)?;
        }
        derived.events.is_whole()?;
        derived.movements.is_whole()?;
        Ok(derived)
    }

    fn take<S: Store>(&mut self, store: &mut S, row: &OwnedRow, derived: &mut Derived) -> Result<()> {
        let recorded = opened(row)?;
        if recorded.envelope.ledger != *store.origin() {
            return Err(broken(format!(
                "position {}: the event belongs to ledger {}",
                row.position, recorded.envelope.ledger
            )));
        }
        derived.tree.push(Hash(row.leaf));
        // As SQLite stores them, but for the few bytes of a header; integers count as 8.
        let values = row.stream.len() + row.kind.len() + row.body.len() + row.leaf.len() + 16 + 3 * 8;
        derived.row_bytes = derived.row_bytes.saturating_add(values as u64);
        let said = Said::of(&recorded);
        let case = self.apply(store, row, recorded, derived)?;
        self.event(row, &said, case.as_ref(), derived)
    }

    /// Takes the event into its case and writes what that moved; says whose event it is.
    fn apply<S: Store>(
        &mut self,
        store: &mut S,
        row: &OwnedRow,
        recorded: Recorded,
        derived: &mut Derived,
    ) -> Result<Option<CaseKey>> {
        let stream = recorded.envelope.stream.clone();
        let key = match &stream {
            Stream::Ledger => return Ok(None),
            Stream::Order(id) => CaseKey::Order(id.clone()),
            Stream::Claim(id) => self.key_of_claim(store, id, row, &recorded)?,
        };
        if !self.cases.contains_key(&key) {
            // A case begins with the first event of its order, or of its claim when it has none: that is the law.
            let case = match (&key, &stream) {
                (CaseKey::Order(_), Stream::Order(_)) | (CaseKey::Alone(_), _) if row.revision == 1 => {
                    Case::default()
                }
                _ => case_before(store, &key, derived.first)?,
            };
            let known = case.claims.keys().filter_map(|id| Some((id.clone(), counted(&case, id)?)));
            let known = known.collect();
            self.cases.insert(key.clone(), Held { case, counted: known, touched: row.position });
        }
        let Some(held) = self.cases.get_mut(&key) else { return Ok(None) };
        held.touched = row.position;
        let envelope = recorded.envelope.clone();
        let kind = recorded.event.kind();
        let counts = may_count(&recorded.event);
        held.case.apply(recorded).map_err(|fault| {
            let stream = row.stream.clone();
            broken(Broken { position: envelope.position, stream, fault }.to_string())
        })?;
        if !counts {
            return Ok(Some(key));
        }
        // What an order is changes what every claim on it is counted by.
        let touched: Vec<ClaimId> = match stream {
            Stream::Claim(id) => vec![id],
            _ => held.case.claims.keys().cloned().collect(),
        };
        for id in touched {
            let Some(after) = counted(&held.case, &id) else { continue };
            let before = held.counted.insert(id.clone(), after.clone());
            let before = before.map(|before| before.totals).unwrap_or_default();
            if before == after.totals {
                continue;
            }
            let order = held.case.claims.get(&id).and_then(|claim| claim.order());
            for (total, by) in differences(&before, &after.totals)? {
                let mut pen = derived.movements.row();
                pen.number(Some(signed(row.position)?)).text(kind.as_str());
                pen.number(Some(envelope.effective.at.micros())).number(Some(row.recorded_at));
                pen.text(envelope.actor.as_str()).text(envelope.role.as_str());
                pen.maybe(envelope.approver.as_ref().map(|who| who.as_str())).text(envelope.source.as_str());
                pen.maybe(order.map(|order| order.as_str())).text(id.as_str());
                pen.text(&total.merchant).text(&total.country).text(&total.reason);
                pen.text(&total.kind).text(&total.month).text(&total.currency);
                by.into_iter().for_each(|by| _ = pen.number(Some(by)));
            }
        }
        Ok(Some(key))
    }

    fn key_of_claim<S: Store>(
        &mut self,
        store: &mut S,
        id: &ClaimId,
        row: &OwnedRow,
        recorded: &Recorded,
    ) -> Result<CaseKey> {
        if let Some(key) = self.claims.get(id) {
            return Ok(key.clone());
        }
        let key = if row.revision == 1 {
            first_key(id, &recorded.event)
        } else {
            let first = store.history(&recorded.envelope.stream)?.into_iter().next();
            let first = first
                .ok_or_else(|| broken(format!("position {}: its claim has no beginning", row.position)))?;
            first_key(id, &opened(&first)?.event)
        };
        self.claims.insert(id.clone(), key.clone());
        Ok(key)
    }

    fn event(
        &mut self,
        row: &OwnedRow,
        said: &Said,
        key: Option<&CaseKey>,
        derived: &mut Derived,
    ) -> Result<()> {
        let e = &said.envelope(row);
        let Some(payload) = e.payload_of(&row.body, &mut self.buffer) else {
            return Err(broken(format!("position {}: the body is not that of its columns", row.position)));
        };
        let lens: Lens<'_> = serde_json::from_slice(payload)
            .map_err(|why| broken(format!("position {}: {why}", row.position)))?;
        let (stream_type, stream_id) = row.stream.split_once('/').unwrap_or((&row.stream, ""));
        let held = key.and_then(|key| self.cases.get(key));
        let claim = if stream_type == "claim" { ClaimId::new(stream_id).ok() } else { None };
        let counted = held.zip(claim.as_ref()).and_then(|(held, id)| held.counted.get(id));
        let sale = held.and_then(|held| held.case.order_state()).map(|order| &order.sale);
        let merchant = counted.map(|of| of.merchant.as_str()).or(sale.map(|sale| sale.policy.as_str()));
        let country =
            counted.map(|of| of.country.as_str()).or(sale.map(|sale| sale.ship_to.country.as_str()));
        let order = match key {
            Some(CaseKey::Order(id)) => Some(id.as_str()),
            _ => None,
        };
        let mut pen = derived.events.row();
        pen.number(Some(signed(row.position)?)).text(stream_type).maybe(Some(stream_id));
        pen.number(Some(signed(row.revision)?)).text(e.kind).number(Some(e.version));
        pen.number(Some(e.effective_at)).number(Some(e.offset_minutes)).number(Some(e.recorded_at));
        pen.text(&said.envelope.effective.local_day().month().to_string())
            .text(e.actor)
            .text(e.role)
            .maybe(e.approver)
            .text(e.source);
        pen.maybe(e.external_id).bytes(e.causation.as_ref().map(|id| id.as_slice())).maybe(e.correlation);
        pen.bytes(Some(&e.event_id)).text(e.ledger);
        pen.maybe(merchant).maybe(country).maybe(order).maybe(claim.as_ref().map(|id| id.as_str()));
        pen.maybe(counted.map(|of| of.reason.as_str()));
        pen.maybe(lens.carrier.as_deref()).maybe(lens.reason_code.as_deref());
        pen.maybe(said.amount.map(|amount| amount.currency()).as_ref().map(|currency| currency.as_str()));
        pen.number(said.amount.map(|amount| signed(amount.minor())).transpose()?);
        pen.bytes(Some(payload)).bytes(Some(&row.leaf));
        Ok(())
    }
}

fn signed(number: u64) -> Result<i64> {
    i64::try_from(number).map_err(|_| broken(format!("{number} is beyond what a segment holds")))
}

/// What is read of a payload whatever its kind.
#[derive(Deserialize)]
struct Lens<'a> {
    #[serde(borrow, default)]
    carrier: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    reason_code: Option<Cow<'a, str>>,
}

/// What of an event is kept when its case takes it.
struct Said {
    envelope: codec::Envelope,
    version: u16,
    amount: Option<Amount>,
}

impl Said {
    fn of(recorded: &Recorded) -> Self {
        Self {
            envelope: recorded.envelope.clone(),
            version: recorded.version,
            amount: amount_of(&recorded.event),
        }
    }
    fn envelope<'a>(&'a self, row: &'a OwnedRow) -> Envelope<'a> {
        let e = &self.envelope;
        Envelope {
            actor: e.actor.as_str(),
            approver: e.approver.as_ref().map(|id| id.as_str()),
            causation: e.causation.map(|id| *id.0.as_bytes()),
            correlation: e.correlation.as_ref().map(|word| word.as_str()),
            effective_at: e.effective.at.micros(),
            event_id: row.event_id,
            external_id: e.external_id.as_ref().map(|id| id.as_str()),
            kind: &row.kind,
            ledger: e.ledger.as_str(),
            offset_minutes: e.effective.offset_minutes.into(),
            position: row.position,
            recorded_at: row.recorded_at,
            revision: row.revision,
            role: e.role.as_str(),
            source: e.source.as_str(),
            stream: &row.stream,
            version: self.version.into(),
        }
    }
}

/// Whether an event can change what a claim is counted by, or what it contributes.
fn may_count(event: &Event) -> bool {
    may_move(event)
        || matches!(event, Event::ClaimOpened(_) | Event::ClaimReclassified(_) | Event::OrderRecorded(_))
}

/// The amount that an event is about. Of a kind that has several, or sums of lines, there is none.
fn amount_of(event: &Event) -> Option<Amount> {
    match event {
        Event::LimitSet(p) => Some(p.amount),
        Event::PaymentCaptured(p) => Some(p.amount),
        Event::LabelIssued(p) => Some(p.cost),
        Event::RemedyDecided(p) => p.entitlement,
        Event::CostRecorded(p) => Some(p.amount),
        Event::DiscretionExercised(p) => p.amount,
        Event::FeeCharged(p) => Some(p.amount),
        Event::CustomerCharged(p) => Some(p.amount),
        Event::ChargePaid(p) => Some(p.amount),
        Event::RefundIssued(p) => Some(p.amount),
        Event::GiftCreditIssued(p) => Some(p.amount),
        Event::ChargebackOpened(p) => Some(p.amount),
        Event::HistoricalCreditRecorded(p) => Some(p.amount),
        _ => None,
    }
}

/// What each refund total of a claim has grown by: credits, credited, reversed, failed. Less is below zero.
fn differences(before: &[(TotalKey, Sums)], after: &[(TotalKey, Sums)]) -> Result<Vec<(TotalKey, [i64; 4])>> {
    let mut by: BTreeMap<&TotalKey, [i64; 4]> = BTreeMap::new();
    for (sums, sign) in before.iter().map(|b| (b, -1)).chain(after.iter().map(|a| (a, 1))) {
        let (key, sums) = sums;
        let all = [sums.credits, sums.credited_minor, sums.reversed_minor, sums.failed_minor];
        for (sum, value) in by.entry(key).or_default().iter_mut().zip(all) {
            *sum += sign * signed(value)?;
        }
    }
    Ok(by.into_iter().filter(|(_, by)| *by != [0; 4]).map(|(key, by)| (key.clone(), by)).collect())
}

/// A case as it stood before a position: nothing, for one that begins there.
fn case_before<S: Store>(store: &mut S, key: &CaseKey, position: u64) -> Result<Case> {
    let mut case = Case::default();
    if position <= 1 {
        return Ok(case);
    }
    let mut rows = Vec::new();
    let claims = match key {
        CaseKey::Order(id) => {
            rows.extend(store.history(&Stream::Order(id.clone()))?);
            store.claims_of(id.as_str())?
        }
        CaseKey::Alone(id) => vec![id.to_string()],
    };
    for claim in claims {
        let id = ClaimId::new(claim).map_err(|why| broken(why.to_string()))?;
        rows.extend(store.history(&Stream::Claim(id))?);
    }
    rows.retain(|row| row.position < position);
    rows.sort_by_key(|row| row.position);
    for row in rows {
        case.apply(opened(&row)?).map_err(|fault| {
            let position = Position::new(row.position).unwrap_or(Position::FIRST);
            broken(Broken { position, stream: row.stream.clone(), fault }.to_string())
        })?;
    }
    Ok(case)
}
