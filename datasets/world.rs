//! The invented customers with their people and machines, and who looks after them.

use crate::calendar::{MINUTE, Zone};
use crate::catalog::{Catalog, CustomerRow, Names};
use crate::dice::{Dice, Stream, Wheel};
use crate::settings::Settings;

/// How a person writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Persona {
    Plain,
    Terse,
    Chatty,
    Angry,
    NonNative,
    Formal,
    SubjectOnly,
}

const PERSONAS: [(Persona, f64); 7] = [
    (Persona::Plain, 0.36),
    (Persona::Terse, 0.19),
    (Persona::Chatty, 0.15),
    (Persona::Angry, 0.06),
    (Persona::NonNative, 0.09),
    (Persona::Formal, 0.11),
    (Persona::SubjectOnly, 0.04),
];

/// A person at a customer.
#[derive(Debug)]
pub(crate) struct Contact {
    /// Place among the customer's contacts.
    pub(crate) index: usize,
    pub(crate) first: String,
    pub(crate) last: String,
    pub(crate) title: String,
    pub(crate) email: String,
    pub(crate) phone: String,
    pub(crate) extension: i64,
    pub(crate) device: String,
    pub(crate) vip: bool,
    pub(crate) persona: Persona,
    /// Language of the mails.
    pub(crate) language: String,
    /// Typing mistakes a letter.
    pub(crate) typos: f64,
    /// Share of the mails written on a phone.
    pub(crate) mobile: f64,
    /// Whether the mail program sends HTML.
    pub(crate) html: bool,
    /// Style of the signature.
    pub(crate) signature: usize,
}

impl Contact {
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.first, self.last)
    }
}

/// A client company.
#[derive(Debug)]
pub(crate) struct Customer {
    pub(crate) name: String,
    pub(crate) domain: String,
    pub(crate) app: String,
    pub(crate) sites: Vec<String>,
    pub(crate) zone: Zone,
    /// Weight among customers.
    pub(crate) size: f64,
    /// Days of the history on which it is a customer: from, until (exclusive).
    pub(crate) active: (i64, i64),
    pub(crate) contacts: Vec<Contact>,
    /// Who writes how often.
    pub(crate) writers: Wheel,
    pub(crate) hosts: Vec<String>,
    pub(crate) printers: Vec<String>,
    pub(crate) netdevs: Vec<String>,
    pub(crate) jobs: Vec<String>,
    /// First three parts of its addresses.
    pub(crate) network: String,
    /// Index of its primary technician.
    pub(crate) primary: usize,
    /// How often each kind of the catalog comes up here.
    pub(crate) kinds: Vec<f64>,
    /// Kinds that are by habit filed in their second place.
    pub(crate) habits: Vec<bool>,
    /// Index of the banner and of the disclaimer its mail system adds.
    pub(crate) banner: Option<usize>,
    pub(crate) disclaimer: Option<usize>,
}

/// All customers.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) customers: Vec<Customer>,
}

impl World {
    pub(crate) fn new(catalog: &Catalog, settings: &Settings, seed: u64) -> Self {
        let rows = catalog.customers.iter().enumerate();
        Self { customers: rows.map(|(i, row)| customer(catalog, settings, row, i, seed)).collect() }
    }
}

