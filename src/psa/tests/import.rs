//! Whole files through the public door: odd encodings, odd CSV, odd JSONL, hostile bytes.

// Helpers of tests stand outside `#[test]`, where the manifest's exception does not reach.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::ops::ControlFlow;

use firstline_fault::{Code, Error, UserError};
use firstline_psa::{Format, ImportOptions, ImportSummary, MAX_RAW_BYTES, Outputs, Preset, import};
use firstline_ticket::{Field, Lines, Ticket};
use proptest::prelude::*;
use serde_json::Value;

/// What an import left behind.
struct Done {
    tickets: Vec<Ticket>,
    rejects: Vec<Value>,
    outcome: Result<ImportSummary, Error>,
}

impl Done {
    fn summary(&self) -> &ImportSummary {
        self.outcome.as_ref().unwrap()
    }

    fn error(&self) -> &UserError {
        match &self.outcome {
            Err(Error::User(e)) => e,
            other => panic!("expected a user's error, got {other:?}"),
        }
    }

    /// Row, code and reason of each reject.
    fn faults(&self) -> Vec<(u64, &str, &str)> {
        self.rejects
            .iter()
            .map(|r| {
                let text = |key: &str| r[key].as_str().unwrap();
                (r["row"].as_u64().unwrap(), text("code"), text("reason"))
            })
            .collect()
    }
}

fn run(bytes: &[u8], options: &ImportOptions) -> Done {
    let (mut tickets, mut rejects) = (Vec::new(), Vec::new());
    let outputs = Outputs { tickets: &mut tickets, rejects: &mut rejects };
    let outcome = import(bytes, "t.csv", options, outputs, &mut |_| ControlFlow::Continue(()));
    let tickets = Lines::new(tickets.as_slice(), "out").map(|l| l.ticket.unwrap()).collect();
    let rejects =
        rejects.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(|l| serde_json::from_slice(l).unwrap());
    Done { tickets, rejects: rejects.collect(), outcome }
}

fn plain(text: &str) -> Done {
    run(text.as_bytes(), &ImportOptions::default())
}

fn utf16(text: &str, big: bool, mark: bool) -> Vec<u8> {
    let text = if mark { format!("\u{feff}{text}") } else { text.to_owned() };
    text.encode_utf16().flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

#[test]
fn one_file_in_every_dress() {
    let text = "id;subject;body;board\r\n1;Größe;\"zwei\r\nZeilen; \"\"so\"\"\";Süd\r\n";
    let cp1252 = encoding_rs::WINDOWS_1252.encode(text).0.into_owned();
    let named = format!("sep=;\r\n{text}");
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("plain", text.into(), "UTF-8"),
        ("marked", format!("\u{feff}{text}").into(), "UTF-8"),
        ("utf-16le marked", utf16(text, false, true), "UTF-16LE"),
        ("utf-16be marked", utf16(text, true, true), "UTF-16BE"),
        ("utf-16le", utf16(text, false, false), "UTF-16LE"),
        ("utf-16be", utf16(text, true, false), "UTF-16BE"),
        ("cp1252", cp1252.clone(), "windows-1252"),
        ("gzip", gzip(text.as_bytes()), "UTF-8"),
        ("gzip of cp1252", gzip(&cp1252), "windows-1252"),
        ("sep=", named.into(), "UTF-8"),
        ("tabs", text.replace("; \"", "\t \"").replace(';', "\t").into(), "UTF-8"),
    ];
    for (dress, bytes, encoding) in cases {
        let done = run(&bytes, &ImportOptions::default());
        let ticket = &done.tickets[0];
        assert_eq!(ticket.subject.as_deref(), Some("Größe"), "{dress}");
        let body = ticket.body.as_deref().unwrap();
        assert!(body.starts_with("zwei\r\nZeilen") && body.ends_with(" \"so\""), "{dress}: {body:?}");
        assert_eq!(ticket.board.as_deref(), Some("Süd"), "{dress}");
        assert_eq!((done.summary().encoding, done.summary().gzip), (encoding, dress.starts_with("gzip")));
        assert_eq!(done.summary().rows, 1, "{dress}");
    }
}

