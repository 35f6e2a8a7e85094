//! segments: the log in columns, for totals over millions of events and for other programs.

use clap::{Args, Subcommand};
use serde_json::json;
use std::path::PathBuf;

use super::{
    EXIT_DIFFERS,
    common::Common,
    output::{Output, table},
};
use crate::{
    error::Result,
    segments::{self, Answer, Built, Figures, Folder, Question},
    store::Store,
    view::money,
};

/// Segments: the log in columns, as Parquet files beside the ledger; a cache that can be thrown away
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  claims segments build
  claims segments totals --by merchant,month
  claims segments check")]
pub enum SegmentsCommand {
    /// Make what is missing, has grown or does not fit
    #[command(after_help = "Examples:
  claims segments build
  claims segments build --dir /fast/disk/shop.segments

One file of events and one of movements of money per 65,536 events, which DuckDB, Polars and
pandas read as they are; benches/README.md has figures, fixtures/segments/README.md the columns
and examples. Personal values are not in them. Stopped half way, what is complete stays, and
the next build goes on.")]
    Build(At),
    /// Derive every cell again from the log: exit 0 agrees, 1 differs
    #[command(after_help = "Example:\n  claims segments check")]
    Check(At),
    /// What is there, and whether it fits
    #[command(after_help = "Example:\n  claims segments list")]
    List(At),
    /// Throw all segments of a ledger away; nothing is lost
    #[command(after_help = "Example:\n  claims segments drop")]
    Drop(At),
    /// Refund totals, or events with their amounts, grouped by any column
    #[command(after_help = "Examples:
  claims segments totals --by merchant,month
  claims segments totals --by actor,reason,kind
  claims segments totals --of events --by kind,carrier

Only the columns that are asked for are read, after they were hashed. What the log has after the
last segment is read from the log, so the answer is always that of the log as it stands.")]
    Totals(TotalsArgs),
}

/// Where they are.
#[derive(Debug, Args)]
pub struct At {
    /// The folder of the segments [default: the ledger's name with .segments]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct TotalsArgs {
    /// Columns to group by, several with commas
    #[arg(long, value_delimiter = ',', default_value = "merchant", value_name = "COLUMNS")]
    by: Vec<String>,
    /// What is added up
    #[arg(long, value_enum, default_value = "money")]
    of: Of,
    #[command(flatten)]
    at: At,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Of {
    /// Credits, credited, reversed, failed: the refund totals
    Money,
    /// Events, and the amounts they are about
    Events,
}

impl At {
    fn folder(&self, common: &Common) -> Result<Folder> {
        Ok(Folder::of(common.path()?, self.dir.as_deref()))
    }
}

impl SegmentsCommand {
    pub fn run(self, common: &Common, out: Output) -> Result<u8> {
        match self {
            SegmentsCommand::Build(at) => {
                let folder = at.folder(common)?;
                let built = segments::build(common.path()?, &folder, !out.json)?;
                out.say(&json!({ "dir": folder.dir(), "segments": built }), || build_text(&built, &folder))?;
            }
            SegmentsCommand::Check(at) => {
                let checked = segments::check(common.path()?, &at.folder(common)?, !out.json)?;
                out.say(&checked, || {
                    let (events, count) = (checked.events, checked.segments);
                    let mut text = String::new();
                    checked.findings.iter().for_each(|finding| text.push_str(&format!("{finding}\n")));
                    text.push_str(&if checked.agrees {
                        format!("{count} segments of {events} events: every cell is what the log says")
                    } else {
                        "segments and log DIFFER; claims segments build makes anew what does not fit".into()
                    });
                    text + &later(checked.log, events)
                })?;
                return Ok(if checked.agrees { 0 } else { EXIT_DIFFERS });
            }
            SegmentsCommand::List(at) => list(&at, common, out)?,
            SegmentsCommand::Drop(at) => {
                let folder = at.folder(common)?;
                let files = segments::drop_all(&folder)?;
                out.say(&json!({ "dir": folder.dir(), "files": files }), || {
                    format!("dropped {files} files of {}", folder.dir().display())
                })?;
            }
            SegmentsCommand::Totals(args) => args.run(common, out)?,
        }
        Ok(0)
    }
}

fn build_text(built: &Built, folder: &Folder) -> String {
    let mut text = String::new();
    for (name, why) in &built.remade {
        text.push_str(&format!("made again {name}: {why}\n"));
    }
    text.push_str(&format!(
        "{} segments of {} events in {}: {} made now\n{} bytes, {}.{:03} of the {} bytes of the rows",
        built.segments,
        built.events,
        folder.dir().display(),
        built.built,
        built.bytes,
        built.per_mille / 1_000,
        built.per_mille % 1_000,
        built.row_bytes
    ));
    text
}

/// What came after the last segment.
fn later(log: u64, covered: u64) -> String {
    match log.saturating_sub(covered) {
        0 => String::new(),
        more => format!("\nthe log has {more} events after them; claims segments build adds them"),
    }
}

fn list(at: &At, common: &Common, out: Output) -> Result<()> {
    let folder = at.folder(common)?;
    let mut store = common.read()?;
    let (log, origin) = (store.tip()?.position, store.origin().clone());
    let _held = folder.hold(false)?;
    let standing = folder.look(&origin)?;
    let files = |m: &segments::Manifest| m.files.iter().map(|file| file.bytes).sum::<u64>();
    if out.json {
        for manifest in &standing.fit {
            out.say(&json!({ "fits": true, "segment": manifest }), String::new)?;
        }
        return standing.unfit.iter().try_for_each(|(name, why)| {
            out.say(&json!({ "fits": false, "name": name, "why": why }), String::new)
        });
    }
    let fit = standing.fit.iter().map(|m| {
        let root: String = m.root.to_string().chars().take(16).collect();
        let words = [m.first, m.last, m.events(), files(m)].map(|number| number.to_string());
        [words.as_slice(), &[root, "fits".into()]].concat()
    });
    let unfit = standing.unfit.iter().map(|(name, why)| {
        [name.clone(), String::new(), String::new(), String::new(), String::new(), why.clone()].to_vec()
    });
    let rows: Vec<Vec<String>> = fit.chain(unfit).collect();
    out.say(&(), || {
        let text = table(&["first>", "last>", "events>", "bytes>", "root of its leaves", ""], &rows);
        format!("{}{}", text.trim_end(), later(log, standing.last()))
    })
}

impl TotalsArgs {
    fn run(self, common: &Common, out: Output) -> Result<()> {
        let figures = match self.of {
            Of::Money => Figures::Money,
            Of::Events => Figures::Events,
        };
        let question = Question { figures, by: self.by.clone() };
        let answer = segments::answer(common.path()?, &self.at.folder(common)?, &question)?;
        if out.json { self.json(&answer, figures, out) } else { self.text(&answer, figures, out) }
    }

