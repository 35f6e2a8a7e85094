//! The two tables of a segment: their columns, and rows of them in memory.

use ::parquet::data_type::ByteArray;
use replay::audit::Table as Map;

use crate::error::{Error, ErrorKind, Result};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A whole number (INT64).
    Number,
    /// A small whole number (INT32).
    Small,
    /// Microseconds since 1970 in UTC (INT64, TIMESTAMP).
    Moment,
    /// Text (STRING).
    Text,
    /// JSON text (JSON).
    Json,
    /// 16 bytes (UUID).
    Uuid,
    /// 32 bytes: a SHA-256 hash.
    Hash,
}

impl Form {
    /// The physical type and its annotation, as Parquet's schema language has them.
    pub fn schema(self) -> (&'static str, &'static str) {
        match self {
            Form::Number => ("INT64", ""),
            Form::Small => ("INT32", ""),
            Form::Moment => ("INT64", " (TIMESTAMP(MICROS,true))"),
            Form::Text => ("BYTE_ARRAY", " (STRING)"),
            Form::Json => ("BYTE_ARRAY", " (JSON)"),
            Form::Uuid => ("FIXED_LEN_BYTE_ARRAY(16)", " (UUID)"),
            Form::Hash => ("FIXED_LEN_BYTE_ARRAY(32)", ""),
        }
    }
    /// Whether its cells are numbers in memory.
    pub fn counts(self) -> bool {
        matches!(self, Form::Number | Form::Small | Form::Moment)
    }
}

/// How a column is laid down, so that it takes little room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Laid {
    /// The same words again and again: a dictionary.
    Words,
    /// Every cell is another one.
    Once,
    /// Numbers that go up step by step: their differences.
    Steps,
    /// Nothing makes it smaller.
    AsIs,
}

/// One column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub form: Form,
    /// Whether a cell may be null.
    pub optional: bool,
    /// How it is laid down.
    pub laid: Laid,
    /// What it says.
    pub says: &'static str,
}

const fn column(name: &'static str, form: Form, laid: Laid, says: &'static str) -> Column {
    Column { name, form, optional: false, laid, says }
}
const fn maybe(name: &'static str, form: Form, laid: Laid, says: &'static str) -> Column {
    Column { name, form, optional: true, laid, says }
}

use Form::{Hash, Json, Moment, Number, Small, Text, Uuid};
use Laid::{AsIs, Once, Steps, Words};

/// A table of a segment.
#[derive(Debug)]
pub struct Table {
    /// The first part of the names of its files.
    pub name: &'static str,
    /// Its columns, in order.
    pub columns: &'static [Column],
}

/// One row per event.
pub const EVENTS: Table = Table {
    name: "events",
    columns: &[
        column("position", Number, Steps, "place in the log, dense from 1"),
        column("stream_type", Text, Words, "`ledger`, `order` or `claim`"),
        maybe("stream_id", Text, Words, "id of the order or claim; null for the ledger"),
        column("revision", Number, Words, "place in the stream, dense from 1"),
        column("kind", Text, Words, "kind of the event"),
        column("version", Small, Words, "version of its payload"),
        column("effective_at", Moment, Once, "when it happened"),
        column("offset_minutes", Small, Words, "UTC offset of the place where it happened, in minutes east"),
        column("recorded_at", Moment, Steps, "when the ledger learned it"),
        column("month", Text, Words, "month in which it happened, there: `YYYY-MM`"),
        column("actor", Text, Words, "who brought it"),
        column("role", Text, Words, "in which role"),
        maybe("approver", Text, Words, "the second person"),
        column("source", Text, Words, "the system it came from"),
        maybe("external_id", Text, Once, "that system's own key"),
        maybe("causation", Uuid, Once, "the event that led to it"),
        maybe("correlation", Text, Words, "what belongs together across streams"),
        column("event_id", Uuid, Once, "its id"),
        column("ledger", Text, Words, "the ledger's name"),
        maybe("merchant", Text, Words, "policy id of its order or credit, as known at this event"),
        maybe("country", Text, Words, "country of its order or credit, as known at this event"),
        maybe("order_id", Text, Words, "the order that its stream is, or is on"),
        maybe("claim_id", Text, Words, "the claim that its stream is"),
        maybe("reason", Text, Words, "asserted reason of its claim, as known at this event"),
        maybe("carrier", Text, Words, "carrier, where the payload names one"),
        maybe("reason_code", Text, Words, "reason code, where the payload has one"),
        maybe("currency", Text, Words, "ISO 4217 code of the amount"),
        maybe(
            "amount_minor",
            Number,
            Once,
            "amount, cost or entitlement of the payload, in minor units of the currency",
        ),
        column("payload", Json, Once, "what it says: the `payload` member of the body, byte for byte"),
        column("leaf", Hash, AsIs, "RFC 6962 leaf hash of the body"),
    ],
};

