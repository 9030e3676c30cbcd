//! A PSA that is not one, by other names.

use firstline_ticket::{ActorKind, Ticket};

use super::*;

/// A PSA with one ticket, that remembers what it was told to do.
#[derive(Default)]
struct Desk {
    record: Record,
    events: Vec<Event>,
    reference: Reference,
    told: std::sync::Arc<std::sync::Mutex<Vec<String>>>,
}

impl Connector for Desk {
    fn changed_since(&mut self, _: Timestamp, _: &mut dyn FnMut(Seen) -> Result<()>) -> Result<()> {
        Ok(())
    }

    fn ticket(&mut self, _: &str) -> Result<Option<Record>> {
        Ok(Some(self.record.clone()))
    }

    fn history(&mut self, _: &str) -> Result<History> {
        self.told.lock().unwrap().push("history".to_owned());
        Ok(History { events: self.events.clone(), complete: true, unread: Vec::new() })
    }

    fn reference(&mut self) -> Result<Reference> {
        Ok(self.reference.clone())
    }

    fn rules(&mut self) -> Result<Vec<FoundRule>> {
        Ok(vec![FoundRule {
            name: "a".to_owned(),
            source: "workflow".to_owned(),
            order: 0,
            stops: false,
            when: [
                ("board".to_owned(), strings(&["Mesa de ayuda"])),
                ("source".to_owned(), strings(&["Mesa de ayuda"])),
            ]
            .into(),
            set: [(Field::Type, "Correo".to_owned())].into(),
            acts_on_customers: false,
            raw: None,
        }])
    }

    fn apply(&mut self, _: &str, act: &Act, labels: &BTreeMap<Field, Option<String>>) -> Result<Done> {
        self.told.lock().unwrap().push(format!("{act:?} {labels:?}"));
        Ok(Done::Written { psa_ref: None, cut: None })
    }

    fn find_mark(&mut self, _: &str, _: &str) -> Result<Option<String>> {
        Ok(None)
    }

    fn write_by(&mut self, _: Option<Instant>) {}

    fn check(&mut self) -> Vec<Finding> {
        vec![finding(CLOSING, closing(&self.reference))]
    }
}

fn strings(all: &[&str]) -> Vec<String> {
    all.iter().map(|text| (*text).to_owned()).collect()
}

fn names(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(ours, theirs)| ((*ours).to_owned(), (*theirs).to_owned())).collect()
}

/// Firstline's names on the left.
fn map() -> LabelMap {
    let labels = [
        (Field::Board, names(&[("Help Desk", "Mesa de ayuda"), ("Netzwerk", "Redes")])),
        (Field::Type, names(&[("E-Mail", "Correo")])),
        (Field::Technician, names(&[("Zoë Ørsted", "Z. Orsted")])),
    ];
    LabelMap::new(&labels.into()).unwrap().statuses(&names(&[("Fertig", "Listo")])).unwrap()
}

fn ticket(board: &str, status: &str) -> Record {
    let ticket = Ticket {
        id: "7".to_owned(),
        board: Some(board.to_owned()),
        kind: Some("correo ".to_owned()),
        priority: Some("Alta".to_owned()),
        technician: Some("z. ORSTED".to_owned()),
        ..Ticket::default()
    };
    Record { ticket, status: Some(status.to_owned()), ..Record::default() }
}

fn status(at: i64, to: &str) -> Event {
    let what =
        Happening::Change { of: Changed::Status, from: Some("Nuevo".to_owned()), to: Some(to.to_owned()) };
    let at = Timestamp::from_second(at).unwrap();
    Event { psa_key: at.to_string(), at, actor: None, actor_kind: ActorKind::Technician, what }
}

fn told(text: &firstline_fault::Error) -> String {
    text.to_string()
}

