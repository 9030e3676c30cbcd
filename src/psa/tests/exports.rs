//! Exports of other desks through the public door: headings, APIs, sheets, dates, placeholders.

// Helpers of tests stand outside `#[test]`, where the manifest's exception does not reach.
#![allow(clippy::unwrap_used)]

use std::io::{Cursor, Write};
use std::ops::ControlFlow;

use firstline_fault::Code;
use firstline_psa::{ImportOptions, ImportSummary, Outputs, Slot, import};
use firstline_ticket::{Lines, Ticket};

fn run(bytes: &[u8], options: &ImportOptions) -> firstline_fault::Result<(Vec<Ticket>, ImportSummary)> {
    let (mut tickets, mut rejects) = (Vec::new(), Vec::new());
    let outputs = Outputs { tickets: &mut tickets, rejects: &mut rejects };
    let summary = import(bytes, "t", options, outputs, &mut |_| ControlFlow::Continue(()))?;
    Ok((Lines::new(tickets.as_slice(), "out").map(|l| l.ticket.unwrap()).collect(), summary))
}

fn plain(text: &str) -> (Vec<Ticket>, ImportSummary) {
    run(text.as_bytes(), &ImportOptions::default()).unwrap()
}

fn mapped(text: &str, map: &[&str]) -> (Vec<Ticket>, ImportSummary) {
    let map = map.iter().map(|m| m.parse().unwrap()).collect();
    run(text.as_bytes(), &ImportOptions { map, ..Default::default() }).unwrap()
}

/// The field that each heading fills.
fn fields(summary: &ImportSummary) -> Vec<(&str, &str)> {
    let of = |c: &firstline_psa::ColumnUse| c.fields.first().map(|f| f.name()).unwrap_or("-");
    summary.columns.iter().map(|c| (c.column.as_str(), of(c))).collect()
}

