//! The rules of a PSA as they stand, in the form that is replayed: the "before" of a rollout.
//!
//! What was not understood stays as the PSA has it and never fires; what was understood of it stands beside it as a comment. Must never
//! let a rule fire on a guess.

use std::collections::BTreeMap;
use std::path::Path;

use firstline_fault::{Code, UserError};
use firstline_psa::connector::FoundRule;
use firstline_rollout::{Condition, RoutingRule, RuleSet, counted};
use firstline_ticket::Field;
use serde::Serialize;

use super::keep;
use crate::commands::connect::{PsaSettings, pause};
use crate::failure::{Exit, Failure};
use crate::files;
use crate::table::table;
use crate::ui::{Ui, print};

/// Longest condition or rule that the table shows, in characters.
const SHOWN: usize = 60;

/// A rule, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Told<'a> {
    name: &'a str,
    source: &'a str,
    /// Its place in the file: 1 comes first.
    order: i64,
    stops: bool,
    when: &'a BTreeMap<String, Vec<String>>,
    set: &'a BTreeMap<Field, String>,
    acts_on_customers: bool,
    /// Whether it was understood, so that a replay lets it fire.
    read: bool,
    raw: Option<&'a str>,
}

/// The rules, as `--json` prints them.
#[derive(Debug, Serialize)]
struct Snapshot<'a> {
    connection: &'a str,
    psa: &'a str,
    /// Rules by source, of which so many were read.
    sources: BTreeMap<&'a str, Counts>,
    total: Counts,
    rules: Vec<Told<'a>>,
}

/// How many rules there are.
#[derive(Debug, Default, Clone, Copy, Serialize)]
struct Counts {
    rules: u64,
    read: u64,
    raw: u64,
    act_on_customers: u64,
}

impl Counts {
    fn add(&mut self, rule: &FoundRule) {
        self.rules += 1;
        self.read += u64::from(rule.raw.is_none());
        self.raw += u64::from(rule.raw.is_some());
        self.act_on_customers += u64::from(rule.acts_on_customers);
    }

    fn told(&self) -> String {
        let Self { rules, read, raw, act_on_customers } = self;
        let rules = counted(*rules, "rule", "rules");
        format!("{rules}, {read} read and {raw} kept raw; also act on customers: {act_on_customers}")
    }
}

/// Reads the rules of the PSA whose settings are in `psa`, shows them, and writes them to `out`.
pub(super) fn snapshot(psa: &Path, out: Option<&Path>, json: bool, ui: &Ui) -> Result<Exit, Failure> {
    let settings = PsaSettings::read(psa)?;
    if let Some(out) = out {
        keep("--out", out, psa)?;
    }
    if !settings.tells_rules() {
        let problem = "Autotask's API tells no workflow rules, so there is nothing to read";
        let next = "Learn them from the history: firstline rollout rules --tickets FILE --learn FILE; or write the file by hand";
        return Err(UserError::new(Code::Empty, psa.display().to_string(), problem, next).into());
    }
    let found = settings.connector(pause(), false)?.rules()?;
    let text = to_file(&found, &settings)?;
    // What is written can be read again, or it is not written.
    RuleSet::parse(&text, "the rules of the PSA")?;
    if let Some(out) = out {
        files::write_whole(out, text.as_bytes())?;
    }
    show(&found, &settings, json)?;
    if let Some(out) = out {
        ui.say(format_args!("Rules: {}", out.display()));
    }
    Ok(Exit::Success)
}

/// A rule of the PSA in the form that is replayed; `order` is its place.
fn rule(found: &FoundRule, order: i64) -> RoutingRule {
    RoutingRule {
        name: found.name.clone(),
        source: found.source.clone(),
        order,
        stop: found.stops,
        when: found.raw.is_none().then(|| condition(found)),
        set: found.set.clone(),
        acts_on_customers: found.acts_on_customers,
        raw: found.raw.clone(),
    }
}

fn condition(found: &FoundRule) -> Condition {
    let mut fields = found.when.clone();
    let words = fields.remove("words").unwrap_or_default();
    Condition { fields, words }
}