fn customer(catalog: &Catalog, settings: &Settings, row: &CustomerRow, rank: usize, seed: u64) -> Customer {
    let mut dice = Dice::new(seed, Stream::World, rank as u64);
    let dice = &mut dice;
    let size = 1.0 / (row.size.unwrap_or(rank as f64) + 4.0);
    let prefix: String = row.domain.chars().filter(char::is_ascii_alphabetic).take(3).collect();
    let prefix = prefix.to_uppercase();
    let people = 7 + (size * 220.0) as usize;
    let contacts: Vec<Contact> =
        (0..people).map(|i| contact(catalog, settings, row, &prefix, i, dice)).collect();
    let numbered = |name: &str, n: i64| (1..=n).map(|i| format!("{prefix}-{name}{i:02}")).collect::<Vec<_>>();
    let machines = 2 + (size * 24.0) as i64;
    let until = if row.leaves { settings.customers.leaves_on } else { settings.days };
    Customer {
        name: row.name.clone(),
        domain: row.domain.clone(),
        app: row.app.clone(),
        sites: row.sites.clone(),
        zone: Zone::new(row.offset * MINUTE, settings.calendar.clock_changes),
        size,
        active: (if row.joins { i64::from(settings.customers.joins_on) } else { 0 }, i64::from(until)),
        writers: Wheel::new(contacts.iter().map(|_| 0.3 + dice.skewed()).collect::<Vec<_>>()),
        contacts,
        hosts: [numbered("DC", 1), numbered("SRV", machines), numbered("SQL", 1)].concat(),
        printers: numbered("PRN", machines + 1),
        netdevs: [numbered("FW", 1), numbered("SW", machines), numbered("AP", machines)].concat(),
        jobs: (0..3).map(|_| format!("{prefix}-{}", dice.pick(&catalog.slots.jobs))).collect(),
        network: format!("10.{}.{}", 10 + rank, dice.between(0, 9)),
        primary: dice.below(catalog.first_level()),
        kinds: catalog.kinds.iter().map(|k| affinity(&k.industries, row) * (0.4 + dice.skewed())).collect(),
        habits: catalog.kinds.iter().map(|_| dice.chance(settings.labels.habit)).collect(),
        banner: dice.chance(0.3).then(|| dice.below(catalog.dress.banners.len())),
        disclaimer: dice.chance(0.5).then(|| dice.below(catalog.dress.disclaimers.len())),
    }
}

/// Kinds of an industry are common in it and rare elsewhere.
fn affinity(industries: &[String], row: &CustomerRow) -> f64 {
    match industries {
        [] => 1.0,
        some if some.contains(&row.industry) => 2.4,
        _ => 0.05,
    }
}

fn contact(
    catalog: &Catalog,
    settings: &Settings,
    row: &CustomerRow,
    prefix: &str,
    index: usize,
    dice: &mut Dice,
) -> Contact {
    let local = dice.chance(settings.text.own_language);
    let language = if local { row.language.clone() } else { "en".into() };
    let names: &Names = &catalog.names[&row.language];
    let (first, last) = (dice.pick(&names.first).clone(), dice.pick(&names.last).clone());
    // One executive in about twelve people, and always the first.
    let vip = index.is_multiple_of(12);
    let titles = if vip { &catalog.slots.executives } else { &catalog.slots.titles };
    Contact {
        index,
        email: format!("{}.{}@{}", plain(&first), plain(&last), row.domain),
        phone: format!("({}) 555-01{:02}", 200 + 7 * (row.name.len() as i64 % 90), dice.below(100)),
        extension: dice.between(100, 899),
        device: format!("{prefix}-{}{:03}", if dice.chance(0.7) { "LT" } else { "PC" }, index + 11),
        title: dice.pick(titles).clone(),
        persona: persona(vip, &language, dice),
        // Most people type well; the worst author makes the most of the mistakes.
        typos: settings.text.typos * {
            let x = dice.unit();
            x * x * x
        },
        mobile: if vip { 0.5 } else { dice.unit() * 0.35 },
        html: dice.chance(0.3),
        signature: dice.below(5),
        first,
        last,
        vip,
        language,
    }
}

fn persona(vip: bool, language: &str, dice: &mut Dice) -> Persona {
    if vip && dice.chance(0.6) {
        return Persona::Terse;
    }
    let drawn = PERSONAS[dice.weighted(&PERSONAS.map(|(_, weight)| weight))].0;
    // The grammar of a non-native writer is that of English.
    if drawn == Persona::NonNative && language != "en" { Persona::Plain } else { drawn }
}

/// A name as it stands in an address.
fn plain(name: &str) -> String {
    let fold = |c: char| match c {
        'ä' => "ae",
        'ö' => "oe",
        'ü' => "ue",
        'é' | 'è' | 'É' => "e",
        'ç' => "c",
        _ => "",
    };
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_alphabetic() { out.push(c.to_ascii_lowercase()) } else { out.push_str(fold(c)) }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn customers_fall_in_size_and_have_people_and_machines() {
        let (catalog, settings) = (Catalog::load(), Settings::default());
        let world = World::new(&catalog, &settings, 1);
        let sizes: Vec<f64> = world.customers.iter().map(|c| c.size).collect();
        assert!(sizes[0] > 3.0 * sizes[12] && sizes[12] > sizes[22]);
        for customer in &world.customers {
            assert!(customer.contacts.len() >= 7 && customer.contacts[0].vip, "{}", customer.name);
            assert!(customer.contacts.iter().all(|c| c.email.is_ascii()));
            assert!(customer.domain.ends_with(".example"), "{}", customer.domain);
        }
    }
}
