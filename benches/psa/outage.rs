//! The PSA is down in the middle of the day, for so many real seconds, and comes back.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use firstline_fakes::{Fake, Fault, Trouble, TroubleBody, Which};
use jiff::Timestamp;

use crate::day::{WRITE, settle, tell_day, title};
use crate::ledger::{Ledger, truth};
use crate::running::{Connect, Service};
use crate::score::Score;
use crate::{Stage, furnished, troubles};

/// The PSA goes down when one in so many tickets of the day has been opened.
const BEFORE: usize = 3;
/// Longest pause of `connect` between two rounds that failed, in seconds: what comes after an outage may wait so long.
const LONGEST_PAUSE: f64 = 300.0;

pub(crate) fn run(stage: &Stage, which: Which) -> Score {
    let (dir, fake) = (tempfile::tempdir().expect("a temporary folder"), furnished(stage, which));
    let service = Service::start(dir.path(), &stage.bundle, "shadow");
    let options = &stage.options;
    let mut connect = Connect::start(dir.path(), &service, (which, &fake), (options.poll, WRITE));
    let day = stage.desk.day(options.minutes);
    let what = format!("down for {} real seconds in the middle of a day", options.down);
    let mut score = Score::new(title(which, &what, &day));
    std::thread::scope(|scope| {
        let player = scope.spawn(|| day.play_all(&fake));
        while fake.world(|world| world.tickets.len()) < options.tickets / BEFORE {
            std::thread::sleep(Duration::from_millis(20));
        }
        down(&mut score, (options.down, &fake), &connect);
        back(stage, &mut score, (&service, &fake));
        player.join().expect("the day is played");
    });
    score.fact("seconds from the last step until all was on record", settle(stage, &service, &fake));
    tell_day(&mut score, (&service, &fake), None);
    score.must_be("writes to the PSA in shadow, by its counter", fake.world(|world| world.writes.len()), 0);
    score.must_be("connect is still there", usize::from(!connect.has_ended()), 1);
    troubles::tell(&mut score, &fake, &connect);
    score
}

/// Nothing is answered, and then a proxy's page.
fn down(score: &mut Score, (seconds, fake): (u64, &Fake), connect: &Connect) {
    let html = Trouble::Status { status: 503, retry_after: None, body: TroubleBody::Html };
    let (began, before) = (Instant::now(), fake.log().len());
    for what in [Trouble::Refused, html] {
        let all = Fault { method: None, path: String::new(), skip: 0, times: u32::MAX, what };
        fake.faults(|faults| faults.list = vec![all]);
        std::thread::sleep(Duration::from_secs_f64(seconds as f64 / 2.0));
    }
    score.fact("requests while it was down", fake.log().len() - before);
    let mut said: BTreeMap<String, usize> = BTreeMap::new();
    connect.said(|all| {
        for (_, text) in all.faults.iter().filter(|(at, _)| *at >= began) {
            *said.entry(text.chars().take(160).collect()).or_default() += 1;
        }
    });
    score.fact("messages of connect meanwhile", said.values().sum::<usize>());
    for (text, n) in said.into_iter().take(4) {
        score.fact(&format!("  {n} times"), text);
    }
    fake.faults(|faults| faults.list.clear());
}

/// It answers again: how long until what was opened before that is decided.
fn back(stage: &Stage, score: &mut Score, (service, fake): (&Service, &Fake)) {
    let (began, now, store) = (Instant::now(), Timestamp::now(), service.store());
    let missing = || Ledger::read(store.as_ref()).undecided(&truth(fake), now).len();
    score.fact("tickets that waited when it was back", missing());
    let mut left = missing();
    while left > 0 && began.elapsed() < Duration::from_secs(stage.options.settle) {
        std::thread::sleep(Duration::from_millis(500));
        left = missing();
    }
    score.must_be("  of them not decided in the end", left, 0);
    let wanted = LONGEST_PAUSE + 2.0 * f64::from(stage.options.poll);
    score.at_most("seconds from then until all of them were decided", began.elapsed().as_secs_f64(), wanted);
}
