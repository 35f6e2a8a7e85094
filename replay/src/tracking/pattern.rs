//! The language in which the table of formats is written, and the walk that reads a number by it.

use super::Check;
use super::check_digit::{Algorithm, is_alnum};

/// The pattern language: what stands at one place of a number. Letters are upper-case ASCII.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    /// Exactly this text.
    Text(&'static str),
    /// One of these words, which are set apart by single blanks.
    Word(&'static str),
    /// One of these characters.
    OneOf(&'static str),
    /// So many digits.
    Digits(usize),
    /// So many letters.
    Letters(usize),
    /// So many digits or letters.
    Alnum(usize),
    /// From the first to the second count of digits or letters, both included.
    AlnumBetween(usize, usize),
    /// One of these sequences. An empty one makes the others optional.
    Either(&'static [&'static [Part]]),
    /// Stands for no character: the check digit covers what is written from here up to itself.
    Sum,
    /// As `Sum`, and it covers this text first, which the number leaves out.
    SumAfter(&'static str),
    /// The check digit.
    Check(Algorithm),
}

/// How well a number fits a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    No,
    Wrong { expected: char, found: char },
    Fits(Check),
}

impl Fit {
    /// The better of two readings of the same number, the first one where they are equally good. A number
    /// that can be read in two ways is well formed when one of them holds.
    fn or_else(self, other: impl FnOnce() -> Fit) -> Fit {
        match (self, other) {
            (Fit::Fits(_), _) => self,
            (Fit::No, other) => other(),
            (Fit::Wrong { .. }, other) => match other() {
                better @ Fit::Fits(_) => better,
                Fit::Wrong { .. } | Fit::No => self,
            },
        }
    }
}

/// Reads the whole of `text`, a number without blanks, by a pattern.
pub(super) fn fit(parts: &[Part], text: &str) -> Fit {
    walk(parts, None, Here { rest: text.as_bytes(), sum: ("", &[]), fit: Fit::Fits(Check::NoCheckDigit) })
}

/// How far a walk has come.
#[derive(Clone, Copy)]
struct Here<'t> {
    /// What is still to be read.
    rest: &'t [u8],
    /// Where the sum began: the text that is left out, and the number from that place to its end.
    sum: (&'static str, &'t [u8]),
    /// What the check digit said, once it has been passed.
    fit: Fit,
}

impl<'t> Here<'t> {
    fn past(self, text: &str) -> Option<Here<'t>> {
        self.rest.strip_prefix(text.as_bytes()).map(|rest| Here { rest, ..self })
    }

    fn past_run(self, count: usize, belongs: impl Fn(&u8) -> bool) -> Option<Here<'t>> {
        let (run, rest) = self.rest.split_at_checked(count)?;
        run.iter().all(belongs).then_some(Here { rest, ..self })
    }

    fn past_check(self, algorithm: Algorithm) -> Option<Here<'t>> {
        let (found, rest) = self.rest.split_first()?;
        if !algorithm.is_check_digit(found) {
            return None;
        }
        let (left_out, from) = self.sum;
        let covered = from.strip_suffix(self.rest)?;
        let expected = algorithm.check_digit(left_out.as_bytes(), covered)?;
        let found = char::from(*found);
        let fit = if found == expected { Fit::Fits(Check::Verified) } else { Fit::Wrong { expected, found } };
        Some(Here { rest, fit, ..self })
    }
}

/// The parts that follow an alternative once it is done.
struct Then<'a> {
    parts: &'a [Part],
    then: Option<&'a Then<'a>>,
}