#[test]
fn files_without_a_ticket_are_refused_as_a_whole() {
    let zip = "PK\u{3}\u{4}rest";
    for (text, code, part) in [
        ("", Code::Empty, "the file is empty"),
        (" \n\u{feff}", Code::CsvColumn, "id"),
        ("id,subject\n\n", Code::Empty, "no row with a ticket"),
        ("id,subject\n1,\n2,\n", Code::Empty, "none of 2 rows"),
        ("{}", Code::Empty, "E_TICKET_ID: t.csv, line 1"),
        ("Ref,Summary\n1,x\n", Code::CsvColumn, "(have: Ref, Summary). Name it with --map id="),
        ("ID,Status\n1,x\n", Code::CsvColumn, "--map subject="),
        (
            "id,subject\n1,a\n2,\"b\n3,c\n",
            Code::Csv,
            "t.csv, row 3: the quote that opens on line 3 in cell 2",
        ),
        ("[{\"id\":1}]", Code::Empty, "neither subject nor body"),
        ("[{\"id\":1,\"subject\":\"x\"},", Code::TicketJson, "line 1 never closes"),
        ("{\"tickets\":[]}", Code::Empty, "no row with a ticket"),
        (zip, Code::Io, "workbook is damaged"),
    ] {
        let done = plain(text);
        assert_eq!(done.error().code, code, "{text:?}");
        assert!(done.error().to_string().contains(part), "{}", done.error());
    }
    let packed = gzip("id,subject\n1,some text that is long enough\n".repeat(50).as_bytes());
    let cut = run(&packed[..packed.len() - 9], &ImportOptions::default());
    assert_eq!(cut.error().code, Code::Io);
    assert!(cut.error().problem.contains("gzip"));
}

#[test]
fn bad_rows_go_to_the_rejects_with_number_code_and_text() {
    let text = "ID,Summary,Opened,Note\n\
        1,ok,2026-01-01T10:00:00Z,x\n\
        2,short\n\
        3,long,,x,y\n\
        4,trailing,,x,,\n\
        \n\
        1,again,,\n\
        ,none,,\n\
        5,,,\n\
        6,date,soon,\n\
        1.5E+12,excel,,\n\
        7,\"two\nlines\",,\n\
        8,last,x,\n";
    let done = plain(text);
    let ids: Vec<_> = done.tickets.iter().map(|t| t.id.as_str()).collect();
    assert_eq!(ids, ["1", "4", "7"]);
    let faults = done.faults();
    let places: Vec<_> = faults.iter().map(|(row, code, _)| (*row, *code)).collect();
    let expected = [
        (3, "E_CSV"),
        (4, "E_CSV"),
        (7, "E_TICKET_ID"),
        (8, "E_TICKET_ID"),
        (9, "E_TICKET_TEXT"),
        (10, "E_DATE"),
        (11, "E_TICKET_ID"),
        (13, "E_DATE"),
    ];
    assert_eq!(places, expected);
    assert!(faults[0].2.starts_with("the row has 2 cells, the header 4"));
    assert!(faults[2].2.contains("stood before in row 2"));
    assert!(faults[5].2.starts_with("column \"Opened\": \"soon\""));
    assert_eq!(done.rejects[0]["raw"], serde_json::json!(["2", "short"]));
    assert_eq!(done.rejects[7]["line"], 14);
    let summary = done.summary();
    assert_eq!((summary.rows, summary.imported, summary.rejected), (11, 3, 8));
    assert_eq!(summary.rejected_by_code["E_TICKET_ID"], 3);
    assert_eq!(done.tickets[0].extra_str("Note"), Some("x"));
}

#[test]
fn strict_stops_at_the_first_bad_row() {
    let strict = ImportOptions { strict: true, ..Default::default() };
    let done = run(b"id,subject\n1,a\n2,b,c\n3,d\n", &strict);
    assert_eq!((done.error().code, done.error().place.as_str()), (Code::Csv, "t.csv, row 3"));
    let utf8 = ImportOptions { encoding: Some("utf-8".into()), ..strict };
    let done = run(b"id,subject\n1,a\n2,b\xff\n", &utf8);
    assert_eq!((done.error().code, done.error().place.as_str()), (Code::Encoding, "t.csv, row 3"));
}

#[test]
fn bytes_that_are_no_text_are_counted_not_hidden() {
    let utf8 = ImportOptions { encoding: Some("utf-8".into()), ..Default::default() };
    let done = run(b"id,subject\n1,a\xff\0b\n", &utf8);
    assert_eq!(done.tickets[0].subject.as_deref(), Some("a\u{FFFD}b"));
    assert_eq!(done.summary().replaced, 1);
    assert!(done.summary().notes.iter().any(|n| n.starts_with("1 NUL characters")));
}

