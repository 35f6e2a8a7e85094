//! A table as the bytes of a Parquet file.

use ::parquet::{
    basic::{Compression, Encoding, ZstdLevel},
    data_type::{ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type},
    errors::{ParquetError, Result as ParquetResult},
    file::{
        metadata::ParquetMetaData,
        properties::{EnabledStatistics, WriterProperties},
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
    schema::{parser::parse_message_type, types::ColumnPath},
};
use replay::merkle::{Hash, sha256};
use std::sync::Arc;

use super::{
    manifest::{FileOf, Part, code},
    table::{Batch, Cells, Column, Form, Laid, Table},
};
use crate::error::{Error, ErrorKind, Result};

/// How hard zstd tries, 1 to 22: beyond it a build takes longer than reading the log.
const ZSTD_LEVEL: i32 = 6;
/// Bytes of a page before it is compressed: what repeats is found within a page.
const PAGE_BYTES: usize = 1 << 22;
/// Bytes of a dictionary, after which a column is laid down cell by cell.
const DICTIONARY_BYTES: usize = 1 << 22;
/// Bytes at the beginning of a file, before its first column.
const MAGIC_BYTES: u64 = 4;

fn fault(why: ParquetError) -> Error {
    Error::new(ErrorKind::Internal, "columns_are_not_written", why.to_string())
}

/// The schema of a table in Parquet's language.
pub fn schema(table: &Table) -> String {
    let mut text = format!("message {} {{\n", table.name);
    for column in table.columns {
        let (physical, annotation) = column.form.schema();
        let repetition = if column.optional { "OPTIONAL" } else { "REQUIRED" };
        text.push_str(&format!("  {repetition} {physical} {}{annotation};\n", column.name));
    }
    text.push_str("}\n");
    text
}

fn properties(table: &Table) -> Result<WriterProperties> {
    let zstd = Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL).map_err(fault)?);
    let mut properties = WriterProperties::builder()
        .set_created_by(code())
        .set_compression(zstd)
        .set_data_page_size_limit(PAGE_BYTES)
        .set_data_page_row_count_limit(usize::MAX)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_max_row_group_row_count(None)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true);
    for column in table.columns {
        let path = ColumnPath::from(column.name);
        if column.laid != Laid::Words {
            properties = properties.set_column_dictionary_enabled(path.clone(), false);
        }
        match column.laid {
            Laid::Words | Laid::Once => {}
            Laid::Steps => {
                properties = properties.set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED)
            }
            Laid::AsIs => {
                properties = properties.set_column_compression(path.clone(), Compression::UNCOMPRESSED);
            }
        }
        // Where cells are long or random, their smallest and largest help nobody.
        if matches!(column.form, Form::Json | Form::Hash | Form::Uuid) {
            properties = properties.set_column_statistics_enabled(path, EnabledStatistics::None);
        }
    }
    Ok(properties.build())
}

/// Lays a table down. Gives the bytes of its file and what its manifest says of them.
///
/// # Errors
/// Only by a fault of this program.
pub fn lay(batch: Batch) -> Result<(Vec<u8>, FileOf)> {
    let (table, rows) = (batch.table, batch.rows() as u64);
    let schema = Arc::new(parse_message_type(&schema(table)).map_err(fault)?);
    let mut bytes = Vec::new();
    let mut writer =
        SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties(table)?)).map_err(fault)?;
    // Without rows there is no group of rows either.
    if rows > 0 {
        let mut group = writer.next_row_group().map_err(fault)?;
        for (column, cells) in table.columns.iter().zip(batch.cells) {
            let Some(mut writer) = group.next_column().map_err(fault)? else { break };
            write(column, cells, &mut writer).map_err(fault)?;
            writer.close().map_err(fault)?;
        }
        group.close().map_err(fault)?;
    }
    let metadata = writer.close().map_err(fault)?;
    let file = FileOf {
        table: table.name.into(),
        rows,
        bytes: bytes.len() as u64,
        sha256: sha256(&bytes),
        parts: parts(table, &metadata, &bytes)?,
    };
    Ok((bytes, file))
}

fn write(column: &Column, cells: Cells, writer: &mut SerializedColumnWriter<'_>) -> ParquetResult<()> {
    let levels = |present: &mut dyn Iterator<Item = bool>| -> Option<Vec<i16>> {
        column.optional.then(|| present.map(i16::from).collect())
    };
    match cells {
        Cells::Numbers(cells) => {
            let levels = levels(&mut cells.iter().map(Option::is_some));
            let values: Vec<i64> = cells.into_iter().flatten().collect();
            if column.form == Form::Small {
                let small = |value: &i64| {
                    let text = || ParquetError::General(format!("{value} is no small number"));
                    i32::try_from(*value).map_err(|_| text())
                };
                let values: Vec<i32> = values.iter().map(small).collect::<ParquetResult<_>>()?;
                writer.typed::<Int32Type>().write_batch(&values, levels.as_deref(), None)?;
            } else {
                writer.typed::<Int64Type>().write_batch(&values, levels.as_deref(), None)?;
            }
        }
        Cells::Bytes(cells) => {
            let levels = levels(&mut cells.iter().map(Option::is_some));
            let values: Vec<ByteArray> = cells.into_iter().flatten().collect();
            if matches!(column.form, Form::Uuid | Form::Hash) {
                let values: Vec<FixedLenByteArray> =
                    values.into_iter().map(FixedLenByteArray::from).collect();
                writer.typed::<FixedLenByteArrayType>().write_batch(&values, levels.as_deref(), None)?;
            } else {
                writer.typed::<ByteArrayType>().write_batch(&values, levels.as_deref(), None)?;
            }
        }
    }
    Ok(())
}

/// The columns of a file and its footer with their hashes; together they are the file.
fn parts(table: &Table, metadata: &ParquetMetaData, bytes: &[u8]) -> Result<Vec<Part>> {
    let whole = || Error::new(ErrorKind::Internal, "columns_are_not_written", "a file is not all columns");
    let mut parts = Vec::new();
    let mut next = MAGIC_BYTES;
    let part = |name: &str, at: u64, length: u64| -> Option<Part> {
        let stretch = bytes.get(usize::try_from(at).ok()?..usize::try_from(at + length).ok()?)?;
        Some(Part { name: name.into(), at, bytes: length, sha256: sha256(stretch) })
    };
    let mut chunks = metadata.row_groups().iter().flat_map(|group| group.columns());
    for column in table.columns {
        let (at, length) = chunks.next().map_or((next, 0), |chunk| chunk.byte_range());
        if at != next {
            return Err(whole());
        }
        parts.push(part(column.name, at, length).ok_or_else(whole)?);
        next = at + length;
    }
    parts.push(part("footer", next, bytes.len() as u64 - next).ok_or_else(whole)?);
    Ok(parts)
}

/// Whether a whole file is what its manifest says.
pub fn is_whole(bytes: &[u8], file: &FileOf) -> bool {
    let hash: Hash = sha256(bytes);
    hash == file.sha256 && bytes.len() as u64 == file.bytes
}
