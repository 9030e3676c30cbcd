//! `firstline rollout rules`: the desk's routing rules as found in its history, and what a set of rules would have done.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use firstline_fault::{Code, UserError};
use firstline_rollout::{
    LearntRules, Population, Routed, RuleSet, RuleTicket, RulesBeside, Share, TicketFacts, learn_rules,
    percent, rules_beside, select,
};
use firstline_ticket::Field;
use firstline_training::Progress;
use serde::Serialize;

use super::history::{History, Wanted, read_text};
use super::keep;
use super::snapshot::snapshot;
use crate::arguments::{JsonArg, PolicyArg};
use crate::commands::policy;
use crate::failure::{Exit, Failure};
use crate::files;
use crate::table::table;
use crate::ui::{Ui, print};

/// Learn routing rules, read them from a PSA, or replay a set over a history.
///
/// `--psa` reads workflow, parsing, assignment, ticket and e-mail rules as they stand; what is not understood is kept raw and never fires.
/// Learnt rules imitate the boards that tickets had before any person touched them (`initial_labels`, or the history of changes) and say
/// how well. A replay compares the boards that rules give with those at closing, and with the initial ones where these are known.
#[derive(Debug, Args)]
pub(crate) struct RulesArgs {
    /// The history, as `firstline import` writes it, plain or .gz.
    #[arg(long, value_name = "FILE", required_unless_present = "psa", conflicts_with = "psa")]
    tickets: Option<PathBuf>,

    /// File to write learnt rules to.
    #[arg(long, value_name = "FILE", conflicts_with = "replay", required_unless_present_any = ["replay", "psa"])]
    learn: Option<PathBuf>,

    /// Rules file to replay: `[[rule]]` with name, order, stop, when and set.
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,

    /// The settings of `firstline connect`: read the rules of that PSA.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["learn", "replay"])]
    psa: Option<PathBuf>,

    /// File to write the rules of the PSA to.
    #[arg(long, short, value_name = "FILE", requires = "psa", conflicts_with_all = ["learn", "replay"])]
    out: Option<PathBuf>,

    /// Boards to learn from.
    #[arg(long, value_enum, default_value = "initial", conflicts_with_all = ["replay", "psa"])]
    of: BoardChoice,

    #[command(flatten)]
    policy: PolicyArg,

    #[command(flatten)]
    output: JsonArg,
}

/// The boards that rules are learnt from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum BoardChoice {
    /// Those before any person touched the ticket: the desk's own rules, as found.
    Initial,
    /// Those at closing: what rules alone could reach.
    Closing,
}

/// A replay, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Replayed {
    rules: usize,
    /// Rules whose condition could not be read: they never fire.
    unread: usize,
    tickets: usize,
    /// Tickets without a board at closing.
    without_board: usize,
    /// Tickets that a rule gives a board.
    routed: Share,
    /// Tickets that the rules give the board at closing.
    right: Share,
    /// Tickets that they give the initial board, of those of which it is known.
    fidelity: Share,
    /// Initial boards beside the replay, on the same tickets; `None` where none is known.
    beside_initial: Option<RulesBeside>,
}

pub(super) fn run(args: &RulesArgs, ui: &Ui) -> Result<Exit, Failure> {
    if let Some(psa) = &args.psa {
        return snapshot(psa, args.out.as_deref(), args.output.json, ui);
    }
    let tickets = args.tickets.as_deref().unwrap_or(Path::new("-"));
    if let Some(out) = &args.learn {
        keep("--learn", out, tickets)?;
    }
    let rules = match &args.replay {
        Some(path) => Some(RuleSet::parse(&read_text(path)?, &files::name_of(path))?),
        None => None,
    };
    let policy = policy::read(args.policy.policy.as_deref())?;
    let history = History::read(tickets, &policy, Wanted { rules: true, ..Wanted::default() }, ui)?;
    match (rules, &args.learn) {
        (Some(rules), _) => replay(&rules, &history, args.output.json)?,
        (None, Some(out)) => learn(args, out, &history, ui)?,
        (None, None) => {}
    }
    Ok(history.exit())
}

/// The tickets that count, with what rules see of them, in order of time.
fn tickets(history: &History) -> Vec<(&TicketFacts, &RuleTicket)> {
    let counted = select(&history.facts, Population::All).tickets;
    let ids: BTreeSet<&str> = counted.iter().map(|ticket| ticket.id.as_str()).collect();
    history.facts.iter().zip(&history.seen).filter(|(ticket, _)| ids.contains(ticket.id.as_str())).collect()
}