/// The file: the rules in order, each with what was understood of it where that is not all.
fn to_file(found: &[FoundRule], settings: &PsaSettings) -> Result<String, Failure> {
    let head = format!("The rules of {} ({}) as they stood.", settings.name, settings.psa_name());
    let mut text = comment(&head);
    text.push_str(&comment(
        "Rules with `raw` and without `when` were not all understood: a replay never lets them fire.",
    ));
    for (found, order) in found.iter().zip(1..) {
        let one = RuleSet { rules: vec![rule(found, order)] }.to_toml()?;
        let (first, rest) = one.split_once('\n').unwrap_or((&one, ""));
        text.push_str(&format!("\n{first}\n"));
        if found.raw.is_some() && !found.when.is_empty() {
            text.push_str(&comment("As far as it was understood; without the # the rule fires:"));
            text.push_str(&comment(&format!("when = {}", inline(&condition(found)))));
        }
        text.push_str(rest);
    }
    Ok(text)
}

/// A comment line of the file.
fn comment(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("# {plain}\n")
}

/// A condition on one line.
fn inline(condition: &Condition) -> String {
    let quoted = |text: &String| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let list = |values: &[String]| format!("[{}]", values.iter().map(quoted).collect::<Vec<_>>().join(", "));
    let mut parts = Vec::new();
    if !condition.fields.is_empty() {
        let fields: Vec<String> = condition
            .fields
            .iter()
            .map(|(name, values)| format!("{} = {}", quoted(name), list(values)))
            .collect();
        parts.push(format!("fields = {{ {} }}", fields.join(", ")));
    }
    if !condition.words.is_empty() {
        parts.push(format!("words = {}", list(&condition.words)));
    }
    format!("{{ {} }}", parts.join(", "))
}

fn show(found: &[FoundRule], settings: &PsaSettings, json: bool) -> Result<(), Failure> {
    let (mut sources, mut total): (BTreeMap<&str, Counts>, Counts) = Default::default();
    for rule in found {
        sources.entry(&rule.source).or_default().add(rule);
        total.add(rule);
    }
    if json {
        let rules = found.iter().zip(1..).map(|(rule, order)| Told {
            name: &rule.name,
            source: &rule.source,
            order,
            stops: rule.stops,
            when: &rule.when,
            set: &rule.set,
            acts_on_customers: rule.acts_on_customers,
            read: rule.raw.is_none(),
            raw: rule.raw.as_deref(),
        });
        let (connection, psa) = (settings.name.as_str(), settings.psa_name());
        let all = Snapshot { connection, psa, sources, total, rules: rules.collect() };
        print(serde_json::to_string(&all)?);
        return Ok(());
    }
    let rows = found.iter().zip(1..).map(|(rule, order): (&FoundRule, i64)| {
        let customers = if rule.acts_on_customers { "yes" } else { "" };
        let state = if rule.raw.is_none() { "read" } else { "raw" };
        let values = [&rule.name, &rule.source, &order.to_string(), &asked(rule), &sets(rule)];
        values.into_iter().map(String::as_str).chain([customers, state]).map(short).collect()
    });
    print(table(&["rule", "source", "order", "when", "sets", "also acts on customers", ""], rows));
    for (source, counts) in &sources {
        print(format_args!("{source}: {}", counts.told()));
    }
    print(format_args!("{} ({}): {}", settings.name, settings.psa_name(), total.told()));
    if total.raw > 0 {
        print(
            "A raw rule never fires in a replay: give it `when` in the file where you know what it asks for",
        );
    }
    Ok(())
}

/// What a rule asks for, as far as it was understood.
fn asked(rule: &FoundRule) -> String {
    let one = |(name, values): (&String, &Vec<String>)| format!("{name}: {}", values.join(" | "));
    let known = rule.when.iter().map(one).collect::<Vec<_>>().join("; ");
    match (&rule.raw, known.is_empty()) {
        (None, true) => "always".to_owned(),
        (None, false) => known,
        (Some(raw), true) => raw.clone(),
        (Some(_), false) => format!("{known}; and more"),
    }
}

fn sets(rule: &FoundRule) -> String {
    let one = |(field, label): (&Field, &String)| format!("{field}: {label}");
    let sets = rule.set.iter().map(one).collect::<Vec<_>>().join("; ");
    if sets.is_empty() { "no label".to_owned() } else { sets }
}

fn short(text: &str) -> String {
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    format!("{} …", text.chars().take(SHOWN).collect::<String>())
}
