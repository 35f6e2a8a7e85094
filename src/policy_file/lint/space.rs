//! Scopes as areas: which units and claims a row is about, exactly enough to say that two rows overlap, that one lies
//! inside another, and what none of them covers.
//!
//! A scope is a box in a space with few values in each direction (basis, class, region ...), so a set of rows can be
//! taken out of another without guessing. Windows count as independent of each other, which errs on the side of
//! saying nothing.

use replay::{
    event::{ArticleClass, Basis, Channel, Condition, Remedy},
    policy::{Policy, Scope},
};

/// Most boxes while rows are taken out of each other; beyond that nothing is said.
const AREAS_MAX: usize = 1_024;
/// Most kinds of places that regions may tell apart: an area keeps a bit for each.
pub(super) const CELLS_MAX: usize = 128;

const BASIS: usize = 0;
const CLASS: usize = 1;
const CONDITION: usize = 2;
const REMEDY: usize = 3;
const CHANNEL: usize = 4;
const REGION: usize = 5;
const CAUSE: usize = 6;
const FIRST_WINDOW: usize = 7;

/// The directions of a policy and their values.
pub(super) struct Space {
    /// For each kind of place: what people call it, and which regions it lies in.
    cells: Vec<(Vec<String>, Vec<bool>)>,
    regions: Vec<String>,
    windows: Vec<String>,
}

/// A box: for each direction the values inside, as bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Area(Vec<u128>);

impl Space {
    pub(super) fn of(policy: &Policy) -> Self {
        let mut codes: Vec<&str> = Vec::new();
        for code in policy.regions.iter().flat_map(|r| r.include.iter().chain(&r.exclude)) {
            if !codes.contains(&code.as_str()) {
                codes.push(code);
            }
        }
        // A country stands for the rest of it that nobody names; no name at all stands for the rest of the world.
        let mut cells: Vec<(Vec<String>, Vec<bool>)> =
            vec![(vec!["any other place".into()], policy.regions.iter().map(|_| false).collect())];
        for code in codes {
            let within: Vec<bool> = policy.regions.iter().map(|region| region.holds(code)).collect();
            match cells.iter_mut().find(|(_, known)| *known == within) {
                Some((names, _)) => names.push(code.into()),
                None => cells.push((vec![code.into()], within)),
            }
        }
        let windows = policy.windows.iter().map(|window| window.name.to_string()).collect();
        let regions = policy.regions.iter().map(|region| region.name.clone()).collect();
        Self { cells, regions, windows }
    }
    /// Whether every kind of place has its bit.
    pub(super) fn is_whole(&self) -> bool {
        self.cells.len() <= CELLS_MAX
    }
    /// Everything.
    pub(super) fn all(&self) -> Area {
        let sizes = [
            Basis::ALL.len(),
            ArticleClass::ALL.len(),
            Condition::ALL.len(),
            Remedy::ALL.len(),
            Channel::ALL.len(),
            self.cells.len(),
            2,
        ];
        Area(sizes.into_iter().chain(self.windows.iter().map(|_| 2)).map(full).collect())
    }
    /// What a scope is about.
    pub(super) fn area(&self, scope: &Scope) -> Area {
        let mut area = self.all();
        area.keep(BASIS, mask(Basis::ALL, &scope.basis));
        area.keep(CLASS, mask(ArticleClass::ALL, &scope.class));
        area.keep(CONDITION, mask(Condition::ALL, &scope.condition_sold));
        area.keep(REMEDY, mask(Remedy::ALL, &scope.remedy));
        area.keep(CHANNEL, mask(Channel::ALL, &scope.contact_channel));
        if let Some((region, is_outside)) = scope.region {
            let lies =
                |(_, within): &(_, Vec<bool>)| within.get(region).copied().unwrap_or(false) != is_outside;
            area.keep(REGION, bits(self.cells.iter().map(lies)));
        }
        if let Some(is_ok) = scope.cause_ok {
            area.keep(CAUSE, if is_ok { 1 } else { 2 });
        }
        area.with_windows(scope.window.as_slice())
    }
    /// The area in words, as far as it is less than the whole that is spoken of: `basis a or b, outside home`.
    pub(super) fn words(&self, area: &Area, whole: &Area) -> String {
        let mut parts = Vec::new();
        for (at, (mask, whole)) in area.0.iter().zip(&whole.0).enumerate() {
            if mask == whole {
                continue;
            }
            if at == REGION
                && let Some(region) = self.region(*mask)
            {
                parts.push(region);
                continue;
            }
            let (what, words) = self.direction(at);
            let within = |(bit, word): (usize, String)| (mask >> bit & 1 == 1).then_some(word);
            let words: Vec<String> = words.into_iter().enumerate().filter_map(within).collect();
            parts.push(format!("{what} {}", words.join(" or ")).trim().to_string());
        }
        if parts.is_empty() { "everything".into() } else { parts.join(", ") }
    }
    /// What people call a direction, and its values.
    fn direction(&self, at: usize) -> (&'static str, Vec<String>) {
        match at {
            BASIS => ("basis", strings(Basis::ALL)),
            CLASS => ("class", strings(ArticleClass::ALL)),
            CONDITION => ("sold as", strings(Condition::ALL)),
            REMEDY => ("remedy", strings(Remedy::ALL)),
            CHANNEL => ("contact by", strings(Channel::ALL)),
            REGION => ("in", self.cells.iter().map(|(names, _)| names.join("/")).collect()),
            CAUSE => (
                "with",
                vec!["a cause not on the customer's side".into(), "a cause on the customer's side".into()],
            ),
            at => {
                let name = at.checked_sub(FIRST_WINDOW).and_then(|at| self.windows.get(at));
                let name = name.map_or("", String::as_str);
                ("", vec![format!("inside window {name}"), format!("outside window {name}")])
            }
        }
    }
    /// The region that is exactly this, or all but this.
    fn region(&self, mask: u128) -> Option<String> {
        self.regions.iter().enumerate().find_map(|(at, name)| {
            let inside = bits(self.cells.iter().map(|(_, within)| within.get(at).copied().unwrap_or(false)));
            let outside = full(self.cells.len()) & !inside;
            match mask {
                mask if mask == inside => Some(format!("inside {name}")),
                mask if mask == outside => Some(format!("outside {name}")),
                _ => None,
            }
        })
    }
}

