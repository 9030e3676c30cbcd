//! Connections: one process runs each, and goes on where the last one was.

use super::*;
use crate::ConnectionLease;

on_both!(one_process_has_a_connection_until_its_lease_runs_out);

fn one_process_has_a_connection_until_its_lease_runs_out(home: &Home) {
    let lease = |owner: &str, until: i64, cursor: Option<&str>, now: i64| {
        let lease = ConnectionLease { name: "main", owner, until: at(until), cursor };
        home.lease_connection(&lease, at(now)).unwrap()
    };
    let first = lease("a", 60, None, 0);
    assert_eq!((first.owner.as_str(), first.cursor), ("a", None));
    assert_eq!(lease("a", 70, Some("{\"n\":1}"), 10).cursor.as_deref(), Some("{\"n\":1}"));
    // Another one neither gets it nor moves the cursor, even as it sends one.
    let other = lease("b", 90, Some("{\"n\":9}"), 20);
    assert_eq!(
        (other.owner.as_str(), other.lease_until, other.cursor.as_deref()),
        ("a", at(70), Some("{\"n\":1}"))
    );
    // Once the lease has run out, it goes on where the first one was; that one has lost it.
    let taken = lease("b", 130, None, 70);
    assert_eq!((taken.owner.as_str(), taken.cursor.as_deref()), ("b", Some("{\"n\":1}")));
    assert_eq!(lease("a", 140, Some("{\"n\":2}"), 80).owner, "b");
    assert_eq!(home.connections().unwrap(), [taken]);
}
