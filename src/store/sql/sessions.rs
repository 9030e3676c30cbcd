//! Sessions of people who have signed in.
//!
//! The audit log keeps when each began and ended. A row that it does not tell of lets nobody in.

use firstline_fault::Result;
use jiff::Timestamp;
use serde_json::json;

use super::{Shelf, users};
use crate::audit::{Log, Note};
use crate::db::{Db, Row, Tx, Value, token};
use crate::digests::{Kind, PEOPLE_ACTIONS, columns_of, is_told};
use crate::{NewSession, SessionRecord, Sessions, UserRecord};

/// Sessions of one person at a time.
const MOST: usize = 50;

impl<D: Db> Sessions for Shelf<D> {
    fn add_session(
        &self,
        session: &NewSession<'_>,
        verified: &str,
        now: Timestamp,
    ) -> Result<Option<String>> {
        self.write(|tx| {
            let mut log = Log::open(tx, now)?;
            let user = users::some(tx, "u.id = $1", &[session.user.into()])?.pop();
            let is_theirs = |user: &UserRecord| user.is_enabled() && user.hash.as_deref() == Some(verified);
            let Some(user) = user.filter(is_theirs) else { return Ok(None) };
            let actor = format!("user:{}", user.id);
            for old in of(tx, &user.id)?.iter().skip(MOST - 1) {
                end(tx, &mut log, &old.id, &actor)?;
            }
            let id = token()?[..12].to_owned();
            let sql = "INSERT INTO sessions (id, hash, user_id, created_at, expires_at, seen_at, agent)
                VALUES ($1, $2, $3, $4, $5, $4, $6)";
            let values = [
                (&id).into(),
                session.hash.into(),
                session.user.into(),
                now.into(),
                session.expires_at.into(),
                session.agent.into(),
            ];
            tx.execute(sql, &values)?;
            let detail = json!({ "user": user.id });
            log.add(tx, Note { actor: &actor, action: "session_add", subject: &id, detail })?;
            Ok(Some(id))
        })
    }

    fn session(&self, hash: &str) -> Result<Option<(SessionRecord, UserRecord)>> {
        self.read(|tx| {
            let Some(session) = some(tx, "s.hash = $1", &[hash.into()])?.pop() else { return Ok(None) };
            let user = users::some(tx, "u.id = $1", &[(&session.user).into()])?.pop();
            Ok(user.map(|user| (session, user)))
        })
    }

    fn sessions(&self, user: &str) -> Result<Vec<SessionRecord>> {
        self.read(|tx| of(tx, user))
    }

    fn touch_session(&self, id: &str, now: Timestamp) -> Result<()> {
        self.write(|tx| {
            let sql = "UPDATE sessions SET seen_at = $2 WHERE id = $1 AND seen_at < $2";
            tx.execute(sql, &[id.into(), now.into()]).map(drop)
        })
    }

    fn end_session(&self, user: &str, id: &str, actor: &str, now: Timestamp) -> Result<bool> {
        self.write(|tx| {
            let mut log = Log::open(tx, now)?;
            let is_theirs = of(tx, user)?.iter().any(|session| session.id == id);
            if is_theirs {
                end(tx, &mut log, id, actor)?;
            }
            Ok(is_theirs)
        })
    }

    fn purge_sessions(&self, seen: Timestamp, now: Timestamp) -> Result<u64> {
        self.write(|tx| {
            let mut log = Log::open(tx, now)?;
            let sql = "SELECT id FROM sessions WHERE seen_at < $1 OR expires_at <= $2 ORDER BY id";
            let over = tx.query(sql, &[seen.into(), now.into()])?;
            let ended = over.len() as u64;
            for mut row in over {
                end(tx, &mut log, &row.text()?, "firstline")?;
            }
            Ok(ended)
        })
    }
}

/// The sessions of a person, newest first.
fn of(tx: &mut dyn Tx, user: &str) -> Result<Vec<SessionRecord>> {
    some(tx, "s.user_id = $1", &[user.into()])
}

/// The sessions of which `only` holds, newest first, without rows that the log does not tell of.
fn some(tx: &mut dyn Tx, only: &str, values: &[Value]) -> Result<Vec<SessionRecord>> {
    let sql = format!(
        "SELECT (SELECT a.detail FROM audit_log a WHERE a.subject = s.id AND a.action IN {PEOPLE_ACTIONS}
            ORDER BY a.seq DESC LIMIT 1), s.seen_at, s.agent, {} FROM sessions s
            WHERE {only} ORDER BY s.created_at DESC, s.id",
        columns_of(Kind::Session)
    );
    let rows = tx.query(&sql, values)?;
    Ok(rows.into_iter().map(read).collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

fn read(mut row: Row) -> Result<Option<SessionRecord>> {
    let (detail, seen_at, agent) = (row.maybe_text()?, row.time()?, row.text()?);
    let columns = row.values();
    let mut row = Row::new(columns.clone());
    let id = row.text()?;
    if !is_told(Kind::Session, &columns, &id, detail.as_deref()) {
        return Ok(None);
    }
    let (_hash, user) = (row.text()?, row.text()?);
    let (created_at, expires_at) = (row.time()?, row.time()?);
    Ok(Some(SessionRecord { id, user, created_at, expires_at, seen_at, agent }))
}

fn end(tx: &mut dyn Tx, log: &mut Log, id: &str, actor: &str) -> Result<()> {
    tx.execute("DELETE FROM sessions WHERE id = $1", &[id.into()])?;
    let detail = json!({"gone": [["session", id]]});
    log.add(tx, Note { actor, action: "session_end", subject: id, detail })
}

/// Ends all sessions of a person.
pub(super) fn end_all_of(tx: &mut dyn Tx, log: &mut Log, user: &str, actor: &str) -> Result<()> {
    end_where(tx, log, ("user_id = $1", &[user.into()]), actor)
}

/// Ends all sessions of everybody.
pub(crate) fn end_all(tx: &mut dyn Tx, log: &mut Log, actor: &str) -> Result<()> {
    end_where(tx, log, ("1 = 1", &[]), actor)
}

fn end_where(tx: &mut dyn Tx, log: &mut Log, (only, values): (&str, &[Value]), actor: &str) -> Result<()> {
    for mut row in tx.query(&format!("SELECT id FROM sessions WHERE {only} ORDER BY id"), values)? {
        end(tx, log, &row.text()?, actor)?;
    }
    Ok(())
}
