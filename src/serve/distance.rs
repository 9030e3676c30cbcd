//! How far what was sent is from its draft.

use firstline_drafts::{Endings, said_and_sent};
use firstline_ticket::Ticket;
use strsim::generic_damerau_levenshtein;

/// Words that are compared: the cost grows with their square.
const MOST_WORDS: usize = 400;

/// Edits of words (Damerau 1964) that make one text of the other, as a share of the longer one's words: 0 for the same, 1 for
/// nothing in common. Space does not count. Of long texts the beginning is compared.
pub fn distance(draft: &str, sent: &str) -> f64 {
    let words = |text: &str| text.split_whitespace().take(MOST_WORDS).map(str::to_owned).collect::<Vec<_>>();
    let (draft, sent) = (words(draft), words(sent));
    let most = draft.len().max(sent.len());
    if most == 0 {
        return 0.0;
    }
    generic_damerau_levenshtein(&draft, &sent) as f64 / most as f64
}

/// [`distance`] of a reply from its draft, both without greeting, names and signature. Where nothing else was sent, of the whole texts.
pub fn reply_distance(draft: &str, signature: &str, reply: &str, ticket: &Ticket, endings: &Endings) -> f64 {
    let [said, sent] = said_and_sent(draft, signature, reply, ticket, endings);
    if sent.is_empty() { distance(draft, reply) } else { distance(&said, &sent) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r27_what_stands_around_the_matter_does_not_count() {
        let ticket = Ticket { technician: Some("Mira Holm".to_owned()), ..Ticket::default() };
        let far = |draft, reply| reply_distance(draft, "The desk", reply, &ticket, &Endings::default());
        let draft = "Hello Ann,\n\nPlease restart the spooler.\n\nThe desk";
        assert_eq!(far(draft, "Hi Ann,\nPlease restart the spooler.\nMira"), 0.0);
        assert!(far(draft, "Hi Ann,\nPlease restart the router.\nMira") > 0.05);
        assert!(far(draft, "Hello Ann,\n\nThe desk") > 0.05);
    }

    #[test]
    fn words_are_what_is_counted() {
        assert_eq!(distance("Please restart  it.\n", "Please restart it."), 0.0);
        assert_eq!(distance("a b c d", "a b x d"), 0.25);
        assert_eq!(distance("a b", "c d e f"), 1.0);
        assert_eq!(distance("", ""), 0.0);
        assert_eq!(distance("", "a"), 1.0);
    }
}
