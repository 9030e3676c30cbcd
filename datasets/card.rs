//! The card of a generated history: what it is, how it was made, what is in it, and what it can't show.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::arrivals::Shape;
use crate::history::{PRIORITIES, Plan, timestamp};
use crate::settings::Settings;

const LIMITS: &str = "## What it can't show
- How well a model does on your tickets. The texts come from a few hundred phrase grammars: a model that is
  good here has learnt those grammars. Only your own history tells.
- Which encoder is better. Real language has words that no table foresaw; here a word list gets far.
- Real disagreement. The wrong labels were drawn by rules at known rates; people are wrong for reasons.
- Real rates of urgency, escalation or outage, or real working times: work is scaled down to fit the staff.
- Real attacks. Phishing is reported here, never contained; no text tries to steer a reader that is a machine.
- Languages beyond English and a little German and French.
- Long conversations, attachments, merged tickets, tickets that change their owner several times.

## What it is for
Trying the commands, demonstrations, tests of volume and of time splits, and finding out whether a change
breaks something that once worked. Never quote a figure measured on it as the quality of the product.
";

/// The Markdown card of the history that [`crate::generate`] makes of the same arguments.
pub fn card(settings: &Settings, count: usize, seed: u64) -> String {
    let plan = Plan::new(settings, count, seed);
    let mut out = String::from("# Generated ticket history\n\n");
    let _ = writeln!(
        out,
        "**This data is generated.** No ticket, person, company, number or address in it is real.\n\n\
         Made by `firstline dev generate`, seed {seed}, {count} tickets, {} days before {}. The same settings, seed \
         and count give the same bytes on every machine.\n",
        settings.days, settings.end
    );
    contents(&plan, &mut out);
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
    if settings.desk.acknowledged > 0.0 {
        let share = settings.desk.acknowledged * 100.0;
        let _ = writeln!(
            out,
            "## Acknowledgements\nThe desk's machine answers {share:.0} % of people's tickets at once.\n"
        );
    }
    out + LIMITS
}

fn contents(plan: &Plan, out: &mut String) {
    let day = |i: Option<&crate::arrivals::Event>| {
        i.map_or_else(|| "-".to_owned(), |e| timestamp(e.at).strftime("%F").to_string())
    };
    let alerts = plan.events.iter().filter(|e| plan.catalog.kinds[e.kind].traits.alert).count();
    let storms = plan.events.iter().filter(|e| e.shape == Shape::Storm).count();
    let rows = [
        ("first and last day", format!("{} to {}", day(plan.events.first()), day(plan.events.last()))),
        ("customers", plan.world.customers.len().to_string()),
        ("technicians", plan.catalog.staff.len().to_string()),
        ("kinds of request", plan.catalog.kinds.len().to_string()),
        ("alerts, of these in storms", format!("{alerts}, {storms}")),
        ("escalated", plan.handled.iter().filter(|h| h.escalated).count().to_string()),
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
        for part in ["is generated", "seed 4711", "300 tickets", "can't show", "| Service Desk |"] {
            assert!(card.contains(part), "{part} is missing in {card}");
        }
    }
}
