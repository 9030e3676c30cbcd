//! First responses: from past replies, to the right people, and nothing of one customer's for another.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::tool::{Dir, TRAINED};

/// Customers that a ticket is asked to come from, beside its own.
const OTHERS: usize = 4;

fn history(dir: &Dir) -> Vec<Value> {
    let text = std::fs::read_to_string(dir.path("history.jsonl")).unwrap();
    text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

fn lines(tickets: &[Value]) -> String {
    tickets.iter().map(|t| format!("{t}\n")).collect()
}

/// A history in which every customer's tickets, and the replies to them, carry words of their own: a name, a host, a
/// password, a link, a word, a whole sentence.
fn with_canaries(tickets: &mut [Value]) -> BTreeMap<String, Vec<String>> {
    let mut canaries: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let customers: BTreeSet<String> =
        tickets.iter().filter_map(|t| t["customer"].as_str().map(str::to_owned)).collect();
    for (i, customer) in customers.iter().enumerate() {
        // Letters alone: no pattern knows them.
        let [high, low] = [i / 26, i % 26].map(|n| char::from(b'a' + n as u8));
        let mark = |kind: &str| format!("{kind}{high}{low}q");
        canaries
            .insert(customer.clone(), ["zorp", "quux", "vlim", "drel", "plok", "snib"].map(mark).to_vec());
    }
    for (n, ticket) in tickets.iter_mut().enumerate() {
        let Some(customer) = ticket["customer"].as_str() else { continue };
        let [name, host, secret, link, word, sentence] = canaries[customer].clone().try_into().unwrap();
        let texts = [
            format!("Please ask {name} about it."),
            format!("I restarted {host} for you."),
            format!("Your password is {secret}."),
            format!("See https://files.example/{link} for the steps."),
            format!("The {word} is installed now."),
            format!("{sentence} is what we call it here."),
        ];
        let body = ticket["body"].as_str().unwrap_or_default();
        ticket["body"] = json!(format!("{body}\n{}", texts[n % 6]));
        for message in ticket.get_mut("messages").and_then(Value::as_array_mut).into_iter().flatten() {
            if message["from"] == "technician" {
                let text = message["text"].as_str().unwrap();
                message["text"] = json!(text.replacen("\n\n", &format!("\n\n{} ", texts[n % 6]), 1));
            }
        }
        ticket["resolution"] = json!(texts[n % 6]);
    }
    canaries
}

#[test]
fn what_one_customer_wrote_never_stands_in_a_draft_for_another() {
    let dir = Dir::new();
    dir.ok(&["dev", "generate", "--tickets", "700", "--seed", "4", "--out", "history.jsonl"]);
    let mut tickets = history(&dir);
    let canaries = with_canaries(&mut tickets);
    assert!(canaries.len() >= 10);
    dir.file("history.jsonl", lines(&tickets));
    let train = ["train", "--tickets", "history.jsonl", "--model", "tiny-random", "--fine-tune", "never"];
    dir.ok(&[&train[..], &["--bundle", "bundle"]].concat());

    let customers: Vec<&String> = canaries.keys().collect();
    let mut asked = Vec::new();
    for (n, ticket) in tickets.iter().enumerate() {
        for k in 0..OTHERS {
            let mut other = ticket.clone();
            other["customer"] = json!(customers[(n + k * 5) % customers.len()]);
            other["id"] = json!(format!("{n}-{k}"));
            asked.push(other);
        }
    }
    dir.file("asked.jsonl", lines(&asked));
    let run = dir.ok(&["draft", "--bundle", "bundle", "asked.jsonl"]);
    let (mut drafts, mut retrieved, mut own) = (0, 0, 0);
    for (asked, line) in asked.iter().zip(run.lines()) {
        assert_eq!(asked["id"], line["id"]);
        if line["draft"].is_null() {
            continue;
        }
        drafts += 1;
        retrieved += usize::from(line["draft"]["origin"] == "retrieved");
        let shown = format!("{}{}", line["draft"]["text"], line["draft"]["sources"]);
        for (customer, words) in &canaries {
            if let Some(leak) = words.iter().find(|w| shown.contains(w.as_str())) {
                assert_eq!(asked["customer"], customer.as_str(), "{leak} of {customer} in {shown}");
                own += 1;
            }
        }
    }
    assert!(drafts > 2_000 && retrieved > 200, "{drafts} drafts, {retrieved} from past replies");
    println!(
        "{drafts} drafts, {retrieved} from past replies, {own} with a word of the customer's own, 0 with another's"
    );
}

#[test]
fn a_draft_greets_cites_its_sources_and_says_how_sure_it_is() {
    let tickets = history(&TRAINED);
    let people: Vec<Value> = tickets.iter().filter(|t| t["source"] == "email").take(60).cloned().collect();
    TRAINED.file("people.jsonl", lines(&people));
    let run = TRAINED.ok(&["draft", "--bundle", "bundle", "people.jsonl"]);
    let mut cited = 0;
    for (ticket, line) in people.iter().zip(run.lines()) {
        let draft = &line["draft"];
        assert_eq!(ticket["id"], line["id"]);
        let text = draft["text"].as_str().unwrap_or_default();
        if text.is_empty() {
            continue;
        }
        let first = ticket["contact"].as_str().unwrap().split(' ').next().unwrap();
        assert!(text.lines().next().unwrap().contains(first), "{text}");
        assert_eq!(draft["basis"], "prior");
        assert!(draft["verdicts"].as_array().unwrap().iter().all(|v| v["passed"] == true));
        for source in draft["sources"].as_array().unwrap() {
            for sentence in source["sentences"].as_array().unwrap() {
                assert!(text.contains(sentence.as_str().unwrap()), "{sentence} is not in {text}");
                cited += 1;
            }
        }
    }
    assert!(cited > 10, "{cited} sentences were cited");
    // A monitoring system gets no answer; a line that is no ticket is answered in its place.
    let alert = tickets.iter().find(|t| t["source"] == "monitoring").unwrap();
    TRAINED.file("mixed.jsonl", format!("not json\n{alert}\n"));
    let run = TRAINED.run(&["draft", "--bundle", "bundle", "mixed.jsonl"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert_eq!(run.lines()[0]["error"]["code"], "E_TICKET_JSON");
    assert!(run.lines()[1]["draft"].is_null());
}

#[test]
fn who_asks_for_a_password_is_identified_first() {
    let asked = json!({ "id": "1", "customer": "Amaro Foods", "contact": "Eva Stone", "source": "email",
        "subject": "Password", "body": "Please reset my password, I am locked out of my account since this morning." });
    TRAINED.file("asked.jsonl", lines(&[asked]));
    let draft = TRAINED.ok(&["draft", "--bundle", "bundle", "asked.jsonl"]).lines()[0]["draft"].clone();
    assert_eq!(draft["verify_identity"], true);
    assert!(draft["text"].as_str().unwrap().contains("verify that it is you"), "{draft}");
}

#[test]
fn resolved_tickets_are_added_once_and_found() {
    let dir = Dir::new();
    let tickets = history(&TRAINED);
    dir.file("history.jsonl", lines(&tickets));
    let train = ["train", "--tickets", "history.jsonl", "--model", "tiny-random", "--fine-tune", "never"];
    dir.ok(&[&train[..], &["--bundle", "bundle", "--fields", "board"]].concat());
    let index = ["drafts", "index", "--bundle", "bundle", "--tickets", "history.jsonl", "--json"];
    let first = dir.ok(&index).json();
    assert!(first["added"].as_u64().unwrap() > 20, "those held out were not in it: {first}");
    let again = dir.ok(&index).json();
    assert_eq!((again["added"].as_u64(), &again["cases"]), (Some(0), &first["cases"]));
    let rebuilt = dir.ok(&[&index[..], &["--rebuild"]].concat()).json();
    assert_eq!(rebuilt["cases"], first["cases"]);

    let one = tickets.iter().find(|t| t["resolution"].is_string()).unwrap();
    dir.file("one.jsonl", lines(std::slice::from_ref(one)));
    let found =
        dir.ok(&["drafts", "similar", "--bundle", "bundle", "one.jsonl", "--top", "3"]).lines()[0].clone();
    let hits = found["similar"].as_array().unwrap();
    assert!(hits.len() == 3 && hits[0]["id"] == one["id"], "{found}");
    let customer = one["customer"].as_str().unwrap();
    let only = ["drafts", "similar", "--bundle", "bundle", "one.jsonl", "--customer", customer];
    let only = dir.ok(&only).lines()[0].clone();
    assert!(only["similar"].as_array().unwrap().iter().all(|h| h["customer"] == customer));
    let table =
        dir.ok(&["drafts", "similar", "--bundle", "bundle", "--text", "printer does not print"]).stdout;
    assert!(table.contains("resolved by"));
    // A customer that is forgotten is in none of the index's files any more; everybody else's tickets are.
    let named = |dir: &Dir| {
        let files = std::fs::read_dir(dir.path("bundle/index")).unwrap();
        let bytes = files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect::<Vec<_>>();
        String::from_utf8_lossy(&bytes).to_lowercase().contains(&customer.to_lowercase())
    };
    assert!(named(&dir));
    let forget = ["drafts", "index", "--bundle", "bundle", "--forget", &customer.to_uppercase(), "--json"];
    let gone = dir.ok(&forget).json();
    let (removed, left) = (gone["removed"].as_u64().unwrap(), gone["cases"].as_u64().unwrap());
    assert!(removed > 0 && removed + left == first["cases"].as_u64().unwrap(), "{gone}");
    assert!(!named(&dir));
    assert_eq!(dir.ok(&forget).json()["removed"], 0);
    let all = ["drafts", "similar", "--bundle", "bundle", "one.jsonl", "--top", "50"];
    let found = dir.ok(&all).lines()[0].clone();
    assert!(found["similar"].as_array().unwrap().iter().all(|h| h["customer"] != customer), "{found}");
    assert_eq!(dir.run(&["drafts", "index", "--bundle", "bundle"]).code, 2);
    // A damaged segment is refused by name.
    let segment = dir.path("bundle/index/000001.cases");
    let mut bytes = std::fs::read(&segment).unwrap();
    let last = bytes.len() - 3;
    bytes[last] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let run = dir.fails(&["drafts", "similar", "--bundle", "bundle", "one.jsonl"], "E_BUNDLE");
    assert!(run.stderr.contains("000001.cases"), "{}", run.stderr);
}

#[test]
fn drafts_are_measured_against_what_was_sent() {
    let report = TRAINED
        .ok(&["drafts", "evaluate", "--bundle", "bundle", "--tickets", "history.jsonl", "--json"])
        .json();
    let all = &report["all"];
    assert!(report["tickets"].as_u64().unwrap() > 20 && all["n"] == report["drafted"], "{report}");
    for key in ["rouge_l", "same_content"] {
        assert!((0.0..=1.0).contains(&all[key].as_f64().unwrap()), "{report}");
    }
}

/// A history in this language: every reply begins with `opening`, and about a third are of one category, ask `asked` and get `answer`.
fn told_in(tickets: &mut [Value], language: &str, [opening, asked, answer]: [&str; 3]) {
    const CATEGORY: [&str; 3] = ["board", "type", "subtype"];
    let mut category = None;
    let mut told = 0;
    for ticket in tickets.iter_mut().filter(|t| t["source"] == "email" && t["customer"].is_string()) {
        let own = CATEGORY.map(|field| ticket[field].clone());
        let Some(messages) = ticket.get_mut("messages").and_then(Value::as_array_mut) else { continue };
        let first = messages.iter_mut().find(|m| m["from"] == "technician" && m["visible"] != false);
        let Some(first) = first else { continue };
        let of_the_matter = told % 20 < 7;
        first["text"] = json!(format!("{opening}{}", if of_the_matter { answer } else { "" }));
        ticket["language"] = json!(language);
        if of_the_matter {
            (ticket["body"], ticket["subject"]) = (json!(asked), json!(asked));
            for (field, label) in CATEGORY.iter().zip(category.get_or_insert(own).iter()) {
                ticket[*field] = label.clone();
            }
        }
        told += 1;
    }
    assert!(told > 50, "{told} replies in {language}");
}

#[test]
fn a_language_without_word_lists_gets_a_template_or_an_acknowledgement() {
    let dir = Dir::new();
    dir.ok(&["dev", "generate", "--tickets", "600", "--seed", "8", "--out", "history.jsonl"]);
    let mut tickets = history(&dir);
    let finnish = [
        "Hei,\n\nKiitos viestistäsi.",
        "Tulostin ei toimi.",
        " Käynnistä tietokone uudelleen ja kokeile vielä kerran.",
    ];
    let german = [
        "Guten Tag,\n\nDanke für Ihre Meldung.",
        "Der Drucker geht nicht.",
        " Bitte starten Sie den Rechner neu.",
    ];
    let half = tickets.len() / 2;
    let (first, second) = tickets.split_at_mut(half);
    told_in(first, "fi", finnish);
    told_in(second, "de", german);
    dir.file("history.jsonl", lines(&tickets));
    let train = ["train", "--tickets", "history.jsonl", "--model", "tiny-random", "--fine-tune", "never"];
    dir.ok(&[&train[..], &["--bundle", "bundle"]].concat());
    let voice = dir.ok(&["draft", "--print-voice"]).stdout;
    let own = "\n[fi]\ngreeting = \"Hei {contact},\"\ngreeting_without_name = \"Hei,\"\nopening = \"Hyvä, että kirjoitit.\"\n\
               acknowledgement = \"Pyyntö on vastaanotettu.\"\nquestion = \"Milloin se alkoi?\"\nidentity = \"Soitamme sinulle ensin.\"\n";
    dir.file("voice.toml", format!("{voice}{own}"));
    firstline_nn::write_tiny_decoder(&dir.path("writer.gguf"), "llama").unwrap();
    let asked = |language: &str, body: &str| {
        json!({ "id": language, "customer": "Amaro Foods", "contact": "Eva Stone", "source": "email",
            "subject": body, "body": body, "language": language })
    };
    dir.file("asked.jsonl", lines(&[asked("fi", finnish[1]), asked("de", german[1])]));
    let base = ["draft", "--bundle", "bundle", "asked.jsonl"];
    let drafts = |more: &[&str]| {
        let run = dir.ok(&[&base[..], more].concat());
        run.lines().iter().map(|line| line["draft"].clone()).collect::<Vec<_>>()
    };
    for more in [&["--voice", "voice.toml"][..], &["--voice", "voice.toml", "--writer", "writer.gguf"]] {
        let [none, composed] = &drafts(more)[..] else { unreachable!() };
        assert!(["retrieved", "generated"].contains(&composed["origin"].as_str().unwrap()), "{composed}");
        let text = composed["text"].as_str().unwrap();
        assert!(text.contains("Danke für Ihre Meldung. Bitte starten Sie den Rechner neu."), "{composed}");
        assert_eq!(none["origin"], "acknowledgement", "{none}");
        let text = none["text"].as_str().unwrap();
        assert!(text.contains("vastaanotettu") && none["sources"].as_array().unwrap().is_empty(), "{none}");
        assert!(!text.contains("viestistäsi") && !text.contains("Käynnistä"), "{none}");
    }
    // The built-in voice does not speak it: a person writes.
    assert!(drafts(&[])[0].is_null());
    // What a person has approved may be said in any language.
    let templates = std::fs::read_to_string(dir.path("bundle.templates.toml")).unwrap();
    assert!(templates.contains("Käynnistä"), "{templates}");
    dir.file("bundle.templates.toml", templates.replace("approved = false", "approved = true"));
    let approved = &drafts(&["--voice", "voice.toml"])[0];
    assert_eq!(approved["origin"], "template", "{approved}");
}
