//! The rows of a CSV file as they stand in it: cells, the physical lines they came from, and what is wrong
//! with their quotes.
//!
//! RFC 4180 to the letter, in our own fifty lines. The `csv` crate reads kindly where money needs a "no": it
//! ends an open quote silently at the end of the file, reads `"1"2` as `12`, and its line numbers leave out
//! blank lines. It is the witness in the tests instead: what it writes, this reads.

use std::io::{self, BufRead, Read};

use crate::error::{Error, ErrorKind, Result};

/// Longest row, in bytes. What an event can hold of it is shorter by far.
pub const ROW_BYTES_MAX: usize = 65_536;
/// Most columns of a file.
pub const COLUMNS_MAX: usize = 256;

/// One row. Cells are bytes: whether they are text is for the caller to judge.
#[derive(Debug, Default)]
pub(super) struct Row {
    /// Physical line of the file on which it begins, from 1.
    pub line: u64,
    /// Physical line on which it ends: a quoted cell may hold line breaks.
    pub last_line: u64,
    /// The first quote that stands where none may, with the index of its cell.
    pub fault: Option<(usize, &'static str)>,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Row {
    /// How many cells it has. Those beyond [`COLUMNS_MAX`] are counted as one.
    pub fn len(&self) -> usize {
        self.ends.len()
    }
    /// A cell without its quotes.
    pub fn cell(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)?;
        let begin = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.bytes.get(begin..end)
    }
    /// All cells in their order.
    pub fn cells(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).filter_map(|index| self.cell(index))
    }
    /// Whether it says nothing at all: `,,,`, as spreadsheets end their files.
    pub fn is_blank(&self) -> bool {
        self.bytes.is_empty() && self.fault.is_none()
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.fault = None;
    }
    fn end_cell(&mut self) {
        if self.ends.len() <= COLUMNS_MAX {
            self.ends.push(self.bytes.len());
        } else if let Some(end) = self.ends.last_mut() {
            *end = self.bytes.len();
        }
    }
    fn blame(&mut self, what: &'static str) {
        let cell = self.ends.len();
        self.fault.get_or_insert((cell, what));
    }
    /// Takes one physical line. A quote in the wrong place is noted and read on as text, because the cells
    /// around it may still tell which note the row belongs to.
    fn take(&mut self, line: &[u8], delimiter: u8, mut place: Place) -> Place {
        for &byte in line {
            place = match place {
                Place::CellBegins if byte == b'"' => Place::Quoted,
                Place::Quoted if byte == b'"' => Place::QuoteInQuoted,
                Place::QuoteInQuoted if byte == b'"' => {
                    self.bytes.push(byte);
                    Place::Quoted
                }
                Place::CellBegins | Place::Plain | Place::QuoteInQuoted if byte == delimiter => {
                    self.end_cell();
                    Place::CellBegins
                }
                Place::Quoted => {
                    self.bytes.push(byte);
                    Place::Quoted
                }
                Place::CellBegins | Place::Plain | Place::QuoteInQuoted => {
                    if place == Place::QuoteInQuoted {
                        self.blame("text follows the closing quote");
                    } else if byte == b'"' {
                        self.blame("a quote stands inside a cell that does not begin with one");
                    }
                    self.bytes.push(byte);
                    Place::Plain
                }
            };
        }
        place
    }
}

/// Where in a row the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    CellBegins,
    Plain,
    Quoted,
    /// After a quote in a quoted cell: its end, or the first half of a doubled one.
    QuoteInQuoted,
}

/// Reads row after row, within the limits.
pub(super) struct Rows<'a, R> {
    input: R,
    name: &'a str,
    delimiter: u8,
    bytes_left: u64,
    line: u64,
    text: Vec<u8>,
    row: Row,
}

impl<'a, R: BufRead> Rows<'a, R> {
    /// `name` is what errors call the file; `bytes_max` is the most that is read of it.
    pub fn new(input: R, name: &'a str, delimiter: u8, bytes_max: u64) -> Self {
        Self { input, name, delimiter, bytes_left: bytes_max, line: 0, text: Vec::new(), row: Row::default() }
    }

    /// The next row; empty lines are passed over, but counted.
    ///
    /// # Errors
    /// What makes the rest of the file unreadable: input and gzip faults, a row or a file beyond its limit.
    pub fn next(&mut self) -> Result<Option<&Row>> {
        self.row.clear();
        let mut place = Place::CellBegins;
        let mut row_bytes_left = ROW_BYTES_MAX;
        loop {
            let begins = place == Place::CellBegins;
            if begins {
                self.row.line = self.line + 1;
            }
            if !self.read_line(row_bytes_left)? {
                if begins {
                    return Ok(None);
                }
                self.row.blame("the quote that opens here is never closed");
                break;
            }
            row_bytes_left = row_bytes_left.saturating_sub(self.text.len());
            let line = self.text.strip_suffix(b"\n").unwrap_or(&self.text);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if begins && line.is_empty() {
                continue;
            }
            place = self.row.take(line, self.delimiter, place);
            if place != Place::Quoted {
                break;
            }
            self.row.bytes.push(b'\n');
        }
        self.row.end_cell();
        self.row.last_line = self.line;
        Ok(Some(&self.row))
    }

