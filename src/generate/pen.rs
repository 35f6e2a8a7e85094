//! The pen that writes a story: time goes by, things are told, and before the shop acts the engine is asked what its
//! policy says of what the ledger will have on record by then. So a demo shop does what its policy lets it do.

use replay::{
    case::Case,
    codec::{Envelope, Recorded},
    decide::{Context, decide},
    event::{Event, Remedy, UnitStatus},
    history::Cut,
    ids::{ClaimId, Position, Revision},
    judge::{Judgement, Options, Supposed, UnitJudgement, judge_with},
    seal::Proposal,
    time::Instant,
};

use super::{
    act::{Act, By, Part, What},
    chance::Chance,
    hours::{HOUR, SECOND, at_work, awake, on_the_road},
    sale::Run,
    story::Story,
    tell::{Impossible, Made, Teller},
};

/// Writes the acts of one stream, as time goes on.
pub(super) struct Pen<'a, 'm> {
    pub story: &'a mut Story<'m>,
    pub chance: &'a mut Chance,
    pub stream: u8,
    pub now: i64,
    /// When the next thing will be told, where the record was asked for it already.
    next: Option<i64>,
    /// What the ledger has on record of the story when the next thing is told.
    case: Case,
    claim: Option<ClaimId>,
    position: Position,
    /// Acts of other streams that are not known yet, the last one first.
    pending: Vec<Act<'m>>,
    fault: Option<Impossible>,
}

impl<'a, 'm> Pen<'a, 'm> {
    /// A pen for the order (0) or one of its claims (from 1).
    pub fn new(story: &'a mut Story<'m>, chance: &'a mut Chance, stream: u8) -> Self {
        let mut pending = if stream > 0 { story.acts.clone() } else { Vec::new() };
        pending.sort_by_key(|act| act.known);
        pending.reverse();
        let now = story.purchased;
        Self {
            story,
            chance,
            stream,
            now,
            next: None,
            case: Case::default(),
            claim: None,
            position: Position::after(None),
            pending,
            fault: None,
        }
    }
    /// # Errors
    /// What could not be put into words: a fault of this program.
    pub fn lay_down(self) -> Made<()> {
        self.fault.map_or(Ok(()), Err)
    }

    /// Lets hours go by.
    pub fn later(&mut self, hours_min: u64, hours_max: u64) {
        let seconds = self.chance.between(hours_min * 3_600, hours_max * 3_600);
        self.now += i64::try_from(seconds).unwrap_or_default() * SECOND;
        self.next = None;
    }
    /// Waits for somebody at work.
    pub fn at_work(&mut self) {
        self.now = at_work(self.now, self.story.merchant.offset_minutes, self.chance);
        self.next = None;
    }
    /// Hours go by, then somebody at work takes it up.
    pub fn work_later(&mut self, hours_min: u64, hours_max: u64) {
        self.later(hours_min, hours_max);
        self.at_work();
    }
    /// Hours go by, then the customer does something.
    pub fn customer_later(&mut self, hours_min: u64, hours_max: u64) {
        self.later(hours_min, hours_max);
        self.now = awake(self.now, self.story.market.offset_minutes);
    }
    /// Days on the road, `extra` percent more than usual.
    pub fn road(&mut self, extra: u64) {
        let [low, high] = self.story.market.days;
        let hours = self.chance.between(low * 24 - 8, high * 24) * (100 + extra) / 100;
        self.now += i64::try_from(hours).unwrap_or_default() * HOUR;
        self.later(0, 1);
        self.now = on_the_road(self.now, self.story.market.offset_minutes);
    }

    /// When the ledger is told of something that happens now, and is told by them.
    fn known(&mut self, by: By) -> i64 {
        if let Some(next) = self.next.take() {
            return next;
        }
        let lag = match by {
            By::Shop | By::Portal | By::Engine => self.chance.between(1, 15),
            By::Psp | By::Platform => self.chance.between(20, 1_800),
            By::Carrier | By::Courier => self.chance.between(120, 9_000),
            _ => self.chance.between(5, 240),
        };
        let lag = i64::try_from(lag).unwrap_or_default() * SECOND;
        (self.now + lag).max(self.last_known() + SECOND)
    }
    fn last_known(&self) -> i64 {
        self.story.known.get(usize::from(self.stream)).copied().unwrap_or_default()
    }
    /// The revision of the last act of this stream.
    pub fn revision(&self) -> u64 {
        self.story.revisions.get(usize::from(self.stream)).copied().unwrap_or_default()
    }

    /// Something happens now, and the ledger is told soon: a step of its own. Whether the ledger takes it.
    pub fn tell(&mut self, by: By, what: impl Into<What<'m>>) -> bool {
        let known = self.known(by);
        self.push(by, what.into(), known)
    }
    /// Something happens now, and the ledger is told so much later.
    pub fn tell_late(&mut self, by: By, what: impl Into<What<'m>>, lag: i64) -> bool {
        let known = (self.now + lag).max(self.last_known() + SECOND);
        self.push(by, what.into(), known)
    }
    /// Something else happens now and is told with what was told last.
    pub fn and(&mut self, by: By, what: impl Into<What<'m>>) -> bool {
        let known = self.story.acts.last().map_or(0, |act| act.known);
        if self.next.is_none() && known >= self.last_known() && known >= self.now {
            self.push(by, what.into(), known)
        } else {
            self.tell(by, what)
        }
    }
    /// Something about the order itself, while a claim is being written.
    pub fn tell_of_the_order(&mut self, by: By, what: impl Into<What<'m>>) -> bool {
        let stream = std::mem::replace(&mut self.stream, 0);
        self.next = None;
        let taken = self.tell(by, what);
        self.stream = stream;
        // Another claim may have told of the order at a later time. Then this one waits: what it goes on with is a record
        // that has both.
        if let (true, Some(told)) = (taken, self.story.acts.last()) {
            self.now = self.now.max(told.known);
        }
        taken
    }

