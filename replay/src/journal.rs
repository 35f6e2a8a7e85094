//! The journal: every event that moves money, or says who owes it, as an entry of double-entry bookkeeping.
//!
//! A projection, computed when asked for: one entry per event, by position, with the event's id. What an event posts is
//! the difference between where its claim's money stood before it and where it stands after it (`standing`), so that
//! corrections and reversals give correcting entries, the sum of all entries is what the books say, and an entry is even
//! because both standings are. Sales and what was paid for them belong to the shop's own books and are not posted, nor
//! are the merchant's own costs, which its suppliers invoice.

mod account;
mod split;
mod standing;
mod totals;

pub use account::{Account, AccountKind};
pub use standing::Balances;
pub use totals::{Compared, Totals};

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};

use crate::{
    books::{Books, rows},
    case::{Broken, Case, Fault, World},
    claim::ClaimState,
    codec::{Envelope, Recorded, Row, open},
    event::{Event, Kind, RemedyDecided},
    history::Cut,
    ids::{ClaimId, EventId, OrderId, PolicyId, Position, Stream},
    merkle::{Frontier, Hash, leaf_hash},
    money::Currency,
    period::Periods,
    registry::Registry,
    time::{Day, When},
};
use standing::{balances, difference};

/// The parts of decisions, by the decision's event and the amount it gives.
type Splits = BTreeMap<(EventId, u64), Balances>;

/// One event as accountants keep it. Its id is the event's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub position: Position,
    pub event_id: EventId,
    pub kind: Kind,
    /// The day it is posted on.
    pub day: Day,
    /// When it happened.
    pub effective: When,
    pub claim: ClaimId,
    /// `None` for credits from before this ledger.
    pub order: Option<OrderId>,
    pub merchant: PolicyId,
    /// A decision in it is posted as one sum: its parts are not what was judged when it was made.
    pub net: bool,
    pub currency: Currency,
    /// Signed, in minor units of `currency`, debits positive; they add up to nothing.
    pub postings: Vec<(Account, i128)>,
}

/// Takes the rows of a log in order of position and gives its entries. It holds every case of the log, as an audit
/// does, and no entry.
#[derive(Debug, Default)]
pub struct Journal {
    world: World,
    frontier: Frontier,
    poster: Poster,
}

/// Posts the events of a log while somebody else folds them: it is shown each event before and after it is applied.
#[derive(Debug, Default)]
pub struct Poster {
    periods: Periods,
    claims: BTreeMap<ClaimId, Standing>,
    totals: Totals,
}

#[derive(Debug, Default)]
struct Standing {
    balances: Balances,
    splits: Splits,
}

/// What is known of an entry before its event is applied.
#[derive(Debug)]
pub struct Pending {
    position: Position,
    event_id: EventId,
    kind: Kind,
    day: Day,
    effective: When,
    claim: ClaimId,
    kept: Standing,
    decided: Option<(EventId, u64)>,
    corrects: Option<EventId>,
}

impl Journal {
    /// The next row, and its entry if it moves money.
    ///
    /// # Errors
    /// The log contradicts itself there: nothing after it can be posted, because nothing is skipped.
    pub fn row(&mut self, row: &Row<'_>) -> Result<Option<Entry>, Broken> {
        let broken = |fault| Broken {
            position: Position::new(row.position).unwrap_or(Position::FIRST),
            stream: String::from(row.stream),
            fault,
        };
        let due = self.frontier.size().saturating_add(1);
        if row.position != due {
            return Err(broken(Fault::PositionIsNotTheNext { due }));
        }
        self.frontier.push(leaf_hash(row.body));
        let recorded = open(row).map_err(|why| broken(Fault::Row(why)))?;
        self.take(recorded).map_err(broken)
    }

    /// The next event.
    fn take(&mut self, recorded: Recorded) -> Result<Option<Entry>, Fault> {
        let pending = self.poster.before(&recorded, &self.world);
        self.world.apply(recorded)?;
        Ok(pending.and_then(|pending| self.poster.after(pending, &self.world)))
    }

    /// The root of the log as far as it was read.
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }
    /// How many events were read.
    pub fn events(&self) -> u64 {
        self.frontier.size()
    }
    /// What all entries add up to.
    pub fn totals(&self) -> &Totals {
        &self.poster.totals
    }
    /// The totals beside those of the books, which are made from the same log by other functions. Equal, or the journal
    /// is wrong.
    pub fn compared(&self) -> Vec<Compared> {
        let mut books = totals::OfBooks::default();
        for (_, case) in self.world.cases() {
            for id in case.claims.keys() {
                if let Some(rows) = rows(case, id, &Cut::default()) {
                    books.add(&rows);
                }
            }
        }
        books.compared(&self.poster.totals)
    }
}

