//! The query language of Autotask: a mandatory `filter` of conditions and groups, and pages in the order of ids.
//!
//! Junk is refused, never ignored. Error texts that no source gives are our own, UNCONFIRMED; so is which of them come as 400 and which
//! as 500: here what can't be read is 400 and what the desk does not have is 500, as its other business errors are.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::fields::{Entity, Field, Holds};
use super::refusals::refused;
use super::times;
use crate::http::Reply;
use crate::world::Id;

/// Most conditions in the groups of a query.
const MOST_CONDITIONS: usize = 500;
/// Most rows of a page. More are cut to this without a word (UNCONFIRMED: it may refuse).
const MOST_ROWS: usize = 500;
/// Deepest nesting of groups.
const MOST_DEPTH: usize = 16;

/// What a query asks.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) filter: Filter,
    pub(super) rows: usize,
    include: Option<Vec<&'static str>>,
}

#[derive(Debug)]
pub(super) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Is { field: Asked, op: Op, value: Value },
}

/// The field of a condition: the entity's or the tenant's own.
#[derive(Debug)]
pub(super) enum Asked {
    Own(&'static Field),
    Udf(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Eq,
    NotEq,
    Gt,
    Gte,
    Lt,
    Lte,
    Begins,
    Ends,
    Contains,
    Exist,
    NotExist,
    In,
    NotIn,
}

/// A record that can be asked for its values.
pub(super) trait Record {
    /// A value of the entity's own.
    fn value(&self, field: &'static Field) -> Value;
    /// A value of the tenant's own.
    fn udf(&self, name: &str) -> Value;
}

/// A key of an object, whatever its case: the JSON of requests is read so.
pub(super) fn look<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    object.get(key).or_else(|| object.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, v)| v))
}

impl Query {
    /// Reads a query.
    pub(super) fn read(body: &Value, entity: &Entity) -> Result<Self, Reply> {
        let body = body.as_object().ok_or_else(|| refused(400, "The query is no JSON object."))?;
        let filter =
            look(body, "filter").ok_or_else(|| refused(400, "The query has no filter: it is required."))?;
        let mut reader = Reader { entity, conditions: 0, udfs: 0 };
        let filter = Filter::All(reader.many(filter, 0)?);
        let rows = match look(body, "MaxRecords") {
            None | Some(Value::Null) => MOST_ROWS,
            Some(rows) => match rows.as_u64() {
                Some(rows) if rows > 0 => MOST_ROWS.min(usize::try_from(rows).unwrap_or(MOST_ROWS)),
                _ => return Err(refused(400, "MaxRecords is a number from 1 to 500.")),
            },
        };
        let include = match look(body, "IncludeFields") {
            None | Some(Value::Null) => None,
            Some(names) => Some(included(names, entity)?),
        };
        if entity.name == "TicketHistory" {
            lone_ticket(&filter)?;
        }
        Ok(Self { filter, rows, include })
    }

    /// Leaves of a record what was asked for; its id always.
    pub(super) fn cut(&self, record: &mut Map<String, Value>) {
        if let Some(include) = &self.include {
            record.retain(|name, _| name == "id" || include.contains(&name.as_str()));
        }
    }

    /// The ticket that a query of the history names.
    pub(super) fn ticket(&self) -> Option<Id> {
        let Filter::All(all) = &self.filter else { return None };
        match all.first() {
            Some(Filter::Is { value, .. }) => number(value).map(|n| n as Id),
            _ => None,
        }
    }
}

/// The history takes one filter, `ticketID eq N`, and no more.
fn lone_ticket(filter: &Filter) -> Result<(), Reply> {
    let lone = match filter {
        Filter::All(all) => matches!(
            all.as_slice(),
            [Filter::Is { field: Asked::Own(field), op: Op::Eq, .. }] if field.name == "ticketID"
        ),
        _ => false,
    };
    let text = "TicketHistory is queried by one filter, ticketID eq a ticket, and nothing else.";
    if lone { Ok(()) } else { Err(refused(500, text)) }
}

