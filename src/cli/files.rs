//! record, import, export: files and pipes.

use clap::{Args, Subcommand};
use serde_json::json;
use std::{
    fs::File,
    io::{BufRead, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
};

use super::{
    common::{Acting, Common},
    output::{self, Output},
    signing::SigningFirst,
};
use crate::{
    door::Door,
    error::{Error, ErrorKind, Result},
    evidence::{
        bundle::{self, Extent},
        read_note,
    },
    import_csv::{self, Mapping},
    ledger::{Ledger, Outcome},
    progress::Progress,
    record::{self, Options},
    redaction,
    store::{Store, sqlite::SqliteStore},
    transfer, whole,
    writer::Load,
};

/// Credit notes per commit.
const IMPORT_GROUP_NOTES: usize = 500;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  claims record commands.ndjson
  shop-export | claims record - --json
  claims record commands.ndjson --keep-going

Consecutive lines on one stream are one batch: recorded as a whole or not at all.
The first bad line is named; what came before it stays. Running a file again
changes nothing that has an external_id. claims schema command shows the fields.")]
pub struct RecordArgs {
    /// The file, or - for stdin
    #[arg(default_value = "-")]
    file: PathBuf,
    /// Go on after a batch that cannot be recorded
    #[arg(long)]
    keep_going: bool,
    /// All lines are one batch (at most 1,000)
    #[arg(long, conflicts_with = "keep_going")]
    atomic: bool,
    #[command(flatten)]
    acting: Acting,
}

fn reader(path: &Path) -> Result<Box<dyn BufRead>> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(BufReader::new(std::io::stdin())));
    }
    Ok(Box::new(BufReader::new(File::open(path).map_err(|why| Error::io(path, &why))?)))
}

fn name_of(path: &Path) -> String {
    if path.as_os_str() == "-" { "stdin".into() } else { path.display().to_string() }
}

impl RecordArgs {
    pub fn run(self, common: &Common, out: Output) -> Result<()> {
        let mut input = reader(&self.file)?;
        let mut ledger = Ledger::new(common.write()?, Door::System);
        let name = name_of(&self.file);
        let defaults = self.acting.defaults(&Door::System);
        let read = |_, line: &[u8], begun: &dyn Fn(&replay::ids::Stream) -> bool| {
            crate::command::parse(line, &defaults, begun)
        };
        let options = Options { name: &name, read: &read, keep_going: self.keep_going, atomic: self.atomic };
        let progress = Progress::new("record", 0, !out.json);
        let mut answer = |line: u64, result: &Result<crate::ledger::Receipt>| match result {
            Ok(receipt) => output::receipt(receipt, out),
            Err(why) if out.json => out.say(&json!({ "line": line, "error": why }), String::new),
            Err(why) => {
                eprintln!("error: {why}");
                Ok(())
            }
        };
        let tally = record::record(&mut ledger, &mut *input, &options, &progress, &mut answer)?;
        progress.done();
        eprintln!("{} recorded, {} already recorded", tally.recorded, tally.already_recorded);
        Ok(())
    }
}

#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Bring in historical credit notes from a CSV file, each as a closed claim with its own cap
    #[command(after_help = "Examples:
  claims import csv --map fixtures/import/sample.toml fixtures/import/sample.csv
  claims import csv --map shop.toml --dry-run notes.csv.gz

The mapping file says which column is what; fixtures/import/README.md explains it.
Importing again changes nothing; an interrupted import is completed by running it
again. A row that cannot be read is named and its note left out; the rest is imported.")]
    Csv {
        /// The mapping (TOML)
        #[arg(long, value_name = "FILE")]
        map: PathBuf,
        /// The CSV file; .gz is read as well
        file: PathBuf,
        /// Read and report, record nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Restore an export into an empty ledger of the same origin, byte for byte, all or nothing
    #[command(after_help = "Example:
  claims export events --to shop.ndjson --ledger shop.db
  claims init --origin ORIGIN copy.db
  claims import events shop.ndjson --ledger copy.db")]
    Events {
        /// The export, one event a line
        file: PathBuf,
        /// The personal values that were exported beside it
        #[arg(long, value_name = "FILE")]
        personal: Option<PathBuf>,
    },
}

impl ImportCommand {
    pub fn run(self, common: &Common, out: Output) -> Result<()> {
        match self {
            ImportCommand::Csv { map, file, dry_run } => csv(common, &map, &file, dry_run, out),
            ImportCommand::Events { file, personal } => events(common, &file, personal.as_deref(), out),
        }
    }
}

