//! The guard: every draft, however it was made, is checked against what it may stand on before anybody sees it.
//!
//! What it may stand on is given: sentences of past replies, the voice's phrases, and what fills slots. The ticket's own
//! text is not among them: what somebody writes to the desk is data, never an instruction and never a source. Must never
//! let pass what it can't place.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use firstline_ticket::CheckResult;
use regex::Regex;

use crate::mask::{Masker, words};
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
pub fn guard(text: &str, grounds: &Grounds<'_>, masker: &Masker) -> Vec<CheckResult> {
    let body = text.strip_suffix(grounds.signature).unwrap_or(text);
    let checks = [
        ("length", length(text)),
        ("placeholders", placeholders(body)),
        ("hidden characters", hidden(text)),
        ("contact data", contact_data(body, grounds, masker)),
        ("products", products(body, grounds, masker)),
        ("numbers", numbers(body, grounds)),
        ("credentials", credential(body)),
        ("promises", unfounded(promises, body, grounds)),
        ("work done", unfounded(claims, body, grounds)),
        ("sources", sources(body, grounds)),
        ("identity first", identity(body, grounds)),
        ("language", language(body, grounds)),
    ];
    let verdict = |(check, found): (&str, Option<String>)| CheckResult {
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

/// Words for what opens doors.
const SECRETS: &str = r"(?:passwords?|passcodes?|passphrases?|pins?|codes?|tokens?|otps?|credit card|card number|kennw(?:ort|örter)|passw(?:ort|örter)|mots? de passe|contraseñas?|senhas?)";

/// A credential given: never, whatever the sources say.
static GIVEN: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        r"(?i)\b(?:your|the|a|new|temporary)\s+(?:new |temporary |initial |alarm |door |access |recovery )?(?:password|passcode|pin|code|token)\s*(?:\bis\s*[:=]|\bis\s+(\S+)|\bwill be\b|:|=)",
        r"(?i)\b(?:password|passcode|pin|code|kennwort|passwort)\b[^.?!]{0,20}\b(?:set|reset|changed?)\b[^.?!]{0,10}\bto\s+\S*[\d_!#$%]",
        r"(?i)\bas (?:the |your )?(?:new |temporary )?(?:password|passcode|pin)\b",
        r"(?i)\b(?:ihr|das|neues?)\s+(?:neues |vorläufiges )?(?:passwort|kennwort)\s+(?:ist|lautet)\b",
        r"(?i)\b(?:votre|le)\s+(?:nouveau )?mot de passe\s+est\b",
        r"(?i)\b(?:su|la)\s+(?:nueva )?contraseña\s+es\b",
    ]
    .into_iter()
    .map(|p| Regex::new(p).expect("tested"))
    .collect()
});

/// What a credential may be said to be.
const STATES: [&str; 20] = [
    "typed", "correct", "wrong", "expired", "needed", "required", "accepted", "rejected", "refused",
    "locked", "changed", "stored", "saved", "still", "not", "asked", "too", "case", "shown", "sent",
];

/// A credential asked for.
static ASKED: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        format!(r"(?i)\b(?:send|tell|give|e?-?mail|text|read|share|reply|answer|forward|provide|confirm|write|enter|type|schicken|senden|geben|nennen|teilen|mailen|envoyer|envoyez|donner|donnez|communiquer|communiquez|indiquez|envíe|envíen|díganos|dígame|indique|envie|informe)\b[^.?!]{{0,50}}\b{SECRETS}\b[^.?!]*"),
        format!(r"(?i)\b(?:what is|what['’]s|what was|can we have|may we have|we need|i need|wie lautet|wie ist|wir brauchen|ich brauche|wir benötigen|quel est|il nous faut|cuál es|necesitamos|qual é)\b[^.?!]{{0,15}}\b(?:your|the|ihr|ihre|ihren|das|den|votre|le|su|la|tu|sua|a)\s+(?:\w+ ){{0,2}}{SECRETS}\b[^.?!]*"),
    ]
    .into_iter()
    .map(|p| Regex::new(&p).expect("tested"))
    .collect()
});

