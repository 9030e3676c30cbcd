//! Which headers mean which field. Names are compared without case, blanks and punctuation.
//!
//! A preset's table is asked first, since the same word means different things in different PSAs
//! (HaloPSA's "Ticket Type" is the type, Autotask's is only incident-or-request). No name may stand twice
//! in one table.

use crate::options::Preset;
use crate::slot::Slot;

/// Aliases of one field, best first. `None` as the field: the column is never taken for any.
type Table = &'static [(Option<Slot>, &'static [&'static str])];

const GENERIC: Table = &[
    (
        Some(Slot::Id),
        &[
            "id",
            "ticketid",
            "ticketnumber",
            "ticketno",
            "ticketnr",
            "ticket",
            "number",
            "autotaskticketnumberupdatesonly",
            "externallegacyticketid",
            "srservicerecid",
            "incidentid",
            "incidentnumber",
            "caseid",
            "casenumber",
            "requestid",
            "faultid",
            "recid",
            "issuekey",
            "ticketref",
        ],
    ),
    (
        Some(Slot::OpenedAt),
        &[
            "openedat",
            "opened",
            "dateopened",
            "openeddate",
            "opendate",
            "dateentered",
            "createdatetime",
            "createdat",
            "created",
            "datecreated",
            "createddate",
            "createdate",
            "createdon",
            "createdtime",
            "creationdate",
            "dateoccurred",
            "occurredat",
            "datelogged",
            "reportedat",
            "reporteddate",
            "date",
        ],
    ),
    (
        Some(Slot::Subject),
        &[
            "subject",
            "summary",
            "summarydescription",
            "title",
            "ticketsummary",
            "tickettitle",
            "ticketsubject",
            "shortdescription",
        ],
    ),
    (
        Some(Slot::Body),
        &[
            "body",
            "description",
            "initialdescription",
            "detaildescription",
            "details",
            "ticketdescription",
            "problemdescription",
            "longdescription",
            "message",
            "content",
            "text",
        ],
    ),
    (
        Some(Slot::Customer),
        &[
            "customer",
            "company",
            "client",
            "account",
            "customername",
            "companyname",
            "clientname",
            "accountname",
            "organization",
            "organisation",
        ],
    ),
    (
        Some(Slot::Contact),
        &[
            "contact",
            "contactname",
            "requester",
            "requestor",
            "caller",
            "enduser",
            "user",
            "username",
            "reportedby",
        ],
    ),
    (Some(Slot::Source), &["source", "ticketsource", "sourcename", "channel", "origin", "contacttype"]),
    (
        Some(Slot::Board),
        &[
            "board",
            "boardname",
            "serviceboard",
            "queue",
            "queuename",
            "team",
            "teamname",
            "assignmentgroup",
            "group",
        ],
    ),
    (
        Some(Slot::Type),
        &["type", "typename", "issuetype", "tickettype", "tickettypename", "requesttype", "category"],
    ),
    (Some(Slot::Subtype), &["subtype", "subtypename", "subissuetype", "subcategory"]),
    (Some(Slot::Priority), &["priority", "priorityname", "prioritylabel", "ticketpriority", "severity"]),
    (
        Some(Slot::Technician),
        &[
            "technician",
            "primaryresource",
            "assignee",
            "assignedto",
            "assignedresource",
            "assignedtechnician",
            "agent",
            "agentname",
            "owner",
            "ticketowner",
            "resource",
            "resources",
            "tech",
        ],
    ),
    (
        Some(Slot::FirstResponseAt),
        &[
            "firstresponseat",
            "firstresponsedatetime",
            "firstresponsedate",
            "datefirstresponse",
            "firstrespondedat",
            "respondedat",
            "dateresponded",
            "responsedate",
        ],
    ),
    // "Resolved" and "Closed" alone are flags as often as dates, so they stay out.
    (
        Some(Slot::ResolvedAt),
        &[
            "resolvedat",
            "resolveddatetime",
            "dateresolved",
            "resolveddate",
            "resolutiondate",
            "completedatetime",
            "completeddate",
            "completedat",
            "closedatetime",
            "closedat",
            "dateclosed",
            "closeddate",
        ],
    ),
    (Some(Slot::Reopened), &["reopened", "isreopened", "wasreopened", "reopencount"]),
    (Some(Slot::Escalated), &["escalated", "isescalated", "wasescalated"]),
    (Some(Slot::Resolution), &["resolution", "resolutionnotes", "resolutiontext", "solution", "closenotes"]),
];

const CONNECTWISE: Table = &[
    (Some(Slot::Id), &["ticket", "ticketid", "srservicerecid"]),
    (Some(Slot::Subject), &["summarydescription", "summary"]),
    (Some(Slot::Body), &["initialdescription", "detaildescription", "description"]),
    (Some(Slot::OpenedAt), &["dateentered"]),
    (Some(Slot::ResolvedAt), &["dateresolved", "dateclosed"]),
    (Some(Slot::Technician), &["ticketowner", "owner", "resources", "assignedto"]),
    (Some(Slot::Board), &["board", "boardname", "serviceboard"]),
    (Some(Slot::Type), &["type", "servicetype"]),
    (Some(Slot::Subtype), &["subtype", "servicesubtype"]),
];

const AUTOTASK: Table = &[
    (Some(Slot::Id), &["ticketnumber", "autotaskticketnumberupdatesonly", "externallegacyticketid"]),
    (Some(Slot::Subject), &["title", "tickettitle"]),
    (Some(Slot::Board), &["queue"]),
    (Some(Slot::Type), &["issuetype"]),
    (Some(Slot::Subtype), &["subissuetype"]),
    (Some(Slot::Technician), &["primaryresource"]),
    (Some(Slot::OpenedAt), &["createdatetime", "createdate", "created"]),
    (Some(Slot::ResolvedAt), &["resolveddatetime", "completedatetime", "completedate"]),
    // Incident, problem, change: says nothing about what the ticket is about.
    (None, &["tickettype", "ticketcategory", "category", "worktype"]),
];

const HALOPSA: Table = &[
    (Some(Slot::Id), &["ticketid", "faultid", "id"]),
    (Some(Slot::Subject), &["summary"]),
    (Some(Slot::Body), &["details"]),
    (Some(Slot::Customer), &["customer", "client"]),
    (Some(Slot::Contact), &["user", "enduser"]),
    (Some(Slot::Board), &["team"]),
    (Some(Slot::Type), &["tickettype"]),
    (Some(Slot::Subtype), &["category", "category1"]),
    (Some(Slot::Technician), &["agent"]),
    (Some(Slot::OpenedAt), &["dateoccurred", "dateopened", "datelogged"]),
    (Some(Slot::ResolvedAt), &["dateclosed"]),
];

/// A header in the form in which names are compared: letters and digits only, in lower case, without the
/// `[required ...]` that Autotask's template puts in front.
pub(crate) fn normalise(header: &str) -> String {
    let header = header.trim_start();
    let marked = header.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("[required"));
    let header = match header.find(']') {
        Some(end) if marked => &header[end + 1..],
        _ => header,
    };
    header.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The field a header stands for and how good the name is (0 is best); `None` when it stands for none.
pub(crate) fn look_up(header: &str, preset: Option<Preset>) -> Option<(Slot, usize)> {
    const GENERIC_RANK: usize = 1000;
    let name = normalise(header);
    let own = preset.and_then(|preset| find(table(preset), &name));
    match own {
        Some((slot, rank)) => slot.map(|slot| (slot, rank)),
        None => find(GENERIC, &name).and_then(|(slot, rank)| slot.map(|slot| (slot, GENERIC_RANK + rank))),
    }
}

fn table(preset: Preset) -> Table {
    match preset {
        Preset::ConnectWise => CONNECTWISE,
        Preset::Autotask => AUTOTASK,
        Preset::HaloPsa => HALOPSA,
    }
}

fn find(table: Table, name: &str) -> Option<(Option<Slot>, usize)> {
    table.iter().find_map(|(slot, names)| Some((*slot, names.iter().position(|n| *n == name)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_stands_twice_and_all_are_normalised() {
        for table in [GENERIC, CONNECTWISE, AUTOTASK, HALOPSA] {
            let mut names: Vec<_> = table.iter().flat_map(|(_, names)| names.iter()).collect();
            assert!(names.iter().all(|n| normalise(n) == **n));
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all);
        }
    }

    #[test]
    fn canonical_names_are_always_known() {
        for slot in Slot::ALL {
            assert_eq!(look_up(slot.name(), None), Some((*slot, 1000)), "{slot}");
        }
    }

    #[test]
    fn headers_are_compared_by_letters_and_digits() {
        for (header, name) in [
            ("Ticket #", "ticket"),
            ("[required if no Queue] Primary Resource", "primaryresource"),
            ("[Required] Title", "title"),
            ("Create Date/Time", "createdatetime"),
            ("Priorität", "priorität"),
            ("[required", "required"),
            ("äääää", "äääää"),
        ] {
            assert_eq!(normalise(header), name);
        }
    }

    #[test]
    fn a_preset_decides_what_a_word_means() {
        let slot = |header, preset| look_up(header, preset).map(|(slot, _)| slot);
        assert_eq!(slot("Category", None), Some(Slot::Type));
        assert_eq!(slot("Category", Some(Preset::HaloPsa)), Some(Slot::Subtype));
        assert_eq!(slot("Ticket Type", Some(Preset::HaloPsa)), Some(Slot::Type));
        assert_eq!(slot("Ticket Type", Some(Preset::Autotask)), None);
    }
}