#[test]
fn dates_are_read_by_the_given_format_and_zone_or_refused() {
    let text = "Ticket #,Summary Description,Date Entered,Date Closed\n\
        9,a,3/3/2026 8:14 AM,1/1/1900 12:00 AM\n10,b,7/3/2026 8:14 PM,\n";
    let refused = plain(text);
    assert_eq!((refused.error().code, refused.error().place.as_str()), (Code::Date, "t.csv, row 3"));
    assert!(refused.error().next.contains("--date-format \"%d/%m/%Y %I:%M %p\""));
    let options = ImportOptions {
        preset: Some(Preset::ConnectWise),
        date_format: Some("%m/%d/%Y %I:%M %p".into()),
        time_zone: Some("America/New_York".into()),
        ..Default::default()
    };
    let done = run(text.as_bytes(), &options);
    let opened: Vec<_> = done.tickets.iter().map(|t| t.opened_at.unwrap().to_string()).collect();
    assert_eq!(opened, ["2026-03-03T13:14:00Z", "2026-07-04T00:14:00Z"]);
    assert_eq!(done.tickets[0].resolved_at, None);
    assert_eq!(done.summary().assumed_utc, 0);
    assert_eq!(done.summary().first_opened_at, done.tickets[0].opened_at);
    assert_eq!(done.summary().last_opened_at, done.tickets[1].opened_at);
}

#[test]
fn one_unclear_date_among_clear_ones_is_only_a_bad_row() {
    let done = plain("id,subject,opened\n1,a,2026-03-03 08:14\n2,b,3/4/2026\n");
    assert_eq!(done.faults()[0].1, "E_DATE");
    assert_eq!((done.summary().imported, done.summary().assumed_utc), (1, 1));
}

#[test]
fn jsonl_is_read_tolerantly_and_passes_unknown_keys_through() {
    let text = "{\"id\":7,\"subject\":\"a\",\"opened_at\":\"2016-02-29T06:58:00\",\"split\":\"test\"}\n\
        \n{\"id\":\"8\"}\nnot json\n{\"id\":9,\"body\":\"c\",\"board\":\"Süd\"}\n";
    let berlin = ImportOptions { time_zone: Some("Europe/Berlin".into()), ..Default::default() };
    for bytes in [text.as_bytes().to_vec(), gzip(text.as_bytes()), utf16(text, false, true)] {
        let done = run(&bytes, &berlin);
        assert_eq!(done.tickets[0].opened_at.unwrap().to_string(), "2016-02-29T05:58:00Z");
        assert_eq!(done.tickets[0].extra_str("split"), Some("test"));
        assert_eq!(done.tickets[1].board.as_deref(), Some("Süd"));
        let places: Vec<_> = done.faults().iter().map(|(row, code, _)| (*row, code.to_string())).collect();
        assert_eq!(places, [(3, "E_TICKET_TEXT".into()), (4, "E_TICKET_JSON".into())]);
        assert_eq!(done.rejects[1]["raw"], "not json");
        assert_eq!(done.summary().format, "jsonl");
    }
}

#[test]
fn the_summary_counts_labels_and_duplicates() {
    let done = plain(
        "id,subject,body,queue,Priority,Escalated\n1,a,b,Süd,P1,Tier 2\n2,a,b,Süd,,yes\n3,ab,,Nord,P1,\n4,a,b ,Süd,P2,\n",
    );
    let summary = done.summary();
    assert_eq!(summary.exact_duplicates, 1);
    assert_eq!(summary.labels[&Field::Board].top, [("Süd".into(), 3), ("Nord".into(), 1)]);
    assert_eq!(summary.labels[&Field::Priority].labelled, 3);
    assert!(!summary.labels.contains_key(&Field::Type));
    assert_eq!(done.tickets[0].extra_str("Escalated"), Some("Tier 2"));
    assert_eq!(done.tickets[1].escalated, Some(true));
    assert_eq!(summary.undated, 4);
    assert_eq!(summary.delimiter, Some(','));
}

#[test]
fn a_long_bad_row_is_cut_in_the_rejects_and_says_so() {
    let done = plain(&format!("id,subject\n1,a\n2,b,{}\n", "ü".repeat(MAX_RAW_BYTES)));
    assert_eq!(done.rejects[0]["raw_cut"], true);
    let held = done.rejects[0]["raw"][2].as_str().unwrap().len();
    assert!(held <= MAX_RAW_BYTES && held > MAX_RAW_BYTES - 100);
    assert_eq!(done.rejects[0]["raw"][0], "2");
}

