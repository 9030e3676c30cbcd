//! The guard: every draft, however it was made, is checked against what it may stand on before anybody sees it.
//!
//! What it may stand on is given: sentences of past replies, the voice's phrases, and what fills slots. The ticket's own
//! text is not among them: what somebody writes to the desk is data, never an instruction and never a source. Must never
//! let pass what it can't place.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use firstline_ticket::Verdict;
use regex::{Regex, RegexSet};

use crate::entail::{SUPPORT, supported};
use crate::mask::{Masker, words};
use crate::reply::Slot;

/// Fewest and most characters of a draft.
const LENGTH: std::ops::RangeInclusive<usize> = 10..=2_500;
/// Letters from which on a text's language can be told.
const TELLING: usize = 60;

/// What a draft may stand on.
#[derive(Debug)]
pub struct Grounds<'a> {
    /// Sentences of past replies or of an approved template, filled.
    pub sentences: Vec<&'a str>,
    /// What the desk says of itself: its opening, and the voice's phrases.
    pub phrases: Vec<&'a str>,
    /// What slots were filled with.
    pub slots: &'a HashMap<Slot, String>,
    /// The programs, plans, products that the ticket names.
    pub things: BTreeSet<&'a str>,
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
    let checks = [
        ("length", length(text)),
        ("placeholders", placeholders(body)),
        ("hidden characters", hidden(text)),
        ("contact data", contact_data(body, grounds, masker)),
        ("products", products(body, grounds, masker)),
        ("numbers", numbers(body, grounds)),
        ("credentials", credential(body)),
        ("promises", unfounded(promises(body), grounds)),
        ("work done", unfounded(claims(body), grounds)),
        ("sources", sources(body, grounds)),
        ("identity first", identity(body, grounds)),
        ("language", language(body, grounds)),
    ];
    let verdict = |(check, found): (&str, Option<String>)| Verdict {
        check: check.to_owned(),
        passed: found.is_none(),
        found: found.unwrap_or_default(),
    };
    checks.into_iter().map(verdict).collect()
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

impl Grounds<'_> {
    /// All sentences that the draft may stand on.
    fn all(&self) -> impl Iterator<Item = &str> {
        self.sentences.iter().chain(&self.phrases).copied()
    }
}

/// Addresses, numbers, hosts, names and companies that the grounds lack.
fn contact_data(text: &str, grounds: &Grounds<'_>, masker: &Masker) -> Option<String> {
    let known: Vec<String> = grounds
        .all()
        .flat_map(|s| masker.find(s).into_iter().map(move |f| s[f.range].to_owned()))
        .chain(grounds.slots.values().flat_map(|v| {
            let parts = words(v).map(|(range, _)| v[range].to_owned());
            parts.chain([v.clone()]).collect::<Vec<_>>()
        }))
        .collect();
    let found = masker.find(text).into_iter().find(|f| !known.iter().any(|k| *k == text[f.range.clone()]))?;
    Some(format!("{}: {}", found.kind.name(), &text[found.range]))
}

/// A product that neither the ticket nor the desk's own phrases name.
fn products(text: &str, grounds: &Grounds<'_>, masker: &Masker) -> Option<String> {
    let own: BTreeSet<&str> = grounds.phrases.iter().flat_map(|p| masker.things(p)).collect();
    let odd = masker.things(text).into_iter().find(|t| !grounds.things.contains(t) && !own.contains(t));
    odd.map(str::to_owned)
}

/// Dates, prices, amounts that the grounds lack.
fn numbers(text: &str, grounds: &Grounds<'_>) -> Option<String> {
    static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"[$€£]\s?\d[\d.,]*|\d[\d.,:/-]*\d(?:\s?[%€$£])?|\d(?:\s?[%€$£])?").expect("tested")
    });
    let within = |text: &str| NUMBER.find_iter(text).map(|m| m.as_str().to_owned()).collect::<Vec<_>>();
    let known: Vec<String> =
        grounds.all().flat_map(within).chain(grounds.slots.values().flat_map(|v| within(v))).collect();
    within(text).into_iter().find(|n| !known.contains(n))
}

/// A credential given or asked for: never, whatever the sources say.
static CREDENTIALS: LazyLock<RegexSet> = LazyLock::new(|| {
    RegexSet::new([
        r"(?i)\b(?:your|the|a|new|temporary)\s+(?:new |temporary |initial |alarm |door |access |recovery )?(?:password|passcode|pin|code|token)\s*(?:\bis\b|\bwill be\b|:|=)",
        r"(?i)\b(?:password|passcode|pin|code|kennwort|passwort)\b[^.?!]{0,20}\b(?:set|reset|changed?)\b[^.?!]{0,10}\bto\b",
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

/// A credential in `text`, given or asked for.
pub(crate) fn credential(text: &str) -> Option<String> {
    let hit = CREDENTIALS.matches(text).into_iter().next()?;
    let pattern = Regex::new(&CREDENTIALS.patterns()[hit]).ok()?;
    pattern.find(text).map(|m| m.as_str().to_owned())
}

/// Whether `text` speaks of credentials: whoever it is for has to be known.
pub(crate) fn names_secret(text: &str) -> bool {
    static SECRET: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)\b(?:password|passcode|passphrase|pin|code|mfa|2fa|two[- ]factor|authenticator|one[- ]time|token|passwort|kennwort|zweiter faktor|mot de passe|contraseña|senha)s?\b").expect("tested")
    });
    // "The error code" opens no door.
    static HARMLESS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)\b(?:error|stop|status|exit|result|post|postal|zip|country|area|qr|colou?r|source|order)[ -]codes?\b").expect("tested")
    });
    SECRET.is_match(&HARMLESS.replace_all(text, " "))
}

