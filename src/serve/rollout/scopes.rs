//! What lies in what: customers and categories that a grant, a hold or a trigger is about.
//!
//! A part that is not named stands for all. Must never take something without a category for one of any.

use firstline_store::GrantScope;

/// Whether all of `inner` lies in `outer`.
pub(super) fn covers(outer: &GrantScope, inner: &GrantScope) -> bool {
    let part = |outer: &Option<String>, inner: &Option<String>| outer.is_none() || outer == inner;
    part(&outer.customer, &inner.customer)
        && part(&outer.board, &inner.board)
        && part(&outer.ticket_type, &inner.ticket_type)
}

/// Whether something of this customer and category lies in a scope. What has no category lies in none.
pub(super) fn has(
    scope: &GrantScope,
    customer: &str,
    board: &Option<String>,
    ticket_type: &Option<String>,
) -> bool {
    let part = |named: &Option<String>, found: Option<&str>| {
        named.as_deref().is_none_or(|named| found == Some(named))
    };
    part(&scope.customer, Some(customer))
        && part(&scope.board, board.as_deref())
        && part(&scope.ticket_type, ticket_type.as_deref())
}
