//! A small ready desk, to which scripts add.

use super::API_MEMBER_ID;
use crate::clock::Clock;
use crate::world::{Id, Rule, Shape, World};

/// Boards, their types, and the subtypes of those.
type Boards = [(&'static str, [(&'static str, [&'static str; 2]); 2]); 3];
const BOARDS: Boards = [
    ("Service Desk", [("Email", ["Outlook", "Shared mailbox"]), ("Access", ["Password", "Permissions"])]),
    ("Network", [("Connectivity", ["VPN", "Wi-Fi"]), ("Hardware", ["Switch", "Firewall"])]),
    ("Alerts", [("Backup", ["Failed", "Late"]), ("Monitoring", ["Disk", "Service down"])]),
];
const PRIORITIES: [&str; 4] =
    ["Priority 1 - Critical", "Priority 2 - High", "Priority 3 - Medium", "Priority 4 - Low"];
const TECHNICIANS: [&str; 6] =
    ["Mara Lindqvist", "Jonas Petit", "Aiko Brandt", "Samir Novak", "Elena Fischer", "Tom Former"];
const CUSTOMERS: [(&str, [&str; 2]); 3] = [
    ("Brightwater Dental", ["Ina Kowal", "Peter Osei"]),
    ("Halden Logistics", ["Ruth Meier", "Carlos Vega"]),
    ("Juniper & Co", ["Lea Martin", "Noor Haddad"]),
];
const SOURCES: [&str; 4] = ["Email Connector", "Phone", "Portal", "Monitoring"];

/// A desk as ConnectWise has them: types and statuses belong to a board.
pub fn desk(clock: Clock) -> World {
    let shape = Shape { kinds_by_board: true, statuses_by_board: true };
    let mut world = World::new(shape, clock, API_MEMBER_ID + 1_000);
    for (board, kinds) in BOARDS {
        let board = world.board(board);
        for (kind, subkinds) in kinds {
            let kind = world.kind(board, kind);
            for subkind in subkinds {
                world.subkind(kind, subkind);
            }
        }
    }
    for name in PRIORITIES {
        world.priority(name);
    }
    for name in SOURCES {
        world.source(name);
    }
    let technicians: Vec<Id> = TECHNICIANS.iter().map(|name| world.technician(name)).collect();
    let left = technicians.last().copied().unwrap_or_default();
    world.technicians.entry(left).and_modify(|technician| technician.active = false);
    for (company, people) in CUSTOMERS {
        let company = world.company(company);
        for name in people {
            world.contact(company, name);
        }
    }
    rules(&mut world, technicians.first().copied());
    world.acknowledgement =
        Some("Thank you for your message. We have opened a ticket and will get back to you.".to_owned());
    world
}

/// Three rules, so that the first board of a ticket differs from its last.
fn rules(world: &mut World, owner: Option<Id>) {
    let (network, alerts) = (world.board("Network"), world.board("Alerts"));
    let (connectivity, backup) = (world.kind(network, "Connectivity"), world.kind(alerts, "Backup"));
    let (high, critical) = (world.priority(PRIORITIES[1]), world.priority(PRIORITIES[0]));
    let rule = |id: Id, name: &str, word: &str| Rule {
        id,
        name: name.to_owned(),
        word: word.to_owned(),
        ..Rule::default()
    };
    world.rules = vec![
        Rule { board: Some(network), kind: Some(connectivity), ..rule(1, "VPN to Network", "vpn") },
        Rule {
            board: Some(alerts),
            kind: Some(backup),
            priority: Some(high),
            ..rule(2, "Backups to Alerts", "backup")
        },
        Rule { priority: Some(critical), owner, ..rule(3, "Outages to the lead", "outage") },
    ];
}