#[test]
fn labels_come_in_by_the_desks_names_and_go_out_by_the_psas() {
    let desk = Desk {
        record: ticket("MESA DE AYUDA", "Listo"),
        events: vec![status(5, "Listo")],
        ..Desk::default()
    };
    let log = desk.told.clone();
    let mut psa = Mapped::new(Box::new(desk), map());
    let record = psa.ticket("7").unwrap().unwrap();
    let label = |field| record.ticket.label(field).unwrap().to_owned();
    assert_eq!(
        [label(Field::Board), label(Field::Type), label(Field::Technician)],
        ["Help Desk", "E-Mail", "Zoë Ørsted"]
    );
    assert_eq!(
        (label(Field::Priority).as_str(), record.status.as_deref()),
        ("Alta", Some("Fertig")),
        "what is not mapped stays"
    );
    let events = psa.history("7").unwrap().events;
    assert!(matches!(&events[0].what, Happening::Change { to: Some(to), .. } if to == "Fertig"));
    let rules = psa.rules().unwrap();
    assert_eq!(
        (&rules[0].when["board"], &rules[0].when["source"]),
        (&strings(&["Help Desk"]), &strings(&["Mesa de ayuda"]))
    );
    assert_eq!(rules[0].set[&Field::Type], "E-Mail");
    let fields = [(Field::Board, "netzwerk".to_owned()), (Field::Priority, "Baja".to_owned())].into();
    let expected = [(Field::Board, Some("Help Desk".to_owned())), (Field::Priority, None)].into();
    psa.apply("7", &Act::SetFields(fields), &expected).unwrap();
    let log = log.lock().unwrap().join("\n");
    assert!(log.contains("Board: \"Redes\"") && log.contains("Priority: \"Baja\""), "{log}");
    assert!(log.contains("Board: Some(\"Mesa de ayuda\")") && log.contains("Priority: None"), "{log}");
}

#[test]
fn a_map_that_is_not_one_to_one_is_refused() {
    for (pairs, part) in [
        (&[("A", "Redes"), ("B", "redes ")][..], "would both be"),
        (&[("A", "X"), ("a ", "Y")], "twice"),
        (&[("", "X")], "empty"),
        (&[("A", "  ")], "empty"),
    ] {
        let error = told(&LabelMap::new(&[(Field::Board, names(pairs))].into()).unwrap_err());
        assert!(
            error.contains(part) && error.contains("[map.board]") && error.starts_with("E_CONFIG"),
            "{error}"
        );
    }
    // Two that change places are one to one.
    let swapped = LabelMap::new(&[(Field::Board, names(&[("A", "B"), ("B", "A")]))].into()).unwrap();
    assert_eq!(
        (swapped.read(Field::Board, "A"), swapped.write(Field::Board, "A")),
        ("B".to_owned(), "B".to_owned())
    );
    // A name that would be the PSA's of another one by itself is not written.
    let mut psa = Mapped::new(Box::new(Desk::default()), map());
    let redes = Act::SetFields([(Field::Board, "Redes".to_owned())].into());
    let error = told(&psa.apply("7", &redes, &BTreeMap::new()).unwrap_err());
    assert!(error.contains("\"Netzwerk\" and \"Redes\" would both be \"Redes\""), "{error}");
}

#[test]
fn a_board_that_is_left_out_takes_nothing_and_shows_no_choice() {
    let reference = Reference {
        boards: strings(&["Mesa de ayuda", "Ventas"]),
        types: vec![
            (Some("Ventas".to_owned()), "Oferta".to_owned()),
            (Some("Mesa de ayuda".to_owned()), "Correo".to_owned()),
        ],
        ..Reference::default()
    };
    let desk = Desk { record: ticket("ventas", "Nuevo"), reference, ..Desk::default() };
    let log = desk.told.clone();
    let mut psa = Mapped::new(Box::new(desk), map().ignoring(&strings(&["Ventas"])));
    assert!(psa.ticket("7").unwrap().unwrap().left_out);
    let note = Act::Note { text: "x".to_owned(), visible: true, customer: "acme".to_owned(), status: None };
    assert!(matches!(psa.apply("7", &note, &BTreeMap::new()).unwrap(), Done::Changed { .. }));
    assert!(log.lock().unwrap().is_empty());
    let there = psa.reference().unwrap();
    assert_eq!(
        (there.boards, there.types),
        (strings(&["Help Desk"]), vec![(Some("Help Desk".to_owned()), "E-Mail".to_owned())])
    );
}

#[test]
fn a_status_that_ends_a_ticket_here_closes_it_when_it_came_to_it() {
    let events = vec![status(5, "Listo"), status(6, "Nuevo"), status(9, "listo"), status(12, "Archivado")];
    let desk = Desk { record: ticket("Redes", "Listo"), events, ..Desk::default() };
    let log = desk.told.clone();
    let mut psa = Mapped::new(Box::new(desk), map().closing(&strings(&["Listo"])));
    let record = psa.ticket("7").unwrap().unwrap();
    let at = Timestamp::from_second(9).unwrap();
    assert_eq!((record.closed, record.resolved_at, record.ticket.resolved_at), (true, Some(at), Some(at)));
    assert_eq!(psa.history("7").unwrap().events.len(), 4);
    assert_eq!(log.lock().unwrap().as_slice(), ["history"], "it is read once");
    let desk = Desk { record: ticket("Redes", "Nuevo"), ..Desk::default() };
    let mut psa = Mapped::new(Box::new(desk), map().closing(&strings(&["Listo"])));
    assert!(!psa.ticket("7").unwrap().unwrap().closed);
}

