//! `firstline store outcomes`: how tickets ended, from an export, joined to the decisions about them.

use std::path::{Path, PathBuf};

use clap::Args;
use firstline_drafts::first_reply;
use firstline_fault::{Code, UserError};
use firstline_serve::distance;
use firstline_store::{CustomerSet, Feedback, Joined};
use firstline_ticket::{Field, Outcome, Ticket};
use firstline_triage::{Acknowledgements, AcknowledgementsBuilder};
use jiff::Timestamp;
use serde_json::json;

use crate::arguments::{JsonArg, SettingsArgs};
use crate::config;
use crate::failure::{Exit, Failure};
use crate::files;
use crate::ui::{Ui, print, stopping};

const BATCH: (usize, usize) = (256, 8 << 20);

/// Record how tickets ended, from an export of closed tickets.
///
/// Labels, first replies and times are joined to the decisions about the same tickets. The KPIs count from them.
#[derive(Debug, Args)]
pub(crate) struct OutcomesArgs {
    /// Closed tickets, as `firstline import` writes them, plain or .gz.
    #[arg(long, value_name = "FILE")]
    tickets: PathBuf,

    #[command(flatten)]
    output: JsonArg,
}

pub(super) fn run(args: &OutcomesArgs, settings: &SettingsArgs, ui: &Ui) -> Result<Exit, Failure> {
    let store = config::existing_store(settings)?;
    let (mut joined, mut unknown, mut ambiguous, mut bad, mut done) = (0_u64, 0_u64, 0_u64, 0_u64, 0_u64);
    let mut bars = ui.bars();
    firstline_training::Progress::stage(&mut bars, "joining outcomes", 0);
    let acknowledgements = acknowledgements(&args.tickets)?;
    for batch in files::tickets(&args.tickets)?.batches(BATCH.0, BATCH.1) {
        if stopping() {
            let problem = format!("stopped after {done} lines");
            let next = "The outcomes joined so far are on record; run the same command again to continue";
            return Err(
                UserError::new(Code::Interrupted, files::name_of(&args.tickets), problem, next).into()
            );
        }
        done += batch.len() as u64;
        let mut news = Vec::new();
        for line in batch {
            match line.ticket {
                Ok(mut ticket) => {
                    acknowledgements.set_aside(&mut ticket);
                    let customer = ticket.customer.as_ref().map(|_| ticket.customer_key());
                    let record = store.decision_of(&ticket.id, customer.as_deref(), &CustomerSet::All)?;
                    let draft = record.and_then(|record| record.draft);
                    news.push(outcome(&ticket, draft.map(|draft| draft.text).as_deref()));
                }
                Err(fault) if fault.code() == Some(Code::Io) => return Err(fault.into()),
                Err(fault) => {
                    eprintln!("warning: {fault}");
                    bad += 1;
                }
            }
        }
        for joint in store.feedback(&news, &CustomerSet::All, Timestamp::now())? {
            match joint {
                Joined::To(_) => joined += 1,
                Joined::Unknown => unknown += 1,
                Joined::Ambiguous => ambiguous += 1,
            }
        }
        bars.set(done);
    }
    bars.finish();
    match args.output.json {
        true => print(json!({"joined": joined, "unknown": unknown, "ambiguous": ambiguous, "bad": bad})),
        false => print(format_args!(
            "{joined} outcomes joined; {unknown} tickets were never sent to triage; {ambiguous} are of several customers, \
             and the file does not say whose; {bad} bad lines"
        )),
    }
    Ok(if bad > 0 { Exit::SomeFailed } else { Exit::Success })
}

/// The automatic acknowledgements among the messages of the tickets in `path`. A pipe is read once, and they are told by their
/// words then.
fn acknowledgements(path: &Path) -> Result<Acknowledgements, Failure> {
    let mut builder = AcknowledgementsBuilder::default();
    if path != Path::new("-") {
        files::tickets(path)?.filter_map(|line| line.ticket.ok()).for_each(|ticket| builder.add(&ticket));
    }
    Ok(builder.finish())
}

/// When a technician first wrote to the customer; what the PSA has stamped where the conversation does not tell.
fn first_response_at(ticket: &Ticket) -> Option<Timestamp> {
    let sent = ticket.messages.iter().filter(|m| m.from == "technician" && m.visible == Some(true));
    sent.filter_map(|message| message.at).min().or(ticket.first_response_at)
}

/// How a closed ticket ended.
fn outcome(ticket: &Ticket, draft: Option<&str>) -> Feedback {
    let label = |field| ticket.label(field).map(|label| (field, label.to_owned()));
    let reply = first_reply(ticket).map(str::to_owned);
    Feedback {
        decision_id: None,
        ticket_id: Some(ticket.id.clone()),
        customer: ticket.customer.as_ref().map(|_| ticket.customer_key()),
        outcome: Outcome {
            labels: Field::ALL.into_iter().filter_map(label).collect(),
            distance: reply.as_deref().zip(draft).map(|(reply, draft)| distance(draft, reply)),
            reply,
            first_response_at: first_response_at(ticket),
            resolved_at: ticket.resolved_at,
            reopened: ticket.reopened,
            escalated: ticket.escalated,
            ..Outcome::default()
        },
        source: "import".to_owned(),
        actor: "command:outcomes".to_owned(),
    }
}