#[test]
fn headings_of_many_desks_fill_the_fields() {
    for (header, expected) in [
        (
            "Ticket ID,Subject,Description,Type,Agent,Group,Created time,Resolved time,Initial response time,First response time (in hrs),Full name,Company Name",
            &[
                ("Type", "type"),
                ("Agent", "technician"),
                ("Group", "board"),
                ("Created time", "opened_at"),
                ("Resolved time", "resolved_at"),
                ("Initial response time", "first_response_at"),
                ("First response time (in hrs)", "-"),
                ("Full name", "contact"),
                ("Company Name", "customer"),
            ][..],
        ),
        (
            "Ticket Number,Date Created,Subject,From,From Email,Department,Help Topic,Closed Date,Agent Assigned,Team Assigned,Reopen Count",
            &[
                ("From", "contact"),
                ("From Email", "-"),
                ("Department", "board"),
                ("Help Topic", "type"),
                ("Closed Date", "resolved_at"),
                ("Agent Assigned", "technician"),
                ("Reopen Count", "reopened"),
            ],
        ),
        (
            "Id,Subject,Requester,Organization,Assignee,Group,Type,Priority,Created at,Solved at",
            &[
                ("Requester", "contact"),
                ("Organization", "customer"),
                ("Assignee", "technician"),
                ("Group", "board"),
                ("Solved at", "resolved_at"),
            ],
        ),
        (
            "ID,Title,Entity,Opening date,Priority,Requester - Requester,Assigned to - Technician,Category,Type,Solution date,Solution - Solution",
            &[
                ("Title", "subject"),
                ("Entity", "customer"),
                ("Requester - Requester", "contact"),
                ("Assigned to - Technician", "technician"),
                ("Category", "type"),
                ("Type", "-"),
                ("Solution date", "resolved_at"),
                ("Solution - Solution", "resolution"),
            ],
        ),
        (
            "ID;Titre;Entité;Date d\u{2019}ouverture;Priorité;Demandeur - Demandeur;Attribué à - Technicien;Catégorie;Type;Date de résolution",
            &[
                ("Titre", "subject"),
                ("Entité", "customer"),
                ("Priorité", "priority"),
                ("Demandeur - Demandeur", "contact"),
                ("Attribué à - Technicien", "technician"),
                ("Catégorie", "type"),
                ("Date de résolution", "resolved_at"),
            ],
        ),
        (
            "ID;Titel;Entität;Eröffnungsdatum;Priorität;Antragsteller - Antragsteller;Zugewiesen an - Techniker;Kategorie;Typ;Lösungsdatum;Beschreibung",
            &[
                ("Titel", "subject"),
                ("Eröffnungsdatum", "opened_at"),
                ("Antragsteller - Antragsteller", "contact"),
                ("Kategorie", "type"),
                ("Zugewiesen an - Techniker", "technician"),
                ("Lösungsdatum", "resolved_at"),
                ("Beschreibung", "body"),
            ],
        ),
        (
            "Ticket Number,Summary,Description,Priority,Category,Creator,Assignee,Created On,Closed On,Due Date,Organization",
            &[
                ("Summary", "subject"),
                ("Category", "type"),
                ("Creator", "contact"),
                ("Assignee", "technician"),
                ("Created On", "opened_at"),
                ("Closed On", "resolved_at"),
            ],
        ),
        (
            "Number,Opened,Short description,Description,Caller,Priority,State,Category,Subcategory,Assignment group,Assigned to,Resolved,Close notes",
            &[
                ("Short description", "subject"),
                ("Caller", "contact"),
                ("Category", "type"),
                ("Subcategory", "subtype"),
                ("Assignment group", "board"),
                ("Assigned to", "technician"),
                ("Resolved", "resolved_at"),
                ("Close notes", "resolution"),
            ],
        ),
        (
            "Vorgangsschlüssel,Zusammenfassung,Vorgangstyp,Priorität,Lösung,Bearbeiter,Autor,Erstellt,Erledigt,Beschreibung",
            &[
                ("Zusammenfassung", "subject"),
                ("Lösung", "-"),
                ("Autor", "contact"),
                ("Bearbeiter", "technician"),
                ("Erledigt", "resolved_at"),
                ("Vorgangstyp", "type"),
            ],
        ),
    ] {
        let delimiter = if header.contains(';') { ";" } else { "," };
        let cells: Vec<String> =
            (0..header.split(delimiter).count()).map(|i| if i == 0 { "7" } else { "" }.to_owned()).collect();
        let mut cells = cells;
        let subject = header.split(delimiter).position(|h| {
            ["Subject", "Title", "Titre", "Titel", "Summary", "Short description", "Zusammenfassung"]
                .contains(&h)
        });
        cells[subject.unwrap()] = "x".to_owned();
        let text = format!("{header}\n{}\n", cells.join(delimiter));
        let (_, summary) = plain(&text);
        let found = fields(&summary);
        for pair in expected {
            assert!(found.contains(pair), "{pair:?} in {found:?}");
        }
    }
}

#[test]
fn the_summary_names_what_was_not_used_and_not_filled() {
    let (_, summary) = plain("id,subject,Mood,Empty,queue\n1,a,glad,,\n");
    assert_eq!(summary.unused().collect::<Vec<_>>(), ["Mood", "Empty", "queue"]);
    assert!(summary.unfilled.contains(&Slot::Board) && summary.unfilled.contains(&Slot::Body));
    assert!(!summary.unfilled.contains(&Slot::Subject));
    let (_, summary) = plain("{\"id\":1,\"subject\":\"a\",\"mood\":\"glad\"}\n");
    assert_eq!(summary.unused().collect::<Vec<_>>(), ["mood"]);
}

