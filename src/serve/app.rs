//! The service's state, and the threads that work beside the requests.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use firstline_fault::{Code, InternalError, Result, UserError};
use firstline_store::Store;
use jiff::{Timestamp, ToSpan};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::auth::Keys;
use crate::decide::{self, Deciding, Threads};
use crate::desk::{Desk, ReadParts};
use crate::drafts::{DraftBell, DraftLane};
use crate::item::{Held, LEASE};
use crate::jobs::JobLane;
use crate::metrics::Metrics;
use crate::problem::Problem;
use crate::queue::Queue;
use crate::settings::Settings;

/// How often keys and the backlog are read, and claims renewed.
const REFRESH: Duration = Duration::from_secs(2);
/// How long a call of the store, or of the engine beside the queue, is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of bodies that are held at a time.
const MOST_BYTES: usize = 256 << 20;
/// How often old words are deleted.
const PURGE: Duration = Duration::from_secs(3_600);

/// The service.
pub struct App {
    pub(crate) settings: Settings,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) desk: Arc<ArcSwap<Desk>>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) keys: Arc<Keys>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) bell: Arc<DraftBell>,
    /// Requests that are read and answered at a time.
    pub(crate) requests: Arc<Semaphore>,
    /// Calls that wait for drafts at a time: a part of those.
    pub(crate) waiters: Semaphore,
    /// KiB of bodies that are held at a time.
    pub(crate) bytes: Arc<Semaphore>,
    pub(crate) jobs: Arc<JobLane>,
    /// This process, among those that share the store.
    pub(crate) owner: String,
    held: Arc<Held>,
    parts: ReadParts,
    swapping: Mutex<()>,
    stopping: AtomicBool,
    deciding: Threads,
    lanes: Mutex<Vec<JoinHandle<()>>>,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("settings", &self.settings)
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

impl App {
    /// Opens the bundle and starts what works beside requests. Must be called outside of an async runtime.
    ///
    /// # Errors
    /// A setting, a bundle or a store that can't be used.
    pub fn start(settings: Settings, store: Arc<dyn Store>, parts: ReadParts) -> Result<Arc<Self>> {
        settings.check()?;
        store.ping()?;
        let desk = Arc::new(ArcSwap::from_pointee(Desk::open(&settings.bundle, &parts)?));
        let metrics = Arc::new(Metrics::new());
        let queue = Queue::new(&settings.limits, Arc::clone(&metrics));
        let bell = Arc::new(DraftBell::default());
        let owner = Uuid::now_v7().to_string();
        let deciding = Deciding {
            queue: Arc::clone(&queue),
            store: Arc::clone(&store),
            metrics: Arc::clone(&metrics),
            bell: Arc::clone(&bell),
            change_at: settings.change_at,
            storm_minutes: settings.storm_minutes,
        };
        let deciding = decide::start(&deciding)?;
        let keys = Arc::new(Keys::new(settings.limits.requests_per_second));
        if keys.reload(store.as_ref())? == 0 {
            tracing::warn!("there is no API key yet: make one with `firstline store keys create`");
        }
        let held = Arc::new(Held::default());
        let drafts = DraftLane {
            store: Arc::clone(&store),
            desk: Arc::clone(&desk),
            queue: Arc::clone(&queue),
            bell: Arc::clone(&bell),
            metrics: Arc::clone(&metrics),
            owner: owner.clone(),
            held: Arc::clone(&held),
            writing_seconds: settings.writing_seconds,
        };
        let jobs = Arc::new(JobLane {
            store: Arc::clone(&store),
            desk: Arc::clone(&desk),
            queue: Arc::clone(&queue),
            owner: owner.clone(),
            held: Arc::clone(&held),
            keys: Arc::clone(&keys),
            bell: DraftBell::default(),
            drafts: Arc::clone(&bell),
        });
        let app = Arc::new(Self {
            requests: Arc::new(Semaphore::new(settings.limits.requests)),
            waiters: Semaphore::new((settings.limits.requests / 4).max(1)),
            bytes: Arc::new(Semaphore::new(MOST_BYTES.max(settings.limits.body_bytes).div_ceil(1 << 10))),
            settings,
            store,
            desk,
            queue,
            keys,
            metrics,
            bell,
            jobs: Arc::clone(&jobs),
            owner,
            held,
            parts,
            swapping: Mutex::default(),
            stopping: AtomicBool::new(false),
            deciding,
            lanes: Mutex::default(),
        });
        // Half of the cores at most are a draft's: triage comes first.
        let threads = std::thread::available_parallelism().map_or(1, |n| (n.get() / 2).max(1));
        app.lane("drafts", move || drafts.run(threads))?;
        app.lane("jobs", move || {
            jobs.run();
            Ok(())
        })?;
        let refreshed = Arc::downgrade(&app);
        // Nobody waits for this one: it does nothing that could be half done.
        spawn("upkeep", move || {
            let mut since_purge = PURGE;
            loop {
                let Some(app) = refreshed.upgrade().filter(|app| !app.is_stopping()) else { return Ok(()) };
                app.refresh(&mut since_purge);
                drop(app);
                std::thread::sleep(REFRESH);
            }
        })?;
        Ok(app)
    }

