//! What handwritten replies are read as. Half of them, by the hash of their text, were never looked at while the grammars were made.

use std::collections::BTreeMap;

use firstline_ticket::Ticket;
use xxhash_rust::xxh3::xxh3_64;

use super::*;

/// Language, class and text of each, a line break in it as `\n`.
const REPLIES: &str = include_str!("tests/replies.tsv");

struct Reply {
    language: &'static str,
    class: &'static str,
    text: String,
}

fn replies() -> impl Iterator<Item = Reply> {
    REPLIES.lines().map(|line| {
        let mut columns = line.splitn(3, '\t');
        let mut next = || columns.next().unwrap();
        Reply { language: next(), class: next(), text: next().replace("\\n", "\n") }
    })
}

/// Whether a reply belongs to the half that is looked at.
fn is_seen(reply: &Reply) -> bool {
    xxh3_64(reply.text.as_bytes()).is_multiple_of(2)
}

fn ticket() -> Ticket {
    Ticket {
        id: "7".to_owned(),
        subject: Some("Re: Printer offline".to_owned()),
        contact: Some("Robin Vance".to_owned()),
        customer: Some("Alder".to_owned()),
        ..Ticket::default()
    }
}

fn read_as(text: &str) -> AnswerReading {
    let ticket = ticket();
    let answer = Answer { text, ticket: Some(&ticket), ..Answer::default() };
    Answers::default().read(&Reader::default(), &answer)
}

/// Counts of one language.
#[derive(Default)]
struct Row {
    n: usize,
    yes: usize,
    closes: usize,
    wrong: usize,
    no: usize,
    found: usize,
    reopened: usize,
}

fn table(seen: bool) -> Row {
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    let show = std::env::var_os("SHOW_REPLIES").is_some() && seen;
    for reply in replies().filter(|reply| is_seen(reply) == seen) {
        let said = read_as(&reply.text).said;
        for language in [reply.language, "all"] {
            let row = rows.entry(language).or_default();
            row.n += 1;
            row.yes += usize::from(reply.class == "yes");
            row.closes += usize::from(said == Said::Confirmed);
            row.wrong += usize::from(said == Said::Confirmed && reply.class != "yes");
            row.no += usize::from(reply.class == "no");
            row.found += usize::from(said == Said::Contradicted && reply.class == "no");
            row.reopened +=
                usize::from(said == Said::Contradicted && ["yes", "thanks"].contains(&reply.class));
        }
        let right = match reply.class {
            "yes" => said == Said::Confirmed,
            "no" => said == Said::Contradicted,
            "thanks" => said == Said::Thanks,
            _ => said != Said::Confirmed,
        };
        if show && !right {
            println!("{} {} {:?}: {:?}", reply.language, reply.class, said, reply.text);
        }
    }
    println!(
        "{} half: language, replies, closed of yes, wrong closes (95 % bound), no found of no, yes or thanks reopened",
        if seen { "seen" } else { "unseen" }
    );
    for (language, row) in &rows {
        // Clopper-Pearson, one-sided.
        let bound = bound(row.wrong, row.n - row.yes);
        println!(
            "{language:>4} {:>4} {:>4}/{:<4} {:>3} ({bound:.3}) {:>4}/{:<4} {:>3}",
            row.n,
            row.closes - row.wrong,
            row.yes,
            row.wrong,
            row.found,
            row.no,
            row.reopened
        );
    }
    rows.remove("all").unwrap()
}

/// The upper end of the exact one-sided 95 % interval of a share, by bisection.
fn bound(k: usize, n: usize) -> f64 {
    let at_most = |p: f64| -> f64 {
        let mut term = (1.0 - p).powi(n as i32);
        let mut sum = term;
        for i in 1..=k {
            term *= (n - i + 1) as f64 / i as f64 * p / (1.0 - p);
            sum += term;
        }
        sum
    };
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if at_most(middle) > 0.05 { low = middle } else { high = middle }
    }
    high
}

