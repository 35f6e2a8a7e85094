//! Commands from a file or a pipe: one JSON object a line, receipts out in the same order.
//!
//! Consecutive lines on one stream are one batch, recorded as a whole or not at all. The first bad line is named;
//! what was recorded before it stays, and running the file again changes nothing that has a key.

use replay::{ids::Expected, ids::Stream, seal::Proposal};
use serde::Serialize;
use std::{
    collections::{HashMap, HashSet},
    io::{BufRead, Read},
};

use crate::{
    command::COMMAND_BYTES_MAX,
    error::{Error, Result},
    ledger::{BATCH_COMMANDS_MAX, Batch, Ledger, Outcome, Receipt},
    progress::Progress,
    store::Store,
    writer::{Load, Results},
};

/// Most batches recorded with one commit.
const GROUP_BATCHES: usize = 512;

/// What came of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Commands that added an event.
    pub recorded: u64,
    /// Commands whose key and content were there already.
    pub already_recorded: u64,
    /// Commands that were not recorded.
    pub failed: u64,
}

/// Whoever records group after group: a ledger, or the way to its writer. What came of a group may be told with the one
/// after it, so that one is read while another is recorded.
pub trait Groups {
    /// Takes a group, and tells what came of those before it that was not told yet.
    ///
    /// # Errors
    /// Storage errors.
    fn record(&mut self, batches: Vec<Batch>) -> Result<Results>;
    /// Waits for what was taken, and tells what came of it.
    ///
    /// # Errors
    /// Storage errors.
    fn finish(&mut self) -> Result<Results>;
}

impl<S: Store + Send + 'static> Groups for Load<'_, S> {
    fn record(&mut self, batches: Vec<Batch>) -> Result<Results> {
        Load::record(self, batches)
    }
    fn finish(&mut self) -> Result<Results> {
        Load::finish(self)
    }
}

/// Reads a line as a command: its number, its bytes, and whether an earlier one is on the same stream.
pub type ReadLine<'a> = &'a dyn Fn(u64, &[u8], &dyn Fn(&Stream) -> bool) -> Result<Proposal>;

/// Where commands come from and how far to go.
pub struct Options<'a> {
    /// The file's name for messages.
    pub name: &'a str,
    /// How a line is read.
    pub read: ReadLine<'a>,
    /// Go on with other streams after a batch that cannot be recorded.
    pub keep_going: bool,
    /// Record everything as one batch.
    pub atomic: bool,
}

struct Pending {
    batch: Batch,
    /// Line of each command.
    lines: Vec<u64>,
}

/// A batch that the ledger has taken and not answered: line and stream of each command.
struct Asked(Vec<(u64, Stream)>);

/// Reads commands, records them, and hands out a receipt or an error for each, with its line.
///
/// # Errors
/// The first line that cannot be recorded, unless told to keep going.
pub fn record<S: Store + Send + 'static>(
    ledger: &mut Ledger<S>,
    input: &mut dyn BufRead,
    options: &Options<'_>,
    progress: &Progress,
    answer: &mut dyn FnMut(u64, &Result<Receipt>) -> Result<()>,
) -> Result<Tally> {
    let mut load = Load::new(ledger, !options.keep_going);
    record_through(&mut load, input, options, progress, answer)
}

/// As [`record`], through whoever records.
///
/// # Errors
/// As [`record`].
pub fn record_through(
    load: &mut dyn Groups,
    input: &mut dyn BufRead,
    options: &Options<'_>,
    progress: &Progress,
    answer: &mut dyn FnMut(u64, &Result<Receipt>) -> Result<()>,
) -> Result<Tally> {
    let mut run = Run {
        load,
        options,
        progress,
        answer,
        asked: Vec::new(),
        revisions: HashMap::new(),
        tally: Tally::default(),
        failed: None,
    };
    let read = run.read(input);
    if let Err(why) = read {
        // Whatever stopped it: what was asked before is answered first.
        let _ = run.settle();
        return Err(why);
    }
    let tally = run.tally;
    match run.failed {
        None => Ok(tally),
        // Each was handed out when it came up.
        Some(first) => Err(Error::new(first.kind, &first.code, format!("{} lines could not be recorded", tally.failed))
            .at(options.name)
            .hint("correct the lines that were named and run the file again; what has an external_id is recorded once")),
    }
}