fn csv(common: &Common, map: &Path, file: &Path, dry_run: bool, out: Output) -> Result<()> {
    let text = std::fs::read_to_string(map).map_err(|why| Error::io(map, &why))?;
    let mapping = Mapping::parse(&text, &map.display().to_string())?;
    let input = File::open(file).map_err(|why| Error::io(file, &why))?;
    let (notes, bad) =
        import_csv::read(BufReader::new(input), &file.display().to_string(), &mapping, &mut |_| {})?;
    for row in &bad {
        eprintln!("{row}");
    }
    let (mut recorded, mut already) = (0u64, 0u64);
    let mut refused: Option<Error> = None;
    if !dry_run {
        let mut ledger = Ledger::new(common.write()?, Door::System);
        let progress = Progress::new("import", u64::try_from(notes.len()).unwrap_or(0), !out.json);
        let mut load = Load::new(&mut ledger, false);
        let mut asked: &[import_csv::Note] = &[];
        // Each group is answered when the next one is given, the last one at the end.
        for group in notes.chunks(IMPORT_GROUP_NOTES).chain([&[][..]]) {
            let batches: Vec<_> = group.iter().map(|note| vec![note.proposal.clone()]).collect();
            let results = if batches.is_empty() { load.finish()? } else { load.record(batches)? };
            for (result, note) in results.into_iter().zip(std::mem::replace(&mut asked, group)) {
                match result {
                    Ok(receipts) => match receipts.first().map(|r| r.outcome) {
                        Some(Outcome::AlreadyRecorded) => already += 1,
                        _ => recorded += 1,
                    },
                    Err(why) => {
                        let why = why.at(format!("{}:{}", file.display(), note.line));
                        eprintln!("error: {why}");
                        refused = refused.or(Some(why));
                    }
                }
            }
            progress.reach(recorded + already)?;
        }
        progress.done();
    }
    for note in &notes {
        for remark in &note.remarks {
            eprintln!("note: {}:{}: {remark}", file.display(), note.line);
        }
    }
    let answer = json!({
        "notes": notes.len(), "recorded": recorded, "already_recorded": already, "unreadable_rows": bad.len(),
        "dry_run": dry_run,
    });
    out.say(&answer, || {
        let words = if dry_run {
            "readable".into()
        } else {
            format!("{recorded} recorded, {already} already recorded")
        };
        format!("{} credit notes: {words}; {} rows could not be read", notes.len(), bad.len())
    })?;
    match (refused, bad.len()) {
        (Some(why), _) => Err(why),
        (None, 0) => Ok(()),
        (None, rows) => {
            Err(Error::new(ErrorKind::Unreadable, "rows_left_out", format!("{rows} rows could not be read"))
                .at(file.display())
                .hint(
                    "correct the rows named above and import the file again; what is recorded stays as it is",
                ))
        }
    }
}

fn events(common: &Common, file: &Path, personal: Option<&Path>, out: Output) -> Result<()> {
    let mut input = reader(file)?;
    let mut store = common.write()?;
    let progress = Progress::new("import", 0, !out.json);
    let mut values = personal.map(|path| Ok::<_, Error>((reader(path)?, name_of(path)))).transpose()?;
    let values = values.as_mut().map(|(input, name)| (&mut **input as &mut dyn BufRead, name.as_str()));
    let restored = transfer::import_events(&mut store, &mut *input, &name_of(file), values, &progress)?;
    progress.done();
    out.say(&restored, || {
        let left_out = match restored.erased {
            0 => String::new(),
            n => format!("; {n} more were erased since they were exported and were left out"),
        };
        format!(
            "restored {} events and {} personal values{left_out}\nroot {}",
            restored.events, restored.personal, restored.root
        )
    })?;
    store.clean(std::time::Duration::from_millis(redaction::CLEAN_WAIT_MS))
}