#[test]
fn objects_of_apis_are_named_by_what_names_them() {
    let connectwise = r#"{"id":12,"summary":"Scanner dead","board":{"id":3,"name":"Field","_info":{}},"company":{"name":"Contoso"},"contact":{"name":"Max"},"type":{"name":"Device"},"subType":{"name":"Scanner"},"priority":{"name":"P2"},"owner":{"name":"Ines"},"initialDescription":"No light.","dateEntered":"2025-02-03T08:00:00Z","resources":"a, b"}"#;
    let (tickets, _) = plain(connectwise);
    let expected = r#"{"id":"12","opened_at":"2025-02-03T08:00:00Z","subject":"Scanner dead","body":"No light.","customer":"Contoso","contact":"Max","board":"Field","type":"Device","subtype":"Scanner","priority":"P2","technician":"Ines","resources":"a, b"}"#;
    assert_eq!(serde_json::to_string(&tickets[0]).unwrap(), expected);
    let (tickets, _) = mapped(connectwise, &["board=company.name", "customer=board.name"]);
    assert_eq!(
        (tickets[0].board.as_deref(), tickets[0].customer.as_deref()),
        (Some("Contoso"), Some("Field"))
    );
    for text in [
        r#"{"tickets":[{"id":5,"created_at":"2025-02-03T08:00:00Z","subject":"a","description":"b","via":{"channel":"web"}}],"count":1}"#,
        "{\n \"meta\": {},\n \"results\": [\n {\"id\": 5,\n \"created_at\": \"2025-02-03T08:00:00Z\", \"subject\": \"a\", \"description\": \"b\", \"via\": {\"channel\": \"web\"}}\n ]\n}",
        r#"[{"id":5,"created_at":"2025-02-03T08:00:00Z","subject":"a","description":"b","via":{"channel":"web"}}]"#,
        r#"{"rowset":[{"number":"5","sys_created_on":"2025-02-03 08:00:00","short_description":"a","description":{"display_value":"b","value":"b"},"contact_type":"web"}]}"#,
        r#"{"issues":[{"id":"9","key":"5","fields":{"summary":"a","created":"2025-02-03T08:00:00.000+0000","issuetype":{"name":"T"},"source":"web","description":{"type":"doc","content":[{"type":"paragraph","content":[{"type":"text","text":"b"}]}]}}}]}"#,
        r#"{"ticket":{"id":5,"subject":"a","description":"b","dateCreated":"2025-02-03T08:00:00Z","source":{"id":1,"name":"web"}}}"#,
    ] {
        let (tickets, _) = plain(text);
        let t = &tickets[0];
        assert_eq!(
            (t.id.as_str(), t.subject.as_deref(), t.body.as_deref().map(str::trim)),
            ("5", Some("a"), Some("b")),
            "{text}"
        );
        assert_eq!(
            (t.source.as_deref(), t.opened_at.map(|at| at.to_string())),
            (Some("web"), Some("2025-02-03T08:00:00Z".into())),
            "{text}"
        );
    }
    let pages = r#"{"items":[{"id":1,"title":"a"}],"page":1}
{"items":[{"id":2,"title":"b"}],"page":2}"#;
    assert_eq!(plain(pages).0.len(), 2);
}

#[test]
fn a_text_that_is_no_text_costs_the_ticket_and_a_label_does_not() {
    let text = "{\"id\":1,\"subject\":\"a\",\"description\":[1]}\n{\"id\":2,\"subject\":\"b\",\"board\":{\"id\":1}}\n";
    let (tickets, summary) = plain(text);
    assert_eq!((tickets.len(), tickets[0].id.as_str(), summary.rejected), (1, "2", 1));
    assert!(summary.notes.iter().any(|note| note.starts_with("1 objects or lists")), "{:?}", summary.notes);
}

#[test]
fn comment_columns_are_messages() {
    let text = "Issue key,Summary,Reporter,Reporter Id,Assignee,Assignee Id,Resolution,Comment,Comment,Comment\n\
        OP-7,Screen black,Lea,u:1,Tom,u:2,Won't Do,02/Jan/25 8:00 AM;u:2;Is the cable in; both ends?,01/Jan/25 8:00 AM;u:1;It is.,\n\
        OP-8,No sound,Lea,u:1,Tom,u:2,Done,not; a comment,,\n";
    let (tickets, summary) = plain(text);
    let said: Vec<_> = tickets[0].messages.iter().map(|m| (m.from.as_str(), m.text.as_str())).collect();
    assert_eq!(said, [("customer", "It is."), ("technician", "Is the cable in; both ends?")]);
    assert_eq!(tickets[0].messages[0].at.unwrap().to_string(), "2025-01-01T08:00:00Z");
    assert_eq!(tickets[1].messages[0].text, "not; a comment");
    assert!(tickets.iter().all(|t| t.resolution.is_none() && t.extra_str("Resolution").is_some()));
    assert!(summary.columns.iter().filter(|c| c.messages).count() == 3);
    // Elsewhere a comment is a column like others.
    let (tickets, _) = plain("id,subject,Comment\n1,a,b\n");
    assert!(tickets[0].messages.is_empty() && tickets[0].extra_str("Comment") == Some("b"));
}

