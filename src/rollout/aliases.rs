//! Labels that were renamed in the PSA, `aliases.toml`: a new name is no disagreement.

use std::collections::BTreeMap;

use firstline_fault::{Code, Result, UserError};
use firstline_ticket::Field;

use crate::Aliases;

/// Reads `[board]`, `[type]` and so on, each with `"old name" = "new name"`; `place` names the file in errors.
///
/// # Errors
/// [`Code::Config`] when it is not of that form.
pub fn read_aliases(text: &str, place: &str) -> Result<Aliases> {
    let fields: BTreeMap<Field, BTreeMap<String, String>> = toml::from_str(text).map_err(|e| {
        let problem = e.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        let next = "Give [board], [type], [subtype], [priority] or [technician] old names with the new one";
        UserError::new(Code::Config, place, problem, next)
    })?;
    let of_field = |(field, names): (Field, BTreeMap<String, String>)| {
        names.into_iter().map(move |(old, new)| ((field, old.trim().to_owned()), new.trim().to_owned()))
    };
    Ok(fields.into_iter().flat_map(of_field).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_names_lead_to_new_ones_field_by_field() {
        let found =
            read_aliases("[board]\n\"Helpdesk \" = \"Service Desk\"\n[type]\nVPN = \"Fernzugriff\"", "a")
                .unwrap();
        let alias = |field, old: &str| found.get(&(field, old.to_owned())).map(String::as_str);
        assert_eq!(alias(Field::Board, "Helpdesk"), Some("Service Desk"));
        assert_eq!((alias(Field::Type, "VPN"), alias(Field::Board, "VPN")), (Some("Fernzugriff"), None));
        for bad in ["[bord]\na = \"b\"", "board = 1", "[board]\na = 1"] {
            assert!(read_aliases(bad, "a.toml").unwrap_err().to_string().contains("a.toml"), "{bad}");
        }
    }
}
