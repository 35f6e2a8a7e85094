//! Reading a segment. Every stretch of a file is hashed and compared with the manifest before anything in it is looked at;
//! bytes that were not asked for are never read.

use ::parquet::{
    column::reader::ColumnReader,
    data_type::{ByteArray, FixedLenByteArray},
    errors::{ParquetError, Result as ParquetResult},
    file::reader::{ChunkReader, FileReader, Length, SerializedFileReader},
};
use bytes::{Buf, Bytes};
use replay::{
    codec::Row,
    merkle::{Frontier, leaf_hash, sha256},
};
use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    ops::ControlFlow,
};

use super::{
    body::Envelope,
    manifest::{FileOf, Folder, Manifest, subtrees, unfit},
    table::{Cells, Column, EVENTS, Form, Table},
};
use crate::{
    error::{Error, Result},
    store::OnRow,
};

/// Cells that are decoded at once.
const CELLS_AT_ONCE: usize = 8_192;

/// Stretches of a file that were hashed; there is nothing else in it.
struct Hashed {
    length: u64,
    parts: Vec<(u64, Bytes)>,
}

impl Length for Hashed {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Hashed {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        let (at, part) = self.part(start)?;
        Ok(part.slice(offset(start - at)?..).reader())
    }
    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        let (at, part) = self.part(start)?;
        let from = offset(start - at)?;
        let to = from.checked_add(length).filter(|to| *to <= part.len());
        to.map(|to| part.slice(from..to)).ok_or_else(outside)
    }
}

impl Hashed {
    fn part(&self, start: u64) -> ParquetResult<(u64, &Bytes)> {
        let holds = |(at, part): &&(u64, Bytes)| *at <= start && start - at < part.len() as u64;
        self.parts.iter().find(holds).map(|(at, part)| (*at, part)).ok_or_else(outside)
    }
}

fn offset(number: u64) -> ParquetResult<usize> {
    usize::try_from(number).map_err(|_| outside())
}

fn outside() -> ParquetError {
    ParquetError::General("it asks for bytes outside of what was hashed".into())
}

/// Columns of one file of a segment, hashed and not decoded yet.
pub struct Columns<'a> {
    table: &'static Table,
    name: String,
    file: &'a FileOf,
    reader: SerializedFileReader<Hashed>,
}

/// Reads columns of a table of a segment, given by their places.
///
/// # Errors
/// Bytes that are not those of the manifest, a disk that fails.
pub fn columns<'a>(
    folder: &Folder,
    manifest: &'a Manifest,
    table: &'static Table,
    places: &[usize],
) -> Result<Columns<'a>> {
    let file = manifest.file(table)?;
    let path = folder.path(table.name, manifest.first);
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut opened = File::open(&path).map_err(|why| Error::io(&path, &why))?;
    let mut parts = Vec::new();
    for (place, part) in file.parts.iter().enumerate() {
        if !places.contains(&place) && part.name != "footer" {
            continue;
        }
        if part.at.checked_add(part.bytes).is_none_or(|end| end > file.bytes) {
            return Err(unfit(&name, format!("{} lies outside of the file", part.name)));
        }
        let mut bytes = Vec::new();
        let io = |why| Error::io(&path, &why);
        opened.seek(SeekFrom::Start(part.at)).map_err(io)?;
        Read::by_ref(&mut opened).take(part.bytes).read_to_end(&mut bytes).map_err(io)?;
        if sha256(&bytes) != part.sha256 {
            return Err(unfit(&name, format!("the bytes of {} are not those that were written", part.name)));
        }
        parts.push((part.at, Bytes::from(bytes)));
    }
    let reader =
        SerializedFileReader::new(Hashed { length: file.bytes, parts }).map_err(|why| unfit(&name, why))?;
    let groups = reader.metadata().num_row_groups();
    let known = reader.metadata().file_metadata().schema_descr().num_columns();
    if groups != usize::from(file.rows > 0) || known != table.columns.len() {
        return Err(unfit(&name, "its columns are not those of this table"));
    }
    Ok(Columns { table, name, file, reader })
}

