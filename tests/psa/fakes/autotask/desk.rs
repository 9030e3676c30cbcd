//! A small desk as Autotask has them: three queues, system statuses with their stock ids, six technicians, three customers.

use crate::clock::Clock;
use crate::world::{
    Board, Company, Contact, Id, Kind, Priority, Rule, Shape, Source, Stage, Status, Subkind, Technician,
    World,
};

/// The own company of the desk: 0 is a valid id.
pub const OWN_COMPANY: Id = 0;
/// The queue that mail comes in to.
pub const SERVICE_DESK: Id = 29_682_833;
/// The queue of the monitoring.
pub const MONITORING: Id = 8;
/// The queue of what customers open in the portal.
pub const PORTAL: Id = 5;
/// The status of a new ticket.
pub const NEW: Id = 1;
/// The status of a ticket that is done: the only one with a completion date.
pub const COMPLETE: Id = 5;
/// The status in which the clocks stand still.
pub const WAITING_CUSTOMER: Id = 7;
/// The status of a ticket that somebody works at.
pub const IN_PROGRESS: Id = 8;
/// The roles: id and name. Each technician has one on the service desk.
pub const ROLES: [(Id, &str); 2] = [(8, "Help Desk Technician"), (29_682_834, "Systems Engineer")];

/// Statuses with what they mean for the clocks: Autotask's default, in which every status but three says that somebody answered.
const STATUSES: [(Id, &str, Stage); 8] = [
    (NEW, "New", Stage::New),
    (COMPLETE, "Complete", Stage::Resolved),
    (WAITING_CUSTOMER, "Waiting Customer", Stage::Waiting),
    (IN_PROGRESS, "In Progress", Stage::Responded),
    (9, "Waiting Materials", Stage::Responded),
    (10, "Scheduled", Stage::Responded),
    (11, "Escalate", Stage::Responded),
    (12, "Waiting Vendor", Stage::Responded),
];

/// A record with two below it, by id and name.
type Family = (Id, &'static str, [(Id, &'static str); 2]);

const KINDS: [Family; 4] = [
    (10, "Email", [(136, "Password prompt"), (137, "Delivery")]),
    (11, "Hardware", [(140, "Laptop"), (141, "Printer")]),
    (12, "Network", [(144, "Internet line"), (145, "Wireless")]),
    (13, "Accounts", [(148, "New starter"), (149, "Locked account")]),
];

const TECHNICIANS: [(Id, &str, Id, bool); 6] = [
    (29_682_885, "Grace Okafor", 8, true),
    (29_682_886, "Tomas Lindqvist", 8, true),
    (29_682_887, "Priya Raman", 29_682_834, true),
    (29_682_888, "Ben Achterberg", 8, true),
    (29_682_889, "Lucia Ferrer", 29_682_834, true),
    (29_682_890, "Old Timer", 8, false),
];

const CUSTOMERS: [Family; 3] = [
    (174, "Harbour Veterinary Group", [(29_683_586, "Nora Fields"), (29_683_587, "Idris Cole")]),
    (175, "Lumen Print Works", [(29_683_590, "Mei Tan"), (29_683_591, "Oskar Brandt")]),
    (176, "Alder Row School", [(29_683_594, "Hana Novak"), (29_683_595, "Peter Quill")]),
];

/// A desk as Autotask has them: types and statuses belong to the desk, not to a queue.
pub fn desk(clock: Clock) -> World {
    let mut world = World::new(Shape { kinds_by_board: false, statuses_by_board: false }, clock, 118_000);
    for (id, name) in [(PORTAL, "Client Portal"), (MONITORING, "Monitoring"), (SERVICE_DESK, "Service Desk")]
    {
        world.boards.insert(id, Board { id, name: name.to_owned(), hidden: false });
    }
    for (id, name, stage) in STATUSES {
        let closed = id == COMPLETE;
        world.statuses.insert(id, Status { id, board: None, name: name.to_owned(), closed, stage });
    }
    for closing in ["closed", "resolved", "completed"] {
        world.status_names.insert(closing.to_owned(), COMPLETE);
    }
    world.status_names.insert("waiting on customer".to_owned(), WAITING_CUSTOMER);
    for (id, name) in [(1, "High"), (2, "Medium"), (3, "Low"), (4, "Critical")] {
        world.priorities.insert(id, Priority { id, name: name.to_owned() });
    }
    for (id, name) in [(2, "Phone"), (4, "Email"), (6, "Website"), (8, "Monitoring Alert")] {
        world.sources.insert(id, Source { id, name: name.to_owned() });
    }
    kinds(&mut world);
    people(&mut world);
    rules(&mut world);
    world
}

fn kinds(world: &mut World) {
    for (id, name, subkinds) in KINDS {
        world.kinds.insert(id, Kind { id, board: None, name: name.to_owned() });
        for (sub, name) in subkinds {
            world.subkinds.insert(sub, Subkind { id: sub, kind: id, name: name.to_owned() });
        }
    }
}

fn people(world: &mut World) {
    for (id, name, role, active) in TECHNICIANS {
        let identifier = name.to_lowercase().replace(' ', ".");
        world.technicians.insert(id, Technician { id, identifier, name: name.to_owned(), role, active });
    }
    let own = Company { id: OWN_COMPANY, identifier: "own".to_owned(), name: "Our own desk".to_owned() };
    world.companies.insert(OWN_COMPANY, own);
    for (company, name, contacts) in CUSTOMERS {
        let identifier: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let host = identifier.to_lowercase();
        world.companies.insert(company, Company { id: company, identifier, name: name.to_owned() });
        for (id, name) in contacts {
            let email = format!("{}@{host}.example", name.to_lowercase().replace(' ', "."));
            world.contacts.insert(id, Contact { id, company, name: name.to_owned(), email });
        }
    }
}

fn rules(world: &mut World) {
    let routing = [
        ("alert", Rule { board: Some(MONITORING), priority: Some(1), ..Rule::default() }),
        ("printer", Rule { kind: Some(11), ..Rule::default() }),
        ("wifi", Rule { kind: Some(12), owner: Some(29_682_887), ..Rule::default() }),
    ];
    for (id, (word, rule)) in (1..).zip(routing) {
        let (name, word) = (format!("Route {word}"), word.to_owned());
        world.rules.push(Rule { id, name, word, ..rule });
    }
    world.acknowledgement = Some("We have your request and will be in touch.".to_owned());
}
