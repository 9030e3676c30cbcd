//! The days of a desk as steps in time, from canonical tickets: what the generator writes, or an import.
//!
//! A ticket is opened as it stood before anybody touched it. Must never tell the fake more than people did: labels at closing come by
//! the changes that made them.

use std::collections::{HashMap, VecDeque};

use firstline_ticket::{ActorKind, Changed, Event, Happening, Ticket};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::deed::Deed;
use crate::world::{Author, Id, NewTicket, Note, TimeEntry, World};

/// Something that happens on the desk.
#[derive(Debug, Clone)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// To which ticket, by the script's name.
    pub ticket: String,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Open(Box<Ticket>),
    Say { from: String, actor: Option<String>, text: String, visible: bool, automatic: bool },
    Work { actor: Option<String>, seconds: f64, visible: bool },
    Change { actor: Option<String>, kind: ActorKind, of: Changed, to: Option<String> },
    Merge { into: String },
}

/// How a ticket stands, as far as the next values depend on it.
struct Stands<'s> {
    board: Id,
    kind: Option<Id>,
    status: Option<&'s str>,
}

/// Steps in the order of time.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// The steps.
    pub steps: VecDeque<Step>,
}

impl Script {
    /// The steps of `tickets`. Those without a time of opening are left out.
    pub fn of(tickets: &[Ticket]) -> Self {
        let mut steps: Vec<Step> = tickets.iter().flat_map(steps_of).collect();
        steps.sort_by_key(|step| step.at);
        Self { steps: steps.into() }
    }

    /// When the next step is.
    pub fn next_at(&self) -> Option<Timestamp> {
        self.steps.front().map(|step| step.at)
    }

    /// Makes what the steps name, as a desk has it before anything happens: customers and their people, boards, types, statuses,
    /// priorities, technicians. Otherwise each of them appears with the first step that names it.
    pub fn furnish(&self, world: &mut World) {
        let mut stand: HashMap<&str, Stands<'_>> = HashMap::new();
        for step in &self.steps {
            match &step.what {
                What::Open(ticket) => {
                    let new = world.as_it_came(ticket);
                    stand.insert(&step.ticket, Stands { board: new.board, kind: new.kind, status: None });
                }
                What::Say { from, actor, .. } if from == "technician" => world.furnish_technician(actor),
                What::Say { .. } | What::Merge { .. } => {}
                What::Work { actor, .. } => world.furnish_technician(actor),
                What::Change { actor, kind, of, to } => {
                    if *kind == ActorKind::Technician {
                        world.furnish_technician(actor);
                    }
                    if let (Some(stands), Some(to)) = (stand.get_mut(step.ticket.as_str()), to) {
                        world.furnish_value(stands, *of, to);
                    }
                }
            }
        }
    }

    /// Does what happens before `until`, and keeps the rest; gives the number of steps done.
    pub fn play(&mut self, world: &mut World, until: Timestamp) -> usize {
        let due = self.steps.partition_point(|step| step.at < until);
        for step in self.steps.drain(..due) {
            world.do_step(step);
        }
        due
    }
}

fn steps_of(ticket: &Ticket) -> Vec<Step> {
    let Some(opened) = ticket.opened_at else { return Vec::new() };
    let step = |at, what| Step { at, ticket: ticket.id.clone(), what };
    let mut steps = vec![step(opened, What::Open(Box::new(ticket.clone())))];
    let events: Vec<Event> = ticket
        .extra
        .get("events")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|event| serde_json::from_value(event.clone()).ok())
        .collect();
    let told = |key: Option<&str>| events.iter().find(|event| Some(event.psa_key.as_str()) == key);
    for message in &ticket.messages {
        let event = told(message.extra.get("psa_key").and_then(Value::as_str));
        let automatic = matches!(event.map(|e| &e.what), Some(Happening::Message { automatic: true, .. }));
        let say = What::Say {
            from: message.from.clone(),
            actor: event.and_then(|e| e.actor.clone()),
            text: message.text.clone(),
            visible: message.visible != Some(false),
            automatic,
        };
        steps.push(step(message.at.unwrap_or(opened), say));
    }
    for event in events {
        let what = match event.what {
            Happening::Message { .. } => continue,
            Happening::TimeEntry { seconds, visible } => What::Work { actor: event.actor, seconds, visible },
            Happening::Change { of, to, .. } => {
                What::Change { actor: event.actor, kind: event.actor_kind, of, to }
            }
            Happening::Merge { into } => What::Merge { into },
        };
        steps.push(step(event.at, what));
    }
    steps.extend(closed_again(ticket, &steps));
    steps
}

/// How long a technician takes to close a ticket again.
const CLOSED_AGAIN: SignedDuration = SignedDuration::from_mins(20);

/// A reply after the closing, as thanks, opens a ticket again. Where its history ends with it closed, a technician closes it once more.
fn closed_again(ticket: &Ticket, steps: &[Step]) -> Option<Step> {
    ticket.resolved_at?;
    let statuses = steps.iter().filter(|step| matches!(step.what, What::Change { of: Changed::Status, .. }));
    let closing = statuses.max_by_key(|step| step.at)?;
    let said = steps.iter().filter(|step| matches!(&step.what, What::Say { from, .. } if from == "customer"));
    let last = said.map(|step| step.at).filter(|at| *at > closing.at).max()?;
    Some(Step { at: last.checked_add(CLOSED_AGAIN).ok()?, ..closing.clone() })
}

