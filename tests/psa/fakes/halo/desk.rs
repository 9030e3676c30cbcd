//! A small desk as Halo has them: three teams, the stock statuses by their stock ids, agents of whom one has left.

use super::{UNKNOWN_CLIENT, people};
use crate::clock::Clock;
use crate::world::{Company, Id, Kind, Priority, Rule, Shape, Source, Stage, Status, World};

/// Statuses, which belong to no team. UNCONFIRMED: all stock ids but 1, new, and 9, closed.
const STATUSES: [(Id, &str, bool, Stage); 5] = [
    (1, "New", false, Stage::New),
    (2, "In Progress", false, Stage::Responded),
    (4, "Waiting on customer", false, Stage::Waiting),
    (8, "Resolved", true, Stage::Resolved),
    (9, "Closed", true, Stage::Resolved),
];

/// Types and their categories. Values of categories are paths.
const TYPES: [(Id, &str, &[&str]); 4] = [
    (1, "Incident", &["Email>Outlook", "Email>Shared mailbox", "Network>Wi-Fi", "Hardware>Laptop"]),
    (3, "Service Request", &["Access>New starter", "Access>Password", "Software>Licence"]),
    (4, "Problem", &["Server>Disk", "Server>Backup"]),
    (21, "Alert", &["Monitoring>Disk", "Monitoring>Offline"]),
];

const AGENTS: [&str; 6] =
    ["Marta Quill", "Idris Vane", "Noor Pascoe", "Leif Tanaka", "Ottoline Brandt", "Casper Wren"];

const CLIENTS: [(&str, [&str; 2]); 3] = [
    ("Larkspur Dental", ["Dana Whitlock", "Piet Oduya"]),
    ("Hollowell Freight", ["Runa Castile", "Sam Bexley"]),
    ("Quayside Architects", ["Ines Faber", "Tomas Reyle"]),
];

/// A desk with nothing on it yet.
pub fn desk(clock: Clock) -> World {
    let mut world = World::new(Shape { kinds_by_board: false, statuses_by_board: false }, clock, 20_000);
    for (id, name, closed, stage) in STATUSES {
        world.statuses.insert(id, Status { id, board: None, name: name.to_owned(), closed, stage });
    }
    for (id, name) in (1..).zip(["Critical", "High", "Medium", "Low"]) {
        world.priorities.insert(id, Priority { id, name: name.to_owned() });
    }
    for (id, name) in (1..).zip(["email", "portal", "phone", "monitoring"]) {
        world.sources.insert(id, Source { id, name: name.to_owned() });
    }
    for (id, name, categories) in TYPES {
        world.kinds.insert(id, Kind { id, board: None, name: name.to_owned() });
        for category in categories {
            world.subkind(id, category);
        }
    }
    let teams = ["1st Line Support", "Projects", "Monitoring"].map(|name| world.board(name));
    let agents = AGENTS.map(|name| world.technician(name));
    if let Some(left) = agents.last().and_then(|id| world.technicians.get_mut(id)) {
        left.active = false;
    }
    clients(&mut world);
    rules(&mut world, teams, agents);
    world.acknowledgement =
        Some("Thank you. Your request has been logged; an agent will be in touch.".to_owned());
    world
}

/// Clients with their users, and the one that means nobody's.
fn clients(world: &mut World) {
    let unknown =
        Company { id: UNKNOWN_CLIENT, identifier: "Unknown".to_owned(), name: people::UNKNOWN.to_owned() };
    world.companies.insert(UNKNOWN_CLIENT, unknown);
    for (client, users) in CLIENTS {
        let client = world.company(client);
        users.iter().for_each(|user| {
            world.contact(client, user);
        });
    }
}

/// Ticket rules set teams, agents and priorities, no types.
fn rules(world: &mut World, teams: [Id; 3], agents: [Id; 6]) {
    let rule = |id, name: &str, word: &str| Rule {
        id,
        name: name.to_owned(),
        word: word.to_owned(),
        ..Rule::default()
    };
    world.rules = vec![
        Rule { board: Some(teams[2]), ..rule(101, "Alerts to monitoring", "alert") },
        Rule {
            board: Some(teams[1]),
            owner: Some(agents[1]),
            ..rule(102, "Moves to projects", "office move")
        },
        Rule { priority: Some(2), ..rule(103, "Urgent words", "urgent") },
    ];
}
