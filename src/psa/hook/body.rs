//! What is read of a delivery's body: a ticket's number, and what says whose it is. The rest is passed over without being kept.

use std::fmt;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Refused, Told};

/// Longest address of a key that is looked at, in bytes.
const MOST_URL: usize = 500;
/// Tickets of a delivery: some tenants send changes together.
const MOST_TICKETS: usize = 100;

/// A delivery of ConnectWise's, not proven yet.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Connectwise {
    #[serde(rename = "ID")]
    id: Number,
    #[serde(rename = "Type")]
    kind: Option<String>,
    #[serde(rename = "Metadata")]
    metadata: Option<Metadata>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    key_url: Option<String>,
}

impl Connectwise {
    pub(super) fn key_url(&self) -> Option<&str> {
        self.metadata.as_ref()?.key_url.as_deref().filter(|url| url.len() <= MOST_URL)
    }

    pub(super) fn ticket(self) -> Vec<String> {
        let of_ticket = self.kind.is_none_or(|kind| kind.eq_ignore_ascii_case("ticket"));
        self.id.0.filter(|_| of_ticket).into_iter().collect()
    }
}

/// A delivery of Autotask's.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Autotask {
    #[serde(rename = "Action")]
    action: Option<String>,
    #[serde(rename = "EntityType")]
    entity: Option<String>,
    #[serde(rename = "Id")]
    id: Number,
}

impl Autotask {
    pub(super) fn is_deactivation(&self) -> bool {
        self.action.as_deref() == Some("Deactivated")
    }

    pub(super) fn ticket(self) -> Vec<String> {
        let of_ticket = self.entity.is_none_or(|entity| entity.eq_ignore_ascii_case("Ticket"));
        self.id.0.filter(|_| of_ticket).into_iter().collect()
    }
}

/// A delivery of Halo's. Which keys its envelope has is UNCONFIRMED: `ticket.id` is taken, else `object_id`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Halo {
    ticket: Option<HaloTicket>,
    object_id: Number,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct HaloTicket {
    id: Number,
}

pub(super) fn connectwise(body: &[u8]) -> Result<Connectwise, Refused> {
    serde_json::from_slice(body).map_err(|_| Refused::Unreadable)
}

pub(super) fn autotask(body: &[u8]) -> Result<Autotask, Refused> {
    serde_json::from_slice(body).map_err(|_| Refused::Unreadable)
}

/// The tickets of one delivery, or of several that came together.
pub(super) fn halo(body: &[u8]) -> Result<Told, Refused> {
    let together = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    let told: Result<Vec<Halo>, _> = match together {
        true => serde_json::from_slice(body),
        false => serde_json::from_slice(body).map(|one| vec![one]),
    };
    let number = |one: Halo| one.ticket.and_then(|ticket| ticket.id.0).or(one.object_id.0);
    let told = told.map_err(|_| Refused::Unreadable)?;
    Ok(Told::Tickets(told.into_iter().filter_map(number).take(MOST_TICKETS).collect()))
}

/// A ticket's number, written as a number or as its digits; `None` for anything else, which is passed over.
#[derive(Debug, Default)]
struct Number(Option<String>);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Digits).map(Self)
    }
}

struct Digits;

impl<'de> Visitor<'de> for Digits {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(number).ok().map(|number| number.to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        let digits = !text.is_empty() && text.len() < 20 && text.bytes().all(|byte| byte.is_ascii_digit());
        Ok(digits.then(|| text.to_owned()))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}
