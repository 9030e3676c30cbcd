//! Resolved tickets, to be found again: their embeddings in 8 bits, what was written and how they were resolved.
//!
//! ```text
//! BUNDLE/index/desk.json       the desk's profile: names, companies, shared words, signature: what masking goes by
//! BUNDLE/index/files.json      the names of the other files, with their sha256
//! BUNDLE/index/000001.cases    a segment: cases sorted by customer, embeddings, texts; more as tickets are resolved
//! ```
//!
//! A segment never changes; adding writes another beside it. All of it is read into memory and checked against the hashes that
//! `files.json` lists before anything is believed: what is done to the files later changes nothing.
//! A search names whose cases may be found before it looks at any: a customer's lie together.
//!
//! The distinct customers that were sent each sentence are counted over all segments when these are opened, so that the count holds
//! after cases are added or a customer is taken out. Must never hand out a sentence as open to everybody that fewer than three
//! distinct customers were sent.

mod case;
mod file_list;
mod profile;
mod segment;
mod similar;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use firstline_fault::{InternalError, Result, UserError};
use firstline_ticket::customer_key;

use crate::customers::Customers;
use crate::files::create_private_folder;
use crate::habits::LanguageHabits;
use crate::mask::{Masker, SharedSentences};
use crate::reply::{Endings, Reach};
use crate::stock_sentences::StockSentences;
use file_list::FileList;
use firstline_triage::bundle::layout::{DESK, INDEX, INDEX_FILES, SEGMENT};
use firstline_triage::bundle::replace_folder;
use firstline_triage::{Acknowledgements, sha256_hex};
use segment::Segment;

pub use case::{ReplySentence, ResolvedCase};
pub use profile::{DeskProfile, DeskProfileBuilder};
pub use similar::Similar;

/// The customers whose cases a search may find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CustomerFilter<'a> {
    /// All of them.
    All,
    /// The customer of this [key](firstline_ticket::customer_key) alone.
    Only(&'a str),
    /// All but the customer of this key.
    Except(&'a str),
}

/// A case that a search found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CaseHit {
    segment: u32,
    row: u32,
    /// Cosine of the two texts' embeddings.
    pub cosine: f32,
}

/// The cases of a bundle.
#[derive(Debug)]
pub struct Index {
    segments: Vec<Segment>,
    dimensions: usize,
    masker: Masker,
    endings: Endings,
    stock: StockSentences,
    languages: LanguageHabits,
    acknowledgements: Acknowledgements,
    customers: Customers,
    shared: SharedSentences,
    has_customers: bool,
    id: String,
}

impl Index {
    /// Opens the index of the bundle in `dir`, which may have none yet.
    ///
    /// # Errors
    /// [`Code::Bundle`](firstline_fault::Code::Bundle) when it is damaged or of other embeddings.
    pub fn open(dir: &Path, dimensions: usize) -> Result<Self> {
        let folder = dir.join(INDEX);
        loop {
            let list = FileList::read(&folder)?;
            match Self::open_listed(dir, &list, dimensions) {
                // It was replaced while it was read.
                Err(_) if FileList::read(&folder)? != list => {}
                opened => return opened,
            }
        }
    }

    fn open_listed(dir: &Path, list: &FileList, dimensions: usize) -> Result<Self> {
        let folder = dir.join(INDEX);
        let segments: Vec<Segment> = files(&folder)?
            .iter()
            .map(|path| Segment::open(path, list, dimensions))
            .collect::<Result<_>>()?;
        let path = folder.join(DESK);
        let (profile, bytes) = match fs::read(&path) {
            Ok(bytes) => {
                list.check(&path, &bytes)?;
                (parse_profile(&path, &bytes)?, bytes)
            }
            // Without it nobody knows what is private.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && segments.is_empty() => Default::default(),
            Err(e) => return Err(UserError::io(path.display(), &e).into()),
        };
        list.complete(&folder, segments.len() + usize::from(!bytes.is_empty()))?;
        if list.is_unlisted() && segments.iter().any(Segment::is_counted) {
            return Err(file_list::damaged(&folder, format!("{INDEX_FILES} is missing")).into());
        }
        let id = id(&bytes, &segments);
        let DeskProfile { known, endings, stock, languages, acknowledgements } = profile;
        let named: Vec<&str> = segments.iter().flat_map(Segment::customers).map(|(name, _)| name).collect();
        let customers = known.customers(&named);
        let shared = SharedSentences::count(segments.iter().flat_map(Segment::sentences), &customers);
        let has_customers = !customers.is_empty();
        let masker = Masker::new(known)?;
        Ok(Self {
            segments,
            dimensions,
            masker,
            endings,
            stock,
            languages,
            acknowledgements,
            customers,
            shared,
            has_customers,
            id,
        })
    }