/// Walks `parts`, then what follows them, along the whole rest of the number. Depth is bounded by the number
/// of parts in a format, work by its alternatives: the table is ours, and the number is short.
fn walk(parts: &[Part], then: Option<&Then<'_>>, here: Here<'_>) -> Fit {
    let Some((part, parts)) = parts.split_first() else {
        return match then {
            Some(next) => walk(next.parts, next.then, here),
            None if here.rest.is_empty() => here.fit,
            None => Fit::No,
        };
    };
    let on = |next: Option<Here<'_>>| next.map_or(Fit::No, |next| walk(parts, then, next));
    match *part {
        Part::Text(text) => on(here.past(text)),
        Part::Word(words) => words.split(' ').fold(Fit::No, |fit, word| fit.or_else(|| on(here.past(word)))),
        Part::OneOf(set) => on(here.past_run(1, |c| set.as_bytes().contains(c))),
        Part::Digits(count) => on(here.past_run(count, u8::is_ascii_digit)),
        Part::Letters(count) => on(here.past_run(count, u8::is_ascii_uppercase)),
        Part::Alnum(count) => on(here.past_run(count, is_alnum)),
        Part::AlnumBetween(min, max) => {
            (min..=max).fold(Fit::No, |fit, count| fit.or_else(|| on(here.past_run(count, is_alnum))))
        }
        Part::Either(sequences) => sequences
            .iter()
            .fold(Fit::No, |fit, sequence| fit.or_else(|| walk(sequence, Some(&Then { parts, then }), here))),
        Part::Sum => on(Some(Here { sum: ("", here.rest), ..here })),
        Part::SumAfter(left_out) => on(Some(Here { sum: (left_out, here.rest), ..here })),
        Part::Check(algorithm) => on(here.past_check(algorithm)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracking::{carriers, table};
    use alloc::collections::BTreeSet;
    use alloc::vec::Vec;

    #[test]
    fn a_number_that_reads_two_ways_is_well_formed_when_one_holds() {
        const DIGITS: Part =
            Part::Either(&[&[Part::Sum, Part::Digits(2)], &[Part::Digits(1), Part::Sum, Part::Digits(1)]]);
        let parts = &[DIGITS, Part::Check(Algorithm::Luhn)];
        assert_eq!(fit(parts, "182"), Fit::Fits(Check::Verified), "the first, 1 + 7");
        assert_eq!(fit(parts, "183"), Fit::Fits(Check::Verified), "the second, 7");
        assert_eq!(fit(parts, "184"), Fit::Wrong { expected: '2', found: '4' }, "neither; the first is told");
        assert_eq!(fit(parts, "18"), Fit::No);
        assert_eq!(fit(parts, "1820"), Fit::No);
    }

    /// Every way through a pattern, as the list of parts passed.
    fn ways(parts: &[Part]) -> Vec<Vec<Part>> {
        let mut passed = std::vec![Vec::new()];
        for part in parts {
            let endings = match part {
                Part::Either(sequences) => sequences.iter().flat_map(|sequence| ways(sequence)).collect(),
                part => std::vec![std::vec![*part]],
            };
            passed = passed
                .iter()
                .flat_map(|way| endings.iter().map(move |end| [way.as_slice(), end.as_slice()].concat()))
                .collect();
        }
        passed
    }

    #[test]
    fn the_table_is_in_order_and_every_check_digit_covers_something() {
        let codes: Vec<&str> = carriers().map(|(code, _)| code).collect();
        assert!(codes.is_sorted_by(|a, b| a < b), "{codes:?}");
        assert!(table::POSTAL_OPERATORS.iter().all(|code| codes.contains(code)));
        assert!(codes.contains(&"s10"));
        let mut ids = BTreeSet::new();
        for format in table::CARRIERS.iter().flat_map(|carrier| carrier.formats) {
            assert!(ids.insert(format.id), "{} is there twice", format.id);
            for way in ways(format.parts) {
                let place = |wanted: fn(&Part) -> bool| -> Vec<usize> {
                    (0..).zip(&way).filter(|(_, part)| wanted(part)).map(|(at, _)| at).collect()
                };
                let sums = place(|part| matches!(part, Part::Sum | Part::SumAfter(_)));
                let checks = place(|part| matches!(part, Part::Check(_)));
                assert_eq!(sums.len(), checks.len(), "{}: {way:?}", format.id);
                assert!(checks.len() <= 1, "{}: {way:?}", format.id);
                assert!(
                    sums.iter().zip(&checks).all(|(sum, check)| sum + 1 < *check),
                    "{}: {way:?}",
                    format.id
                );
            }
        }
    }
}
