//! Takes greetings and sign-offs off a reply: on lines of their own or within one, doubled, in several languages.
//!
//! Must never take a sentence away that says something of the matter.

use std::collections::HashSet;

use crate::folding::plain;
use crate::lexicon::{common_words, is_people, is_sign_off, is_title, salutation};

/// Greetings in a row at most.
const GREETINGS: usize = 3;
/// Words of a name in a greeting, of what follows a sign-off, and lines after it, at most.
const NAME_WORDS: usize = 5;
const SIGNED_WORDS: usize = 9;
const SIGNED_LINES: usize = 8;
/// Characters that end a greeting.
const ENDS: [char; 9] = [',', '.', '!', ':', ';', '-', '–', '—', '…'];

/// `line`, the first of a reply, without the greetings that it begins with. `names` are those of the two who write, in lower
/// case.
pub(super) fn without_greeting<'t>(line: &'t str, names: &HashSet<String>) -> &'t str {
    let mut rest = line;
    for _ in 0..GREETINGS {
        let open = rest.trim_start_matches([' ', '*', '_', '>', '"', '\u{201c}', '¡']);
        match greeted(open).or_else(|| spoken_to(open, names)) {
            Some(after) => rest = after,
            None => break,
        }
    }
    rest
}

/// What follows the greeting that `text` begins with.
fn greeted(text: &str) -> Option<&str> {
    let first: Vec<&str> = text.split(|c: char| !is_in_word(c)).filter(|w| !w.is_empty()).take(3).collect();
    let mut rest = text;
    for word in &first[..salutation(&first)?] {
        rest = &rest[rest.find(word)? + word.len()..];
    }
    let (after, named) = name_run(rest);
    let ended = after.trim_start().starts_with(ENDS) || after.trim().is_empty();
    (named || ended)
        .then(|| after.trim_start().trim_start_matches([' ']).trim_start_matches(ENDS).trim_start())
}

/// What follows a name that `text` begins with, if it speaks to somebody: "Sierra, please ...".
fn spoken_to<'t>(text: &'t str, names: &HashSet<String>) -> Option<&'t str> {
    let end = text.find(|c: char| !is_in_word(c))?;
    let (word, after) = text.split_at(end);
    let known = names.contains(&word.to_lowercase());
    let odd = word.starts_with(char::is_uppercase)
        && !is_common_anywhere(word)
        && !word.ends_with("ly")
        && word.len() > 1;
    let ended = after.starts_with([',', ':']) || after.starts_with(" - ") || after.starts_with(" – ");
    (ended && (known || odd)).then(|| after.trim_start_matches([' ', ',', ':', '-', '–']))
}

/// What follows the words of a name, titles and "all" that `text` begins with, and whether there are any.
fn name_run(text: &str) -> (&str, bool) {
    let (mut rest, mut named) = (text, false);
    for _ in 0..NAME_WORDS {
        let word_at = rest.trim_start_matches(' ');
        let end = word_at.find(|c: char| !is_in_word(c) && c != '-').unwrap_or(word_at.len());
        let (word, after) = word_at.split_at(end);
        let title = is_title(word) && after.starts_with('.');
        let after = if title { &after[1..] } else { after };
        let ends = after.trim_start().starts_with(ENDS) || after.trim().is_empty();
        let name = word.starts_with(char::is_uppercase) && (ends || !is_common_anywhere(word));
        let joined = named
            && matches!(
                word,
                "and" | "und" | "et" | "y" | "e" | "en" | "i" | "och" | "og" | "von" | "van" | "de"
            );
        let slot = word.is_empty() && word_at.starts_with("{contact}");
        if slot {
            return (&word_at["{contact}".len()..], true);
        }
        if word.is_empty() || !(name || title || joined || is_people(word) || is_title(word)) {
            break;
        }
        (rest, named) = (after, true);
        if ends && !title {
            break;
        }
    }
    (rest, named)
}