    /// Whether the history tells customers apart. Where it names none, it is one organisation's.
    pub fn has_customers(&self) -> bool {
        self.has_customers
    }

    /// Whether technicians sent this sentence, with its slots, to enough distinct customers for all to see it.
    pub(crate) fn is_shared(&self, sentence: &str) -> bool {
        self.shared.has(sentence)
    }

    /// What stands for the customer of this name and all that are likely the same; `None` where nobody knows who it is.
    pub(crate) fn customer_group(&self, name: &str) -> Option<u32> {
        self.customers.group(&customer_key(name))
    }

    /// Names the content of the index, 64 hexadecimal digits: the same for the same cases and the same desk, wherever the
    /// files lie.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Whether the bundle in `dir` has an index.
    pub fn is_there(dir: &Path) -> bool {
        dir.join(INDEX).join(DESK).exists()
    }

    /// Whether a part of the index of the bundle in `dir` was written before sentences were counted: nothing in that part is
    /// shown to other customers than its own.
    ///
    /// # Errors
    /// [`Code::Io`](firstline_fault::Code::Io) when it can't be read.
    pub fn is_outdated(dir: &Path) -> Result<bool> {
        let counted = files(&dir.join(INDEX))?
            .iter()
            .map(|path| segment::is_counted(path))
            .collect::<Result<Vec<bool>>>()?;
        Ok(counted.contains(&false))
    }

    /// The profile of the desk of the bundle in `dir`.
    ///
    /// # Errors
    /// [`Code::Bundle`](firstline_fault::Code::Bundle) when it is damaged.
    pub fn read_profile(dir: &Path) -> Result<DeskProfile> {
        let path = dir.join(INDEX).join(DESK);
        let bytes = fs::read(&path).map_err(|e| UserError::io(path.display(), &e))?;
        FileList::read(&dir.join(INDEX))?.check(&path, &bytes)?;
        parse_profile(&path, &bytes)
    }

