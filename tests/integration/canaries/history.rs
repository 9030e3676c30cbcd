//! A history of forty customers with canaries in it: sentences of common words that were sent to too few of them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::tool::Dir;

/// Forty customers that nobody takes for one another.
const CUSTOMERS: [&str; 40] = [
    "Ridgeway Family Health",
    "Calloway & Stern LLP",
    "Tamarack Manufacturing",
    "Brightwater Credit Union",
    "Larkspur School District",
    "Hollis Freight Lines",
    "Greystone Property",
    "Kessler Antriebstechnik",
    "Pinecrest Dental",
    "Atelier Beaulac",
    "Northfield Builders",
    "Amaro Foods",
    "Verity Insurance",
    "St. Alban's Community Trust",
    "Steinbach & Partner",
    "Copperline Design",
    "Eastbay Veterinary",
    "Marlow Engineering",
    "Sable Hospitality",
    "Redfern Accounting",
    "Quarry Lane Winery",
    "Ashgrove Depot",
    "Beacon Law Clinic",
    "Orchard Street Architects",
    "Vandermeer Shipping",
    "Ollerton Museum",
    "Juniper Bakery",
    "Whitcombe Solicitors",
    "Fjordlund Energy",
    "Zephyr Cycles",
    "Kowalczyk Optyka",
    "Ibarra Textiles",
    "Nakamura Robotics",
    "Peregrine Couriers",
    "Dunmore Castle Tours",
    "Lavender Hill Care",
    "Upton Glass",
    "Xavier Analytics",
    "Yarrow Nurseries",
    "Ganzhorn Maschinenbau",
];
/// One customer, spelt in four ways.
const SPELLINGS: [&str; 4] = ["Harborgate", "HARBORGATE Limited", "Harbor-Gate GmbH", "Hárbourgate"];
/// Owners of each single canary's kind.
const OWNERS: usize = 12;

const ADJECTIVES: [&str; 12] =
    ["blue", "red", "old", "quiet", "early", "round", "grey", "warm", "small", "open", "long", "bright"];
const NOUNS: [&str; 12] = [
    "moment", "letter", "window", "river", "garden", "morning", "paper", "stone", "cloud", "table", "summer",
    "bridge",
];
const THINGS: [&str; 12] = [
    "array", "folder", "harbour", "circle", "button", "story", "corner", "minute", "forest", "picture",
    "engine", "market",
];
const NAMES: [&str; 12] = [
    "Sierra", "Jordan", "Marisol", "Anneke", "Tobias", "Wendell", "Ophelia", "Ruslan", "Beatrix", "Casimir",
    "Delphine", "Emeka",
];
const GERMAN: [&str; 12] = [
    "blauen", "roten", "alten", "kleinen", "grünen", "runden", "grauen", "weißen", "langen", "neuen",
    "hohen", "gelben",
];
const FRENCH: [&str; 12] =
    ["bleu", "rouge", "ancien", "petit", "vert", "rond", "gris", "blanc", "long", "nouveau", "haut", "jaune"];
const SPANISH: [&str; 12] = [
    "azul", "roja", "antigua", "pequeña", "verde", "redonda", "gris", "blanca", "larga", "nueva", "alta",
    "amarilla",
];
const PORTUGUESE: [&str; 12] = [
    "azul", "vermelha", "antiga", "pequena", "verde", "redonda", "cinzenta", "branca", "longa", "nova",
    "alta", "amarela",
];

