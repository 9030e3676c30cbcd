//! Reply templates: what technicians have answered in near the same words, again and again, in one category. They are learnt
//! from the cases of an index, read and approved by a person, and only then used.
//!
//! Must never use a template that nobody approved, nor change one that somebody did.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use firstline_fault::{Code, InternalError, Result, UserError};
use firstline_ticket::Field;
use firstline_triage::bundle::layout;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::consensus::word_f1;
use crate::index::{Index, ResolvedCase};
use crate::language::is_foreign;
use crate::lexicon::{circumstance, dangling_link};
use crate::mask::SHARED_BY;
use crate::names::greets;
use crate::reply::Reach;
use crate::slots::{Slot, without_marks};

/// Sentences that agree so far are variants of one.
const VARIANT: f32 = 0.8;
/// Replies of which a template is made at least, and their share of the category's replies.
const LEAST: usize = 5;
const SHARE: f64 = 0.25;
/// Groups of near the same replies in a category at most.
const GROUPS: usize = 100;
/// Tickets that a template names as examples.
const EXAMPLES: usize = 3;
/// The largest file of templates that is read, in bytes.
const MAX_FILE: u64 = 16 << 20;

/// A reply that fits a category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// Its name: it stays the same for as long as what was learnt does.
    pub id: String,
    /// Whether a person has approved it.
    pub approved: bool,
    /// Board, type, subtype; empty where the history has none.
    pub category: [String; 3],
    /// Its language, ISO 639-1.
    pub language: String,
    /// What it says of the matter, sentence by sentence, with slots.
    pub sentences: Vec<String>,
    /// Replies that say so.
    pub seen: usize,
    /// All replies of the category in the language.
    pub of: usize,
    /// Distinct customers that were told so.
    pub customers: usize,
    /// Some of the tickets.
    pub examples: Vec<String>,
}

/// The templates of a desk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Templates {
    /// All of them, the most often seen first.
    #[serde(default, rename = "template")]
    pub all: Vec<Template>,
}

impl Templates {
    /// Where the templates of the bundle in `dir` lie: beside it, so that a new training does not lose what was approved.
    pub fn path(dir: &Path) -> PathBuf {
        layout::beside(dir, layout::TEMPLATES)
    }

    /// Reads the templates of the bundle in `dir`; none where there is no file.
    ///
    /// # Errors
    /// [`Code::Config`] when the file is no TOML of this form.
    pub fn read(dir: &Path) -> Result<Self> {
        let path = Self::path(dir);
        let place = path.display().to_string();
        match std::fs::metadata(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Ok(meta) if meta.len() > MAX_FILE => {
                let problem = format!("{} bytes, {MAX_FILE} are read at most", meta.len());
                return Err(UserError::new(Code::Config, place, problem, "Remove templates from it").into());
            }
            _ => {}
        }
        let text = std::fs::read_to_string(&path).map_err(|e| UserError::io(&place, &e))?;
        let read: Self = toml::from_str(&text)
            .map_err(|e| UserError::new(Code::Config, &place, e.message(), "Fix it, or move it away"))?;
        if let Some(odd) = read.all.iter().flat_map(|t| &t.sentences).find(|s| !has_only_known_slots(s)) {
            let slots: Vec<&str> = Slot::ALL.iter().map(|s| s.mark()).collect();
            let problem = format!("{odd:?} has a slot that nothing fills");
            let next = format!("There are {}", slots.join(", "));
            return Err(UserError::new(Code::Config, place, problem, next).into());
        }
        if let Some(empty) = read.all.iter().find(|t| t.sentences.iter().all(|s| s.trim().is_empty())) {
            let problem = format!("template {:?} says nothing", empty.id);
            return Err(
                UserError::new(Code::Config, place, problem, "Give it a sentence, or remove it").into()
            );
        }
        Ok(read)
    }

    /// Writes the templates of the bundle in `dir`, readable for the owner alone.
    ///
    /// # Errors
    /// [`Code::Io`] when the file can't be written.
    pub fn write(&self, dir: &Path) -> Result<()> {
        let path = Self::path(dir);
        let text = toml::to_string(self).map_err(|e| InternalError::new(format!("templates: {e}")))?;
        Ok(firstline_nn::write_private_file(&[text], &path).map_err(|e| UserError::io(path.display(), &e))?)
    }

