//! Answers that go on: receipts of a bulk append, and events as they happen. Work on the ledger runs on threads that
//! may block; what goes to and fro is a channel with an end.

use axum::body::{Body, Bytes};
use http_body_util::BodyExt;
use replay::ids::Stream;
use serde_json::json;
use std::{
    collections::BTreeSet,
    future::poll_fn,
    io::{BufReader, Read},
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, mpsc},
    time::{Instant, timeout},
};
use tokio_stream::wrappers::{ReceiverStream, UnboundedReceiverStream};

use super::{
    answer::Answer,
    app::App,
    append::proposal,
    asked::Asked,
    checks,
    door::{blocking, may},
    limits::{
        BODY_SECONDS_MAX, BULK_BYTES_MAX, FEED_EVENTS, FEED_PING_SECONDS, FEED_POLL_MS, FEED_SEND_SECONDS_MAX,
    },
    principal::{Credential, principal},
    problem::Problem,
    routes::Route,
};
use crate::{
    error::{Error, ErrorKind, Result},
    ledger::{Batch, Outcome, Receipt},
    progress::Progress,
    record::{self, Groups, Options},
    store::Store,
    writer::{Results, Writer},
};

/// What a reader of a feed sends to resume: the position it has seen last.
pub const LAST_EVENT_ID: &str = "last-event-id";

type Chunk = std::result::Result<Bytes, std::io::Error>;

/// Begins a bulk append. The answer begins at once, and goes on as lines are recorded.
pub fn bulk(app: Arc<App>, asked: Asked, body: Body, place: OwnedSemaphorePermit) -> Answer {
    // A few chunks wait at most; the sender is slowed down by its connection.
    let (to_work, from_client) = mpsc::channel::<Chunk>(4);
    // Answers are bounded by the lines of the body, and a client may send everything before it reads.
    let (answers, to_client) = mpsc::unbounded_channel::<Chunk>();
    tokio::spawn(receive(body, to_work));
    tokio::task::spawn_blocking(move || {
        let _place = place;
        let input = Incoming { from: from_client, chunk: Bytes::new(), handle: Handle::current() };
        let (lines, done) = (BTreeSet::new(), BTreeSet::new());
        let mut out = Outgoing { answers, lines, done, recorded: 0, already_recorded: 0 };
        work(&app, &asked, input, &mut out);
    });
    let body = Body::from_stream(UnboundedReceiverStream::new(to_client));
    Answer::of(200, "application/x-ndjson", Vec::new()).stream(body)
}

/// Takes the body in, as far as it may go.
async fn receive(mut body: Body, to_work: mpsc::Sender<Chunk>) {
    let mut bytes = 0usize;
    loop {
        let frame = timeout(Duration::from_secs(BODY_SECONDS_MAX), body.frame()).await;
        let chunk = match frame {
            Ok(None) => return,
            Ok(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) => {
                    bytes = bytes.saturating_add(data.len());
                    if bytes > BULK_BYTES_MAX {
                        Err(std::io::Error::other(format!("the body has more than {BULK_BYTES_MAX} bytes")))
                    } else {
                        Ok(data)
                    }
                }
                // Trailers say nothing here.
                Err(_) => continue,
            },
            Ok(Some(Err(why))) => Err(std::io::Error::other(why.to_string())),
            Err(_) => Err(std::io::Error::other(format!("nothing came for {BODY_SECONDS_MAX} seconds"))),
        };
        let is_over = chunk.is_err();
        if to_work.send(chunk).await.is_err() || is_over {
            return;
        }
    }
}

/// The body as the reader of commands wants it.
struct Incoming {
    from: mpsc::Receiver<Chunk>,
    chunk: Bytes,
    handle: Handle,
}

impl Read for Incoming {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        while self.chunk.is_empty() {
            match self.handle.block_on(self.from.recv()) {
                None => return Ok(0),
                Some(chunk) => self.chunk = chunk?,
            }
        }
        let count = self.chunk.len().min(to.len());
        let (head, _) = self.chunk.split_at(count);
        to.iter_mut().zip(head).for_each(|(to, from)| *to = *from);
        self.chunk = self.chunk.slice(count..);
        Ok(count)
    }
}

