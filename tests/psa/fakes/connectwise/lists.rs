//! Lists: conditions, order, fields, pages by number and forward-only ones by id, with the `Link` header that leads on.
//!
//! Must refuse what can't be understood: a condition that is ignored would show everything.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::conditions::{Condition, at};
use super::refusals;
use super::settings::Settings;
use super::shapes::without_nulls;
use crate::http::{Reply, Request};
use crate::world::Id;

/// Records of a page where nothing is said.
const USUAL_PAGE: usize = 25;
/// Most records of a page.
const MOST_PAGE: usize = 1_000;

/// Records that can be asked for.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// The right that reading them needs.
    pub(super) right: &'static str,
    /// What one of them is called.
    pub(super) what: &'static str,
    /// The records.
    pub(super) rows: Vec<Value>,
    /// Fields that they may have, where not each has them.
    pub(super) known: &'static [&'static str],
}

/// What a list is asked for.
#[derive(Debug, Default)]
pub(super) struct Query {
    conditions: Option<Condition>,
    children: Option<Condition>,
    custom: Option<Condition>,
    order: Vec<(String, bool)>,
    fields: Vec<String>,
}

impl Query {
    /// Reads the query, and the body of a search.
    pub(super) fn read(request: &Request, settings: &Settings) -> Result<Self, Reply> {
        let body = if request.method == "POST" { request.json() } else { None };
        let asked = |key: &str| {
            let said = body.as_ref().and_then(|body| body.get(key)).and_then(Value::as_str);
            said.or_else(|| request.asked(key)).filter(|text| !text.trim().is_empty())
        };
        let condition = |key: &str| {
            let text = asked(key).map(|text| match settings.offset_times {
                true => text.replace("+00:00]", "Z]"),
                false => text.to_owned(),
            });
            let read = text.as_deref().map(Condition::parse).transpose();
            read.map_err(|e| refusals::conditions(&format!("{key} can't be read: {e}")))
        };
        let order = asked("orderBy").map(order).transpose()?.unwrap_or_default();
        let late = |(field, _): &(String, bool)| field.trim_start_matches("_info/") == "lastUpdated";
        if !settings.order_by_last_updated && order.iter().any(late) {
            return Err(refusals::conditions("lastUpdated is not a field to order by"));
        }
        let fields =
            asked("fields").map(|list| list.split(',').map(|field| field.trim().to_owned()).collect());
        Ok(Self {
            conditions: condition("conditions")?,
            children: condition("childConditions")?,
            custom: condition("customFieldConditions")?,
            order,
            fields: fields.unwrap_or_default(),
        })
    }

    /// The time before which nothing that is asked for was changed.
    pub(super) fn since(&self) -> Option<Timestamp> {
        self.conditions.as_ref().and_then(Condition::since)
    }

    /// The only values of a field with ids that are asked for.
    pub(super) fn ids(&self, field: &str) -> Option<BTreeSet<Id>> {
        self.conditions.as_ref().and_then(|condition| condition.ids(field))
    }

    /// The records that are asked for, in their order.
    fn pick(&self, rows: Rows) -> Result<Vec<Value>, Reply> {
        self.check(&rows)?;
        let mut picked = rows.rows;
        picked.retain(|row| self.meets(row));
        picked.sort_by(|a, b| {
            let by_field = self.order.iter().map(|(field, falling)| {
                let order = compare(at(a, field), at(b, field));
                if *falling { order.reverse() } else { order }
            });
            by_field.fold(Ordering::Equal, Ordering::then).then(compare(a.get("id"), b.get("id")))
        });
        Ok(picked)
    }

    fn meets(&self, row: &Value) -> bool {
        self.conditions.as_ref().is_none_or(|condition| condition.holds(row))
            && self.children.as_ref().is_none_or(|condition| child_holds(condition, row))
            && self.custom.as_ref().is_none_or(|condition| {
                let fields = row.get("customFields").and_then(Value::as_array);
                fields.is_some_and(|fields| fields.iter().any(|field| condition.holds(field)))
            })
    }

    /// Refuses fields that such records don't have.
    fn check(&self, rows: &Rows) -> Result<(), Reply> {
        if rows.rows.is_empty() && rows.known.is_empty() {
            return Ok(());
        }
        let mut known: BTreeSet<&str> = rows.known.iter().copied().collect();
        known.extend(["id", "_info", "lastUpdated", "updatedBy", "dateEntered", "enteredBy"]);
        for row in rows.rows.iter().filter_map(Value::as_object).take(50) {
            known.extend(row.keys().map(String::as_str));
        }
        let asked = self.conditions.iter().flat_map(Condition::fields);
        for field in asked.chain(self.order.iter().map(|(field, _)| field.as_str())) {
            let first = field.split('/').next().unwrap_or(field);
            if !known.contains(first) {
                return Err(refusals::conditions(&format!("{field} is not a field of {}", rows.what)));
            }
        }
        Ok(())
    }

    /// A record with the fields that are asked for; all where none are.
    pub(super) fn shown(&self, mut row: Value) -> Value {
        without_nulls(&mut row);
        if self.fields.is_empty() {
            return row;
        }
        let mut shown = Map::new();
        for field in &self.fields {
            let (first, rest) = field.split_once('/').unwrap_or((field, ""));
            let Some(value) = row.get(first) else { continue };
            match (rest, at(value, rest)) {
                ("", _) => drop(shown.insert(first.to_owned(), value.clone())),
                (_, Some(inner)) => {
                    let outer = shown.entry(first).or_insert_with(|| json!({}));
                    outer[rest] = inner.clone();
                }
                _ => {}
            }
        }
        Value::Object(shown)
    }
}