    fn push(&mut self, by: By, what: What<'m>, known: i64) -> bool {
        let revision = self.revision() + 1;
        let act = Act { at: self.now, known, stream: self.stream, revision, by, what };
        let at = usize::from(self.stream);
        // What happens to the order before anybody claims anything asks nothing of the record.
        let goes_unasked = self.stream == 0 && self.pending.is_empty() && self.case.order.is_none();
        if !goes_unasked {
            match self.catch_up(known).and_then(|()| self.ask(&act)) {
                Ok(true) => {}
                Ok(false) => return false,
                Err(why) => {
                    self.fault.get_or_insert(why);
                    return false;
                }
            }
        }
        if let (Some(last), Some(count)) = (self.story.known.get_mut(at), self.story.revisions.get_mut(at)) {
            (*last, *count) = (known, revision);
        }
        self.story.acts.push(act);
        true
    }

    /// Whether the ledger would take it; then it is on record.
    fn ask(&mut self, act: &Act<'m>) -> Made<bool> {
        let proposal = Teller::of(self.story).planned(act)?;
        let context = Context { registry: &self.story.merchant.common.registry, case: &self.case };
        let events = match decide(context, &proposal, Instant::from_micros(act.known)?) {
            Ok(events) => events,
            Err(why) => {
                self.story.refused.push(why.code());
                return Ok(false);
            }
        };
        let mut events = events.into_iter();
        match (events.next(), events.next()) {
            (Some(event), None) => self.on_record(act, proposal, event).map(|()| true),
            // What leads to more than itself would take the place that the next act counts on.
            _ => Ok(false),
        }
    }
    /// What other streams have been told by then is on record.
    fn catch_up(&mut self, known: i64) -> Made<()> {
        while let Some(act) = self.pending.pop_if(|act| act.known <= known) {
            if act.stream > 0 {
                self.ask(&act)?;
                continue;
            }
            let proposal = Teller::of(self.story).planned(&act)?;
            let event = proposal.event.clone();
            self.on_record(&act, proposal, event)?;
        }
        Ok(())
    }
    fn on_record(&mut self, act: &Act<'m>, proposal: Proposal, event: Event) -> Made<()> {
        let revision = Revision::new(act.revision).ok_or_else(|| Impossible("an act has no place".into()))?;
        let envelope = Envelope {
            ledger: self.story.merchant.common.origin.clone(),
            position: self.position,
            stream: proposal.stream,
            revision,
            event_id: Teller::of(self.story).event_id(act.stream, act.revision)?,
            effective: proposal.effective,
            recorded_at: Instant::from_micros(act.known)?,
            actor: proposal.actor,
            role: proposal.role,
            approver: proposal.approver,
            source: proposal.source,
            external_id: None,
            causation: None,
            correlation: None,
        };
        let version = event.kind().version();
        self.position = Position::after(Some(self.position));
        let stream = envelope.stream.clone();
        let fault = |why| Impossible(format!("{stream}: {why:?}"));
        self.case.apply(Recorded { envelope, event, version }).map_err(fault)
    }

    /// What the policy says of this claim when somebody next tells something of it now.
    pub fn judged(&mut self, by: By) -> Option<Judgement> {
        self.judged_if(by, None)
    }
    /// The same, if a part of it were decided so.
    pub fn judged_as(&mut self, by: By, part: Part, remedy: Remedy) -> Option<Judgement> {
        let units = Teller::of(self.story).units_of(self.stream, part).ok()?;
        self.judged_if(by, Some(Supposed { only: units.clone(), units, remedy }))
    }
    fn judged_if(&mut self, by: By, supposed: Option<Supposed>) -> Option<Judgement> {
        let known = self.known(by);
        self.next = Some(known);
        if let Err(why) = self.catch_up(known) {
            self.fault.get_or_insert(why);
            return None;
        }
        if self.claim.is_none() {
            self.claim = Teller::of(self.story).claim_id(self.stream).ok();
        }
        let registry = &self.story.merchant.common.registry;
        let options = Options { supposed, ..Options::default() };
        judge_with(&self.case, self.claim.as_ref()?, registry, &Cut::default(), &options)
    }
    /// What the ledger will have on record of this claim.
    pub fn state(&self) -> Option<replay::claim::ClaimState> {
        self.case.claim_state(self.claim.as_ref()?)
    }

    /// The runs of a part of this claim.
    pub fn runs(&self, part: Part) -> Vec<Run> {
        let claim = self.story.claims.get(usize::from(self.stream) - 1);
        claim.map_or_else(Vec::new, |c| c.units(part))
    }
    /// What is said of the units of a part.
    pub fn units_of<'j>(&self, judged: &'j Judgement, part: Part) -> Vec<&'j UnitJudgement> {
        let runs = self.runs(part);
        let within = |u: &&UnitJudgement| {
            runs.iter().any(|run| run.line == u.line_at && run.first <= u.last && u.first <= run.last)
        };
        judged.units.iter().filter(within).collect()
    }
    /// How a part stands, if all its units stand alike.
    pub fn standing(&self, judged: &Judgement, part: Part) -> Option<UnitStatus> {
        let units = self.units_of(judged, part);
        let first = units.first()?.status;
        units.iter().all(|u| u.status == first).then_some(first)
    }
}
