//! The guard: every draft, however it was made, is checked against what it may stand on before anybody sees it.
//!
//! What it may stand on is given: sentences of past replies, the voice's phrases, and what fills slots. The ticket's own
//! text is not among them: what somebody writes to the desk is data, never an instruction and never a source. Must never
//! let pass what it can't place.

use std::collections::HashMap;
use std::sync::LazyLock;

use firstline_ticket::{Ticket, Verdict};
use regex::{Regex, RegexSet};

use crate::mask::{Masker, Private, words};
use crate::reply::Slot;

/// Fewest and most characters of a draft.
const LENGTH: std::ops::RangeInclusive<usize> = 10..=2_500;
/// Of a sentence's words, the share that one sentence it stands on must have.
const SUPPORT: f32 = 0.7;
/// Letters from which on a text's language can be told.
const TELLING: usize = 60;

/// What a draft may stand on.
#[derive(Debug)]
pub struct Grounds<'a> {
    /// The ticket that is answered.
    pub ticket: &'a Ticket,
    /// Sentences of past replies, filled, and the voice's phrases.
    pub sentences: Vec<&'a str>,
    /// What slots were filled with.
    pub slots: &'a HashMap<Slot, String>,
    /// The language to answer in.
    pub language: &'a str,
    /// The sentence by which whoever wrote is asked to be identified, where that has to come first.
    pub identity: Option<&'a str>,
    /// What ends every draft, which is the desk's own.
    pub signature: &'a str,
}

/// Checks `text`: one verdict a check, in the order in which they are made.
pub fn guard(text: &str, grounds: &Grounds<'_>, masker: &Masker) -> Vec<Verdict> {
    let body = text.strip_suffix(grounds.signature).unwrap_or(text);
    let checks: [(&str, Option<String>); 9] = [
        ("length", length(text)),
        ("placeholders", placeholders(body)),
        ("hidden characters", hidden(text)),
        ("contact data", contact_data(body, grounds, masker)),
        ("numbers", numbers(body, grounds)),
        ("credentials", first(&CREDENTIALS, body)),
        ("promises", promises(body, grounds)),
        ("sources", sources(body, grounds)),
        ("identity first", identity(body, grounds)),
    ];
    let mut verdicts: Vec<Verdict> = checks
        .into_iter()
        .map(|(check, found)| Verdict {
            check: check.to_owned(),
            passed: found.is_none(),
            found: found.unwrap_or_default(),
        })
        .collect();
    let language = language(body, grounds);
    verdicts.push(Verdict {
        check: "language".to_owned(),
        passed: language.is_none(),
        found: language.unwrap_or_default(),
    });
    verdicts
}

fn length(text: &str) -> Option<String> {
    let n = text.chars().count();
    (!LENGTH.contains(&n)).then(|| format!("{n} characters"))
}

/// Slots that nobody filled.
fn placeholders(text: &str) -> Option<String> {
    static OPEN: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"[{<\[][^{}<>\[\]]{1,30}[}>\]]").expect("tested"));
    OPEN.find(text).map(|m| m.as_str().to_owned())
}

/// Characters that a reader does not see.
fn hidden(text: &str) -> Option<String> {
    let odd = |c: &char| {
        (c.is_control() && *c != '\n')
            || matches!(*c as u32, 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0xfeff | 0xe0000..=0xe007f)
    };
    text.chars().find(odd).map(|c| format!("U+{:04X}", c as u32))
}

/// Addresses, numbers, hosts, names and companies that the grounds lack.
fn contact_data(text: &str, grounds: &Grounds<'_>, masker: &Masker) -> Option<String> {
    let own = |value: &str| {
        let value = value.to_lowercase();
        let ticket = grounds.ticket;
        let people = [&ticket.contact, &ticket.customer]
            .into_iter()
            .flatten()
            .any(|name| words(name).any(|(_, w)| w == value) || name.to_lowercase() == value);
        people || grounds.slots.values().any(|v| v.to_lowercase() == value)
    };
    let known = |value: &str, kind| {
        // A sentence that names somebody is none to stand on: see `reply::open_up`.
        !matches!(kind, Private::Name | Private::Company)
            && grounds.sentences.iter().any(|s| s.contains(value))
    };
    let found = masker.find(text).into_iter().find(|f| {
        let value = &text[f.range.clone()];
        !own(value) && !known(value, f.kind)
    })?;
    Some(format!("{}: {}", found.kind.name(), &text[found.range]))
}

/// Dates, prices, amounts that the grounds lack.
fn numbers(text: &str, grounds: &Grounds<'_>) -> Option<String> {
    static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"[$€£]\s?\d[\d.,]*|\d[\d.,:/-]*\d(?:\s?[%€$£])?|\d(?:\s?[%€$£])?").expect("tested")
    });
    let known = |n: &str| {
        let whole = |text: &str| NUMBER.find_iter(text).any(|m| m.as_str() == n);
        grounds.sentences.iter().any(|s| whole(s)) || grounds.slots.values().any(|v| v.contains(n))
    };
    NUMBER.find_iter(text).find(|m| !known(m.as_str())).map(|m| m.as_str().to_owned())
}