fn included(names: &Value, entity: &Entity) -> Result<Vec<&'static str>, Reply> {
    let names = names.as_array().ok_or_else(|| refused(400, "IncludeFields is an array of names."))?;
    let one = |name: &Value| {
        let name = name.as_str().unwrap_or_default();
        if entity.is_empty() {
            return Ok("id");
        }
        if name.eq_ignore_ascii_case("userDefinedFields") && entity.has_udf() {
            return Ok("userDefinedFields");
        }
        entity.field(name).map(|field| field.name).ok_or_else(|| unknown(name, entity))
    };
    names.iter().map(one).collect()
}

fn unknown(name: &str, entity: &Entity) -> Reply {
    refused(500, &format!("Unable to find {name} in the {} Entity.", entity.single))
}

struct Reader<'a> {
    entity: &'a Entity,
    conditions: usize,
    udfs: usize,
}

impl Reader<'_> {
    fn many(&mut self, items: &Value, depth: usize) -> Result<Vec<Filter>, Reply> {
        let items = items.as_array().ok_or_else(|| refused(400, "A filter is an array of conditions."))?;
        if depth > MOST_DEPTH {
            return Err(refused(400, "Groups are nested too deep."));
        }
        items.iter().map(|item| self.one(item, depth)).collect()
    }

    fn one(&mut self, item: &Value, depth: usize) -> Result<Filter, Reply> {
        let item = item.as_object().ok_or_else(|| refused(400, "A condition is an object."))?;
        let op = look(item, "op").and_then(Value::as_str).unwrap_or_default();
        if op.eq_ignore_ascii_case("and") || op.eq_ignore_ascii_case("or") {
            let inner = look(item, "items").ok_or_else(|| refused(400, "A group has items."))?;
            let inner = self.many(inner, depth + 1)?;
            return Ok(if op.eq_ignore_ascii_case("or") { Filter::Any(inner) } else { Filter::All(inner) });
        }
        let text = format!("There is no operator '{op}'.");
        let op = Op::read(op).ok_or_else(|| refused(400, &text))?;
        self.conditions += 1;
        if self.conditions > MOST_CONDITIONS {
            return Err(refused(500, "The query has more than 500 conditions."));
        }
        let name = look(item, "field").and_then(Value::as_str);
        let name = name.ok_or_else(|| refused(400, "A condition names a field."))?;
        // One known client leaves the value out where it is false or empty, and works against the real one.
        let value = look(item, "value").cloned().unwrap_or(Value::Null);
        let field = self.asked(name, look(item, "udf") == Some(&Value::Bool(true)))?;
        if let Asked::Own(field) = &field {
            fits(field, op, &value)?;
        }
        Ok(Filter::Is { field, op, value })
    }

    fn asked(&mut self, name: &str, udf: bool) -> Result<Asked, Reply> {
        if udf {
            self.udfs += 1;
            return match self.udfs {
                1 if self.entity.has_udf() => Ok(Asked::Udf(name.to_owned())),
                1 => Err(unknown(name, self.entity)),
                _ => Err(refused(500, "A query takes one user-defined field.")),
            };
        }
        // Of what the desk has no records of, the fields are not listed here: whatever they are, nothing is found by them.
        if self.entity.is_empty() {
            return Ok(Asked::Udf(name.to_owned()));
        }
        let field = self.entity.field(name).ok_or_else(|| unknown(name, self.entity))?;
        // The history says of itself what it is asked by.
        if !field.queryable && self.entity.name != "TicketHistory" {
            return Err(refused(500, &format!("{} of {} can't be queried.", field.name, self.entity.single)));
        }
        Ok(Asked::Own(field))
    }
}

