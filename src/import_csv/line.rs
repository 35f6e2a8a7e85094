//! One row as typed values: the only place where a cell becomes money, a quantity or a time.

use replay::{
    ids::{BadText, Code, Word},
    money::{MINOR_MAX, MoneyError},
    time::When,
};

use super::{
    mapping::{Credited, Given, Mapping, Money, Slot},
    rows::Row,
};

/// Most digits of a number in a file; with it, quantity times price cannot overflow 128 bits.
pub const NUMBER_DIGITS_MAX: usize = 28;
/// How much of a cell a message repeats, in characters.
const CELL_SHOWN_MAX: usize = 60;

/// What one row says.
#[derive(Debug)]
pub(super) struct Line {
    pub when: When,
    /// The clock showed this time twice; it is the earlier one.
    pub twice: bool,
    pub sku: Word,
    pub description: Option<Word>,
    pub quantity: u32,
    pub amount_minor: u64,
    pub customer: Option<Code>,
    pub country: Option<Word>,
}

/// Why a row cannot be taken.
#[derive(Debug)]
pub(super) struct Fault {
    pub column: Option<String>,
    pub message: String,
    pub hint: String,
}

impl Fault {
    pub fn new(column: Option<&str>, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { column: column.map(Into::into), message: message.into(), hint: hint.into() }
    }
}

/// The mapped cells of a row that is known to be text. A cell that is not there reads as empty.
#[derive(Clone, Copy)]
pub(super) struct Cells<'a> {
    pub mapping: &'a Mapping,
    /// For each slot, the index of its cell.
    pub places: &'a [usize],
    pub row: &'a Row,
}

impl<'a> Cells<'a> {
    /// The text of a mapped cell.
    pub fn text(&self, slot: Slot) -> &'a str {
        let text = self
            .row
            .cell(self.place(slot))
            .and_then(|cell| std::str::from_utf8(cell).ok())
            .unwrap_or_default();
        if self.mapping.trim { text.trim() } else { text }
    }
    /// The index of a mapped cell.
    pub fn place(&self, slot: Slot) -> usize {
        self.places.get(slot.0).copied().unwrap_or(usize::MAX)
    }
    /// A fault in a mapped cell; the message goes on after its text.
    pub fn fault(&self, slot: Slot, rule: impl std::fmt::Display, hint: impl Into<String>) -> Fault {
        let shown: String = self.text(slot).chars().take(CELL_SHOWN_MAX).collect();
        Fault::new(self.mapping.name(slot), format!("{shown:?} {rule}"), hint)
    }
    fn required<T>(&self, slot: Slot, make: impl FnOnce(&'a str) -> Result<T, BadText>) -> Result<T, Fault> {
        make(self.text(slot)).map_err(|why| {
            let message = format!("this is no {}: {}", why.what, why.rule);
            Fault::new(self.mapping.name(slot), message, "correct the cell, or map another column")
        })
    }
    fn optional<T>(
        &self,
        slot: Option<Slot>,
        make: impl FnOnce(&'a str) -> Result<T, BadText>,
    ) -> Result<Option<T>, Fault> {
        match slot {
            Some(slot) if !self.text(slot).is_empty() => self.required(slot, make).map(Some),
            _ => Ok(None),
        }
    }
}

/// Reads the mapped cells of a row.
///
/// # Errors
/// The first fault, in the order in which the values are named here.
pub(super) fn read(cells: Cells<'_>) -> Result<Line, Fault> {
    let m = cells.mapping;
    let sku = match &m.sku {
        Given::Column(slot) => cells.required(*slot, Word::new)?,
        Given::Constant(sku) => sku.clone(),
    };
    let description = cells.optional(m.description, Word::new)?;
    let quantity = match m.quantity {
        Given::Column((slot, credited)) => quantity(cells, slot, credited)?,
        Given::Constant(quantity) => quantity,
    };
    let amount_minor = match m.money {
        Money::UnitPrice(slot) => {
            let price = number(cells, slot)?;
            if price.is_negative() {
                let hint =
                    "the sign of a row stands in its quantity; a price below zero would turn it round again";
                return Err(cells.fault(slot, "is a price below zero", hint));
            }
            minor(cells, slot, &price, quantity)?
        }
        Money::Amount(slot, credited) => minor(cells, slot, &credit(cells, slot, credited)?, 1)?,
    };
    let (when, twice) =
        m.dates.read(cells.text(m.date)).map_err(|why| cells.fault(m.date, &why, why.hint()))?;
    let customer = cells.optional(m.customer, Code::new)?;
    let country = match &m.country {
        None => None,
        Some(Given::Column(slot)) => cells.optional(Some(*slot), Word::new)?,
        Some(Given::Constant(country)) => Some(country.clone()),
    };
    Ok(Line { when, twice, sku, description, quantity, amount_minor, customer, country })
}

/// A decimal number exactly as it is written: `digits` x 10^-`scale`.
#[derive(Debug)]
struct Exact {
    minus: bool,
    digits: u128,
    scale: u32,
}

impl Exact {
    /// `-12.50`, `7`, or with another decimal point. Nothing else: no plus, no exponent, no thousands.
    fn parse(text: &str, point: u8) -> Option<Self> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = match unsigned.split_once(char::from(point)) {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (unsigned, ""),
        };
        let decimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let count = whole.len() + fraction.len();
        if whole.is_empty() || count > NUMBER_DIGITS_MAX || !decimal(whole) || !decimal(fraction) {
            return None;
        }
        let digits = whole.bytes().chain(fraction.bytes()).fold(0, |sum: u128, digit| {
            sum * 10 + u128::from(digit.saturating_sub(b'0')) // at most NUMBER_DIGITS_MAX digits
        });
        Some(Self { minus: unsigned.len() < text.len(), digits, scale: u32::try_from(fraction.len()).ok()? })
    }
    /// Below zero; `-0` is not.
    fn is_negative(&self) -> bool {
        self.minus && self.digits != 0
    }
    /// Times `factor` times 10^`exponent`, when that is a whole number of 128 bits.
    fn times(&self, factor: u32, exponent: u32) -> Result<u128, Inexact> {
        let product = self.digits.checked_mul(factor.into()).ok_or(Inexact::TooLarge)?;
        match self.scale.checked_sub(exponent) {
            Some(fewer) => {
                let unit = 10_u128.pow(fewer); // at most 10^28
                if product.is_multiple_of(unit) { Ok(product / unit) } else { Err(Inexact::NotWhole) }
            }
            None => {
                product.checked_mul(10_u128.pow(exponent.saturating_sub(self.scale))).ok_or(Inexact::TooLarge)
            }
        }
    }
}

