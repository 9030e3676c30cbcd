//! Word lists: the built-in ones, and a site's, which hold while a ticket of the site's is read.
//!
//! A site's lists are the built-in ones with its own phrases added, so that matching takes one automaton either way; a site that adds
//! nothing pays one thread-local lookup. Must never let one site's words read another's ticket: they hold on one thread, for one call.

use std::cell::Cell;
use std::ops::Deref;
use std::sync::LazyLock;
use std::thread::LocalKey;

use toml::{Table, Value};

/// Phrases that a site may add to a list, and the longest of them in bytes.
const MOST: usize = 500;
const LONGEST: usize = 200;
/// Letters and digits that a phrase has at least, and that one has beyond ASCII, or that is a prefix of subjects: two Latin letters
/// stand in every line.
const LEAST: usize = 4;
const LEAST_SHORT: usize = 2;

/// The place where a thread keeps a site's lists.
pub(crate) type Place<T> = LocalKey<Cell<Option<&'static T>>>;

/// Lists that a site's take the place of, on one thread, for as long as it reads.
pub(crate) struct Lists<T: 'static> {
    built_in: LazyLock<T>,
    site: &'static Place<T>,
}

impl<T> Lists<T> {
    pub(crate) const fn new(built_in: fn() -> T, site: &'static Place<T>) -> Self {
        Self { built_in: LazyLock::new(built_in), site }
    }

    /// The lists without a site's.
    pub(crate) fn built_in(&self) -> &T {
        &self.built_in
    }

    /// Runs `read` with a site's lists, or with the built-in ones where there are none.
    pub(crate) fn under<R>(&self, lists: Option<&'static T>, read: impl FnOnce() -> R) -> R {
        let _before = Before { site: self.site, lists: self.site.replace(lists) };
        read()
    }
}

impl<T> Deref for Lists<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.site.get().unwrap_or_else(|| &self.built_in)
    }
}

/// Puts back the lists that held before.
struct Before<T: 'static> {
    site: &'static Place<T>,
    lists: Option<&'static T>,
}

impl<T> Drop for Before<T> {
    fn drop(&mut self) {
        self.site.set(self.lists);
    }
}

/// Adds the phrases of `more` to the lists of the same names in `lists`, each as `fold` writes a phrase of its list.
///
/// # Errors
/// A sentence that names the list, where there is no such list, or where it or a phrase is too long.
pub(crate) fn add(lists: &mut Table, more: &Table, fold: &Fold<'_>) -> Result<(), String> {
    more.iter().try_for_each(|(key, more)| match lists.get_mut(key) {
        Some(list) => add_to(key, list, more, fold),
        None => Err(format!("there is no list {key:?}")),
    })
}

/// Writes a phrase as texts are compared, by the name of its list.
type Fold<'a> = dyn Fn(&str, &str) -> String + 'a;

fn add_to(name: &str, list: &mut Value, more: &Value, fold: &Fold<'_>) -> Result<(), String> {
    match (list, more) {
        (Value::Array(list), Value::Array(more)) => {
            if more.len() > MOST {
                return Err(format!("{name:?} has {} entries, and {MOST} are the most", more.len()));
            }
            let more = more.iter().map(|entry| written(name, entry, fold));
            list.extend(more.collect::<Result<Vec<_>, _>>()?);
            Ok(())
        }
        (Value::Table(lists), Value::Table(more)) => more.iter().try_for_each(|(key, more)| {
            let name = format!("{name}.{key}");
            let list = lists.get_mut(key).ok_or_else(|| format!("there is no list {name:?}"))?;
            add_to(&name, list, more, fold)
        }),
        (Value::Table(_), _) => Err(format!("{name:?} is a table of lists")),
        _ => Err(format!("{name:?} is a list")),
    }
}

/// An entry of a list: a phrase, or a table of such.
fn written(name: &str, entry: &Value, fold: &Fold<'_>) -> Result<Value, String> {
    match entry {
        Value::String(phrase) => {
            let folded = fold(name, phrase);
            if phrase.len() > LONGEST {
                let start = &phrase[..phrase.floor_char_boundary(40)];
                return Err(format!("{name:?}: \"{start}...\" is longer than {LONGEST} bytes"));
            }
            let least = if folded.is_ascii() && !name.contains("prefix") { LEAST } else { LEAST_SHORT };
            if folded.chars().filter(|c| c.is_alphanumeric()).count() < least {
                return Err(format!("{name:?}: {phrase:?} has less than {least} letters or digits"));
            }
            Ok(Value::String(folded))
        }
        Value::Array(list) if list.len() > MOST => {
            Err(format!("{name:?} has {} entries, and {MOST} are the most", list.len()))
        }
        Value::Array(list) => {
            Ok(Value::Array(list.iter().map(|entry| written(name, entry, fold)).collect::<Result<_, _>>()?))
        }
        Value::Table(table) => {
            let entry = |(key, entry): (&String, &Value)| {
                Ok((key.clone(), written(&format!("{name}.{key}"), entry, fold)?))
            };
            Ok(Value::Table(table.iter().map(entry).collect::<Result<_, String>>()?))
        }
        _ => Err(format!("{name:?} is a list of phrases")),
    }
}
