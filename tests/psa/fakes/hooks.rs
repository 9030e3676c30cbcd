//! Webhooks: what is posted to the listener when a ticket changes, and how deliveries go wrong.

use serde::Deserialize;

/// A request to a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Where it goes.
    pub url: String,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

/// How deliveries go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HookTrouble {
    /// Each so-many-th is lost; 0: none.
    pub drop_every: u64,
    /// Each so-many-th comes twice; 0: none.
    pub twice_every: u64,
    /// Each so-many-th is followed by one that somebody else signed; 0: none.
    pub forged_every: u64,
    /// Deliveries of a moment come in the reverse order.
    pub reversed: bool,
}

impl HookTrouble {
    /// What is really sent of `due`, of which `before` were due earlier.
    pub(crate) fn send(self, due: Vec<Delivery>, before: u64) -> Vec<Delivery> {
        let each = |every: u64, n: u64| every > 0 && n.is_multiple_of(every);
        let mut sent = Vec::new();
        for (n, delivery) in (before + 1..).zip(due) {
            if each(self.forged_every, n) {
                sent.push(forged(&delivery));
            }
            if each(self.twice_every, n) {
                sent.push(delivery.clone());
            }
            if !each(self.drop_every, n) {
                sent.push(delivery);
            }
        }
        if self.reversed {
            sent.reverse();
        }
        sent
    }
}

/// The same with a signature that is none.
fn forged(delivery: &Delivery) -> Delivery {
    let headers = delivery.headers.iter().map(|(name, value)| {
        let value = if name.eq_ignore_ascii_case("content-type") {
            value.clone()
        } else {
            value.chars().rev().collect()
        };
        (name.clone(), value)
    });
    Delivery { headers: headers.collect(), ..delivery.clone() }
}
