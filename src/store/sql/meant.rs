//! Which ticket news is about, that knows it by its number.
//!
//! Must never give another customer's ticket where a customer is named.

use std::collections::{HashMap, HashSet};

use firstline_fault::Result;

use super::of_customers;
use crate::CustomerSet;
use crate::db::{Tx, clean, list};

/// The row of a ticket that a number stands for.
pub(super) enum Meant {
    One(String),
    /// Several customers have a ticket of that number.
    Several,
    Nothing,
}

/// The rows that these numbers stand for, in one query. Where a customer is named it is that one's; otherwise, of several, the one
/// that a key for all customers has sent.
pub(super) fn meant(
    tx: &mut dyn Tx,
    asked: &[(&str, Option<&str>)],
    customers: &CustomerSet,
) -> Result<Vec<Meant>> {
    let mut sql = "SELECT t.number, t.customer, t.id, t.wide FROM tickets t
        WHERE t.number IN (SELECT value ->> 0 FROM rows($1)) AND t.moved_at IS NULL"
        .to_owned();
    let numbers: HashSet<&str> = asked.iter().map(|(number, _)| *number).collect();
    let mut values = vec![list(numbers)?];
    of_customers(&mut sql, &mut values, "t.customer", customers);
    let mut open: HashMap<String, Vec<(String, String, bool)>> = HashMap::new();
    for mut row in tx.query(&sql, &values)? {
        let (number, found) = (row.text()?, (row.text()?, row.text()?, row.int()? != 0));
        open.entry(number).or_default().push(found);
    }
    let one = |(number, customer): &(&str, Option<&str>)| {
        let all = open.get(&clean(number)).map(Vec::as_slice).unwrap_or_default();
        let named = customer.map(clean);
        let fits = |(whose, _, wide): &&(String, String, bool)| match &named {
            Some(named) => whose == named,
            None => *wide || all.len() == 1,
        };
        let fitting: Vec<_> = all.iter().filter(fits).collect();
        match fitting.as_slice() {
            [(_, row, _)] => Meant::One(row.clone()),
            [] if named.is_some() || all.is_empty() => Meant::Nothing,
            _ => Meant::Several,
        }
    };
    Ok(asked.iter().map(one).collect())
}