/// Lines without those that sign off at their end, and the last one without what signs off within it.
pub(super) fn without_sign_off(lines: &mut Vec<String>) {
    let from = lines.len().saturating_sub(SIGNED_LINES).max(1);
    let signed =
        |line: &String| is_sign_off(line.trim()).is_some_and(|end| is_signature(&line.trim()[end..]));
    let short = |line: &String| line.split_whitespace().count() <= SIGNED_WORDS && !line.contains('?');
    if let Some(at) = (from..lines.len()).find(|&i| signed(&lines[i]) && lines[i..].iter().all(short)) {
        lines.truncate(at);
    }
    let Some(last) = lines.last_mut() else { return };
    let kept = unsigned(last).len();
    last.truncate(kept);
    if last.is_empty() {
        lines.pop();
    }
}

/// `line` without the sign-off that it ends with.
fn unsigned(line: &str) -> &str {
    let begins = line.char_indices().filter(|&(i, _)| {
        let before = line[..i].trim_end();
        line[..i].ends_with(' ') && before.ends_with(['.', '!', '?', ',', ';', '-', '–', '—'])
    });
    let mut kept = line;
    for at in [0].into_iter().chain(begins.map(|(i, _)| i)) {
        let rest = &line[at..];
        // One word is the reply, whatever it looks like.
        let sign_off = is_sign_off(rest).is_some_and(|end| is_signature(&rest[end..]));
        let whole = at > 0 || rest.split_whitespace().count() > 1;
        if whole && (sign_off || (at > 0 && is_bare_name(rest))) {
            kept = &line[..at];
            break;
        }
    }
    let kept = kept.trim_end_matches([' ', ',', ';', '-', '–', '—', '*', '/', '~']);
    without_mark(kept)
}

/// Whether what follows a sign-off is a signature: nothing, or a few words that look like a name, a team, a company.
fn is_signature(rest: &str) -> bool {
    let rest = rest.trim().trim_start_matches([',', '.', '!', '-', '–', '—', ':']).trim();
    let small = [
        "the", "your", "ihr", "dein", "from", "of", "and", "und", "von", "de", "la", "le", "votre", "su",
        "it", "@", "|", "team", "support", "desk",
    ];
    let name = |word: &str| {
        word.starts_with(|c: char| !c.is_lowercase())
            || small.contains(&plain(word).trim_matches(|c: char| !c.is_alphanumeric()))
    };
    let inner = rest.trim_end_matches(['.', '!']);
    let ends = inner.contains(['?', '!']) || inner.contains(". ");
    let all: Vec<&str> = rest.split_whitespace().collect();
    let speaks =
        all.first().is_some_and(|word| is_common_anywhere(word) && !small.contains(&plain(word).as_str()));
    all.len() <= SIGNED_WORDS && !ends && !speaks && all.iter().all(|word| name(word))
}

/// Whether `text` is nothing but a name or two, in capitals, as technicians end a line.
fn is_bare_name(text: &str) -> bool {
    let words: Vec<&str> = text.trim_end_matches(['.', ' ']).split_whitespace().collect();
    let name = |word: &&str| {
        word.chars().count() <= 15
            && word.starts_with(char::is_uppercase)
            && word.chars().all(|c| c.is_alphabetic() || c == '.')
            && !is_common_anywhere(word)
    };
    (1..=2).contains(&words.len()) && !text.contains(['?', '!']) && words.iter().all(name)
}

/// `line` without initials or a name behind a dash, an asterisk, a stroke: "-Jo", "*MS", "/JK".
fn without_mark(line: &str) -> &str {
    let end = line.trim_end_matches(['.', ' ', '*', '_']);
    let Some(at) = end.rfind(|c: char| "-–—*/~^|".contains(c)) else { return line };
    let (before, signed) = (&end[..at], end[at..].trim_start_matches(|c: char| "-–—*/~^| ".contains(c)));
    let apart = before.is_empty() || before.ends_with([' ', '.', '!', '?', ',', '-', '*', '–', '—', '/']);
    let name = (1..=15).contains(&signed.chars().count())
        && signed.starts_with(char::is_uppercase)
        && signed.chars().all(|c| c.is_alphabetic() || c == '.')
        && !is_common_anywhere(signed);
    if apart && name { before.trim_end_matches([' ', '-', '*', '–', '—', '/', '~', ',']) } else { line }
}

fn is_in_word(c: char) -> bool {
    c.is_alphanumeric() || "'’".contains(c)
}

