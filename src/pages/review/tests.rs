//! The page in the states that it can be in, and that no ticket's words are ever more than text.