impl Columns<'_> {
    /// Rows in the file.
    pub fn rows(&self) -> usize {
        usize::try_from(self.file.rows).unwrap_or(usize::MAX)
    }

    /// Decodes one column, so many cells at a time: whether each is there, and the values of those that are.
    ///
    /// # Errors
    /// Bytes that cannot be decoded, or are not as many cells as the manifest says.
    pub fn each(&self, place: usize, take: &mut dyn FnMut(&Slice<'_>)) -> Result<()> {
        let Some(column) = self.table.columns.get(place) else { return Ok(()) };
        if self.rows() == 0 {
            return Ok(());
        }
        let wrong = |why: ParquetError| unfit(&self.name, format!("column {}: {why}", column.name));
        let group = self.reader.get_row_group(0).map_err(wrong)?;
        let reader = group.get_column_reader(place).map_err(wrong)?;
        let rows = decode(column, reader, take).map_err(wrong)?;
        if rows == self.rows() {
            Ok(())
        } else {
            Err(unfit(&self.name, format!("column {} has {rows} cells, not {}", column.name, self.rows())))
        }
    }

    /// A whole column.
    ///
    /// # Errors
    /// As [`Columns::each`].
    pub fn cells(&self, place: usize) -> Result<Cells> {
        let counts = self.table.columns.get(place).is_some_and(|column| column.form.counts());
        let mut cells = if counts { Cells::Numbers(Vec::new()) } else { Cells::Bytes(Vec::new()) };
        self.each(place, &mut |slice| match (&mut cells, &slice.values) {
            (Cells::Numbers(cells), Values::Numbers(values)) => slice.spread(values, cells),
            (Cells::Bytes(cells), Values::Bytes(values)) => slice.spread(values, cells),
            _ => {}
        })?;
        Ok(cells)
    }
}

/// Some cells of a column.
pub struct Slice<'a> {
    /// 1 where there is a value, 0 where there is none; empty where every cell has one.
    pub levels: &'a [i16],
    /// The values, without gaps.
    pub values: Values<'a>,
}

/// Values of a column.
pub enum Values<'a> {
    /// Of a form that counts.
    Numbers(&'a [i64]),
    /// Of any other.
    Bytes(&'a [ByteArray]),
}

impl Slice<'_> {
    fn spread<T: Clone>(&self, values: &[T], into: &mut Vec<Option<T>>) {
        if self.levels.is_empty() {
            return into.extend(values.iter().cloned().map(Some));
        }
        let mut values = values.iter();
        into.extend(self.levels.iter().map(|level| if *level == 0 { None } else { values.next().cloned() }));
    }
}

