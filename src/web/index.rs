//! What waits for somebody, and by which words a case is found: worked out once from the whole log, then kept up with
//! it case by case, so that the inbox and the search answer at once in a ledger of any size.
//!
//! It is a cache and nothing else: thrown away with the program, made from the same functions as `claims due`, `claims
//! next` and `claims list`.

use replay::{
    case::Case,
    claim::ClaimState,
    event::Event,
    history::Cut,
    ids::{ClaimId, OrderId, Stream},
    money::Amount,
    registry::Registry,
    time::{Instant, When},
};
use std::collections::{BTreeMap, BTreeSet};

use super::acts;
use crate::{
    error::Result,
    judging::{
        self,
        board::{self, Ask, ClockRow, MissedRow, States},
        next::{self, Step},
        world::Whole,
    },
    store::{Span, Store},
    view::{self, case_of},
};

/// Most words that one search answers.
pub const FOUND_MAX: usize = 200;
/// Most events that are followed one by one; after more, everything is worked out anew.
const FOLLOW_MAX: u64 = 20_000;

/// What a word names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    Claim,
    Order,
    Rma,
    Refund,
    Charge,
    Chargeback,
    Parcel,
    Customer,
    Reference,
    Device,
    Amount,
}

impl What {
    /// As people read it.
    pub fn as_str(self) -> &'static str {
        match self {
            What::Claim => "claim",
            What::Order => "order",
            What::Rma => "RMA",
            What::Refund => "refund",
            What::Charge => "charge",
            What::Chargeback => "chargeback",
            What::Parcel => "parcel",
            What::Customer => "customer",
            What::Reference => "credit note",
            What::Device => "device",
            What::Amount => "amount",
        }
    }
}

/// Something that can be done with a claim, or that it waits for.
#[derive(Debug, Clone)]
pub struct Todo {
    pub claim: ClaimId,
    pub merchant: String,
    /// Since when the claim is there: the oldest comes first.
    pub opened: When,
    pub step: Step,
}

/// What one case asks for.
#[derive(Debug, Clone, Default)]
struct OfCase {
    clocks: Vec<ClockRow>,
    missed: Vec<MissedRow>,
    todo: Vec<Todo>,
}

/// The index of a ledger.
#[derive(Debug, Default)]
pub struct Index {
    /// Last position that it has seen; 0 = nothing yet.
    through: u64,
    cases: BTreeMap<String, OfCase>,
    /// What a word names, and where. Words are only ever added: what was once said of a claim still finds it.
    words: BTreeMap<String, BTreeSet<(What, Stream)>>,
    /// Cases that could not be folded to their end, and so ask for nothing.
    pub not_proved: BTreeSet<String>,
}

impl Index {
    /// Brings the index to the end of the log.
    ///
    /// # Errors
    /// Storage errors, a broken registry.
    pub fn follow<S: Store>(&mut self, store: &mut S, now: When) -> Result<()> {
        let tip = store.tip()?.position;
        // Somebody else may have looked at a later state already; theirs is as good.
        if tip <= self.through {
            return Ok(());
        }
        if self.through == 0 || tip.saturating_sub(self.through) > FOLLOW_MAX {
            return self.anew(store, now);
        }
        let mut streams: BTreeSet<String> = BTreeSet::new();
        let mut rules_changed = false;
        store.scan(Span::after(self.through), &mut |row| {
            rules_changed |= matches!(row.kind, "policy_published" | "calendar_published");
            if row.stream != "ledger" {
                streams.insert(row.stream.to_owned());
            }
            std::ops::ControlFlow::Continue(())
        })?;
        if rules_changed {
            return self.anew(store, now);
        }
        let registry = judging::registry(store)?;
        let ask = ask(now);
        let mut seen = BTreeSet::new();
        for stream in streams.iter().filter_map(|text| text.parse::<Stream>().ok()) {
            match case_of(store, &stream) {
                Ok(case) => {
                    if seen.insert(name(&case)) {
                        self.take(&case, &registry, &ask);
                    }
                }
                Err(_) => {
                    self.not_proved.insert(stream.to_string());
                }
            }
        }
        self.through = tip;
        Ok(())
    }