/// A credential given or asked for: never, whatever the sources say.
static CREDENTIALS: LazyLock<RegexSet> = LazyLock::new(|| {
    RegexSet::new([
        r"(?i)\b(?:your|the|a|new|temporary)\s+(?:new |temporary |initial )?(?:password|passcode|pin|code|token)\s+(?:is|will be|:)\s",
        r"(?i)\b(?:send|tell|give|email|mail|share|reply with|forward|provide|confirm)\b[^.?!]{0,40}\b(?:your|the)\s+(?:current |old |new )?(?:password|passcode|pin|security code|one[- ]time code|mfa code|credit card|card number)",
        r"(?i)\b(?:ihr|das|neues?)\s+(?:neues |vorläufiges )?(?:passwort|kennwort)\s+(?:ist|lautet)",
        r"(?i)\b(?:schicken|senden|nennen|teilen)\b[^.?!]{0,40}\b(?:ihr|das)\s+(?:passwort|kennwort|pin)",
        r"(?i)\b(?:votre|le)\s+(?:nouveau )?mot de passe\s+est\b",
        r"(?i)\b(?:envoyez|donnez|communiquez)\b[^.?!]{0,40}\bmot de passe",
        r"(?i)\b(?:su|la)\s+(?:nueva )?contraseña\s+es\b",
        r"(?i)\b(?:envíe|díganos|indique)\b[^.?!]{0,40}\bcontraseña",
    ])
    .expect("tested")
});

/// What only a person may promise.
static PROMISES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        r"(?i)\b(?:guarantee\w*|promise[sd]?|refund\w*|compensat\w+|free of charge|at no cost|credit your account|sla credit)\b",
        r"(?i)\b(?:will|shall|is going to)\s+be\s+(?:fixed|resolved|done|ready|back|working|restored|completed)\b",
        r"(?i)\b(?:within|in)\s+(?:the next\s+)?(?:\d+|one|two|three|an?|few)\s+(?:minutes?|hours?|days?|business days?|weeks?)\b",
        r"(?i)\bby\s+(?:today|tonight|tomorrow|monday|tuesday|wednesday|thursday|friday|saturday|sunday|noon|end of (?:day|business)|eod|cob)\b",
        r"(?i)\b(?:garantier\w+|versprech\w+|erstatt\w+|kostenlos|gratis|innerhalb von|bis (?:heute|morgen|montag|dienstag|mittwoch|donnerstag|freitag))\b",
        r"(?i)\b(?:garanti\w*|promet\w+|rembours\w+|gratuit\w*|d'ici (?:demain|lundi|mardi|mercredi|jeudi|vendredi)|garantiz\w+|reembols\w+|antes del? (?:lunes|martes|miércoles|jueves|viernes))",
    ]
    .into_iter()
    .map(|p| Regex::new(p).expect("tested"))
    .collect()
});

fn promises(text: &str, grounds: &Grounds<'_>) -> Option<String> {
    let hits = PROMISES.iter().flat_map(|p| p.find_iter(text));
    hits.map(|m| m.as_str()).find(|hit| !grounds.sentences.iter().any(|s| s.contains(hit))).map(str::to_owned)
}

/// A sentence that stands on none of the grounds' sentences.
fn sources(text: &str, grounds: &Grounds<'_>) -> Option<String> {
    let known: Vec<Vec<String>> =
        grounds.sentences.iter().map(|s| words(s).map(|(_, word)| word).collect()).collect();
    let greeting = |line: &str| line.ends_with([',', ':']) && line.split_whitespace().count() <= 4;
    let lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
    for (i, line) in lines.enumerate() {
        if i == 0 && greeting(line) {
            continue;
        }
        for sentence in crate::reply::split(line) {
            let said: Vec<String> = words(&sentence).map(|(_, word)| word).collect();
            let support = |known: &Vec<String>| {
                said.iter().filter(|w| known.contains(w)).count() as f32 / said.len().max(1) as f32
            };
            if !said.is_empty() && known.iter().map(support).fold(0.0, f32::max) < SUPPORT {
                return Some(sentence);
            }
        }
    }
    None
}

/// Whether the sentence that asks for identification is missing, or not in front of what else is said.
fn identity(text: &str, grounds: &Grounds<'_>) -> Option<String> {
    let wanted = grounds.identity?;
    match text.find(wanted) {
        None => Some("it does not ask to verify who wrote".to_owned()),
        // A greeting and a thank-you may stand before it.
        Some(at) if crate::reply::split(&text[..at]).len() > 2 => {
            Some("it asks to verify who wrote too late".to_owned())
        }
        Some(_) => None,
    }
}

fn language(text: &str, grounds: &Grounds<'_>) -> Option<String> {
    let letters = text.chars().filter(|c| c.is_alphabetic()).take(TELLING).count();
    let told = whatlang::detect(text).filter(|info| letters == TELLING && info.is_reliable())?;
    let code = crate::voice::iso_639_1(told.lang()).unwrap_or(told.lang().code());
    (code != grounds.language).then(|| format!("{code}, not {}", grounds.language))
}

fn first(set: &RegexSet, text: &str) -> Option<String> {
    let hit = set.matches(text).into_iter().next()?;
    let pattern = Regex::new(&set.patterns()[hit]).ok()?;
    pattern.find(text).map(|m| m.as_str().to_owned())
}
