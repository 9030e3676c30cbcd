//! Reference data: boards and what belongs to them, priorities, sources, customers and their people, members.
//!
//! Flags for what is out of use have other names on each kind of record, as with the real one.

use serde_json::{Value, json};

use super::lists::Rows;
use super::refusals;
use super::shapes::{ITEM_NAME, ITEMS, TEAMS, long_standing, team_name};
use super::{API_MEMBER_ID, Connectwise};
use crate::http::Reply;
use crate::world::{Board, Contact, Id, Stage, Status, Subkind, World};

/// The names of colours that priorities can have.
const COLOURS: [&str; 4] = ["Red", "Orange", "Yellow", "Green"];

/// Rows that are read with the right to see tables of the set-up.
pub(super) fn setup(what: &'static str, rows: Vec<Value>) -> Option<Rows> {
    Some(Rows { right: "setup.inquire", what, rows, known: &[] })
}

impl Connectwise {
    /// Reference data of the service module.
    pub(super) fn service(&self, world: &World, parts: &[&str]) -> Result<Option<Rows>, Reply> {
        let rows = match *parts {
            ["boards"] => {
                let boards = world.boards.values().filter(|board| !board.hidden);
                setup("Board", boards.map(|board| self.board(board)).collect())
            }
            ["boards", id, kind] => return self.of_board(world, id, kind),
            ["priorities"] => setup("Priority", self.priorities(world)),
            ["sources"] => {
                let shown = |s: &crate::world::Source| {
                    let mut shown = self.reference("source", s.id, &s.name, "service/sources");
                    shown["defaultFlag"] = false.into();
                    shown
                };
                setup("Source", world.sources.values().map(shown).collect())
            }
            ["SLAs"] => setup(
                "SLA",
                vec![json!({"id": 1, "name": "Standard SLA", "defaultFlag": true, "respondHours": 4,
                    "planWithin": 8, "resolutionHours": 24, "basedOn": "MyCalendar"})],
            ),
            ["locations"] => setup(
                "ServiceLocation",
                vec![json!({"id": 1, "name": "On-Site", "where": "OnSite", "defaultFlag": true})],
            ),
            _ => return self.routing(world, parts),
        };
        Ok(rows)
    }

    fn board(&self, board: &Board) -> Value {
        json!({
            "id": board.id, "name": board.name, "inactiveFlag": false, "projectFlag": false,
            "locationId": 1, "businessUnitId": 10,
            "location": self.reference("location", 1, "Head Office", "system/locations"),
            "department": {"id": 10, "identifier": "Services", "name": "Managed Services"},
            "sendToContactFlag": true, "useMemberDisplayNameFlag": true, "billTime": "NoDefault",
            "_info": long_standing(),
        })
    }

    fn of_board(&self, world: &World, id: &str, kind: &str) -> Result<Option<Rows>, Reply> {
        let number: Id = id.parse().map_err(|_| refusals::no_endpoint())?;
        let board = world.boards.get(&number).filter(|board| !board.hidden);
        let board = board.ok_or_else(|| refusals::not_found("Board", id))?.id;
        Ok(match kind {
            "statuses" => setup("BoardStatus", self.statuses(world, board)),
            "types" => setup("BoardType", self.types(world, board)),
            "subtypes" => setup("BoardSubType", self.subtypes(world, board)),
            "items" => setup("BoardItem", vec![self.item(world, board)]),
            "typeSubTypeItemAssociations" => setup("Association", self.associations(world, board)),
            "teams" => setup("BoardTeam", vec![self.team(world, board)]),
            _ => self.of_board_routing(world, board, kind),
        })
    }

    fn statuses(&self, world: &World, board: Id) -> Vec<Value> {
        let stage = |status: &Status| match status.stage {
            Stage::New => "NotResponded",
            Stage::Responded => "Responded",
            Stage::Waiting => "NoEscalation",
            Stage::Resolved => "Resolved",
        };
        let shown = |(sort, status): (usize, &Status)| {
            json!({
                "id": status.id, "name": status.name, "board": self.board_ref(world, board),
                "sortOrder": sort, "displayOnBoard": !status.closed, "inactive": false,
                "closedStatus": status.closed, "timeEntryNotAllowed": false, "defaultFlag": sort == 0,
                "customerPortalFlag": true, "escalationStatus": stage(status),
            })
        };
        world.statuses_of(board).enumerate().map(shown).collect()
    }

    fn types(&self, world: &World, board: Id) -> Vec<Value> {
        let kinds = world.kinds_of(board);
        let shown = |kind: &crate::world::Kind| {
            json!({
                "id": kind.id, "name": kind.name, "board": self.board_ref(world, board),
                "category": "Reactive", "defaultFlag": false, "inactiveFlag": false,
                "requestForChangeFlag": false,
            })
        };
        kinds.map(shown).collect()
    }

    fn subkinds(world: &World, board: Id) -> Vec<&Subkind> {
        let kinds: Vec<Id> = world.kinds_of(board).map(|kind| kind.id).collect();
        world.subkinds.values().filter(|subkind| kinds.contains(&subkind.kind)).collect()
    }

    fn subtypes(&self, world: &World, board: Id) -> Vec<Value> {
        let shown = |subkind: &Subkind| {
            json!({
                "id": subkind.id, "name": subkind.name, "board": self.board_ref(world, board),
                "inactiveFlag": false, "typeAssociationIds": [subkind.kind],
            })
        };
        Self::subkinds(world, board).into_iter().map(shown).collect()
    }

