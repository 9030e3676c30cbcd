//! A history is pulled: a sample at the pace of the settings and within the vendor's limits, and all of it faster, after being stopped.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use firstline_benches as common;
use firstline_fakes::{Author, Fake, Id, Which};
use firstline_ticket::Changed;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::desk::past;
use crate::running::{UNPACED, name, section};
use crate::score::Score;
use crate::{Stage, fake, unlimited};

/// How long the pull of all runs at the pace of the settings before it is killed.
const AT_FIRST: Duration = Duration::from_secs(10);
const OUT: &str = "pulled.jsonl";

pub(crate) fn run(stage: &Stage, which: Which) -> Score {
    let options = &stage.options;
    let mut score = Score::new(format!("{}: a history is pulled", name(which)));
    sample(stage, &mut score, which);
    let (dir, fake) =
        (tempfile::tempdir().expect("a temporary folder"), filled(stage, which, options.pulled));
    settings(dir.path(), (which, &fake), None);
    let mut first = started(dir.path());
    let mut said = BufReader::new(first.stderr.take().expect("it is piped"));
    let mut told = String::new();
    said.read_line(&mut told).expect("it says how long it takes");
    score.fact("said in advance of all of them", told.trim());
    let said_minutes = minutes_of(&told);
    std::thread::sleep(AT_FIRST);
    first.kill().expect("it runs");
    first.wait().expect("it ends");
    let before = fake.log().len();
    // All the others faster than the vendor lets anybody: it is the requests that are counted.
    settings(dir.path(), (which, &fake), Some(UNPACED));
    unlimited(which, &fake);
    let began = Instant::now();
    let printed = common::ran(dir.path(), &["pull", "--psa", "psa.toml", "--days", "90", "--out", OUT]);
    score.fact("seconds for the rest without a limit", began.elapsed().as_secs_f64().round());
    let all = fake.log().len();
    score.fact("requests before it was killed, and in all", json!([before, all]));
    let needed = minutes(which, all);
    score.fact("minutes that all of these take at the pace of the settings", needed);
    said_well(&mut score, said_minutes, needed);
    whole(&mut score, dir.path(), &fake);
    score.fact("it printed", printed.lines().collect::<Vec<_>>().join(" | "));
    baseline(&mut score, dir.path());
    score
}

/// A sample, as anybody's first pull.
fn sample(stage: &Stage, score: &mut Score, which: Which) {
    let (dir, fake) =
        (tempfile::tempdir().expect("a temporary folder"), filled(stage, which, stage.options.sample));
    settings(dir.path(), (which, &fake), None);
    let began = Instant::now();
    let done = started(dir.path()).wait_with_output().expect("it ends");
    let took = began.elapsed().as_secs_f64() / 60.0;
    score.must_be("a sample at the pace of the settings: it succeeds", usize::from(done.status.success()), 1);
    let told = String::from_utf8_lossy(&done.stderr);
    score.fact("  said in advance", told.lines().next().unwrap_or("nothing"));
    let log = fake.log();
    score.fact("  minutes that it took", (took * 10.0).round() / 10.0);
    score.fact("  requests a ticket", log.len() as f64 / stage.options.sample.max(1) as f64);
    let refused = log.iter().filter(|request| request.status == 429).count();
    score.must_be("  requests that the vendor's limits refused", refused, 0);
}

/// What the next step makes of it.
fn baseline(score: &mut Score, dir: &Path) {
    let mut command = common::program();
    let asked = command.args(["rollout", "baseline", "--tickets", OUT]).current_dir(dir);
    let done = asked.output().expect("the program starts");
    score.must_be("`rollout baseline` takes it", usize::from(done.status.success()), 1);
    let said = if done.status.success() { done.stdout } else { done.stderr };
    let said = String::from_utf8_lossy(&said).into_owned();
    said.lines()
        .filter(|line| !line.trim().is_empty())
        .take(20)
        .for_each(|line| score.fact("  it says", line));
}

/// A PSA with so many closed tickets of the last weeks.
fn filled(stage: &Stage, which: Which, tickets: usize) -> Fake {
    let fake = fake(which);
    let mut past = past(tickets, stage.options.seed);
    fake.play(&mut past);
    fake.world(|world| {
        let technician = Author::Technician(world.technician("Dispatch"));
        // Thanks have opened some again.
        let open: Vec<(Id, Timestamp)> = world
            .tickets
            .values()
            .filter(|ticket| ticket.closed_at.is_none())
            .map(|ticket| (ticket.id, ticket.updated_at))
            .collect();
        for (id, at) in open {
            world.change(
                id,
                Changed::Status,
                Some("Closed"),
                (technician, at + SignedDuration::from_mins(10)),
            );
        }
    });
    fake
}

fn settings(dir: &Path, (which, fake): (Which, &Fake), pace: Option<&str>) {
    let (section, secret) = section(which, &fake.url(), pace);
    std::fs::write(dir.join("psa.key"), secret).expect("a file");
    let text = format!("service = \"http://127.0.0.1:1\"\nkey_file = \"psa.key\"\n\n{section}");
    std::fs::write(dir.join("psa.toml"), text).expect("a file");
}

fn started(dir: &Path) -> std::process::Child {
    let mut command = common::program();
    command.args(["pull", "--psa", "psa.toml", "--days", "90", "--out", OUT]).current_dir(dir);
    let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    piped.spawn().expect("the program starts")
}

/// What requests take at the pace that settings have where they name none, after a first window that is free.
fn minutes(which: Which, requests: usize) -> usize {
    let (window, minutes) = match which {
        Which::Connectwise | Which::Autotask => (120, 1),
        Which::Halo => (300, 5),
    };
    requests.saturating_sub(1) / window * minutes
}

/// The minutes that a pull said it would take at least.
fn minutes_of(told: &str) -> Option<usize> {
    let (_, time) = told.rsplit_once(" at least ")?;
    let (hours, rest) = time.split_once(" h ")?;
    let minutes = rest.split_once(" min")?.0;
    Some(hours.trim().parse::<usize>().ok()? * 60 + minutes.trim().parse::<usize>().ok()?)
}

/// Whether "at least" was true, and near.
fn said_well(score: &mut Score, said: Option<usize>, needed: usize) {
    let said = said.unwrap_or_default();
    score.aim(
        "minutes said in advance: no more than these, and near",
        &said,
        said <= needed && 5 * said >= 4 * needed,
    );
}

/// Whether each ticket is there once, as it ended.
fn whole(score: &mut Score, dir: &Path, fake: &Fake) {
    let mut text = String::new();
    let mut file = std::fs::File::open(dir.join(OUT)).expect("what was pulled");
    file.read_to_string(&mut text).expect("text");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let ids: BTreeSet<String> =
        lines.iter().filter_map(|line| line["id"].as_str().map(str::to_owned)).collect();
    let (there, closed) = fake.world(|world| {
        let there: BTreeSet<String> = world.tickets.keys().map(ToString::to_string).collect();
        (there, world.tickets.values().filter(|ticket| ticket.closed_at.is_some()).count())
    });
    score.must_be("tickets of the PSA that were pulled", ids.intersection(&there).count(), there.len());
    score.must_be("lines of the file", lines.len(), there.len());
    score.must_be(
        "  with their end",
        lines.iter().filter(|line| line["resolved_at"].is_string()).count(),
        closed,
    );
    let told = |key: &str| lines.iter().filter(|line| line[key].is_array() || line[key].is_object()).count();
    // Not every vendor tells all that happened.
    score.share("  with all events", (told("events"), there.len()), None);
    score.share("  with the labels at first", (told("initial_labels"), there.len()), None);
}