#[test]
fn replies_that_were_seen_are_read_as_they_are_meant() {
    let row = table(true);
    assert_eq!(row.wrong, 0);
    assert!(row.closes as f64 >= 0.7 * row.yes as f64, "{} of {}", row.closes, row.yes);
    assert!(row.found as f64 >= 0.85 * row.no as f64, "{} of {}", row.found, row.no);
    assert!(row.reopened <= 1, "{}", row.reopened);
}

#[test]
fn replies_that_were_never_looked_at_close_nothing_wrongly() {
    let row = table(false);
    assert!(row.wrong * 100 <= row.n, "{} of {}", row.wrong, row.n);
    assert!(row.closes as f64 >= 0.6 * row.yes as f64, "{} of {}", row.closes, row.yes);
    assert!(row.found as f64 >= 0.7 * row.no as f64, "{} of {}", row.found, row.no);
    assert!(row.reopened * 50 <= row.n, "{}", row.reopened);
}

#[test]
fn half_of_six_hundred_replies_in_seven_languages_is_kept_back() {
    let all: Vec<Reply> = replies().collect();
    let seen = all.iter().filter(|reply| is_seen(reply)).count();
    assert!(all.len() >= 600 && (250..=350).contains(&seen), "{seen} of {}", all.len());
    let languages: std::collections::BTreeSet<&str> = all.iter().map(|reply| reply.language).collect();
    assert_eq!(languages.len(), 7);
    for class in ["yes", "thanks", "no", "yesbut", "question", "ooo", "other"] {
        assert!(all.iter().filter(|reply| reply.class == class).count() >= 40, "{class}");
    }
}

#[test]
fn what_only_looks_like_a_confirmation_closes_nothing() {
    for text in [
        // Agreement, courtesy, a step that was done.
        "That works for me, thanks",
        "That's fine, thank you.",
        "Done.",
        "No problem!",
        "Sounds good",
        "Yes please",
        "Passt.",
        "Das geht, danke",
        "Klappt bei mir",
        "That works great for me",
        "Works fine for me, thanks",
        "Das klappt prima",
        "Dat lukt prima",
        "Kein Problem",
        "Das ist gut, danke",
        "Es geht",
        "Erledigt",
        "Ça marche, merci",
        "C'est bon pour moi",
        "Pas de souci, merci",
        "C'est fait",
        "Aucun problème",
        "Está bien, gracias",
        "Sin problema",
        "Hecho, gracias",
        "Tudo bem, obrigado",
        "Sem problema",
        "Feito",
        "Va bene, grazie",
        "Per me va bene",
        "Nessun problema",
        "Is goed, bedankt",
        "Geen probleem",
        "Dat werkt voor mij",
        // Questions without their mark.
        "is it fixed now",
        "does it work now",
        "Geht es wieder",
        "funktioniert es jetzt",
        "werkt het weer",
        "Ist das erledigt",
        // Conditions, parts, times, other people.
        "You can connect now.",
        "Please close it when it is fixed",
        "Works most of the time",
        "Almost fixed",
        "It should work now",
        "it works on his laptop",
        "yes but slow",
        "Working for now",
        "Klappt morgen wieder",
        "Funciona casi siempre",
        // Requests and other forms of the same words.
        "Ok please solve",
        "Yes please, resolve.",
        "Yes please solve today",
        "Ja bitte, beheben.",
        "Ja bitte, Problem beheben",
        "Fehler beseitigen, danke",
        "Oui, régler",
        "Problème régler",
        "Si, resolver",
        "Sim, resolver",
        "Si, risolvere",
        // What was so, and may be over.
        "It worked this morning.",
        "The printer worked this morning, thanks",
        "It worked fine today",
        "Der Drucker funktionierte",
        "Heute morgen funktionierte alles, danke",
        "Es hat heute morgen geklappt",
        "ça marchait ce matin",
        "De printer werkte vanochtend",
        "Funcionou hoje de manhã",
        "Ya funcionó esta mañana",
        "Ha funzionato stamattina",
        // Under way.
        "The update is running",
        "The update is running now, thanks",
        "The page is loading",
        "It is connecting",
        "It is printing now",
        "The sync runs now",
        "No problem today, thanks",
        "No problems today",
        // What forbids.
        "Do not close the ticket",
        "Bitte nicht schließen",
        "Ne fermez pas le ticket",
        "no lo cierren",
        "não pode fechar",
        "non chiudete",
        "mag niet dicht",
        // A digit, a mark of a question, too many words.
        "Works again since 10:30",
        "Works now?",
        "¿Ya funciona",
        "Funziona? Grazie",
        // Signs that turn the words around.
        "It works again 👎",
        "It works again, thanks 🙄",
        "It is \"fixed\" again, thank you",
        "Funktioniert wieder :(",
        "Everything works again...",
        "Ça fonctionne « parfaitement »",
        // Signs, and languages that have no grammar.
        "👍",
        "👎",
        "✅",
        "",
        "...",
        "Tack, det fungerar igen",
        "Dziękuję, działa",
        "Děkuji, funguje to",
        "ありがとう、直りました",
        "شكرا، تعمل الآن",
    ] {
        let read = read_as(text);
        assert_ne!(read.said, Said::Confirmed, "{text}: {read:?}");
        assert!(!read.certified);
    }
    let long = "It works again, thank you. ".repeat(6);
    assert_ne!(read_as(&long).said, Said::Confirmed);
}