struct Run<'a> {
    load: &'a mut dyn Groups,
    options: &'a Options<'a>,
    progress: &'a Progress,
    answer: &'a mut dyn FnMut(u64, &Result<Receipt>) -> Result<()>,
    /// What the ledger has taken and not answered.
    asked: Vec<Asked>,
    /// The last revision that this file gave each stream, as far as it was answered.
    revisions: HashMap<Stream, u64>,
    tally: Tally,
    failed: Option<Error>,
}

impl Run<'_> {
    fn read(&mut self, input: &mut dyn BufRead) -> Result<()> {
        let mut group: Vec<Pending> = Vec::new();
        let mut number = 0u64;
        loop {
            let line = match next_line(input, &mut number) {
                Ok(None) => break,
                Ok(Some(line)) => line,
                Err(why) => {
                    let why = Error { at: None, ..Error::io(self.options.name.as_ref(), &why) };
                    self.unreadable(&mut group, number, self.options.name.into(), why)?;
                    break;
                }
            };
            let open = group.last_mut().filter(|p| self.options.atomic || p.batch.len() < BATCH_COMMANDS_MAX);
            let last = open.as_ref().and_then(|p| p.batch.last()).map(|p| p.stream.clone());
            let begun = |stream: &Stream| {
                let of_batch = |p: &Pending| p.batch.iter().any(|q| q.stream == *stream);
                let was_asked = |asked: &Asked| asked.0.iter().any(|(_, s)| s == stream);
                self.revisions.contains_key(stream)
                    || group.iter().any(of_batch)
                    || self.asked.iter().any(was_asked)
            };
            let proposal = match line.and_then(|line| (self.options.read)(number, &line, &begun)) {
                Ok(proposal) => proposal,
                Err(why) => {
                    self.unreadable(&mut group, number, format!("{}:{number}", self.options.name), why)?;
                    continue;
                }
            };
            let follows = self.options.atomic || last.as_ref() == Some(&proposal.stream);
            // What goes on where an earlier batch ended has to know where that was.
            let goes_on = || {
                proposal.expected == Expected::AfterThePreviousOfThisBatch
                    && group.iter().any(|p| p.batch.iter().any(|q| q.stream == proposal.stream))
            };
            if !follows && (group.len() >= GROUP_BATCHES || goes_on()) {
                self.flush(&mut group)?;
            }
            match group.last_mut().filter(|_| follows) {
                Some(pending) => {
                    pending.batch.push(proposal);
                    pending.lines.push(number);
                }
                None => group.push(Pending { batch: vec![proposal], lines: vec![number] }),
            }
        }
        self.flush(&mut group)?;
        self.settle()
    }

    /// A line that cannot be read takes the batch before it along, unless it says that it is about another stream:
    /// nobody can tell whether it was its last line. Everything before that is recorded.
    fn unreadable(&mut self, group: &mut Vec<Pending>, line: u64, place: String, why: Error) -> Result<()> {
        let last = group.last().and_then(|pending| pending.batch.last()).map(|p| p.stream.to_string());
        let another = !self.options.atomic && why.at.is_some() && why.at != last;
        let mut why = why.at(place);
        if let Some(cut) = group.pop_if(|_| !another) {
            why.details.push(not_recorded(&cut.lines));
            self.tally.failed += u64::try_from(cut.batch.len()).unwrap_or(0);
        }
        self.flush(group)?;
        self.settle()?;
        self.fail(line, why)
    }

    fn fail(&mut self, line: u64, why: Error) -> Result<()> {
        self.tally.failed += 1;
        if !self.options.keep_going {
            return Err(why);
        }
        let first = self.failed.is_none().then(|| why.clone());
        (self.answer)(line, &Err(why))?;
        self.failed = first.or(self.failed.take());
        Ok(())
    }

    /// Gives the group to the ledger, and hands out what came of the group before it.
    fn flush(&mut self, group: &mut Vec<Pending>) -> Result<()> {
        if group.is_empty() {
            return Ok(());
        }
        if group.iter().any(|pending| self.follows_on_what_was_asked(&pending.batch)) {
            self.settle()?;
        }
        let mut batches = Vec::with_capacity(group.len());
        let mut asked = Vec::with_capacity(group.len());
        for mut pending in group.drain(..) {
            self.follow_on(&mut pending.batch);
            let streams = pending.batch.iter().map(|p| p.stream.clone());
            asked.push(Asked(pending.lines.into_iter().zip(streams).collect()));
            batches.push(pending.batch);
        }
        let results = self.load.record(batches)?;
        let before = std::mem::replace(&mut self.asked, asked);
        self.hand_out(before, results)
    }

    /// Waits for everything that was given to the ledger, and hands out what came of it.
    fn settle(&mut self) -> Result<()> {
        let results = self.load.finish()?;
        let asked = std::mem::take(&mut self.asked);
        self.hand_out(asked, results)
    }

    fn hand_out(&mut self, asked: Vec<Asked>, results: Results) -> Result<()> {
        for (result, Asked(commands)) in results.into_iter().zip(asked) {
            match result {
                Ok(receipts) => {
                    for (receipt, (line, stream)) in receipts.into_iter().zip(commands) {
                        match receipt.outcome {
                            Outcome::Recorded => self.tally.recorded += 1,
                            Outcome::AlreadyRecorded => self.tally.already_recorded += 1,
                        }
                        self.revisions.insert(stream, receipt.revision);
                        (self.answer)(line, &Ok(receipt))?;
                    }
                }
                Err(why) => {
                    let lines: Vec<u64> = commands.iter().map(|(line, _)| *line).collect();
                    let line = bad_line(&why, &lines).or(lines.first().copied()).unwrap_or(0);
                    let place = format!("{}:{line}", self.options.name);
                    let stream = why.at.as_deref().and_then(stream_of).map(String::from);
                    let mut why = Error { at: stream, ..why }.at(place);
                    if lines.len() > 1 {
                        why.details.push(not_recorded(&lines));
                        self.tally.failed += u64::try_from(lines.len() - 1).unwrap_or(0);
                    }
                    self.fail(line, why)?;
                }
            }
        }
        self.progress.reach(self.tally.recorded + self.tally.already_recorded + self.tally.failed)
    }

    /// Whether a batch goes on where one ended that the ledger has not answered.
    fn follows_on_what_was_asked(&self, batch: &[Proposal]) -> bool {
        let asked: HashSet<&Stream> =
            self.asked.iter().flat_map(|Asked(commands)| commands.iter().map(|(_, stream)| stream)).collect();
        let follows = |p: &Proposal| p.expected == Expected::AfterThePreviousOfThisBatch;
        batch.iter().any(|p| follows(p) && asked.contains(&p.stream))
    }

    /// A batch on a stream that this file has written to before goes on where that ended.
    fn follow_on(&self, batch: &mut [Proposal]) {
        let mut begun: Vec<Stream> = Vec::new();
        for proposal in batch {
            let follows = proposal.expected == Expected::AfterThePreviousOfThisBatch;
            if follows
                && !begun.contains(&proposal.stream)
                && let Some(revision) = self.revisions.get(&proposal.stream)
            {
                proposal.expected = Expected::at_number(*revision);
            }
            begun.push(proposal.stream.clone());
        }
    }
}

