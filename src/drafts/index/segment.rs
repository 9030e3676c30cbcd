//! One file of cases.
//!
//! ```text
//! 64 bytes    magic, version, length of the head, rows, dimensions, hash of all that follows
//! head        JSON: for each customer its name, rows, and hashes of the sentences that others may be shown if enough got them
//! vectors     packed, from a multiple of 64 on
//! offsets     rows + 1 little-endian u64: where each row's JSON begins in what follows; no bytes for rows of padding
//! texts       JSON, case after case
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use firstline_fault::{InternalError, Result, UserError};
use firstline_nn::{FileCopy, Hit, VECTOR_PANEL, Vectors};
use firstline_ticket::customer_key;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::CustomerFilter;
use super::case::ResolvedCase;
use super::file_list::{FileList, damaged};
use crate::mask::sentence_hash;
use crate::reply::Reach;

const MAGIC: &[u8; 8] = b"FLCASES\0";
const VERSION: u64 = 2;
/// The version before sentences were counted: its cases are their customers' alone.
const UNCOUNTED: u64 = 1;
const HEAD: usize = 64;

/// A segment in memory.
#[derive(Debug)]
pub(super) struct Segment {
    path: PathBuf,
    bytes: FileCopy,
    customers: Vec<Customer>,
    rows: usize,
    dimensions: usize,
    vectors: Range<usize>,
    offsets: Range<usize>,
    texts: usize,
    counted: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Customer {
    name: String,
    rows: Range<usize>,
    /// Hashes of the sentences that were sent to it and tell nothing by themselves, sorted.
    #[serde(default)]
    sentences: Vec<u64>,
}

impl Segment {
    /// Reads one whose embeddings may have any number of dimensions.
    pub(super) fn open_any(path: &Path, list: &FileList) -> Result<Self> {
        let bytes = FileCopy::read(path).map_err(|e| UserError::io(path.display(), &e))?;
        let word = bytes.get(32..40).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes);
        let dimensions = word.and_then(|d| usize::try_from(d).ok()).unwrap_or_default();
        Self::of(path, bytes, list, dimensions)
    }

    /// Reads the segment at `path`, one of `list`.
    pub(super) fn open(path: &Path, list: &FileList, dimensions: usize) -> Result<Self> {
        let bytes = FileCopy::read(path).map_err(|e| UserError::io(path.display(), &e))?;
        Self::of(path, bytes, list, dimensions)
    }

    fn of(path: &Path, bytes: FileCopy, list: &FileList, dimensions: usize) -> Result<Self> {
        list.check(path, &bytes)?;
        let parsed = parse(&bytes, dimensions).map_err(|problem| damaged(path, problem))?;
        let (customers, rows, vectors, offsets) = parsed;
        let (texts, counted) = (offsets.end, bytes.get(8..16) == Some(&VERSION.to_le_bytes()[..]));
        let path = path.to_owned();
        Ok(Self { path, bytes, customers, rows, dimensions, vectors, offsets, texts, counted })
    }

    /// Whether its sentences are counted; otherwise its cases are their customers' alone.
    pub(super) fn is_counted(&self) -> bool {
        self.counted
    }

    /// The customers' keys with the sentences that they were sent.
    pub(super) fn sentences(&self) -> impl Iterator<Item = (&str, &[u64])> {
        self.customers.iter().map(|c| (c.name.as_str(), c.sentences.as_slice()))
    }

