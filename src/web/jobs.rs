//! Work that reads the whole log: done once beside the requests, looked at by all, kept for a while. A page that needs it
//! says how far it is until it is there.

use maud::{Markup, html};
use replay::time::When;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::Duration,
};

use super::layout::{Page, minute};
use crate::{
    error::{Error, ErrorKind, Result},
    progress::{Reached, watch},
    store::sqlite::SqliteStore,
};

/// Most works under way at once: each folds the whole log.
const RUNNING_MAX: usize = 3;
/// Most results that are kept.
const KEPT_MAX: usize = 32;
/// How long a result is good though events were added since, in microseconds.
const FRESH_MICROS: i64 = 60 * 1_000_000;
/// How long a page waits for it, so that small ledgers never see a page that says "wait".
const PATIENCE: Duration = Duration::from_millis(400);

/// Works and what came of them.
#[derive(Debug, Clone, Default)]
pub struct Jobs(Arc<Mutex<BTreeMap<String, Job>>>);

#[derive(Debug)]
struct Job {
    began: When,
    /// Position of the log's end when it began.
    through: u64,
    reached: Arc<Reached>,
    /// `None` while it is under way.
    came: Option<Result<String>>,
}

/// What is to be done, through a connection of its own.
pub type Work = Box<dyn FnOnce(&mut SqliteStore) -> Result<Markup> + Send>;

/// How a work stands.
enum Stands {
    Done { began: When, through: u64, body: String },
    Running { began: When, done: u64, total: u64 },
    Never,
}

/// Says what came of a work, also when it broke off: nobody waits for ever, and its place is free again.
struct Ending {
    jobs: Jobs,
    name: String,
}

impl Ending {
    fn with(&self, came: Result<String>) {
        if let Some(job) = self.jobs.all().get_mut(&self.name) {
            job.came = Some(came);
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        let is_open = self.jobs.all().get(&self.name).is_some_and(|job| job.came.is_none());
        if is_open {
            self.with(Err(Error::new(ErrorKind::Internal, "work_broke_off", "the work broke off")));
        }
    }
}

impl Jobs {
    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Job>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a work unless it is under way. `path` is the ledger, `through` the end of its log.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] when too many are under way.
    pub fn start(&self, name: &str, path: PathBuf, through: u64, now: When, work: Work) -> Result<()> {
        let (ended, end) = mpsc::channel();
        {
            let mut all = self.all();
            if all.get(name).is_some_and(|job| job.came.is_none()) {
                return Ok(());
            }
            if all.values().filter(|job| job.came.is_none()).count() >= RUNNING_MAX {
                return Err(Error::new(
                    ErrorKind::Busy,
                    "desk_is_busy",
                    "others are having the whole log read",
                )
                .hint("load this page again in a moment"));
            }
            while all.len() >= KEPT_MAX {
                let oldest =
                    all.iter().filter(|(_, job)| job.came.is_some()).min_by_key(|(_, job)| job.began.at);
                let Some(oldest) = oldest.map(|(name, _)| name.clone()) else { break };
                all.remove(&oldest);
            }
            let reached = Arc::new(Reached::default());
            all.insert(name.into(), Job { began: now, through, reached: reached.clone(), came: None });
            let ending = Ending { jobs: self.clone(), name: name.to_owned() };
            thread::spawn(move || {
                watch(reached);
                let made = SqliteStore::open_read_only(&path).and_then(|mut store| work(&mut store));
                ending.with(made.map(maud::PreEscaped::into_string));
                // Nobody may be waiting any more.
                let _ = ended.send(());
            });
        }
        // Whoever does not want to wait is told how far it is.
        let _ = end.recv_timeout(PATIENCE);
        Ok(())
    }

    fn stands(&self, name: &str) -> Result<Stands> {
        let all = self.all();
        let Some(job) = all.get(name) else { return Ok(Stands::Never) };
        match &job.came {
            None => {
                let (done, total) = job.reached.get();
                Ok(Stands::Running { began: job.began, done, total })
            }
            Some(Ok(body)) => Ok(Stands::Done { began: job.began, through: job.through, body: body.clone() }),
            Some(Err(why)) => Err(why.clone()),
        }
    }

    fn is_fresh(&self, name: &str, through: u64, now: When) -> bool {
        let all = self.all();
        all.get(name).is_some_and(|job| match &job.came {
            None => true,
            Some(Ok(_)) => job.through == through || now.at.micros() - job.began.at.micros() < FRESH_MICROS,
            Some(Err(_)) => false,
        })
    }

    /// The page of a work: started if there is no fresh result, shown when it is there.
    ///
    /// # Errors
    /// What the work ended with; too many under way.
    pub fn page(
        &self,
        page: Page<'_>,
        name: &str,
        store: (PathBuf, u64),
        now: When,
        work: Work,
    ) -> Result<String> {
        if !self.is_fresh(name, store.1, now) {
            self.start(name, store.0, store.1, now, work)?;
        }
        self.show(page, name, &html! {})
    }

    /// The page of a work that is started by hand; `otherwise` stands there before it ever was.
    ///
    /// # Errors
    /// What the work ended with.
    pub fn show(&self, mut page: Page<'_>, name: &str, otherwise: &Markup) -> Result<String> {
        Ok(match self.stands(name)? {
            Stands::Never => page.show(otherwise),
            Stands::Done { began, through, body } => page.show(&html! {
                (maud::PreEscaped(body))
                p .soft { "Worked out " (minute(began)) " from the log up to position " (through) "." }
            }),
            Stands::Running { began, done, total } => {
                page.is_under_way = true;
                page.show(&html! {
                    h1 { (page.title) }
                    p role="status" { "The whole log is being read since " (minute(began)) "; this page shows the result when it is there." }
                    @if total > 0 {
                        p { label for="reached" { "Events read" } progress #reached max=(total) value=(done.min(total)) { (done) " of " (total) } " " (done) " of " (total) }
                    }
                })
            }
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn a_work_that_breaks_off_holds_nobody_up() {
        let jobs = Jobs::default();
        let now = When::parse("2024-04-15T12:00:00Z").unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("shop.db");
        SqliteStore::create(&path, &replay::ids::Origin::new("shop.example/claims").unwrap()).unwrap();
        for _ in 0..RUNNING_MAX + 1 {
            let work: Work = Box::new(|_| std::panic::resume_unwind(Box::new("on purpose")));
            jobs.start("broken", path.clone(), 0, now, work).unwrap();
            let (mut waited, ended) = (0, || jobs.all().get("broken").is_some_and(|job| job.came.is_some()));
            while !ended() && waited < 1_000 {
                thread::park_timeout(Duration::from_millis(5));
                waited += 1;
            }
            assert_eq!(jobs.stands("broken").err().map(|why| why.code), Some("work_broke_off".into()));
        }
        jobs.start("whole", path, 0, now, Box::new(|_| Ok(html! { "done" }))).unwrap();
        assert!(matches!(jobs.stands("whole"), Ok(Stands::Done { body, .. }) if body == "done"));
    }
}