impl Area {
    fn keep(&mut self, at: usize, mask: u128) {
        if let Some(known) = self.0.get_mut(at) {
            *known &= mask;
        }
    }
    /// Only where these windows hold.
    pub(super) fn with_windows(mut self, windows: &[usize]) -> Self {
        for window in windows {
            self.keep(FIRST_WINDOW.saturating_add(*window), 1);
        }
        self
    }
    /// Only where one of these remedies is given.
    pub(super) fn with_remedies(mut self, remedies: &[Remedy]) -> Self {
        self.keep(REMEDY, bits(Remedy::ALL.iter().map(|remedy| remedies.contains(remedy))));
        self
    }
    /// Only where one of these is the basis.
    pub(super) fn with_basis(mut self, basis: &[Basis]) -> Self {
        self.keep(BASIS, bits(Basis::ALL.iter().map(|known| basis.contains(known))));
        self
    }
    /// The same whichever windows hold.
    pub(super) fn at_any_window(&self) -> Self {
        let mut area = self.clone();
        for mask in area.0.iter_mut().skip(FIRST_WINDOW) {
            *mask = full(2);
        }
        area
    }
    /// Whether nothing lies in it.
    pub(super) fn is_empty(&self) -> bool {
        self.0.contains(&0)
    }
    /// What lies in both.
    pub(super) fn and(&self, other: &Area) -> Area {
        Area(self.0.iter().zip(&other.0).map(|(a, b)| a & b).collect())
    }
    /// Whether something lies in both.
    pub(super) fn meets(&self, other: &Area) -> bool {
        !self.and(other).is_empty()
    }
    /// Whether all of it lies in the other.
    pub(super) fn lies_in(&self, other: &Area) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| a & !b == 0)
    }
    /// What is left without the other, as boxes that do not overlap.
    fn without(&self, other: &Area) -> Vec<Area> {
        if !self.meets(other) {
            return vec![self.clone()];
        }
        let mut left = Vec::new();
        let mut inner = self.clone();
        for (at, theirs) in other.0.iter().enumerate() {
            let mut outer = inner.clone();
            outer.keep(at, !theirs);
            if !outer.is_empty() {
                left.push(outer);
            }
            inner.keep(at, *theirs);
        }
        left
    }
}

/// What is left of some areas without others; `None` when it would take too many boxes to say.
pub(super) fn rest(of: Vec<Area>, without: &[Area]) -> Option<Vec<Area>> {
    let mut left: Vec<Area> = of.into_iter().filter(|area| !area.is_empty()).collect();
    for other in without {
        left = left.iter().flat_map(|area| area.without(other)).collect();
        if left.len() > AREAS_MAX {
            return None;
        }
    }
    Some(left)
}

fn full(size: usize) -> u128 {
    bits((0..size).map(|_| true))
}

fn bits(set: impl Iterator<Item = bool>) -> u128 {
    set.take(CELLS_MAX).enumerate().filter(|(_, is_set)| *is_set).fold(0, |mask, (at, _)| mask | 1u128 << at)
}

/// An empty list means any.
fn mask<T: PartialEq>(all: &[T], chosen: &[T]) -> u128 {
    bits(all.iter().map(|word| chosen.is_empty() || chosen.contains(word)))
}

fn strings<T: ToString>(all: &[T]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(basis: &[Basis], class: &[ArticleClass]) -> (Space, Area) {
        let space = Space::of(&Policy::default());
        let scope = Scope { basis: basis.into(), class: class.into(), ..Scope::default() };
        let area = space.area(&scope);
        (space, area)
    }

    #[test]
    fn what_is_taken_out_is_exactly_what_was_in() {
        let (space, defect) = area(&[Basis::Defect], &[ArticleClass::Main]);
        let left = rest(vec![space.all()], std::slice::from_ref(&defect)).unwrap_or_default();
        assert_eq!(left.len(), 2);
        assert!(left.iter().all(|one| !one.meets(&defect)));
        assert!(left.iter().enumerate().all(|(at, one)| left.iter().skip(at + 1).all(|two| !one.meets(two))));
        assert_eq!(rest(left.clone(), &left), Some(vec![]));
        assert_eq!(rest(vec![defect.clone()], &[space.all()]), Some(vec![]));
        assert!(defect.lies_in(&space.all()) && !space.all().lies_in(&defect));
        assert_eq!(space.words(&defect, &space.all()), "basis defect, class main");
        assert_eq!(space.words(&space.all(), &space.all()), "everything");
    }
}
