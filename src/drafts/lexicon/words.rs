//! The word lists: read from their files, made into one pattern a list and language, compiled once.
//!
//! Must never be changed while the program runs.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::LazyLock;

use serde::Deserialize;

use super::pattern::{Hit, Pattern};
use crate::folding::plain;

/// The files, by ISO 639-1.
const FILES: [(&str, &str); 15] = [
    ("en", include_str!("words/en.toml")),
    ("de", include_str!("words/de.toml")),
    ("fr", include_str!("words/fr.toml")),
    ("es", include_str!("words/es.toml")),
    ("it", include_str!("words/it.toml")),
    ("pt", include_str!("words/pt.toml")),
    ("nl", include_str!("words/nl.toml")),
    ("pl", include_str!("words/pl.toml")),
    ("sv", include_str!("words/sv.toml")),
    ("da", include_str!("words/da.toml")),
    ("nb", include_str!("words/nb.toml")),
    ("cs", include_str!("words/cs.toml")),
    ("ru", include_str!("words/ru.toml")),
    ("uk", include_str!("words/uk.toml")),
    ("tr", include_str!("words/tr.toml")),
];

/// The lists of one language as its file has them: regular expressions, each held against whole words of a text in lower case
/// without accents. `{name}` stands for one of `lists`, `{secrets}` for the list of that name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lists {
    /// Words by which the language is told: its function words, and what service desks often write.
    common: String,
    /// In front of a claim, within its sentence: it is none.
    conditions: Vec<String>,
    /// Behind one of these a statement begins, whatever stands in front: "Please note that ...".
    informs: Vec<String>,
    /// Pronouns and verbs by which the desk speaks of itself.
    we: Vec<String>,
    /// At the beginning of a sentence: it asks something of its reader.
    asking: Vec<String>,
    /// At the beginning of a sentence: what the reader does next.
    next: Vec<String>,
    /// The end of what is asked, and the new subject behind it. `{own}` stands for the list of that name.
    subjects: Vec<String>,
    promises: Vec<String>,
    claims: Vec<String>,
    /// Claims that are true whenever they are read.
    #[serde(default)]
    harmless: Vec<String>,
    /// Nouns for what opens doors.
    secrets: Vec<String>,
    /// Words by which something is asked for: in front of its noun, behind it, and questions for it.
    ask: Vec<String>,
    #[serde(default)]
    ask_after: Vec<String>,
    need: Vec<String>,
    /// Articles, possessives and adjectives in front of a secret; verbs between it and its value; and further patterns that give
    /// one.
    own: Vec<String>,
    is: Vec<String>,
    given: Vec<String>,
    /// What a secret may be said to be.
    states: String,
    /// What turns a request for a secret into advice: "never".
    refusals: Vec<String>,
    /// What says "not" or "nobody" behind a secret that is not to be told.
    denials: String,
    /// What is typed into a page of the user's own, unless it is typed `to_us`.
    #[serde(default)]
    typed: Vec<String>,
    #[serde(default)]
    to_us: Vec<String>,
    /// Codes that open no door.
    #[serde(default)]
    harmless_codes: Vec<String>,
    /// That the desk will change a credential, an access or an account.
    changes: Vec<String>,
    /// What was said before, or where the reader is: of one person alone.
    told: Vec<String>,
    /// What the reader did, or when something happened: of one person alone, unless it is asked or a condition.
    past: Vec<String>,
    /// A link, a page or an attachment that would have to stand beside the sentence.
    links: Vec<String>,
    greetings: Vec<String>,
    /// Whom a greeting speaks to without a name.
    people: Vec<String>,
    signoffs: Vec<String>,
    titles: Vec<String>,
    /// Behind a name: somebody else does something.
    third: Vec<String>,
    lists: BTreeMap<String, String>,
}

