//! Requests that go wrong: lost replies, refusals in every form, slow ones, and what people do between two requests.
//!
//! Must never hit what it was not asked to: without faults the fake is well.

use serde::Deserialize;

use crate::http::{Reply, Request};

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "trouble", rename_all = "snake_case")]
pub enum Trouble {
    /// It is done, and the reply never arrives.
    LostReply,
    /// The connection ends before anything is done.
    Refused,
    /// It is refused with a status.
    Status {
        /// The status.
        status: u16,
        /// Seconds of `Retry-After`.
        #[serde(default)]
        retry_after: Option<u64>,
        /// The body: a proxy's page, a bare JSON string, or the PSA's own error where not said.
        #[serde(default)]
        body: TroubleBody,
    },
    /// It is answered, and then a technician edits the ticket.
    EditAfter,
    /// It is answered, and then the oldest tickets change, so that rows move to other pages.
    MoveRows,
    /// It is answered late.
    Slow {
        /// By so many milliseconds.
        ms: u64,
    },
}

/// The body of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TroubleBody {
    /// `{"message": "..."}`.
    #[default]
    Json,
    /// A page of a proxy.
    Html,
    /// A bare JSON string.
    Text,
}

/// A trouble, and what it hits.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Requests of this method; of any where not said.
    #[serde(default)]
    pub method: Option<String>,
    /// Requests whose path has this in it.
    pub path: String,
    /// So many of them are let through first.
    #[serde(default)]
    pub skip: u32,
    /// And so many are hit.
    pub times: u32,
    /// How.
    pub what: Trouble,
}

/// What goes wrong, and how often.
#[derive(Debug, Default)]
pub struct Faults {
    /// Ordered troubles.
    pub list: Vec<Fault>,
    chance: f64,
    kinds: Vec<Trouble>,
    state: u64,
    /// Requests that were hit.
    pub hits: u64,
}

impl Faults {
    /// From now on each request goes wrong with probability `chance`, in one of `kinds`, drawn by `seed`.
    pub fn at_random(&mut self, chance: f64, kinds: &[Trouble], seed: u64) {
        (self.chance, self.kinds, self.state) = (chance, kinds.to_vec(), seed);
    }

    pub(crate) fn pick(&mut self, request: &Request) -> Option<Trouble> {
        for fault in &mut self.list {
            let method =
                fault.method.as_ref().is_none_or(|method| method.eq_ignore_ascii_case(&request.method));
            if fault.times == 0 || !method || !request.path.contains(&fault.path) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            fault.times -= 1;
            self.hits += 1;
            return Some(fault.what.clone());
        }
        if self.kinds.is_empty() || self.draw() >= self.chance {
            return None;
        }
        self.hits += 1;
        let which = (self.draw() * self.kinds.len() as f64) as usize;
        self.kinds.get(which).cloned()
    }

    /// The next number in [0, 1) of the sequence (SplitMix64).
    fn draw(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

impl Trouble {
    /// The refusal that it is, if it is one.
    pub(crate) fn refusal(&self) -> Option<Reply> {
        let Self::Status { status, retry_after, body } = self else { return None };
        let reply = match body {
            TroubleBody::Html => Reply::html(*status, "Service unavailable"),
            TroubleBody::Text => Reply::json(*status, &serde_json::json!("Too many requests")),
            TroubleBody::Json => Reply::json(*status, &serde_json::json!({"message": "The server is busy"})),
        };
        Some(match retry_after {
            Some(seconds) => reply.with("retry-after", seconds.to_string()),
            None => reply,
        })
    }
}