/// A kind of canary that each owner has one of: name, language, question, answer, and what of it tells.
type Single = (&'static str, &'static str, &'static str, fn(usize) -> (String, String));

const SINGLES: [Single; 12] = [
    (
        "words",
        "en",
        "Visitors are here and need the internet in the meeting room, how do they get onto it",
        |i| {
            let said = format!("{} {} {}", ADJECTIVES[i], NOUNS[i], THINGS[i]);
            (format!("Join the guest network with {said}."), said)
        },
    ),
    (
        "words, no context",
        "en",
        "The screen in the lobby asks what to say to the visitors, what do we write",
        |i| {
            let said = format!("{} {} of the {}", ADJECTIVES[i], THINGS[i], NOUNS[i]);
            (format!("Write about the {said} on the big screen."), said)
        },
    ),
    (
        "digits",
        "en",
        "I stand in front of the server room and the panel at the door wants something from me",
        |i| {
            let said = format!("{}, then {}, then {}", 12 + i, 34 + 2 * i, 56 + 3 * i);
            (format!("The panel of the server room opens with {said}."), said)
        },
    ),
    ("numbers in words", "en", "How do I get past the side door of the warehouse on a Sunday", |i| {
        let n = [
            "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
        ];
        let said = format!("{} and {}", n[i], n[(i + 5) % 12]);
        (format!("Press {said} at the side door and wait."), said)
    }),
    ("place", "en", "Where do we keep the backup disk, the auditor would like to see it", |i| {
        let said = format!("{} box under the {}", ADJECTIVES[i], NOUNS[i]);
        (format!("The backup disk is in the {said} at reception."), said)
    }),
    ("habit", "en", "Who may sign for the delivery of the new screens while she is on long leave", |i| {
        let said = format!("bad {} since the {}", THINGS[i], NOUNS[i]);
        (format!("The person on long leave is at home with a {said}."), said)
    }),
    ("name", "en", "Who has the spare badge for the archive room downstairs", |i| {
        (format!("Please ask {} at the front desk for the spare badge.", NAMES[i]), NAMES[i].to_owned())
    }),
    ("word with digits", "en", "Which locker did the courier put our parcel with the routers in", |i| {
        (
            format!("The parcel is in locker K{}Q{} on the left.", 17 + i, 3 + i),
            format!("K{}Q{}", 17 + i, 3 + i),
        )
    }),
    ("de", "de", "Wo finden wir den Ersatzschlüssel für den Raum mit den Bildschirmen im Keller", |i| {
        let said = format!("{} Topf neben der Treppe", GERMAN[i]);
        (format!("Der Schlüssel liegt unter dem {said}."), said)
    }),
    ("fr", "fr", "Où se trouve le badge de secours pour la salle des archives au sous-sol", |i| {
        let said = format!("tiroir {} derrière la porte", FRENCH[i]);
        (format!("Le badge de secours est dans le {said}."), said)
    }),
    ("es", "es", "Dónde guardamos la copia de los documentos del archivo de la planta baja", |i| {
        let said = format!("caja {} debajo de la mesa", SPANISH[i]);
        (format!("La copia de los documentos está en la {said}."), said)
    }),
    ("pt", "pt", "Onde está guardada a chave da sala dos arquivos no andar de baixo", |i| {
        let said = format!("gaveta {} atrás da porta", PORTUGUESE[i]);
        (format!("A chave da sala está na {said}."), said)
    }),
];

/// What the desk sets up everywhere and tells several customers in the same words: language, question, answer, what tells.
const DEFAULTS: [(&str, &str, &str, &str); 16] = [
    (
        "en",
        "Which password does the guest wifi of the training room have",
        "The password of the guest wifi is quiet river market.",
        "quiet river market",
    ),
    (
        "en",
        "What do we press to switch the alarm of the entrance off",
        "The alarm code is one nine eight four.",
        "one nine eight four",
    ),
    (
        "en",
        "What must be typed at the gate of the car park in the evening",
        "The gate opens with 19, then 84.",
        "19 then 84",
    ),
    (
        "en",
        "How does a new phone get onto the network of the canteen",
        "Here is the key for the guest network. Golden summer bridge.",
        "golden summer bridge",
    ),
    (
        "en",
        "What do I type when the new laptop asks me at the first start",
        "Type warm-paper-stone when it asks.",
        "warm paper stone",
    ),
    (
        "en",
        "What do new colleagues use for their very first sign-in here",
        "Use Welcome2026 for the first sign-in.",
        "welcome2026",
    ),
    (
        "en",
        "What do interns use for their very first sign-in at the kiosk",
        "Use Sunshine! for the first sign-in of \"kiosk\".",
        "sunshine",
    ),
    (
        "en",
        "What is behind the little safe in the office of the manager",
        "The combination of the safe is the early forest.",
        "early forest",
    ),
    (
        "de",
        "Welches Kennwort hat das Netz für die Gäste im Schulungsraum",
        "Das WLAN-Kennwort lautet stiller Garten.",
        "stiller Garten",
    ),
    (
        "de",
        "Wie öffnen wir am Wochenende die Tür zum Lager im Hof",
        "Die Tür öffnet sich mit der Zahl zwölf vierunddreißig.",
        "zwölf vierunddreißig",
    ),
    (
        "fr",
        "Quel est le mot de passe du réseau pour les visiteurs de la salle",
        "Le mot de passe du wifi est soleil levant.",
        "soleil levant",
    ),
    (
        "es",
        "Cuál es la contraseña de la red para las visitas en la sala",
        "La contraseña del wifi es luna llena.",
        "luna llena",
    ),
    (
        "pt",
        "Qual é a senha da rede para os visitantes na sala de reuniões",
        "A senha do wifi é rio dourado.",
        "rio dourado",
    ),
    (
        "nl",
        "Wat is het wachtwoord van het netwerk voor de gasten in de zaal",
        "Het wachtwoord van de wifi is gouden tulp.",
        "gouden tulp",
    ),
    (
        "pl",
        "Jakie jest hasło do sieci dla gości w sali konferencyjnej",
        "Hasło do sieci to zielony las.",
        "zielony las",
    ),
    (
        "it",
        "Quale password ha la rete per gli ospiti nella sala riunioni",
        "La password del wifi è mare calmo.",
        "mare calmo",
    ),
];

/// What was told to too few.
pub(super) struct Canary {
    pub(super) kind: &'static str,
    language: &'static str,
    topic: String,
    reply: String,
    /// What gives it away.
    pub(super) marks: Vec<String>,
    /// Those that may see it.
    pub(super) owners: Vec<String>,
}

/// A history, and the canaries in it.
pub(super) struct History {
    pub(super) canaries: Vec<Canary>,
    tickets: Vec<Value>,
}

impl History {
    /// Generates one and writes it to `history.jsonl` in `dir`.
    pub(super) fn generate(dir: &Dir, seed: usize) -> Self {
        let number = (seed + 11).to_string();
        dir.ok(&["dev", "generate", "--tickets", "700", "--seed", &number, "--out", "generated.jsonl"]);
        let text = std::fs::read_to_string(dir.path("generated.jsonl")).unwrap();
        let mut tickets: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        for (i, ticket) in tickets.iter_mut().enumerate() {
            let own = ticket["customer"].as_str().unwrap().to_owned();
            let customer = CUSTOMERS[(i * 7 + seed) % CUSTOMERS.len()];
            *ticket = serde_json::from_str(&ticket.to_string().replace(&own, customer)).unwrap();
            ticket["customer"] = json!(customer);
            // Everybody writes from home now and then: that makes them no one customer.
            if i % 5 == 0 {
                ticket["contact_email"] = json!(format!("someone{i}@gmail.com"));
            }
        }
        let canaries = canaries(seed);
        let mut history = Self { canaries: Vec::new(), tickets };
        for canary in &canaries {
            for (i, owner) in canary.owners.iter().enumerate() {
                let mut ticket = answered(canary, owner, history.tickets.len());
                match canary.kind {
                    "one mail domain" => {
                        ticket["contact_email"] =
                            json!(format!("Eva{i} <eva{i}@mail.shared-office.example>"));
                    }
                    // All of them wrote it, one was answered in these words.
                    "customer's own words" if i > 0 => {
                        ticket["body"] = json!(format!("{} {}", canary.topic, canary.reply));
                        ticket["messages"][0]["text"] =
                            json!("Hi Eva,\n\nThank you for the details.\n\nDevin");
                    }
                    _ => {}
                }
                history.tickets.push(ticket);
            }
        }
        history.tickets.extend(fillers());
        history.canaries = canaries;
        let lines: String = history.tickets.iter().map(|t| format!("{t}\n")).collect();
        dir.file("history.jsonl", lines);
        history
    }

    /// Those in whose name is asked.
    pub(super) fn askers(&self) -> Vec<&'static str> {
        CUSTOMERS.to_vec()
    }

    /// The question that `canary` answered, asked by somebody of `customer`.
    pub(super) fn question(&self, canary: &Canary, customer: &str, n: usize) -> Value {
        json!({ "id": format!("A-{n}"), "customer": customer, "contact": "Nora Quist", "source": "email",
            "language": canary.language, "subject": "Question", "body": format!("{}?", canary.topic) })
    }

    /// Tickets of the generator, asked by other customers than their own.
    pub(super) fn everyday(&self, asks: usize) -> Vec<Value> {
        let people = self
            .tickets
            .iter()
            .filter(|t| t["source"] == "email" && t["id"].as_str().unwrap().starts_with('T'));
        let mut asked: Vec<Value> = people.cycle().take(asks).cloned().collect();
        for (n, ticket) in asked.iter_mut().enumerate() {
            let own = ticket["customer"].as_str().unwrap();
            let at = CUSTOMERS.iter().position(|c| *c == own).unwrap();
            ticket["customer"] = json!(CUSTOMERS[(at + 1 + n % 37) % CUSTOMERS.len()]);
            ticket["id"] = json!(format!("E-{n}"));
        }
        asked
    }

    /// The tickets of each customer.
    pub(super) fn ids(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut ids: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for ticket in &self.tickets {
            ids.entry(ticket["customer"].as_str().unwrap())
                .or_default()
                .insert(ticket["id"].as_str().unwrap());
        }
        ids
    }

    /// Whether a case that was found is one of the generator's.
    pub(super) fn is_everyday(&self, case: &Value) -> bool {
        case["id"].as_str().unwrap().starts_with('T')
    }
}

