//! The tables of the generator: picklists, kinds of request with their wordings, staff, customers, names. All
//! are embedded TOML files, compiled once into phrases; a test loads them, so loading can't fail later.
//!
//! A kind of request has a place (`at`: board > type > subtype) and second places where a desk may as fairly
//! file it (`also`). Its sentences (`say`), subjects and details are its own; `shares` names the pools of
//! sentences that it has in common with other kinds.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use crate::phrase::{Phrase, Pools};
use crate::rules::{self, Rules};

const KINDS: [(&str, &str); 7] = [
    ("service_desk", include_str!("catalog/kinds/service_desk.toml")),
    ("network", include_str!("catalog/kinds/network.toml")),
    ("cloud", include_str!("catalog/kinds/cloud.toml")),
    ("lifecycle", include_str!("catalog/kinds/lifecycle.toml")),
    ("monitoring", include_str!("catalog/kinds/monitoring.toml")),
    ("projects", include_str!("catalog/kinds/projects.toml")),
    ("voice", include_str!("catalog/kinds/voice.toml")),
];

/// A list of wordings.
pub(crate) type Wordings = Arc<[Phrase]>;

/// One board, type and subtype of the picklists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) board: String,
    pub(crate) kind: String,
    pub(crate) subtype: String,
}

/// A kind of request.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) name: String,
    /// Index of the place where it belongs.
    pub(crate) at: usize,
    /// Second places.
    pub(crate) also: Vec<usize>,
    /// Where it goes after the reorganisation.
    pub(crate) moves: Option<usize>,
    pub(crate) weight: f64,
    /// Weights of P1 to P4.
    pub(crate) priority: [f64; 4],
    /// Median work in minutes.
    pub(crate) minutes: f64,
    pub(crate) industries: Vec<String>,
    pub(crate) traits: Traits,
    pub(crate) shares: Vec<String>,
    pub(crate) subject: Wordings,
    pub(crate) say: Wordings,
    pub(crate) detail: Wordings,
    pub(crate) ask: Wordings,
    /// What the desk keeps ready to answer.
    pub(crate) canned: Wordings,
    pub(crate) fix: Wordings,
    /// Sentences in other languages.
    pub(crate) foreign: BTreeMap<&'static str, Wordings>,
}

/// What a kind does in time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Traits {
    /// A machine sends it.
    pub(crate) alert: bool,
    /// It comes in storms.
    pub(crate) storm: bool,
    /// It comes at night, and chronically from the same job.
    pub(crate) nightly: bool,
    /// Several people notice.
    pub(crate) outage: bool,
    /// It is about the new product.
    pub(crate) product: bool,
    /// The new product makes it rarer.
    pub(crate) fades: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKinds {
    kind: Vec<RawKind>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKind {
    name: String,
    at: String,
    #[serde(default)]
    also: Vec<String>,
    moves: Option<String>,
    weight: f64,
    priority: [f64; 4],
    minutes: f64,
    #[serde(default)]
    industries: Vec<String>,
    #[serde(default)]
    alert: bool,
    #[serde(default)]
    storm: bool,
    #[serde(default)]
    nightly: bool,
    #[serde(default)]
    outage: bool,
    #[serde(default)]
    product: bool,
    #[serde(default)]
    fades: bool,
    #[serde(default)]
    shares: Vec<String>,
    subject: Vec<String>,
    say: Vec<String>,
    #[serde(default)]
    detail: Vec<String>,
    #[serde(default)]
    ask: Vec<String>,
    #[serde(default)]
    canned: Vec<String>,
    fix: Vec<String>,
    #[serde(default)]
    de: Vec<String>,
    #[serde(default)]
    fr: Vec<String>,
}

#[derive(Deserialize)]
struct RawLabels {
    board: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPhrases {
    pool: BTreeMap<String, Vec<String>>,
    shared: BTreeMap<String, Vec<String>>,
    voice: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    dress: Dress,
    slots: Slots,
}

/// Footers and banners of mails, categories of the portal's form.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dress {
    pub(crate) disclaimers: Vec<String>,
    pub(crate) banners: Vec<String>,
    pub(crate) mobiles: Vec<String>,
    pub(crate) portal_categories: Vec<String>,
}

/// Values of facts that do not depend on the customer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Slots {
    pub(crate) tools: Vec<String>,
    pub(crate) rooms: Vec<String>,
    pub(crate) floors: Vec<String>,
    pub(crate) folders: Vec<String>,
    pub(crate) groups: Vec<String>,
    pub(crate) files: Vec<String>,
    pub(crate) mailboxes: Vec<String>,
    pub(crate) errors: Vec<String>,
    pub(crate) senders: Vec<String>,
    pub(crate) versions: Vec<String>,
    pub(crate) drives: Vec<String>,
    pub(crate) shares: Vec<String>,
    pub(crate) jobs: Vec<String>,
    pub(crate) titles: Vec<String>,
    pub(crate) executives: Vec<String>,
}

