//! The mapping file: what the columns of somebody else's CSV file mean to the ledger.

use std::{fmt, ops::Range};

use replay::{
    ids::{ActorId, ClaimId, Code, PolicyId, SourceId, Word},
    money::Currency,
};
use serde::Deserialize;
use toml::Spanned;

use super::dates::{Dates, DatesWire};
use crate::error::{Error, Result};

/// Longest mapping file, in bytes.
pub const MAPPING_BYTES_MAX: usize = 65_536;
/// What stands for the note's reference in the pattern of claim ids.
const NOTE: &str = "{note}";
const HELP: &str = "fixtures/import/README.md lists the keys of a mapping";

/// How to read one kind of CSV file, from a TOML text:
///
/// ```toml
/// [file]                        # optional
/// delimiter = ","               # , ; | or "\t"; default ,
/// decimal_point = "."           # . or , in numbers; default .
/// trim = false                  # take blanks off both ends of every cell; default false
///
/// [columns]                     # names from the header row
/// note = "invoice_no"           # reference of the credit note; rows with equal references are one claim
/// sku = "stock_code"            # or constants.sku
/// description = "description"   # optional
/// quantity = "quantity"         # or constants.quantity
/// unit_price = "unit_price"     # amount of a row = quantity x unit_price; or: amount = "..."
/// date = "invoice_date"
/// customer = "customer_id"      # optional; a number or pseudonym, never a name
/// country = "country"           # optional; or constants.country
///
/// [sign]                        # what a credit looks like, for each column that has it
/// quantity = "negative"         # negative or positive; likewise amount
///
/// [date]
/// format = "%Y-%m-%d %H:%M:%S"  # as in strftime
/// zone = "Europe/London"        # or offset = "+01:00", or neither when the format has %z
/// # time = "12:00"              # local time of day, only for formats that have none
///
/// [claim]
/// id = "OR-{note}"              # {note} stands for the reference
///
/// [constants]
/// merchant = "online-retail"
/// currency = "GBP"
/// source = "import.online-retail"
/// actor = "import"
/// role = "importer"
/// ```
///
/// There is one way to say each thing, and nothing is guessed: a key that is not listed, a sign for a column
/// that is not mapped, or two ways to get the same value are refused.
#[derive(Debug, Clone)]
pub struct Mapping {
    pub(super) delimiter: u8,
    pub(super) decimal_point: u8,
    pub(super) trim: bool,
    /// Names of the mapped columns; a [`Slot`] is an index into it.
    pub(super) columns: Vec<String>,
    pub(super) note: Slot,
    pub(super) sku: Given<Slot, Word>,
    pub(super) description: Option<Slot>,
    pub(super) quantity: Given<(Slot, Credited), u32>,
    pub(super) money: Money,
    pub(super) date: Slot,
    pub(super) customer: Option<Slot>,
    pub(super) country: Option<Given<Slot, Word>>,
    pub(super) dates: Dates,
    pub(super) merchant: PolicyId,
    pub(super) currency: Currency,
    pub(super) source: SourceId,
    pub(super) actor: ActorId,
    pub(super) role: Code,
    claim_id: (String, String),
}

/// One of the mapped columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot(pub usize);

/// A value that each row brings, or that the mapping says once for all.
#[derive(Debug, Clone)]
pub(super) enum Given<C, T> {
    Column(C),
    Constant(T),
}

/// Where the amount of a row comes from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Money {
    /// Times the quantity.
    UnitPrice(Slot),
    /// As it is written.
    Amount(Slot, Credited),
}

/// What the numbers of a credit look like in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Credited {
    Negative,
    Positive,
}

