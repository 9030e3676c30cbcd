//! Tickets that say nearly the same and were closed by different technicians: how far people agree among themselves, which no model
//! can be expected to exceed.
//!
//! Each family of near-identical tickets gives one pair, so that pairs are independent. Must never look at a label.

use std::collections::BTreeMap;

use crate::prepare::NearDuplicates;

/// Collects tickets and pairs them.
#[derive(Debug, Default)]
pub struct Pairs {
    near: NearDuplicates,
    technicians: Vec<Option<String>>,
}

impl Pairs {
    /// Adds a ticket, as the models read it, and who closed it. Tickets come in order of time.
    pub fn add(&mut self, text: &str, technician: Option<&str>) {
        self.near.add(text);
        self.technicians.push(technician.map(str::to_owned));
    }

    /// Of each family its first ticket, and the first one that another technician closed: by their number in order of adding.
    pub fn finish(self) -> Vec<(usize, usize)> {
        let Self { near, technicians } = self;
        let mut first: BTreeMap<u32, usize> = BTreeMap::new();
        let mut pairs: BTreeMap<u32, (usize, usize)> = BTreeMap::new();
        for (i, family) in near.families().into_iter().enumerate() {
            let Some(technician) = &technicians[i] else { continue };
            let head = *first.entry(family).or_insert(i);
            if technicians[head].as_ref() != Some(technician) {
                pairs.entry(family).or_insert((head, i));
            }
        }
        pairs.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_gives_one_pair_of_different_technicians() {
        let printer =
            |n: usize| format!("the printer of room {n} shows a paper jam although there is none in it");
        let vpn = "the tunnel to the office drops every hour since the update of last night";
        let mut pairs = Pairs::default();
        for (text, technician) in [
            (printer(1), Some("ann")),
            (vpn.to_owned(), Some("ann")),
            (printer(2), None),
            (printer(3), Some("ann")),
            (printer(4), Some("bob")),
            (printer(5), Some("cem")),
            (vpn.to_owned(), Some("ann")),
            ("something else entirely that nobody wrote".to_owned(), Some("bob")),
        ] {
            pairs.add(&text, technician);
        }
        assert_eq!(pairs.finish(), [(0, 4)]);
    }
}