fn decode(column: &Column, reader: ColumnReader, take: &mut dyn FnMut(&Slice<'_>)) -> ParquetResult<usize> {
    let mut levels = Vec::new();
    let mut rows = 0;
    macro_rules! all {
        ($reader:ident, $give:expr) => {{
            let mut reader = $reader;
            let mut values = Vec::new();
            loop {
                levels.clear();
                values.clear();
                let known = column.optional.then_some(&mut levels);
                let (read, _, _) = reader.read_records(CELLS_AT_ONCE, known, None, &mut values)?;
                if read == 0 {
                    return Ok(rows);
                }
                rows += read;
                $give(&values, &levels);
            }
        }};
    }
    match (reader, column.form) {
        (ColumnReader::Int32ColumnReader(reader), Form::Small) => {
            all!(reader, |values: &Vec<i32>, levels: &Vec<i16>| {
                let values: Vec<i64> = values.iter().map(|value| i64::from(*value)).collect();
                take(&Slice { levels, values: Values::Numbers(&values) });
            })
        }
        (ColumnReader::Int64ColumnReader(reader), Form::Number | Form::Moment) => {
            all!(reader, |values: &Vec<i64>, levels: &Vec<i16>| {
                take(&Slice { levels, values: Values::Numbers(values) });
            })
        }
        (ColumnReader::ByteArrayColumnReader(reader), Form::Text | Form::Json) => {
            all!(reader, |values: &Vec<ByteArray>, levels: &Vec<i16>| {
                take(&Slice { levels, values: Values::Bytes(values) });
            })
        }
        (ColumnReader::FixedLenByteArrayColumnReader(reader), Form::Uuid | Form::Hash) => {
            all!(reader, |values: &Vec<FixedLenByteArray>, levels: &Vec<i16>| {
                let values: Vec<ByteArray> = values.iter().map(|value| ByteArray::clone(value)).collect();
                take(&Slice { levels, values: Values::Bytes(&values) });
            })
        }
        _ => Err(ParquetError::General("it is of another type".into())),
    }
}

/// Hands out every event of a segment as the row it was, after its body was put together again and its leaf made from it;
/// at the end the leaves have to be the subtrees of the manifest. So what is handed out is of the log behind those, byte
/// for byte: [`Standing::tree`](super::Standing::tree) says whether they are of this log.
///
/// # Errors
/// A segment that does not fit; what was handed out before is then not proved.
pub fn each_row(folder: &Folder, manifest: &Manifest, on_row: OnRow<'_>) -> Result<()> {
    let names = [
        "actor",
        "approver",
        "causation",
        "correlation",
        "effective_at",
        "event_id",
        "external_id",
        "kind",
        "ledger",
        "offset_minutes",
        "payload",
        "position",
        "recorded_at",
        "revision",
        "role",
        "source",
        "stream_type",
        "stream_id",
        "version",
        "leaf",
    ];
    let places = names.iter().map(|name| EVENTS.place(name)).collect::<Result<Vec<usize>>>()?;
    let read = columns(folder, manifest, &EVENTS, &places)?;
    let cells = places.iter().map(|place| read.cells(*place)).collect::<Result<Vec<Cells>>>()?;
    let [
        actor,
        approver,
        causation,
        correlation,
        effective_at,
        event_id,
        external_id,
        kind,
        ledger,
        offset_minutes,
        payload,
        position,
        recorded_at,
        revision,
        role,
        source,
        stream_type,
        stream_id,
        version,
        leaf,
    ] = cells.as_slice()
    else {
        return Ok(());
    };
    let (mut body, mut stream, mut tree) = (Vec::new(), String::new(), Frontier::new());
    for at in 0..read.rows() {
        let wrong = |why: &str| unfit(&read.name, format!("row {}: {why}", at + 1));
        let text = |cells| maybe_text(cells, at).map_err(|why| wrong(&why.to_string()));
        let word = |cells| text(cells)?.ok_or_else(|| wrong("a cell is missing"));
        let number = |cells: &Cells| cells.number(at).ok_or_else(|| wrong("a cell is missing"));
        let count =
            |cells| number(cells).and_then(|n| u64::try_from(n).map_err(|_| wrong("it is below zero")));
        let id = |cells: &Cells| cells.bytes(at).and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
        stream.clear();
        stream.push_str(word(stream_type)?);
        if let Some(id) = text(stream_id)? {
            stream.push('/');
            stream.push_str(id);
        }
        let envelope = Envelope {
            actor: word(actor)?,
            approver: text(approver)?,
            causation: id(causation),
            correlation: text(correlation)?,
            effective_at: number(effective_at)?,
            event_id: id(event_id).ok_or_else(|| wrong("it has no id"))?,
            external_id: text(external_id)?,
            kind: word(kind)?,
            ledger: word(ledger)?,
            offset_minutes: number(offset_minutes)?,
            position: count(position)?,
            recorded_at: number(recorded_at)?,
            revision: count(revision)?,
            role: word(role)?,
            source: word(source)?,
            stream: &stream,
            version: number(version)?,
        };
        if envelope.position != manifest.first + at as u64 {
            return Err(wrong("it is not the next position"));
        }
        envelope.body(payload.bytes(at).unwrap_or_default(), &mut body);
        let hash = leaf_hash(&body);
        if leaf.bytes(at) != Some(&hash.0) {
            return Err(wrong("its leaf is not that of its body"));
        }
        tree.push(hash);
        let row = Row {
            position: envelope.position,
            stream: &stream,
            revision: envelope.revision,
            event_id: envelope.event_id,
            kind: envelope.kind,
            recorded_at: envelope.recorded_at,
            body: &body,
            leaf: hash.0,
        };
        if on_row(&row) == ControlFlow::Break(()) {
            return Ok(());
        }
    }
    if tree.size() != manifest.events() || subtrees(&tree) != manifest.subtrees {
        return Err(unfit(&read.name, "its leaves are not those of its manifest"));
    }
    Ok(())
}

fn maybe_text(cells: &Cells, row: usize) -> std::result::Result<Option<&str>, std::str::Utf8Error> {
    cells.bytes(row).map(std::str::from_utf8).transpose()
}