/// Whether any language has `word` among its common ones.
fn is_common_anywhere(word: &str) -> bool {
    let word = plain(word);
    word.split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .all(|w| common_words().words.contains_key(w))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rest(line: &str) -> &str {
        without_greeting(line, &HashSet::from(["zach".to_owned()]))
    }

    fn signed_off(text: &str) -> String {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        without_sign_off(&mut lines);
        lines.join("|")
    }

    #[test]
    fn greetings_of_every_shape_are_taken_off() {
        for greeted in [
            "Hi Sierra. Please restart it.",
            "Hi Sierra, Please restart it.",
            "Hi Sierra - Please restart it.",
            "Hi Sierra – Please restart it.",
            "Hi Sierra! Please restart it.",
            "Hi Sierra Please restart it.",
            "Hello, Please restart it.",
            "Hello Sierra, hi again Sierra, Please restart it.",
            "Good morning Mr. Quill, Please restart it.",
            "Dear Ms Quill: Please restart it.",
            "Dear all, Please restart it.",
            "Hi team. Please restart it.",
            "Sierra, Please restart it.",
            "Zach - Please restart it.",
            "Hi Sierra and Tom, Please restart it.",
            "Hallo Frau Quill, Please restart it.",
            "Sehr geehrte Frau Dr. Quill, Please restart it.",
            "Sehr geehrte Damen und Herren, Please restart it.",
            "Guten Tag Herr Quill. Please restart it.",
            "Bonjour Sierra, Please restart it.",
            "Hola Sierra: Please restart it.",
            "Estimada Sierra: Please restart it.",
            "Buongiorno Sierra, Please restart it.",
            "Olá Sierra, Please restart it.",
            "Beste Sierra, Please restart it.",
            "Dzień dobry, Please restart it.",
            "Hej Sierra! Please restart it.",
            "Добрый день, Please restart it.",
            "*Hi Sierra,* Please restart it.",
            "Hi {contact}, Please restart it.",
        ] {
            assert_eq!(rest(greeted).trim_start_matches(['*', ' ']), "Please restart it.", "{greeted}");
        }
        for plain in [
            "Please restart it.",
            "Unfortunately, it can't be restarted.",
            "However, please restart it.",
            "Then, please restart it.",
            "Bitte, starten Sie neu.",
            "Thanks for the details. Please restart it.",
            "Morning backups are fine.",
            "Then:",
        ] {
            assert_eq!(rest(plain), plain);
        }
    }

    #[test]
    fn sign_offs_of_every_shape_are_taken_off() {
        for signed in [
            "Please restart it. -Jo",
            "Please restart it. - Jo",
            "Please restart it. *MS",
            "Please restart it. /JK",
            "Please restart it. ~ Tom",
            "Please restart it. — Anna",
            "Please restart it. Cheers Jo",
            "Please restart it. Cheers, Jo",
            "Please restart it. Thanks, Jo",
            "Please restart it. Thanks!",
            "Please restart it. Kind regards, Mike Smith IT Support",
            "Please restart it. Best, Tom",
            "Please restart it. Regards",
            "Please restart it. Jo",
            "Please restart it. LG Anna",
            "Please restart it. Viele Grüße, Anna",
            "Please restart it. Mit freundlichen Grüßen Anna Quill",
            "Please restart it. Cordialement, Paul",
            "Please restart it. Saludos, Ana",
            "Please restart it. Cordiali saluti, Luca",
            "Please restart it. Atenciosamente, João",
            "Please restart it. Met vriendelijke groet, Piet",
            "Please restart it. Pozdrawiam, Anna",
            "Please restart it. Mvh Anna",
            "Please restart it. С уважением, Анна",
            "Please restart it.\nCheers\nJo",
            "Please restart it.\nKind regards,\nMike Smith\nIT Support\nBluefinch Ltd",
            "Please restart it.\nDanke und viele Grüße\nAnna".split("\nDanke").next().unwrap(),
        ] {
            assert_eq!(signed_off(signed), "Please restart it.", "{signed}");
        }
        for plain in [
            "Please restart it.",
            "Thanks for the details. Please restart it.",
            "Please restart it. Thanks for the details.",
            "Please send us the start date - and the title.",
            "Please press Ctrl/Esc.",
            "Done!",
            "Thanks",
            "Best restart it now.",
        ] {
            assert_eq!(signed_off(plain), plain);
        }
    }
}