#[derive(Debug, Subcommand)]
pub enum ExportCommand {
    /// Write every event as it is stored, one a line
    #[command(after_help = "Examples:
  claims export events > shop.ndjson
  claims export events --to shop.ndjson --personal shop-personal.ndjson

Events hold commitments instead of personal values. --personal writes the values
and the salts that open the commitments to a file of their own: keep it apart, and
erase it as well when a value in it is erased. claims redact cannot reach it.")]
    Events {
        /// The file to write [default: stdout]
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
        /// Also write the personal values, to this file
        #[arg(long, value_name = "FILE")]
        personal: Option<PathBuf>,
    },
    /// Write the auditor's bundle: the log up to a checkpoint, and what it takes to verify it offline
    #[command(after_help = "Examples:
  claims export bundle audit-2024-04 --signing-key shop.key      up to now, and signed
  claims export bundle audit-2024-04                             up to the last checkpoint
  claims export bundle case-7 --checkpoint april.checkpoint --personal

claims verify FOLDER --trust FILE checks it anywhere. Personal values stay behind
unless --personal asks for them; their commitments are in the events anyway.")]
    Bundle {
        /// The folder to make; it must not exist
        folder: PathBuf,
        /// The checkpoint up to which [default: the last one that was recorded]
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
        /// With the personal values and the salts that open their commitments
        #[arg(long)]
        personal: bool,
        #[command(flatten)]
        signing: SigningFirst,
    },
    /// Write the log in the layout of C2SP tlog-tiles: a signed head, tiles of hashes, bundles of events
    #[command(after_help = "Example:\n  claims export tiles public-log")]
    Tiles {
        /// The folder to make; it must not exist
        folder: PathBuf,
        /// The checkpoint up to which [default: the last one that was recorded]
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
        #[command(flatten)]
        signing: SigningFirst,
    },
    /// Write the double-entry journal of everything that moves money
    Journal(super::journal::JournalArgs),
}

impl ExportCommand {
    pub fn run(self, common: &Common, out: Output) -> Result<()> {
        if let ExportCommand::Journal(args) = self {
            return args.run(common, out);
        }
        if let ExportCommand::Bundle { folder, checkpoint, signing, .. }
        | ExportCommand::Tiles { folder, checkpoint, signing, .. } = &self
        {
            // Before anything is signed for it.
            whole::folder_is_free(folder)?;
            signing.sign(common, checkpoint.is_some(), out)?;
        }
        let mut store = common.read()?;
        store.begin_read()?;
        let done = match self {
            ExportCommand::Journal(_) => Ok(()),
            ExportCommand::Events { to, personal } => {
                export(&mut store, to.as_deref(), personal.as_deref(), out)
            }
            ExportCommand::Bundle { folder, checkpoint, personal, .. } => {
                bundle(&mut store, &folder, checkpoint.as_deref(), Extent::Bundle { personal }, out)
            }
            ExportCommand::Tiles { folder, checkpoint, .. } => {
                bundle(&mut store, &folder, checkpoint.as_deref(), Extent::Tiles, out)
            }
        };
        store.end_read();
        done
    }
}

fn bundle(
    store: &mut SqliteStore,
    folder: &Path,
    checkpoint: Option<&Path>,
    extent: Extent,
    out: Output,
) -> Result<()> {
    let note = match checkpoint {
        Some(path) => read_note(path)?,
        None => crate::answers::head(store, None)?,
    };
    let progress = Progress::new("export", store.tip()?.position, !out.json);
    let written = bundle::write(store, &note, folder, extent, &progress)?;
    progress.done();
    out.say(&written, || {
        format!(
            "wrote {} events to {}: {} files, {} bytes\nroot {}",
            written.events,
            folder.display(),
            written.files,
            written.bytes,
            written.root
        )
    })
}

fn export(store: &mut SqliteStore, to: Option<&Path>, personal: Option<&Path>, out: Output) -> Result<()> {
    let progress = Progress::new("export", store.tip()?.position, to.is_some() && !out.json);
    let count = match to {
        None => {
            let stdout = output::Quiet(std::io::stdout().lock());
            transfer::export_events(store, &mut BufWriter::new(stdout), &progress)?
        }
        Some(path) => whole_file(path, |file| transfer::export_events(store, file, &progress))?,
    };
    progress.done();
    let mut values = 0;
    if let Some(path) = personal {
        values = whole_file(path, |file| transfer::export_personal(store, file))?;
    }
    if to.is_some() {
        out.say(&json!({ "events": count, "personal": values }), || {
            format!("wrote {count} events, {values} personal values")
        })?;
    }
    Ok(())
}

/// A file that is there as a whole or not at all: written beside its place, readable by its owner alone, then moved.
pub(super) fn whole_file<T>(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<T>) -> Result<T> {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    let part = PathBuf::from(name);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&part).map_err(|why| Error::io(path, &why))?;
    let mut buffer = BufWriter::new(file);
    let written = write(&mut buffer).and_then(|value| {
        let file = buffer.into_inner().map_err(|why| Error::io(&part, why.error()))?;
        file.sync_all().map_err(|why| Error::io(&part, &why))?;
        std::fs::rename(&part, path).map_err(|why| Error::io(path, &why))?;
        Ok(value)
    });
    if written.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    written
}
