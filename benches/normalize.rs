//! How long does a mail take to read?
//!
//! An HTML mail of 20 kB as Outlook writes it, an answer with a signature and a legal note over the mail that it answers; a plain
//! note; and megabytes that mean harm. Each is read as triage reads it, on one thread. The product's aims are 1 ms for the first and
//! 50 ms for each of the last. Run with `cargo bench -p firstline-benches --bench normalize`.

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use firstline_ticket::Ticket;
use firstline_triage::normalize::read;

/// Bytes of the mail, of them those that Outlook puts into its styles, and bytes of each hostile text.
const MAIL: usize = 20_000;
const STYLE: usize = 3_000;
const HOSTILE: usize = 1_000_000;

/// What hostile texts repeat.
const REPEATED: [(&str, &str); 12] = [
    ("short lines", "a\n"),
    ("delimiters", "-- \n"),
    ("quotation marks", "> "),
    ("attributions", "On Mon, 4 Mar 2024 at 10:12, Jo <jo@a.example> wrote:\n"),
    ("headers", "From: jo@a.example\n"),
    ("closings", "Kind regards,\nJo\n"),
    ("nested tags", "<div><p>"),
    ("broken tags", "<a b='"),
    ("tables", "<table><tr><td>a</td><td hidden>b</td></tr></table>"),
    ("entities", "&amp;lt;p&amp;gt; "),
    ("accents", "e\u{301}\u{301}\u{301}"),
    ("damaged letters", "Ã¤â€™ "),
];

fn ticket(subject: &str, body: String) -> Ticket {
    Ticket { id: "1".into(), subject: Some(subject.into()), body: Some(body), ..Ticket::default() }
}

/// An answer of `size` bytes, in the markup that Outlook gives every paragraph.
fn html_mail(size: usize) -> String {
    let style = "@font-face{font-family:Calibri;panose-1:2 15 5 2 2 2 4 3 2 4} p.MsoNormal,li.MsoNormal{margin:0cm;font-size:11.0pt} ";
    let mut mail = format!(
        "<html xmlns:o='urn:schemas-microsoft-com:office:office'><head><style><!-- {} --></style></head>\
         <body lang=EN-GB link='#0563C1'><div class=WordSection1>",
        style.repeat(STYLE / style.len())
    );
    let mut paragraph = |text: &str| {
        write!(mail, "<p class=MsoNormal><span style='font-size:11.0pt;font-family:\"Calibri\",sans-serif'>{text}<o:p></o:p></span></p>")
            .expect("a string takes all");
        mail.len()
    };
    paragraph("Hello,");
    let mut line = 0;
    loop {
        line += 1;
        paragraph("&nbsp;");
        let written = paragraph(&format!(
            "The label printer in room {} prints every second page twice, &quot;Error 0x{:04x}&quot; is shown&nbsp;then.",
            line % 40,
            line * 77
        ));
        match line {
            // What stands below is the mail that is answered, half of it all.
            _ if written > size / 2 && line < 1_000 => {
                for text in [
                    "Kind regards",
                    "Ann Example",
                    "Head of Sales",
                    "+44 20 7946 0000",
                    "This email is confidential and intended solely for the addressee. If you are not the intended recipient, please delete it.",
                ] {
                    paragraph(text);
                }
                paragraph(
                    "</span></p><div style='border:none;border-top:solid #E1E1E1 1.0pt'><p class=MsoNormal><b>From:</b> Service Desk &lt;desk@msp.example&gt;<br><b>Sent:</b> Monday, 4 March 2024 10:12<br><b>To:</b> Ann Example<br><b>Subject:</b> RE: Printer</p></div><p class=MsoNormal><span>",
                );
                line = 1_000;
            }
            _ if written > size => return mail + "</div></body></html>",
            _ => {}
        }
    }
}

fn reading(c: &mut Criterion) {
    let mut group = c.benchmark_group("read");
    let mut time = |name: &str, ticket: &Ticket| {
        let size = ticket.body.as_deref().map_or(0, str::len);
        group.throughput(Throughput::Bytes(size as u64)).sample_size(20);
        group.bench_function(name, |b| b.iter(|| black_box(read(ticket))));
    };
    time("an HTML mail of 20 kB", &ticket("RE: Printer", html_mail(MAIL)));
    let note = "Hi,\n\nthe VPN drops every hour since Monday, on two laptops.\n\nKind regards\nAnn Example";
    time("a note", &ticket("VPN", note.into()));
    for (name, piece) in REPEATED {
        time(&format!("1 MB of {name}"), &ticket("Printer", piece.repeat(HOSTILE / piece.len())));
    }
    group.finish();
}

criterion_group!(benches, reading);
criterion_main!(benches);