/// What became of a batch that was cut.
fn not_recorded(lines: &[u64]) -> String {
    match lines {
        [] => String::new(),
        [line] => format!("line {line} was not recorded either"),
        [first, .., last] => format!("nothing of the batch in lines {first} to {last} was recorded"),
    }
}

/// The stream in the place of an error, `command 3, claim/C1`.
fn stream_of(place: &str) -> Option<&str> {
    let last = place.rsplit(", ").next()?;
    if last.starts_with("command ") { None } else { Some(last) }
}

/// The line of the command that an error of a batch is about.
fn bad_line(why: &Error, lines: &[u64]) -> Option<u64> {
    let at = why.at.as_deref()?;
    let number: usize = at.strip_prefix("command ")?.split([',', ' ']).next()?.parse().ok()?;
    lines.get(number.checked_sub(1)?).copied()
}

/// The next line that is not empty, without its line feed, and its number. Of a line that is too long the rest is
/// skipped, so that the next one can be read.
fn next_line(input: &mut dyn BufRead, number: &mut u64) -> std::io::Result<Option<Result<Vec<u8>>>> {
    let limit = u64::try_from(COMMAND_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(2);
    loop {
        let mut line = Vec::new();
        if Read::take(&mut *input, limit).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        *number += 1;
        let ended = line.last() == Some(&b'\n');
        while line.last().is_some_and(|b| matches!(b, b'\n' | b'\r')) {
            line.pop();
        }
        if line.len() > COMMAND_BYTES_MAX {
            if !ended {
                input.skip_until(b'\n')?;
            }
            let text = format!("the line has more than {COMMAND_BYTES_MAX} bytes");
            return Ok(Some(Err(Error::unreadable("line_too_long", text)
                .hint("one command a line; keep large texts and files outside and record their SHA-256"))));
        }
        if !line.iter().all(u8::is_ascii_whitespace) {
            return Ok(Some(Ok(line)));
        }
    }
}