/// A credential in `text`, given or asked for.
pub(crate) fn credential(text: &str) -> Option<String> {
    static REFUSED: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)\b(?:not|never|nobody|no one|don['’]t|nicht|niemals|nie|keinem|keine|ne|pas|jamais|nunca|não|whether|where|how|which message|page|screen)\b").expect("tested")
    });
    // What is typed into a page of the user's own is given to nobody.
    static TYPED: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?i)^(?:enter|type)\b").expect("tested"));
    static TO_US: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)\b(?:us|me|uns|mir|nous|nos|reply|answer|here)\b").expect("tested")
    });
    let text = HARMLESS.replace_all(text, " ");
    let asked = |m: &regex::Match<'_>| {
        let clause = text[..m.start()].rfind(['.', '?', '!', '\n']).map_or(0, |at| at + 1);
        let own = TYPED.is_match(m.as_str()) && !TO_US.is_match(m.as_str());
        !own && !REFUSED.is_match(&text[clause..m.end()])
    };
    // "The password is typed correctly" gives none.
    let state = |c: &regex::Captures<'_>| {
        c.get(1).is_some_and(|word| STATES.contains(&word.as_str().trim_end_matches(['.', ',', '!'])))
    };
    let given = GIVEN.iter().find_map(|p| p.captures_iter(&text).find(|c| !state(c)).and_then(|c| c.get(0)));
    let hit = given.or_else(|| ASKED.iter().flat_map(|p| p.find_iter(&text)).find(asked));
    hit.map(|m| m.as_str().to_owned())
}

/// Codes that open no door: "The error code".
static HARMLESS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:error|stop|status|exit|result|post|postal|zip|country|area|colou?r|source|order)[ -]codes?\b").expect("tested")
});

/// Whether `text` speaks of credentials: whoever it is for has to be known.
pub(crate) fn names_secret(text: &str) -> bool {
    static SECRET: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)\b(?:password|passcode|passphrase|pin|code|mfa|2fa|two[- ]factor|authenticator|one[- ]time|token|passwort|kennwort|zweiter faktor|mot de passe|contraseña|senha)s?\b").expect("tested")
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

/// Promises in `text`: no questions, and not what is asked of whoever wrote ("Please try again in a few minutes").
fn promises(text: &str) -> impl Iterator<Item = &str> {
    static ASKED_OF_THEM: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)^\W*(?:please|kindly|then|bitte|danach|veuillez|merci de|por favor)\b")
            .expect("tested")
    });
    let plain = |hit: &regex::Match<'_>| {
        let begins = text[..hit.start()].rfind(['.', '?', '!', '\n']).map_or(0, |at| at + 1);
        let rest = &text[hit.end()..];
        let asks = rest.find(['.', '?', '!', '\n']).is_some_and(|at| rest[at..].starts_with('?'));
        !asks && !ASKED_OF_THEM.is_match(&text[begins..])
    };
    PROMISES.iter().flat_map(move |p| p.find_iter(text)).filter(plain).map(|m| m.as_str())
}

/// A promise in `text`.
pub(crate) fn promise(text: &str) -> Option<&str> {
    promises(text).next()
}

/// That something was done, or is known of this ticket: nothing has been when a first response is drafted.
static CLAIMS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let adverb = r"(?:\s+(?:\w+ly|also|just|now|already|since|all|again|back))*";
    let done = r"(?:\w+ed|reset|sent|found|made|put|set|given|taken|rebuilt|rerun|run|tried|done|gone ahead)";
    let state = r"(?:activated|added|applied|approved|assigned|blocked|cleared|closed|created|deleted|deployed|disabled|done|enabled|extended|fixed|granted|installed|moved|ordered|released|removed|renewed|replaced|reset|resolved|restarted|restored|solved|sorted|unblocked|unlocked|updated|upgraded)";
    let german = r"(?:\w*(?:iert|gewiesen|gefügt|ledigt|sperrt|gesetzt|geschaltet|gerichtet|behoben|gelöst|gestartet|ersetzt|erneuert|gelöscht|bestellt|geändert|geprüft|getauscht|entfernt|erstellt|angelegt|freigegeben))";
    let french = r"(?:ajouté|activé|bloqué|changé|corrigé|créé|débloqué|désactivé|installé|modifié|réactivé|redémarré|réglé|réinitialisé|remplacé|résolu|rétabli|supprimé|vérifié)(?:e|s|es)?";
    let spanish = r"(?:activad|añadid|asignad|cambiad|cread|desactivad|desbloquead|eliminad|instalad|modificad|reiniciad|restablecid|resuelt|solucionad)[oa]s?";
    let doing = r"(?:add|assign|block|chang|clear|creat|delet|deploy|disabl|enabl|install|isolat|mov|order|reboot|recover|releas|remov|renew|replac|resett|restart|restor|revok|send|unblock|unlock|updat|upgrad)ing";
    [
        format!(r"(?i)\b(?:i|we)(?:['’]ve| have| had|['’]d){adverb}\s+{done}\b"),
        format!(r"(?i)\b(?:i|we){adverb}\s+(?:went ahead|{state})\b"),
        format!(r"(?i)\b(?:i|we)(?:['’]m|['’]re| am| are)(?: currently)?{adverb}\s+{doing}\b"),
        format!(r"(?i)\b(?:has|have|had)(?: not)?{adverb} been{adverb}\s+{state}\b"),
        format!(r"(?i)\b(?:is|are|was|were|it['’]s|that['’]s){adverb}\s+{state}\b"),
        r"(?i)\ball done\b|\byou now have\b|\bshould (?:now )?be (?:working|back|fixed|resolved)\b".into(),
        r"(?i)\bthere is (?:a|an) (?:known |general |major )?(?:outage|incident|disruption)\b".into(),
        r"(?i)\b(?:we are|we['’]re|i am|i['’]m) (?:already |currently |now )?aware of\b".into(),
        format!(r"(?i)\b(?:habe|haben|wurden?|ist|sind)\b[^.?!]{{0,60}}\b{german}\b"),
        format!(r"(?i)\b(?:ai|avons|a été|ont été|est|sont|c['’]est)(?:\s+(?:bien|déjà|aussi|maintenant|de nouveau|à nouveau))?\s+{french}\b"),
        format!(r"(?i)\b(?:he|hemos|se ha|se han|ha sido|han sido|está|están)(?:\s+(?:ya|ahora|nuevo))?\s+{spanish}\b"),
    ]
    .into_iter()
    .map(|p: String| Regex::new(&p).expect("tested"))
    .collect()
});

