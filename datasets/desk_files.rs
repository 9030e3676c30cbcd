//! What the invented desk knows about itself, as files that `firstline rollout` reads: its tiers and its routing rules.

use std::fmt::Write;

use crate::catalog::Catalog;
use crate::record::{CLOSED, SECOND_TIER, WAITING};
use crate::rules;

/// The desk's tiers, as `tiers.toml`.
pub fn tiers_file() -> String {
    let catalog = Catalog::load();
    let mut boards: Vec<&str> = catalog.places.iter().map(|place| place.board.as_str()).collect();
    boards.dedup();
    let mut out = String::from("# The tiers of a generated desk.\n");
    let _ = writeln!(out, "closed = {CLOSED:?}\nwaiting = {WAITING:?}\n\n[boards]");
    for board in boards {
        let _ = writeln!(out, "{board:?} = 1");
    }
    let _ = writeln!(out, "{SECOND_TIER:?} = 2\n\n[technicians]");
    for technician in &catalog.staff {
        let _ = writeln!(out, "{:?} = {}", technician.name, technician.tier);
    }
    out
}

/// The desk's routing rules, as `rules.toml`.
pub fn rules_file() -> &'static str {
    rules::SOURCE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_board_and_technician_has_one_tier() {
        let tiers: toml::Table = tiers_file().parse().unwrap();
        let count = |table: &str, tier: i64| {
            tiers[table].as_table().unwrap().values().filter(|found| found.as_integer() == Some(tier)).count()
        };
        assert_eq!((count("boards", 1), count("boards", 2)), (7, 1));
        assert_eq!((count("technicians", 1), count("technicians", 2)), (16, 3));
        assert_eq!(tiers["closed"].as_array().unwrap().len(), 2);
    }
}
