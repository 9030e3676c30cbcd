//! The tickets that a bundle is measured on: as they came in, with how they were closed. Never one that training has seen.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use firstline_fault::{Code, UserError};
use firstline_rollout::evidence::DataLeftOut;
use firstline_rollout::{Population, RuleTicket, TicketFacts, select};
use firstline_ticket::{Field, Line, Ticket};
use firstline_triage::{Bundle, Policy, sha256_file};
use jiff::tz::TimeZone;

use crate::commands::rollout::history::{History, Wanted, each_line, open_hours};
use crate::failure::{Exit, Failure};
use crate::files;
use crate::ui::Ui;

/// The tickets and what is known of how they ended, in order of time.
pub(super) struct Material {
    /// The tickets, their labels those at closing.
    pub(super) tickets: Vec<Ticket>,
    /// The facts of each.
    pub(super) facts: Vec<TicketFacts>,
    /// Each as routing rules see it, where they are replayed.
    pub(super) seen: Vec<RuleTicket>,
    pub(super) sha256: String,
    pub(super) left_out: DataLeftOut,
    /// The desk's zone, that its weeks begin in.
    pub(super) zone: TimeZone,
    /// The exit status of a command that has read it.
    pub(super) exit: Exit,
}

impl Material {
    /// Reads `path`; what routing `rules` see where they are to be replayed.
    pub(super) fn read(
        path: &Path,
        bundle: &Path,
        policy: &Policy,
        rules: bool,
        ui: &Ui,
    ) -> Result<Self, Failure> {
        let zone = open_hours(policy, "the policy").map_or(TimeZone::UTC, |(hours, _)| hours.zone().clone());
        let bundle = Bundle::load(bundle)?;
        let history = History::read(path, policy, Wanted { rules, ..Wanted::default() }, ui)?;
        let exit = history.exit();
        let mut left_out = DataLeftOut {
            unusable: history.undated + history.future + history.repeated,
            bad_lines: history.bad as u64,
            ..DataLeftOut::default()
        };
        let (fresh, mut tickets) = unseen(path, &history, &bundle, &mut left_out, ui)?;
        let selected = select(&fresh, Population::All);
        left_out.merged = selected.left_out.merged;
        left_out.storm = selected.left_out.storm;
        left_out.project = selected.left_out.project;
        left_out.deleted = selected.left_out.deleted;
        let ids = history.facts.iter().map(|facts| facts.id.as_str());
        let mut seen: HashMap<&str, RuleTicket> = ids.zip(history.seen.iter().cloned()).collect();
        // Where the export tells of resolutions, a ticket without one is open.
        let tells = history.facts.iter().any(|facts| facts.resolved_at.is_some());
        let mut material = Self {
            tickets: Vec::new(),
            facts: Vec::new(),
            seen: Vec::new(),
            sha256: sha256_file(path)?,
            left_out,
            zone,
            exit,
        };
        for facts in selected.tickets {
            let Some(ticket) = tickets.remove(&facts.id) else { continue };
            let closed = !tells || facts.resolved_at.is_some();
            if closed && bundle.fields.keys().any(|field| facts.closing_label(*field).is_some()) {
                material.tickets.push(with_closing_labels(ticket, facts));
                material.facts.push(facts.clone());
                material.seen.extend(seen.remove(facts.id.as_str()));
            } else {
                material.left_out.no_outcome += 1;
            }
        }
        match material.tickets.is_empty() {
            true => Err(material.nothing(path)),
            false => Ok(material),
        }
    }

    fn nothing(&self, path: &Path) -> Failure {
        let out = &self.left_out;
        let problem = format!(
            "no ticket to measure on: {} were seen in training, {} have another split, {} have no outcome, {} are of storms, {} merged",
            out.seen_in_training, out.other_split, out.no_outcome, out.storm, out.merged
        );
        let next = "Give tickets that are not part of the history, as they were closed";
        UserError::new(Code::Empty, files::name_of(path), problem, next).into()
    }
}

/// The facts and the tickets that training has not seen and that are of the test window, where the data names one.
fn unseen(
    path: &Path,
    history: &History,
    bundle: &Bundle,
    left_out: &mut DataLeftOut,
    ui: &Ui,
) -> Result<(Vec<TicketFacts>, HashMap<String, Ticket>), Failure> {
    let known: HashMap<&str, &TicketFacts> =
        history.facts.iter().map(|facts| (facts.id.as_str(), facts)).collect();
    let mut tickets: HashMap<String, Ticket> = HashMap::new();
    let mut done: HashSet<&str> = HashSet::new();
    let mut bars = ui.bars();
    each_line(path, "taking held-out tickets", &mut bars, |line| {
        let Some(ticket) = usable(line)? else { return Ok(()) };
        // Of lines with one id the facts are those of one.
        let facts = known.get(ticket.id.as_str()).filter(|facts| facts.resolved_at == ticket.resolved_at);
        if !facts.is_some_and(|facts| done.insert(facts.id.as_str())) {
            return Ok(());
        }
        let is_test = ticket.extra_str("split").is_none_or(|s| s.trim().eq_ignore_ascii_case("test"));
        match (bundle.has_seen(&ticket), is_test) {
            (true, _) => left_out.seen_in_training += 1,
            (false, false) => left_out.other_split += 1,
            (false, true) => drop(tickets.insert(ticket.id.clone(), ticket)),
        }
        Ok(())
    })?;
    bars.finish();
    let fresh = history.facts.iter().filter(|facts| tickets.contains_key(&facts.id)).cloned().collect();
    Ok((fresh, tickets))
}

/// The ticket of a line. A line without one was counted and named when the file was read for facts.
pub(super) fn usable(line: Line) -> Result<Option<Ticket>, Failure> {
    match line.ticket {
        Err(fault) if fault.code() == Some(Code::Io) => Err(fault.into()),
        ticket => Ok(ticket.ok()),
    }
}

fn with_closing_labels(mut ticket: Ticket, facts: &TicketFacts) -> Ticket {
    for field in Field::ALL {
        ticket.set_label(field, facts.closing_label(field).unwrap_or_default().to_owned());
    }
    ticket
}

/// The ticket as it came in: nothing of what people did with it.
pub(super) fn as_it_came(ticket: &Ticket) -> Ticket {
    Ticket {
        messages: Vec::new(),
        resolution: None,
        resolved_at: None,
        first_response_at: None,
        ..ticket.clone()
    }
}

/// The places of up to `most` of `n` things, drawn by `seed`, in order.
pub(super) fn drawn(n: usize, most: usize, seed: u64) -> Vec<usize> {
    let number = |i: usize| {
        // SplitMix64 (Steele, Lea and Flood 2014).
        let mut z = seed.wrapping_add((i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    };
    let mut places: Vec<usize> = (0..n).collect();
    places.sort_by_key(|i| number(*i));
    places.truncate(most);
    places.sort_unstable();
    places
}