/// A technician of the desk.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Technician {
    pub(crate) name: String,
    /// 1, or 2 for those whom only escalated tickets reach.
    #[serde(default = "first")]
    pub(crate) tier: u8,
    /// Local hours, from and to.
    pub(crate) shift: [i64; 2],
    /// Scales the label noise.
    pub(crate) care: f64,
    pub(crate) joined: Option<i64>,
    pub(crate) left: Option<i64>,
    pub(crate) skills: BTreeMap<String, f64>,
    pub(crate) focus: Vec<String>,
}

/// A customer as the table has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CustomerRow {
    pub(crate) name: String,
    pub(crate) domain: String,
    pub(crate) industry: String,
    pub(crate) offset: i64,
    #[serde(default = "english")]
    pub(crate) language: String,
    pub(crate) app: String,
    pub(crate) sites: Vec<String>,
    #[serde(default)]
    pub(crate) joins: bool,
    #[serde(default)]
    pub(crate) leaves: bool,
    /// Rank in size, where it is not the place in the table.
    pub(crate) size: Option<f64>,
}

fn first() -> u8 {
    1
}

fn english() -> String {
    "en".into()
}

/// First and last names of one language, and how it calls the days.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Names {
    pub(crate) first: Vec<String>,
    pub(crate) last: Vec<String>,
    pub(crate) days: Vec<String>,
}

#[derive(Deserialize)]
struct RawStaff {
    technician: Vec<Technician>,
}

#[derive(Deserialize)]
struct RawCustomers {
    customer: Vec<CustomerRow>,
}

/// All tables.
#[derive(Debug)]
pub(crate) struct Catalog {
    pub(crate) places: Vec<Place>,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) shared: Pools,
    /// By language, then by name: greeting, closing, ...
    voices: BTreeMap<String, Pools>,
    pub(crate) dress: Dress,
    pub(crate) slots: Slots,
    pub(crate) staff: Vec<Technician>,
    pub(crate) customers: Vec<CustomerRow>,
    pub(crate) names: BTreeMap<String, Names>,
    /// What routes tickets as they come in.
    pub(crate) rules: Rules,
}

impl Catalog {
    /// Loads the embedded tables.
    pub(crate) fn load() -> Self {
        Self::parse().expect("the embedded tables are tested")
    }

    fn parse() -> Result<Self, String> {
        let labels: RawLabels = read("labels", include_str!("catalog/labels.toml"))?;
        let phrases: RawPhrases = read("phrases", include_str!("catalog/phrases.toml"))?;
        let staff: RawStaff = read("staff", include_str!("catalog/staff.toml"))?;
        let customers: RawCustomers = read("customers", include_str!("catalog/customers.toml"))?;
        let pools = compile_pools(&phrases.pool, &Pools::new())?;
        let shared = compile_pools(&phrases.shared, &pools)?;
        let places = places(labels);
        let mut kinds = Vec::new();
        for (file, text) in KINDS {
            let raw: RawKinds = read(file, text)?;
            for kind in raw.kind {
                let name = kind.name.clone();
                kinds.push(compile(kind, &places, &pools, &shared).map_err(|e| format!("{name}: {e}"))?);
            }
        }
        let mut voices = BTreeMap::new();
        for (language, lists) in &phrases.voice {
            voices.insert(language.clone(), compile_pools(lists, &pools)?);
        }
        if !staff.technician.is_sorted_by_key(|technician| technician.tier) {
            return Err("staff.toml: the first tier comes first".into());
        }
        let names = read("names", include_str!("catalog/names.toml"))?;
        Ok(Self {
            places,
            kinds,
            shared,
            voices,
            dress: phrases.dress,
            slots: phrases.slots,
            staff: staff.technician,
            customers: customers.customer,
            names,
            rules: Rules::parse(rules::SOURCE)?,
        })
    }

    /// Wordings of `language` under `name`, English where the language has none.
    pub(crate) fn voice(&self, language: &str, name: &str) -> &[Phrase] {
        let of = |l: &str| self.voices.get(l).and_then(|v| v.get(name));
        of(language).or_else(|| of("en")).map_or(&[], |w| w)
    }

    /// How many technicians the first tier has; they come first in `staff`.
    pub(crate) fn first_level(&self) -> usize {
        self.staff.iter().take_while(|technician| technician.tier == 1).count()
    }

