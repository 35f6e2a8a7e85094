//! How people write values, and what lies on a verb's desk when it is put into words.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use replay::{
    case::Case,
    decide::decidable,
    event::{Event, Remedy},
    history::History,
    ids::{BadText, ClaimId, EventId, OrderId, PERSONAL_CHARS_MAX, Personal, Stream, Word},
    merkle::{Hash, sha256},
    money::{Amount, Currency, MoneyError},
    registry::Registry,
    time::When,
    units::Units,
};
use std::{
    io::Read,
    path::{Path, PathBuf},
    str::FromStr,
};

use crate::{
    cli::common::units,
    error::{Error, ErrorKind, Result},
};

/// Largest file of evidence that is hashed here, in bytes. It is read whole.
pub const EVIDENCE_FILE_BYTES_MAX: usize = 128 * 1024 * 1024;
/// Largest file (or stdin) that holds a text, in bytes: four for each character that a text may have.
pub const TEXT_FILE_BYTES_MAX: usize = 4 * PERSONAL_CHARS_MAX;

/// What a verb may look at beside its own flags.
pub struct Desk {
    /// The stream it is recorded in.
    pub stream: Stream,
    /// The order with its claims; empty where there is none.
    pub case: Case,
    /// The policies; empty for verbs that do not ask them.
    pub registry: Registry,
    /// When it happened: the time that was named, or now.
    pub now: When,
}

/// An event as people name it.
#[derive(Debug, Clone)]
pub(super) enum EventName {
    Id(EventId),
    Position(u64),
}

impl FromStr for EventName {
    type Err = BadText;
    fn from_str(text: &str) -> std::result::Result<Self, BadText> {
        match text.parse() {
            Ok(position) => Ok(EventName::Position(position)),
            Err(_) => text.parse().map(EventName::Id),
        }
    }
}

impl Desk {
    /// Units as [`units`] reads them.
    pub fn units(&self, text: &str) -> Result<Units> {
        units(&self.case, &self.stream, text)
    }
    /// The units of the claim that this remedy can be decided for now: of those that nothing is decided for yet, else
    /// of all. Where there are none it is all units, so that the ledger says what stands in the way.
    pub fn decidable(&self, remedy: Remedy) -> Result<Units> {
        let Stream::Claim(id) = &self.stream else { return self.units("all") };
        let units = decidable(&self.case, id, &self.registry, remedy);
        let decided = self.case.claim_state(id).map(|state| state.units.units_where(|u| u.accepted));
        let open = units.difference(&decided.unwrap_or_default());
        match [open, units].into_iter().find(|units| !units.is_empty()) {
            Some(units) => Ok(units),
            None => self.units("all"),
        }
    }
    /// Units, where they may be left out.
    pub fn some_units(&self, text: Option<&str>) -> Result<Option<Units>> {
        text.map(|text| self.units(text)).transpose()
    }
    fn history(&self) -> Option<&History> {
        match &self.stream {
            Stream::Order(_) => self.case.order.as_ref().map(|order| &order.history),
            Stream::Claim(id) => self.case.claims.get(id).map(|claim| &claim.history),
            Stream::Ledger => None,
        }
    }
    /// The event that people mean by its id or its position.
    pub fn event_named(&self, name: &EventName) -> Result<EventId> {
        let position = match name {
            EventName::Id(id) => return Ok(*id),
            EventName::Position(position) => *position,
        };
        let facts = self.history().map_or(&[][..], History::facts);
        facts.iter().find(|fact| fact.position.get() == position).map(|fact| fact.event_id).ok_or_else(|| {
            Error::not_found(format!("{} has no event at position {position}", self.stream))
                .hint(format!("claims timeline {} prints the positions", self.stream))
        })
    }
    /// What an event of the stream says, as earlier corrections have left it.
    pub fn amended(&self, id: EventId) -> Option<Event> {
        Some(self.history()?.amended(id)?.into_owned())
    }
    /// An amount in the currency it names, else in the order's.
    pub fn amount(&self, money: &Money) -> Result<Amount> {
        let currency = money.currency.or_else(|| Some(self.case.order_state()?.currency()));
        let currency = currency.ok_or_else(|| {
            Error::new(ErrorKind::Usage, "no_currency", format!("{} has no currency", money.number))
                .hint("name it, as in \"25.00 USD\"; only amounts of an order may leave it out")
        })?;
        money.read(currency)
    }
    /// An amount, where it may be left out.
    pub fn some_amount(&self, money: Option<&Money>) -> Result<Option<Amount>> {
        money.map(|money| self.amount(money)).transpose()
    }
}

/// An amount as people write it: `25.00`, or `25.00 USD`. How many digits it may have is known with its
/// currency.
#[derive(Debug, Clone)]
pub struct Money {
    number: String,
    currency: Option<Currency>,
}

impl Money {
    /// Minor units of an order whose currency is known.
    pub fn minor(&self, order: Currency) -> Result<u64> {
        match self.currency {
            Some(found) if found != order => {
                Err(bad_amount(&MoneyError::CurrencyMismatch { left: order, right: found }))
            }
            _ => self.read(order).map(Amount::minor),
        }
    }
    fn read(&self, currency: Currency) -> Result<Amount> {
        Amount::parse(&self.number, currency).map_err(|why| bad_amount(&why))
    }
}