#[test]
fn comments_of_apis_are_messages() {
    for text in [
        r#"{"id":1,"subject":"a","requester_id":5,"assignee_id":6,"comments":[{"author_id":5,"body":"<p>x</p>","plain_body":"x","public":true,"created_at":"2025-01-01T08:00:00Z"},{"author_id":6,"body":"y","public":false}]}"#,
        r#"{"id":1,"subject":"a","conversations":[{"body":"<p>x</p>","body_text":"x","incoming":true,"private":false,"created_at":"2025-01-01T08:00:00Z"},{"body_text":"y","incoming":false,"private":true}]}"#,
        r#"{"key":"1","fields":{"summary":"a","issuetype":{"name":"T"},"reporter":{"accountId":"5"},"assignee":{"accountId":"6"},"comment":{"comments":[{"author":{"accountId":"5"},"body":"x","created":"2025-01-01T08:00:00.000+0000"},{"author":{"accountId":"6"},"body":"y","internal":true}]}}}"#,
    ] {
        let (tickets, _) = plain(text);
        let said: Vec<_> =
            tickets[0].messages.iter().map(|m| (m.from.as_str(), m.text.trim(), m.visible)).collect();
        assert_eq!(said, [("customer", "x", Some(true)), ("technician", "y", Some(false))], "{text}");
        assert!(tickets[0].messages[0].at.is_some(), "{text}");
    }
    // A list of notes without text passes through.
    let (tickets, _) = plain(r#"{"id":1,"subject":"a","comments":[{"n":1}]}"#);
    assert!(tickets[0].messages.is_empty() && tickets[0].extra.contains_key("comments"));
}

#[test]
fn states_are_no_resolutions() {
    let (tickets, summary) = plain("id,subject,solution\n1,a,Done\n2,b,Erledigt.\n3,c,Done: new toner\n");
    let found: Vec<_> = tickets.iter().map(|t| t.resolution.as_deref()).collect();
    assert_eq!(found, [None, None, Some("Done: new toner")]);
    assert!(summary.notes.iter().any(|note| note.starts_with("2 resolutions only named a state")));
}

#[test]
fn placeholders_are_blank_and_cost_nothing() {
    let text = "id,subject,body,board,assigned to,opened,resolved at,priority\n\
        1,a,No description,?,Unassigned,2025-01-01T08:00:00Z,0000-00-00 00:00:00,None\n\
        2,-,-,NA,Nicht zugewiesen,2025-01-01T08:00:00Z,?,N/A\n\
        3,c,?,- none -,Aucun,2025-01-01T08:00:00Z,still open,P1\n";
    let (tickets, summary) = plain(text);
    assert_eq!((tickets.len(), summary.rejected), (3, 0));
    assert!(tickets.iter().all(|t| t.technician.is_none() && t.resolved_at.is_none()));
    assert_eq!(tickets.iter().map(|t| t.board.as_deref()).collect::<Vec<_>>(), [None, Some("NA"), None]);
    assert_eq!(tickets.iter().map(|t| t.body.is_some()).collect::<Vec<_>>(), [false, false, false]);
    assert_eq!(tickets[1].subject.as_deref(), Some("-"));
    assert_eq!(tickets[2].extra_str("resolved at"), Some("still open"));
    let notes = summary.notes.join("\n");
    assert!(notes.contains("3 values of \"assigned to\" such as \"Unassigned\""), "{notes}");
    assert!(notes.contains("1 dates of first_response_at or resolved_at could not be read"), "{notes}");
}

#[test]
fn spellings_of_one_label_are_one() {
    let (_, summary) =
        plain("id,subject,queue\n1,a,Front Desk\n2,b,FRONT DESK\n3,c,front  desk\n4,d,Back Desk\n");
    assert_eq!(
        summary.labels[&firstline_ticket::Field::Board].top,
        [("Front Desk".into(), 3), ("Back Desk".into(), 1)]
    );
    assert_eq!(summary.notes.iter().filter(|note| note.contains("another spelling")).count(), 2);
}

#[test]
fn titles_and_repeated_headers_are_no_tickets() {
    let text = "Tickets of January,,\n,,\nPrinted by,Tom,\nid;x,Title,Queue\nid,subject,queue\n1,a,Q\nid,subject,queue\n2,b,Q\n";
    let (tickets, summary) = plain(text);
    assert_eq!(tickets.iter().map(|t| t.id.as_str()).collect::<Vec<_>>(), ["1", "2"]);
    assert!(
        summary.notes.iter().any(|n| n.starts_with("1 rows repeated the column names")),
        "{:?}",
        summary.notes
    );
    assert!(summary.notes.iter().any(|n| n.contains("rows above the column names")), "{:?}", summary.notes);
}

#[test]
fn guarded_numbers_and_missing_ids_are_read() {
    let (tickets, _) = plain("id,subject\n=\"00123\",a\n\"=\"\"0 \"\"\"\"x\"\"\",b\n=1+1,c\n");
    assert_eq!(tickets.iter().map(|t| t.id.as_str()).collect::<Vec<_>>(), ["00123", "0 \"x", "=1+1"]);
    let text = "Summary,Queue\na,Q\nb,Q\n";
    let refused = run(text.as_bytes(), &ImportOptions::default()).unwrap_err();
    assert!(
        refused.code() == Some(Code::CsvColumn) && refused.to_string().contains("--number-rows"),
        "{refused}"
    );
    let numbered = ImportOptions { number_rows: true, ..Default::default() };
    let (tickets, _) = run(text.as_bytes(), &numbered).unwrap();
    assert_eq!(tickets.iter().map(|t| t.id.as_str()).collect::<Vec<_>>(), ["row-2", "row-3"]);
    let (tickets, _) = run(b"{\"subject\":\"a\"}\n{\"subject\":\"b\"}\n", &numbered).unwrap();
    assert_eq!(tickets[1].id, "row-2");
}

#[test]
fn html_that_poses_as_a_workbook_is_a_table() {
    let html = "<html><head><meta charset=utf-8></head><body><table><tr><td colspan=3>All tickets</td></tr></table>\
        <table border=1><tr><th>Ticket ID</th><th>Subject</th><th>Queue</th></tr>\
        <tr><td>1</td><td>Fehler beim &Ouml;ffnen</td><td></td></tr><tr><td>2</td><td>b<br>c</td></tr></table></body></html>";
    let (tickets, summary) = plain(html);
    assert_eq!(tickets[0].subject.as_deref(), Some("Fehler beim Öffnen"));
    assert_eq!((tickets[1].subject.as_deref(), summary.format), (Some("b\nc"), "html"));
}

fn zipped(files: &[(&str, String)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A workbook with a sheet of notes before that of the tickets; `cells` are the rows of the latter.
fn xlsx(cells: &str) -> Vec<u8> {
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let rel = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let sheet = |rows: &str| format!("<worksheet xmlns=\"{main}\"><sheetData>{rows}</sheetData></worksheet>");
    zipped(&[
        ("[Content_Types].xml", "<Types/>".to_owned()),
        (
            "_rels/.rels",
            format!(
                "<Relationships><Relationship Id=\"r0\" Type=\"{rel}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            format!(
                "<workbook xmlns=\"{main}\" xmlns:r=\"{rel}\"><sheets><sheet name=\"Notes\" sheetId=\"1\" r:id=\"r1\"/><sheet name=\"Tickets\" sheetId=\"2\" r:id=\"r2\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                "<Relationships><Relationship Id=\"r1\" Type=\"{rel}/worksheet\" Target=\"worksheets/sheet1.xml\"/><Relationship Id=\"r2\" Type=\"{rel}/worksheet\" Target=\"worksheets/sheet2.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/styles.xml",
            format!(
                "<styleSheet xmlns=\"{main}\"><cellXfs count=\"2\"><xf numFmtId=\"0\"/><xf numFmtId=\"22\"/></cellXfs></styleSheet>"
            ),
        ),
        (
            "xl/worksheets/sheet1.xml",
            sheet("<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>Read me</t></is></c></row>"),
        ),
        ("xl/worksheets/sheet2.xml", sheet(cells)),
    ])
}

#[test]
fn workbooks_are_read_directly() {
    let text = |at: &str, text: &str| format!("<c r=\"{at}\" t=\"inlineStr\"><is><t>{text}</t></is></c>");
    let header = ["id", "subject", "opened", "queue"]
        .iter()
        .zip(["A1", "B1", "C1", "D1"])
        .map(|(h, at)| text(at, h))
        .collect::<String>();
    let rows = format!(
        "<row r=\"1\">{header}</row><row r=\"2\"><c r=\"A2\"><v>17</v></c>{}<c r=\"C2\" s=\"1\"><v>45355.5</v></c></row>\
         <row r=\"3\"><c r=\"A3\"><v>18</v></c>{}<c r=\"XFD3\"><v>1</v></c></row>",
        text("B2", "Größe"),
        text("B3", "b")
    );
    let book = xlsx(&rows);
    for date_format in [None, Some("%d/%m/%Y".to_owned())] {
        let (tickets, summary) = run(&book, &ImportOptions { date_format, ..Default::default() }).unwrap();
        assert_eq!((tickets[0].id.as_str(), tickets[0].subject.as_deref()), ("17", Some("Größe")));
        assert_eq!(tickets[0].opened_at.unwrap().to_string(), "2024-03-04T12:00:00Z");
        assert_eq!((tickets.len(), summary.format, summary.rejected), (2, "xlsx", 0));
        assert!(summary.notes.iter().any(|note| note.contains("\"Tickets\" was read, not \"Notes\"")));
    }
    let cell = |text: &str| {
        format!("<table:table-cell office:value-type=\"string\"><text:p>{text}</text:p></table:table-cell>")
    };
    let ods = format!(
        "<office:document-content><table:table table:name=\"N\"><table:table-row>{}</table:table-row></table:table><table:table table:name=\"T\">\
         <table:table-row>{}{}{}</table:table-row><table:table-row>{}{}<table:table-cell office:value-type=\"date\" office:date-value=\"2024-03-04T12:00:00\"/></table:table-row></table:table></office:document-content>",
        cell("Read me"),
        cell("id"),
        cell("subject"),
        cell("opened"),
        cell("17"),
        cell("a &amp; b")
    );
    let (tickets, summary) =
        run(&zipped(&[("mimetype", "x".into()), ("content.xml", ods)]), &ImportOptions::default()).unwrap();
    assert_eq!((tickets[0].subject.as_deref(), summary.format), (Some("a & b"), "ods"));
    assert_eq!(tickets[0].opened_at.unwrap().to_string(), "2024-03-04T12:00:00Z");
}

#[test]
fn damaged_workbooks_are_refused_and_nothing_panics() {
    let refused = |bytes: &[u8]| run(bytes, &ImportOptions::default()).unwrap_err();
    assert_eq!(refused(&zipped(&[("readme.txt", "x".into())])).code(), Some(Code::Encoding));
    assert_eq!(refused(b"\xd0\xcf\x11\xe0rest").code(), Some(Code::Encoding));
    let book = xlsx("<row r=\"1\"><c r=\"A1\"><v>1</v></c></row>");
    for cut in (4..book.len()).step_by(97) {
        refused(&book[..cut]);
    }
    for (at, _) in book.iter().enumerate().step_by(13) {
        let mut bent = book.clone();
        bent[at] ^= 0x5a;
        let _refused_or_read = run(&bent, &ImportOptions::default());
    }
}
