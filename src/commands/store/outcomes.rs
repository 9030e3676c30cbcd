//! `firstline store outcomes`: how tickets ended, from an export, joined to the decisions about them.

use std::path::{Path, PathBuf};

use clap::Args;
use firstline_drafts::{Endings, Voice, first_reply};
use firstline_fault::{Code, UserError};
use firstline_rollout::TicketFacts;
use firstline_serve::reply_distance;
use firstline_store::{CustomerSet, EventResult, Feedback, Joined, NewEvent};
use firstline_ticket::{Field, InitialBasis, Kind, Outcome, ResponseBasis, Ticket};
use firstline_triage::{Acknowledgements, AcknowledgementsBuilder};
use jiff::Timestamp;
use serde_json::json;

use crate::arguments::{JsonArg, SettingsArgs};
use crate::commands::draft::voice;
use crate::config;
use crate::failure::{Exit, Failure};
use crate::files;
use crate::ui::{Ui, print, stopping};

const BATCH: (usize, usize) = (256, 8 << 20);
/// Events of one transaction.
const MOST_EVENTS: usize = 1_000;
/// The actor in the audit log.
const ACTOR: &str = "command:outcomes";

/// Record how tickets ended and what happened to them, from an export of closed tickets.
///
/// Labels, first replies and times are joined to the decisions about the same tickets. The KPIs count from them. Where the export has
/// them, `handle_seconds`, `events`, `history_known`, `initial_labels`, `merged_into`, `project`, `deleted` and `opened_by_technician`
/// are recorded too.
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
    let path = config::settings(settings, &[])?.voice;
    let voice = voice(Some(path.as_path()).filter(|path| !path.as_os_str().is_empty()))?;
    let (mut joined, mut unknown, mut ambiguous, mut bad, mut done) = (0_u64, 0_u64, 0_u64, 0_u64, 0_u64);
    let mut recorded = 0_u64;
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
        let (mut news, mut events) = (Vec::new(), Vec::new());
        for line in batch {
            match line.ticket {
                Ok(mut ticket) => {
                    acknowledgements.set_aside(&mut ticket);
                    let customer = ticket.customer.as_ref().map(|_| ticket.customer_key());
                    let record = store.decision_of(&ticket.id, customer.as_deref(), &CustomerSet::All)?;
                    let draft = record.and_then(|record| record.draft);
                    let place = format!("{}, line {}", files::name_of(&args.tickets), line.number);
                    // What has another form than it should is named; the rest of the ticket counts.
                    let facts =
                        TicketFacts::of_ticket(&ticket, Kind::Person, &place).unwrap_or_else(|fault| {
                            eprintln!("warning: {fault}");
                            bad += 1;
                            None
                        });
                    let draft = draft.map(|draft| draft.text);
                    news.push(outcome(&ticket, (draft.as_deref(), &voice), facts.as_ref()));
                    let of =
                        |event| NewEvent { ticket_id: ticket.id.clone(), customer: customer.clone(), event };
                    events.extend(facts.into_iter().flat_map(|facts| facts.events).map(of));
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
        let now = Timestamp::now();
        for events in events.chunks(MOST_EVENTS) {
            let results = store.record_events(events, &CustomerSet::All, ACTOR, now)?;
            let is_new = |result: &&EventResult| matches!(result, EventResult::Stored | EventResult::Changed);
            recorded += results.iter().filter(is_new).count() as u64;
        }
        bars.set(done);
    }
    bars.finish();
    match args.output.json {
        true => print(
            json!({"joined": joined, "unknown": unknown, "ambiguous": ambiguous, "events": recorded, "bad": bad}),
        ),
        false => print(format_args!(
            "{joined} outcomes joined, {recorded} events recorded; {unknown} tickets were never sent to triage; {ambiguous} are of several customers, \
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

/// When a technician first wrote to the customer; what the PSA has stamped where the conversation does not tell. And which it is.
fn first_response(ticket: &Ticket) -> (Option<Timestamp>, Option<ResponseBasis>) {
    let sent = ticket.messages.iter().filter(|m| m.from == "technician" && m.visible == Some(true));
    match sent.filter_map(|message| message.at).min() {
        Some(at) => (Some(at), Some(ResponseBasis::Message)),
        None => (ticket.first_response_at, ticket.first_response_at.map(|_| ResponseBasis::Stamp)),
    }
}

/// How a closed ticket ended.
fn outcome(ticket: &Ticket, (draft, voice): (Option<&str>, &Voice), facts: Option<&TicketFacts>) -> Feedback {
    let label = |field| ticket.label(field).map(|label| (field, label.to_owned()));
    let (first_response_at, first_response_basis) = first_response(ticket);
    // Only what the export says: a fact that it does not name is not known.
    let stated = |of: fn(&TicketFacts) -> bool| facts.map(of).filter(|stated| *stated);
    let initial_labels = facts.and_then(|facts| facts.initial.clone());
    let reply = first_reply(ticket).map(str::to_owned);
    Feedback {
        decision_id: None,
        ticket_id: Some(ticket.id.clone()),
        customer: ticket.customer.as_ref().map(|_| ticket.customer_key()),
        outcome: Outcome {
            labels: Field::ALL.into_iter().filter_map(label).collect(),
            distance: reply.as_deref().zip(draft).map(|(reply, draft)| {
                reply_distance(draft, &voice.signature, reply, ticket, &Endings::default())
            }),
            reply,
            first_response_at,
            first_response_basis,
            resolved_at: ticket.resolved_at,
            reopened: ticket.reopened,
            escalated: ticket.escalated,
            handle_seconds: facts.and_then(TicketFacts::handle_time),
            initial_basis: initial_labels.as_ref().map(|_| InitialBasis::Intake),
            initial_labels,
            opened_by_technician: stated(|facts| facts.opened_by_technician),
            project: stated(|facts| facts.project),
            deleted: stated(|facts| facts.deleted),
            merged_into: facts.and_then(|facts| facts.merged_into.clone()),
            history_known: stated(|facts| facts.history_known),
            ..Outcome::default()
        },
        source: "import".to_owned(),
        actor: ACTOR.to_owned(),
    }
}