    /// The next physical line with its end into `text`; false at the end of the file.
    fn read_line(&mut self, bytes_max: usize) -> Result<bool> {
        self.text.clear();
        loop {
            let here = self.line + 1;
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(why) if why.kind() == io::ErrorKind::Interrupted => continue,
                Err(why) => return Err(input_fault(&why).at(format!("{}:{here}", self.name))),
            };
            if chunk.is_empty() {
                self.line += u64::from(!self.text.is_empty());
                return Ok(!self.text.is_empty());
            }
            let (part, ends) = match chunk.iter().position(|&byte| byte == b'\n') {
                Some(at) => (chunk.get(..=at).unwrap_or(chunk), true),
                None => (chunk, false),
            };
            let bytes = part.len();
            self.bytes_left = match self.bytes_left.checked_sub(bytes as u64) {
                Some(left) => left,
                None => return Err(file_too_long().at(format!("{}:{here}", self.name))),
            };
            if self.text.len() + bytes > bytes_max {
                return Err(row_too_long().at(format!("{}:{}", self.name, self.row.line)));
            }
            self.text.extend_from_slice(part);
            self.input.consume(bytes);
            if ends {
                self.line += 1;
                return Ok(true);
            }
        }
    }
}

/// The first bytes of a file, without a byte order mark. They tell what is no UTF-8 text at all.
pub(super) fn head(reader: &mut impl Read, name: &str) -> Result<Vec<u8>> {
    let mut head = Vec::new();
    reader.take(3).read_to_end(&mut head).map_err(|why| input_fault(&why).at(name))?;
    match head.as_slice() {
        [0xEF, 0xBB, 0xBF] => Ok(Vec::new()),
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => Err(Error::unreadable("not_utf8", "the file is UTF-16")
            .at(name)
            .hint("convert it to UTF-8, for example with iconv -f UTF-16 -t UTF-8")),
        [0x1F, 0x8B, ..] => Err(Error::unreadable(
            "gzip_without_gz",
            "the file is compressed, but its name does not end with .gz",
        )
        .at(name)
        .hint("name it .csv.gz, or decompress it first")),
        _ => Ok(head),
    }
}

fn file_too_long() -> Error {
    Error::unreadable("file_too_long", "the file goes on beyond the most bytes that one import may have")
        .hint("split it between two notes; every part needs its own header row")
}

fn row_too_long() -> Error {
    Error::unreadable("row_too_long", format!("this row has more than {ROW_BYTES_MAX} bytes"))
        .hint("a quote that is never closed makes one row of all that follows; look for it on this line")
}

fn input_fault(why: &io::Error) -> Error {
    match why.kind() {
        io::ErrorKind::UnexpectedEof => {
            Error::unreadable("gzip_ends_too_early", "the compressed file ends in the middle")
                .hint("fetch it again; nothing of a part is imported")
        }
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            Error::unreadable("not_gzip", format!("the file is named .gz, but cannot be decompressed: {why}"))
                .hint("fetch it again, or take .gz off its name if it is not compressed")
        }
        _ => Error::new(ErrorKind::Storage, "file_unusable", why.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every row as `line-last_line [cells] fault`, then the error if there is one.
    fn read(text: &[u8], bytes_max: u64) -> String {
        let mut rows = Rows::new(text, "t.csv", b',', bytes_max);
        let mut out = String::new();
        loop {
            match rows.next() {
                Ok(Some(row)) => {
                    let cells: Vec<_> = row.cells().map(String::from_utf8_lossy).collect();
                    out += &format!("{}-{} {cells:?}", row.line, row.last_line);
                    if let Some((cell, what)) = row.fault {
                        out += &format!(" cell {cell}: {what}");
                    }
                    out += "\n";
                }
                Ok(None) => return out,
                Err(why) => return out + &format!("{why}\n"),
            }
        }
    }

    #[test]
    fn cells_and_physical_lines() {
        for (text, expected) in [
            ("", ""),
            ("a", "1-1 [\"a\"]\n"),
            ("a,b\nc,d\n", "1-1 [\"a\", \"b\"]\n2-2 [\"c\", \"d\"]\n"),
            ("a\r\n\r\n\nb\r\n", "1-1 [\"a\"]\n4-4 [\"b\"]\n"),
            (",\n", "1-1 [\"\", \"\"]\n"),
            ("\"\"\n", "1-1 [\"\"]\n"),
            ("\"a,\"\"b\"\"\",c\n", "1-1 [\"a,\\\"b\\\"\", \"c\"]\n"),
            ("\"a\n\nb\",c\nd,e", "1-3 [\"a\\n\\nb\", \"c\"]\n4-4 [\"d\", \"e\"]\n"),
            (
                "a,12\" nail,c\n",
                "1-1 [\"a\", \"12\\\" nail\", \"c\"] cell 1: a quote stands inside a cell that does not begin with one\n",
            ),
            ("\"a\"b,c\nd\n", "1-1 [\"ab\", \"c\"] cell 0: text follows the closing quote\n2-2 [\"d\"]\n"),
            ("a,\"b\nc", "1-2 [\"a\", \"b\\nc\\n\"] cell 1: the quote that opens here is never closed\n"),
        ] {
            assert_eq!(read(text.as_bytes(), 1_000), expected, "{text:?}");
        }
    }

    #[test]
    fn limits_end_the_file() {
        let row = format!("a\nb,\"{}", "x\n".repeat(ROW_BYTES_MAX));
        assert!(read(row.as_bytes(), 1 << 20).contains("t.csv:2: this row has more than 65536 bytes"));
        assert!(read(b"ab\ncd\n", 5).starts_with("1-1 [\"ab\"]\nt.csv:2: the file goes on beyond"));
        assert_eq!(read(b"ab\ncd", 5), "1-1 [\"ab\"]\n2-2 [\"cd\"]\n");
        let wide = ",".repeat(2 * COLUMNS_MAX);
        let mut rows = Rows::new(wide.as_bytes(), "t.csv", b',', 1 << 20);
        assert_eq!(rows.next().map(|row| row.map(Row::len)), Ok(Some(COLUMNS_MAX + 1)));
    }
}
