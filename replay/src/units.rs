//! Units: the single pieces of an order line, named `L1#1`, and sets of them as ranges.
//!
//! A line of 80,995 pieces is one short string, `L1#1-80995`, and state per unit is kept per run of equal
//! units ([`Runs`]), so the cost of an operation grows with the number of ranges and not with the quantity.
//! The order of units is (line, number), lines in plain byte order; it is the order of the cumulative floor
//! (house rule H-9).

use alloc::string::ToString;
use alloc::vec::Vec;

use smol_str::SmolStr;

pub use spelling::UnitsError;

mod spelling;

/// The longest line id, in bytes.
pub const LINE_ID_LEN_MAX: usize = 40;
/// The highest number of a unit, and so the largest quantity of a line.
pub const UNIT_NUMBER_MAX: u32 = 10_000_000;
/// The most ranges that one set may have when it is read or written.
pub const UNIT_RANGES_MAX: usize = 1_000;

/// The id of an order line: 1 to [`LINE_ID_LEN_MAX`] of `A-Z a-z 0-9 . _ -`, ordered by bytes. Cheap to
/// clone: up to 23 bytes stand in the value itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineId(SmolStr);

impl LineId {
    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One piece of a line, numbered from 1 to [`UNIT_NUMBER_MAX`]: `L1#2`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unit {
    line: LineId,
    number: u32,
}

impl Unit {
    /// The unit of a line with this number.
    ///
    /// # Errors
    /// [`UnitsError::NumberOutOfRange`].
    pub fn new(line: LineId, number: u32) -> Result<Self, UnitsError> {
        if (1..=UNIT_NUMBER_MAX).contains(&number) {
            Ok(Self { line, number })
        } else {
            Err(UnitsError::NumberOutOfRange { text: number.to_string() })
        }
    }

    /// The line it is a piece of.
    pub fn line(&self) -> &LineId {
        &self.line
    }

    /// Its number in the line, from 1.
    pub fn number(&self) -> u32 {
        self.number
    }
}

/// State per unit, kept once per run of neighbouring units in equal state.
///
/// Invariant: sorted by (line, first), disjoint, numbers within 1 to [`UNIT_NUMBER_MAX`], and neighbours in
/// equal state are one run. So two `Runs` are equal exactly when every unit has the same state in both.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Runs<T>(Vec<Run<T>>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Run<T> {
    line: LineId,
    first: u32,
    last: u32,
    state: T,
}

impl<T> Default for Runs<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Clone + PartialEq> Runs<T> {
    /// All `units` in one state.
    pub fn new(units: &Units, state: T) -> Self {
        Self(units.0.0.iter().map(|run| run.with(state.clone())).collect())
    }

    /// The state of one unit, by binary search.
    pub fn get(&self, unit: &Unit) -> Option<&T> {
        let at = self.0.partition_point(|run| (&run.line, run.last) < (&unit.line, unit.number));
        let run = self.0.get(at).filter(|run| run.line == unit.line && run.first <= unit.number)?;
        Some(&run.state)
    }

    /// Changes the state of `units`; those that have no state here are passed over.
    ///
    /// `change` is called once per run of equal units (cut at the ends of `units`), not once per unit, so it
    /// must not count.
    pub fn update(&mut self, units: &Units, mut change: impl FnMut(&mut T)) {
        let mut pieces = Vec::with_capacity(self.0.len());
        split(core::mem::take(&mut self.0), units, |mut piece, inside| {
            if inside {
                change(&mut piece.state);
            }
            pieces.push(piece);
        });
        *self = Self::merged(pieces);
    }

    /// Gives `state` to those of `units` that have none yet.
    pub fn insert_missing(&mut self, units: &Units, state: T) {
        let missing = units.difference(&self.units());
        let mut runs = core::mem::take(&mut self.0);
        runs.extend(missing.0.0.iter().map(|run| run.with(state.clone())));
        *self = Self::merged(runs);
    }

    /// The runs in order: line, first and last number, state.
    pub fn iter(&self) -> impl Iterator<Item = (&LineId, u32, u32, &T)> {
        self.0.iter().map(|run| (&run.line, run.first, run.last, &run.state))
    }

    /// Every unit that has a state.
    pub fn units(&self) -> Units {
        self.units_where(|_| true)
    }

    /// The units in a state that is `wanted`.
    pub fn units_where(&self, mut wanted: impl FnMut(&T) -> bool) -> Units {
        let runs = self.0.iter().filter(|run| wanted(&run.state));
        Units(Runs::merged(runs.map(|run| run.with(())).collect()))
    }

    /// How many units (not runs) are in a state that is `wanted`.
    pub fn count_where(&self, mut wanted: impl FnMut(&T) -> bool) -> u64 {
        self.0.iter().filter(|run| wanted(&run.state)).map(Run::count).sum()
    }

