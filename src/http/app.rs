//! What all requests share: the ledger's readers, its one writer, who may ask, and what is counted.

use replay::{
    ids::{ActorId, Code, Origin, Stream},
    registry::Registry,
    time::Instant,
};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, RwLock},
};
use tokio::sync::{Semaphore, watch};

use super::{
    limits::{BULK_MAX, FEEDS_MAX, HEAVY_MAX, LOGINS_MAX, REQUESTS_MAX},
    metrics::Metrics,
    network::{Hosts, Options},
    rate::Rates,
    readers::Readers,
};
use crate::{
    access::Access,
    door::Door,
    error::Result,
    judging,
    ledger::{Batch, Receipt},
    store::{Store, sqlite::SqliteStore},
    web::Desk,
    writer::Writer,
};

/// The service's state.
#[derive(Debug)]
pub struct App {
    /// The ledger's file.
    pub ledger: PathBuf,
    /// The ledger's name.
    pub origin: Origin,
    /// People and programs.
    pub access: Access,
    /// What is counted.
    pub metrics: Metrics,
    /// Under which names the service answers.
    pub hosts: Hosts,
    /// Whether browsers reach it by TLS, here or at a proxy.
    pub is_secure: bool,
    /// The proxy that is believed where it says whom it asks for.
    pub trusted_proxy: Option<std::net::IpAddr>,
    pub(super) rates: Rates,
    pub(super) readers: Readers,
    pub(super) writer: Writer,
    /// How many may be worked on.
    pub(super) requests: Arc<Semaphore>,
    /// How many may fold the log.
    pub(super) heavy: Arc<Semaphore>,
    /// How many may record many commands.
    pub(super) bulk: Arc<Semaphore>,
    /// How many may follow the log.
    pub(super) feeds: Arc<Semaphore>,
    /// How many may work out a password.
    pub(super) logins: Arc<Semaphore>,
    /// How many may read; as many as there are connections.
    pub(super) reading: Arc<Semaphore>,
    /// The last position that this service wrote, for those who wait for news.
    pub(super) news: watch::Sender<u64>,
    /// Set when the service ends.
    pub(super) ending: watch::Sender<bool>,
    people: RwLock<Option<Arc<Registry>>>,
    /// What the desk keeps between requests.
    pub desk: Desk,
}

/// Most connections to read with, whatever the machine.
const READERS_MAX: usize = 8;

impl App {
    /// The state over a ledger that is there.
    ///
    /// # Errors
    /// As [`SqliteStore::open_read_only`], and of the access store.
    pub(super) fn new(options: &Options, hosts: Hosts, writer: Writer) -> Result<Self> {
        let readers = Readers::new(&options.ledger)?;
        let (origin, tip) = readers.read(|store| Ok((store.origin().clone(), store.tip()?.position)))?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            ledger: options.ledger.clone(),
            origin,
            access: Access::beside(&options.ledger)?,
            metrics: Metrics::default(),
            hosts,
            is_secure: options.is_secure(),
            trusted_proxy: options.trusted_proxy,
            rates: Rates::new(options.rate_per_second),
            readers,
            writer,
            requests: Arc::new(Semaphore::new(REQUESTS_MAX)),
            heavy: Arc::new(Semaphore::new(HEAVY_MAX)),
            bulk: Arc::new(Semaphore::new(BULK_MAX)),
            feeds: Arc::new(Semaphore::new(FEEDS_MAX)),
            logins: Arc::new(Semaphore::new(LOGINS_MAX)),
            reading: Arc::new(Semaphore::new((2 * cores).clamp(2, READERS_MAX))),
            news: watch::Sender::new(tip),
            ending: watch::Sender::new(false),
            people: RwLock::new(None),
            desk: Desk::default(),
        })
    }
    /// The clock.
    pub fn now(&self) -> Instant {
        Door::System.now()
    }
    /// The file of the ledger.
    pub fn path(&self) -> &Path {
        &self.ledger
    }
    /// Reads in one state of the ledger, on the thread that asks.
    ///
    /// # Errors
    /// Storage errors, and what `read` says.
    pub fn read<T>(&self, read: impl FnOnce(&mut SqliteStore) -> Result<T>) -> Result<T> {
        self.readers.read(read)
    }
    /// Policies, calendars, people and limits as they stand. Read again when the ledger's own stream has grown.
    ///
    /// # Errors
    /// Storage errors, a broken log.
    pub fn registry(&self, store: &mut SqliteStore) -> Result<Arc<Registry>> {
        let revision = store.revision(&Stream::Ledger)?;
        let is_current = |registry: &Arc<Registry>| registry.revision().map_or(0, |r| r.get()) == revision;
        let known = self.people.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        if let Some(known) = known.filter(is_current) {
            return Ok(known);
        }
        let registry = Arc::new(judging::registry(store)?);
        *self.people.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(registry.clone());
        Ok(registry)
    }
    /// The roles that an actor holds at this moment. In a ledger that is not governed nobody holds one: there a role is
    /// a word that people say of themselves, which opens no door.
    ///
    /// # Errors
    /// Storage errors, a broken log.
    pub fn roles(&self, actor: &ActorId) -> Result<Vec<Code>> {
        let registry = self.read(|store| self.registry(store))?;
        if !registry.is_governed() {
            return Ok(Vec::new());
        }
        Ok(registry.roles(actor).unwrap_or_default().to_vec())
    }
    /// Records a batch through the one writer and waits until it is durable, on the thread that asks.
    ///
    /// # Errors
    /// As [`Writer::record`].
    pub fn record(&self, batch: Batch) -> Result<Vec<Receipt>> {
        let receipts = self.writer.record(batch)?;
        self.tell(&receipts);
        Ok(receipts)
    }
    /// Tells those who wait for news what is new.
    pub(super) fn tell(&self, receipts: &[Receipt]) {
        if let Some(last) = receipts.iter().map(|receipt| receipt.position).max() {
            self.metrics.appended(receipts);
            self.news.send_if_modified(|seen| {
                let is_news = last > *seen;
                *seen = last.max(*seen);
                is_news
            });
        }
    }
}