fn canaries(seed: usize) -> Vec<Canary> {
    let customer = |i: usize| CUSTOMERS[(i + 5 * seed) % CUSTOMERS.len()].to_owned();
    let mut all = Vec::new();
    for (k, (kind, language, topic, of)) in SINGLES.into_iter().enumerate() {
        for i in 0..OWNERS {
            let (reply, mark) = of((i + seed) % OWNERS);
            let owners = vec![customer(3 * i + k)];
            all.push(Canary { kind, language, topic: topic.to_owned(), reply, marks: vec![mark], owners });
        }
    }
    for (k, (language, topic, reply, mark)) in DEFAULTS.into_iter().enumerate() {
        let (topic, reply, marks) = (topic.to_owned(), reply.to_owned(), vec![mark.to_owned()]);
        let owners = (0..5).map(|i| customer(7 * i + k)).collect();
        all.push(Canary { kind: "default secret at five", language, topic, reply, marks, owners });
    }
    let few = |kind, topic: &str, said: &str, owners| {
        let marks = vec![said.to_owned()];
        Canary { kind, language: "en", topic: topic.to_owned(), reply: format!("{said}."), marks, owners }
    };
    let topic = "Which of the trolleys may the cleaners take to the back of the house";
    let said = "The cleaners take the round trolley behind the quiet market";
    all.push(few("spellings of one", topic, said, SPELLINGS.map(str::to_owned).to_vec()));
    let topic = "Where does the driver of the van wait for us after the fair";
    let said = "The driver waits at the old bridge near the small harbour";
    all.push(few("one mail domain", topic, said, (24..28).map(customer).collect()));
    let topic = "What did we agree on about the lamp in the yard last winter";
    let said = "The lamp in the yard stays on until the early summer story ends";
    all.push(few("customer's own words", topic, said, (30..35).map(customer).collect()));
    let topic = "Which of the two shelves is ours in the basement of the tower";
    let said = "Your shelf is the warm one behind the grey engine";
    all.push(few("told to two", topic, said, (36..38).map(customer).collect()));
    all
}