fn learn(args: &RulesArgs, out: &Path, history: &History, ui: &Ui) -> Result<(), Failure> {
    let board = |ticket: &TicketFacts| match args.of {
        BoardChoice::Initial => ticket.initial_label(Field::Board).map(str::to_owned),
        BoardChoice::Closing => ticket.closing_label(Field::Board).map(str::to_owned),
    };
    let known: Vec<(RuleTicket, String)> = tickets(history)
        .into_iter()
        .filter_map(|(ticket, seen)| Some((seen.clone(), board(ticket)?)))
        .collect();
    let boards: Vec<(RuleTicket, &str)> =
        known.iter().map(|(seen, board)| (seen.clone(), board.as_str())).collect();
    let mut bars = ui.bars();
    bars.stage("learning rules", 0);
    let learnt = learn_rules(&boards);
    bars.finish();
    let Some(learnt) = learnt else {
        let (which, next) = match args.of {
            BoardChoice::Initial => (
                "had before any person touched it",
                "Import `initial_labels` or `events`; `--of closing` learns from the boards at closing instead",
            ),
            BoardChoice::Closing => ("had at closing", "Give a longer history"),
        };
        let problem =
            format!("of {} tickets the board that each {which} is known: 100 are needed", boards.len());
        return Err(UserError::new(Code::Empty, &history.name, problem, next).into());
    };
    files::write_whole(out, learnt.rules.to_toml()?.as_bytes())?;
    match args.output.json {
        true => print(serde_json::to_string(&learnt)?),
        false => show_learnt(&learnt, boards.len()),
    }
    ui.say(format!("Rules: {}", out.display()));
    Ok(())
}

fn with_interval(share: &Share) -> String {
    let (Some(found), Some(low), Some(high)) = (share.share, share.low, share.high) else {
        return "not known".to_owned();
    };
    format!("{} ({} to {}; {} of {})", percent(found), percent(low), percent(high), share.count, share.of)
}

fn show_learnt(learnt: &LearntRules, tickets: usize) {
    let board =
        |rule: &firstline_rollout::RoutingRule| rule.set.get(&Field::Board).cloned().unwrap_or_default();
    let rows =
        learnt.rules.rules.iter().map(|rule| vec![rule.name.clone(), rule.order.to_string(), board(rule)]);
    print(table(&["rule, the first that fires decides", "order", "board"], rows));
    print(format_args!(
        "Learnt from the earliest {} of {tickets} tickets. On the later ones, which they were not learnt from:",
        tickets - learnt.fidelity.of as usize
    ));
    print(format_args!("  the same board:            {}", with_interval(&learnt.fidelity)));
    print(format_args!("  always the commonest one:  {}", with_interval(&learnt.commonest)));
}

fn replay(rules: &RuleSet, history: &History, json: bool) -> Result<(), Failure> {
    let tickets = tickets(history);
    let seen: Vec<RuleTicket> = tickets.iter().map(|(_, seen)| (*seen).clone()).collect();
    let given = rules.replay(&seen);
    let board = |labels: &BTreeMap<Field, &str>| {
        labels.get(&Field::Board).map_or("", |board| board.trim()).to_owned()
    };
    let given: Vec<String> = given.iter().map(board).collect();
    let closed = || {
        tickets.iter().zip(&given).filter_map(|((ticket, _), given)| {
            Some((*ticket, given.as_str(), ticket.closing_label(Field::Board)?))
        })
    };
    let initial = |ticket: &TicketFacts| ticket.initial_label(Field::Board).map(str::to_owned);
    let fidelity =
        tickets.iter().zip(&given).filter_map(|((ticket, _), given)| Some(initial(ticket)? == *given));
    // A ticket that no rule gives a board had to be routed by somebody: it counts as wrong.
    let beside = closed().filter_map(|(ticket, given, closing)| {
        Some(Routed {
            initial: Some(ticket.initial_label(Field::Board)?),
            replayed: None,
            model: Some(given),
            closing,
        })
    });
    let beside = rules_beside(beside);
    let replayed = Replayed {
        rules: rules.rules.len(),
        unread: rules.unread(),
        tickets: tickets.len(),
        without_board: tickets.len() - closed().count(),
        routed: Share::of(given.iter().map(|board| !board.is_empty())),
        right: Share::of(closed().map(|(_, given, closing)| given == closing)),
        fidelity: Share::of(fidelity),
        beside_initial: (beside.rules.of > 0).then_some(beside),
    };
    match json {
        true => print(serde_json::to_string(&replayed)?),
        false => show_replayed(&replayed),
    }
    Ok(())
}

fn p_value(p: f64) -> String {
    if p < 1e-4 { "< 0.0001".to_owned() } else { format!("= {p:.4}") }
}

fn show_replayed(found: &Replayed) {
    print(format_args!("{} rules over {} tickets", found.rules, found.tickets));
    if found.unread > 0 {
        print(format_args!(
            "  {} rules have a condition that can't be read: they never fire here",
            found.unread
        ));
    }
    print(format_args!("  given a board by a rule:   {}", with_interval(&found.routed)));
    print(format_args!("  the board at closing:      {}", with_interval(&found.right)));
    print(format_args!("  the initial board:         {}", with_interval(&found.fidelity)));
    match &found.beside_initial {
        Some(beside) => print(format_args!(
            "Beside the initial boards, on the same {} tickets: initial {}, replayed {}; difference {:+.1} points ({:+.1} to {:+.1}), McNemar p {}",
            beside.test.n,
            with_interval(&beside.rules),
            with_interval(&beside.model),
            100.0 * beside.test.difference,
            100.0 * beside.test.interval.lo,
            100.0 * beside.test.interval.hi,
            p_value(beside.test.p)
        )),
        None => print(
            "No ticket says which board it had before a person touched it, so there is nothing to compare the replay with",
        ),
    }
    if found.without_board > 0 {
        print(format_args!("{} tickets have no board at closing: left out", found.without_board));
    }
}
