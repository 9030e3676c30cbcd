//! The parts of a run, connected: a stand-in for the PSA, the service with a store of its own, and the loop between them. All of them
//! ask one clock, and talk over HTTP on this machine.
//!
//! Must never write into a store that was there before, nor leave a thread of the service behind.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use firstline_drafts::Voice;
use firstline_fakes::{Clock as FakeClock, Fake, FakeOptions, autotask, connectwise, halo};
use firstline_fault::{InternalError, UserError};
use firstline_psa::autotask::{Autotask, AutotaskSettings};
use firstline_psa::connector::Connector;
use firstline_psa::connectwise::{Connectwise, ConnectwiseSettings};
use firstline_psa::halo::{Halo, HaloSettings};
use firstline_psa::http::{Http, Pace, agent};
use firstline_psa::secret::Secret;
use firstline_psa::sync::{Round, RoundSettings, Service, WriteSettings, round};
use firstline_serve::{App, DEFAULT_SETTINGS, LogFormat, NewKey, Parts, Scope, Settings, log, serve};
use firstline_store::{CustomerSet, Location, Store};
use firstline_ticket::{Clock, Phase};
use firstline_triage::Policy;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::Files;
use crate::arguments::PsaChoice;
use crate::commands::connect::pause;
use crate::failure::Failure;
use crate::ui::stopping;

/// Files of a store of which the last run may have left some.
const STORE_FILES: [&str; 4] = ["", "-wal", "-shm", "-journal"];
/// Requests in the window that a client of a PSA keeps to: pacing goes by the machine's time, of which little passes.
pub(in crate::commands::demo) const REQUESTS: u32 = 1_000_000;
/// Seconds that a token of HaloPSA's stand-in lives: its end goes by the clock of the run, and a client's renewal by the machine's.
const TOKEN_SECONDS: i64 = 366 * 24 * 3_600;
/// How far before its watermark the loop asks again, and how long its lease holds: as `firstline connect` has it.
const OVERLAP: SignedDuration = SignedDuration::from_secs(180);
const LEASE_SECONDS: u32 = 120;
/// How often it is looked whether to end.
const LOOK: Duration = Duration::from_millis(100);

/// The parts.
pub(super) struct Stage {
    /// The time that all of them have.
    pub(super) clock: Clock,
    /// The PSA, and the loop that watches it.
    pub(super) desk: StandIn,
    /// The service's store.
    pub(super) store: Arc<dyn Store>,
    service: Service,
    served: Served,
}

/// A stand-in for a PSA, and the loop that reads it and writes to it.
pub(in crate::commands::demo) struct StandIn {
    /// The stand-in.
    pub(in crate::commands::demo) fake: Fake,
    psa: Box<dyn Connector>,
    settings: RoundSettings,
}

impl StandIn {
    /// Starts one that has the time of `clock`. The loop reads what changes from `start` on, and writes what `write` says.
    pub(in crate::commands::demo) fn start(
        psa: PsaChoice,
        (clock, start): (&Clock, Timestamp),
        write: Option<WriteSettings>,
    ) -> Result<Self, Failure> {
        let options =
            FakeOptions { which: psa.into(), clock: FakeClock::following(clock.clone()), port: 0, tls: None };
        let fake = Fake::start(options)?;
        if psa == PsaChoice::Halo {
            fake.set(&json!({"token_seconds": TOKEN_SECONDS})).map_err(InternalError::new)?;
        }
        let mut psa = connector(psa, &fake.url());
        let settings = RoundSettings {
            name: "demo".to_owned(),
            owner: "demo".to_owned(),
            start,
            overlap: OVERLAP,
            lease_seconds: LEASE_SECONDS,
            write,
            closing: psa.reference()?.closing(),
            clock: clock.clone(),
        };
        Ok(Self { fake, psa, settings })
    }

    /// One round of the loop.
    pub(in crate::commands::demo) fn round(
        &mut self,
        service: &mut Service,
    ) -> firstline_fault::Result<Round> {
        round(self.psa.as_mut(), service, &self.settings, &|| !stopping())
    }
}

/// A service that is asked to end when this is dropped.
pub(in crate::commands::demo) struct Served {
    app: Arc<App>,
    thread: Option<JoinHandle<firstline_fault::Result<()>>>,
}

