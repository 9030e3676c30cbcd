//! The service from its start to its end: opens what it needs, starts the lanes, and ends them in order.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use firstline_fault::Result;
use firstline_store::Store;
use firstline_ticket::Clock;

use crate::lanes::Lanes;
use crate::live_bundle::ReadParts;
use crate::settings::Settings;
use crate::shared::Shared;

/// The service.
pub struct App {
    pub(crate) shared: Arc<Shared>,
    lanes: Lanes,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("shared", &self.shared).finish_non_exhaustive()
    }
}

impl App {
    /// Opens the bundle and starts the lanes. What is put on record has its time from `clock`. Must be called outside of an async
    /// runtime.
    ///
    /// # Errors
    /// A setting, a bundle or a store that can't be used.
    pub fn start(
        settings: Settings,
        store: Arc<dyn Store>,
        parts: ReadParts,
        clock: Clock,
    ) -> Result<Arc<Self>> {
        let shared = Shared::open(settings, store, parts, clock)?;
        let lanes = Lanes::start(&shared)?;
        Ok(Arc::new(Self { shared, lanes }))
    }

    /// Puts the bundle in `folder`, or the one in service as it is on disk now, in service. Gives its id.
    ///
    /// # Errors
    /// A bundle that can't be opened; then the one before stays.
    pub fn swap(&self, folder: Option<PathBuf>) -> Result<String> {
        Ok(self.shared.swap(folder)?.id.clone())
    }

    /// From now on the service is not ready, and where it is [served](crate::serve), that ends in order.
    pub fn begin_stop(&self) {
        self.shared.begin_stop();
    }

    /// Finishes what was taken, gives back what was not begun, and ends the threads. No request may be open any more.
    pub fn stop(&self) {
        self.shared.begin_stop();
        self.shared.queue.close();
        self.lanes.join();
        match self.shared.store.release(&self.shared.owner) {
            Ok(0) => {}
            Ok(n) => tracing::info!(n, "work was given back"),
            Err(error) => tracing::error!(%error, "giving work back"),
        }
        if let Err(error) =
            self.shared.anchoring.sign(self.shared.store.as_ref(), self.shared.clock.now(), true)
        {
            tracing::error!(%error, "signing the audit log");
        }
    }
}