#[test]
fn a_misspelt_letter_and_a_word_of_time_keep_no_confirmation_from_being_one() {
    for text in [
        "It is wokring again, thanks",
        "It works again this morning, thank you",
        "All working fine since the restart",
        "The printer is printing again",
        "Everything is running smoothly now",
        "The problem is resloved, thank you!",
        "Funktoiniert wieder, danke",
        "Heute morgen funktioniert alles wieder, danke",
        "Wir haben heute getestet, alles läuft wieder",
        "Het werkt weer, bedankt",
        "Ça fonctionne de nouveau ce matin, merci",
    ] {
        assert_eq!(read_as(text).said, Said::Confirmed, "{text}");
    }
}

#[test]
fn a_denial_is_found_and_no_courtesy_is_taken_for_one() {
    for text in [
        "It worked for a day and now it is back.",
        "Danke, geht wieder nicht",
        "Nope, still nothing",
        "ça marche pas",
        "no funciona",
        "nao funciona",
        "werkt niet",
        "non funziona",
        "Oh great, now nothing works.",
        "I still can't log in",
        "Pas réglé",
        "sigue igual",
        "continua igual",
        "helaas niet",
        "Es ist schon wieder kaputt",
        "Non va",
    ] {
        assert_eq!(read_as(text).said, Said::Contradicted, "{text}");
    }
    for text in [
        "No problem",
        "No problem at all!",
        "Kein Problem",
        "Pas de problème",
        "Aucun souci",
        "Sin problema",
        "No hay problema",
        "Sem problema",
        "Geen probleem",
        "Nessun problema",
        "No, thanks, all good",
        "No more problems, thanks",
        "Kein Problem mehr, danke",
        "Plus de souci, merci",
        "No, it is working now",
        "Nein, es ist alles wieder da",
        "It is back online for all of us since noon",
        "Der Fehler tritt nicht mehr auf, danke",
        "Why not, thanks",
        "I will let you know if it happens again.",
    ] {
        assert_ne!(read_as(text).said, Said::Contradicted, "{text}");
    }
}