    fn json(&self, answer: &Answer, figures: Figures, out: Output) -> Result<()> {
        for group in &answer.groups {
            let mut row = serde_json::Map::new();
            for (by, name) in self.by.iter().zip(&group.names) {
                row.insert(by.clone(), json!(name));
            }
            row.insert("currency".into(), json!(group.currency));
            if figures == Figures::Events {
                row.insert("events".into(), json!(group.rows));
            }
            for (sum, value) in figures.sums().iter().zip(&group.sums) {
                row.insert((*sum).into(), json!(value));
            }
            if let (Figures::Money, [_, credited, reversed, failed]) = (figures, group.sums.as_slice()) {
                row.insert("stands_minor".into(), json!(credited - reversed - failed));
            }
            out.say(&row, String::new)?;
        }
        Ok(())
    }

    fn text(&self, answer: &Answer, figures: Figures, out: Output) -> Result<()> {
        let mut head: Vec<&str> = self.by.iter().map(String::as_str).collect();
        head.extend(match figures {
            Figures::Money => ["credits>", "credited>", "reversed>", "failed>", "stands>", ""].as_slice(),
            Figures::Events => &["events>", "amount>", ""],
        });
        let rows = answer.groups.iter().map(|group| {
            let currency = group.currency.clone().unwrap_or_default();
            let amount = |minor: i64| {
                let sign = if minor < 0 { "-" } else { "" };
                format!("{sign}{}", money(minor.unsigned_abs(), &currency))
            };
            let mut row: Vec<String> =
                group.names.iter().map(|name| name.clone().unwrap_or_else(|| "-".into())).collect();
            match (figures, group.sums.as_slice()) {
                (Figures::Money, [credits, credited, reversed, failed]) => {
                    row.push(credits.to_string());
                    row.extend([*credited, *reversed, *failed, credited - reversed - failed].map(amount));
                }
                (_, sums) => {
                    row.push(group.rows.to_string());
                    row.extend(
                        sums.iter().map(|sum| if currency.is_empty() { String::new() } else { amount(*sum) }),
                    );
                }
            }
            row.push(currency.clone());
            row
        });
        let rows: Vec<Vec<String>> = rows.collect();
        out.say(&(), || table(&head, &rows))
    }
}
