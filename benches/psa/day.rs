//! The whole day in shadow, with faults on.

use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use firstline_benches as common;
use firstline_fakes::{Fake, Which};
use jiff::Timestamp;

use crate::ledger::{Ledger, truth};
use crate::running::{Connect, Service, name};
use crate::score::Score;
use crate::{Stage, desk::Day, furnished, troubles};

/// Replies may be sent, as far as the settings say: it is the phase that keeps them back.
pub(crate) const WRITE: &str = "[write]\nreplies = \"visible\"\n";
/// The p95 of the intake by webhook, in seconds.
const BY_WEBHOOK: f64 = 60.0;

/// Polls of a connection that has webhooks, in seconds: what is lost comes by them.
const POLL: u32 = 30;
const PATH: &str = "/firstline/a-path-that-nobody-would-guess";
const SECRET: &str = "a-secret-of-deliveries";

pub(crate) fn run(stage: &Stage, which: Which, hooked: bool) -> Score {
    let (dir, fake) = (tempfile::tempdir().expect("a temporary folder"), furnished(stage, which));
    let service = Service::start(dir.path(), &stage.bundle, "shadow");
    let options = &stage.options;
    let mut connect = if hooked {
        with_webhooks(dir.path(), &service, (which, &fake))
    } else {
        Connect::start(dir.path(), &service, (which, &fake), (options.poll, WRITE))
    };
    troubles::on(&fake, options.seed);
    let day = stage.desk.day(options.minutes);
    let by = if hooked { "by webhooks" } else { "by polls" };
    let mut score = Score::new(title(which, &format!("a day in shadow {by}, faults on"), &day));
    day.play_all(&fake);
    score.fact("seconds from the last step until all was on record", settle(stage, &service, &fake));
    let lag = if hooked { ("60 s", BY_WEBHOOK) } else { ("2 polls", 2.0 * f64::from(options.poll)) };
    tell_day(&mut score, (&service, &fake), Some(lag));
    score.must_be("writes to the PSA in shadow, by its counter", fake.world(|world| world.writes.len()), 0);
    score.must_be("mails to customers by the API user", mails(&fake), 0);
    score.must_be("connect is still there", usize::from(!connect.has_ended()), 1);
    troubles::tell(&mut score, &fake, &connect);
    score
}

/// Starts a connection that takes webhooks, and has the PSA post to it.
fn with_webhooks(dir: &Path, service: &Service, (which, fake): (Which, &Fake)) -> Connect {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port");
    let secret = if which == Which::Connectwise { "" } else { "secret_file = \"webhook.key\"\n" };
    std::fs::write(dir.join("webhook.key"), SECRET).expect("a file");
    let section = format!("{WRITE}[webhook]\nlisten = \"{free}\"\npath = {PATH:?}\n{secret}");
    let connect = Connect::start(dir, service, (which, fake), (POLL, &section));
    common::ran(dir, &["connect", "--config", "psa.toml", "--register", &format!("http://{free}{PATH}")]);
    troubles::on_hooks(fake);
    connect
}

/// What is being played.
pub(crate) fn title(which: Which, what: &str, day: &Day) -> String {
    format!(
        "{}: {what}; {} tickets, {} steps; the desk's day runs {:.0} times as fast, lags are real",
        name(which),
        day.opened,
        day.steps,
        day.speed
    )
}

/// Waits until all that happened is on record, or the time for that is over; gives the seconds.
pub(crate) fn settle(stage: &Stage, service: &Service, fake: &Fake) -> f64 {
    let (began, store) = (Instant::now(), service.store());
    while began.elapsed() < Duration::from_secs(stage.options.settle) {
        std::thread::sleep(Duration::from_secs(1));
        let (truth, ledger) = (truth(fake), Ledger::read(store.as_ref()));
        if ledger.undecided(&truth, Timestamp::MAX).is_empty() && ledger.unjoined(&truth).is_empty() {
            break;
        }
    }
    began.elapsed().as_secs_f64().round()
}

/// Adds what must hold of every day, and the desk's own doings. Lags have an aim unless nothing could be asked.
pub(crate) fn tell_day(score: &mut Score, (service, fake): (&Service, &Fake), lag: Option<(&str, f64)>) {
    let (replies, changes) =
        fake.world(|world| (world.notes.values().filter(|note| !note.first).count(), world.changes.len()));
    score.fact("replies and notes in the PSA", replies);
    score.fact("changes in the PSA", changes);
    Ledger::read(service.store().as_ref()).judge(score, &truth(fake), lag);
}

/// Mails that customers got of what the API user wrote.
fn mails(fake: &Fake) -> usize {
    fake.world(|world| {
        let ours = |id| world.notes.get(id).is_some_and(|note| note.by == firstline_fakes::Author::Api);
        world.mails.iter().filter(|mail| ours(&mail.note)).count()
    })
}