impl World {
    fn do_step(&mut self, step: Step) {
        let at = step.at;
        if let What::Open(ticket) = step.what {
            let new = self.as_it_came(&ticket);
            let id = self.open(NewTicket { at: Some(at), ..new }, Author::System);
            self.by_name.insert(step.ticket, id);
            return;
        }
        let Some(&id) = self.by_name.get(&step.ticket) else { return };
        match step.what {
            What::Open(_) => {}
            What::Say { from, actor, text, visible, automatic } => {
                let by = self.author(id, &from, actor.as_deref(), automatic);
                self.note(id, Note { by, at, automatic, mailed: visible, ..Note::said(&text, visible) });
            }
            What::Work { actor, seconds, visible } => {
                let technician = self.technician(actor.as_deref().unwrap_or("Dispatch"));
                let from = at;
                self.time(TimeEntry {
                    ticket: id,
                    technician,
                    from,
                    seconds,
                    visible,
                    ..TimeEntry::default()
                });
            }
            What::Change { actor, kind, of, to } => {
                let by = match kind {
                    ActorKind::Technician => {
                        Author::Technician(self.technician(actor.as_deref().unwrap_or("Dispatch")))
                    }
                    _ => Author::System,
                };
                self.change(id, of, to.as_deref(), (by, at));
            }
            What::Merge { into } => {
                if let Some(&parent) = self.by_name.get(&into) {
                    self.merge(id, parent, (Author::System, at));
                }
            }
        }
    }

    fn furnish_technician(&mut self, actor: &Option<String>) {
        self.technician(actor.as_deref().unwrap_or("Dispatch"));
    }

    /// Makes a value that a ticket which stands so gets.
    fn furnish_value<'s>(&mut self, stands: &mut Stands<'s>, of: Changed, to: &'s str) {
        match of {
            Changed::Board => {
                stands.board = self.board(to);
                // It keeps its status by name.
                if let Some(status) = stands.status {
                    self.status(stands.board, status);
                }
            }
            Changed::Type => stands.kind = Some(self.kind(stands.board, to)),
            Changed::Subtype => {
                stands.kind.map(|kind| self.subkind(kind, to));
            }
            Changed::Status => {
                self.status(stands.board, to);
                stands.status = Some(to);
            }
            Changed::Priority => {
                self.priority(to);
            }
            Changed::Owner => {
                self.technician(to);
            }
            Changed::Customer => {
                self.company(to);
            }
        }
    }

    /// A ticket before any person has touched it.
    fn as_it_came(&mut self, ticket: &Ticket) -> NewTicket {
        let initial = ticket.extra.get("initial_labels");
        let label =
            |key: &str| initial.and_then(|labels| labels.get(key)).and_then(Value::as_str).map(str::to_owned);
        let company = self.company(ticket.customer.as_deref().unwrap_or("Catchall"));
        let contact = ticket.contact.as_deref().map(|name| self.contact(company, name));
        let intake = label("board").unwrap_or_else(|| "Service Desk".to_owned());
        let board = self.board(&intake);
        let kind = label("type").map(|name| self.kind(board, &name));
        let subkind = kind.zip(label("subtype")).map(|(kind, name)| self.subkind(kind, &name));
        NewTicket {
            summary: ticket.subject.clone().unwrap_or_default(),
            description: ticket.body.clone().unwrap_or_default(),
            company,
            contact,
            board,
            kind,
            subkind,
            priority: label("priority").map(|name| self.priority(&name)),
            source: ticket.source.as_deref().map(|name| self.source(name)),
            ..NewTicket::default()
        }
    }

    fn author(&mut self, ticket: Id, from: &str, actor: Option<&str>, automatic: bool) -> Author {
        let Some(now) = self.tickets.get(&ticket) else { return Author::System };
        let (company, contact) = (now.company, now.contact);
        match from {
            _ if automatic && from != "customer" => Author::System,
            "technician" => Author::Technician(self.technician(actor.unwrap_or("Dispatch"))),
            "customer" => match actor {
                Some(name) => Author::Contact(self.contact(company, name)),
                None => contact.map_or(Author::System, Author::Contact),
            },
            _ => Author::System,
        }
    }

    /// Changes a value by the name of what it becomes.
    pub fn change(&mut self, ticket: Id, of: Changed, to: Option<&str>, by: (Author, Timestamp)) {
        let Some(now) = self.tickets.get(&ticket) else { return };
        let (board, kind) = (now.board, now.kind);
        match (of, to) {
            (Changed::Board, Some(name)) => {
                let board = self.board(name);
                self.move_board(ticket, board, by);
            }
            (Changed::Customer, Some(name)) => {
                let company = self.company(name);
                self.set(ticket, Deed::Company, Some(company), by);
                self.set(ticket, Deed::Contact, None, by);
            }
            (Changed::Status, Some(name)) => {
                let status = self.status(board, name);
                self.set(ticket, Deed::Status, Some(status), by);
            }
            (Changed::Type, name) => {
                let to = name.map(|name| self.kind(board, name));
                self.set(ticket, Deed::Kind, to, by);
            }
            (Changed::Subtype, name) => {
                let to = kind.zip(name).map(|(kind, name)| self.subkind(kind, name));
                self.set(ticket, Deed::Subkind, to, by);
            }
            (Changed::Priority, Some(name)) => {
                let to = self.priority(name);
                self.set(ticket, Deed::Priority, Some(to), by);
            }
            (Changed::Owner, name) => {
                let to = name.map(|name| self.technician(name));
                self.set(ticket, Deed::Owner, to, by);
            }
            (Changed::Board | Changed::Customer | Changed::Status | Changed::Priority, None) => {}
        }
    }
}