/// One row per refund total that an event has changed: what it added, or took away.
pub const MOVEMENTS: Table = Table {
    name: "movements",
    columns: &[
        column("position", Number, Steps, "place of the event in the log"),
        column("event_kind", Text, Words, "kind of the event"),
        column("effective_at", Moment, Once, "when the event happened"),
        column("recorded_at", Moment, Steps, "when the ledger learned it"),
        column("actor", Text, Words, "who brought it"),
        column("role", Text, Words, "in which role"),
        maybe("approver", Text, Words, "the second person"),
        column("source", Text, Words, "the system it came from"),
        maybe("order_id", Text, Once, "the order of the claim"),
        column("claim_id", Text, Once, "the claim whose credits it moves"),
        column("merchant", Text, Words, "policy id"),
        column("country", Text, Words, "country of the order"),
        column("reason", Text, Words, "asserted reason of the claim"),
        column("kind", Text, Words, "`refund`, `gift_credit` or `historical`"),
        column("month", Text, Words, "month of the credit, its reversal or its failure: `YYYY-MM`"),
        column("currency", Text, Words, "ISO 4217 code"),
        column("credits", Number, Words, "credits added"),
        column("credited_minor", Number, Once, "credited, in minor units"),
        column("reversed_minor", Number, Words, "reversed, in minor units"),
        column("failed_minor", Number, Words, "failed, in minor units"),
    ],
};

impl Table {
    /// Both tables.
    pub const ALL: [&'static Table; 2] = [&EVENTS, &MOVEMENTS];

    /// The place of a column.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] names the columns that are there.
    pub fn place(&self, name: &str) -> Result<usize> {
        self.columns.iter().position(|column| column.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.columns.iter().map(|column| column.name).collect();
            let text = format!("{} have no column {name}", self.name);
            Error::new(ErrorKind::Usage, "no_such_column", text)
                .hint(format!("there are {}", names.join(", ")))
        })
    }
}

/// The cells of one column.
#[derive(Debug, Clone, PartialEq)]
pub enum Cells {
    /// Of a form that counts.
    Numbers(Vec<Option<i64>>),
    /// Of any other.
    Bytes(Vec<Option<ByteArray>>),
}

impl Cells {
    fn new(form: Form) -> Self {
        if form.counts() { Cells::Numbers(Vec::new()) } else { Cells::Bytes(Vec::new()) }
    }
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Cells::Numbers(cells) => cells.len(),
            Cells::Bytes(cells) => cells.len(),
        }
    }
    /// A number; `None` where there is none.
    pub fn number(&self, row: usize) -> Option<i64> {
        match self {
            Cells::Numbers(cells) => cells.get(row).copied().flatten(),
            Cells::Bytes(_) => None,
        }
    }
    /// Bytes; `None` where there are none.
    pub fn bytes(&self, row: usize) -> Option<&[u8]> {
        match self {
            Cells::Numbers(_) => None,
            Cells::Bytes(cells) => cells.get(row).and_then(Option::as_ref).map(ByteArray::data),
        }
    }
    /// The first row in which two columns differ.
    pub fn differs(&self, other: &Cells) -> Option<usize> {
        let rows = self.len().max(other.len());
        if self == other {
            return None;
        }
        (0..rows).find(|row| {
            let of = |cells: &Cells| (cells.number(*row), cells.bytes(*row).map(<[u8]>::to_vec));
            *row >= self.len().min(other.len()) || of(self) != of(other)
        })
    }
}

