//! What signing in takes of the service: who may, how often, and how much of it at a time.

use std::fmt;
use std::sync::Arc;

use firstline_fault::Result;
use tokio::sync::Semaphore;

use crate::attempts::Attempts;
use crate::peers::Peers;
use crate::settings::Settings;

/// Passwords that are hashed at a time: each takes 19 MiB and a core for a while.
const HASHING: usize = 2;
/// Sessions that are looked up at a time.
const LOOKING_UP: usize = 4;

/// What all that sign in share.
pub(crate) struct SigningIn {
    pub(crate) peers: Peers,
    pub(crate) attempts: Attempts,
    /// For those whose password is hashed: they never have all cores.
    pub(crate) hashing: Arc<Semaphore>,
    /// For those whose session is looked up: they never have all of the store.
    pub(crate) looking_up: Arc<Semaphore>,
}

impl SigningIn {
    /// As the settings say.
    ///
    /// # Errors
    /// [`Code::Config`](firstline_fault::Code::Config) names a setting that can't be used.
    pub(crate) fn new(settings: &Settings) -> Result<Self> {
        let places = |n| Arc::new(Semaphore::new(n));
        Ok(Self {
            peers: settings.peers()?,
            attempts: Attempts::new(),
            hashing: places(HASHING),
            looking_up: places(LOOKING_UP),
        })
    }
}

impl fmt::Debug for SigningIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningIn").field("peers", &self.peers).finish_non_exhaustive()
    }
}