    /// Gives the folder `to` the index of the bundle in `from`, to be added to beside its place. A file of an index never changes,
    /// so both have the same ones.
    ///
    /// # Errors
    /// [`Code::Io`](firstline_fault::Code::Io) when they can't be read or linked.
    pub fn copy(from: &Path, to: &Path) -> Result<()> {
        let (old, new) = (from.join(INDEX), to.join(INDEX));
        create_private_folder(&new).map_err(|e| UserError::io(new.display(), &e))?;
        let list = FileList::read(&old)?;
        for path in files(&old)? {
            list.check(&path, &fs::read(&path).map_err(|e| UserError::io(path.display(), &e))?)?;
        }
        for path in files(&old)?.into_iter().chain([DESK, INDEX_FILES].map(|name| old.join(name))) {
            let copy = new.join(name_of(&path));
            let copied = fs::hard_link(&path, &copy).or_else(|_| fs::copy(&path, &copy).map(drop));
            match copied {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(UserError::io(path.display(), &e).into());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Puts the index of the bundle in `from` in the place of that in `dir`.
    ///
    /// # Errors
    /// [`Code::Io`](firstline_fault::Code::Io) when the folders can't be renamed.
    pub fn replace(dir: &Path, from: &Path) -> Result<()> {
        replace_folder(&dir.join(INDEX), &from.join(INDEX))
    }

    /// The [keys](firstline_ticket::customer_key) of the customers that the index of the bundle in `dir` has cases of, and how many.
    ///
    /// # Errors
    /// [`Code::Bundle`](firstline_fault::Code::Bundle) when a segment is damaged.
    pub fn customers(dir: &Path) -> Result<BTreeMap<String, usize>> {
        let mut all = BTreeMap::new();
        let list = FileList::read(&dir.join(INDEX))?;
        for path in files(&dir.join(INDEX))? {
            for (name, cases) in Segment::open_any(&path, &list)?.customers() {
                *all.entry(name.to_owned()).or_insert(0) += cases;
            }
        }
        Ok(all)
    }

    /// Writes the index of the bundle in `dir` into the folder `into` without these customers, named by their keys: neither their
    /// cases nor their names in the desk's profile. Gives how many cases were left out; [`Self::replace`] publishes what is left.
    ///
    /// # Errors
    /// [`Code::Bundle`](firstline_fault::Code::Bundle) when it is damaged, [`Code::Io`](firstline_fault::Code::Io) when the rest
    /// can't be written.
    pub fn write_without(dir: &Path, customers: &BTreeSet<String>, into: &Path) -> Result<usize> {
        let mut profile = Self::read_profile(dir)?;
        profile.known = profile.known.without_companies(customers);
        Self::write_profile(into, &profile)?;
        let (mut left_out, folder) = (0, into.join(INDEX));
        let list = FileList::read(&dir.join(INDEX))?;
        for path in files(&dir.join(INDEX))? {
            let name = name_of(&path);
            left_out += Segment::open_any(&path, &list)?.without(customers, &folder.join(&name))?;
            file_list::write(&folder, &name)?;
        }
        Ok(left_out)
    }

    /// Writes the profile of the desk of the bundle in `dir`, and begins its index where there is none.
    ///
    /// # Errors
    /// [`Code::Io`](firstline_fault::Code::Io) when it can't be written.
    pub fn write_profile(dir: &Path, profile: &DeskProfile) -> Result<()> {
        let folder = dir.join(INDEX);
        create_private_folder(&folder).map_err(|e| UserError::io(folder.display(), &e))?;
        let json = serde_json::to_vec(profile).map_err(|e| InternalError::new(format!("the desk: {e}")))?;
        let path = folder.join(DESK);
        firstline_nn::write_private_file(&[json], &path).map_err(|e| UserError::io(path.display(), &e))?;
        file_list::write(&folder, DESK)
    }

    /// Adds `cases` with their embeddings (`n x dimensions`, unit length) to the index of the bundle in `dir`: a segment more.
    ///
    /// # Errors
    /// [`Code::Io`](firstline_fault::Code::Io) when it can't be written.
    pub fn add(dir: &Path, cases: &[ResolvedCase], embeddings: &[f32]) -> Result<()> {
        if cases.is_empty() {
            return Ok(());
        }
        let folder = dir.join(INDEX);
        let last = files(&folder)?.last().and_then(|path| number(path)).unwrap_or(0);
        let name = format!("{:06}.{SEGMENT}", last + 1);
        segment::write(&folder.join(&name), cases, embeddings)?;
        file_list::write(&folder, &name)
    }

    /// Number of cases.
    pub fn len(&self) -> usize {
        self.segments.iter().map(Segment::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What finds private things in texts, by what is known of the desk.
    pub fn masker(&self) -> &Masker {
        &self.masker
    }

    /// The desk's sentences that say nothing of the matter.
    pub fn stock_sentences(&self) -> &StockSentences {
        &self.stock
    }

    /// In which language contacts and customers write.
    pub fn languages(&self) -> &LanguageHabits {
        &self.languages
    }

    /// What the desk's machines answer.
    pub fn acknowledgements(&self) -> &Acknowledgements {
        &self.acknowledgements
    }

    /// The lines of the desk's signature.
    pub fn endings(&self) -> &Endings {
        &self.endings
    }

    /// The `k` nearest cases of those that may be found, nearest first.
    ///
    /// # Errors
    /// An internal error when the query has other dimensions.
    pub fn nearest(&self, query: &[f32], customers: CustomerFilter<'_>, k: usize) -> Result<Vec<CaseHit>> {
        if query.len() != self.dimensions {
            return Err(InternalError::new(format!("a query of {} values", query.len())).into());
        }
        let mut all = Vec::new();
        for (s, segment) in self.segments.iter().enumerate() {
            let hits = segment.nearest(query, customers, k)?;
            all.extend(hits.into_iter().map(|(row, cosine)| CaseHit { segment: s as u32, row, cosine }));
        }
        all.sort_by(|a, b| b.cosine.total_cmp(&a.cosine).then((a.segment, a.row).cmp(&(b.segment, b.row))));
        all.truncate(k);
        Ok(all)
    }

    /// The case.
    ///
    /// # Errors
    /// [`Code::Bundle`](firstline_fault::Code::Bundle) when it can't be read.
    pub fn case(&self, hit: CaseHit) -> Result<ResolvedCase> {
        let segment = self.segments.get(hit.segment as usize);
        self.read(segment.ok_or_else(|| InternalError::new("a case of another index"))?, hit.row)
    }

    /// A case, its sentences open to everybody only where enough customers were sent them. There is no other way to a case.
    fn read(&self, segment: &Segment, row: u32) -> Result<ResolvedCase> {
        let mut case = segment.case(row)?;
        for said in case.reply.iter_mut().filter(|said| said.reach == Reach::Everybody) {
            if !segment.is_counted() || !self.is_shared(&said.text) {
                said.reach = Reach::Customer;
            }
        }
        Ok(case)
    }

    /// Hands every case to `look`, one after the other.
    ///
    /// # Errors
    /// [`Code::Bundle`](firstline_fault::Code::Bundle) when one can't be read.
    pub fn each(&self, look: &mut dyn FnMut(ResolvedCase)) -> Result<()> {
        for segment in &self.segments {
            for row in segment.rows() {
                look(self.read(segment, row)?);
            }
        }
        Ok(())
    }

    /// The [`ResolvedCase::hash`] of all cases.
    ///
    /// # Errors
    /// [`Code::Bundle`](firstline_fault::Code::Bundle) when one can't be read.
    pub fn hashes(&self) -> Result<HashSet<u64>> {
        let mut all = HashSet::new();
        self.each(&mut |case| {
            all.insert(case.hash);
        })?;
        Ok(all)
    }
}

fn parse_profile(path: &Path, bytes: &[u8]) -> Result<DeskProfile> {
    Ok(serde_json::from_slice(bytes).map_err(|e| file_list::damaged(path, e.to_string()))?)
}

/// What an index of this profile and these segments is called. Each segment's hash was checked when it was opened, so that
/// its header stands for all of it.
fn id(profile: &[u8], segments: &[Segment]) -> String {
    let headers = segments.iter().map(|segment| sha256_hex(segment.header()));
    let parts: Vec<String> = [sha256_hex(profile)].into_iter().chain(headers).collect();
    sha256_hex(parts.concat().as_bytes())
}

/// The segments in `folder`, oldest first.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(UserError::io(folder.display(), &e).into()),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|e| UserError::io(folder.display(), &e))?.path();
        if number(&path).is_some() {
            found.push(path);
        }
    }
    found.sort_unstable();
    Ok(found)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn number(path: &Path) -> Option<u32> {
    let is_ours = path.extension().is_some_and(|e| e == SEGMENT);
    path.file_stem().filter(|_| is_ours)?.to_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text_of;

    /// Adds a case of each customer, all with the same reply, as a segment.
    fn told(dir: &Path, customers: &[&str], said: &ReplySentence) {
        let case = |customer: &&str| ResolvedCase {
            id: format!("{customer} {}", said.text),
            customer: (*customer).to_owned(),
            reply: vec![said.clone()],
            ..ResolvedCase::default()
        };
        let cases: Vec<ResolvedCase> = customers.iter().map(case).collect();
        let embeddings = [vec![1.0], vec![0.0; 31]].concat().repeat(cases.len());
        Index::add(dir, &cases, &embeddings).unwrap();
    }

    /// To whom each sentence may be shown, by everything that hands out cases.
    fn reaches(dir: &Path) -> Vec<(String, Reach)> {
        let index = Index::open(dir, 32).unwrap();
        let mut all = Vec::new();
        index.each(&mut |case| all.push(case)).unwrap();
        let query = [vec![1.0], vec![0.0; 31]].concat();
        let hits = index.nearest(&query, CustomerFilter::All, 100).unwrap();
        all.extend(hits.into_iter().map(|hit| index.case(hit).unwrap()));
        let ticket = firstline_ticket::Ticket { body: Some("x".into()), ..Default::default() };
        let similar =
            index.similar(&text_of(&ticket), &query, CustomerFilter::Except("nobody"), 100).unwrap();
        all.extend(similar.into_iter().map(|similar| similar.case));
        let mut found: Vec<(String, Reach)> = Vec::new();
        for said in all.into_iter().flat_map(|case| case.reply).map(|said| (said.text, said.reach)) {
            if !found.contains(&said) {
                found.push(said);
            }
        }
        found
    }

    fn said(text: &str) -> ReplySentence {
        ReplySentence { text: text.into(), reach: Reach::Everybody, uncounted: false }
    }

    #[test]
    fn a_sentence_is_open_once_three_distinct_customers_were_sent_it_over_all_segments() {
        let dir = tempfile::tempdir().unwrap();
        Index::write_profile(dir.path(), &DeskProfile::default()).unwrap();
        let reach = |text: &str| {
            let all = reaches(dir.path());
            let of: Vec<Reach> = all.iter().filter(|(t, _)| t == text).map(|(_, reach)| *reach).collect();
            assert_eq!(of.len(), 1, "one reach by every way: {all:?}");
            of[0]
        };
        told(dir.path(), &["Harborgate", "Alder Clinic"], &said("Restart {host}."));
        told(dir.path(), &["Harborgate Ltd", "HARBOR-GATE GmbH", ""], &said("Restart {host}."));
        assert_eq!(reach("Restart {host}."), Reach::Customer);
        told(dir.path(), &["Dogwood"], &ReplySentence { uncounted: true, ..said("Restart {host}.") });
        assert_eq!(reach("Restart {host}."), Reach::Customer, "what does not count does not count");
        told(dir.path(), &["Birch & Sons"], &said("restart {host}"));
        assert_eq!(reach("Restart {host}."), Reach::Everybody);
        for private in [Reach::Customer, Reach::Nobody] {
            let text = format!("{private:?}");
            told(
                dir.path(),
                &["Alder", "Birch", "Cedar", "Dogwood"],
                &ReplySentence { reach: private, ..said(&text) },
            );
            assert_eq!(reach(&text), private, "what is private by itself stays so");
        }
        // A customer that is taken out counts no more.
        let folder = dir.path().join(INDEX);
        std::fs::remove_file(folder.join("000004.cases")).unwrap();
        file_list::write(&folder, "").unwrap();
        assert_eq!(reach("Restart {host}."), Reach::Customer);
    }

    #[test]
    fn what_was_indexed_before_sentences_were_counted_is_its_customers_alone() {
        let dir = tempfile::tempdir().unwrap();
        Index::write_profile(dir.path(), &DeskProfile::default()).unwrap();
        told(dir.path(), &["Alder", "Birch", "Cedar", "Dogwood"], &said("Restart it."));
        assert!(reaches(dir.path()).contains(&("Restart it.".into(), Reach::Everybody)));
        assert!(!Index::is_outdated(dir.path()).unwrap());
        let path = dir.path().join(INDEX).join("000001.cases");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[8] = 1;
        std::fs::write(&path, bytes).unwrap();
        file_list::write(&dir.path().join(INDEX), "000001.cases").unwrap();
        assert!(Index::is_outdated(dir.path()).unwrap());
        assert_eq!(reaches(dir.path()), [("Restart it.".to_owned(), Reach::Customer)]);
    }

    #[test]
    fn contacts_of_one_mail_domain_are_one_customer_even_if_only_an_open_ticket_tells() {
        let dir = tempfile::tempdir().unwrap();
        let mut profile = DeskProfileBuilder::default();
        for (customer, mail) in
            [("Alder", "a@office.example"), ("Birch", "b@office.example"), ("Cedar", "c@gmail.com")]
        {
            let one = firstline_ticket::Ticket {
                customer: Some(customer.into()),
                contact: Some(mail.into()),
                ..Default::default()
            };
            profile.add(&one, &text_of(&one));
        }
        Index::write_profile(dir.path(), &profile.finish()).unwrap();
        told(dir.path(), &["Alder", "Birch", "Cedar"], &said("Restart it."));
        assert_eq!(reaches(dir.path()), [("Restart it.".to_owned(), Reach::Customer)]);
        told(dir.path(), &["Dogwood"], &said("Restart it."));
        assert_eq!(reaches(dir.path()), [("Restart it.".to_owned(), Reach::Everybody)]);
    }

    #[test]
    fn cases_are_added_and_are_their_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!Index::is_there(dir.path()));
        Index::write_profile(dir.path(), &DeskProfile::default()).unwrap();
        for id in ["a", "b"] {
            let case = ResolvedCase { id: id.into(), ..ResolvedCase::default() };
            Index::add(dir.path(), &[case], &[vec![1.0], vec![0.0; 31]].concat()).unwrap();
        }
        let index = Index::open(dir.path(), 32).unwrap();
        let mut ids = Vec::new();
        index.each(&mut |case| ids.push(case.id)).unwrap();
        assert_eq!((ids, index.len()), (vec!["a".to_owned(), "b".to_owned()], 2));
        #[cfg(unix)]
        {
            let folder = dir.path().join(INDEX);
            assert_eq!(crate::files::mode(&folder), 0o700);
            for name in ["desk.json", "000001.cases", "000002.cases"] {
                assert_eq!(crate::files::mode(&folder.join(name)), 0o600, "{name}");
            }
        }
    }

    /// A bundle's folder with an index of two segments.
    fn written() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        Index::write_profile(dir.path(), &DeskProfile::default()).unwrap();
        for id in ["a", "b"] {
            let case = ResolvedCase { id: id.into(), ..ResolvedCase::default() };
            Index::add(dir.path(), &[case], &[vec![1.0], vec![0.0; 31]].concat()).unwrap();
        }
        dir
    }

    fn fault(dir: &Path) -> String {
        Index::open(dir, 32).expect_err("a damaged index").to_string()
    }

    #[test]
    fn an_index_of_which_any_file_is_another_is_refused() {
        let folder = |dir: &tempfile::TempDir| dir.path().join(INDEX);
        let dir = written();
        let profile = DeskProfile { known: Default::default(), ..DeskProfile::default() };
        let json = format!(" {}", serde_json::to_string(&profile).unwrap());
        fs::write(folder(&dir).join(DESK), json).unwrap();
        assert!(fault(dir.path()).contains("desk.json"), "a profile that says something else");
        let dir = written();
        fs::remove_file(folder(&dir).join("000001.cases")).unwrap();
        assert!(fault(dir.path()).contains("000001.cases is missing"));
        let dir = written();
        fs::remove_file(folder(&dir).join(DESK)).unwrap();
        Index::open(dir.path(), 32).expect_err("nobody knows what is private");
        let (dir, other) = (written(), tempfile::tempdir().unwrap());
        let case = ResolvedCase { id: "other".into(), ..ResolvedCase::default() };
        Index::write_profile(other.path(), &DeskProfile::default()).unwrap();
        Index::add(other.path(), &[case], &[vec![1.0], vec![0.0; 31]].concat()).unwrap();
        fs::copy(other.path().join(INDEX).join("000001.cases"), folder(&dir).join("000003.cases")).unwrap();
        assert!(fault(dir.path()).contains("does not list it"), "a sound segment of another bundle");
        fs::rename(folder(&dir).join("000003.cases"), folder(&dir).join("000002.cases")).unwrap();
        assert!(fault(dir.path()).contains("sha256"));
    }

    #[test]
    fn an_index_of_before_opens_and_lists_its_files_when_it_is_added_to() {
        let dir = written();
        fs::remove_file(dir.path().join(INDEX).join(INDEX_FILES)).unwrap();
        assert!(fault(dir.path()).contains("files.json is missing"), "those of now have one");
        for name in ["000001.cases", "000002.cases"] {
            let path = dir.path().join(INDEX).join(name);
            let mut bytes = fs::read(&path).unwrap();
            bytes[8] = 1;
            fs::write(&path, bytes).unwrap();
        }
        assert_eq!(Index::open(dir.path(), 32).unwrap().len(), 2);
        let case = ResolvedCase { id: "c".into(), ..ResolvedCase::default() };
        Index::add(dir.path(), &[case], &[vec![1.0], vec![0.0; 31]].concat()).unwrap();
        assert_eq!(Index::open(dir.path(), 32).unwrap().len(), 3);
        fs::remove_file(dir.path().join(INDEX).join("000001.cases")).unwrap();
        assert!(fault(dir.path()).contains("000001.cases is missing"));
    }

    #[test]
    fn a_copy_is_added_to_beside_its_place_and_takes_it() {
        let (dir, aside) = (written(), tempfile::tempdir().unwrap());
        let id = Index::open(dir.path(), 32).unwrap().id().to_owned();
        Index::copy(dir.path(), aside.path()).unwrap();
        let case = ResolvedCase { id: "c".into(), ..ResolvedCase::default() };
        Index::add(aside.path(), &[case], &[vec![1.0], vec![0.0; 31]].concat()).unwrap();
        assert_eq!(Index::open(dir.path(), 32).unwrap().id(), id, "the one in its place is untouched");
        Index::replace(dir.path(), aside.path()).unwrap();
        assert_eq!(Index::open(dir.path(), 32).unwrap().len(), 3);
        assert_eq!(Index::open(aside.path(), 32).unwrap().id(), id, "the old one is where the new one was");
    }
}
