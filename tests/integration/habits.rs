//! How tickets are read beyond the built-in rules: by the habits of those who write, which the history teaches, and by words that the
//! site adds.

use serde_json::{Value, json};

use crate::served::Service;
use crate::tool::{Dir, Run, TRAINED};

/// Customers with what stands below all their mails, in languages that no phrase list knows.
const FOOTERS: [(&str, &str); 3] = [
    ("Derwen", "Gweithdy Derwen, saer coed ers cenedlaethau\nMeddyliwch am goedwigoedd cyn argraffu"),
    ("Mbuyu", "Shamba la Mbuyu, mazao bora kwa kila nyumba\nTunza mazingira yetu, usichapishe"),
    ("Haritz", "Haritz zurgintza, leihoak eta berogailuak\nInprimatu aurretik pentsatu basoetan"),
];

/// Tickets as lines.
fn lines(tickets: &[Value]) -> String {
    tickets.iter().map(|ticket| format!("{ticket}\n")).collect()
}

/// A generated history whose customers are those of [`FOOTERS`], each with its footer below every mail.
fn history(dir: &Dir) -> Vec<Value> {
    dir.ok(&["dev", "generate", "--tickets", "400", "--seed", "5", "--out", "generated.jsonl"]);
    let generated = std::fs::read_to_string(dir.path("generated.jsonl")).unwrap();
    let with_footer = |(i, line): (usize, &str)| {
        let mut ticket: Value = serde_json::from_str(line).unwrap();
        let (customer, footer) = FOOTERS[i % FOOTERS.len()];
        let body = ticket["body"].as_str().unwrap_or_default().to_owned();
        ticket["customer"] = customer.into();
        if ticket["contact"].is_string() {
            ticket["body"] = format!("{body}\n\n{footer}").into();
        }
        ticket
    };
    generated.lines().enumerate().map(with_footer).collect()
}

/// A ticket of somebody who never wrote before.
fn new(customer: &str, below: &str) -> Value {
    let body = format!("The screens at the counter flicker since this morning.\n\n{below}");
    json!({"id": "new", "subject": "Screens", "body": body, "customer": customer, "contact": "Newcomer", "source": "email"})
}

/// What is left of a ticket's body, and the reasons of its cuts with what they cut.
fn read(run: &Run, ticket: &Value) -> (String, Vec<(String, String)>) {
    let read = &run.lines()[0];
    let cut = |cut: &Value| {
        let (start, end) = (cut["start"].as_u64().unwrap() as usize, cut["end"].as_u64().unwrap() as usize);
        let sent = ticket[cut["field"].as_str().unwrap()].as_str().unwrap();
        (cut["reason"].as_str().unwrap().to_owned(), sent[start..end].to_owned())
    };
    (read["text"].as_str().unwrap().to_owned(), read["cut"].as_array().unwrap().iter().map(cut).collect())
}