    /// Learns them from the cases of `index`.
    ///
    /// # Errors
    /// A fault of the index.
    pub fn learn(index: &Index) -> Result<Self> {
        let mut categories: BTreeMap<([String; 3], String), Vec<CategoryReply>> = BTreeMap::new();
        index.each(&mut |case| {
            let all = case.reply.iter().filter(|said| !index.stock_sentences().contains(&said.text));
            let sentences: Vec<String> = all.clone().map(|said| said.text.clone()).collect();
            if case.category.iter().any(Option::is_some)
                && !case.language.is_empty()
                && !case.reply.is_empty()
            {
                let category = case.category.clone().map(Option::unwrap_or_default);
                let open = all.clone().all(|said| {
                    said.reach == Reach::Everybody
                        && index.masker().products(&said.text).is_empty()
                        && holds_for_everybody(&said.text, &case.language)
                });
                let customer = index.customer_group(&case.customer);
                let ResolvedCase { id, language, .. } = case;
                categories.entry((category, language)).or_default().push(CategoryReply {
                    id,
                    customer,
                    sentences,
                    open,
                });
            }
        })?;
        let mut all: Vec<Template> = categories
            .into_iter()
            .flat_map(|((category, language), replies)| templates_of(&category, &language, &replies))
            .collect();
        all.sort_by(|a, b| b.seen.cmp(&a.seen).then(a.id.cmp(&b.id)));
        Ok(Self { all })
    }

    /// These templates with what people have approved or edited of `older`, which is kept whatever was learnt.
    pub fn with(mut self, older: Self) -> Self {
        for old in older.all {
            match self.all.iter_mut().find(|t| t.id == old.id) {
                // What a person has changed stays; only what was counted is new.
                Some(new) if old.approved => {
                    let Template { seen, of, customers, .. } = *new;
                    *new = Template { seen, of, customers, ..old };
                }
                Some(_) => {}
                None if old.approved => self.all.push(old),
                None => {}
            }
        }
        self
    }

    /// The approved templates, in `language`, for the category whose labels `of` tells.
    pub fn fitting<'l>(&self, of: impl Fn(Field) -> Option<&'l str>, language: &str) -> Vec<&Template> {
        let fits = |t: &&Template| {
            let category = [Field::Board, Field::Type, Field::Subtype].into_iter().zip(&t.category);
            let same = category.filter(|(_, label)| !label.is_empty()).all(|(f, label)| of(f) == Some(label));
            t.approved && same && t.language == language
        };
        self.all.iter().filter(fits).collect()
    }
}

/// Whether `sentence` has no slot but those that tickets fill.
pub fn has_only_known_slots(sentence: &str) -> bool {
    !without_marks(sentence, "").contains(['{', '}'])
}

/// Whether `sentence` greets nobody, speaks of nobody's own circumstances, points at no link and is in the language.
fn holds_for_everybody(sentence: &str, language: &str) -> bool {
    !greets(sentence)
        && circumstance(sentence, language).is_none()
        && dangling_link(sentence, language).is_none()
        && !is_foreign(sentence, language)
}

/// What a reply of one category said of the matter.
struct CategoryReply {
    id: String,
    /// What stands for the customer, and all that are likely the same.
    customer: Option<u32>,
    sentences: Vec<String>,
    /// Whether everybody may see it.
    open: bool,
}

/// What a template that was learnt is called: it follows from what it says.
fn learnt_id(category: &[String; 3], language: &str, sentences: &[String]) -> String {
    let key = [&category[..], &[language.to_owned()], sentences].concat().join("\u{0}");
    format!("{:012x}", xxh3_64(key.as_bytes()) >> 16)
}

impl Template {
    /// Whether nobody has changed what was learnt.
    pub(crate) fn is_as_learnt(&self) -> bool {
        self.id == learnt_id(&self.category, &self.language, &self.sentences)
    }
}