    fn item(&self, world: &World, board: Id) -> Value {
        let board_ref = self.board_ref(world, board);
        json!({"id": ITEMS + board, "name": ITEM_NAME, "board": board_ref, "inactiveFlag": false})
    }

    fn associations(&self, world: &World, board: Id) -> Vec<Value> {
        let of = |kind: &str, id: Id, name: &str| {
            self.reference(kind, id, name, &format!("service/boards/{board}/{}s", kind.to_lowercase()))
        };
        let shown = |subkind: &Subkind| {
            let kind = world.kinds.get(&subkind.kind).map_or("", |kind| kind.name.as_str());
            json!({
                "id": 700_000 + subkind.id, "type": of("type", subkind.kind, kind),
                "subType": of("subType", subkind.id, &subkind.name), "board": self.board_ref(world, board),
            })
        };
        Self::subkinds(world, board).into_iter().map(shown).collect()
    }

    fn team(&self, world: &World, board: Id) -> Value {
        let members: Vec<Id> = world.technicians.values().filter(|t| t.active).map(|t| t.id).collect();
        json!({
            "id": TEAMS + board, "name": team_name(world, board), "boardId": board, "businessUnitId": 10,
            "locationId": 1, "defaultFlag": true, "notifyOnTicketDelete": false, "members": members,
            "teamLeader": self.member_ref(world, members.first().copied()),
        })
    }

    fn priorities(&self, world: &World) -> Vec<Value> {
        let shown = |(n, priority): (usize, &crate::world::Priority)| {
            if self.settings.limited_priorities {
                return json!({"id": priority.id, "name": priority.name});
            }
            let mut shown = self.reference("priority", priority.id, &priority.name, "service/priorities");
            shown["sortOrder"] = (n + 1).into();
            shown["color"] = COLOURS[n % COLOURS.len()].into();
            shown["defaultFlag"] = (n == world.priorities.len() / 2).into();
            shown
        };
        world.priorities.values().enumerate().map(shown).collect()
    }

    /// Customers and their people.
    pub(super) fn company(&self, world: &World, parts: &[&str]) -> Result<Option<Rows>, Reply> {
        let rows = match *parts {
            ["companies"] => {
                let rows = world.companies.values().map(|company| {
                    json!({
                        "id": company.id, "identifier": company.identifier, "name": company.name,
                        "status": {"id": 1, "name": "Active"}, "deletedFlag": false,
                        "types": [{"id": 1, "name": "Client"}],
                        "_info": long_standing(),
                    })
                });
                Rows { right: "companies.inquire", what: "Company", rows: rows.collect(), known: &[] }
            }
            ["companies", id, "sites"] => {
                let company = id.parse().ok().and_then(|id: Id| world.companies.get(&id));
                company.ok_or_else(|| refusals::not_found("Company", id))?;
                let rows = vec![json!({"id": 1, "name": "Main", "primaryAddressFlag": true})];
                Rows { right: "companies.inquire", what: "Site", rows, known: &[] }
            }
            ["contacts"] => {
                let rows = world.contacts.values().map(|contact| self.contact(world, contact)).collect();
                Rows { right: "contacts.inquire", what: "Contact", rows, known: &[] }
            }
            _ => return Ok(None),
        };
        Ok(Some(rows))
    }

    fn contact(&self, world: &World, contact: &Contact) -> Value {
        let (first, last) = contact.name.split_once(' ').unwrap_or((&contact.name, ""));
        json!({
            "id": contact.id, "firstName": first, "lastName": last, "inactiveFlag": false,
            "company": self.company_ref(world, contact.company), "defaultFlag": false,
            "communicationItems": [{"id": 900_000 + contact.id, "type": {"id": 1, "name": "Email"},
                "value": contact.email, "defaultFlag": true, "communicationType": "Email"}],
            "_info": long_standing(),
        })
    }

    /// Members: technicians, and the one of the API.
    pub(super) fn members(&self, world: &World) -> Rows {
        let technicians = world.technicians.values();
        let mut people: Vec<_> =
            technicians.map(|t| (t.id, t.identifier.as_str(), t.name.as_str(), t.active, "F")).collect();
        people.push((API_MEMBER_ID, super::API_MEMBER, "Firstline API", true, "A"));
        let shown = |(id, login, name, active, licence): (Id, &str, &str, bool, &str)| {
            let (first, last) = name.split_once(' ').unwrap_or((name, ""));
            json!({
                "id": id, "identifier": login, "firstName": first, "lastName": last,
                "licenseClass": licence, "inactiveFlag": !active, "title": null,
                "defaultEmail": "Office", "defaultPhone": "Office",
                "officeEmail": format!("{login}@desk.example"),
                "agreementInvoicingDisplayOptions": "RemainOnInvoicingScreen",
                "invoicingDisplayOptions": "RemainOnInvoicingScreen",
                "invoiceScreenDefaultTabFormat": "ShowInvoicingTab",
                "timeZone": {"id": 1, "name": "US Eastern"}, "_info": long_standing(),
            })
        };
        let rows = people.into_iter().map(shown).collect();
        Rows { right: "members.inquire", what: "Member", rows, known: &[] }
    }
}
