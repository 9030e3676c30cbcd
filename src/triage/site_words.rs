//! The words that a site adds to the built-in lists: `[words]` of its policy.
//!
//! Must never take a word away, nor hold more than a bounded number of them.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use toml::Table;

use crate::{kind, normalize};

/// The built-in lists, as files.
pub const BUILT_IN_WORDS: [&str; 2] = [normalize::PHRASES, kind::LISTS];
/// Where the names of the lists are found.
const LISTS: &str = "`firstline policy --words` prints the built-in lists by their names";
/// Different additions that one process reads: each is kept until its end.
const MOST_SITES: usize = 16;

/// Phrases by the list that they are added to. Each list is named as in the built-in files, `phrases.toml` and `words.toml`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(try_from = "Table", into = "Table")]
pub struct SiteWords {
    added: Table,
    lists: Option<&'static SiteLists>,
}

/// The built-in lists with a site's phrases.
struct SiteLists {
    phrases: normalize::SitePhrases,
    kinds: kind::Words,
}

/// Those that were read, which are kept: lists are looked up by reference all over the reader.
static READ: Mutex<Vec<(Table, &'static SiteLists)>> = Mutex::new(Vec::new());

impl SiteWords {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty()
    }

    /// These, or `others` where there are none.
    #[must_use]
    pub fn or<'a>(&'a self, others: &'a Self) -> &'a Self {
        if self.is_empty() { others } else { self }
    }

    /// Runs `read` with these words beside the built-in ones.
    pub(crate) fn under<R>(&self, read: impl FnOnce() -> R) -> R {
        let kinds = self.lists.map(|lists| &lists.kinds);
        normalize::under(self.lists.map(|lists| &lists.phrases), || kind::under(kinds, read))
    }
}

impl TryFrom<Table> for SiteWords {
    type Error = String;

    fn try_from(added: Table) -> Result<Self, String> {
        if added.is_empty() {
            return Ok(Self::default());
        }
        let mut all = READ.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, lists)) = all.iter().find(|(read, _)| *read == added) {
            return Ok(Self { lists: Some(lists), added });
        }
        if all.len() == MOST_SITES {
            return Err(format!("[words]: this process has read {MOST_SITES} different ones; restart it"));
        }
        let lists: &'static SiteLists =
            Box::leak(Box::new(SiteLists::new(&added).map_err(|problem| format!("[words]: {problem}"))?));
        all.push((added.clone(), lists));
        Ok(Self { added, lists: Some(lists) })
    }
}

impl SiteLists {
    fn new(added: &Table) -> Result<Self, String> {
        let (mut phrases, mut kinds) = (Table::new(), Table::new());
        for (name, more) in added {
            let lists = match (normalize::has_list(name), kind::has_list(name)) {
                (true, _) => &mut phrases,
                (_, true) => &mut kinds,
                _ => return Err(format!("there is no list {name:?}; {LISTS}")),
            };
            lists.insert(name.clone(), more.clone());
        }
        Ok(Self { phrases: normalize::SitePhrases::new(&phrases)?, kinds: kind::Words::with(&kinds)? })
    }
}

impl From<SiteWords> for Table {
    fn from(words: SiteWords) -> Self {
        words.added
    }
}

impl PartialEq for SiteWords {
    fn eq(&self, other: &Self) -> bool {
        self.added == other.added
    }
}

impl fmt::Debug for SiteWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.added.fmt(f)
    }
}
