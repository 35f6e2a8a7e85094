//! Lines become notes: rows with one reference are one claim, wherever in the file they stand.

use std::collections::HashMap;

use replay::{
    codec::{BODY_BYTES_MAX, CodecError, Envelope, encode},
    event::{Event, HistoricalCreditRecorded, HistoricalLine},
    ids::{
        ClaimId, Code, EventId, Expected, ExternalId, ID_CHARS_MAX, Origin, Position, Revision, Stream, Word,
    },
    money::{Amount, MINOR_MAX},
    seal::Proposal,
    time::{Instant, MICROS_MAX, When},
};

use super::{
    NOTE_ROWS_MAX, Note,
    line::{Cells, Fault, Line},
    mapping::Mapping,
};

/// A fault of a whole note: the line to name, its reference, and what is wrong.
pub(super) type Misfit = (u64, String, Fault);

/// The notes of a file, as far as it has been read.
pub(super) struct Notes<'a> {
    mapping: &'a Mapping,
    index: HashMap<String, usize>,
    drafts: Vec<Draft>,
}

/// A note to which rows may still come.
struct Draft {
    reference: String,
    line: u64,
    body: Body,
}

enum Body {
    /// No row was read yet.
    New,
    /// All rows so far are sound.
    Sound(Box<Sound>),
    /// One was not. The others are still read, so that every bad row is named, but nothing is kept of them.
    LeftOut,
}

struct Sound {
    claim: ClaimId,
    external_id: ExternalId,
    /// The earliest and the latest time of any row.
    first: When,
    last: When,
    /// The first line whose time the clock showed twice.
    twice: Option<u64>,
    /// With the line that named it first.
    customer: Option<(Code, u64)>,
    country: Option<(Word, u64)>,
    amount_minor: u64,
    lines: Vec<HistoricalLine>,
}

impl<'a> Notes<'a> {
    pub fn new(mapping: &'a Mapping) -> Self {
        Self { mapping, index: HashMap::new(), drafts: Vec::new() }
    }

    /// Adds a row that names its note; `line` is what was read of the rest. A fault leaves the note out.
    pub fn add(&mut self, cells: Cells<'_>, line: Result<Line, Fault>) -> Result<(), Fault> {
        let reference = cells.text(self.mapping.note);
        let index = match self.index.get(reference) {
            Some(&index) => index,
            None => {
                let index = self.drafts.len();
                self.drafts.push(Draft {
                    reference: reference.into(),
                    line: cells.row.line,
                    body: Body::New,
                });
                self.index.insert(reference.into(), index);
                index
            }
        };
        match self.drafts.get_mut(index) {
            Some(draft) => draft.add(cells, line),
            None => Ok(()),
        }
    }

    /// Every reference in the order of the file, with its note if it is sound; and what is too large.
    pub fn finish(self) -> (Vec<(String, Option<Note>)>, Vec<Misfit>) {
        let mut misfits = Vec::new();
        let mut drafts = Vec::with_capacity(self.drafts.len());
        for Draft { reference, line, body } in self.drafts {
            let note = match body {
                Body::New | Body::LeftOut => None,
                Body::Sound(sound) => match sound.finish(self.mapping, &reference, line) {
                    Ok(note) => Some(note),
                    Err(fault) => {
                        misfits.push((line, reference.clone(), fault));
                        None
                    }
                },
            };
            drafts.push((reference, note));
        }
        (drafts, misfits)
    }
}

impl Draft {
    fn add(&mut self, cells: Cells<'_>, line: Result<Line, Fault>) -> Result<(), Fault> {
        let added = line.and_then(|line| {
            if matches!(self.body, Body::New) {
                self.body = Body::Sound(Box::new(Sound::begin(cells, line.when)?));
            }
            match &mut self.body {
                Body::Sound(sound) => sound.add(cells, line),
                Body::New | Body::LeftOut => Ok(()),
            }
        });
        if added.is_err() {
            self.body = Body::LeftOut;
        }
        added
    }
}

impl Sound {
    fn begin(cells: Cells<'_>, when: When) -> Result<Self, Fault> {
        let mapping = cells.mapping;
        let reference = cells.text(mapping.note);
        let hint = "[claim] id of the mapping makes the claim id; it holds {note} as it stands in the file";
        let claim =
            mapping.claim_id(reference).map_err(|why| cells.fault(mapping.note, why_not(&why), hint))?;
        let external_id =
            ExternalId::new(reference).map_err(|why| cells.fault(mapping.note, why_not(&why), hint))?;
        Ok(Self {
            claim,
            external_id,
            first: when,
            last: when,
            twice: None,
            customer: None,
            country: None,
            amount_minor: 0,
            lines: Vec::new(),
        })
    }