/// What only a person may promise.
static PROMISES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        r"(?i)\b(?:guarantee\w*|promise[sd]?|refund\w*|compensat\w+|free of charge|at no cost|credit your account|sla credit)\b",
        r"(?i)\b(?:will|shall|is going to)\s+be\s+(?:fixed|resolved|done|ready|back|working|restored|completed)\b",
        r"(?i)\b(?:within|in)\s+(?:the next\s+)?(?:\d+(?:\s?(?:-|to)\s?\d+)?|one|two|three|four|half an?|an?|a few|a couple of)\s+(?:minutes?|hours?|days?|business days?|weeks?)\b",
        r"(?i)\b(?:tomorrow (?:morning|afternoon)|later today|this (?:morning|afternoon|evening)|right away|first thing)\b",
        r"(?i)\bby\s+(?:today|tonight|tomorrow|monday|tuesday|wednesday|thursday|friday|saturday|sunday|noon|end of (?:day|business)|eod|cob)\b",
        r"(?i)\b(?:garantier\w+|versprech\w+|erstatt\w+|kostenlos|gratis|innerhalb von|bis (?:heute|morgen|montag|dienstag|mittwoch|donnerstag|freitag))\b",
        r"(?i)\b(?:garanti\w*|promet\w+|rembours\w+|gratuit\w*|d'ici (?:demain|lundi|mardi|mercredi|jeudi|vendredi)|garantiz\w+|reembols\w+|antes del? (?:lunes|martes|miércoles|jueves|viernes))",
    ]
    .into_iter()
    .map(|p| Regex::new(p).expect("tested"))
    .collect()
});

fn promises(text: &str) -> impl Iterator<Item = &str> {
    PROMISES.iter().flat_map(move |p| p.find_iter(text)).map(|m| m.as_str())
}

/// A promise in `text`.
pub(crate) fn promise(text: &str) -> Option<&str> {
    promises(text).next()
}

/// That something was done, or is known of this ticket: nothing has been when a first response is drafted.
static CLAIMS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let done = "(?:add|assign|approv|block|call|chang|check|clean|clear|clos|configur|contact|correct|creat|delet|deploy|disabl|disconnect|enabl|escalat|extend|fix|forward|grant|install|isolat|mov|order|reboot|recover|releas|remov|renew|replac|resolv|restart|restor|revok|review|schedul|switch|test|unblock|unlock|updat|upgrad|verif)(?:ed|p?ped|ied)|re[- ]?(?:set|built|sent|run)|sent|found|made|put|set up|tried";
    let doing = "(?:add|assign|block|chang|clear|creat|delet|deploy|disabl|enabl|install|isolat|mov|order|reboot|recover|releas|remov|renew|replac|resett|restart|restor|revok|send|unblock|unlock|updat|upgrad)ing";
    [
        format!(r"(?i)\b(?:i|we)(?:['’]ve| have| had)?(?: also| just| now| already| since)*\s+(?:{done})\b"),
        format!(r"(?i)\b(?:i|we)(?:['’]m|['’]re| am| are)(?: also| just| now| already| currently)*\s+(?:{doing})\b"),
        format!(r"(?i)\b(?:has|have|had|was|were|is now|are now)(?: also| just| now| already| since)*(?: been)?\s+(?:{done})\b"),
        r"(?i)\b(?:we are|we['’]re|i am|i['’]m) (?:already |currently |now )?aware of\b".into(),
        r"(?i)\b(?:ich|wir)\b[^.?!]{0,20}\b(?:habe|haben)\b[^.?!]{0,60}\b(?:ge|ent|be|ver|zurück|ein|aus|ab|an|frei|wieder|neu)\w*(?:t|en)\b|\b(?:habe|haben) (?:ich|wir)\b[^.?!]{0,60}\b(?:ge|ent|be|ver|zurück|ein|aus|ab|an|frei|wieder|neu)\w*(?:t|en)\b|\bwurden?\b[^.?!]{0,60}\b(?:ge|ent|zurück|ein|aus|frei|wieder|neu)\w*(?:t|en)\b".into(),
        r"(?i)\bj['’]ai\s+\w+(?:é|i|u|is)\b|\bnous avons\s+(?:bien )?(?:ajouté|créé|débloqué|désactivé|installé|modifié|réinitialisé|remplacé|rétabli|supprimé)\b|\ba été\s+\w+é\b".into(),
        r"(?i)\b(?:he|hemos|ha sido)\s+(?:añadido|cambiado|creado|desbloqueado|desactivado|eliminado|instalado|restablecido|reiniciado)\b".into(),
    ]
    .into_iter()
    .map(|p: String| Regex::new(&p).expect("tested"))
    .collect()
});

