//! What the ledger's own stream learns in a demonstration: who works where, and what they may do.

use replay::{
    event::{ActorRegistered, Event, LimitSet, RoleGranted, RoleRevoked},
    ids::{ActorId, Expected, Personal, SourceId, Stream},
    money::Amount,
    seal::Proposal,
};

use std::collections::BTreeSet;

use super::{
    chance::Chance,
    hours::{DAY, HOUR, MINUTE},
    shop::Merchant,
    tell::{Made, code, when},
};

/// Fewest events of a demonstration in which people are worth telling.
const EVENTS_MIN: u64 = 2_000;
/// When helpers come for the season, and how long they stay.
const SEASON_DAYS: [i64; 2] = [305, 80];

/// How long before the first day the ledger is set up: no order may come in before somebody may record it.
const SET_UP: i64 = 15 * HOUR;
/// Programs that report to every shop; carriers are those of its markets.
const PROGRAMS: [&str; 4] = ["shop", "psp", "platform", "policy-engine"];

/// What the ledger's stream is told, in order of time: a few commands each.
pub(super) fn steps(
    merchants: &[Merchant],
    seed: u64,
    events: u64,
    start: i64,
    end: i64,
) -> Made<Vec<(i64, Vec<Proposal>)>> {
    let mut steps = Vec::new();
    if events < EVENTS_MIN {
        return Ok(steps);
    }
    let chance = &mut Chance::of(seed, u64::MAX);
    if let Some(merchant) = merchants.first() {
        let mut at = start - SET_UP + MINUTE;
        for program in programs(merchants)? {
            let granted = RoleGranted { actor: program, role: code("system")? };
            steps.push((at, vec![command(merchant, granted.into(), at)?]));
            at += MINUTE;
        }
    }
    for (day, merchant) in (0..).zip(merchants) {
        let staff = &merchant.staff;
        let people = [
            (&staff.agents[0], "agent"),
            (&staff.agents[1], "agent"),
            (&staff.dock, "warehouse"),
            (&staff.bench, "warehouse"),
            (&staff.finance, "finance"),
            (&staff.supervisor, "approver"),
        ];
        for (minute, (actor, role)) in (0..).zip(people) {
            let at = start - SET_UP + HOUR + i64::from(day) * 10 * MINUTE + minute * MINUTE;
            steps.push((at, joins(merchant, actor, role, at, chance)?));
        }
        let mut from = start + SEASON_DAYS[0] * DAY + i64::from(day) * HOUR;
        for season in 1.. {
            let until = from + SEASON_DAYS[1] * DAY;
            if until > end {
                break;
            }
            let house = merchant.terms.policy.as_str().to_ascii_lowercase();
            let helper = ActorId::new(format!("{house}.helper-{season}"))?;
            steps.push((from, joins(merchant, &helper, "agent", from, chance)?));
            let (role, reason_code) = (code("agent")?, code("season_is_over")?);
            let left = RoleRevoked { actor: helper, role, reason_code };
            steps.push((until, vec![command(merchant, left.into(), until)?]));
            from += 365 * DAY;
        }
    }
    if let Some(merchant) = merchants.first() {
        let at = start - SET_UP + 3 * HOUR;
        let mut batch = Vec::new();
        for limit in &merchant.common.limits {
            let amount = Amount::new(limit.minor, limit.currency)?;
            let set = LimitSet { role: limit.role.clone(), act: limit.act.clone(), amount };
            batch.push(command(merchant, set.into(), at)?);
        }
        steps.push((at, batch));
    }
    steps.retain(|(_, batch)| !batch.is_empty());
    steps.sort_by_key(|(at, _)| *at);
    Ok(steps)
}

/// The grant from which on everybody acts only in a role that they hold. It comes before all [`steps`].
pub(super) fn first_admin(merchants: &[Merchant], start: i64) -> Made<Option<(i64, Vec<Proposal>)>> {
    let Some(merchant) = merchants.first() else { return Ok(None) };
    let at = start - SET_UP;
    let granted = RoleGranted { actor: admin()?, role: code("admin")? };
    Ok(Some((at, vec![command(merchant, granted.into(), at)?])))
}

fn joins(
    merchant: &Merchant,
    actor: &ActorId,
    role: &str,
    at: i64,
    chance: &mut Chance,
) -> Made<Vec<Proposal>> {
    let people = &merchant.common.people;
    let name = chance.pick(&people.first).zip(chance.pick(&people.family));
    let name = name.map(|(first, family)| Personal::clear(format!("{first} {family}"))).transpose()?;
    let registered = ActorRegistered { actor: actor.clone(), name };
    let granted = RoleGranted { actor: actor.clone(), role: code(role)? };
    Ok(vec![command(merchant, registered.into(), at)?, command(merchant, granted.into(), at)?])
}

/// The revision it expects is filled in when it is told.
fn command(merchant: &Merchant, event: Event, at: i64) -> Made<Proposal> {
    Ok(Proposal {
        stream: Stream::Ledger,
        expected: Expected::AfterThePreviousOfThisBatch,
        event,
        effective: when(at, merchant.offset_minutes)?,
        effective_is_given: true,
        actor: admin()?,
        role: code("admin")?,
        approver: None,
        source: SourceId::new("desk")?,
        external_id: None,
        event_id: None,
        causation: None,
        correlation: None,
    })
}

/// The person who grants roles.
fn admin() -> Made<ActorId> {
    Ok(ActorId::new("it.admin-1")?)
}

/// Every program once.
fn programs(merchants: &[Merchant]) -> Made<BTreeSet<ActorId>> {
    let mut found = BTreeSet::new();
    for program in PROGRAMS {
        found.insert(ActorId::new(program)?);
    }
    for market in merchants.iter().flat_map(|merchant| &merchant.markets) {
        found.extend([market.carrier.actor.clone(), market.back.actor.clone()]);
    }
    Ok(found)
}