impl Poster {
    /// An event that is applied next, and the world without it. `None` when it moves no money.
    pub fn before(&mut self, recorded: &Recorded, world: &World) -> Option<Pending> {
        self.periods.apply(recorded.envelope.position, &recorded.event);
        let claim = match &recorded.envelope.stream {
            Stream::Claim(id) if moves_money(recorded.event.kind()) => id.clone(),
            _ => return None,
        };
        let (kind, day) = (recorded.event.kind(), self.periods.posting_day_of(&recorded.envelope));
        let Envelope { position, event_id, effective, .. } = recorded.envelope;
        let mut kept = self.claims.remove(&claim).unwrap_or_default();
        // What a decision is made of was judged before it stood.
        let mut decided = None;
        if let (Event::RemedyDecided(d), Some(case)) = (&recorded.event, world.case_of(&claim)) {
            decided = kept.learn(event_id, d, case, &claim, &world.registry);
        }
        let corrects = match &recorded.event {
            Event::EventCorrected(c) => Some(c.target),
            _ => None,
        };
        Some(Pending { position, event_id, kind, day, effective, claim, kept, decided, corrects })
    }

    /// The entry of that event, now that the world has it.
    pub fn after(&mut self, pending: Pending, world: &World) -> Option<Entry> {
        let Pending { position, event_id, kind, day, effective, claim: id, mut kept, mut decided, corrects } =
            pending;
        let case = world.case_of(&id)?;
        let claim = case.claims.get(&id)?;
        // A corrected decision is judged as if it were made now, in the place of the wrong one.
        if let Some(target) = corrects
            && let Some(Event::RemedyDecided(d)) = claim.history.amended(target).as_deref()
        {
            decided = kept.learn(target, d, &case.without(&id, target), &id, &world.registry);
        }
        let state = case.claim_state(&id);
        let after = state.as_ref().map(|state| balances(state, claim, &kept.splits)).unwrap_or_default();
        let moved = difference(&after, &kept.balances);
        kept.balances = after;
        let net = decided.is_some_and(|decision| !kept.splits.contains_key(&decision));
        self.claims.insert(id.clone(), kept);
        let (merchant, currency) = owner(case, state.as_ref())?;
        if moved.is_empty() {
            return None;
        }
        let postings = moved.into_iter().collect();
        let order = state.and_then(|state| state.order);
        let entry = Entry {
            position,
            event_id,
            kind,
            day,
            effective,
            claim: id,
            order,
            merchant,
            net,
            currency,
            postings,
        };
        self.totals.add(&entry);
        Some(entry)
    }

    /// The totals beside those of books that were made from the same events.
    pub fn compared(&self, books: &Books) -> Vec<Compared> {
        let mut sums = totals::OfBooks::default();
        sums.add_all(books);
        sums.compared(&self.totals)
    }
    /// What all entries add up to.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }
}

impl Standing {
    /// Judges what a decision is made of, and says under which name it is kept; `None` when it gives nothing.
    fn learn(
        &mut self,
        event: EventId,
        decided: &RemedyDecided,
        case: &Case,
        id: &ClaimId,
        registry: &Registry,
    ) -> Option<(EventId, u64)> {
        let owed = decided.entitlement.as_ref().map(|amount| amount.minor()).filter(|minor| *minor > 0)?;
        match split::split(case, id, registry, decided, &self.splits) {
            Some(parts) => self.splits.insert((event, owed), parts),
            None => self.splits.remove(&(event, owed)),
        };
        Some((event, owed))
    }
}

impl Entry {
    /// Whether debits and credits are even; every entry's are.
    pub fn is_even(&self) -> bool {
        self.postings.iter().fold(0i128, |sum, (_, minor)| sum.saturating_add(*minor)) == 0
    }
}

/// To whom a claim's money belongs, and in which currency it is; both are fixed with the sale.
fn owner(case: &Case, state: Option<&ClaimState>) -> Option<(PolicyId, Currency)> {
    match case.order_state() {
        Some(order) => Some((order.sale.policy.clone(), order.currency())),
        None => state.and_then(|state| Some((state.merchant.clone()?, state.currency()?))),
    }
}

