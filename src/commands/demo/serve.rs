//! `firstline demo --serve`: the pages on an invented desk, whose newest tickets wait with their drafts.
//!
//! No PSA is attached: what is approved waits in the outbox. Must never listen on anything but this machine's own address.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use firstline_fault::InternalError;
use firstline_psa::http::{Http, Pace, agent};
use firstline_psa::secret::Secret;
use firstline_psa::sync::Service;
use firstline_serve::rollout::DeskRules;
use firstline_serve::{NewKey, NewLink, Scope, log};
use firstline_store::{CustomerSet, NewUser, Store};
use firstline_ticket::{Clock, Phase, Ticket};
use firstline_triage::{Policy, what_is_read};
use jiff::{Timestamp, ToSpan};

use super::psa::{Desk, REQUESTS, new_store, plain_settings, start_service};
use super::{BUNDLE, DemoArgs, learn};
use crate::commands::connect::pause;
use crate::failure::{Exit, Failure};
use crate::ui::{Ui, print, stopping};

/// What serves the pages.
#[derive(Debug, Args)]
pub(super) struct ServeDemoArgs {
    /// Learn from an invented desk, open its newest tickets, and serve the pages on this machine.
    #[arg(long, conflicts_with = "played")]
    pub(super) serve: bool,

    /// Port of the pages; 0 takes any that is free.
    #[arg(long, default_value_t = 8484, requires = "serve", value_name = "PORT")]
    port: u16,
}

/// Tickets that wait, and how far apart they were opened.
const WAITING: usize = 60;
const APART_MINUTES: i64 = 6;
/// Days of the desk that are not learnt from.
const DAYS: u16 = 7;
/// Who signs in.
const PERSON: &str = "demo";
const ACTOR: &str = "command:demo";
/// How often it is looked whether drafts are written.
const LOOK: Duration = Duration::from_millis(50);

pub(super) fn run(args: &DemoArgs, ui: &Ui) -> Result<Exit, Failure> {
    let own = args.dir.join("serve");
    let files: [PathBuf; 2] = [args.dir.join("history.jsonl"), args.dir.join("learnt.jsonl")];
    let bundle = args.dir.join(BUNDLE);
    let mut settings = plain_settings(&own.join("store.db"), &bundle)?;
    settings.phase = Phase::Assist;
    settings.listen = format!("127.0.0.1:{}", args.serve.port);
    let policy = Policy::built_in()?;
    let zone = DeskRules::read(&policy, &settings.rollout)?.zone().clone();
    ui.say("1. Generating the history of an invented MSP: no real one may be shipped.");
    let desk = Desk::generate(args, (DAYS, None, ""), (&files[0], &files[1]), &zone, ui)?;
    ui.say(format!(
        "2. Learning from its {} older tickets. The first run downloads the embedding model.",
        desk.learnt
    ));
    learn(args, files[1].clone(), bundle, ui)?;
    let clock = Clock::real();
    let now = clock.now();
    let store = new_store(&own.join("store.db"))?;
    let link = person(store.as_ref(), now)?;
    let machine = NewKey::new("demo", &[Scope::Triage].into(), CustomerSet::All, None, now)?;
    store.add_key(&machine.record, ACTOR, now)?;
    log(&settings)?;
    let (served, address) = start_service(settings, Arc::clone(&store), clock)?;
    ui.say("3. Deciding its newest tickets, and drafting first responses.");
    let pace = Pace { requests: REQUESTS, window: Duration::from_secs(60) };
    let http = Http::new("the service", agent(), pace, pause());
    let mut service = Service::new(&format!("http://{address}"), Secret::new(machine.token.expose()), http);
    let tickets = newest(&desk.played, now);
    if let Some((_, why)) = service.triage(&tickets)?.first() {
        return Err(InternalError::new(format!("a ticket was refused: {why}")).into());
    }
    while store.backlog()?.drafts > 0 && !stopping() {
        std::thread::sleep(LOOK);
    }
    if !stopping() {
        print(format_args!(
            "{} tickets wait for a review. To sign in as {PERSON:?}, open this link and choose a password; it works once:\n\
             http://{address}{}\n\
             Then: http://{address}/review\n\
             No PSA is attached: what you approve waits in the outbox. Ctrl-C ends it.",
            tickets.len(),
            link.path.expose()
        ));
    }
    served.wait()?;
    Ok(Exit::Success)
}

/// Adds the person who reviews; gives their link.
fn person(store: &dyn Store, now: Timestamp) -> Result<NewLink, Failure> {
    let link = NewLink::new(now)?;
    let user = NewUser {
        name: PERSON.to_owned(),
        display: PERSON.to_owned(),
        rights: vec![Scope::Admin.name().to_owned()],
        customers: CustomerSet::All,
        link: Some(link.link.clone()),
    };
    store.add_user(&user, None, ACTOR, now)?;
    Ok(link)
}

/// The newest tickets as they came, opened in the last hours.
fn newest(played: &[Ticket], now: Timestamp) -> Vec<Ticket> {
    let mut tickets: Vec<&Ticket> = played.iter().collect();
    tickets.sort_by_key(|ticket| std::cmp::Reverse(ticket.opened_at));
    tickets.truncate(WAITING);
    let aged = |(n, ticket): (usize, &&Ticket)| {
        let minutes = APART_MINUTES.saturating_mul(i64::try_from(n).unwrap_or(i64::MAX));
        Ticket { opened_at: now.checked_sub(minutes.minutes()).ok(), ..what_is_read(ticket) }
    };
    tickets.iter().enumerate().rev().map(aged).collect()
}