    /// The catch-all place that lazy technicians use.
    pub(crate) fn catch_all(&self) -> usize {
        self.places.iter().position(|p| p.kind == "General" && p.subtype == "Other").unwrap_or(0)
    }
}

fn read<T: serde::de::DeserializeOwned>(name: &str, text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|e| format!("{name}.toml: {e}"))
}

fn places(labels: RawLabels) -> Vec<Place> {
    let mut places = Vec::new();
    for (board, types) in labels.board {
        for (kind, subtypes) in types {
            for subtype in subtypes {
                places.push(Place { board: board.clone(), kind: kind.clone(), subtype });
            }
        }
    }
    places
}

fn find(path: &str, places: &[Place]) -> Result<usize, String> {
    let is = |p: &Place| format!("{} > {} > {}", p.board, p.kind, p.subtype) == path;
    places.iter().position(is).ok_or_else(|| format!("no place {path:?}"))
}

fn wordings(sources: &[String], pools: &Pools) -> Result<Wordings, String> {
    sources.iter().map(|s| Phrase::parse(s, pools).map_err(|e| format!("{s:?}: {e}"))).collect()
}

fn compile_pools(raw: &BTreeMap<String, Vec<String>>, pools: &Pools) -> Result<Pools, String> {
    raw.iter().map(|(name, list)| Ok((name.clone(), wordings(list, pools)?))).collect()
}

fn compile(raw: RawKind, places: &[Place], pools: &Pools, shared: &Pools) -> Result<Kind, String> {
    if raw.subject.is_empty() || raw.say.is_empty() || raw.fix.is_empty() {
        return Err("a kind needs subject, say and fix".into());
    }
    if let Some(missing) = raw.shares.iter().find(|s| !shared.contains_key(*s)) {
        return Err(format!("no shared pool {missing:?}"));
    }
    let mut foreign = BTreeMap::new();
    for (language, list) in [("de", &raw.de), ("fr", &raw.fr)] {
        if !list.is_empty() {
            foreign.insert(language, wordings(list, pools)?);
        }
    }
    let also = raw.also.iter().map(|p| find(p, places)).collect::<Result<_, _>>()?;
    Ok(Kind {
        at: find(&raw.at, places)?,
        also,
        moves: raw.moves.map(|p| find(&p, places)).transpose()?,
        weight: raw.weight,
        priority: raw.priority,
        minutes: raw.minutes,
        industries: raw.industries,
        traits: Traits {
            alert: raw.alert,
            storm: raw.storm,
            nightly: raw.nightly,
            outage: raw.outage,
            product: raw.product,
            fades: raw.fades,
        },
        subject: wordings(&raw.subject, pools)?,
        say: wordings(&raw.say, pools)?,
        detail: wordings(&raw.detail, pools)?,
        ask: wordings(&raw.ask, pools)?,
        canned: wordings(&raw.canned, pools)?,
        fix: wordings(&raw.fix, pools)?,
        shares: raw.shares,
        name: raw.name,
        foreign,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_embedded_tables_load_and_fit_together() {
        let catalog = Catalog::parse().unwrap();
        let boards: BTreeSet<_> = catalog.places.iter().map(|p| &p.board).collect();
        let types: BTreeSet<_> = catalog.places.iter().map(|p| (&p.board, &p.kind)).collect();
        assert_eq!((boards.len(), types.len()), (7, 30));
        assert!(catalog.kinds.len() >= 80, "{}", catalog.kinds.len());
        let names: BTreeSet<_> = catalog.kinds.iter().map(|k| &k.name).collect();
        assert_eq!(names.len(), catalog.kinds.len(), "kinds are named twice");
        let used: BTreeSet<_> = catalog.kinds.iter().map(|k| k.at).collect();
        let unused: Vec<_> = (0..catalog.places.len()).filter(|p| !used.contains(p)).collect();
        assert!(unused.is_empty(), "no kind belongs to {:?}", catalog.places[unused[0]]);
        let skilled = |t: &Technician| t.skills.keys().all(|b| boards.contains(b));
        assert!(catalog.staff.iter().all(skilled));
        assert!(catalog.customers.iter().all(|c| catalog.names.contains_key(&c.language)));
    }

    #[test]
    fn every_language_can_say_everything() {
        let catalog = Catalog::load();
        for name in ["confirm", "thanks", "contradict", "relapse", "out_of_office"] {
            for language in ["en", "de", "fr"] {
                assert!(catalog.voices[language].contains_key(name), "{language} {name}");
            }
        }
        let english = &catalog.voices["en"];
        for name in english.keys() {
            for language in ["en", "de", "fr"] {
                assert!(!catalog.voice(language, name).is_empty(), "{language} {name}");
            }
        }
    }
}