    /// Rows that hold a case.
    pub(super) fn rows(&self) -> impl Iterator<Item = u32> + '_ {
        self.customers.iter().flat_map(|c| c.rows.clone()).map(|row| row as u32)
    }

    pub(super) fn len(&self) -> usize {
        self.customers.iter().map(|c| c.rows.len()).sum()
    }

    /// The customers that it has cases of, and how many.
    pub(super) fn customers(&self) -> impl Iterator<Item = (&str, usize)> {
        self.customers.iter().map(|c| (c.name.as_str(), c.rows.len()))
    }

    /// Writes it to `path` without the cases of the customers of these keys, unless none is left. Every other case stays what it is,
    /// bit for bit. Gives how many cases were left out.
    pub(super) fn without(&self, customers: &BTreeSet<String>, path: &Path) -> Result<usize> {
        let damaged = || damaged(&self.path, "a row is not in it");
        let panel = Vectors::packed_bytes(self.dimensions, VECTOR_PANEL);
        let version = if self.counted { VERSION } else { UNCOUNTED };
        let (customers_kept, offsets) = (Vec::new(), vec![0]);
        let mut kept =
            Content { version, customers: customers_kept, packed: Vec::new(), offsets, texts: Vec::new() };
        for Customer { name, rows, sentences } in
            self.customers.iter().filter(|c| !customers.contains(&c.name))
        {
            let start = kept.offsets.len() - 1;
            for row in rows.clone() {
                kept.texts.extend_from_slice(self.text(row).ok_or_else(damaged)?);
                kept.offsets.push(kept.texts.len() as u64);
            }
            // A customer's rows begin a panel of their own.
            let (first, last) = (rows.start / VECTOR_PANEL, rows.end.div_ceil(VECTOR_PANEL));
            let panels = self.bytes[self.vectors.clone()].get(first * panel..last * panel);
            kept.packed.extend_from_slice(panels.ok_or_else(damaged)?);
            kept.offsets.resize(start + (last - first) * VECTOR_PANEL + 1, kept.texts.len() as u64);
            let (name, sentences) = (name.clone(), sentences.clone());
            kept.customers.push(Customer { name, rows: start..start + rows.len(), sentences });
        }
        let left = kept.customers.iter().map(|c| c.rows.len()).sum::<usize>();
        if left > 0 {
            assemble(path, self.dimensions, &kept)?;
        }
        Ok(self.len() - left)
    }

    /// What stands in front of all else; its hash is that of the rest.
    pub(super) fn header(&self) -> &[u8] {
        &self.bytes[..HEAD]
    }

    pub(super) fn nearest(&self, query: &[f32], customers: CustomerFilter<'_>, k: usize) -> Result<Vec<Hit>> {
        let may = |c: &&Customer| match customers {
            CustomerFilter::All => true,
            CustomerFilter::Only(name) => c.name == name,
            CustomerFilter::Except(name) => c.name != name,
        };
        let among: Vec<Range<usize>> = self.customers.iter().filter(may).map(|c| c.rows.clone()).collect();
        let vectors = Vectors::new(&self.bytes[self.vectors.clone()], self.dimensions, self.rows)
            .ok_or_else(|| InternalError::new("vectors that were checked"))?;
        let mut hits = vectors.nearest(query, &among, k)?;
        Ok(hits.pop().unwrap_or_default())
    }

    /// The JSON of the case in this row.
    fn text(&self, row: usize) -> Option<&[u8]> {
        let offset = |i: usize| -> Option<usize> {
            let at = self.bytes.get(self.offsets.clone())?.get(8 * i..8 * i + 8)?;
            usize::try_from(u64::from_le_bytes(at.try_into().ok()?)).ok()
        };
        let (from, to) = offset(row).zip(offset(row + 1))?;
        self.bytes.get(self.texts.checked_add(from)?..self.texts.checked_add(to)?)
    }

    pub(super) fn case(&self, row: u32) -> Result<ResolvedCase> {
        let bytes =
            self.text(row as usize).ok_or_else(|| damaged(&self.path, format!("row {row} is not in it")))?;
        Ok(serde_json::from_slice(bytes).map_err(|e| damaged(&self.path, format!("row {row}: {e}")))?)
    }
}

/// Whether the sentences of the segment at `path` are counted.
pub(super) fn is_counted(path: &Path) -> Result<bool> {
    let mut head = [0; 16];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.map_err(|e| UserError::io(path.display(), &e))?;
    Ok(head[8..] == VERSION.to_le_bytes())
}

type Parts = (Vec<Customer>, usize, Range<usize>, Range<usize>);

fn parse(bytes: &[u8], dimensions: usize) -> std::result::Result<Parts, String> {
    let word =
        |i: usize| -> Option<u64> { Some(u64::from_le_bytes(bytes.get(8 * i..8 * i + 8)?.try_into().ok()?)) };
    let size = |i: usize| word(i).and_then(|n| usize::try_from(n).ok()).ok_or("it ends too early");
    if bytes.get(..8) != Some(MAGIC) || !matches!(word(1), Some(VERSION | UNCOUNTED)) {
        return Err("no segment of cases, or of another version".into());
    }
    let (head, rows, d) = (size(2)?, size(3)?, size(4)?);
    if d != dimensions {
        return Err(format!("embeddings of {d} values, not {dimensions}: it belongs to another encoder"));
    }
    if bytes.len() < HEAD || word(5) != Some(xxh3_64(&bytes[HEAD..])) {
        return Err("its hash is another".into());
    }
    let head =
        HEAD..HEAD.checked_add(head).filter(|&end| end <= bytes.len()).ok_or("its head is not in it")?;
    let customers: Vec<Customer> = serde_json::from_slice(&bytes[head.clone()]).map_err(|e| e.to_string())?;
    let apart = customers.windows(2).all(|pair| pair[0].rows.end <= pair[1].rows.start);
    if !apart
        || customers.iter().any(|c| c.rows.start > c.rows.end || c.rows.end > rows)
        || rows > bytes.len()
    {
        return Err("rows of customers that can't be".into());
    }
    let start = head.end.next_multiple_of(64);
    let vectors = start..start + Vectors::packed_bytes(d, rows);
    let offsets = vectors.end..vectors.end + 8 * (rows + 1);
    if offsets.end > bytes.len() {
        return Err("it ends too early".into());
    }
    Ok((customers, rows, vectors, offsets))
}

