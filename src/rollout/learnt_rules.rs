//! Routing rules "as found": a short decision list learnt from the boards that tickets had before any person touched them.
//!
//! It imitates what is there, and says how well; it is no proposal of better rules.

use std::collections::BTreeMap;

use firstline_stats::share;
use firstline_ticket::Field;
use serde::Serialize;

use crate::Share;
use crate::rules::{Condition, RoutingRule, RuleSet, RuleTicket};

/// Rules as found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LearntRules {
    /// The rules; the last one is for all tickets that no other fires for.
    pub rules: RuleSet,
    /// How often they give a later ticket, which they were not learnt from, the board that it had.
    pub fidelity: Share,
    /// How often the commonest board alone would.
    pub commonest: Share,
}

/// A rule is learnt from so many tickets at least,
const SUPPORT: usize = 10;
/// of which this share has its board, by Laplace's estimate.
const PRECISION: f64 = 0.85;
/// Rules at most, beside the last.
const LONGEST: usize = 20;
/// Share of the tickets, the earliest, that rules are learnt from; the others measure them.
const LEARN: f64 = 0.7;
/// Words that one ticket is looked at for: a hostile one has millions.
const WORDS: usize = 200;

/// Learns rules from `tickets`, each with the board that it had before any person touched it, in order of time. `None` where fewer
/// than a hundred are given.
pub fn learn_rules(tickets: &[(RuleTicket, &str)]) -> Option<LearntRules> {
    if tickets.len() < 100 {
        return None;
    }
    let (early, late) = tickets.split_at((LEARN * tickets.len() as f64) as usize);
    let mut left: Vec<(Vec<Sign<'_>>, &str)> =
        early.iter().map(|(ticket, board)| (signs(ticket), board.trim())).collect();
    let common = commonest(left.iter().map(|(_, board)| *board))?;
    let mut rules = Vec::new();
    while rules.len() < LONGEST {
        let Some((sign, board, precision)) = best(&left, common) else { break };
        left.retain(|(signs, _)| !signs.contains(&sign));
        rules.push(rule(sign, board, precision, rules.len()));
    }
    rules.push(RoutingRule {
        name: "all others".to_owned(),
        source: "learnt".to_owned(),
        order: rules.len() as i64,
        when: Some(Condition::default()),
        set: [(Field::Board, common.to_owned())].into(),
        ..RoutingRule::default()
    });
    let rules = RuleSet { rules };
    let asked: Vec<RuleTicket> = late.iter().map(|(ticket, _)| ticket.clone()).collect();
    let given = rules.replay(&asked);
    let same =
        given.iter().zip(late).map(|(labels, (_, board))| labels.get(&Field::Board) == Some(&board.trim()));
    let fidelity = Share::of(same);
    let commonest = Share::of(late.iter().map(|(_, board)| board.trim() == common));
    Some(LearntRules { rules, fidelity, commonest })
}

/// Something that a rule can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sign<'a> {
    /// A field has this value.
    Field(&'a str, &'a str),
    /// This word stands in the text.
    Word(&'a str),
}

fn signs(ticket: &RuleTicket) -> Vec<Sign<'_>> {
    let fields = ticket.fields().map(|(name, value)| Sign::Field(name, value));
    let words = ticket.words().take(WORDS).filter(|word| word.chars().count() > 2).map(Sign::Word);
    let mut signs: Vec<Sign<'_>> = fields.chain(words).collect();
    signs.sort_unstable();
    signs.dedup();
    signs
}

fn commonest<'a>(boards: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    boards.for_each(|board| *counts.entry(board).or_insert(0) += 1);
    // Of equal ones the first by name.
    counts.into_iter().rev().max_by_key(|(_, n)| *n).map(|(board, _)| board)
}

