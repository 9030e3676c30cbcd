//! The programme on a store, with a clock of the tests' own.