    fn anew<S: Store>(&mut self, store: &mut S, now: When) -> Result<()> {
        let whole = Whole::read(store, &Cut::default(), false)?;
        let mut made = Index { not_proved: whole.not_proved.clone(), ..Index::default() };
        let ask = ask(now);
        whole.each(false, |_, case| made.take(case, whole.registry(), &ask))?;
        made.through = whole.events;
        *self = made;
        Ok(())
    }

    fn take(&mut self, case: &Case, registry: &Registry, ask: &Ask) {
        let board = board::of_case(case, registry, ask);
        let mut of = OfCase { clocks: board.clocks, missed: board.missed, todo: Vec::new() };
        for (id, claim) in &case.claims {
            let Some(state) = claim.state(&Cut::default()) else { continue };
            self.words_of(id, &state);
            for fact in claim.history.facts() {
                if let Event::HistoricalCreditRecorded(credit) = &fact.event {
                    let stream = || Stream::Claim(id.clone());
                    self.word(credit.reference.as_str(), What::Reference, stream());
                    if let Some(customer) = &credit.customer {
                        self.word(customer.as_str(), What::Customer, stream());
                    }
                }
            }
            if !state.closed && !state.withdrawn {
                todo(case, id, &state, registry, &mut of.todo);
            }
        }
        if let Some(order) = &case.order {
            self.words_of_order(&order.id, order.history.facts().iter().map(|fact| &fact.event));
        }
        let name = name(case);
        if of.clocks.is_empty() && of.missed.is_empty() && of.todo.is_empty() {
            self.cases.remove(&name);
        } else {
            self.cases.insert(name, of);
        }
    }

    fn word(&mut self, word: &str, what: What, stream: Stream) {
        self.words.entry(word.to_lowercase()).or_default().insert((what, stream));
    }

    fn words_of(&mut self, id: &ClaimId, state: &ClaimState) {
        let stream = || Stream::Claim(id.clone());
        self.word(id.as_str(), What::Claim, stream());
        for rma in state.rmas.keys() {
            self.word(rma.as_str(), What::Rma, stream());
        }
        for parcel in state.parcels.keys() {
            self.word(parcel.as_str(), What::Parcel, stream());
        }
        for (refund, credit) in &state.credits {
            self.word(refund.as_str(), What::Refund, stream());
            self.amount(credit.amount, stream());
        }
        for (charge, of) in &state.charges {
            self.word(charge.as_str(), What::Charge, stream());
            self.amount(of.amount, stream());
        }
        for (reference, (amount, _)) in &state.chargebacks {
            self.word(reference.as_str(), What::Chargeback, stream());
            self.amount(*amount, stream());
        }
    }

