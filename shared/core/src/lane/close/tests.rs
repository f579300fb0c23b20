//! Lanes that are closed early, and what comes in between.