#[test]
fn the_user_can_stop_it() {
    let row = format!("1,{}\n", "a".repeat(1021));
    let text = "id,subject\n".to_owned() + &row.repeat(4 << 10);
    let mut told = Vec::new();
    let mut stop = |read: u64| {
        told.push(read);
        if read > 2 << 20 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let outputs = Outputs { tickets: &mut std::io::sink(), rejects: &mut std::io::sink() };
    let outcome = import(text.as_bytes(), "t.csv", &ImportOptions::default(), outputs, &mut stop);
    assert_eq!(outcome.unwrap_err().code(), Some(Code::Interrupted));
    assert_eq!(told.len(), 3);
}

/// Text of any kind that a CSV can carry: all characters but NUL, which is left out on reading.
fn cell() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec!['"', ',', ';', '\n', '\r', '\t', '|', ' ', '\u{feff}', 'ü', '😀']);
    let any = any::<char>().prop_filter("no NUL", |c| *c != '\0');
    prop::collection::vec(prop_oneof![odd, any], 0..24).prop_map(String::from_iter)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn what_the_csv_crate_writes_comes_back_to_the_letter(
        rows in prop::collection::vec((cell(), cell(), cell()), 1..12),
        delimiter in prop::sample::select(b",;\t|".to_vec()),
        packed in any::<bool>(),
    ) {
        let mut writer = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
        writer.write_record(["id", "subject", "body", "Extra"]).unwrap();
        for (i, (subject, body, extra)) in rows.iter().enumerate() {
            writer.write_record([&format!("T{i}"), &format!("s{subject}"), body, extra]).unwrap();
        }
        let bytes = writer.into_inner().unwrap();
        let bytes = if packed { gzip(&bytes) } else { bytes };
        let options = ImportOptions { delimiter: Some(delimiter), ..Default::default() };
        let done = run(&bytes, &options);
        prop_assert!(done.outcome.is_ok(), "{:?}", done.outcome);
        prop_assert_eq!(done.tickets.len(), rows.len());
        for (ticket, (subject, body, extra)) in done.tickets.iter().zip(&rows) {
            let subject = format!("s{subject}");
            prop_assert_eq!(ticket.subject.as_deref(), Some(subject.as_str()));
            let says = |b: &&str| b.chars().any(|c| !c.is_whitespace() && !"?-._*/\\#<>()[]–—…？".contains(c));
            let body = Some(body.as_str()).filter(says);
            prop_assert_eq!(ticket.body.as_deref(), body);
            prop_assert_eq!(ticket.extra_str("Extra").unwrap_or(""), extra);
        }
    }

    #[test]
    fn cells_are_split_as_the_csv_crate_splits_them(text in "(id,subject\n)([a\",\n\r]{0,60})") {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
        let expected: Vec<Vec<String>> =
            reader.records().map(|r| r.unwrap().iter().map(String::from).collect()).collect();
        let done = plain(&text);
        let open_quote = matches!(&done.outcome, Err(Error::User(e)) if e.code == Code::Csv);
        if !open_quote {
            let strip = |v: &[String]| v.iter().map(|c| c.trim().to_owned()).collect::<Vec<_>>();
            let rejected: Vec<Vec<String>> = done
                .rejects
                .iter()
                .map(|r| r["raw"].as_array().unwrap().iter().map(|c| c.as_str().unwrap().to_owned()).collect())
                .collect();
            let seen = done.tickets.len() + rejected.len();
            prop_assert_eq!(seen, expected.len());
            for row in rejected {
                prop_assert!(expected.iter().any(|e| strip(e) == strip(&row)), "{row:?} not in {expected:?}");
            }
        }
    }

    #[test]
    fn no_bytes_can_panic_it(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        start in prop::sample::select(vec!["", "id,subject\n", "{\"id\":1,\"subject\":", "\u{feff}id;body\n\"", "\u{1f}",
            "<table><tr><td>id<td>subject<tr><td>1<td>", "{\"tickets\":[{\"id\":1,\"subject\":\"", "[{\"id\":{", "PK\u{3}\u{4}"]),
        format in prop::sample::select(vec![Format::Auto, Format::Csv, Format::Jsonl]),
    ) {
        let whole = [start.as_bytes(), bytes.as_slice()].concat();
        let done = run(&whole, &ImportOptions { format, ..Default::default() });
        if let Ok(summary) = &done.outcome {
            prop_assert_eq!(summary.rows, summary.imported + summary.rejected);
            prop_assert_eq!(summary.imported, done.tickets.len() as u64);
        }
    }

    #[test]
    fn no_date_can_panic_it(text in "[0-9/.: TZapmJun+,-]{0,30}") {
        let done = plain(&format!("id,subject,opened\n1,a,\"{text}\"\n2,b,\n"));
        prop_assert!(done.outcome.is_ok() || done.error().code == Code::Date);
    }
}