/// The patterns of one language.
pub(super) struct Language {
    pub(super) code: &'static str,
    pub(super) conditions: Pattern,
    informs: Pattern,
    we: Pattern,
    asking: Pattern,
    next: Pattern,
    subjects: Pattern,
    pub(super) promises: Pattern,
    pub(super) claims: Pattern,
    pub(super) harmless: Option<Pattern>,
    pub(super) secrets: Pattern,
    pub(super) asked: Pattern,
    pub(super) given: Pattern,
    /// A value follows in the first group.
    pub(super) value: Pattern,
    pub(super) states: HashSet<String>,
    pub(super) refusals: Pattern,
    pub(super) denials: HashSet<String>,
    pub(super) typed: Option<Pattern>,
    pub(super) to_us: Option<Pattern>,
    pub(super) harmless_codes: Option<Pattern>,
    pub(super) changes: Pattern,
    pub(super) told: Pattern,
    pub(super) past: Pattern,
    pub(super) links: Pattern,
    pub(super) greetings: Pattern,
    pub(super) people: Pattern,
    pub(super) signoffs: Pattern,
    pub(super) titles: Pattern,
    pub(super) third: Pattern,
}

/// All languages.
pub(super) fn languages() -> &'static [Language] {
    static ALL: LazyLock<Vec<Language>> =
        LazyLock::new(|| FILES.iter().map(|(code, text)| Language::new(code, &lists(text))).collect());
    &ALL
}

/// Which languages have a word among their common ones, as bits in the order of [`common_words`]' codes.
pub(crate) struct Common {
    /// The languages.
    pub(crate) codes: Vec<&'static str>,
    /// For each word, lower case without accents, a bit for every language.
    pub(crate) words: HashMap<String, u32>,
}

/// The common words of all languages.
pub(crate) fn common_words() -> &'static Common {
    static ALL: LazyLock<Common> = LazyLock::new(|| {
        let mut words: HashMap<String, u32> = HashMap::new();
        for (i, (_, text)) in FILES.iter().enumerate() {
            for word in
                plain(&lists(text).common).split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty())
            {
                *words.entry(word.to_owned()).or_default() |= 1 << i;
            }
        }
        Common { codes: FILES.iter().map(|(code, _)| *code).collect(), words }
    });
    &ALL
}

fn words_of(list: &str) -> HashSet<String> {
    plain(list).split_whitespace().map(str::to_owned).collect()
}

/// Whether the language is written in Cyrillic letters.
pub(crate) fn is_cyrillic(code: &str) -> bool {
    matches!(code, "ru" | "uk")
}

/// Letters of the lists that people without the right keyboard write otherwise: "zurueckgesetzt", "paa", "e'".
fn otherwise_written(code: &str) -> &'static [(char, &'static str)] {
    match code {
        "de" => &[('ä', "(?:ae?)"), ('ö', "(?:oe?)"), ('ü', "(?:ue?)")],
        "da" | "nb" => &[('å', "(?:aa?)"), ('ø', "(?:oe?)"), ('æ', "(?:ae?)")],
        "it" => &[('à', "(?:a'?)"), ('è', "(?:e'?)"), ('ì', "(?:i'?)"), ('ò', "(?:o'?)"), ('ù', "(?:u'?)")],
        _ => &[],
    }
}

/// A pattern of this language that finds words however they are written.
fn in_any_spelling(pattern: &str, code: &str) -> String {
    let all = otherwise_written(code).iter();
    all.fold(pattern.to_owned(), |pattern, (letter, spelt)| pattern.replace(*letter, spelt))
}

fn lists(text: &str) -> Lists {
    toml::from_str(text).expect("tested")
}

