//! When things happen in a shop: customers by day and less at weekends, people at work in working hours. All in
//! whole microseconds; a place is a fixed offset from UTC.

use super::chance::Chance;

pub(super) const SECOND: i64 = 1_000_000;
pub(super) const MINUTE: i64 = 60 * SECOND;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;

/// How busy the days of a week are, from Monday.
const DAYS: [i64; 7] = [11, 10, 10, 10, 9, 6, 5];
/// How busy the hours of a day are.
const HOURS: [i64; 24] = [2, 1, 1, 1, 1, 1, 2, 4, 6, 8, 9, 9, 9, 8, 8, 8, 8, 9, 10, 12, 13, 11, 7, 4];

/// Bends an even flow of moments since a Monday's midnight so that they gather in busy hours; their order stays.
pub(super) fn bend(since: i64) -> i64 {
    let week = since.div_euclid(WEEK);
    let (day, rest) = slot(since.rem_euclid(WEEK), WEEK, &DAYS);
    let (hour, rest) = slot(rest, DAY, &HOURS);
    week * WEEK + day * DAY + hour * HOUR + rest
}

/// The slot that a moment of an even flow through `whole` falls into, and how far into it. All slots are equally
/// long; each takes in as much of the flow as its share says.
fn slot(at: i64, whole: i64, shares: &[i64]) -> (i64, i64) {
    let sum: i64 = shares.iter().sum();
    let count: i64 = shares.iter().map(|_| 1).sum();
    let mut left = at * sum;
    for (index, share) in (0..).zip(shares) {
        if left < share * whole {
            return (index, left / (share * count));
        }
        left -= share * whole;
    }
    (0, 0)
}

/// The next moment at which somebody at work in that place takes it up.
pub(super) fn at_work(at: i64, offset_minutes: i16, chance: &mut Chance) -> i64 {
    let offset = i64::from(offset_minutes) * MINUTE;
    let local = at + offset;
    let (mut day, clock) = (local.div_euclid(DAY), local.rem_euclid(DAY));
    if clock >= 17 * HOUR {
        day += 1;
    }
    // Day 0 was a Thursday; one in eight Saturdays is worked.
    let free = match (day + 3).rem_euclid(7) {
        5 if chance.percent(12) => 0,
        5 => 2,
        6 => 1,
        _ => 0,
    };
    day += free;
    if day > local.div_euclid(DAY) || clock < 8 * HOUR {
        let into = i64::try_from(chance.below(3 * 3_600)).unwrap_or_default();
        return day * DAY + 8 * HOUR + into * SECOND - offset;
    }
    at
}

/// The next moment at which a customer in that place is awake.
pub(super) fn awake(at: i64, offset_minutes: i16) -> i64 {
    let clock = (at + i64::from(offset_minutes) * MINUTE).rem_euclid(DAY);
    if clock < 7 * HOUR { at + 7 * HOUR } else { at }
}

/// A carrier does not deliver at night or on Sundays.
pub(super) fn on_the_road(at: i64, offset_minutes: i16) -> i64 {
    let local = at + i64::from(offset_minutes) * MINUTE;
    let at = if (local.div_euclid(DAY) + 3).rem_euclid(7) == 6 { at + DAY } else { at };
    awake(at, offset_minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bending_keeps_the_order_and_the_week() {
        let steps: Vec<i64> = (0..2_000).map(|n| bend(n * WEEK / 1_000)).collect();
        assert!(steps.is_sorted() && steps[0] == 0 && steps[1_000] == WEEK);
        let weekend = steps.iter().filter(|at| *at % WEEK >= 5 * DAY).count();
        assert!((300..400).contains(&weekend), "{weekend} of 2000, 571 if weekends were like other days");
    }

    #[test]
    fn work_is_done_at_work() {
        let mut chance = Chance::of(1, 1);
        for n in 0..1_000 {
            let at = at_work(n * 7 * HOUR + n, -360, &mut chance) - 6 * HOUR;
            assert!((8..17).contains(&(at.rem_euclid(DAY) / HOUR)));
            assert_ne!((at.div_euclid(DAY) + 3).rem_euclid(7), 6, "a Sunday");
        }
    }
}
