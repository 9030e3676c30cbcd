//! The state that requests and lanes share. It starts no thread: `app` does, and `lanes` has what they do.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use firstline_fault::{Code, Result, UserError};
use firstline_store::{Location, Store};
use firstline_ticket::Clock;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};
use uuid::Uuid;

use crate::anchoring::Anchoring;
use crate::auth::Keys;
use crate::bands::Bands;
use crate::bell::{Bell, DraftWaiters};
use crate::leases::Leases;
use crate::live_bundle::{LiveBundle, ReadParts};
use crate::memory::{Held, Pool};
use crate::metrics::Metrics;
use crate::open_reviews::OpenReviews;
use crate::problem::Problem;
use crate::queue::Queue;
use crate::readiness::Readiness;
use crate::rollout::DeskRules;
use crate::settings::Settings;
use crate::shares::Shares;
use crate::signing_in::SigningIn;

/// How long a call of the store, or of the engine beside the queue, is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a request of nobody known waits for its turn.
const PLACE_PATIENCE: Duration = Duration::from_secs(5);

/// What requests and lanes share.
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) store: Arc<dyn Store>,
    /// The time that goes on record. Waiting is done by the machine's.
    pub(crate) clock: Clock,
    /// The bundle in service.
    pub(crate) live: ArcSwap<LiveBundle>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) keys: Keys,
    /// People who sign in.
    pub(crate) signing_in: SigningIn,
    pub(crate) metrics: Arc<Metrics>,
    /// Wakes the lane that drafts.
    pub(crate) draft_bell: Bell,
    /// Ends the lane that acts.
    pub(crate) act_bell: Bell,
    /// Wakes the lane of jobs.
    pub(crate) job_bell: Bell,
    /// Wakes the lane of the rollout.
    pub(crate) rollout_bell: Bell,
    /// Requests that wait for drafts.
    pub(crate) draft_waiters: DraftWaiters,
    /// Requests that are read and answered at a time.
    pub(crate) requests: Arc<Semaphore>,
    /// What each key may have of them.
    pub(crate) shares: Shares,
    /// Calls that wait for drafts at a time: a part of those.
    pub(crate) waiting_calls: Semaphore,
    /// Bytes that bodies and answers take up, shared by the keys.
    pub(crate) memory: Arc<Pool>,
    /// Requests at a time, shared by the keys.
    pub(crate) places: Arc<Pool>,
    /// A name of the installation, the same each time: the blind sample is drawn by it.
    pub(crate) installation: String,
    /// This process, among those that share the store.
    pub(crate) owner: String,
    /// The stored work that this process is at.
    pub(crate) leases: Leases,
    /// Whether the store can be written.
    pub(crate) readiness: Readiness,
    /// What people have open on the review page.
    pub(crate) open_reviews: OpenReviews,
    /// How often decisions were right, by how sure they were.
    pub(crate) bands: Bands,
    /// Signs the audit log's head.
    pub(crate) anchoring: Anchoring,
    /// Heard by the server: the service is about to end.
    pub(crate) ends: Notify,
    parts: ReadParts,
    swapping: Mutex<()>,
    stopping: AtomicBool,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("settings", &self.settings)
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// Checks the settings, opens the bundle and reads the keys.
    pub(crate) fn open(
        settings: Settings,
        store: Arc<dyn Store>,
        parts: ReadParts,
        clock: Clock,
    ) -> Result<Arc<Self>> {
        settings.check()?;
        store.ping()?;
        let anchoring = Anchoring::open(&settings)?;
        let live = LiveBundle::open(&settings.bundle, &parts)?;
        // A file that can't be used is found at the start.
        DeskRules::read(&live.policy, &settings.rollout)?;
        let metrics = Arc::new(Metrics::new());
        let keys = Keys::new(settings.limits.requests_per_second);
        if keys.reload(store.as_ref())? == 0 {
            tracing::warn!("there is no API key yet: make one with `firstline store keys create`");
        }
        let requests = settings.limits.requests;
        Ok(Arc::new(Self {
            queue: Queue::new(&settings.limits, Arc::clone(&metrics)),
            store,
            signing_in: SigningIn::new(&settings)?,
            clock,
            live: ArcSwap::from_pointee(live),
            keys,
            metrics,
            draft_bell: Bell::default(),
            act_bell: Bell::default(),
            job_bell: Bell::default(),
            rollout_bell: Bell::default(),
            draft_waiters: DraftWaiters::default(),
            requests: Arc::new(Semaphore::new(requests)),
            shares: Shares::new(requests),
            waiting_calls: Semaphore::new((requests / 4).max(1)),
            memory: Pool::new(settings.limits.memory_bytes),
            places: Pool::new(requests),
            installation: installation(&settings),
            owner: Uuid::now_v7().to_string(),
            leases: Leases::default(),
            readiness: Readiness::default(),
            open_reviews: OpenReviews::default(),
            bands: Bands::default(),
            anchoring,
            ends: Notify::new(),
            parts,
            settings,
            swapping: Mutex::default(),
            stopping: AtomicBool::new(false),
        }))
    }

    /// Puts the bundle in `folder`, or the one in service as it is on disk now, in service: tickets that come in from now on are
    /// decided by it, those in the queue by the one before.
    ///
    /// # Errors
    /// As for [`LiveBundle::open`]; then the one before stays.
    pub(crate) fn swap(&self, folder: Option<PathBuf>) -> Result<Arc<LiveBundle>> {
        let _one = self.swapping.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = folder.unwrap_or_else(|| self.live.load().folder.clone());
        let live = Arc::new(LiveBundle::open(&folder, &self.parts)?);
        let detail = serde_json::json!({ "drafting": live.drafting });
        self.store.audit("firstline", "bundle", &live.id, &detail, self.clock.now())?;
        tracing::info!(bundle = %live.id, "a bundle goes in service");
        self.live.store(Arc::clone(&live));
        self.metrics.bundle_swaps.inc();
        Ok(live)
    }

    /// What figures of the desk are computed with: by the policy in force, and the settings' files as they are now.
    pub(crate) fn desk(&self) -> Result<DeskRules> {
        DeskRules::read(&self.live.load().policy, &self.settings.rollout)
    }

    /// Whether the service is about to end.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Until when a call's computing is of use to its caller.
    pub(crate) fn compute_deadline(&self) -> Instant {
        Instant::now() + PATIENCE.max(Duration::from_millis(self.settings.limits.deadline_ms))
    }

    /// From now on the service is not ready, and lanes end after the piece of work that they are at.
    pub(crate) fn begin_stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.ends.notify_one();
        self.draft_bell.stop();
        self.act_bell.stop();
        self.job_bell.stop();
        self.rollout_bell.stop();
    }

    /// Reads what is long: one thing at a time of each key's.
    pub(crate) async fn reading<T: Send + 'static>(
        self: &Arc<Self>,
        deadline: Instant,
        work: impl FnOnce(&Self) -> std::result::Result<T, Problem> + Send + 'static,
    ) -> std::result::Result<T, Problem> {
        let turn = tokio::time::timeout_at(deadline.into(), self.shares.reading()).await;
        let turn = turn.map_err(|_| Problem::late("the call"))?.map_err(Problem::internal)?;
        let work = move |shared: &Self| {
            let _turn = turn;
            work(shared)
        };
        self.blocking(work).await
    }

    /// Does what blocks, such as a call of the store, away from the threads that answer.
    pub(crate) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> std::result::Result<T, Problem> + Send + 'static,
    ) -> std::result::Result<T, Problem> {
        let end = tokio::time::Instant::now() + PATIENCE;
        // One key's calls wait for each other, not for a thread or a connection that others need.
        let hand = tokio::time::timeout_at(end, self.shares.hand()).await.map_err(|_| busy())?;
        self.begin((end, hand.map_err(Problem::internal)?), work).await
    }

    /// The same where it is not known whose request it is: of such things no more are done at a time than there are `places`.
    pub(crate) async fn with_place<T: Send + 'static>(
        self: &Arc<Self>,
        places: &Arc<Semaphore>,
        work: impl FnOnce(&Self) -> std::result::Result<T, Problem> + Send + 'static,
    ) -> std::result::Result<T, Problem> {
        let end = tokio::time::Instant::now() + PATIENCE;
        let place = tokio::time::timeout(PLACE_PATIENCE, Arc::clone(places).acquire_owned()).await;
        let place = place.map_err(|_| Problem::overload("signing in", 5))?.map_err(Problem::internal)?;
        self.begin((end, place), work).await
    }

    /// Does what blocks, and waits for it until `end`; `hand` is free again after it.
    async fn begin<T: Send + 'static>(
        self: &Arc<Self>,
        (end, hand): (tokio::time::Instant, OwnedSemaphorePermit),
        work: impl FnOnce(&Self) -> std::result::Result<T, Problem> + Send + 'static,
    ) -> std::result::Result<T, Problem> {
        let (send, done) = oneshot::channel();
        let begun = Arc::new(AtomicBool::new(false));
        let (shared, begins) = (Arc::clone(self), Arc::clone(&begun));
        // What was read from the request is there as long as this works at it, whoever waits.
        let held = Held::current();
        spawn_boxed(Box::new(move || {
            let (_hand, _held) = (hand, held);
            begins.store(true, Ordering::Relaxed);
            // Nothing is begun for a caller that is gone.
            if !send.is_closed() {
                let _gone = send.send(work(&shared));
            }
        }));
        match tokio::time::timeout_at(end, done).await {
            Ok(Ok(done)) => done,
            Ok(Err(_)) => Err(Problem::internal("a call that blocks panicked")),
            Err(_) if begun.load(Ordering::Relaxed) => Err(late()),
            Err(_) => Err(busy()),
        }
    }
}

/// A name of the store that the settings name.
fn installation(settings: &Settings) -> String {
    settings.store.expose().parse::<Location>().map(|location| location.id()).unwrap_or_default()
}

/// Of one type, so that the runtime's code for a task is compiled once.
fn spawn_boxed(work: Box<dyn FnOnce() + Send>) {
    // Nobody waits for the task itself.
    drop(tokio::task::spawn_blocking(work));
}

fn busy() -> Problem {
    Problem::overload("this key", 5)
}

fn late() -> Problem {
    let problem = "the store did not answer in time";
    UserError::new(Code::Store, "the store", problem, "Look whether the database answers").into()
}