/// Whether a value can be compared with the field at all.
fn fits(field: &Field, op: Op, value: &Value) -> Result<(), Reply> {
    let one = |value: &Value| match (field.holds, value) {
        (_, Value::Null) => true,
        (Holds::Time, value) => value.as_str().and_then(times::read).is_some(),
        (Holds::Whole | Holds::Decimal | Holds::Flag, value) => number(value).is_some(),
        (Holds::Text, value) => !value.is_array() && !value.is_object(),
    };
    let fits = match (op, value) {
        (Op::Exist | Op::NotExist, _) => true,
        (Op::In | Op::NotIn, Value::Array(values)) => values.iter().all(one),
        (Op::In | Op::NotIn, value) => value.is_null(),
        (_, value) => one(value),
    };
    let text = || format!("The value {value} does not fit {}, which is a {}.", field.name, field.data_type());
    if fits { Ok(()) } else { Err(refused(500, &text())) }
}

impl Op {
    fn read(text: &str) -> Option<Self> {
        Some(match text.to_ascii_lowercase().as_str() {
            "eq" => Self::Eq,
            "noteq" => Self::NotEq,
            "gt" => Self::Gt,
            "gte" => Self::Gte,
            "lt" => Self::Lt,
            "lte" => Self::Lte,
            "beginswith" => Self::Begins,
            "endswith" => Self::Ends,
            "contains" => Self::Contains,
            "exist" => Self::Exist,
            "notexist" => Self::NotExist,
            "in" => Self::In,
            "notin" => Self::NotIn,
            _ => return None,
        })
    }

    /// Whether `has`, which a record holds, meets it with `value`. Text is compared without its case, as the database does.
    fn meets(self, holds: Holds, has: &Value, value: &Value) -> bool {
        let order = || compare(holds, has, value);
        let any = || match value {
            Value::Array(values) => {
                values.iter().any(|value| compare(holds, has, value) == Some(Ordering::Equal))
            }
            _ => false,
        };
        let words = || (lower(has), lower(value));
        match self {
            Self::Eq => order() == Some(Ordering::Equal),
            Self::NotEq => order() != Some(Ordering::Equal),
            Self::Gt => order() == Some(Ordering::Greater),
            Self::Gte => matches!(order(), Some(Ordering::Greater | Ordering::Equal)),
            Self::Lt => order() == Some(Ordering::Less),
            Self::Lte => matches!(order(), Some(Ordering::Less | Ordering::Equal)),
            Self::Exist => !has.is_null(),
            Self::NotExist => has.is_null(),
            Self::In => any(),
            Self::NotIn => !any(),
            Self::Begins | Self::Ends | Self::Contains if has.is_null() => false,
            Self::Begins => words().0.starts_with(&words().1),
            Self::Ends => words().0.ends_with(&words().1),
            Self::Contains => words().0.contains(&words().1),
        }
    }
}

impl Filter {
    /// Whether a record meets it.
    pub(super) fn meets(&self, record: &dyn Record) -> bool {
        match self {
            Self::All(all) => all.iter().all(|one| one.meets(record)),
            Self::Any(any) => any.iter().any(|one| one.meets(record)),
            Self::Is { field: Asked::Own(field), op, value } => {
                op.meets(field.holds, &record.value(field), value)
            }
            Self::Is { field: Asked::Udf(name), op, value } => {
                op.meets(Holds::Text, &record.udf(name), value)
            }
        }
    }
}

fn lower(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_lowercase(),
        other => other.to_string(),
    }
}

/// A number, also from text, true or false.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        Value::Number(number) => number.as_f64(),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(1.0),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(0.0),
        Value::String(text) => text.trim().parse().ok().filter(|n: &f64| n.is_finite()),
        _ => None,
    }
}

fn compare(holds: Holds, has: &Value, value: &Value) -> Option<Ordering> {
    match (holds, has, value) {
        (_, Value::Null, Value::Null) => Some(Ordering::Equal),
        (_, Value::Null, _) => None,
        (Holds::Flag, has, Value::Null) => number(has)?.partial_cmp(&0.0),
        (_, _, Value::Null) => None,
        (Holds::Time, has, value) => Some(times::read(has.as_str()?)?.cmp(&times::read(value.as_str()?)?)),
        (Holds::Text, has, value) => Some(lower(has).cmp(&lower(value))),
        (_, has, value) => number(has)?.partial_cmp(&number(value)?),
    }
}
