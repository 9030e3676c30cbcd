//! First responses: retrieve similar resolved tickets, choose what their replies agree on, greet, sign and guard it.
//!
//! Given an engine, an index of resolved tickets and a voice, this room says what could be answered and how likely it is sent
//! unchanged. It never opens a socket and never looks at the wall clock, and must never show one customer what another
//! wrote.

mod consensus;
mod drafter;
mod guard;
mod index;
mod mask;
mod reply;
mod reviews;
mod template;
mod things;
mod usual;
mod voice;
mod writer;

pub use consensus::say_the_same;
pub use drafter::{Drafter, Lesson};
pub use guard::{Grounds, guard};
pub use index::{Case, Desk, DeskBuilder, Index, Near, Said, Similar, Whose, language_of};
pub use mask::{Found, Known, KnownBuilder, Masker, Private, SHARED_BY};
pub use reply::{Endings, EndingsBuilder, Reach, Slot, fill, first_reply, open_up, sentences, slots};
pub use reviews::{ENOUGH, Reviews, logit};
pub use template::{Template, Templates, is_sound};
pub use usual::{Usual, UsualBuilder};
pub use voice::{DEFAULT_VOICE, ForCustomer, Phrases, Voice};
pub use writer::Writer;
