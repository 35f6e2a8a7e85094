//! What the ledger's own stream learns in a demonstration: who works where, and what they may do.

use replay::{
    event::{ActorRegistered, Event, LimitSet, RoleGranted, RoleRevoked},
    ids::{ActorId, Expected, Personal, SourceId, Stream},
    money::Amount,
    seal::Proposal,
};

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
    for (day, merchant) in (0..).zip(merchants) {
        let at =
            start + 9 * HOUR + i64::from(day) * 20 * MINUTE - i64::from(merchant.offset_minutes) * MINUTE;
        let staff = &merchant.staff;
        let people = [
            (&staff.agents[0], "agent"),
            (&staff.agents[1], "agent"),
            (&staff.dock, "warehouse"),
            (&staff.supervisor, "supervisor"),
        ];
        let mut batch = Vec::new();
        for (actor, role) in people {
            batch.extend(joins(merchant, actor, role, at, chance)?);
        }
        steps.push((at, batch));
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
        let at = start + 10 * HOUR;
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
        actor: merchant.staff.supervisor.clone(),
        role: code("admin")?,
        approver: None,
        source: SourceId::new("desk")?,
        external_id: None,
        event_id: None,
        causation: None,
        correlation: None,
    })
}