/// Claims in `text` that something was done: no questions, no conditions ("once we have called you back"), nothing that
/// whoever wrote has done, nothing that is true when it is read ("We have received your request").
fn claims(text: &str) -> impl Iterator<Item = &str> {
    static CONDITION: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)\b(?:once|until|till|after|when|if|whether|unless|before|what|as soon as|may|might|sobald|bis|nachdem|wenn|falls|ob|bevor|quand|si|dès que|après que|avant|cuando|hasta que)\b|\b(?:that|which|who|qui)\s*$|,\s*(?:die|der|das|welche[rsnm]?)\b|^\W*(?:please|kindly|make sure|bitte|veuillez|merci de|por favor)\b").expect("tested")
    });
    static TRUE_ANYWAY: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)\b(?:received|noted|picked|looked|recorded|registered|logged|asked|needed|wanted|listed|attached)$").expect("tested")
    });
    let plain = |hit: &regex::Match<'_>| {
        let before = &text[..hit.start()];
        let clause = before.rfind(['.', '?', '!', ';', ':', '\n']).map_or(before, |at| &before[at + 1..]);
        let rest = &text[hit.end()..];
        let asks = rest.find(['.', '?', '!', '\n']).is_some_and(|at| rest[at..].starts_with('?'));
        !asks && !CONDITION.is_match(clause) && !TRUE_ANYWAY.is_match(hit.as_str())
    };
    CLAIMS.iter().flat_map(move |p| p.find_iter(text)).filter(plain).map(|m| m.as_str())
}

/// A claim in `text` that something was done.
pub(crate) fn claim(text: &str) -> Option<&str> {
    claims(text).next()
}

