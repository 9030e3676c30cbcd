//! The card of a generated history: what it is, how it was made, what is in it, and what it can't show.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::arrivals::Shape;
use crate::course::Course;
use crate::history::{GeneratedHistory, PRIORITIES, Plan, generate, timestamp};
use crate::record::SECOND_TIER;
use crate::settings::Settings;

const LIMITS: &str = "## What it can't show
- How well a model does on your tickets. The texts come from a few hundred phrase grammars: a model that is
  good here has learnt those grammars. Only your own history tells.
- Which encoder is better. Real language has words that no table foresaw; here a word list gets far.
- Real disagreement. The wrong labels were drawn by rules at known rates; people are wrong for reasons.
- Real rates of urgency, escalation or outage, or real working times: work is scaled down to fit the staff.
- Real attacks. Phishing is reported here, never contained; no text tries to steer a reader that is a machine.
- Languages beyond English and a little German and French.
- Long conversations, attachments, projects, deleted tickets, tickets closed in bulk.
- How a real desk's times are spread. An acknowledgement comes 2 to 45 seconds after the opening and the rules run after 2 to 50, each
  second as likely as any other; a late outcome comes after 14 to 35 days, a credit after 1 to 45, a relapse after 1 to 3. A customer's
  answer, a vendor, an escalation and its return come at fixed parts of the time between first answer and resolution. So nothing that
  was tuned on these delays is shown to hold elsewhere.
- How far time entries can be trusted. Nobody forgets to log, logs for another or rounds in anybody's favour.
- What rules are worth. They were written for this desk, by the one who wrote the tickets.
- What customers mean. Who confirms, thanks or contradicts was drawn, then worded from a few sentences in three languages; nobody
  is ironic, answers another ticket or quotes.
- What Firstline would change: no ticket was ever touched by it, and a credit here is one that the desk itself caused.

## What it is for
Trying the commands, demonstrations, tests of volume and of time splits, and finding out whether a change
breaks something that once worked. Never quote a figure measured on it as the quality of the product.
";

/// The Markdown card of the history that [`crate::generate`] makes of the same arguments.
pub fn card(settings: &Settings, count: usize, seed: u64) -> String {
    let mut history = generate(settings, count, seed);
    let routed = routed(&mut history);
    let plan = history.plan();
    let mut out = String::from("# Generated ticket history\n\n");
    let _ = writeln!(
        out,
        "**This data is generated.** No ticket, person, company, number or address in it is real.\n\n\
         Made by `firstline dev generate`, seed {seed}, {count} tickets, {} days before {}. The same settings, seed \
         and count give the same bytes on every machine.\n",
        settings.days, settings.end
    );
    contents(plan, &mut out);
    let _ = writeln!(
        out,
        "## Labels\nBoard, type and subtype are set wrongly in about {:.0} % of the tickets, the subtype alone in \
         another {:.0} %, and {:.1} % are left in the catch-all; slips differ by technician. The priority is off in \
         about {:.0} %. Customers have habits of filing, and the desk was reorganised on day {}. \
         \"{}\" is unknown before day {}.\n",
        settings.labels.noise * 100.0,
        settings.labels.subtype_noise * 100.0,
        settings.labels.lazy * 100.0,
        (settings.labels.priority_noise + settings.labels.priority_default * 0.45) * 100.0,
        settings.labels.reorganised_on,
        settings.product.name,
        settings.product.day,
    );
    beside(plan, routed, &mut out);
    out + LIMITS
}

/// Tickets whose initial board is looked at.
const ROUTED: usize = 1_000;

/// How many of the first tickets the rules put on the board where they ended, and of how many; `None` where no rules are kept.
fn routed(history: &mut GeneratedHistory) -> Option<(usize, usize)> {
    let mut right = (0, 0);
    for ticket in history.take(ROUTED) {
        let initial = ticket.extra.get("initial_labels")?["board"].as_str();
        right = (right.0 + usize::from(initial == ticket.board.as_deref()), right.1 + 1);
    }
    Some(right)
}

