//! The mark of texts that Firstline has sent, by which they are known when they come back.
//!
//! A mark is a line such as `[ref FL-42-9f3a2b1c-17]`: the number of words before it, their hash, and the action that sent them. So the
//! text is found again under other line breaks, in HTML, and inside a quotation, what others wrote around it is kept, and the same words
//! sent twice can be told apart. Must never take away a word that
//! stands before the marked text.

use crate::Ticket;

const OPEN: &str = "[ref FL-";
/// Longest mark in bytes.
const LONGEST: usize = 52;
/// Marks of a text that are looked for: a thread quotes some, a hostile text could hold thousands.
const MOST: usize = 8;
/// Longest tag or entity that is skipped, in bytes.
const TAG: usize = 500;

/// `text` with the mark of the action that sends it, on a line of its own.
pub fn mark_own_note(text: &str, action: i64) -> String {
    let text = text.trim_end();
    let words = words(text);
    format!("{text}\n\n{OPEN}{}-{:08x}-{action}]", words.len(), hash(text, &words))
}

/// `text` without what Firstline has sent; `None` where it holds nothing of the kind.
pub fn without_own_notes(text: &str) -> Option<String> {
    let mut rest = text.to_owned();
    let mut found = false;
    for _ in 0..MOST {
        let Some((start, end)) = own_note(&rest) else { break };
        rest.replace_range(start..end, "");
        found = true;
    }
    found.then(|| if words(&rest).is_empty() { String::new() } else { rest })
}

/// `text`, which is the desk's, without marks: as it was approved.
pub fn unmarked(text: &str) -> String {
    let mut rest = text.to_owned();
    for _ in 0..MOST {
        let mark = rest.match_indices(OPEN).find_map(|(at, _)| Some((at, read_mark(&rest, at)?.2)));
        let Some((start, end)) = mark else { break };
        rest.replace_range(start..end, "");
        rest.truncate(rest.trim_end().len());
    }
    rest
}

/// The mark that `text` ends with, such as `[ref FL-42-9f3a2b1c-17]`.
pub fn own_mark(text: &str) -> Option<&str> {
    let at = text.rfind(OPEN)?;
    let (_, _, end) = read_mark(text, at)?;
    text.get(at..end)
}

/// The range in bytes of the first marked text, its mark included.
fn own_note(text: &str) -> Option<(usize, usize)> {
    let mut from = 0;
    while let Some(at) = text[from..].find(OPEN) {
        let mark = from + at;
        let Some((count, told, end)) = read_mark(text, mark) else {
            from = mark + OPEN.len();
            continue;
        };
        let before = &text[..mark];
        let words = words(before);
        let own = &words[words.len().saturating_sub(count)..];
        // A desk that rewraps or signs what is sent changes a few words: then all of a text that is no longer is its own.
        let is_whole = words.len() <= count + count / 4 + 4;
        let start = match own.first() {
            Some(&(start, _)) if own.len() == count && hash(before, own) == told => start,
            _ if is_whole => 0,
            _ => mark,
        };
        return Some((start, end));
    }
    None
}

/// The number of words, the hash, and the end of the mark at `at`.
fn read_mark(text: &str, at: usize) -> Option<(usize, u32, usize)> {
    let rest = &text[at + OPEN.len()..];
    let close = rest[..rest.floor_char_boundary(LONGEST)].find(']')?;
    let (count, told) = rest[..close].split_once('-')?;
    // Older marks name no action.
    let told = told.split_once('-').map_or(told, |(told, _)| told);
    Some((count.parse().ok()?, u32::from_str_radix(told, 16).ok()?, at + OPEN.len() + close + 1))
}

/// The words of a text as ranges of bytes: letters and digits, without tags and entities.
fn words(text: &str) -> Vec<(usize, usize)> {
    let (mut all, mut at, mut start) = (Vec::new(), 0, None);
    while let Some(c) = text[at..].chars().next() {
        if !c.is_alphanumeric()
            && let Some(from) = start.take()
        {
            all.push((from, at));
        }
        if c.is_alphanumeric() {
            start.get_or_insert(at);
        }
        at += skipped(&text[at..]).unwrap_or(c.len_utf8());
    }
    all.extend(start.map(|from| (from, text.len())));
    all
}

/// The length of the tag or entity that `text` begins with.
fn skipped(text: &str) -> Option<usize> {
    let rest = &text[..text.floor_char_boundary(TAG)];
    let next = rest.as_bytes().get(1)?;
    match rest.as_bytes()[0] {
        b'<' if next.is_ascii_alphabetic() || b"/!".contains(next) => rest.find('>').map(|end| end + 1),
        b'&' => {
            let name = rest[1..].bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'#').count();
            (name > 0 && name < 12 && rest.as_bytes().get(1 + name) == Some(&b';')).then_some(name + 2)
        }
        _ => None,
    }
}