impl Language {
    fn new(code: &'static str, lists: &Lists) -> Self {
        let secrets = lists.secrets.join("|");
        let pattern = |pattern: &str| Pattern::new(&in_any_spelling(pattern, code), is_cyrillic(code));
        let make = |patterns: &[String]| {
            let mut all = patterns.join("|").replace("{secrets}", &secrets);
            for (name, list) in &lists.lists {
                all = all.replace(&format!("{{{name}}}"), &format!("(?:{list})"));
            }
            all
        };
        let whole = |patterns: &[String]| pattern(&format!(r"\b(?:{})(?:\b|$)", make(patterns)));
        let some = |patterns: &[String]| (!patterns.is_empty()).then(|| whole(patterns));
        let (own, is) = (lists.own.join("|"), lists.is.join("|"));
        let mut asked = vec![
            format!(r"(?:{})\b[^.?!\n]{{0,50}}\b(?:{secrets})\b[^.?!\n]*", lists.ask.join("|")),
            format!(
                r"(?:{})\b[^.?!\n]{{0,20}}\b(?:{own})\s+(?:\w+ ){{0,2}}(?:{secrets})\b[^.?!\n]*",
                lists.need.join("|")
            ),
        ];
        if !lists.ask_after.is_empty() {
            asked.push(format!(r"(?:{secrets})\b[^.?!\n]{{0,50}}\b(?:{})", lists.ask_after.join("|")));
        }
        let value = format!(
            r"\b(?:(?:{own})\s+)(?:\w+ ){{0,2}}?(?:{secrets})\s*(?:(?:\b(?:{is}))\s*[:=]|\b(?:{is})\s+(\S+)|[:=])|\b(?:{secrets})\s*[:=]\s*\S"
        );
        Self {
            code,
            conditions: pattern(&format!(r"(?:^|\b)(?:{})(?:\b|$)", make(&lists.conditions))),
            informs: pattern(&format!(r"(?:^|\b)(?:{})(?:\b|$)", make(&lists.informs))),
            we: whole(&lists.we),
            next: pattern(&format!(r"^\W*(?:{})\b", make(&lists.next))),
            subjects: pattern(&format!(r"(?:{})\b", make(&lists.subjects).replace("{own}", &own))),
            asking: pattern(&format!(r"^\W*(?:{})\b", make(&lists.asking))),
            promises: whole(&lists.promises),
            claims: whole(&lists.claims),
            harmless: (!lists.harmless.is_empty()).then(|| pattern(&make(&lists.harmless))),
            secrets: whole(std::slice::from_ref(&secrets)),
            asked: whole(&asked),
            given: if lists.given.is_empty() { pattern(r"[^\s\S]") } else { whole(&lists.given) },
            value: pattern(&value),
            states: words_of(&lists.states),
            refusals: whole(&lists.refusals),
            denials: words_of(&lists.denials),
            typed: (!lists.typed.is_empty()).then(|| pattern(&format!(r"^(?:{})\b", make(&lists.typed)))),
            to_us: some(&lists.to_us),
            harmless_codes: some(&lists.harmless_codes),
            changes: whole(&lists.changes),
            told: whole(&lists.told),
            past: pattern(&format!(r"(?:^|\b|[,;:])(?:{})(?:\b|$)", make(&lists.past))),
            links: pattern(&format!(r"\b(?:{})(?:\b|$)", make(&lists.links))),
            greetings: pattern(&format!(r"^(?:{})$", make(&lists.greetings))),
            people: pattern(&format!(r"^(?:{})$", make(&lists.people))),
            signoffs: pattern(&format!(r"^(?:{})\b", make(&lists.signoffs))),
            titles: pattern(&format!(r"^(?:{})$", make(&lists.titles))),
            third: pattern(&format!(r"^(?:{})$", make(&lists.third))),
        }
    }
}

impl Language {
    /// What of `before` belongs to the statement at its end.
    pub(super) fn statement<'t>(&self, before: &'t str) -> &'t str {
        self.informs.find_iter(before).last().map_or(before, |hit| &before[hit.end()..])
    }

    /// Whether `hit`, behind `before` in its sentence, is something that the reader does next.
    pub(super) fn is_next(&self, before: &str, hit: &Hit<'_>) -> bool {
        let part = self.statement(before);
        self.next.is_match(part) && !self.we.is_match(part) && !self.we.is_match(hit.as_str())
    }

    /// Whether `hit`, behind `before` in its sentence, is something that the reader is asked for; the desk asks nothing of itself.
    pub(super) fn asks(&self, before: &str, hit: &Hit<'_>) -> bool {
        let statement = self.statement(before);
        let part =
            self.subjects.find_iter(statement).last().map_or(statement, |own| &statement[own.start()..]);
        let itself = self.asking.is_match(hit.as_str()) && part.trim().is_empty();
        (itself || self.asking.is_match(part)) && !self.we.is_match(part) && !self.we.is_match(hit.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_of_every_language_is_read() {
        assert_eq!(languages().len(), FILES.len());
        for (i, (code, _)) in FILES.iter().enumerate() {
            let own = common_words().words.values().filter(|bits| **bits == 1 << i).count();
            assert!(own > 40, "{code}: {own} words of its own");
        }
    }
}
