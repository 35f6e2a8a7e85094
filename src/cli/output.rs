//! How answers look: tables that fit 80 columns and read well without colour, JSON on request.

use serde::Serialize;
use std::io::Write;

use crate::error::{Error, ErrorKind, Result};
pub use crate::view::money;

/// Where answers go: data to stdout, words to stderr.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// Whether a program reads.
    pub json: bool,
}

impl Output {
    /// Writes text for people, or the value as one line of JSON for programs.
    ///
    /// # Errors
    /// When stdout cannot be written; a closed pipe is no error.
    pub fn say<T: Serialize>(&self, value: &T, people: impl FnOnce() -> String) -> Result<()> {
        let text = if self.json {
            serde_json::to_string(value)
                .map_err(|why| Error::new(ErrorKind::Internal, "no_json", why.to_string()))?
        } else {
            people()
        };
        line(text.trim_end_matches('\n'))
    }
}

impl Output {
    /// Writes what a view says to programs.
    ///
    /// # Errors
    /// As [`Output::say`].
    pub fn lines(&self, lines: &crate::answers::Lines) -> Result<()> {
        lines.0.iter().try_for_each(|text| line(text))
    }
}

/// Writes a line to stdout.
///
/// # Errors
/// When stdout cannot be written; a closed pipe ends the program quietly, as `head` expects.
pub fn line(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(why) if why.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(why) => Err(Error::new(ErrorKind::Storage, "stdout_unusable", why.to_string())),
    }
}

/// stdout for long answers: a closed pipe ends the program quietly here as well.
pub struct Quiet<W>(pub W);

impl<W: Write> Quiet<W> {
    fn ended<T>(result: std::io::Result<T>) -> std::io::Result<T> {
        match result {
            Err(why) if why.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
            other => other,
        }
    }
}

impl<W: Write> Write for Quiet<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Self::ended(self.0.write(bytes))
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Self::ended(self.0.flush())
    }
}

/// A table with a heading and aligned columns. Columns whose heading ends with `>` are set to the right.
/// Without rows it says so.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return "nothing to show".into();
    }
    let right: Vec<bool> = head.iter().map(|h| h.ends_with('>')).collect();
    let head: Vec<String> = head.iter().map(|h| h.trim_end_matches('>').to_string()).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).chain(head.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut text = String::new();
    let rule: Vec<String> = widths.iter().map(|w| "-".repeat(*w)).collect();
    for row in std::iter::once(&head).chain(std::iter::once(&rule)).chain(rows) {
        let mut one = String::new();
        for ((cell, width), right) in row.iter().zip(&widths).zip(&right) {
            let pad = " ".repeat(width.saturating_sub(cell.chars().count()));
            if *right {
                one.push_str(&pad);
            }
            one.push_str(cell);
            if !*right {
                one.push_str(&pad);
            }
            one.push_str("  ");
        }
        text.push_str(one.trim_end());
        text.push('\n');
    }
    text
}

/// What people read of a receipt.
///
/// # Errors
/// When stdout cannot be written.
pub fn receipt(receipt: &crate::ledger::Receipt, out: Output) -> Result<()> {
    out.say(receipt, || {
        let word = match receipt.outcome {
            crate::ledger::Outcome::Recorded => "recorded",
            crate::ledger::Outcome::AlreadyRecorded => "already recorded",
        };
        format!(
            "{word} {} on {} at revision {}, position {} (event {})",
            receipt.kind, receipt.stream, receipt.revision, receipt.position, receipt.event_id
        )
    })
}

/// A day as it is; an instant to the minute, with the offset of the place where it counts: `2024-04-26 12:00-05:00`.
pub fn minutes(due: &str) -> String {
    let (Some(start), Some(rest)) = (due.get(..16), due.get(16..)) else { return due.to_owned() };
    let offset = rest.find(['Z', '+', '-']).and_then(|at| rest.get(at..)).unwrap_or_default();
    format!("{}{offset}", start.replace('T', " "))
}
