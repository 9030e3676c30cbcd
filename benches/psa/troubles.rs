//! What goes wrong on a bad day, and what the PSA saw of the connection.

use std::collections::BTreeMap;

use firstline_fakes::{Fake, HookTrouble, Trouble, TroubleBody};
use serde_json::json;

use crate::running::Connect;
use crate::score::Score;

/// The share of requests that go wrong.
const CHANCE: f64 = 0.02;

/// Two requests in a hundred go wrong, each in one of the ways that are known of PSAs and what stands before them.
pub(crate) fn on(fake: &Fake, seed: u64) {
    let status = |status, retry_after, body| Trouble::Status { status, retry_after, body };
    let kinds = [
        Trouble::LostReply,
        Trouble::Refused,
        status(429, Some(1), TroubleBody::Json),
        status(429, None, TroubleBody::Html),
        status(429, None, TroubleBody::Text),
        status(503, None, TroubleBody::Html),
        Trouble::Slow { ms: 1_500 },
        Trouble::EditAfter,
        Trouble::MoveRows,
    ];
    fake.faults(|faults| faults.at_random(CHANCE, &kinds, seed));
}

/// Deliveries of webhooks go wrong: lost, twice, forged, in reverse order.
pub(crate) fn on_hooks(fake: &Fake) {
    fake.hook_trouble(HookTrouble { drop_every: 30, twice_every: 7, forged_every: 9, reversed: true });
}

/// Adds to a score what the PSA saw, and what went wrong.
pub(crate) fn tell(score: &mut Score, fake: &Fake, connect: &Connect) {
    score.fact("load of the machine, last minute and five minutes", load());
    let log = fake.log();
    let mut refused: BTreeMap<String, usize> = BTreeMap::new();
    for request in log.iter().filter(|request| !(200..300).contains(&request.status)) {
        let status = if request.status == 0 { "no reply".to_owned() } else { request.status.to_string() };
        *refused.entry(status).or_default() += 1;
    }
    score.fact("requests to the PSA", log.len());
    score.fact("  that went wrong on purpose", fake.faults(|faults| faults.hits));
    score.fact("  not answered with a success, by status", json!(refused));
    let (rounds, told, said) = connect.said(|said| {
        let told = said.rounds.iter().filter(|round| !round["told"].is_null()).count();
        (said.rounds.len() - told, told, words(said))
    });
    score.fact("rounds of the connection", rounds);
    if told > 0 {
        score.fact("  readings that webhooks caused", told);
    }
    for (what, n) in said.into_iter().take(6) {
        score.fact(&format!("  said {n} times"), what.chars().take(160).collect::<String>());
    }
}

/// How much else the machine does: lags are worth no more than it leaves.
fn load() -> String {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let told = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<&str> = told.split_whitespace().take(2).collect();
    format!("{} on {cores} cores", if load.is_empty() { "unknown".to_owned() } else { load.join(", ") })
}

/// What `connect` said went wrong, without numbers, the most frequent first.
fn words(said: &crate::running::Said) -> Vec<(String, usize)> {
    let of_rounds = said.rounds.iter().filter_map(|round| round["faults"].as_array());
    let of_rounds = of_rounds.flatten().filter_map(|fault| fault.as_str());
    let mut counted: BTreeMap<String, usize> = BTreeMap::new();
    for text in of_rounds.chain(said.faults.iter().map(|(_, text)| text.as_str())) {
        *counted.entry(without_numbers(text)).or_default() += 1;
    }
    let mut all: Vec<(String, usize)> = counted.into_iter().collect();
    all.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    all
}

fn without_numbers(text: &str) -> String {
    let mut short = String::new();
    for c in text.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }) {
        if c != '#' || !short.ends_with('#') {
            short.push(c);
        }
    }
    short
}