/// Writes `cases`, sorted by customer's key, each customer's beginning a panel of its own.
pub(super) fn write(path: &Path, cases: &[ResolvedCase], embeddings: &[f32]) -> Result<()> {
    let d = embeddings.len() / cases.len();
    let mut of: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (i, case) in cases.iter().enumerate() {
        of.entry(customer_key(&case.customer)).or_default().push(i);
    }
    let (mut customers, mut vectors, mut offsets, mut texts) =
        (Vec::new(), Vec::new(), vec![0_u64], Vec::new());
    for (name, rows) in of {
        let start = offsets.len() - 1;
        for &row in &rows {
            vectors.extend_from_slice(&embeddings[row * d..(row + 1) * d]);
            serde_json::to_writer(&mut texts, &cases[row])
                .map_err(|e| InternalError::new(format!("a case: {e}")))?;
            offsets.push(texts.len() as u64);
        }
        let sent = rows.iter().flat_map(|&row| &cases[row].reply);
        let open = sent.filter(|said| said.reach == Reach::Everybody && !said.uncounted);
        let sentences: BTreeSet<u64> = open.map(|said| sentence_hash(&said.text)).collect();
        let sentences = sentences.into_iter().collect();
        customers.push(Customer { name, rows: start..start + rows.len(), sentences });
        let padding = rows.len().next_multiple_of(VECTOR_PANEL) - rows.len();
        vectors.resize(vectors.len() + padding * d, 0.0);
        offsets.resize(offsets.len() + padding, texts.len() as u64);
    }
    let packed = Vectors::pack(&vectors, d);
    assemble(path, d, &Content { version: VERSION, customers, packed, offsets, texts })
}

/// What a segment is made of: `offsets` has one more than there are rows.
struct Content {
    version: u64,
    customers: Vec<Customer>,
    packed: Vec<u8>,
    offsets: Vec<u64>,
    texts: Vec<u8>,
}