impl Served {
    /// Waits until somebody asks for an end, and ends it in order.
    pub(in crate::commands::demo) fn wait(self) -> Result<(), Failure> {
        while !stopping() && self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
            std::thread::sleep(LOOK);
        }
        self.end()
    }

    /// Ends it in order.
    pub(in crate::commands::demo) fn end(mut self) -> Result<(), Failure> {
        self.app.begin_stop();
        let ended = self.thread.take().map(JoinHandle::join);
        let panicked = |_| Err(InternalError::new("the service panicked").into());
        ended.map_or(Ok(()), |ended| ended.unwrap_or_else(panicked)).map_err(Failure::from)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.app.begin_stop();
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

/// The service's settings in shadow.
pub(super) fn service_settings(files: &Files) -> Result<Settings, Failure> {
    plain_settings(&files.store, &files.bundle)
}

/// The same: the defaults, with its own paths, and without the rate limit that a week played in minutes would hit.
pub(in crate::commands::demo) fn plain_settings(store: &Path, bundle: &Path) -> Result<Settings, Failure> {
    let mut settings: Settings = toml::from_str(DEFAULT_SETTINGS)
        .map_err(|e| InternalError::new(format!("the default settings: {e}")))?;
    settings.listen = "127.0.0.1:0".to_owned();
    settings.store = store.display().to_string().into();
    settings.bundle = bundle.to_owned();
    settings.writer = "none".to_owned();
    settings.phase = Phase::Shadow;
    settings.audit_key = "none".into();
    settings.log = "error".to_owned();
    settings.log_format = LogFormat::Text;
    settings.limits.requests_per_second = 100_000;
    Ok(settings)
}

impl Stage {
    /// Starts all parts at the time `start`.
    pub(super) fn set(
        psa: PsaChoice,
        settings: Settings,
        store: &Path,
        start: Timestamp,
    ) -> Result<Self, Failure> {
        let clock = Clock::starting_at(start);
        // Shadow: there is nothing to write, and nothing may be.
        let desk = StandIn::start(psa, (&clock, start), None)?;
        let store = new_store(store)?;
        let scopes = [Scope::Triage, Scope::Feedback, Scope::Act].into();
        let key = NewKey::new("connect", &scopes, CustomerSet::All, None, clock.now())?;
        store.add_key(&key.record, "command:demo", clock.now())?;
        log(&settings)?;
        let (served, address) = start_service(settings, Arc::clone(&store), clock.clone())?;
        let pace = Pace { requests: REQUESTS, window: Duration::from_secs(60) };
        let http = Http::new("the service", agent(), pace, pause());
        let service = Service::new(&format!("http://{address}"), Secret::new(key.token.expose()), http);
        Ok(Self { clock, desk, store, service, served })
    }

    /// One round of the loop.
    pub(super) fn round(&mut self) -> firstline_fault::Result<Round> {
        self.desk.round(&mut self.service)
    }

    /// Drafts that are to be written.
    pub(super) fn drafts_due(&self) -> Result<u64, Failure> {
        Ok(self.store.backlog()?.drafts)
    }

    /// Ends the service in order.
    pub(super) fn end(self) -> Result<(), Failure> {
        self.served.end()
    }
}

/// A store that is new: what the last run left is removed.
pub(in crate::commands::demo) fn new_store(path: &Path) -> Result<Arc<dyn Store>, Failure> {
    let io = |e: std::io::Error| UserError::io(path.display(), &e);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(io)?;
    }
    for end in STORE_FILES {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        match std::fs::remove_file(&name) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(io(e).into()),
            _ => {}
        }
    }
    Ok(Arc::from(firstline_store::open_alone(&Location::Sqlite(path.to_owned()))?))
}

/// Starts the service, and waits until it listens.
pub(in crate::commands::demo) fn start_service(
    settings: Settings,
    store: Arc<dyn Store>,
    clock: Clock,
) -> Result<(Served, SocketAddr), Failure> {
    let parts = |_: &Path| Ok(Parts { policy: Policy::built_in()?, voice: Voice::built_in()?, writer: None });
    let app = App::start(settings, store, Arc::new(parts), clock)?;
    let (listens, heard) = mpsc::channel();
    let serving = Arc::clone(&app);
    let thread = std::thread::spawn(move || {
        serve(&serving, |address| {
            let _gone = listens.send(address);
        })
    });
    let mut served = Served { app, thread: Some(thread) };
    match heard.recv() {
        Ok(address) => Ok((served, address)),
        // It has ended without listening: by a fault, which it gives.
        Err(_) => {
            let ended = served.thread.take().map(JoinHandle::join);
            let fault = ended.and_then(Result::ok).and_then(Result::err);
            Err(fault.unwrap_or_else(|| InternalError::new("the service does not listen").into()).into())
        }
    }
}

/// The connector to the stand-in at `url`, with the credentials that it takes.
fn connector(psa: PsaChoice, url: &str) -> Box<dyn Connector> {
    let (url, wait) = (url.to_owned(), pause());
    match psa {
        PsaChoice::Connectwise => {
            let settings = ConnectwiseSettings {
                url,
                company: connectwise::COMPANY_ID.to_owned(),
                public_key: connectwise::PUBLIC_KEY.to_owned(),
                private_key: Secret::new(connectwise::PRIVATE_KEY),
                client_id: Secret::new(connectwise::CLIENT_ID),
                codebase: None,
                requests_per_minute: REQUESTS,
            };
            Box::new(Connectwise::new(settings, agent(), wait))
        }
        PsaChoice::Autotask => {
            let settings = AutotaskSettings {
                url,
                user: autotask::API_USER.to_owned(),
                secret: Secret::new(autotask::API_SECRET),
                integration_code: Secret::new(autotask::INTEGRATION_CODE),
                note_type: None,
                act_as: None,
                requests_per_minute: REQUESTS,
            };
            Box::new(Autotask::new(settings, agent(), wait))
        }
        PsaChoice::Halo => {
            let settings = HaloSettings {
                url,
                auth_url: None,
                tenant: None,
                client_id: halo::CLIENT_ID.to_owned(),
                client_secret: Secret::new(halo::CLIENT_SECRET),
                scope: "all".to_owned(),
                note_outcome: halo::PRIVATE_NOTE,
                reply_outcome: Some(halo::EMAIL_USER),
                requests_per_five_minutes: REQUESTS,
            };
            Box::new(Halo::new(settings, agent(), wait))
        }
    }
}