    /// Restores the invariant. Overlapping runs must be in equal state.
    fn merged(mut runs: Vec<Run<T>>) -> Self {
        runs.sort_by(|a, b| (&a.line, a.first).cmp(&(&b.line, b.first)));
        runs.dedup_by(|next, run| {
            let joins =
                run.line == next.line && next.first <= run.last.saturating_add(1) && run.state == next.state;
            if joins {
                run.last = run.last.max(next.last);
            }
            joins
        });
        Self(runs)
    }
}

impl<T> Run<T> {
    fn with<U>(&self, state: U) -> Run<U> {
        Run { line: self.line.clone(), first: self.first, last: self.last, state }
    }

    fn count(&self) -> u64 {
        u64::from(self.last).saturating_sub(self.first.into()).saturating_add(1)
    }
}

/// Hands out the runs in order, cut at the ends of `units`, each with whether it lies inside. One pass over
/// both.
fn split<T: Clone>(runs: Vec<Run<T>>, units: &Units, mut each: impl FnMut(Run<T>, bool)) {
    let mut ranges = units.0.0.iter().peekable();
    for mut run in runs {
        loop {
            while ranges.next_if(|range| (&range.line, range.last) < (&run.line, run.first)).is_some() {}
            let Some(range) = ranges.peek().filter(|range| range.line == run.line && range.first <= run.last)
            else {
                each(run, false);
                break;
            };
            if run.first < range.first {
                each(Run { last: range.first.saturating_sub(1), ..run.clone() }, false);
                run.first = range.first;
            }
            if run.last <= range.last {
                each(run, true);
                break;
            }
            each(Run { last: range.last, ..run.clone() }, true);
            run.first = range.last.saturating_add(1);
        }
    }
}

/// A set of units: sorted, disjoint ranges with neighbours merged, so that one set has one spelling.
/// In JSON `["L1#1-3","L2#1"]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Units(Runs<()>);

impl Units {
    /// All units of a line, numbered from 1 to its quantity.
    ///
    /// # Errors
    /// [`UnitsError::NumberOutOfRange`] when the quantity is 0 or above [`UNIT_NUMBER_MAX`].
    pub fn from_line(line: LineId, quantity: u32) -> Result<Self, UnitsError> {
        let Unit { line, number: last } = Unit::new(line, quantity)?;
        Ok(Self(Runs(Vec::from([Run { line, first: 1, last, state: () }]))))
    }

    /// Whether there is no unit in it.
    pub fn is_empty(&self) -> bool {
        self.0.0.is_empty()
    }

    /// How many units.
    pub fn count(&self) -> u64 {
        self.0.count_where(|()| true)
    }

    /// Whether the unit is in it, by binary search.
    pub fn contains(&self, unit: &Unit) -> bool {
        self.0.get(unit).is_some()
    }

    /// The units in one or the other or both.
    pub fn union(&self, other: &Self) -> Self {
        Self(Runs::merged(self.0.0.iter().chain(&other.0.0).cloned().collect()))
    }

    /// The units in both.
    pub fn intersection(&self, other: &Self) -> Self {
        self.pieces(other, true)
    }

    /// The units of `self` that are not in `other`.
    pub fn difference(&self, other: &Self) -> Self {
        self.pieces(other, false)
    }

    /// Whether every unit of `self` is in `other`.
    pub fn is_subset(&self, other: &Self) -> bool {
        // Ranges are merged, so one that lies in `other` lies in one range of it.
        let holds = |range: &Run<()>| {
            let at = other.0.0.partition_point(|run| (&run.line, run.last) < (&range.line, range.last));
            other.0.0.get(at).is_some_and(|run| run.line == range.line && run.first <= range.first)
        };
        self.0.0.iter().all(holds)
    }

    /// The ranges in order: line, first and last number.
    pub fn ranges(&self) -> impl Iterator<Item = (&LineId, u32, u32)> {
        self.0.iter().map(|(line, first, last, ())| (line, first, last))
    }

    /// Each line once, in order.
    pub fn lines(&self) -> impl Iterator<Item = &LineId> {
        self.0.0.chunk_by(|a, b| a.line == b.line).filter_map(|runs| runs.first()).map(|run| &run.line)
    }

    /// The pieces of `self` that lie inside or outside `other`. Cut from merged ranges they have gaps between
    /// them, so nothing is left to merge.
    fn pieces(&self, other: &Self, wanted: bool) -> Self {
        let mut kept = Vec::new();
        split(self.0.0.clone(), other, |piece, inside| {
            if inside == wanted {
                kept.push(piece);
            }
        });
        Self(Runs(kept))
    }
}