#[test]
fn a_status_goes_with_replies_that_the_customer_sees_alone() {
    let desk = Desk::default();
    let log = desk.told.clone();
    let mut psa =
        Mapped::new(Box::new(desk), LabelMap::default().status_after_reply(Some("En espera".to_owned())));
    for visible in [true, false] {
        let note = Act::Note { text: "x".to_owned(), visible, customer: "acme".to_owned(), status: None };
        psa.apply("7", &note, &BTreeMap::new()).unwrap();
    }
    let log = log.lock().unwrap();
    assert!(log[0].contains("En espera") && !log[1].contains("En espera"), "{log:?}");
}

#[test]
fn a_check_names_what_the_psa_does_not_have_and_what_is_near_it() {
    let status = |board: &str, name: &str, closes| (Some(board.to_owned()), name.to_owned(), closes);
    let reference = Reference {
        boards: strings(&["Mesa de Ayuda", "Redes", "Proyectos"]),
        types: vec![(None, "Correo electrónico".to_owned())],
        technicians: strings(&["Z. Orsted"]),
        statuses: vec![
            status("Mesa de Ayuda", "Cerrado", true),
            status("Mesa de Ayuda", "En espera", false),
            status("Redes", "Listo", false),
            status("Redes", "En espera", false),
        ],
        ..Reference::default()
    };
    let check = |map: LabelMap, reference: &Reference| {
        let desk = Desk { reference: reference.clone(), ..Desk::default() };
        Mapped::new(Box::new(desk), map).check()
    };
    let row = |rows: &[Finding], what: &str| rows.iter().find(|row| row.what == what).unwrap().clone();
    let rows = check(map(), &reference);
    assert!(
        row(&rows, "[map.board]").next.is_none() && row(&rows, "[map.status]").next.is_none(),
        "{rows:?}"
    );
    let kind = row(&rows, "[map.type]");
    assert!(
        kind.found.contains("\"Correo\" (near it: \"Correo electrónico\")") && kind.next.is_some(),
        "{kind:?}"
    );
    assert!(row(&rows, CLOSING).found.contains("\"Redes\", \"Proyectos\""), "{rows:?}");
    // What is left out and what ends here count for the statuses, too.
    let good = map()
        .ignoring(&strings(&["Proyectos"]))
        .closing(&strings(&["Listo"]))
        .status_after_reply(Some("en espera".to_owned()));
    let rows = check(good, &reference);
    for what in [CLOSING, "boards that are left out", "statuses that end here", "status after a reply"] {
        assert!(row(&rows, what).next.is_none(), "{what}: {rows:?}");
    }
    let bad = map()
        .ignoring(&strings(&["Projectos"]))
        .closing(&strings(&["Lista"]))
        .status_after_reply(Some("Cerrado".to_owned()));
    let rows = check(bad, &reference);
    for (what, part) in [
        ("boards that are left out", "\"Proyectos\""),
        ("statuses that end here", "\"Listo\""),
        ("status after a reply", "closes tickets"),
    ] {
        let row = row(&rows, what);
        assert!(row.found.contains(part) && row.next.is_some(), "{row:?}");
    }
    let waits = LabelMap::default().status_after_reply(Some("Listo".to_owned()));
    let row = row(&check(waits, &reference), "status after a reply");
    assert!(row.found.contains("\"Mesa de Ayuda\", \"Proyectos\"") && row.next.is_some(), "{row:?}");
}

#[test]
fn a_name_of_the_psas_own_that_would_be_another_ones_here_is_found() {
    let reference =
        Reference { boards: strings(&["Mesa de ayuda", "Redes", "Help Desk"]), ..Reference::default() };
    let rows = map().check(&reference);
    assert!(
        rows[0].found.contains("\"Mesa de ayuda\" and its \"Help Desk\" would both be \"Help Desk\""),
        "{rows:?}"
    );
}