/// What `find` finds in `text` and in none of the grounds: only what a person has approved, a template or the desk's own
/// phrases, may promise or claim.
fn unfounded<'t, F, I>(find: F, text: &'t str, grounds: &'t Grounds<'t>) -> Option<String>
where
    F: Fn(&'t str) -> I,
    I: Iterator<Item = &'t str>,
{
    let known: Vec<&str> = grounds.all().flat_map(&find).collect();
    find(text).find(|hit| !known.contains(hit)).map(str::to_owned)
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
            let support = |known: &Vec<String>| {
                said.iter().filter(|w| known.contains(w)).count() as f32 / said.len().max(1) as f32
            };
            if !said.is_empty() && known.iter().all(|known| support(known) < SUPPORT) {
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
        assert!(!names_secret("Which of the pinned tabs is it?"));
    }

    #[test]
    fn credentials_are_neither_given_nor_asked_for() {
        for wrong in [
            "Your new password is Summer2026.",
            "The password is: hunter2",
            "Your new password is Summer. Please sign in again with it.",
            "Please confirm your card number.",
            "Use Summer as password.",
            "Please send us the code that you received by text.",
            "Please read us the code from the authenticator app.",
            "Reply with the verification code.",
            "What is your password?",
            "Can we have your password?",
            "We need your password to sign in.",
            "Please text us your password.",
            "Wie lautet Ihr Passwort?",
            "Bitte geben Sie uns Ihr Kennwort.",
            "Bitte schicken Sie uns Ihr aktuelles Kennwort.",
            "Quel est votre mot de passe ?",
            "Merci de nous envoyer le code reçu par SMS.",
            "Envíe su contraseña, por favor.",
        ] {
            assert!(credential(wrong).is_some(), "{wrong}");
        }
        for fine in [
            "Please do not send your password by mail.",
            "Never share your password with anyone.",
            "Please check that the password is typed correctly.",
            "Please send us the error code.",
            "Before we reset your password we call you back on the number in our records.",
            "Please enter your new password on the sign-in page.",
            "Bitte senden Sie uns das Passwort nicht per Mail.",
            "Ne communiquez jamais votre mot de passe.",
            "Please keep your phone at hand and do not send passwords by mail.",
        ] {
            assert_eq!(credential(fine), None, "{fine}");
        }
    }

    #[test]
    fn claims_of_work_done_are_told_from_questions_and_conditions() {
        for claimed in [
            "I have reset your password.",
            "Thanks. I've just unlocked the account.",
            "I have successfully reset your password.",
            "I went ahead and reset it.",
            "We have given you access.",
            "We have increased your quota.",
            "You now have access.",
            "It's fixed now.",
            "All done.",
            "Your account is unlocked now.",
            "The licence is assigned to you.",
            "Thank you, we have assigned the licence.",
            "I confirm that your account is unlocked.",
            "There is a known outage.",
            "We are now restarting the server.",
            "I am revoking your sessions now.",
            "Your licence has been assigned.",
            "The update was installed.",
            "We are aware of the outage.",
            "Ich habe das Kennwort zurückgesetzt.",
            "Das Konto wurde entsperrt.",
            "Wir haben den Druckertreiber neu installiert.",
            "Ihr Konto ist wieder entsperrt.",
            "Die Lizenz ist Ihnen zugewiesen.",
            "J'ai réinitialisé votre compte.",
            "J'ai bien réinitialisé votre compte.",
            "Nous avons redémarré le serveur.",
            "Le service a été rétabli.",
            "Votre compte est débloqué.",
            "C'est réglé.",
            "Hemos restablecido la cuenta.",
            "Se ha restablecido el acceso.",
        ] {
            assert!(claim(claimed).is_some(), "{claimed}");
        }
        for plain in [
            "I have picked up your ticket.",
            "We have received your request and are looking into it.",
            "We unlock your account once we have called you back.",
            "Please tell us whether the update was installed.",
            "Please let us know as soon as you have restarted the computer.",
            "Please confirm that you have restarted it.",
            "Please make sure Windows has been updated.",
            "Please send the steps you have already tried.",
            "Please forward the mail that was sent to you.",
            "Was it working before the update was installed?",
            "Have you restarted the computer?",
            "I am looking at this now.",
            "Do not save anything new in that folder until we have looked at the backup.",
            "Ich habe Ihre Nachricht.",
            "Ich habe noch eine Frage zu dem Gerät.",
            "Wir haben leider keinen Zugriff auf das Gerät.",
            "Wir haben Ihre Anfrage erhalten und melden uns.",
            "Ihre Anfrage ist bei uns eingegangen, und wir kümmern uns darum.",
            "Ich kümmere mich darum.",
            "J'ai bien reçu votre demande.",
            "Nous avons bien reçu votre demande et nous nous en occupons.",
        ] {
            assert_eq!(claim(plain), None, "{plain}");
        }
    }

    #[test]
    fn what_is_asked_is_no_promise() {
        for promised in ["It will be fixed within two hours.", "Sie haben es bis Freitag, versprochen."] {
            assert!(promise(promised).is_some(), "{promised}");
        }
        for plain in [
            "Please try again in a few minutes.",
            "Did this start this morning?",
            "Would a call tomorrow morning suit you?",
            "Brauchen Sie es bis Freitag?",
            "Please tell us by Friday which model it is.",
        ] {
            assert_eq!(promise(plain), None, "{plain}");
        }
    }

    #[test]
    fn a_condition_in_a_source_is_no_ground_for_a_claim() {
        let slots = HashMap::new();
        let grounds = Grounds {
            sentences: vec!["Please tell us whether the update was installed."],
            phrases: vec!["We answer within one hour."],
            slots: &slots,
            things: BTreeSet::new(),
            language: "en",
            identity: None,
            signature: "",
        };
        assert!(unfounded(claims, "The update was installed.", &grounds).is_some());
        assert_eq!(unfounded(promises, "We answer within one hour.", &grounds), None);
    }
}
