//! One verb for each thing that happens to a claim, and the event it records.
//!
//! A verb is flags for people: it is put into words of the catalogue here and decided elsewhere. No verb
//! touches the store; what it must look up (units, the order's currency) lies on its [`Desk`].

use replay::{event::Event, ids::Stream, registry::Registry, seal::Proposal};

use super::common::Acting;
use crate::{
    command::event_of,
    door::Door,
    error::{Error, ErrorKind, Result},
    judging::registry,
    store::Store,
    view::case_of,
};
use flags::Desk;

/// Declares [`Act`]: a verb is a struct of the same name in the module that is named behind it.
macro_rules! verbs {
    ($($verb:ident = $module:ident),+ $(,)?) => {
        /// Something that happened, or that the merchant does.
        #[derive(Debug, clap::Subcommand)]
        #[allow(missing_docs, reason = "the structs have the words that people read in --help")]
        pub enum Act { $($verb(Box<$module::$verb>)),+ }

        impl Act {
            /// Who acts, and when.
            pub fn acting(&self) -> &Acting {
                match self { $(Act::$verb(verb) => verb.acting()),+ }
            }
            /// The proposal for this verb, at the revision its stream has now unless one was named. Reads the
            /// store; writes nothing.
            ///
            /// # Errors
            /// What cannot be understood, with a hint; [`ErrorKind::NotFound`] when the order or claim is not
            /// on record.
            pub fn proposal<S: Store>(self, store: &mut S, door: &Door) -> Result<Proposal> {
                match self { $(Act::$verb(verb) => propose(*verb, store, door)),+ }
            }
        }
    };
}

/// `acting` and `stream` of a verb on a claim.
macro_rules! on_claim {
    () => {
        fn acting(&self) -> &crate::cli::common::Acting {
            &self.acting
        }
        fn stream(&self) -> replay::ids::Stream {
            replay::ids::Stream::Claim(self.claim.clone())
        }
    };
}

/// `acting` and `stream` of a verb on an order.
macro_rules! on_order {
    () => {
        fn acting(&self) -> &crate::cli::common::Acting {
            &self.acting
        }
        fn stream(&self) -> replay::ids::Stream {
            replay::ids::Stream::Order(self.order.clone())
        }
    };
}

/// `acting` and `stream` of a verb on an order or a claim.
macro_rules! on_stream {
    () => {
        fn acting(&self) -> &crate::cli::common::Acting {
            &self.acting
        }
        fn stream(&self) -> replay::ids::Stream {
            self.stream.clone()
        }
    };
}

/// `acting` and `stream` of a verb on the ledger itself.
macro_rules! on_ledger {
    () => {
        fn acting(&self) -> &crate::cli::common::Acting {
            &self.acting
        }
        fn stream(&self) -> replay::ids::Stream {
            replay::ids::Stream::Ledger
        }
    };
}

mod admin;
mod amend;
mod claim;
mod credit;
mod flags;
mod goods;
mod hold;
mod money;
mod order;
mod remedy;
mod sale;

pub use flags::{EVIDENCE_FILE_BYTES_MAX, TEXT_FILE_BYTES_MAX, claim_id, order_or_claim};

verbs! {
    // an order, and parcels
    Order = sale, Pay = order, Dispatch = order, Scan = order, Subscribe = order, Device = order,
    Ownership = order,
    // a claim, up to its decision
    Open = claim, Reclassify = claim, Evidence = claim, VerificationFailed = claim, Assess = claim,
    Authorize = claim, Deny = claim, Expire = claim, Void = claim,
    // goods
    Label = goods, Receive = goods, RefuseParcel = goods, Inspect = goods, Connectivity = goods,
    LostInCustody = goods, Dispose = goods,
    // remedies
    Offer = remedy, Select = remedy, Decide = remedy, RemedyFailed = remedy, Stock = remedy,
    Repaired = remedy, ShipRepair = remedy, SendParts = remedy, ShipReplacement = remedy,
    ReplacementDelivered = remedy,
    // money: what is owed, and what moves
    Cost = money, Discretion = money, Fee = money, Charge = money, ChargePaid = money, WaiveCharge = money,
    Refund = credit, Posted = credit, Failed = credit, FlagLate = credit, Trace = credit,
    TraceAnswered = credit, GiftCredit = credit, Chargeback = credit, ChargebackWon = credit,
    ChargebackLost = credit,
    // talk, amendments, life of a claim
    Notice = amend, Contact = amend, Note = amend, Correct = amend, Reverse = amend, Close = amend,
    Reopen = amend, Escalate = amend, Withdraw = amend, Dispute = amend, Resolve = amend,
    // legal holds on personal values
    PlaceHold = hold, ReleaseHold = hold,
    // people
    RegisterActor = admin, Grant = admin, Revoke = admin, Limit = admin,
    // months
    ReopenMonth = admin,
}

/// One verb: who does it, where it is recorded, what it says.
trait Verb {
    /// Who acts, and when.
    fn acting(&self) -> &Acting;
    /// The stream it is recorded in.
    fn stream(&self) -> Stream;
    /// The stream in whose case units and the currency are looked up; the ledger stands for no case.
    fn looked_up(&self) -> Stream {
        self.stream()
    }
    /// Whether the policies must lie on the desk.
    fn asks_the_policy(&self) -> bool {
        false
    }
    /// What is recorded.
    fn event(self, desk: &Desk) -> Result<Event>;
}

fn propose<S: Store>(verb: impl Verb, store: &mut S, door: &Door) -> Result<Proposal> {
    let mut acting = verb.acting().clone();
    let case = case_of(store, &verb.looked_up())?;
    let now = acting.at.unwrap_or_else(|| door.now_here());
    let registry = if verb.asks_the_policy() { registry(store)? } else { Registry::default() };
    let desk = Desk { stream: verb.stream(), case, registry, now };
    let event = verb.event(&desk)?;
    // The same gate as for commands in files, so that both doors let in the same payloads.
    let payload = event.to_value();
    let payload = payload.map_err(|why| Error::new(ErrorKind::Internal, "no_json", why.to_string()))?;
    let event = event_of(event.kind(), payload)?;
    if let (Event::OrderRecorded(sale), None) = (&event, acting.at) {
        // A sale happened when it was made, not when it is typed in.
        acting.at = Some(sale.purchased_at);
    }
    // What was looked up is what the author has seen: later changes must make the proposal stale.
    let seen = desk.case.revision(&desk.stream).map(|revision| revision.get());
    acting.expected_revision = acting.expected_revision.or(seen);
    acting.proposal(store, door, desk.stream, event)
}
