//! Pages of a query, in the order of ids: at most 500 rows, and the address of the next page, which keeps its place by the last id.

use serde_json::{Map, Value, json};

use super::fields::Entity;
use super::query::Query;
use super::records::{Row, View};
use super::refusals::refused;
use crate::http::{Reply, Request};
use crate::world::Id;

/// Where a page starts.
#[derive(Debug, Default, Clone)]
pub(super) struct Place {
    /// After this id.
    after: Id,
    /// After which ids the pages before it started.
    before: Vec<Id>,
}

impl Place {
    /// The place that an address names.
    pub(super) fn read(request: &Request, now: i64, lives: i64) -> Result<Self, Reply> {
        let bad = || refused(400, "The address of this page can't be read.");
        let paging: Value =
            request.asked("paging").and_then(|text| serde_json::from_str(text).ok()).ok_or_else(bad)?;
        let ids = |key: &str| -> Option<Vec<Id>> {
            paging.get(key)?.as_array()?.iter().map(Value::as_i64).collect()
        };
        let (before, next) = (ids("previousIds").ok_or_else(bad)?, ids("nextIds").ok_or_else(bad)?);
        let issued = paging.get("issued").and_then(Value::as_i64).unwrap_or_default();
        if lives > 0 && now - issued > lives {
            return Err(refused(500, "The address of this page is no longer valid: run the query again."));
        }
        Ok(Self { after: next.first().copied().ok_or_else(bad)?, before })
    }

    fn address(&self, base: &str, way: &str, now: i64, search: Option<&str>) -> String {
        let paging = json!({"previousIds": self.before, "nextIds": [self.after], "issued": now});
        let search = search.map(|text| format!("&search={}", encoded(text))).unwrap_or_default();
        format!("{base}/query/{way}?paging={}{search}", encoded(&paging.to_string()))
    }
}

/// Percent-encoded.
fn encoded(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

/// A query that is answered.
pub(super) struct Asking<'a> {
    pub(super) view: View<'a>,
    pub(super) entity: Entity,
    pub(super) query: Query,
    /// Its rows, in the order of their ids.
    pub(super) rows: Vec<Row<'a>>,
    /// The address of the entity.
    pub(super) base: String,
    /// The query as it stood in the address, where it did: the next page's address has it, too.
    pub(super) search: Option<String>,
}

impl Asking<'_> {
    /// How many records there are.
    pub(super) fn count(&self) -> Reply {
        let count = self.rows.iter().filter(|row| self.query.filter.meets(*row)).count();
        Reply::json(200, &json!({"queryCount": count}))
    }

    /// One page.
    pub(super) fn page(&self, place: &Place) -> Reply {
        let met = self.rows.iter().filter(|row| row.id() > place.after || place.after == 0);
        let mut met = met.filter(|row| self.query.filter.meets(*row));
        let mut items: Vec<Map<String, Value>> = Vec::new();
        let mut last = place.after;
        for row in met.by_ref().take(self.query.rows) {
            last = row.id();
            let mut record = row.record(&self.entity);
            self.query.cut(&mut record);
            items.push(record);
        }
        let (now, search) = (self.view.world.now().as_second(), self.search.as_deref());
        let next = met.next().map(|_| {
            let before = place.before.iter().copied().chain([place.after]).collect();
            Place { after: last, before }.address(&self.base, "next", now, search)
        });
        let previous = place.before.split_last().map(|(after, before)| {
            Place { after: *after, before: before.to_vec() }.address(&self.base, "previous", now, search)
        });
        let details = json!({
            "count": items.len(), "requestCount": self.query.rows, "prevPageUrl": previous, "nextPageUrl": next,
        });
        Reply::json(200, &json!({"items": items, "pageDetails": details}))
    }
}
