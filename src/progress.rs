//! Long work: a bar on a terminal, silence in a pipe, and a way to stop between two steps.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    cell::RefCell,
    io::IsTerminal,
    sync::{
        Arc, Once,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use crate::error::{Error, ErrorKind, Result};

static STOP: AtomicBool = AtomicBool::new(false);
static HANDLER: Once = Once::new();

/// For programs that handle signals themselves: long work installs no handler of its own any more.
pub fn signals_are_handled() {
    HANDLER.call_once(|| ());
}

/// Asks all long work of this program to stop between two steps.
pub fn stop() {
    STOP.store(true, Ordering::SeqCst);
}

thread_local! {
    /// Who watches the work of this thread beside the terminal.
    static WATCHED: RefCell<Option<Arc<Reached>>> = const { RefCell::new(None) };
}

/// How far long work has come, for somebody who looks at it from another thread.
#[derive(Debug, Default)]
pub struct Reached {
    done: AtomicU64,
    total: AtomicU64,
}

impl Reached {
    /// Steps that are done, and steps in all.
    pub fn get(&self) -> (u64, u64) {
        (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }
}

/// From now on long work of this thread says here how far it is.
pub fn watch(reached: Arc<Reached>) {
    WATCHED.with(|watched| *watched.borrow_mut() = Some(reached));
}

/// Shows how far long work has come and whether somebody wants it to stop.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    watched: Option<Arc<Reached>>,
}

impl Progress {
    /// A bar over `total` steps, on stderr, if that is a terminal and `shown`.
    pub fn new(what: &'static str, total: u64, shown: bool) -> Self {
        HANDLER.call_once(|| {
            // The second Ctrl-C does not ask again.
            let _ = ctrlc::set_handler(|| {
                if STOP.swap(true, Ordering::SeqCst) {
                    std::process::exit(130);
                }
            });
        });
        let visible = shown && std::io::stderr().is_terminal();
        let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        let style =
            ProgressStyle::with_template("{msg:<10} {bar:30} {human_pos}/{human_len} {per_sec} {eta} left");
        if let Ok(style) = style {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(what);
        let watched = WATCHED.with(|watched| watched.borrow().clone());
        if let Some(reached) = &watched {
            reached.total.store(total, Ordering::Relaxed);
            reached.done.store(0, Ordering::Relaxed);
        }
        Self { bar, watched }
    }
    /// For work that nobody watches.
    pub fn silent() -> Self {
        Self { bar: ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()), watched: None }
    }
    /// Says how far it is.
    ///
    /// # Errors
    /// [`ErrorKind::Interrupted`] when somebody asked for it: leave nothing half done and return.
    pub fn reach(&self, steps: u64) -> Result<()> {
        self.bar.set_position(steps);
        if let Some(reached) = &self.watched {
            reached.done.store(steps, Ordering::Relaxed);
        }
        if STOP.load(Ordering::SeqCst) {
            self.bar.abandon();
            return Err(Error::new(ErrorKind::Interrupted, "interrupted", "stopped on request")
                .hint("nothing half done is left; run the same command again to go on"));
        }
        Ok(())
    }
    /// Takes the bar away.
    pub fn done(&self) {
        self.bar.finish_and_clear();
    }
}