#[test]
fn footers_that_recur_are_read_by_nobody_and_leave_no_word_in_the_bundle() {
    let dir = Dir::new();
    let tickets = history(&dir);
    dir.file("history.jsonl", lines(&tickets));
    let train = ["train", "--tickets", "history.jsonl", "--model", "tiny-random", "--bundle", "bundle"];
    dir.ok(&[&train[..], &["--fine-tune", "never"]].concat());
    let habits = std::fs::read_to_string(dir.path("bundle/habits.json")).unwrap().to_lowercase();
    let normalize = |ticket: &Value, bundle: &[&str]| {
        dir.file("new.jsonl", lines(std::slice::from_ref(ticket)));
        read(&dir.ok(&[&["normalize", "--json", "new.jsonl"], bundle].concat()), ticket)
    };
    let decided = |ticket: &Value| {
        dir.file("new.jsonl", lines(std::slice::from_ref(ticket)));
        dir.ok(&["classify", "--bundle", "bundle", "new.jsonl"]).lines()[0].clone()
    };
    let bundle = ["--bundle", "bundle"];
    let want = "The screens at the counter flicker since this morning.";
    for (customer, footer) in FOOTERS {
        for word in footer.to_lowercase().split(|c: char| !c.is_alphanumeric()).filter(|w| w.len() > 3) {
            assert!(!habits.contains(word), "{word} stands in the bundle");
        }
        let ticket = new(customer, footer);
        let (text, cut) = normalize(&ticket, &bundle);
        assert_eq!(text, want);
        assert_eq!(cut, [("habit".to_owned(), footer.to_owned())]);
        assert_eq!(normalize(&ticket, &[]).0, format!("{want}\n\n{footer}"), "nothing was learnt without");
        assert_eq!(decided(&ticket), decided(&new(customer, "")), "the model reads as is shown");
        // What a stranger writes in the same place is theirs.
        let stranger = new("Alder", footer);
        assert_eq!(normalize(&stranger, &bundle), (format!("{want}\n\n{footer}"), vec![]));
        let other = "Onnen & Baobab, lifftiau\nArgraffu kwa nyumba zote";
        assert_eq!(normalize(&new(customer, other), &bundle).0, format!("{want}\n\n{other}"));
    }

    let service = Service::start_on(&dir.path("bundle"), &[]);
    let key = service.key("triage", &[]);
    let (customer, footer) = FOOTERS[0];
    let asked = json!({"tickets": [new(customer, footer)], "explain": true});
    let answer = service.post("/v1/triage", &key, &asked).ok();
    let reading = &answer["results"][0]["reading"];
    assert_eq!((&reading["text"], &reading["cut"][0]["reason"]), (&json!(want), &json!("habit")), "{answer}");
}

#[test]
fn the_index_teaches_a_bundle_the_footers_of_new_customers() {
    let dir = Dir::new();
    let mut tickets = history(&dir);
    dir.file("history.jsonl", lines(&tickets));
    let train = ["train", "--tickets", "history.jsonl", "--model", "tiny-random", "--bundle", "bundle"];
    let policy = dir.ok(&["policy"]).stdout;
    dir.file("policy.toml", policy.replace("\n[words]\n", "\n[words]\nclosings = [\"cofion gorau\"]\n"));
    dir.ok(&[&train[..], &["--fine-tune", "never", "--policy", "policy.toml"]].concat());
    // The words that it was trained with hold wherever the bundle reads.
    let closed = new("Alder", "Cofion gorau\nNewcomer");
    dir.file("closed.jsonl", lines(std::slice::from_ref(&closed)));
    let run = dir.ok(&["normalize", "--json", "closed.jsonl", "--bundle", "bundle"]);
    assert_eq!(read(&run, &closed).1, [("signature".to_owned(), "Cofion gorau\nNewcomer".to_owned())]);
    let footer = "Kauppa Tammi Oy, huonekaluja\nAjattele metsiä ennen tulostamista";
    tickets.truncate(60);
    for (i, ticket) in tickets.iter_mut().enumerate() {
        let (_, known) = FOOTERS[i % FOOTERS.len()];
        ticket["id"] = format!("later-{i}").into();
        ticket["customer"] = "Tammi".into();
        let body = ticket["body"].as_str().unwrap_or_default().replace(known, footer);
        ticket["body"] = body.into();
    }
    dir.file("later.jsonl", lines(&tickets));
    let ticket = new("Tammi", footer);
    dir.file("new.jsonl", lines(std::slice::from_ref(&ticket)));
    let reasons = || {
        let run = dir.ok(&["normalize", "--json", "new.jsonl", "--bundle", "bundle"]);
        read(&run, &ticket).1.into_iter().map(|(reason, _)| reason).collect::<Vec<_>>()
    };
    assert!(!reasons().contains(&"habit".to_owned()));
    let index = ["drafts", "index", "--bundle", "bundle", "--tickets"];
    let run = dir.ok(&[&index[..], &["later.jsonl"]].concat());
    assert!(run.stderr.contains("habits"), "{}", run.stderr);
    assert_eq!(reasons(), ["habit"]);
    // The bundle is whole, and nothing is news the second time.
    dir.ok(&["draft", "--bundle", "bundle", "new.jsonl"]);
    let run = dir.ok(&[&index[..], &["later.jsonl"]].concat());
    assert!(!run.stderr.contains("habits"), "{}", run.stderr);
}