/// Why a product is no number of minor units.
enum Inexact {
    NotWhole,
    TooLarge,
}

fn number(cells: Cells<'_>, slot: Slot) -> Result<Exact, Fault> {
    let point = cells.mapping.decimal_point;
    Exact::parse(cells.text(slot), point).ok_or_else(|| {
        let point = char::from(point);
        let hint = format!(
            "digits, at most one {point:?} with digits on both sides, and a minus in front if need be; {NUMBER_DIGITS_MAX} digits at most"
        );
        cells.fault(slot, "is no number", hint)
    })
}

/// A number of a credit, without the sign that a credit has in this file.
fn credit(cells: Cells<'_>, slot: Slot, credited: Credited) -> Result<Exact, Fault> {
    let number = number(cells, slot)?;
    let is_credit = number.digits == 0 || number.minus == (credited == Credited::Negative);
    if is_credit {
        return Ok(Exact { minus: false, ..number });
    }
    let looks = match credited {
        Credited::Negative => "negative",
        Credited::Positive => "positive",
    };
    let hint = "a charge is no credit: take the row out if it is no part of the note; or [sign] of the mapping is wrong";
    Err(cells.fault(slot, format!("is a charge: credits in this file are {looks}"), hint))
}

fn quantity(cells: Cells<'_>, slot: Slot, credited: Credited) -> Result<u32, Fault> {
    let pieces = credit(cells, slot, credited)?.times(1, 0);
    pieces.ok().and_then(|pieces| u32::try_from(pieces).ok()).ok_or_else(|| {
        let hint = "map another column, or say constants.quantity = 1 and map the amount";
        cells.fault(slot, format!("is no whole number of pieces up to {}", u32::MAX), hint)
    })
}

fn minor(cells: Cells<'_>, slot: Slot, number: &Exact, quantity: u32) -> Result<u64, Fault> {
    let currency = cells.mapping.currency;
    let times = match cells.mapping.money {
        Money::UnitPrice(_) => format!("times {quantity} "),
        Money::Amount(..) => String::new(),
    };
    match number.times(quantity, currency.exponent()) {
        Ok(minor) if minor <= u128::from(MINOR_MAX) => Ok(minor.try_into().unwrap_or(MINOR_MAX)),
        Ok(_) | Err(Inexact::TooLarge) => {
            let why = MoneyError::OutOfRange;
            Err(cells.fault(slot, format!("{times}is too much: {why}"), why.hint()))
        }
        Err(Inexact::NotWhole) => {
            let digits = currency.exponent();
            let hint =
                "nothing is rounded; write the amount that was paid, or check the currency of the mapping";
            Err(cells.fault(
                slot,
                format!("{times}is no amount of {currency}, which has {digits} digits after the point"),
                hint,
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    const POINT: u8 = b'.';

    #[test]
    fn only_one_way_to_write_a_number() {
        for text in
            ["", "-", ".5", "5.", "+5", "1e3", "1,000", "1.2.3", " 5", "--5", "٣", "NaN", "1_0", "- 5"]
        {
            assert!(Exact::parse(text, POINT).is_none(), "{text}");
        }
        assert!(Exact::parse(&"1".repeat(NUMBER_DIGITS_MAX + 1), POINT).is_none());
        assert!(Exact::parse("1,5", b',').is_some());
        assert!(Exact::parse("-0", POINT).is_some_and(|zero| !zero.is_negative()));
    }

    proptest! {
        /// rust_decimal as an independent witness of the product.
        #[test]
        fn products_are_exact(text in "-?[0-9]{1,9}(\\.[0-9]{1,6})?", quantity in 0..100_000_u32, exponent in 0..=4_u32) {
            let number = Exact::parse(&text, POINT);
            prop_assert!(number.is_some());
            if let (Some(number), Ok(decimal)) = (number, text.parse::<Decimal>()) {
                let product = (decimal.abs() * Decimal::from(quantity) * Decimal::from(10_u32.pow(exponent))).normalize();
                let whole = (product.scale() == 0).then(|| product.mantissa().unsigned_abs());
                prop_assert_eq!(number.times(quantity, exponent).ok(), whole);
            }
        }
    }
}