/// The desk, and what its PSA keeps beside the tickets.
fn beside(plan: &Plan, routed: Option<(usize, usize)>, out: &mut String) {
    let settings = &plan.settings;
    let first = plan.catalog.first_level();
    let holidays: Vec<String> = settings.calendar.holidays.iter().map(ToString::to_string).collect();
    let zone = match settings.calendar.clock_changes {
        true => "as New York: clocks change on the second Sunday of March and the first of November",
        false => "five hours behind UTC all year",
    };
    let _ = writeln!(
        out,
        "## The desk\n{first} technicians of the first tier have all boards; {} engineers of the second tier get what is escalated, in \
         part on the board \"{SECOND_TIER}\". The file beside this one that ends in `.tiers.toml` says so for `firstline rollout \
         --tiers`. The desk works from Monday to Friday, 6:00 to 21:00 with all shifts, {zone}. Closed on: {}.\n",
        plan.catalog.staff.len() - first,
        if holidays.is_empty() { "no day".to_owned() } else { holidays.join(", ") },
    );
    let share = settings.desk.acknowledged * 100.0;
    if share > 0.0 {
        let with_header = settings.desk.acknowledged_with_header * 100.0;
        let _ = writeln!(
            out,
            "## Acknowledgements\nThe desk's machine answers {share:.0} % of people's tickets at once, {with_header:.0} % of these with the \
             header `Auto-Submitted`; the others are known by their recurrence alone. The PSA stamps them as first responses.\n"
        );
    }
    if let Some((right, of)) = routed {
        let _ = writeln!(
            out,
            "## What the PSA keeps\nEvents (status, board, labels, owner, customer, merges, messages without words, time entries), \
             initial labels, seconds of work, late reports and credits. The desk's rules (`.rules.toml` beside this file) put {right} \
             of the first {of} tickets on the board where they ended.\n"
        );
    }
}

fn contents(plan: &Plan, out: &mut String) {
    let day = |i: Option<&crate::arrivals::Event>| {
        i.map_or_else(|| "-".to_owned(), |e| timestamp(e.at).strftime("%F").to_string())
    };
    let alerts = plan.events.iter().filter(|e| plan.catalog.kinds[e.kind].traits.alert).count();
    let storms = plan.events.iter().filter(|e| e.shape == Shape::Storm).count();
    let courses = |is: &dyn Fn(&Course) -> bool| plan.courses.iter().filter(|c| is(c)).count().to_string();
    let rows = [
        ("first and last day", format!("{} to {}", day(plan.events.first()), day(plan.events.last()))),
        ("customers", plan.world.customers.len().to_string()),
        ("technicians", plan.catalog.staff.len().to_string()),
        ("kinds of request", plan.catalog.kinds.len().to_string()),
        ("alerts, of these in storms", format!("{alerts}, {storms}")),
        ("escalated", courses(&|course| course.senior.is_some())),
        ("merged into another", courses(&|course| course.merged.is_some())),
        ("came under another customer's name", courses(&|course| course.came_under.is_some())),
        ("opened again", plan.handled.iter().filter(|h| h.reopening.is_some()).count().to_string()),
        ("outcome reported weeks later", courses(&|course| course.reported_at.is_some())),
        ("with an SLA credit", courses(&|course| course.sla_credit_at.is_some())),
    ];
    out.push_str("## Contents\n| what | how many |\n|---|---|\n");
    for (what, how_many) in rows {
        let _ = writeln!(out, "| {what} | {how_many} |");
    }
    let board = |h: &crate::desk::Handling| plan.catalog.places[h.place].board.clone();
    table(out, "board", plan.handled.iter().map(board));
    table(out, "priority", plan.handled.iter().map(|h| PRIORITIES[h.priority].to_owned()));
    out.push('\n');
}

fn table(out: &mut String, head: &str, labels: impl Iterator<Item = String>) {
    let mut counts = BTreeMap::<String, usize>::new();
    for label in labels {
        *counts.entry(label).or_default() += 1;
    }
    let _ = writeln!(out, "\n| {head} | tickets |\n|---|---|");
    for (label, n) in counts {
        let _ = writeln!(out, "| {label} | {n} |");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_card_says_that_it_is_generated_with_which_seed_and_what_it_cannot_show() {
        let card = card(&Settings::default(), 300, 4711);
        for part in [
            "is generated",
            "seed 4711",
            "300 tickets",
            "can't show",
            "| Service Desk |",
            "2026-05-25",
            "2 to 45 seconds",
            "of the first 300 tickets",
            "Tier 2",
        ] {
            assert!(card.contains(part), "{part} is missing in {card}");
        }
    }
}