/// FNV-1a, folded to 32 bits: it tells a text from others, and keeps no secret.
fn hash(text: &str, words: &[(usize, usize)]) -> u32 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut add = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    for &(from, to) in words {
        text[from..to].chars().flat_map(char::to_lowercase).for_each(|c| {
            c.encode_utf8(&mut [0; 4]).bytes().for_each(&mut add);
        });
        add(0);
    }
    (hash ^ (hash >> 32)) as u32
}

impl Ticket {
    /// Takes out what Firstline has sent: it is never the customer's words. Where the body was nothing else, the customer's first
    /// message takes its place. A message that a technician is said to have sent keeps its words without the mark.
    pub fn drop_own_notes(&mut self) {
        for message in &mut self.messages {
            if message.from == "technician" {
                message.text = unmarked(&message.text);
            } else if let Some(rest) = without_own_notes(&message.text) {
                message.text = rest;
            }
        }
        let Some(rest) = self.body.as_deref().and_then(without_own_notes) else { return };
        if !rest.trim().is_empty() {
            self.body = Some(rest);
            return;
        }
        self.messages.retain(|message| !message.text.trim().is_empty());
        let of_customer = self.messages.iter().enumerate().filter(|(_, message)| message.from == "customer");
        let first = of_customer.min_by_key(|(_, message)| message.at).map(|(at, _)| at);
        self.body = first.map(|at| self.messages.remove(at).text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;

    const NOTE: &str =
        "Hello Ana,\n\nPlease unplug the dock, wait a minute, and plug it in again.\n\nService desk";

    #[test]
    fn what_was_sent_is_known_however_it_comes_back() {
        let marked = mark_own_note(NOTE, 17);
        let html = marked.replace("\n\n", "</p><p>").replace(", ", ",&nbsp;");
        let of_old = marked.replace("-17]", "]");
        for own in [
            marked.clone(),
            of_old,
            marked.replace('\n', "\r\n"),
            format!("<p>{html}</p>"),
            marked.replace("\n\n", " "),
        ] {
            assert_eq!(without_own_notes(&own).as_deref(), Some(""), "{own}");
        }
        // A desk's footer between text and mark.
        let signed = marked.replace("\n\n[ref", "\n\nYour IT team, always there\n\n[ref");
        assert_eq!(without_own_notes(&signed).as_deref(), Some(""));
        for others in ["The dock is dead.", "see ref FL-3 in the list", "[ref FL-x-y] stays", "[ref FL-", ""]
        {
            assert_eq!(without_own_notes(others), None, "{others}");
        }
    }

    #[test]
    fn words_around_what_was_sent_are_kept() {
        let marked = mark_own_note(NOTE, 17);
        let quoted = marked.lines().map(|line| format!("> {line}")).collect::<Vec<_>>().join("\n");
        for text in [
            format!("El muelle sigue sin funcionar.\n\n{quoted}"),
            format!("El muelle sigue sin funcionar.\n\nDe: Soporte\nEnviado: lunes\n\n{marked}"),
            format!("El muelle sigue sin funcionar.\n\n{quoted}\n\n{quoted}"),
        ] {
            let rest = without_own_notes(&text).unwrap();
            assert!(rest.starts_with("El muelle sigue sin funcionar."), "{rest}");
            assert!(!rest.contains("unplug") && !rest.contains("FL-"), "{rest}");
        }
    }

    #[test]
    fn a_hostile_text_is_read_in_bounded_time() {
        let many = "[ref FL-9-00000000] ".repeat(50_000);
        assert!(without_own_notes(&many).is_some());
        assert!(without_own_notes(&"<".repeat(200_000)).is_none());
        assert!(without_own_notes(&"[ref FL-99999999999999999999-0]".repeat(1_000)).is_none());
    }

    #[test]
    fn a_ticket_keeps_the_customers_words_in_whatever_order_notes_come() {
        let own = mark_own_note(NOTE, 17);
        let said =
            |from: &str, text: &str| Message { from: from.into(), text: text.into(), ..Message::default() };
        let mut ticket = Ticket {
            body: Some(own.clone()),
            messages: vec![said("technician", &own), said("customer", "The dock is dead.")],
            ..Ticket::default()
        };
        ticket.drop_own_notes();
        assert_eq!(ticket.body.as_deref(), Some("The dock is dead."));
        assert_eq!(ticket.messages, [said("technician", NOTE)]);
        let mut phone = Ticket { body: Some(own), ..Ticket::default() };
        phone.drop_own_notes();
        assert_eq!(phone.body, None);
        let mut plain = Ticket { body: Some("The dock is dead.".into()), ..Ticket::default() };
        plain.drop_own_notes();
        assert_eq!(plain.body.as_deref(), Some("The dock is dead."));
    }
}