/// Whether events of this kind can change where a claim's money stands. Every kind is placed; there is no wildcard.
fn moves_money(kind: Kind) -> bool {
    use Kind::*;
    match kind {
        RemedyDecided
        | RemedyFailed
        | DiscretionExercised
        | FeeCharged
        | CustomerCharged
        | ChargePaid
        | ChargeWaived
        | RefundIssued
        | RefundPosted
        | RefundFailed
        | GiftCreditIssued
        | ChargebackOpened
        | ChargebackWon
        | ChargebackLost
        | HistoricalCreditRecorded
        | EventCorrected
        | EventReversed
        | ClaimReopened
        | ClaimWithdrawn => true,
        // What was sold and taken, and what the merchant pays to others, stands in other books.
        OrderRecorded | PaymentCaptured | CostRecorded | LabelIssued => false,
        PolicyPublished
        | CalendarPublished
        | ActorRegistered
        | RoleGranted
        | RoleRevoked
        | LimitSet
        | PersonalDataRedacted
        | RetentionSet
        | LegalHoldPlaced
        | LegalHoldReleased
        | CheckpointRecorded
        | SigningKeyAnnounced
        | PeriodClosed
        | PeriodReopened
        | ProjectionRebuilt
        | AppendRefused
        | SubscriptionActivated
        | DeviceTransmissionSummarised
        | OwnershipChangeRecorded
        | ShipmentDispatched
        | TrackingScanned
        | ClaimOpened
        | ClaimReclassified
        | EvidenceSubmitted
        | VerificationFailed
        | EligibilityAssessed
        | AuthorizationGranted
        | AuthorizationDenied
        | AuthorizationExpired
        | AuthorizationVoided
        | ParcelReceived
        | ParcelRefused
        | ItemInspected
        | ConnectivityAssessed
        | ItemLostInCustody
        | DispositionRecorded
        | RemedyOffered
        | RemedySelected
        | StockReported
        | RepairCompleted
        | RepairShipped
        | SparePartsSent
        | ReplacementShipped
        | ReplacementDelivered
        | RefundLateFlagged
        | RefundTraceOpened
        | RefundTraceAnswered
        | NoticeSent
        | ContactLogged
        | NoteAdded
        | ClaimClosed
        | ClaimEscalated
        | DisputeOpened
        | DisputeResolved => false,
    }
}

/// Minor units as a decimal with as many digits as the currency has, never more or fewer: `-12.50`, `-12`, `0.005`.
pub fn decimal(minor: i128, currency: Currency) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    let minor = minor.unsigned_abs();
    match currency.exponent() {
        0 => format!("{sign}{minor}"),
        digits => {
            let scale = 10u128.pow(digits);
            let (whole, rest) =
                (minor.checked_div(scale).unwrap_or(0), minor.checked_rem(scale).unwrap_or(0));
            format!("{sign}{whole}.{rest:0width$}", width = digits as usize)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_digits_of_their_currency() {
        let text = |minor, code| decimal(minor, Currency::parse(code).unwrap_or(Currency::USD));
        assert_eq!(text(-1250, "EUR"), "-12.50");
        assert_eq!(text(5, "KWD"), "0.005");
        assert_eq!(text(-12, "JPY"), "-12");
        assert_eq!(text(0, "USD"), "0.00");
        assert_eq!(text(-1, "USD"), "-0.01");
        assert_eq!(text(12_345, "CLF"), "1.2345");
    }

    /// A historical credit needs nothing before it, so two lines make a log: a month is sealed, then a credit of it comes.
    #[test]
    fn a_late_fact_is_posted_into_an_open_month() {
        let text = |why: crate::ids::BadText| format!("{why}");
        let recorded = |stream: &str, number: u64, effective: &str, event: Event| {
            let when = |text: &str| When::parse(text).map_err(|why| format!("{why}"));
            let envelope = Envelope {
                ledger: crate::ids::Origin::new("test.ledger").map_err(text)?,
                position: Position::new(number).unwrap_or(Position::FIRST),
                stream: stream.parse().map_err(text)?,
                revision: crate::ids::Revision::after(None),
                event_id: EventId(uuid::Uuid::from_u128(number.into())),
                effective: when(effective)?,
                recorded_at: when("2024-04-02T10:00:00Z")?.at,
                actor: crate::ids::ActorId::new("a").map_err(text)?,
                role: crate::ids::Code::new("r").map_err(text)?,
                approver: None,
                source: crate::ids::SourceId::new("s").map_err(text)?,
                external_id: None,
                causation: None,
                correlation: None,
            };
            let version = event.kind().version();
            Ok::<_, String>(Recorded { envelope, event, version })
        };
        let credit = || {
            Event::decode(
                Kind::HistoricalCreditRecorded,
                1,
                r#"{"merchant":"M","reference":"N1","amount":{"minor":1250,"currency":"EUR"},"lines":[
                    {"key":"N1/1","sku":"A","quantity":1,"amount_minor":1250}]}"#,
            )
        };
        let sealed = || Event::decode(Kind::PeriodClosed, 1, r#"{"period":"2024-03","totals":[]}"#);
        let day = |seal: bool| {
            let mut journal = Journal::default();
            if seal {
                let event = sealed().map_err(|why| format!("{why}"))?;
                let seal = recorded("ledger", 1, "2024-04-01T00:00:00Z", event)?;
                journal.take(seal).map_err(|why| format!("{why:?}"))?;
            }
            let event = credit().map_err(|why| format!("{why}"))?;
            let credit = recorded("claim/H1", 2, "2024-03-31T22:00:00-05:00", event)?;
            let entry = journal.take(credit).map_err(|why| format!("{why:?}"))?;
            assert!(journal.compared().iter().all(Compared::agrees));
            entry.map(|entry| (format!("{}", entry.day), entry.postings)).ok_or(String::from("no entry"))
        };
        let postings = Vec::from([(Account::PaidBefore, -1250), (Account::Historical, 1250)]);
        assert_eq!(day(false), Ok(("2024-03-31".into(), postings.clone())));
        assert_eq!(day(true), Ok(("2024-04-02".into(), postings)));
    }
}
