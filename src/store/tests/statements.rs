//! How many statements a call takes: each is a way to the server and back, where there is one.
//!
//! `cargo test -p firstline-store statements -- --nocapture` prints the figures.

use std::fmt::Debug;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::db::{Body, Db, Row, Tx, Value};
use crate::postgres::Postgres;
use crate::sql::Shelf;
use crate::sqlite::Sqlite;
use firstline_fault::Result;

/// Tickets of a call.
const TICKETS: usize = 256;

/// An engine whose statements are counted.
#[derive(Debug)]
struct Counted<D> {
    db: D,
    statements: AtomicUsize,
}

struct CountedTx<'a> {
    tx: &'a mut dyn Tx,
    statements: &'a AtomicUsize,
}

impl Tx for CountedTx<'_> {
    fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        self.tx.execute(sql, values)
    }

    fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        self.tx.query(sql, values)
    }

    fn batch(&mut self, sql: &str) -> Result<()> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        self.tx.batch(sql)
    }
}

impl<D: Db> Db for Counted<D> {
    fn write(&self, body: Body<'_>) -> Result<()> {
        self.db.write(&mut |tx| body(&mut CountedTx { tx, statements: &self.statements }))
    }

    fn read(&self, body: Body<'_>) -> Result<()> {
        self.db.read(&mut |tx| body(&mut CountedTx { tx, statements: &self.statements }))
    }

    fn wipe(&self) -> Result<bool> {
        self.db.wipe()
    }

    fn backup(&self, to: &Path) -> Result<()> {
        self.db.backup(to)
    }
}

/// Does what a service does with a call of 256 tickets, and with a job of as many; gives the statements of each step.
fn count<D: Db + Debug>(db: D) -> Vec<(&'static str, usize)> {
    let shelf = Shelf { db: Counted { db, statements: AtomicUsize::new(0) } };
    let store: &dyn Store = &shelf;
    let mut steps = Vec::new();
    let mut step = |name: &'static str, run: &dyn Fn()| {
        let before = shelf.db.statements.load(Ordering::Relaxed);
        run();
        steps.push((name, shelf.db.statements.load(Ordering::Relaxed) - before));
    };
    let ids: Vec<String> = (0..TICKETS).map(|n| format!("t{n}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let named: Vec<TicketRef<'_>> = ids.iter().map(|number| TicketRef { number, customer: "acme" }).collect();
    let known = || store.standing(&named).unwrap().into_iter().flatten().count();
    let call = |name: &str, expected: i64| -> Vec<Decided> {
        let one = |n: usize| {
            let mut one = decided(&format!("{name}{n}"), ids[n], expected);
            one.storm = Some(format!("s{n}"));
            one
        };
        (0..TICKETS).map(one).collect()
    };
    let storms: Vec<String> = (0..TICKETS).map(|n| format!("s{n}")).collect();
    let storms: Vec<&str> = storms.iter().map(String::as_str).collect();
    let put = |all: &[Decided]| assert_eq!(store.record(all, at(1)).unwrap(), [Recorded::Stored; TICKETS]);
    let new = call("a", 0);
    step("standing", &|| assert_eq!(known(), 0));
    step("storm_heads", &|| assert!(store.storm_heads(&storms, at(0)).unwrap().is_empty()));
    step("record, new tickets with drafts", &|| put(&new));
    let changed = call("b", 1);
    step("record, tickets that changed", &|| put(&changed));
    step("standing, of known tickets", &|| assert_eq!(known(), TICKETS));
    step("storm_heads, of known storms", &|| {
        assert_eq!(store.storm_heads(&storms, at(0)).unwrap().len(), TICKETS);
    });
    let items = job("j1", ids.iter().map(|id| ticket(&format!("job-{id}"))));
    step("add_job", &|| assert_eq!(store.add_job(&items, at(0)).unwrap(), "j1"));
    step("claim, items of a job", &|| {
        assert_eq!(claim(store, WorkKind::Triage, "w", TICKETS).len(), TICKETS);
    });
    // The drafts of the second call come before the items.
    let first = 2 * TICKETS as i64 + 1;
    let work: Vec<i64> = (first..first + TICKETS as i64).collect();
    step("renew", &|| assert_eq!(store.renew(&work, "w", at(99)).unwrap(), TICKETS as u64));
    let mut done = call("c", 0);
    for (one, work) in done.iter_mut().zip(&work) {
        one.ticket.id = format!("job-{}", one.ticket.id);
        one.work = Some((*work, "w".to_owned()));
    }
    step("record, items of a job", &|| put(&done));
    step("job_items", &|| assert_eq!(store.job_items("j1", 0, TICKETS).unwrap().len(), TICKETS));
    steps
}

fn checked(engine: &str, steps: &[(&str, usize)]) {
    println!("{engine}: statements for {TICKETS} tickets, beside BEGIN and COMMIT");
    for (step, statements) in steps {
        println!("{statements:>6}  {step}");
    }
    for (step, statements) in steps {
        // Whatever their number: one more for each table that is touched.
        assert!(*statements <= 13, "{engine}, {step}: {statements} statements");
    }
}

#[test]
fn a_call_takes_as_many_statements_for_256_tickets_as_for_one() {
    let dir = tempfile::tempdir().unwrap();
    checked("SQLite", &count(Sqlite::open(&dir.path().join("a.db")).unwrap()));
}

mod postgres {
    use super::*;

    #[test]
    fn a_call_takes_as_many_statements_for_256_tickets_as_for_one() {
        if let Some(url) = server::database() {
            checked("PostgreSQL", &count(Postgres::open(&url).unwrap()));
        }
    }
}
