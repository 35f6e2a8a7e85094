//! What every view says to programs: the same JSON from the command line (`--json`) and from the service. A view is a
//! few lines, each one JSON value; a view of one thing is one line.

pub mod kept;
mod money;
mod proofs;
mod thing;

pub use money::{Groups, due, leakage, lineage, not_proved, people, posted, sod, sod_rules, totals, what_if};
pub use proofs::{
    checkpoint, checkpoints, head, instant, policies, policy, policy_body, policy_row, proofs_of_claim,
    replayed, retentions,
};
pub use thing::{Shown, board, claim, order, owed, stream_of, totals_of};

use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};

/// JSON values, one a line.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Lines(pub Vec<String>);

impl Lines {
    /// Rows that are printed as they are.
    ///
    /// # Errors
    /// A row that is no JSON, which is our fault.
    pub fn of<'a, T: Serialize + 'a>(rows: impl IntoIterator<Item = &'a T>) -> Result<Self> {
        let mut lines = Self::default();
        rows.into_iter().try_for_each(|row| lines.add(row))?;
        Ok(lines)
    }
    /// One more value.
    ///
    /// # Errors
    /// As [`Lines::of`].
    pub fn add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let text = serde_json::to_string(value)
            .map_err(|why| Error::new(ErrorKind::Internal, "no_json", why.to_string()))?;
        self.0.push(text);
        Ok(())
    }
    /// Rows with what they are, for programs that read one object a line.
    ///
    /// # Errors
    /// As [`Lines::of`].
    pub fn each<'a, T: Serialize + 'a>(
        &mut self,
        what: &'static str,
        rows: impl IntoIterator<Item = &'a T>,
    ) -> Result<()> {
        rows.into_iter().try_for_each(|row| self.add(&Tagged { what, row }))
    }
}

/// A row with what it is.
#[derive(Serialize)]
struct Tagged<'a, T> {
    what: &'static str,
    #[serde(flatten)]
    row: &'a T,
}