/// Whether an element of a list in the record meets a condition such as `communicationItems/value like "..."`.
fn child_holds(condition: &Condition, row: &Value) -> bool {
    let Some(first) = condition.fields().first().and_then(|field| field.split('/').next().map(str::to_owned))
    else {
        return false;
    };
    let children = row.get(&first).and_then(Value::as_array);
    children
        .is_some_and(|children| children.iter().any(|child| condition.holds(&json!({first.as_str(): child}))))
}

fn order(text: &str) -> Result<Vec<(String, bool)>, Reply> {
    let part = |part: &str| {
        let mut words = part.split_whitespace();
        let field = words.next()?.to_owned();
        let falling = match words.next().map(str::to_lowercase).as_deref() {
            None | Some("asc") => false,
            Some("desc") => true,
            Some(_) => return None,
        };
        words.next().is_none().then_some((field, falling))
    };
    let read: Option<Vec<_>> = text.split(',').map(part).collect();
    read.ok_or_else(|| refusals::conditions(&format!("orderBy can't be read: {text}")))
}

fn compare(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    match (a, b) {
        (Some(Value::Number(a)), Some(Value::Number(b))) => {
            a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal)
        }
        (Some(Value::String(a)), Some(Value::String(b))) => a.cmp(b),
        (Some(Value::Bool(a)), Some(Value::Bool(b))) => a.cmp(b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

/// The number of records that are asked for.
pub(super) fn count(rows: Rows, query: &Query) -> Result<Reply, Reply> {
    Ok(Reply::json(200, &json!({"count": query.pick(rows)?.len()})))
}

/// A page of the records that are asked for.
pub(super) fn page(
    request: &Request,
    rows: Rows,
    query: &Query,
    settings: &Settings,
) -> Result<Reply, Reply> {
    let number = |key: &str, usual: usize| match request.asked(key).map(str::trim) {
        None | Some("") => Ok(usual),
        Some(text) => text.parse().map_err(|_| refusals::unreadable(&format!("{key} is not a number"))),
    };
    let size = number("pageSize", USUAL_PAGE)?;
    // Whether the real one refuses more than the maximum or cuts it is UNCONFIRMED: here it is refused, or cut by a setting.
    if size > MOST_PAGE && !settings.caps_page_size {
        return Err(refusals::unreadable(&format!("pageSize can't be above {MOST_PAGE}")));
    }
    let size = size.clamp(1, MOST_PAGE);
    let picked = query.pick(rows)?;
    let forward = request.header("pagination-type").is_some_and(|h| h.eq_ignore_ascii_case("forward-only"));
    let (first, links) = if forward {
        let after = number("pageId", 0)?;
        return Ok(forward_only(request, picked, query, (size, after)));
    } else {
        let page = number("page", 1)?.max(1);
        ((page - 1).saturating_mul(size), links(request, page, picked.len().div_ceil(size).max(1)))
    };
    let shown: Vec<Value> = picked.into_iter().skip(first).take(size).map(|row| query.shown(row)).collect();
    Ok(Reply::json(200, &Value::Array(shown)).with("link", links))
}

/// A page of records with ids above one, in the order of ids: rows that move can't be missed.
fn forward_only(
    request: &Request,
    mut picked: Vec<Value>,
    query: &Query,
    (size, after): (usize, usize),
) -> Reply {
    let id = |row: &Value| row.get("id").and_then(Value::as_u64).unwrap_or(0);
    picked.retain(|row| id(row) > after as u64);
    picked.sort_by_key(id);
    let more = picked.len() > size;
    picked.truncate(size);
    let next = picked.last().map(id).filter(|_| more);
    let shown: Vec<Value> = picked.into_iter().map(|row| query.shown(row)).collect();
    let reply = Reply::json(200, &Value::Array(shown));
    match next {
        Some(next) => reply.with("link", link(request, "pageId", next, "next")),
        None => reply,
    }
}

/// Where to go from a page. The last one is always told, so that clients which look for the header find it.
fn links(request: &Request, page: usize, last: usize) -> String {
    let to = |page: usize, rel| link(request, "page", page as u64, rel);
    let mut links = Vec::new();
    if page < last {
        links.push(to(page + 1, "next"));
    }
    links.push(to(last, "last"));
    if page > 1 {
        links.extend([to(1, "first"), to(page - 1, "prev")]);
    }
    links.join(", ")
}

/// A link with one parameter changed, which stands last.
fn link(request: &Request, key: &str, value: u64, rel: &str) -> String {
    let is_other = |part: &&str| {
        let name = part.split('=').next().unwrap_or_default();
        !part.is_empty() && !name.eq_ignore_ascii_case(key)
    };
    let mut parts: Vec<String> = request.raw_query.split('&').filter(is_other).map(str::to_owned).collect();
    parts.push(format!("{key}={value}"));
    format!("<{}{}?{}>; rel=\"{rel}\"", request.origin, request.path, parts.join("&"))
}