fn assemble(path: &Path, d: usize, content: &Content) -> Result<()> {
    let Content { version, customers, packed, offsets, texts } = content;
    let rows = offsets.len() - 1;
    let mut head =
        serde_json::to_vec(customers).map_err(|e| InternalError::new(format!("customers: {e}")))?;
    let length = head.len() as u64;
    head.resize((HEAD + head.len()).next_multiple_of(64) - HEAD, b' ');
    let offsets: Vec<u8> = offsets.iter().flat_map(|o| o.to_le_bytes()).collect();
    let mut hash = Xxh3::new();
    let parts = [&head, packed, &offsets, texts];
    parts.iter().for_each(|part| hash.update(part));
    let mut first = MAGIC.to_vec();
    for word in [*version, length, rows as u64, d as u64, hash.digest()] {
        first.extend(word.to_le_bytes());
    }
    first.resize(HEAD, 0);
    firstline_nn::write_private_file(&[&first, &head, packed, &offsets, texts], path)
        .map_err(|e| UserError::io(path.display(), &e))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const D: usize = 32;

    fn written(path: &Path) {
        let case = |i: usize| ResolvedCase {
            id: i.to_string(),
            hash: i as u64,
            customer: ["Alder", "alder ", "Birch", ""][i % 4].to_owned(),
            problem: "p".repeat(i % 7),
            ..ResolvedCase::default()
        };
        let cases: Vec<ResolvedCase> = (0..40).map(case).collect();
        let one = |i: usize| (0..D).map(move |k| if k == i % D { 1.0 } else { 0.01 * (i / D) as f32 });
        let embeddings: Vec<f32> = (0..40).flat_map(one).collect();
        write(path, &cases, &embeddings).unwrap();
    }

    #[test]
    fn a_search_finds_those_that_it_may() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("1.cases");
        written(&path);
        let segment = Segment::open(&path, &FileList::UNLISTED, D).unwrap();
        assert_eq!((segment.len(), segment.rows().count()), (40, 40));
        let mut query = vec![0.0; D];
        query[4] = 1.0;
        let found = |customers: CustomerFilter<'_>| -> Vec<String> {
            let hits = segment.nearest(&query, customers, 60).unwrap();
            hits.into_iter().map(|(row, _)| segment.case(row).unwrap().id).collect()
        };
        let (all, alder, others) = (
            found(CustomerFilter::All),
            found(CustomerFilter::Only("alder")),
            found(CustomerFilter::Except("alder")),
        );
        assert_eq!((all.len(), alder.len(), others.len()), (40, 20, 20));
        assert!(all[..2].contains(&"4".to_owned()) && all[..2].contains(&"36".to_owned()));
        assert!(
            alder.iter().all(|id| id.parse::<usize>().unwrap() % 4 < 2),
            "one customer, however it is spelt"
        );
        assert!(others.iter().all(|id| !alder.contains(id)));
        assert!(found(CustomerFilter::Only("nobody")).is_empty());
        assert!(
            Segment::open(&path, &FileList::UNLISTED, 64)
                .unwrap_err()
                .to_string()
                .contains("another encoder")
        );
    }

    #[test]
    fn a_customer_that_is_left_out_leaves_the_others_as_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let (path, rest) = (dir.path().join("1.cases"), dir.path().join("2.cases"));
        written(&path);
        let whole = Segment::open(&path, &FileList::UNLISTED, D).unwrap();
        assert_eq!(whole.without(&["alder".to_owned()].into(), &rest).unwrap(), 20);
        let left = Segment::open_any(&rest, &FileList::UNLISTED).unwrap();
        assert_eq!(left.customers().collect::<Vec<_>>(), [("", 10), ("birch", 10)]);
        for k in 0..D {
            let mut query = vec![0.01; D];
            query[k] = 1.0;
            let found = |segment: &Segment, customers: CustomerFilter<'_>| -> Vec<(String, f32)> {
                let hits = segment.nearest(&query, customers, 60).unwrap();
                hits.into_iter().map(|(row, cosine)| (segment.case(row).unwrap().id, cosine)).collect()
            };
            let (mut before, mut after) =
                (found(&whole, CustomerFilter::Except("alder")), found(&left, CustomerFilter::All));
            // Equals are found in the order of their rows.
            before.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            after.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            assert_eq!(before, after);
        }
        let bytes = String::from_utf8_lossy(&std::fs::read(&rest).unwrap()).to_lowercase();
        assert!(!bytes.contains("alder") && bytes.contains("birch"));
        // Of all of them, nothing is left to be written.
        let none = dir.path().join("3.cases");
        assert_eq!(left.without(&[String::new(), "birch".to_owned()].into(), &none).unwrap(), 20);
        assert!(!none.exists());
    }

    #[test]
    fn whatever_stands_in_a_segment_it_is_refused_or_read_within_its_bounds() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("1.cases");
        written(&path);
        let whole = std::fs::read(&path).unwrap();
        let (mut opened, mut refused) = (0, 0);
        let mut state = 7_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize
        };
        for turn in 0..600 {
            let mut bytes = whole.clone();
            match turn % 3 {
                // A number of the head; anything behind it; an end too early. The hash is right.
                0 => {
                    let value = [0, 1, 39, 1 << 20, u64::MAX, u64::MAX / 8][next() % 6];
                    let at = 8 * (2 + next() % 3);
                    bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
                }
                1 => {
                    let at = HEAD + next() % (bytes.len() - HEAD);
                    let value = [0, 0xff, 0x7f, b'9', next() as u8][next() % 5];
                    bytes[at..].iter_mut().take(1 + next() % 8).for_each(|b| *b = value);
                }
                _ => bytes.truncate(HEAD + next() % (bytes.len() - HEAD)),
            }
            let hash = xxh3_64(&bytes[HEAD..]);
            bytes[40..48].copy_from_slice(&hash.to_le_bytes());
            std::fs::write(&path, &bytes).unwrap();
            match Segment::open(&path, &FileList::UNLISTED, D) {
                Err(_) => refused += 1,
                Ok(segment) => {
                    opened += 1;
                    let _ = segment.nearest(&[0.5; D], CustomerFilter::All, 5);
                    for row in (0..80).chain([u32::MAX]) {
                        let _ = segment.case(row);
                    }
                }
            }
        }
        assert!(opened > 50 && refused > 50, "{opened} opened, {refused} refused");
    }
}
