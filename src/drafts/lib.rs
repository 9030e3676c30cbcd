//! First responses: retrieve similar resolved tickets, choose what their replies agree on, greet, sign and guard it.
//!
//! Given an engine, an index of resolved tickets and a voice, this room says what could be answered and how likely it is sent
//! unchanged. It never opens a socket and never looks at the wall clock, and must never show one customer what another
//! wrote.

mod consensus;
mod corrections;
mod customers;
mod drafter;
mod drafting_id;
mod files;
mod fitting;
mod folding;
mod guard;
mod habits;
mod index;
mod language;
mod lexicon;
mod mask;
mod names;
mod reply;
mod reviews;
mod said;
mod segmentation;
mod slots;
mod stock_sentences;
pub mod suites;
mod template;
mod voice;
mod writer;

pub use consensus::say_the_same;
pub use corrections::takes_back;
pub use drafter::{Drafter, Lesson};
pub use drafting_id::drafting_id;
pub use files::create_private_folder;
pub use guard::{Grounds, guard};
pub use habits::{LanguageHabits, LanguageHabitsBuilder};
pub use index::{
    CaseHit, CustomerFilter, DeskProfile, DeskProfileBuilder, Index, ReplySentence, ResolvedCase, Similar,
};
pub use language::language_of;
pub use mask::{KnownTerms, KnownTermsBuilder, Masker, PrivateKind, PrivateSpan, SHARED_BY};
pub use reply::{Endings, EndingsBuilder, Reach, first_reply, sentences};
pub use reviews::{MIN_REVIEWS, Reviews, logit};
pub use said::{said, said_and_sent};
pub use slots::{Slot, fill, slots};
pub use stock_sentences::{StockSentences, StockSentencesBuilder};
pub use template::{Template, Templates, has_only_known_slots};
pub use voice::{DEFAULT_VOICE, ForCustomer, Phrases, Voice};
pub use writer::Writer;

/// What the models read of a ticket of which nothing was learnt.
#[cfg(test)]
fn text_of(ticket: &firstline_ticket::Ticket) -> String {
    firstline_triage::Reader::default().compose(ticket).text()
}