/// Answers, one for each line that is not blank.
struct Outgoing {
    answers: mpsc::UnboundedSender<Chunk>,
    /// Lines that came in.
    lines: BTreeSet<u64>,
    /// Lines that were answered.
    done: BTreeSet<u64>,
    recorded: u64,
    already_recorded: u64,
}

impl Outgoing {
    fn send(&self, value: &serde_json::Value) {
        // Whoever has gone away is told nothing; what was recorded is recorded.
        let _ = self.answers.send(Ok(Bytes::from(format!("{value}\n"))));
    }
    fn recorded(&mut self, line: u64, receipt: &Receipt) {
        self.done.insert(line);
        match receipt.outcome {
            Outcome::Recorded => self.recorded += 1,
            Outcome::AlreadyRecorded => self.already_recorded += 1,
        }
        self.send(&json!({ "line": line, "receipt": receipt }));
    }
    fn failed(&mut self, line: u64, why: &Error, request_id: &str) {
        self.done.insert(line);
        self.send(&json!({ "line": line, "problem": Problem::of(why, request_id) }));
    }
    /// Lines whose batch was cut have no error of their own, and are not recorded either.
    fn close(&mut self, request_id: &str) {
        let left: Vec<u64> = self.lines.difference(&self.done).copied().collect();
        let cut = Error::new(ErrorKind::Interrupted, "batch_was_cut", "nothing of its batch was recorded")
            .hint("consecutive lines on one stream are recorded together; another line of them says why");
        left.iter().for_each(|line| self.failed(*line, &cut, request_id));
        let lines = u64::try_from(self.lines.len()).unwrap_or(u64::MAX);
        let failed = lines.saturating_sub(self.recorded).saturating_sub(self.already_recorded);
        self.send(&json!({ "done": {
            "lines": lines, "recorded": self.recorded, "already_recorded": self.already_recorded, "failed": failed,
        } }));
    }
}

/// A batch on its way through the writer.
struct Waiting {
    way: Pin<Box<dyn Future<Output = Result<Vec<Receipt>>>>>,
    answer: Option<Result<Vec<Receipt>>>,
}

impl Waiting {
    fn of(writer: &Writer, batch: Batch) -> Self {
        let writer = writer.clone();
        Self { way: Box::pin(async move { writer.record_async(batch).await }), answer: None }
    }
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.answer.is_some() {
            return Poll::Ready(());
        }
        self.way.as_mut().poll(context).map(|answer| self.answer = Some(answer))
    }
}

/// The writer, as the reader of many commands sees it: a group is sent at once, so that it is one commit.
struct Through<'a> {
    app: &'a App,
    /// What came of the last group, told with the next.
    held: Results,
}

impl Groups for Through<'_> {
    fn record(&mut self, batches: Vec<Batch>) -> Result<Results> {
        // Asked in turn, so that they stand in the queue in the order of the lines: one may rest on the one before.
        let mut waiting: Vec<_> =
            batches.into_iter().map(|batch| Waiting::of(&self.app.writer, batch)).collect();
        Handle::current().block_on(poll_fn(|context| {
            let left = waiting.iter_mut().filter_map(|one| one.poll(context).is_pending().then_some(()));
            if left.count() == 0 { Poll::Ready(()) } else { Poll::Pending }
        }));
        let gone = || Error::new(ErrorKind::Internal, "no_answer", "the writer gave no answer");
        let results: Vec<_> =
            waiting.into_iter().map(|one| one.answer.unwrap_or_else(|| Err(gone()))).collect();
        results.iter().flatten().for_each(|receipts| self.app.tell(receipts));
        Ok(std::mem::replace(&mut self.held, results))
    }
    fn finish(&mut self) -> Result<Results> {
        Ok(std::mem::take(&mut self.held))
    }
}

fn work(app: &App, asked: &Asked, input: Incoming, out: &mut Outgoing) {
    let mut input = BufReader::new(input);
    let Ok(who) = asked.who() else { return };
    let shared = std::cell::RefCell::new(&mut *out);
    let read = |number: u64, line: &[u8], begun: &dyn Fn(&Stream) -> bool| {
        shared.borrow_mut().lines.insert(number);
        proposal(who, asked, line, begun)
    };
    let options = Options { name: "line", read: &read, keep_going: true, atomic: false };
    let mut answer = |line: u64, result: &Result<Receipt>| {
        let mut out = shared.borrow_mut();
        out.lines.insert(line);
        match result {
            Ok(receipt) => out.recorded(line, receipt),
            Err(why) => out.failed(line, why, &asked.request_id),
        }
        Ok(())
    };
    let mut through = Through { app, held: Results::new() };
    // What it ends with sums up the lines that failed, and each was told when it came up.
    let _ = record::record_through(&mut through, &mut input, &options, &Progress::silent(), &mut answer);
    out.close(&asked.request_id);
}