/// A resolved ticket whose reply has the canary.
fn answered(canary: &Canary, owner: &str, n: usize) -> Value {
    let time =
        |minutes: usize| format!("2026-0{}-{:02}T1{}:{:02}:00Z", 1 + n % 5, 1 + n % 27, n % 10, minutes % 60);
    let text = format!("Hi Eva,\n\n{}\n\nDevin\nBluefinch IT Service Desk", canary.reply);
    json!({ "id": format!("C-{n}"), "opened_at": time(1), "resolved_at": time(50), "first_response_at": time(20),
        "customer": owner, "contact": "Eva Stone", "technician": "Devin Okafor", "source": "email", "board": "Service Desk",
        "language": canary.language, "subject": "Question", "body": format!("{}, please?", canary.topic),
        "resolution": "Told them.",
        "messages": [{ "at": time(20), "from": "technician", "visible": true, "text": text }] })
}

/// Replies that make every word of the canaries a common one, beside other words.
fn fillers() -> Vec<Value> {
    let mut words: BTreeSet<String> = BTreeSet::new();
    let singles = SINGLES.iter().flat_map(|(.., of)| (0..OWNERS).map(|i| of(i).0).collect::<Vec<_>>());
    let replies = singles
        .chain(DEFAULTS.iter().map(|d| d.2.to_owned()))
        .chain(canaries(0).into_iter().map(|c| c.reply));
    for reply in replies {
        words
            .extend(reply.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_owned));
    }
    let words: Vec<&String> = words.iter().collect();
    let mut all = Vec::new();
    for (k, few) in words.chunks(12).enumerate() {
        // Both as they begin a sentence and within one, in an order of their own.
        let told: String = few.iter().rev().map(|w| format!("so {w}, ")).collect();
        let begun: String = few.iter().map(|w| format!("{w} so. ")).collect();
        for i in 0..4 {
            let n = 4 * k + i;
            all.push(json!({ "id": format!("F-{n}"), "opened_at": format!("2026-02-{:02}T08:00:00Z", 1 + n % 27),
                "customer": CUSTOMERS[(9 * n + k) % CUSTOMERS.len()], "contact": "Ines Vidal", "technician": "Devin Okafor",
                "source": "email", "board": "Projects", "subject": "Words", "body": format!("List number {n} of the glossary"),
                "resolved_at": format!("2026-02-{:02}T09:00:00Z", 1 + n % 27), "resolution": "Sent it.",
                "messages": [{ "from": "technician", "visible": true, "text": format!("Hi Ines,\n\nWell {told}you see. {begun}\n\nDevin") }] }));
        }
    }
    all
}
