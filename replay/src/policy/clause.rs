//! Clauses by index: a set of clauses is a few small numbers, so that citing costs nothing.

use alloc::vec::Vec;

/// How many house rules there are; they come first in every policy's list, so `H-n` has the same index everywhere.
pub const HOUSE_RULES: u16 = 22;

/// A clause of a policy, or a house rule, as an index into the policy's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Clause(u16);

impl Clause {
    /// The house rule `H-n`.
    pub const fn house(n: u16) -> Self {
        Clause(n.saturating_sub(1))
    }
    /// The clause at this index, as far as a policy may have that many.
    pub fn at(index: usize) -> Option<Self> {
        u16::try_from(index).ok().map(Clause)
    }
    /// Its place in the policy's list.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
    /// Whether it is a house rule.
    pub fn is_house(self) -> bool {
        self.0 < HOUSE_RULES
    }
}

/// A set of clauses.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cites(Vec<Clause>);

impl Cites {
    /// One house rule.
    pub fn house(n: u16) -> Self {
        Cites(Vec::from([Clause::house(n)]))
    }
    /// Adds one clause.
    pub fn insert(&mut self, clause: Clause) {
        if let Err(at) = self.0.binary_search(&clause) {
            self.0.insert(at, clause);
        }
    }
    /// Adds all of another set.
    pub fn add(&mut self, other: &Cites) {
        for clause in &other.0 {
            self.insert(*clause);
        }
    }
    /// Both sets together.
    pub fn with(mut self, other: &Cites) -> Self {
        self.add(other);
        self
    }
    /// Whether nothing is cited.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// Whether this clause is among them.
    pub fn contains(&self, clause: Clause) -> bool {
        self.0.binary_search(&clause).is_ok()
    }
    /// The clauses, in the order of the policy's list.
    pub fn iter(&self) -> impl Iterator<Item = Clause> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<Clause> for Cites {
    fn from_iter<I: IntoIterator<Item = Clause>>(clauses: I) -> Self {
        let mut cites = Cites::default();
        for clause in clauses {
            cites.insert(clause);
        }
        cites
    }
}
