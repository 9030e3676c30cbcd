//! The days of a desk as steps in time, from canonical tickets: what the generator writes, or an import.
//!
//! A ticket is opened as it stood before anybody touched it. Must never tell the fake more than people did: labels at closing come by
//! the changes that made them.

use std::collections::{HashMap, VecDeque};

use firstline_ticket::{ActorKind, Changed, Event, Field, Happening, Ticket};
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
    Label { actor: Option<String>, labels: Vec<(Changed, String)> },
    Merge { into: String },
}

impl Step {
    /// Whether it opens its ticket.
    pub fn opens(&self) -> bool {
        matches!(self.what, What::Open(_))
    }

    fn is_urgent(&self) -> bool {
        matches!(self.what, What::Open(_) | What::Say { visible: true, .. })
    }

    fn is_reply(&self) -> bool {
        let What::Say { from, visible, automatic, .. } = &self.what else { return false };
        from == "technician" && *visible && !*automatic
    }

    fn is_customers(&self) -> bool {
        matches!(&self.what, What::Say { from, .. } if from == "customer")
    }

    fn sets_status(&self) -> bool {
        matches!(self.what, What::Change { of: Changed::Status, .. })
    }
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

    /// When the next step is that somebody waits for, an opening or a message that customers see; where there is none within `patience` of
    /// the next step, the end of that time.
    pub fn next_due(&self, patience: SignedDuration) -> Option<Timestamp> {
        let latest = self.next_at()?.checked_add(patience).ok()?;
        let soon = self.steps.iter().take_while(|step| step.at < latest);
        Some(soon.filter(|step| step.is_urgent()).map(|step| step.at).next().unwrap_or(latest))
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
                What::Work { actor, .. } | What::Label { actor, .. } => world.furnish_technician(actor),
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

    /// Somebody else has answered a ticket's customer: the technician's next reply falls out, and the work that is left takes `part` of
    /// its time.
    pub fn relieve(&mut self, ticket: &str, part: f64) {
        let next = self.steps.iter().position(|step| step.ticket == ticket && step.is_reply());
        next.and_then(|next| self.steps.remove(next));
        for step in self.steps.iter_mut().filter(|step| step.ticket == ticket) {
            if let What::Work { seconds, .. } = &mut step.what {
                *seconds *= part;
            }
        }
    }

    /// The desk's people leave a ticket alone for a while: what they would do to it happens so much later.
    pub fn postpone(&mut self, ticket: &str, by: SignedDuration) {
        let of_people = |step: &Step| step.ticket == ticket && !step.opens() && !step.is_customers();
        let (later, rest): (Vec<Step>, Vec<Step>) = self.steps.drain(..).partition(of_people);
        self.steps = rest.into();
        for step in later {
            let at = step.at.checked_add(by).unwrap_or(step.at);
            self.insert(Step { at, ..step });
        }
    }

    /// Nothing more happens to a ticket: somebody else has closed it.
    pub fn cancel(&mut self, ticket: &str) {
        self.steps.retain(|step| step.ticket != ticket);
    }

    /// The customer of a ticket writes `text` at `at`. Where the ticket's history has it closed by then, a technician closes it again.
    pub fn answer(&mut self, ticket: &Ticket, text: &str, at: Timestamp) {
        let said = What::Say {
            from: "customer".to_owned(),
            actor: ticket.contact.clone(),
            text: text.to_owned(),
            visible: true,
            automatic: false,
        };
        let closing = steps_of(ticket).into_iter().filter(Step::sets_status).max_by_key(|step| step.at);
        self.insert(Step { at, ticket: ticket.id.clone(), what: said });
        if let Some(closing) = closing.filter(|step| step.at < at && ticket.resolved_at.is_some())
            && let Ok(again) = at.checked_add(CLOSED_AGAIN)
        {
            self.insert(Step { at: again, ..closing });
        }
    }

    /// The technician who closes a ticket gives it the labels that it has in its history, whatever somebody else has set.
    pub fn label(&mut self, ticket: &Ticket) {
        let is_last = |step: &Step| step.ticket == ticket.id && step.sets_status();
        let Some(closing) = self.steps.iter().rposition(is_last) else { return };
        let What::Change { actor, .. } = &self.steps[closing].what else { return };
        let label = |(of, field)| Some((of, ticket.label(field)?.to_owned()));
        let what =
            What::Label { actor: actor.clone(), labels: LABELS.into_iter().filter_map(label).collect() };
        self.steps.insert(closing, Step { what, ..self.steps[closing].clone() });
    }

    fn insert(&mut self, step: Step) {
        let place = self.steps.partition_point(|other| other.at <= step.at);
        self.steps.insert(place, step);
    }
}

/// Labels in the order in which they are set: those of a board or type after it.
const LABELS: [(Changed, Field); 5] = [
    (Changed::Board, Field::Board),
    (Changed::Type, Field::Type),
    (Changed::Subtype, Field::Subtype),
    (Changed::Priority, Field::Priority),
    (Changed::Owner, Field::Technician),
];

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
            What::Label { actor, labels } => {
                let by = Author::Technician(self.technician(actor.as_deref().unwrap_or("Dispatch")));
                for (of, name) in labels {
                    // A ticket that is moved to its own board would lose its type.
                    if of != Changed::Board || !self.is_on(id, &name) {
                        self.change(id, of, Some(&name), (by, at));
                    }
                }
            }
            What::Merge { into } => {
                if let Some(&parent) = self.by_name.get(&into) {
                    self.merge(id, parent, (Author::System, at));
                }
            }
        }
    }

    fn is_on(&self, ticket: Id, board: &str) -> bool {
        let on = self.tickets.get(&ticket).and_then(|ticket| self.boards.get(&ticket.board));
        on.is_some_and(|on| on.name == board)
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

#[cfg(test)]
mod tests;