impl From<Unit> for Units {
    fn from(unit: Unit) -> Self {
        Self(Runs(Vec::from([Run { line: unit.line, first: unit.number, last: unit.number, state: () }])))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;
    use alloc::collections::{BTreeMap, BTreeSet};
    use alloc::format;
    use alloc::string::String;
    use proptest::prelude::*;

    fn units(text: &str) -> Units {
        Units::parse_loose([text]).unwrap()
    }

    #[test]
    fn a_long_line_updated_in_part_stays_a_few_runs() {
        let all = units("L1#1-80995");
        let mut runs = Runs::new(&all, 'o');
        let mut calls = 0;
        runs.update(&units("L1#100-200,L1#80995,L2#1"), |state| {
            calls += 1;
            *state = 'r';
        });
        assert_eq!((runs.iter().count(), calls, runs.count_where(|state| *state == 'r')), (4, 2, 102));
        runs.update(&all, |state| *state = 'o');
        assert_eq!(runs, Runs::new(&all, 'o'));
    }

    type Model<T> = BTreeMap<(String, u32), T>;

    /// Few lines and low numbers, so that ranges meet, nest and touch; the top of the range too.
    fn some_units() -> impl Strategy<Value = Units> {
        let low = (1_u32..16, 0_u32..6).prop_map(|(first, more)| (first, first + more));
        let top = (0_u32..3).prop_map(|less| (UNIT_NUMBER_MAX - less, UNIT_NUMBER_MAX));
        let range = (prop::sample::select(&["A", "A-1", "L1"][..]), prop_oneof![9 => low, 1 => top]);
        prop::collection::vec(range, 0..6).prop_map(|ranges| {
            let texts: Vec<String> = ranges.iter().map(|(line, (a, b))| format!("{line}#{a}-{b}")).collect();
            Units::parse_loose(texts.iter().map(String::as_str)).unwrap()
        })
    }

    fn each(set: &Units) -> BTreeSet<(String, u32)> {
        set.ranges().flat_map(|(line, a, b)| (a..=b).map(|number| (line.to_string(), number))).collect()
    }

    /// Any `Units` in canonical form survive a strict round trip, and nothing else does.
    fn canonical(set: &Units) -> bool {
        serde_json::from_str::<Units>(&serde_json::to_string(set).unwrap()).is_ok_and(|read| read == *set)
    }

    proptest! {
        #[test]
        fn set_algebra_is_that_of_single_units(a in some_units(), b in some_units()) {
            let (one, two) = (each(&a), each(&b));
            for (set, model) in [
                (a.union(&b), one.union(&two).cloned().collect::<BTreeSet<_>>()),
                (a.intersection(&b), one.intersection(&two).cloned().collect()),
                (a.difference(&b), one.difference(&two).cloned().collect()),
            ] {
                prop_assert!(canonical(&set), "{set}");
                prop_assert_eq!(each(&set), model);
            }
            prop_assert_eq!(a.is_subset(&b), one.is_subset(&two));
            prop_assert_eq!(a.count(), one.len() as u64);
            prop_assert_eq!(a == b, one == two);
            for (line, number) in two {
                let unit = Unit::new(LineId::parse(&line).unwrap(), number).unwrap();
                prop_assert_eq!(Unit::parse(&unit.to_string()), Ok(unit.clone()));
                prop_assert_eq!(a.contains(&unit), one.contains(&(line, number)));
            }
            prop_assert!(a.is_empty() || units(&a.to_string()) == a);
        }

        #[test]
        fn runs_are_states_of_single_units(
            steps in prop::collection::vec((some_units(), 0_u8..3, any::<bool>()), 1..8),
        ) {
            let (mut runs, mut model) = (Runs::default(), Model::<u8>::new());
            for (set, state, insert) in steps {
                if insert {
                    runs.insert_missing(&set, state);
                    each(&set).into_iter().for_each(|key| _ = model.entry(key).or_insert(state));
                } else {
                    let turn = |old: &mut u8| *old = (*old + state) % 3;
                    runs.update(&set, turn);
                    each(&set).iter().for_each(|key| _ = model.get_mut(key).map(turn));
                }
                prop_assert!(canonical(&runs.units()));
                for state in 0..3 {
                    let of_state = runs.units_where(|other| *other == state);
                    let in_state = model.iter().filter(|(_, other)| **other == state);
                    let expected: BTreeSet<_> = in_state.map(|(key, _)| key.clone()).collect();
                    prop_assert_eq!(runs.count_where(|other| *other == state), expected.len() as u64);
                    prop_assert_eq!(each(&of_state), expected);
                    // Equal neighbours are one run: as many runs as the set of that state has ranges.
                    let run_count = runs.iter().filter(|run| *run.3 == state).count();
                    prop_assert_eq!(run_count, of_state.ranges().count());
                }
                for (line, number) in each(&runs.units().union(&set)) {
                    let unit = Unit::new(LineId::parse(&line).unwrap(), number).unwrap();
                    prop_assert_eq!(runs.get(&unit), model.get(&(line, number)));
                }
            }
        }
    }
}