/// The templates of one category.
fn templates_of(category: &[String; 3], language: &str, replies: &[CategoryReply]) -> Vec<Template> {
    // The same words first, then near the same joined to what is said most often.
    let mut exact: HashMap<&[String], Vec<&CategoryReply>> = HashMap::new();
    for said in replies.iter().filter(|said| !said.sentences.is_empty()) {
        exact.entry(&said.sentences).or_default().push(said);
    }
    let mut exact: Vec<(&[String], Vec<&CategoryReply>)> = exact.into_iter().collect();
    exact.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then(a.0.cmp(b.0)));
    let mut groups: Vec<(&[String], Vec<&CategoryReply>)> = Vec::new();
    for (sentences, said) in exact {
        match groups.iter().position(|(of, _)| alike(of, sentences)) {
            Some(i) => groups[i].1.extend(said),
            // What was said once in these very words begins no group, and there are not many that do.
            None if said.len() > 1 && groups.len() < GROUPS => groups.push((sentences, said)),
            None => {}
        }
    }
    let enough = |(sentences, said): &(&[String], Vec<&CategoryReply>)| {
        let customers: BTreeSet<u32> = said.iter().filter_map(|s| s.customer).collect();
        let open = said.iter().any(|s| s.open && s.sentences == *sentences);
        (open
            && said.len() >= LEAST
            && said.len() as f64 >= SHARE * replies.len() as f64
            && customers.len() >= SHARED_BY)
            .then_some(customers.len())
    };
    groups
        .iter()
        .filter_map(|group| {
            let customers = enough(group)?;
            let (sentences, said) = group;
            Some(Template {
                id: learnt_id(category, language, sentences),
                approved: false,
                category: category.clone(),
                language: language.to_owned(),
                sentences: sentences.to_vec(),
                seen: said.len(),
                of: replies.len(),
                customers,
                examples: said.iter().take(EXAMPLES).map(|s| s.id.clone()).collect(),
            })
        })
        .collect()
}

/// Whether two replies are variants of one.
fn alike(a: &[String], b: &[String]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| word_f1(a, b) >= VARIANT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(i: usize, text: &str) -> CategoryReply {
        CategoryReply {
            id: i.to_string(),
            customer: Some(i as u32 % 4),
            sentences: vec![text.to_owned()],
            open: true,
        }
    }

    const CATEGORY: [&str; 3] = ["Desk", "Mail", ""];

    fn learnt() -> Templates {
        let mut replies: Vec<CategoryReply> =
            (0..9).map(|i| said(i, "Does webmail work for you in the meantime?")).collect();
        replies.push(said(9, "Does webmail work for you in the mean time?"));
        replies
            .extend((10..20).map(|i| said(i, &format!("Please try step number {}{i} of this list.", i * 7))));
        replies.extend((20..26).map(|i| CategoryReply { customer: Some(1), ..said(i, "Ask Jo about it.") }));
        Templates { all: templates_of(&CATEGORY.map(String::from), "en", &replies) }
    }

    #[test]
    fn what_many_customers_were_told_in_near_the_same_words_is_a_template() {
        let templates = learnt();
        let [one] = templates.all.as_slice() else { unreachable!("{templates:?}") };
        assert_eq!(one.sentences, ["Does webmail work for you in the meantime?"]);
        assert_eq!((one.seen, one.of, one.customers, one.approved), (10, 26, 4, false));
    }

    #[test]
    fn only_approved_ones_are_used_and_approval_outlives_what_is_learnt_anew() {
        let decided = |field| match field {
            Field::Board => Some("Desk"),
            Field::Type => Some("Mail"),
            _ => None,
        };
        let mut templates = learnt();
        assert!(templates.fitting(decided, "en").is_empty());
        templates.all[0].approved = true;
        templates.all[0].sentences = vec!["Does webmail work, {contact}?".into()];
        let kept = learnt().with(templates.clone());
        assert_eq!(kept.fitting(decided, "en"), [&templates.all[0]]);
        assert!(kept.fitting(decided, "de").is_empty());
        assert_eq!(Templates::default().with(templates).all.len(), 1);
        assert!(Templates::default().with(learnt()).all.is_empty());
        assert!(has_only_known_slots("Hi {contact}, on {host}?") && !has_only_known_slots("Hi {name}"));
    }

    #[test]
    fn a_file_of_templates_is_read_as_it_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let bundle = dir.path().join("bundle");
        assert_eq!(Templates::read(&bundle).unwrap(), Templates::default());
        learnt().write(&bundle).unwrap();
        assert_eq!(Templates::read(&bundle).unwrap(), learnt());
        #[cfg(unix)]
        assert_eq!(crate::files::mode(&Templates::path(&bundle)), 0o600);
        std::fs::write(Templates::path(&bundle), "template = 3").unwrap();
        let error = Templates::read(&bundle).unwrap_err().to_string();
        assert!(error.contains("bundle.templates.toml"), "{error}");
    }
}
