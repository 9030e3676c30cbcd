//! The section `[run]`: the desk's own automation, and the secret that requests to it are signed with.

use std::path::PathBuf;

use firstline_fault::Result;
use firstline_psa::automation::{Automation, MOST_SECONDS};
use firstline_psa::connector::Finding;
use serde::Deserialize;

use super::{HTTPS, PsaSettings, encrypted, fault, secret};
use crate::commands::connect::check;

/// Shortest secret, in characters.
const LEAST_SECRET: usize = 16;

/// The section.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RunArgs {
    url: String,
    secret_file: PathBuf,
    #[serde(default = "minute")]
    timeout_seconds: u32,
}

fn minute() -> u32 {
    60
}

impl PsaSettings {
    /// The automation; `None` without a section `[run]`.
    ///
    /// # Errors
    /// For an address that what is sent would go to in clear, a secret that can't be had or is short, and a time out of its range.
    pub(super) fn automation(&self) -> Result<Option<Automation>> {
        let Some(args) = &self.run else { return Ok(None) };
        let place = "[run]";
        encrypted(&args.url, HTTPS)?;
        if !(1..=MOST_SECONDS).contains(&args.timeout_seconds) {
            let next = format!("Set it to 1 to {MOST_SECONDS} seconds");
            return Err(fault(place, "\"timeout_seconds\" is out of its range", &next));
        }
        let key = secret(&self.folder, &args.secret_file)?;
        if key.chars() < LEAST_SECRET {
            let next = "Put 16 or more random characters into the file that \"secret_file\" names";
            return Err(fault(place, format!("the secret is shorter than {LEAST_SECRET} characters"), next));
        }
        Ok(Some(Automation::new(&args.url, key, args.timeout_seconds)))
    }

    /// Whether automations can run, as far as that shows without running one.
    pub(in crate::commands::connect) fn running(&self) -> Finding {
        let what = "automation";
        let told = |found: String, next: Option<&str>| Finding {
            what: what.to_owned(),
            found,
            next: next.map(str::to_owned),
        };
        match (&self.run, self.automation()) {
            (None, _) => told("none is run: there is no [run] section".to_owned(), None),
            (Some(_), Err(error)) => check::finding(what, &error),
            (Some(_), Ok(_)) if !self.writes() => told(
                "none is run: without a [write] section no action is taken".to_owned(),
                Some("Add a [write] section, or remove [run]"),
            ),
            (Some(args), Ok(_)) => told(
                format!("{}, {} s for an answer; it is not tried here", args.url, args.timeout_seconds),
                None,
            ),
        }
    }
}