    fn words_of_order<'e>(&mut self, id: &OrderId, events: impl Iterator<Item = &'e Event>) {
        let stream = || Stream::Order(id.clone());
        self.word(id.as_str(), What::Order, stream());
        for event in events {
            match event {
                Event::ShipmentDispatched(sent) => self.word(sent.parcel.as_str(), What::Parcel, stream()),
                Event::PaymentCaptured(paid) => self.amount(paid.amount, stream()),
                Event::SubscriptionActivated(on) => self.word(on.device.as_str(), What::Device, stream()),
                _ => {}
            }
        }
    }

    fn amount(&mut self, amount: Amount, stream: Stream) {
        self.word(&amount.decimal_text(), What::Amount, stream);
    }

    /// What a word names: the word itself first, then what begins with it. At most [`FOUND_MAX`].
    pub fn find(&self, text: &str) -> Vec<(String, What, Stream)> {
        let text = text.trim().to_lowercase();
        // An amount may be written with its currency behind it, or with a comma.
        let amount = text.split(' ').next().unwrap_or_default().replace(',', ".");
        let mut found = Vec::new();
        let exact = self.words.get(&text).into_iter().map(|at| (text.clone(), at));
        let amount =
            self.words.get(&amount).filter(|_| amount != text).into_iter().map(|at| (amount.clone(), at));
        let begins = self.words.range(text.clone()..).take_while(|(word, _)| word.starts_with(&text));
        let begins = begins.filter(|(word, _)| **word != text).map(|(word, at)| (word.clone(), at));
        for (word, places) in exact.chain(amount).chain(begins) {
            for (what, stream) in places {
                if found.len() >= FOUND_MAX {
                    return found;
                }
                found.push((word.clone(), *what, stream.clone()));
            }
        }
        found
    }

    /// Clocks that are not met, the most urgent first: late ones, then by when they are due.
    pub fn clocks(&self) -> Vec<&ClockRow> {
        let mut all: Vec<&ClockRow> = self.cases.values().flat_map(|of| &of.clocks).collect();
        all.sort_by_key(|row| (row.due_at.map_or(i64::MAX, |due| due.at.micros()), row.order.clone()));
        all
    }
    /// Duties to inform that no notice has met, the oldest first.
    pub fn missed(&self) -> Vec<&MissedRow> {
        let mut all: Vec<&MissedRow> = self.cases.values().flat_map(|of| &of.missed).collect();
        all.sort_by_key(|row| (row.since.at, row.order.clone()));
        all
    }
    /// What can be done, and what is waited for, the oldest claim first.
    pub fn todo(&self) -> Vec<&Todo> {
        let mut all: Vec<&Todo> = self.cases.values().flat_map(|of| &of.todo).collect();
        all.sort_by(|a, b| (a.opened.at, &a.claim).cmp(&(b.opened.at, &b.claim)));
        all
    }
}

/// Whether a clock that is not met is late at a moment.
pub fn is_late(row: &ClockRow, now: Instant) -> bool {
    row.due_at.is_some_and(|due| now > due.at)
}

fn ask(now: When) -> Ask {
    let states = States { late: true, running: true, met: false };
    Ask { at: now, known_at: None, policy: None, closed: false, states, within_days: None, limit: usize::MAX }
}

/// A case under the name of its order, or of its only claim.
fn name(case: &Case) -> String {
    match (&case.order, case.claims.keys().next()) {
        (Some(order), _) => format!("order {}", order.id),
        (None, Some(claim)) => format!("claim {claim}"),
        (None, None) => String::new(),
    }
}

fn todo(case: &Case, id: &ClaimId, state: &ClaimState, registry: &Registry, into: &mut Vec<Todo>) {
    let Ok(next) = next::next(case, id, registry, &Cut::default(), state.opened.at) else { return };
    let merchant = case.order_state().map(|order| order.sale.policy.to_string()).unwrap_or_default();
    let todo = |step| Todo { claim: id.clone(), merchant: merchant.clone(), opened: state.opened, step };
    into.extend(next.steps.into_iter().map(todo));
}

impl Todo {
    /// The form behind it, if it is something to do at the desk.
    pub fn act(&self) -> Option<&'static acts::Act> {
        self.step.command.as_deref().and_then(acts::verb_of).and_then(acts::act)
    }
}

/// Streams that hold a personal value: tracking numbers stand in no event, so they are looked up where they lie.
///
/// # Errors
/// Storage errors.
pub fn by_personal(
    store: &mut crate::store::sqlite::SqliteStore,
    value: &str,
) -> Result<Vec<(String, Stream)>> {
    let mut found = Vec::new();
    for position in store.positions_of_personal(value, FOUND_MAX)? {
        if let Some(row) = store.row(position)? {
            found.push((row.kind.clone(), view::opened(&row)?.envelope.stream));
        }
    }
    found.dedup();
    Ok(found)
}