    /// Starts a thread that is waited for when the service stops.
    fn lane(&self, name: &'static str, work: impl FnOnce() -> Result<()> + Send + 'static) -> Result<()> {
        let thread = spawn(name, work)?;
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }

    fn refresh(&self, since_purge: &mut Duration) {
        let told = |what: &str, error: firstline_fault::Error| tracing::error!(%error, "{what}");
        if let Err(error) = self.keys.reload(self.store.as_ref()) {
            told("reading keys", error);
        }
        let now = Timestamp::now();
        let (held, until) = (self.held.all(), now.checked_add(LEASE.seconds()).unwrap_or(now));
        if !held.is_empty()
            && let Err(error) = self.store.renew(&held, &self.owner, until)
        {
            told("holding on to work", error);
        }
        match self.store.backlog() {
            Ok(backlog) => self.metrics.set_backlog(&backlog),
            Err(error) => told("reading the backlog", error),
        }
        *since_purge += REFRESH;
        let days = i64::from(self.settings.retain_days);
        if *since_purge >= PURGE && days > 0 {
            *since_purge = Duration::ZERO;
            let before = now.checked_sub((days * 24).hours()).unwrap_or(Timestamp::MIN);
            match self.store.purge(before, now) {
                Ok(purged) if purged != firstline_store::Purged::default() => {
                    tracing::info!(tickets = purged.tickets, texts = purged.texts, "old words are deleted");
                }
                Ok(_) => {}
                Err(error) => told("deleting old words", error),
            }
        }
    }

    /// Puts the bundle in `folder`, or the one in service as it is on disk now, in service: tickets that come in from now on are
    /// decided by it, those in the queue by the one before. Gives its id.
    ///
    /// # Errors
    /// As for [`Desk::open`]; then the one before stays.
    pub fn swap(&self, folder: Option<PathBuf>) -> Result<String> {
        let _one = self.swapping.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = folder.unwrap_or_else(|| self.desk.load().folder.clone());
        let desk = Desk::open(&folder, &self.parts)?;
        let id = desk.id.clone();
        self.store.audit("firstline", "bundle", &id, &serde_json::json!({}), Timestamp::now())?;
        tracing::info!(bundle = %id, "a bundle goes in service");
        self.desk.store(Arc::new(desk));
        self.metrics.bundle_swaps.inc();
        Ok(id)
    }

    /// Whether the service is about to end.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// From now on the service is not ready.
    pub fn begin_stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.bell.stop();
        self.jobs.bell.stop();
    }

    /// Finishes what was taken, gives back what was not begun, and ends the threads. No request may be open any more.
    pub fn stop(&self) {
        self.begin_stop();
        self.queue.close();
        self.deciding.join();
        for lane in self.lanes.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            if lane.join().is_err() {
                tracing::error!("a lane has panicked");
            }
        }
        match self.store.release(&self.owner) {
            Ok(0) => {}
            Ok(n) => tracing::info!(n, "work was given back"),
            Err(error) => tracing::error!(%error, "giving work back"),
        }
    }

    /// Does what blocks, such as a call of the store, away from the threads that answer.
    pub(crate) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> std::result::Result<T, Problem> + Send + 'static,
    ) -> std::result::Result<T, Problem> {
        let app = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || work(&app));
        let late = || {
            let problem = "the store did not answer in time";
            Problem::from(UserError::new(
                Code::Store,
                "the store",
                problem,
                "Look whether the database answers",
            ))
        };
        tokio::time::timeout(PATIENCE, done).await.map_err(|_| late())?.map_err(Problem::internal)?
    }
}

fn spawn(name: &'static str, work: impl FnOnce() -> Result<()> + Send + 'static) -> Result<JoinHandle<()>> {
    let work = move || {
        if let Err(error) = work() {
            tracing::error!(%error, lane = name, "a lane has ended");
        }
    };
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    Ok(thread.map_err(|e| InternalError::new(format!("starting a thread: {e}")))?)
}
