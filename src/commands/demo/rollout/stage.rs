//! The service with a store of its own, and the client that sends the desk's tickets: all of them ask one clock.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use firstline_fault::{InternalError, UserError};
use firstline_psa::http::{Http, Pace, agent};
use firstline_psa::secret::Secret;
use firstline_psa::sync::Service;
use firstline_serve::rollout::DeskRules;
use firstline_serve::{NewKey, Person, Scope, Settings, log};
use firstline_store::{ActionState, CustomerSet, Store};
use firstline_ticket::{Clock, Phase};
use firstline_triage::Policy;
use jiff::{SignedDuration, Timestamp};

use super::Files;
use crate::commands::connect::pause;
use crate::commands::demo::psa::{REQUESTS, Served, new_store, plain_settings, start_service};
use crate::failure::Failure;
use crate::ui::stopping;

/// How long before the first week the programme is started.
const BEFORE: SignedDuration = SignedDuration::from_hours(12);
/// How often it is looked whether drafts are still to be written, and for how long they may be under way, by the machine's time.
const LOOK: Duration = Duration::from_millis(2);
const PATIENCE: Duration = Duration::from_secs(300);

/// The parts.
pub(super) struct Stage {
    /// The time that all of them have.
    pub(super) clock: Clock,
    /// The service's store.
    pub(super) store: Arc<dyn Store>,
    /// The service, as a connector sees it.
    pub(super) service: Service,
    /// What the desk knows about itself.
    pub(super) rules: DeskRules,
    hold_seconds: i64,
    served: Served,
}

/// The service's settings and what the desk knows of itself by them.
pub(super) fn settings(files: &Files) -> Result<(Settings, DeskRules), Failure> {
    let mut settings = plain_settings(&files.store, &files.bundle)?;
    // Grants alone say how far it goes.
    settings.phase = Phase::Autonomous;
    settings.autonomous.close = true;
    let rules = DeskRules::read(&Policy::built_in()?, &settings.rollout)?;
    Ok((settings, rules))
}

/// The same with the tiers that the generator has written beside the history.
pub(super) fn with_tiers(
    mut settings: Settings,
    files: &Files,
    rules: &DeskRules,
) -> Result<(Settings, DeskRules), Failure> {
    let tiers = files.history.with_extension("tiers.toml");
    if !tiers.is_file() {
        return Ok((settings, rules.clone()));
    }
    settings.rollout.tiers = tiers;
    let rules = DeskRules::read(&Policy::built_in()?, &settings.rollout)?;
    Ok((settings, rules))
}

impl Stage {
    /// Starts all parts half a day before `first`, the first week's beginning.
    pub(super) fn set(
        settings: Settings,
        rules: DeskRules,
        store: &Path,
        first: Timestamp,
    ) -> Result<Self, Failure> {
        let clock = Clock::starting_at(first - BEFORE);
        let store = new_store(store)?;
        let scopes = [Scope::Triage, Scope::Feedback, Scope::Act].into();
        let key = NewKey::new("connect", &scopes, CustomerSet::All, None, clock.now())?;
        store.add_key(&key.record, "command:demo", clock.now())?;
        log(&settings)?;
        let hold_seconds = settings.autonomous.hold_seconds.into();
        let (served, address) = start_service(settings, Arc::clone(&store), clock.clone())?;
        let pace = Pace { requests: REQUESTS, window: Duration::from_secs(60) };
        let http = Http::new("the service", agent(), pace, pause());
        let service = Service::new(&format!("http://{address}"), Secret::new(key.token.expose()), http);
        Ok(Self { clock, store, service, rules, hold_seconds, served })
    }

    /// A person of the desk, with a key of their own.
    pub(super) fn person(&self, name: &str, rights: &[Scope]) -> Result<Person, Failure> {
        let now = self.clock.now();
        let rights = rights.iter().copied().collect();
        let key = NewKey::new(name, &rights, CustomerSet::All, None, now)?.of_person(name);
        self.store.add_key(&key.record, "command:demo", now)?;
        Ok(Person::of_token(self.store.as_ref(), key.token.expose(), now)?)
    }

    /// Lets the clock run until all drafts are written.
    pub(super) fn settle(&self) -> Result<(), Failure> {
        let began = Instant::now();
        while self.store.backlog()?.drafts > 0 {
            if stopping() {
                let next = "Start it again; the weeks are played from the start";
                return Err(UserError::new(
                    firstline_fault::Code::Interrupted,
                    "the demo",
                    "stopped before the end",
                    next,
                )
                .into());
            }
            if began.elapsed() > PATIENCE {
                return Err(InternalError::new("drafts that are to be written do not come").into());
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Waits until it is looked at what may be done alone.
    pub(super) fn acted(&self) -> Result<(), Failure> {
        let began = Instant::now();
        while !self.store.to_act(None, 1)?.is_empty() && !stopping() {
            if began.elapsed() > PATIENCE {
                return Err(InternalError::new("nobody looks at what may be done alone").into());
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Whether anything waits to be done, once it was looked at what may be done alone.
    pub(super) fn waits(&self) -> Result<bool, Failure> {
        self.acted()?;
        let waiting = self.store.actions(Some(ActionState::Waiting), &CustomerSet::All, None, 1)?;
        Ok(!waiting.items.is_empty())
    }

    /// How long what is done alone waits, and a moment more.
    pub(super) fn held(&self) -> SignedDuration {
        SignedDuration::from_secs(self.hold_seconds + 1)
    }

    /// Ends the service in order.
    pub(super) fn end(self) -> Result<(), Failure> {
        self.served.end()
    }
}
