//! One name for everything that shapes a draft, to be recorded with each: evidence about drafts holds for these very parts.
//!
//! The bundle's own id covers what decides a ticket; this one covers the parts that drafts are made of. Must never depend on
//! where a file lies or when it was written.

use firstline_fault::{InternalError, Result};
use firstline_triage::sha256_hex;
use serde::Serialize;

use crate::index::Index;
use crate::reviews::Reviews;
use crate::template::Templates;
use crate::voice::Voice;
use crate::writer::Writer;

/// Hexadecimal digits of an id: 128 bits.
const DIGITS: usize = 32;

/// Names the parts that drafts are made of, 32 hexadecimal digits: the same for the same content, another one as soon as a
/// case, the desk's profile, a phrase, a template, what was learnt from reviews, or the language model is another.
///
/// What was hashed when the parts were opened (the cases, the model) is not read again.
///
/// # Errors
/// None but a fault of ours.
pub fn drafting_id(
    index: &Index,
    voice: &Voice,
    templates: &Templates,
    reviews: &Reviews,
    writer: Option<&Writer>,
) -> Result<String> {
    let text = format!(
        "drafting 2\nindex {}\nvoice {}\ntemplates {}\nreviews {}\nwriter {}\n",
        index.id(),
        hash(voice)?,
        hash(templates)?,
        hash(reviews)?,
        writer.map_or("none", Writer::id),
    );
    let mut id = sha256_hex(text.as_bytes());
    id.truncate(DIGITS);
    Ok(id)
}

/// sha256 of what a part says: comments and layout of the file that it was read from do not count.
fn hash(part: &impl Serialize) -> Result<String> {
    let json = serde_json::to_vec(part).map_err(|e| InternalError::new(format!("a part of drafts: {e}")))?;
    Ok(sha256_hex(&json))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use firstline_nn::write_tiny_decoder;
    use firstline_ticket::{Message, Ticket};

    use super::*;
    use crate::index::{DeskProfileBuilder, ResolvedCase};
    use crate::template::Template;
    use crate::text_of;

    const D: usize = 32;

    fn ticket(i: usize) -> Ticket {
        let text = format!("Hi Eva,\n\nPlease restart printer {i}.");
        Ticket {
            id: i.to_string(),
            customer: Some(format!("Customer {}", i % 3)),
            body: Some("The printer does not print.".into()),
            messages: vec![Message {
                from: "technician".into(),
                text,
                visible: Some(true),
                ..Message::default()
            }],
            ..Ticket::default()
        }
    }

    fn add(bundle: &Path, tickets: std::ops::Range<usize>) {
        let index = Index::open(bundle, D).unwrap();
        let case = |i| {
            let ticket = ticket(i);
            ResolvedCase::of(&ticket, &text_of(&ticket), index.masker(), index.endings()).unwrap()
        };
        let cases: Vec<ResolvedCase> = tickets.map(case).collect();
        let embeddings: Vec<f32> =
            cases.iter().flat_map(|_| [vec![1.0], vec![0.0; D - 1]].concat()).collect();
        Index::add(bundle, &cases, &embeddings).unwrap();
    }

    fn template() -> Template {
        Template {
            id: "a".into(),
            approved: false,
            category: ["Desk", "", ""].map(String::from),
            language: "en".into(),
            sentences: vec!["Please restart it.".into()],
            seen: 5,
            of: 6,
            customers: 3,
            examples: Vec::new(),
        }
    }

    /// A bundle with an index of two segments, and templates and reviews beside it.
    fn bundle(dir: &Path) {
        let mut profile = DeskProfileBuilder::default();
        (0..6).for_each(|i| profile.add(&ticket(i), &text_of(&ticket(i))));
        Index::write_profile(dir, &profile.finish()).unwrap();
        add(dir, 0..4);
        add(dir, 4..6);
        Templates { all: vec![template()] }.write(dir).unwrap();
        Reviews { reviews: 40, ..Reviews::default() }.write(dir).unwrap();
    }

    fn id(dir: &Path, voice: &Voice, writer: Option<&Writer>) -> String {
        let (templates, reviews) = (Templates::read(dir).unwrap(), Reviews::read(dir).unwrap());
        drafting_id(&Index::open(dir, D).unwrap(), voice, &templates, &reviews, writer).unwrap()
    }

    #[test]
    fn it_is_the_same_wherever_the_parts_lie() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (dir.path().join("one"), dir.path().join("elsewhere").join("other"));
        let voice = Voice::built_in().unwrap();
        bundle(&one);
        let first = id(&one, &voice, None);
        assert_eq!((first.len(), first.chars().all(|c| c.is_ascii_hexdigit())), (DIGITS, true));
        assert_eq!(id(&one, &voice, None), first);
        // Copied, in another order than it was written, with other names and times.
        fs::create_dir_all(other.join("index")).unwrap();
        fs::copy(Reviews::path(&one), Reviews::path(&other)).unwrap();
        fs::copy(Templates::path(&one), Templates::path(&other)).unwrap();
        for name in ["000002.cases", "desk.json", "files.json", "000001.cases"] {
            fs::copy(one.join("index").join(name), other.join("index").join(name)).unwrap();
        }
        assert_eq!(id(&other, &voice, None), first);
        // Made again from the same history.
        let again = dir.path().join("again");
        bundle(&again);
        assert_eq!(id(&again, &voice, None), first);
    }

    #[test]
    fn it_changes_with_each_part() {
        let dir = tempfile::tempdir().unwrap();
        let bundle_dir = dir.path().join("bundle");
        bundle(&bundle_dir);
        let mut voice = Voice::built_in().unwrap();
        let mut seen = vec![id(&bundle_dir, &voice, None)];
        let mut changed = |what: &str, id: String| {
            assert!(!seen.contains(&id), "{what}");
            seen.push(id);
        };
        add(&bundle_dir, 6..7);
        changed("a case more", id(&bundle_dir, &voice, None));
        let mut profile = Index::read_profile(&bundle_dir).unwrap();
        let mut more = DeskProfileBuilder::default();
        let ticket = Ticket { customer: Some("Dogwood".into()), ..ticket(9) };
        more.add(&ticket, &text_of(&ticket));
        profile.known = profile.known.with_names(more.finish().known);
        Index::write_profile(&bundle_dir, &profile).unwrap();
        changed("another profile", id(&bundle_dir, &voice, None));
        Templates { all: vec![Template { approved: true, ..template() }] }.write(&bundle_dir).unwrap();
        changed("a template approved", id(&bundle_dir, &voice, None));
        Reviews { reviews: 41, bias: 0.5, ..Reviews::default() }.write(&bundle_dir).unwrap();
        changed("reviews learnt", id(&bundle_dir, &voice, None));
        voice.signature = "Your service desk".into();
        changed("another voice", id(&bundle_dir, &voice, None));
        for architecture in ["llama", "qwen2"] {
            let path = dir.path().join(architecture);
            write_tiny_decoder(&path, architecture).unwrap();
            let writer = Writer::open(&path, 1).unwrap();
            changed(architecture, id(&bundle_dir, &voice, Some(&writer)));
        }
    }
}
