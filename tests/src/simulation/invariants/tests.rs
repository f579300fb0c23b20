//! Each check on what violates it.