/// The sign that gains most among those that are sure enough: its hits less its misses, a miss weighing as much as the hits that the
/// asked precision sets against it. So a broad sign that is mostly right gives way to a narrower one that takes the exceptions out
/// first. Of equal ones the first by name. The `commonest` board needs no rule: it is what is left.
fn best<'a>(left: &[(Vec<Sign<'a>>, &'a str)], commonest: &str) -> Option<(Sign<'a>, &'a str, f64)> {
    let mut counts: BTreeMap<Sign<'a>, BTreeMap<&'a str, usize>> = BTreeMap::new();
    for (signs, board) in left {
        for sign in signs {
            *counts.entry(*sign).or_default().entry(*board).or_insert(0) += 1;
        }
    }
    let mut found: Option<(f64, Sign<'a>, &'a str, f64)> = None;
    for (sign, of) in &counts {
        let n = of.values().sum::<usize>();
        let Some((board, hits)) = of.iter().rev().max_by_key(|(_, hits)| **hits) else { continue };
        let sure = *board != commonest && n >= SUPPORT && share(hits + 1, n + 2) >= PRECISION;
        let gain = *hits as f64 - (n - hits) as f64 * PRECISION / (1.0 - PRECISION);
        if sure && found.is_none_or(|(most, ..)| gain > most) {
            found = Some((gain, *sign, *board, share(*hits, n)));
        }
    }
    found.map(|(_, sign, board, precision)| (sign, board, precision))
}

fn rule(sign: Sign<'_>, board: &str, precision: f64, order: usize) -> RoutingRule {
    let (name, when) = match sign {
        Sign::Field(field, value) => {
            let fields = [(field.to_owned(), vec![value.to_owned()])].into();
            (format!("{field} is {value}"), Condition { fields, words: Vec::new() })
        }
        Sign::Word(word) => (
            format!("{word:?} in the text"),
            Condition { words: vec![word.to_owned()], ..Condition::default() },
        ),
    };
    RoutingRule {
        name: format!("{name} ({:.0} % of them)", 100.0 * precision),
        source: "learnt".to_owned(),
        order: order as i64,
        stop: true,
        when: Some(when),
        set: [(Field::Board, board.to_owned())].into(),
        ..RoutingRule::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tickets routed by three rules, every fiftieth of them otherwise.
    fn history(n: usize) -> Vec<(RuleTicket, &'static str)> {
        let texts = ["VPN drops", "printer jams", "mail is slow", "password forgotten", "laptop is slow"];
        let one = |i: usize| {
            let source = if i.is_multiple_of(7) { "monitoring" } else { "email" };
            let text = texts[i % texts.len()];
            let board = match (source, text) {
                _ if i % 50 == 49 => "Projects",
                ("monitoring", _) => "Alerts",
                (_, "VPN drops") => "Network",
                _ => "Service Desk",
            };
            (RuleTicket::new([("source", source)], text), board)
        };
        (0..n).map(one).collect()
    }

    #[test]
    fn r7_rules_are_found_again_with_their_fidelity() {
        let tickets = history(1_000);
        let found = learn_rules(&tickets).unwrap();
        assert!(found.fidelity.of == 300 && found.fidelity.share.unwrap() >= 0.97, "{:?}", found.fidelity);
        assert!(found.commonest.share.unwrap() < 0.75);
        let sets = |name: &str| {
            let rule = found.rules.rules.iter().find(|rule| rule.name.starts_with(name)).unwrap();
            rule.set[&Field::Board].as_str()
        };
        // "VPN" and "drops" always stand together: the first by name is taken.
        assert_eq!((sets("source is monitoring"), sets("\"drops\"")), ("Alerts", "Network"));
        assert!(found.rules.rules.len() <= LONGEST + 1);
        // They are a rule set like any other.
        let written = found.rules.to_toml().unwrap();
        assert_eq!(RuleSet::parse(&written, "rules.toml").unwrap(), found.rules);
        assert_eq!(learn_rules(&tickets), Some(found));
        assert_eq!(learn_rules(&tickets[..99]), None);
    }

    #[test]
    fn r7_without_any_rule_the_fidelity_says_so() {
        // Boards by turns, whatever the ticket says.
        let boards = ["A", "B", "C"];
        let tickets: Vec<(RuleTicket, &str)> =
            history(600).into_iter().enumerate().map(|(i, (ticket, _))| (ticket, boards[i % 3])).collect();
        let found = learn_rules(&tickets).unwrap();
        assert!(found.fidelity.share.unwrap() < 0.5, "{:?}", found.fidelity);
    }
}