impl Mapping {
    /// Reads a mapping; `name` is what errors call it.
    ///
    /// # Errors
    /// With file, line and hint: no TOML, unknown or missing keys, values that are not allowed, two ways to
    /// get the same value.
    pub fn parse(text: &str, name: &str) -> Result<Self> {
        if text.len() > MAPPING_BYTES_MAX {
            let message =
                format!("the mapping has {} bytes, at most {MAPPING_BYTES_MAX} are read", text.len());
            return Err(Error::unreadable("mapping_too_long", message).hint(HELP).at(name));
        }
        let wire: Wire = toml::from_str(text).map_err(|why| {
            let line = line_of(text, why.span().map_or(0, |span| span.start));
            Error::unreadable("bad_mapping", why.message()).hint(HELP).at(format!("{name}:{line}"))
        })?;
        Self::of(wire).map_err(|wrong| {
            let line = line_of(text, wrong.at.start);
            Error::unreadable("bad_mapping", wrong.message).hint(wrong.hint).at(format!("{name}:{line}"))
        })
    }

    /// The claim that a note becomes.
    pub(super) fn claim_id(&self, note: &str) -> std::result::Result<ClaimId, replay::ids::BadText> {
        ClaimId::new(format!("{}{note}{}", self.claim_id.0, self.claim_id.1))
    }

    /// The name of a mapped column.
    pub(super) fn name(&self, slot: Slot) -> Option<&str> {
        self.columns.get(slot.0).map(String::as_str)
    }
    /// The column of the customer, if there is one.
    pub(super) fn customer_column(&self) -> Option<&str> {
        self.name(self.customer?)
    }
    /// The column of the country, if there is one.
    pub(super) fn country_column(&self) -> Option<&str> {
        match self.country {
            Some(Given::Column(slot)) => self.name(slot),
            _ => None,
        }
    }

    fn of(wire: Wire) -> std::result::Result<Self, Wrong> {
        let mut columns = Columns::default();
        let (c, table) = parts(wire.columns);
        let (constants, sign) = (wire.constants, wire.sign);
        let sku = one_of(&table, "sku", c.sku.map(|name| columns.slot(name)), constants.sku)?;
        let counted = match (c.quantity, sign.quantity) {
            (Some(name), Some(credited)) => Some((columns.slot(name), *credited.get_ref())),
            (None, None) => None,
            (Some(_), None) => return Err(no_sign(&table, "quantity")),
            (None, Some(credited)) => return Err(no_column(&credited, "quantity")),
        };
        let quantity = one_of(&table, "quantity", counted, constants.quantity)?;
        let money = match (c.unit_price, c.amount, sign.amount) {
            (Some(name), None, None) => Money::UnitPrice(columns.slot(name)),
            (None, Some(name), Some(credited)) => Money::Amount(columns.slot(name), *credited.get_ref()),
            (None, Some(_), None) => return Err(no_sign(&table, "amount")),
            (Some(_), None, Some(credited)) => return Err(no_column(&credited, "amount")),
            (Some(_), Some(_), _) | (None, None, _) => {
                return Err(wrong(
                    &table,
                    "a row's money comes from unit_price or from amount, from exactly one of them",
                ));
            }
        };
        let country = match (c.country.map(|name| columns.slot(name)), constants.country) {
            (None, None) => None,
            (column, constant) => Some(one_of(&table, "country", column, constant)?),
        };
        Ok(Self {
            delimiter: delimiter(&wire.file)?,
            decimal_point: decimal_point(&wire.file)?,
            trim: wire.file.trim,
            note: columns.slot(c.note),
            sku,
            description: c.description.map(|name| columns.slot(name)),
            quantity,
            money,
            date: columns.slot(c.date),
            customer: c.customer.map(|name| columns.slot(name)),
            country,
            dates: Dates::new(wire.date)?,
            merchant: constants.merchant,
            currency: constants.currency,
            source: constants.source,
            actor: constants.actor,
            role: constants.role,
            claim_id: claim_pattern(&wire.claim.id)?,
            columns: columns.0,
        })
    }
}

/// A value that is well typed, but not allowed.
#[derive(Debug)]
pub(super) struct Wrong {
    /// Bytes of the mapping that are to blame.
    pub at: Range<usize>,
    pub message: String,
    pub hint: String,
}