impl FromStr for Money {
    type Err = MoneyError;
    fn from_str(text: &str) -> std::result::Result<Self, MoneyError> {
        let (number, currency) = match text.trim().split_once(' ') {
            Some((number, currency)) => (number, Some(Currency::parse(currency.trim())?)),
            None => (text.trim(), None),
        };
        Ok(Self { number: number.into(), currency })
    }
}

fn bad_amount(why: &MoneyError) -> Error {
    Error::new(ErrorKind::Usage, "bad_amount", why.to_string()).hint(why.hint())
}

/// A long text: on the command line, from a file or from stdin.
#[derive(Debug, clap::Args)]
pub struct Text {
    /// The text, kept outside the log and erasable; - reads it from stdin
    #[arg(long, value_name = "TEXT", conflicts_with = "text_file")]
    text: Option<String>,
    /// A file that holds the text
    #[arg(long, value_name = "FILE")]
    text_file: Option<PathBuf>,
}

impl Text {
    /// The text, if one was given.
    pub fn read(self) -> Result<Option<Personal>> {
        let stdin = PathBuf::from("-");
        let text = match (self.text, self.text_file) {
            (Some(text), _) if text == "-" => read_text(&stdin)?,
            (Some(text), _) => text,
            (None, Some(path)) => read_text(&path)?,
            (None, None) => return Ok(None),
        };
        let clear = Personal::clear(text).map_err(|why| {
            Error::unreadable("bad_text", why.to_string())
                .hint("keep long texts outside and record their SHA-256 as evidence")
        })?;
        Ok(Some(clear))
    }
    /// The text, where there must be one.
    pub fn required(self) -> Result<Personal> {
        self.read()?.ok_or_else(|| missing("--text"))
    }
}

/// A flag that has to be there.
pub fn missing(flag: &str) -> Error {
    Error::new(ErrorKind::Usage, "flag_missing", format!("{flag} is missing"))
        .hint("the same command with --help shows what it needs")
}

/// Text of a file, without the line end that editors put behind it. Lines end with LF here.
fn read_text(path: &Path) -> Result<String> {
    let bytes = read_file(path, TEXT_FILE_BYTES_MAX)?;
    let text = String::from_utf8(bytes).map_err(|why| {
        Error::unreadable("not_utf8", why.to_string()).at(path.display()).hint("save the text as UTF-8")
    })?;
    Ok(text.replace("\r\n", "\n").trim_end_matches('\n').to_string())
}

/// The bytes of a file, or of stdin for `-`.
///
/// # Errors
/// When it cannot be read, or is longer than `bytes_max`.
pub fn read_file(path: &Path, bytes_max: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let one_more = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(one_more).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(one_more).read_to_end(&mut bytes))
    };
    read.map_err(|why| Error::io(path, &why))?;
    if bytes.len() > bytes_max {
        return Err(Error::unreadable("file_too_long", format!("it has more than {bytes_max} bytes"))
            .at(path.display())
            .hint("keep it outside and record its SHA-256"));
    }
    Ok(bytes)
}

/// SHA-256 of a file of evidence, and its media type as far as the extension tells.
pub fn fingerprint(path: &Path) -> Result<(Hash, Option<Word>)> {
    let hash = sha256(&read_file(path, EVIDENCE_FILE_BYTES_MAX)?);
    let extension = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
    let media = match extension.as_deref().unwrap_or_default() {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "heic" => "image/heic",
        "tif" | "tiff" => "image/tiff",
        "mp4" => "video/mp4",
        "mov" => "video/quicktime",
        "webm" => "video/webm",
        "m4a" => "audio/mp4",
        "mp3" => "audio/mpeg",
        "pdf" => "application/pdf",
        "json" => "application/json",
        "txt" => "text/plain",
        "csv" => "text/csv",
        "html" | "htm" => "text/html",
        "eml" => "message/rfc822",
        _ => return Ok((hash, None)),
    };
    Ok((hash, Word::new(media).ok()))
}

/// A word of a closed vocabulary; help and completions list all of them.
macro_rules! one_of {
    ($words:ty) => {
        clap::builder::TypedValueParser::try_map(
            clap::builder::PossibleValuesParser::new(<$words>::ALL.iter().map(|word| word.as_str())),
            |word| word.parse::<$words>(),
        )
    };
}
pub(super) use one_of;

/// `yes` or `no`; a flag that is left out says neither.
pub fn yes_no() -> impl TypedValueParser<Value = bool> {
    PossibleValuesParser::new(["yes", "no"]).map(|word| word == "yes")
}

/// A personal value: a commitment to it goes into the log, the value itself beside it.
pub fn personal(text: &str) -> std::result::Result<Personal, BadText> {
    Personal::clear(text)
}

/// A claim, also as the name of its stream: `C1` or `claim/C1`.
pub fn claim_id(text: &str) -> std::result::Result<ClaimId, BadText> {
    ClaimId::new(text.strip_prefix("claim/").unwrap_or(text))
}

/// An order, also as the name of its stream: `O1` or `order/O1`.
pub fn order_id(text: &str) -> std::result::Result<OrderId, BadText> {
    OrderId::new(text.strip_prefix("order/").unwrap_or(text))
}

/// A claim or an order: `order/O1`, `claim/C1`, or `C1` for a claim.
pub fn order_or_claim(text: &str) -> std::result::Result<Stream, BadText> {
    if text.starts_with("order/") {
        order_id(text).map(Stream::Order)
    } else {
        claim_id(text).map(Stream::Claim)
    }
}