/// Begins a feed after a position: what is there first, then what comes.
///
/// # Errors
/// A position that is no number, storage errors.
pub async fn feed(
    app: Arc<App>,
    route: &'static Route,
    asked: Asked,
    credential: Credential,
    last_seen: Option<String>,
    place: OwnedSemaphorePermit,
) -> Result<Answer> {
    let seen = match &last_seen {
        Some(text) => Some(text.trim().parse::<u64>().map_err(|_| {
            Error::new(ErrorKind::Usage, "bad_last_event_id", "Last-Event-ID is to be a position")
        })?),
        None => asked.number("after"),
    };
    let from = match seen {
        Some(position) => position,
        None => {
            let app = app.clone();
            blocking(move || app.read(|store| Ok(store.tip()?.position))).await?
        }
    };
    let (to_client, body) = mpsc::channel::<Chunk>(2);
    app.metrics.feeds.fetch_add(1, Ordering::Relaxed);
    tokio::spawn(async move {
        let _place = place;
        follow(&app, route, &credential, from, &to_client).await;
        app.metrics.feeds.fetch_sub(1, Ordering::Relaxed);
    });
    let body = Body::from_stream(ReceiverStream::new(body));
    Ok(Answer::of(200, "text/event-stream", Vec::new()).stream(body))
}

/// Sends what is new until the reader goes, is too slow, or may not read any longer.
async fn follow(
    app: &Arc<App>,
    route: &'static Route,
    credential: &Credential,
    mut seen: u64,
    to_client: &mpsc::Sender<Chunk>,
) {
    let (mut news, mut ending) = (app.news.subscribe(), app.ending.subscribe());
    let (mut told, mut asked_again) = (Instant::now(), Instant::now());
    // A first line, so that the reader knows that it is connected.
    let mut text = format!(": after {seen}\n\n");
    loop {
        let page = {
            let (app, after) = (app.clone(), seen);
            // A place to read is held for one page only.
            let Ok(_reading) = app.reading.clone().acquire_owned().await else { return };
            let reader = app.clone();
            blocking(move || reader.read(|store| checks::after(store, after, FEED_EVENTS))).await
        };
        let page = match page {
            Ok(page) => page,
            Err(why) => {
                tracing::warn!("a feed ended: {why}");
                return;
            }
        };
        let is_full = page.len() >= FEED_EVENTS;
        for (position, event) in page {
            seen = position;
            text.push_str(&format!("id: {position}\nevent: recorded\ndata: {event}\n\n"));
        }
        let pause = Duration::from_secs(FEED_PING_SECONDS);
        if text.is_empty() && told.elapsed() >= pause {
            text.push_str(": still here\n\n");
        }
        if asked_again.elapsed() >= pause {
            asked_again = Instant::now();
            // Whoever lost the session, the token or the role meanwhile reads no further.
            let (app, credential) = (app.clone(), credential.clone());
            let asking = blocking(move || principal(&app, &credential)).await.ok().flatten();
            if may(route, asking.as_ref()).is_err() {
                return;
            }
        }
        if !text.is_empty() {
            let chunk = Ok(Bytes::from(std::mem::take(&mut text)));
            let sent = timeout(Duration::from_secs(FEED_SEND_SECONDS_MAX), to_client.send(chunk)).await;
            match sent {
                Ok(Ok(())) => told = Instant::now(),
                Ok(Err(_)) => return,
                Err(_) => {
                    app.metrics.feeds_dropped.fetch_add(1, Ordering::Relaxed);
                    return;
                }
            }
        }
        if is_full {
            continue;
        }
        tokio::select! {
            _ = news.changed() => {}
            _ = ending.wait_for(|is_ending| *is_ending) => return,
            () = to_client.closed() => return,
            // Other programs write to the ledger as well.
            () = tokio::time::sleep(Duration::from_millis(FEED_POLL_MS)) => {}
        }
    }
}