/// With the hint that leads to the documentation.
pub(super) fn wrong(at: &Range<usize>, message: impl fmt::Display) -> Wrong {
    Wrong { at: at.clone(), message: message.to_string(), hint: HELP.into() }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(default)]
    file: FileWire,
    columns: Spanned<ColumnsWire>,
    #[serde(default)]
    sign: SignWire,
    date: Spanned<DatesWire>,
    claim: ClaimWire,
    constants: ConstantsWire,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct FileWire {
    delimiter: Option<Spanned<String>>,
    decimal_point: Option<Spanned<String>>,
    trim: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnsWire {
    note: String,
    sku: Option<String>,
    description: Option<String>,
    quantity: Option<String>,
    unit_price: Option<String>,
    amount: Option<String>,
    date: String,
    customer: Option<String>,
    country: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct SignWire {
    quantity: Option<Spanned<Credited>>,
    amount: Option<Spanned<Credited>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClaimWire {
    id: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConstantsWire {
    merchant: PolicyId,
    currency: Currency,
    source: SourceId,
    actor: ActorId,
    role: Code,
    sku: Option<Word>,
    quantity: Option<u32>,
    country: Option<Word>,
}

#[derive(Default)]
struct Columns(Vec<String>);

impl Columns {
    fn slot(&mut self, name: String) -> Slot {
        self.0.push(name);
        Slot(self.0.len() - 1)
    }
}

fn parts<T>(spanned: Spanned<T>) -> (T, Range<usize>) {
    let span = spanned.span();
    (spanned.into_inner(), span)
}

fn one_of<C, T>(
    table: &Range<usize>,
    key: &str,
    column: Option<C>,
    constant: Option<T>,
) -> std::result::Result<Given<C, T>, Wrong> {
    match (column, constant) {
        (Some(column), None) => Ok(Given::Column(column)),
        (None, Some(constant)) => Ok(Given::Constant(constant)),
        (Some(_), Some(_)) => {
            Err(wrong(table, format!("{key} is both a column and a constant; it can be only one")))
        }
        (None, None) => {
            Err(wrong(table, format!("{key} is missing; it is a column, or the same for all in [constants]")))
        }
    }
}

fn no_sign(table: &Range<usize>, key: &str) -> Wrong {
    let hint =
        format!("write {key} = \"negative\" or \"positive\" under [sign], as a credit looks in the file");
    Wrong { at: table.clone(), message: format!("the sign of the {key} column is not said"), hint }
}

fn no_column(credited: &Spanned<Credited>, key: &str) -> Wrong {
    wrong(&credited.span(), format!("there is a sign for {key}, but no {key} column"))
}

fn delimiter(file: &FileWire) -> std::result::Result<u8, Wrong> {
    let Some(text) = &file.delimiter else { return Ok(b',') };
    match text.get_ref().as_bytes() {
        &[byte @ (b',' | b';' | b'|' | b'\t')] => Ok(byte),
        _ => Err(wrong(&text.span(), "the delimiter is , or ; or | or \"\\t\"")),
    }
}

fn decimal_point(file: &FileWire) -> std::result::Result<u8, Wrong> {
    let Some(text) = &file.decimal_point else { return Ok(b'.') };
    match text.get_ref().as_bytes() {
        &[byte @ (b'.' | b',')] => Ok(byte),
        _ => Err(wrong(&text.span(), "the decimal point is . or ,")),
    }
}

fn claim_pattern(id: &Spanned<String>) -> std::result::Result<(String, String), Wrong> {
    let text = id.get_ref();
    match text.split_once(NOTE) {
        Some((before, after)) if !after.contains(NOTE) => {
            // A reference of one digit must at least fit; longer ones are judged row by row.
            ClaimId::new(format!("{before}1{after}")).map_err(|why| wrong(&id.span(), why))?;
            Ok((before.into(), after.into()))
        }
        _ => {
            Err(wrong(&id.span(), "the pattern holds {note} once, so that every note has a claim of its own"))
        }
    }
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|&byte| byte == b'\n').count()
}