    fn add(&mut self, cells: Cells<'_>, line: Line) -> Result<(), Fault> {
        let Line { when, twice, sku, description, quantity, amount_minor, customer, country } = line;
        let row = cells.row.line;
        if self.lines.len() >= NOTE_ROWS_MAX {
            let hint =
                "an event has no room for more; split the note in the file, with a reference for each part";
            return Err(Fault::new(None, format!("the note has more than {NOTE_ROWS_MAX} rows"), hint));
        }
        agree(&mut self.customer, customer, row)
            .map_err(|why| Fault::new(cells.mapping.customer_column(), why, AGREE))?;
        agree(&mut self.country, country, row)
            .map_err(|why| Fault::new(cells.mapping.country_column(), why, AGREE))?;
        let sum = self.amount_minor.saturating_add(amount_minor);
        if sum > MINOR_MAX {
            let hint = "check the currency and the decimal point of the mapping";
            return Err(Fault::new(
                None,
                format!("the note comes to more than {MINOR_MAX} minor units"),
                hint,
            ));
        }
        self.amount_minor = sum;
        if twice {
            self.twice.get_or_insert(row);
        }
        if when.at < self.first.at {
            self.first = when;
        }
        if when.at > self.last.at {
            self.last = when;
        }
        let key = format!("{}/{}", self.external_id, self.lines.len() + 1);
        let key = Word::new(key).map_err(|why| Fault::new(None, why.to_string(), "shorten the reference"))?;
        self.lines.push(HistoricalLine { key, sku, description, quantity, amount_minor });
        Ok(())
    }

    fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.first.at != self.last.at {
            remarks.push(format!(
                "its rows have times from {} to {}; the earliest is taken",
                self.first, self.last
            ));
        }
        if let Some(line) = self.twice {
            remarks.push(format!("the clock showed the time on line {line} twice; the earlier is taken"));
        }
        if self.amount_minor == 0 {
            remarks.push("nothing is credited: it comes to zero".into());
        }
        remarks
    }

    fn finish(self, mapping: &Mapping, reference: &str, line: u64) -> Result<Note, Fault> {
        let remarks = self.remarks();
        let Self { claim, external_id, first: effective, customer, country, amount_minor, lines, .. } = self;
        let fault =
            |why: String| Fault::new(None, why, "split the note in the file, with a reference for each part");
        let amount = Amount::new(amount_minor, mapping.currency).map_err(|why| fault(why.to_string()))?;
        let rows = lines.len();
        let event = Event::from(HistoricalCreditRecorded {
            merchant: mapping.merchant.clone(),
            reference: Word::new(reference).map_err(|why| fault(why.to_string()))?,
            amount,
            country: country.map(|(country, _)| country),
            customer: customer.map(|(customer, _)| customer),
            lines,
        });
        event.check().map_err(|why| fault(why.to_string()))?;
        let mut proposal = Proposal {
            stream: Stream::Claim(claim),
            expected: Expected::At(None),
            event,
            effective,
            effective_is_given: true,
            actor: mapping.actor.clone(),
            role: mapping.role.clone(),
            approver: None,
            source: mapping.source.clone(),
            external_id: Some(external_id),
            event_id: None,
            causation: None,
            correlation: None,
        };
        match written(&mut proposal) {
            Ok(()) => Ok(Note { proposal, line, remarks }),
            Err(CodecError::TooLong(bytes)) => Err(fault(format!(
                "the note has {rows} rows and takes {bytes} bytes, an event holds {BODY_BYTES_MAX}"
            ))),
            Err(why) => Err(fault(why.to_string())),
        }
    }
}

const AGREE: &str = "a note has one customer and one country; is its reference used twice?";

/// Rows that name a customer or a country name the same one.
fn agree<T: PartialEq + std::fmt::Display>(
    known: &mut Option<(T, u64)>,
    new: Option<T>,
    row: u64,
) -> Result<(), String> {
    match (&*known, new) {
        (_, None) => Ok(()),
        (None, Some(new)) => {
            *known = Some((new, row));
            Ok(())
        }
        (Some((old, _)), Some(new)) if *old == new => Ok(()),
        (Some((old, line)), Some(new)) => Err(format!(
            "{:?} is not the {:?} of the same note on line {line}",
            new.to_string(),
            old.to_string()
        )),
    }
}

/// Writes the event as the ledger would, at the widest place a log can have, so that no note which passes
/// here is too large for the ledger.
fn written(proposal: &mut Proposal) -> Result<(), CodecError> {
    let widest = |why: String| CodecError::Envelope(why);
    let envelope = Envelope {
        ledger: Origin::new("o".repeat(ID_CHARS_MAX)).map_err(|why| widest(why.to_string()))?,
        position: Position::new(MINOR_MAX).unwrap_or(Position::FIRST),
        stream: proposal.stream.clone(),
        revision: Revision::FIRST,
        event_id: EventId(uuid::Uuid::max()),
        effective: proposal.effective,
        recorded_at: Instant::from_micros(MICROS_MAX).map_err(|why| widest(why.to_string()))?,
        actor: proposal.actor.clone(),
        role: proposal.role.clone(),
        approver: None,
        source: proposal.source.clone(),
        external_id: proposal.external_id.clone(),
        causation: None,
        correlation: None,
    };
    encode(&envelope, &mut proposal.event).map(|_| ())
}

fn why_not(why: &replay::ids::BadText) -> String {
    format!("makes no {}: {}", why.what, why.rule)
}