#[test]
fn what_stands_around_a_reply_is_none_of_it() {
    for (text, said) in [
        (
            "Still the same here.\n\nOn Mon, 2 Mar 2026 at 09:10, Robin Vance wrote:\n> It works again, thank you.",
            Said::Contradicted,
        ),
        (
            "It works again, thank you.\n\nOn Mon, 2 Mar 2026 at 09:10, Desk wrote:\n> Is it still not working?\n> Ticket 4711",
            Said::Confirmed,
        ),
        (
            "It works again, thank you.\n\nKind regards\nRobin Vance\nStill Waters Ltd\nTel: +44 20 7946 0001",
            Said::Confirmed,
        ),
        (
            "Funktioniert wieder, danke.\n\nMit freundlichen Grüßen\nRobin Vance\nWeiterhin Handel GmbH\nTel. +49 30 5550001",
            Said::Confirmed,
        ),
        ("<p>It <b>works</b> again.</p><p>Thanks!</p>", Said::Confirmed),
    ] {
        assert_eq!(read_as(text).said, said, "{text}");
    }
    let forwarded = "FYI\n\n---------- Forwarded message ---------\nFrom: Robin Vance\nSubject: Printer\n\nIt works again, thank you.";
    assert_ne!(read_as(forwarded).said, Said::Confirmed);
}

#[test]
fn what_is_known_of_a_message_beside_its_words_counts() {
    let (ticket, text) = (ticket(), "It works again, thank you.");
    let sure = Answer { text, ticket: Some(&ticket), sender: Some("robin vance"), ..Answer::default() };
    let read = |answer: &Answer<'_>| Answers::default().read(&Reader::default(), answer).said;
    assert_eq!(read(&sure), Said::Confirmed);
    for other in [
        Answer { sender: Some("Marc Dale"), ..sure },
        Answer { attached: true, ..sure },
        Answer { automatic: true, ..sure },
        Answer {
            subject: Some("Automatic reply: Printer offline"),
            text: "I am out of the office until Monday.",
            ..sure
        },
    ] {
        assert_eq!(read(&other), Said::Other, "{other:?}");
    }
}

#[test]
fn only_a_certified_classifier_lets_a_ticket_be_closed() {
    let ticket = ticket();
    let sender = ticket.contact.as_deref();
    let answer =
        Answer { text: "It works again, thank you.", ticket: Some(&ticket), sender, ..Answer::default() };
    let read = |bias: f32, threshold: Option<f64>| {
        let certificate = AnswerCertificate { threshold, ..AnswerCertificate::default() };
        let model = AnswerModel { bias, certificate, ..AnswerModel::default() };
        let read = Answers::new(Some(Arc::new(model))).read(&Reader::default(), &answer);
        (read.said, read.certified)
    };
    assert_eq!(read(3.0, Some(0.9)), (Said::Confirmed, true));
    assert_eq!(read(3.0, Some(0.99)), (Said::Other, false));
    assert_eq!(read(3.0, None), (Said::Confirmed, false));
    assert_eq!(read(-3.0, None), (Said::Other, false));
    let of_whom = |sender: Option<&str>, contact: Option<&str>| {
        let ticket = Ticket { contact: contact.map(str::to_owned), ..ticket.clone() };
        let answer = Answer { sender, ticket: Some(&ticket), ..answer };
        let certificate = AnswerCertificate { threshold: Some(0.9), ..AnswerCertificate::default() };
        let model = AnswerModel { bias: 3.0, certificate, ..AnswerModel::default() };
        Answers::new(Some(Arc::new(model))).read(&Reader::default(), &answer).certified
    };
    let contact = ticket.contact.as_deref();
    assert_eq!(
        [of_whom(contact, contact), of_whom(None, contact), of_whom(contact, None)],
        [true, false, false]
    );
    let denied = Answer { text: "Still not working.", ..answer };
    let model = AnswerModel {
        bias: 9.0,
        certificate: AnswerCertificate { threshold: Some(0.0), ..AnswerCertificate::default() },
        ..AnswerModel::default()
    };
    assert_eq!(
        Answers::new(Some(Arc::new(model))).read(&Reader::default(), &denied).said,
        Said::Contradicted
    );
}

proptest::proptest! {
    #[test]
    fn no_text_panics_nor_takes_long(text in "(?s).{0,400}") {
        read_as(&text);
    }
}

#[test]
fn a_hostile_text_is_bounded() {
    for text in [
        "not ".repeat(200_000),
        "works again ".repeat(100_000),
        "a\u{301}".repeat(300_000),
        "? ".repeat(300_000),
    ] {
        assert_ne!(read_as(&text).said, Said::Confirmed);
    }
}