/// A cell as people and groups see it.
pub fn shown(form: Form, number: Option<i64>, bytes: Option<&[u8]>) -> Option<String> {
    if let Some(number) = number {
        let moment =
            (form == Form::Moment).then(|| replay::time::Instant::from_micros(number).ok()).flatten();
        return Some(moment.map_or_else(|| number.to_string(), |moment| moment.to_string()));
    }
    let bytes = bytes?;
    Some(match (form, <[u8; 16]>::try_from(bytes)) {
        (Form::Uuid, Ok(id)) => uuid::Uuid::from_bytes(id).to_string(),
        (Form::Hash, _) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    })
}

/// Rows of a table in memory.
#[derive(Debug)]
pub struct Batch {
    /// Which table.
    pub table: &'static Table,
    /// One per column of the table.
    pub cells: Vec<Cells>,
    /// Words that were seen in a column, so that each is held once.
    words: Vec<Map<Vec<u8>, ByteArray>>,
}

impl Batch {
    /// No rows.
    pub fn new(table: &'static Table) -> Self {
        let cells = table.columns.iter().map(|column| Cells::new(column.form)).collect();
        Self { table, cells, words: table.columns.iter().map(|_| Map::default()).collect() }
    }
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.cells.first().map_or(0, Cells::len)
    }
    /// The next row, to be written cell by cell in the order of the columns.
    pub fn row(&mut self) -> Pen<'_> {
        Pen { batch: self, next: 0 }
    }
    /// Whether every column has as many cells, and none is null that may not be.
    ///
    /// # Errors
    /// A fault of this program.
    pub fn is_whole(&self) -> Result<()> {
        for (column, cells) in self.table.columns.iter().zip(&self.cells) {
            let empty = |row: &usize| cells.number(*row).is_none() && cells.bytes(*row).is_none();
            let hole = !column.optional && (0..cells.len()).any(|row| empty(&row));
            if hole || cells.len() != self.rows() {
                let text = format!("column {} of {} is not whole", column.name, self.table.name);
                return Err(Error::new(ErrorKind::Internal, "column_is_not_whole", text));
            }
        }
        Ok(())
    }
}

/// Writes one row.
pub struct Pen<'a> {
    batch: &'a mut Batch,
    next: usize,
}

impl Pen<'_> {
    /// The next cell is a number.
    pub fn number(&mut self, value: Option<i64>) -> &mut Self {
        if let Some(Cells::Numbers(cells)) = self.batch.cells.get_mut(self.next) {
            cells.push(value);
        }
        self.next += 1;
        self
    }
    /// The next cell is text, or other bytes.
    pub fn bytes(&mut self, value: Option<&[u8]>) -> &mut Self {
        let place = self.next;
        self.next += 1;
        let words = self.batch.table.columns.get(place).is_some_and(|column| column.laid == Laid::Words);
        let value = value.map(|bytes| match self.batch.words.get_mut(place) {
            Some(known) if words => match known.get(bytes) {
                Some(word) => word.clone(),
                None => {
                    let word = ByteArray::from(bytes.to_vec());
                    known.insert(bytes.to_vec(), word.clone());
                    word
                }
            },
            _ => ByteArray::from(bytes.to_vec()),
        });
        if let Some(Cells::Bytes(cells)) = self.batch.cells.get_mut(place) {
            cells.push(value);
        }
        self
    }
    /// The next cell is text.
    pub fn text(&mut self, value: &str) -> &mut Self {
        self.bytes(Some(value.as_bytes()))
    }
    /// The next cell is text that may be missing; empty text is missing.
    pub fn maybe(&mut self, value: Option<&str>) -> &mut Self {
        self.bytes(value.filter(|text| !text.is_empty()).map(str::as_bytes))
    }
}