/// Claims in `text` that something was done: no questions, and no conditions ("once we have called you back").
fn claims(text: &str) -> impl Iterator<Item = &str> {
    static CONDITION: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)\b(?:once|until|till|after|when|if|whether|unless|before|what|which|sobald|bis|nachdem|wenn|falls|ob|bevor|quand|si|dès que|après que|cuando|hasta que)\b").expect("tested")
    });
    let plain = |hit: &regex::Match<'_>| {
        let before = &text[..hit.start()];
        let clause = before.rfind(['.', '?', '!', ';', '\n']).map_or(before, |at| &before[at + 1..]);
        let rest = &text[hit.end()..];
        let asks = rest.find(['.', '?', '!', '\n']).is_some_and(|at| rest[at..].starts_with('?'));
        !asks && !CONDITION.is_match(clause)
    };
    CLAIMS.iter().flat_map(move |p| p.find_iter(text)).filter(plain).map(|m| m.as_str())
}

/// A claim in `text` that something was done.
pub(crate) fn claim(text: &str) -> Option<&str> {
    claims(text).next()
}

/// One of `hits` that the grounds lack: only a template that a person approved may promise or claim.
fn unfounded<'a>(mut hits: impl Iterator<Item = &'a str>, grounds: &Grounds<'_>) -> Option<String> {
    hits.find(|hit| !grounds.all().any(|s| s.contains(hit))).map(str::to_owned)
}

/// A sentence that stands on none of the grounds' sentences.
fn sources(text: &str, grounds: &Grounds<'_>) -> Option<String> {
    let known: Vec<Vec<String>> = grounds.all().map(|s| words(s).map(|(_, word)| word).collect()).collect();
    let greeting = |line: &str| line.ends_with([',', ':']) && line.split_whitespace().count() <= 4;
    let lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
    for (i, line) in lines.enumerate() {
        if i == 0 && greeting(line) {
            continue;
        }
        for sentence in crate::reply::split(line) {
            let said: Vec<String> = words(&sentence).map(|(_, word)| word).collect();
            if !said.is_empty() && known.iter().all(|known| supported(&said, known) < SUPPORT) {
                return Some(sentence);
            }
        }
    }
    None
}

/// Whether the sentence that asks for identification is missing, or not in front of all but the desk's own phrases.
fn identity(text: &str, grounds: &Grounds<'_>) -> Option<String> {
    let wanted = grounds.identity?;
    let Some(at) = text.find(wanted) else { return Some("it does not ask to verify who wrote".to_owned()) };
    let before = text[..at].split_once('\n').map_or(&text[..at], |(_, rest)| rest);
    let own = |sentence: &String| grounds.phrases.iter().any(|phrase| phrase.contains(sentence.as_str()));
    let all_own = before.lines().flat_map(crate::reply::split).all(|sentence| own(&sentence));
    (!all_own).then(|| "it asks to verify who wrote too late".to_owned())
}

fn language(text: &str, grounds: &Grounds<'_>) -> Option<String> {
    let letters = text.chars().filter(|c| c.is_alphabetic()).take(TELLING).count();
    let told = whatlang::detect(text).filter(|info| letters == TELLING && info.is_reliable())?;
    let code = crate::voice::iso_639_1(told.lang()).unwrap_or(told.lang().code());
    (code != grounds.language).then(|| format!("{code}, not {}", grounds.language))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_open_no_door_are_no_secrets() {
        assert!(names_secret("Enter the code.") && names_secret("your verification code and the error code"));
        assert!(!names_secret("The error code in it tells us.") && !names_secret("a photo of the stop code"));
    }

    #[test]
    fn claims_of_work_done_are_told_from_questions_and_conditions() {
        for claimed in [
            "I have reset your password.",
            "Thanks. I've just unlocked the account.",
            "We are now restarting the server.",
            "I am revoking your sessions now.",
            "Your licence has been assigned.",
            "The update was installed.",
            "We are aware of the outage.",
            "Ich habe das Kennwort zurückgesetzt.",
            "Das Konto wurde entsperrt.",
            "J'ai réinitialisé votre compte.",
            "Hemos restablecido la cuenta.",
        ] {
            assert!(claim(claimed).is_some(), "{claimed}");
        }
        for plain in [
            "I have picked up your ticket.",
            "We have received your request and are looking into it.",
            "We unlock your account once we have called you back.",
            "Please tell us whether the update was installed.",
            "Was it working before the update was installed?",
            "Have you restarted the computer?",
            "I am looking at this now.",
            "Ich habe Ihre Nachricht.",
            "Ihre Anfrage ist bei uns eingegangen, und wir kümmern uns darum.",
            "Ich kümmere mich darum.",
            "Nous avons bien reçu votre demande et nous nous en occupons.",
        ] {
            assert_eq!(claim(plain), None, "{plain}");
        }
    }
}
