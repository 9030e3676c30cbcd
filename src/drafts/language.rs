//! The language of a ticket, told by its own field or by its text.
//!
//! Must never guess from a few letters: a wrong language costs more than none.

use firstline_ticket::Ticket;
use whatlang::Lang;

/// With fewer letters no language can be told.
const FEWEST_LETTERS: usize = 20;
/// Below this confidence the detector's answer counts for nothing.
const LEAST_CONFIDENCE: f64 = 0.3;

/// The language of a ticket, ISO 639-1: as the ticket says, else as its text looks; empty where neither tells.
pub fn language_of(ticket: &Ticket, text: &str) -> String {
    if let Some(said) = ticket.extra_str("language") {
        return said.trim().to_lowercase().chars().take(2).collect();
    }
    let letters = text.chars().filter(|c| c.is_alphabetic()).take(FEWEST_LETTERS).count();
    let detected = whatlang::detect(text)
        .filter(|info| letters == FEWEST_LETTERS && info.confidence() > LEAST_CONFIDENCE);
    detected.and_then(|info| iso_639_1(info.lang())).unwrap_or_default().to_owned()
}

/// The two-letter code of a language, of those that service desks here write in.
pub(crate) fn iso_639_1(language: Lang) -> Option<&'static str> {
    Some(match language {
        Lang::Eng => "en",
        Lang::Deu => "de",
        Lang::Fra => "fr",
        Lang::Spa => "es",
        Lang::Por => "pt",
        Lang::Ita => "it",
        Lang::Nld => "nl",
        Lang::Pol => "pl",
        Lang::Swe => "sv",
        Lang::Dan => "da",
        Lang::Nob => "nb",
        Lang::Fin => "fi",
        Lang::Ces => "cs",
        _ => return None,
    })
}
