//! Closed lanes that go over to a retry.
