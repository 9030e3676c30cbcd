//! A few connections that many threads share. A thread that finds none free waits, but not for ever.
//!
//! A connection is lent to one thread at a time, and comes back even where that thread panics.

use std::ops::{Deref, DerefMut};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use firstline_fault::{Code, Result, UserError};

/// How long a thread waits for a connection.
const PATIENCE: Duration = Duration::from_secs(20);

/// Connections; at most `most` of them.
#[derive(Debug)]
pub(crate) struct Pool<C> {
    most: usize,
    state: Mutex<State<C>>,
    freed: Condvar,
}

#[derive(Debug)]
struct State<C> {
    idle: Vec<C>,
    open: usize,
}

impl<C> Pool<C> {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, state: Mutex::new(State { idle: Vec::new(), open: 0 }), freed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lends a connection, made by `make` where none is idle and there may be one more.
    pub(crate) fn lend(&self, make: impl FnOnce() -> Result<C>) -> Result<Lent<'_, C>> {
        let busy = |state: &mut State<C>| state.idle.is_empty() && state.open >= self.most;
        let waited = self.freed.wait_timeout_while(self.lock(), PATIENCE, busy);
        let (mut state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() && busy(&mut state) {
            let next = "Send it again later; if that goes on, check whether the database answers";
            return Err(UserError::new(Code::Overload, "the store", "all connections are busy", next).into());
        }
        let idle = state.idle.pop();
        state.open += usize::from(idle.is_none());
        drop(state);
        let mut lent = Lent { pool: self, connection: idle };
        if lent.connection.is_none() {
            // Where this fails, or panics, the place is free again.
            lent.connection = Some(make()?);
        }
        Ok(lent)
    }

    /// Throws the idle connections away: they broke together.
    pub(crate) fn clear(&self) {
        drop(self.take_idle());
    }

    /// The idle connections, which are no longer the pool's.
    pub(crate) fn take_idle(&self) -> Vec<C> {
        let mut state = self.lock();
        let idle = std::mem::take(&mut state.idle);
        state.open -= idle.len();
        drop(state);
        self.freed.notify_all();
        idle
    }
}

/// A connection on loan.
#[derive(Debug)]
pub(crate) struct Lent<'a, C> {
    pool: &'a Pool<C>,
    connection: Option<C>,
}

impl<C> Lent<'_, C> {
    /// Does not give the connection back.
    pub(crate) fn discard(mut self) {
        self.connection = None;
    }
}

impl<C> Deref for Lent<'_, C> {
    type Target = C;

    fn deref(&self) -> &C {
        match &self.connection {
            Some(connection) => connection,
            None => unreachable!("a connection is lent until it is given back"),
        }
    }
}

impl<C> DerefMut for Lent<'_, C> {
    fn deref_mut(&mut self) -> &mut C {
        match &mut self.connection {
            Some(connection) => connection,
            None => unreachable!("a connection is lent until it is given back"),
        }
    }
}

impl<C> Drop for Lent<'_, C> {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        match self.connection.take() {
            Some(connection) => state.idle.push(connection),
            None => state.open -= 1,
        }
        drop(state);
        self.pool.freed.notify_one();
    }
}
