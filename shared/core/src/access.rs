//! Who may do what, and how often: roles, and the allowance of a caller.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a token allows; each role may do all that the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads jobs and executions.
    Reader,
    /// Submits jobs.
    Submitter,
    /// Sees how Beacon is set up and why a job is where it is.
    Admin,
}

impl Role {
    const ALL: [Self; 3] = [Self::Reader, Self::Submitter, Self::Admin];

    /// The role of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// The highest role among the scopes of an access token: `beacon/reader`, `beacon/submitter` or
    /// `beacon/admin`; others say nothing here.
    pub fn of_scopes<'a>(scopes: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        scopes.into_iter().filter_map(|scope| Self::named(scope.strip_prefix("beacon/")?)).max()
    }

    /// The role's name, as in configuration and error messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Submitter => "submitter",
            Self::Admin => "admin",
        }
    }
}

/// Requests that a caller may still make: a bucket that holds a minute's worth and is refilled
/// evenly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Allowance {
    /// Whole and part requests left.
    left: f64,
    /// When that was so.
    at: Timestamp,
}

/// What became of a request, for the `X-RateLimit-*` headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Whether the request may be made.
    pub allowed: bool,
    /// Requests a minute.
    pub limit: u32,
    /// Whole requests left.
    pub remaining: u32,
    /// Until the bucket is full again, seconds.
    pub reset_seconds: u64,
    /// Until one request may be made, seconds; 0 where it may be made now.
    pub retry_seconds: u64,
}

impl Allowance {
    /// A full bucket.
    pub fn full(per_minute: u32, now: Timestamp) -> Self {
        Self { left: f64::from(per_minute), at: now }
    }

    /// The bucket after a request at this time, and whether the request may be made. A clock that
    /// was set back refills nothing.
    #[must_use]
    pub fn take(self, per_minute: u32, now: Timestamp) -> (Self, Taken) {
        let limit = f64::from(per_minute);
        let per_second = limit / 60.0;
        let passed = Duration::try_from(now.duration_since(self.at)).unwrap_or_default();
        let filled = (self.left + passed.as_secs_f64() * per_second).min(limit);
        let allowed = filled >= 1.0;
        let left = if allowed { filled - 1.0 } else { filled };
        let taken = Taken {
            allowed,
            limit: per_minute,
            remaining: whole(left.floor()),
            reset_seconds: u64::from(whole(((limit - left) / per_second).ceil())),
            retry_seconds: if left >= 1.0 || allowed {
                0
            } else {
                u64::from(whole(((1.0 - left) / per_second).ceil()))
            },
        };
        (Self { left, at: now }, taken)
    }

    /// Whole requests that may be made now; a full one can be forgotten.
    pub fn left(self, per_minute: u32, now: Timestamp) -> u32 {
        let (_, taken) = self.take(per_minute, now);
        taken.remaining + u32::from(taken.allowed)
    }
}

/// The allowances of many, each by a key.
#[derive(Debug, Clone)]
pub struct Allowances {
    per_minute: u32,
    by_key: BTreeMap<String, Allowance>,
}

impl Allowances {
    /// Keys that are remembered; beyond it, those that used least are forgotten.
    const MOST: usize = 10_000;

    /// Full buckets for everybody.
    pub fn new(per_minute: u32) -> Self {
        Self { per_minute, by_key: BTreeMap::new() }
    }

    /// Takes one of a key's.
    pub fn take(&mut self, key: String, now: Timestamp) -> Taken {
        let limit = self.per_minute;
        if self.by_key.len() >= Self::MOST {
            self.by_key.retain(|_, allowance| allowance.left(limit, now) < limit);
            let left = |allowance: &Allowance| allowance.left(limit, now);
            let fullest = self.by_key.iter().max_by_key(|(_, allowance)| left(allowance));
            let fullest = fullest.map(|(key, _)| key.clone());
            if let Some(key) = fullest.filter(|_| self.by_key.len() >= Self::MOST) {
                self.by_key.remove(&key);
            }
        }
        let (after, taken) = self.of(&key, now).take(limit, now);
        self.by_key.insert(key, after);
        taken
    }

    /// What taking one of a key's would bring; none is taken.
    pub fn peek(&self, key: &str, now: Timestamp) -> Taken {
        self.of(key, now).take(self.per_minute, now).1
    }

    fn of(&self, key: &str, now: Timestamp) -> Allowance {
        let known = self.by_key.get(key).copied();
        known.unwrap_or(Allowance::full(self.per_minute, now))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "from 0 to a minute's requests or seconds, and casts of floats saturate"
)]
fn whole(number: f64) -> u32 {
    number as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + ms).unwrap()
    }

    #[test]
    fn a_minutes_worth_at_once_and_then_evenly() {
        let mut bucket = Allowance::full(60, at(0));
        for left in (0..60).rev() {
            let (next, taken) = bucket.take(60, at(0));
            assert_eq!((taken.allowed, taken.remaining), (true, left));
            bucket = next;
        }
        let (bucket, taken) = bucket.take(60, at(0));
        assert_eq!((taken.allowed, taken.remaining, taken.retry_seconds), (false, 0, 1));
        assert_eq!(taken.reset_seconds, 60);
        let (bucket, taken) = bucket.take(60, at(1000));
        assert_eq!((taken.allowed, taken.remaining), (true, 0));
        assert_eq!(bucket.left(60, at(1000)), 0);
        assert_eq!((bucket.left(60, at(31_000)), bucket.left(60, at(61_000))), (30, 60));
        // It never holds more than a minute's worth.
        assert_eq!(bucket.take(60, at(3_600_000)).1.remaining, 59);
    }

    #[test]
    fn a_clock_that_was_set_back_gives_nothing_and_takes_nothing() {
        let (bucket, _) = Allowance::full(2, at(0)).take(2, at(0));
        let (_, taken) = bucket.take(2, at(-60_000));
        assert_eq!((taken.allowed, taken.remaining), (true, 0));
    }

    #[test]
    fn each_key_has_its_own_and_so_many_are_remembered() {
        let mut allowances = Allowances::new(2);
        for key in ["a", "a", "b"] {
            assert!(
                allowances.peek(key, at(0)).allowed && allowances.take(key.into(), at(0)).allowed
            );
        }
        assert!(
            !allowances.peek("a", at(0)).allowed && !allowances.take("a".into(), at(0)).allowed
        );
        assert!(allowances.peek("b", at(0)).allowed);
        for key in 0..Allowances::MOST * 2 {
            allowances.take(key.to_string(), at(0));
        }
        assert!(allowances.by_key.len() <= Allowances::MOST);
        assert!(!allowances.peek("a", at(0)).allowed, "who used most is remembered");
    }

    #[test]
    fn of_scopes_the_highest_role_counts_and_others_say_nothing() {
        let of = |scopes: &str| Role::of_scopes(scopes.split(' '));
        assert_eq!(of("openid beacon/reader"), Some(Role::Reader));
        assert_eq!(of("beacon/admin beacon/submitter beacon/reader"), Some(Role::Admin));
        for scopes in
            ["", "openid", "admin", "beacon/", "beacon/Admin", "beacon/admins", "x/beacon/admin"]
        {
            assert_eq!(of(scopes), None, "{scopes}");
        }
    }

    #[test]
    fn each_role_may_do_what_the_ones_before_it_may() {
        assert!(Role::Reader < Role::Submitter && Role::Submitter < Role::Admin);
    }
}