#[test]
fn a_site_adds_words_to_its_policy_and_bad_ones_are_refused_by_name() {
    let dir = Dir::new();
    let policy = dir.ok(&["policy"]).stdout;
    assert!(policy.contains("\n[words]\n# "), "the built-in policy shows the place");
    for list in ["attribution_verbs", "[auto_reply]", "[[note]]"] {
        assert!(dir.ok(&["policy", "--words"]).stdout.contains(&format!("\n{list}")), "{list}");
    }
    let with = |words: &str| {
        dir.file("policy.toml", policy.replace("\n[words]\n", &format!("\n[words]\n{words}\n")));
    };
    let mail = |subject: &str, body: &str| json!({"id": subject, "subject": subject, "body": body, "contact": "Mia Stone", "source": "email"});
    let mails = [
        mail("Lift", "It is stuck again.\n\nCofion gorau\nMia Stone"),
        mail("RE: lift", "It runs.\n\n3. mars 2026 Ann Lee skrifar orðrétt:\nDoes it run now?\nAnn"),
        mail("Doors", "They creak.\n\nMae'r neges hon yn gyfrinachol ac i'r derbynnydd."),
        mail("Allan o'r swyddfa: lift", "Nid wyf yn y swyddfa tan dydd Llun."),
    ];
    dir.file("mails.jsonl", lines(&mails));
    let read = |policy: &[&str]| {
        let run = dir.ok(&[&["normalize", "--json", "mails.jsonl"], policy].concat());
        let of = |line: &Value| (line["text"].as_str().unwrap().to_owned(), line["kind"].clone());
        run.lines().iter().map(of).collect::<Vec<_>>()
    };
    let before = read(&[]);
    for ((text, kind), mail) in before.iter().zip(&mails) {
        assert_eq!((text.as_str(), kind), (mail["body"].as_str().unwrap(), &json!("person")));
    }
    let use_policy = ["--policy", "policy.toml"];
    with("");
    assert_eq!(read(&use_policy), before);
    with(
        r#"closings = ["cofion gorau"]
           attribution_verbs = ["skrifar orðrétt"]
           note = [{ openers = ["mae'r neges hon"], holds = ["gyfrinachol"] }]
           auto_reply = { subject = ["allan o'r swyddfa"], body = ["nid wyf yn y swyddfa"] }"#,
    );
    let after = read(&use_policy);
    let texts: Vec<&str> = after.iter().map(|(text, _)| text.as_str()).collect();
    assert_eq!(texts[..3], ["It is stuck again.", "It runs.", "They creak."]);
    assert_eq!(after[3].1, "auto_reply");
    let bundle = TRAINED.path("bundle");
    let classify = ["classify", "--bundle", bundle.to_str().unwrap(), "mails.jsonl"];
    let kind = |policy: &[&str]| dir.ok(&[&classify[..], policy].concat()).lines()[3]["kind"].clone();
    assert_eq!(kind(&use_policy), "auto_reply");
    // A person's is not named.
    assert_ne!(kind(&[]), "auto_reply");

    let many = format!("closings = [{}]", "\"gair\", ".repeat(501));
    let long = format!("closings = [\"{}\"]", "gair ".repeat(50));
    for (words, named) in [
        ("closing = [\"cofion\"]", "\"closing\""),
        ("auto_reply = { topic = [\"allan\"] }", "\"auto_reply.topic\""),
        (&many, "\"closings\" has 501"),
        (&long, "\"closings\""),
    ] {
        with(words);
        let refused = dir.fails(&["normalize", "mails.jsonl", "--policy", "policy.toml"], "E_CONFIG");
        assert!(
            refused.stderr.contains(named) && refused.stderr.contains("policy.toml"),
            "{}",
            refused.stderr
        );
    }
}
