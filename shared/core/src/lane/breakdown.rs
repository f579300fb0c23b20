//! What a lane adds up for metrics beside its tallies, small enough to be set with each finish.

use jiff::Timestamp;

use super::{Spent, Tallies};
use crate::execution::{Counted, ExecutionStatus, StoredRow};
use crate::id::Run;
use crate::money::Dollars;
use crate::varint::{put, take};

/// Ended executions by model, how long the completed ones took, and what was kept from happening
/// twice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Breakdown {
    /// By model, in the job's order of models.
    pub models: Vec<Tallies>,
    /// Of completed executions.
    pub durations: Durations,
    /// Calls that were not made because the row was there when a worker came to ask.
    pub spared: u64,
    /// Writes of rows that failed and were made again, or that the table refused for good.
    pub failed_writes: u64,
    /// Attempts that may have been charged for without an answer having arrived.
    pub maybe_billed: u64,
    /// When the cursor moved last, or the run was planned; none where it has not. Whole seconds.
    pub advanced_at: Option<Timestamp>,
    /// When the cursor last moved past a question that its holder got an answer to. Whole seconds.
    pub answered_at: Option<Timestamp>,
    /// What providers charged.
    pub spent: Spent,
}

/// One pair of a finished question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PairRow {
    /// Index into the job's models.
    pub model: usize,
    /// What counts of its row.
    pub counted: Counted,
    /// The row was there when this worker came to ask.
    pub spared: bool,
    /// Writes of it that failed.
    pub failed_writes: u32,
    /// Attempts at it that may have been charged for without an answer having arrived.
    pub maybe_billed: u32,
    /// What its calls cost, where that is known.
    pub cost: Option<Dollars>,
    /// The most that a call of it costs; nothing where its job has no `max_cost`.
    pub bound: Dollars,
}

impl PairRow {
    /// Of the row that is stored, for a run that finishes with it; what an earlier run's row cost
    /// was counted there. `bound` is the most that a call of it costs.
    pub fn of(model: usize, row: &StoredRow, run: Run, bound: Dollars) -> Self {
        let StoredRow { counted, cost, .. } = *row;
        let maybe_billed = if counted.run == run { row.maybe_billed } else { 0 };
        Self { model, counted, spared: false, failed_writes: 0, maybe_billed, cost, bound }
    }

    /// Whether its holder got an answer.
    fn is_answered(&self, run: Run) -> bool {
        let Counted { run: of, status, .. } = self.counted;
        !self.spared && of == run && status == ExecutionStatus::Completed
    }
}

impl Breakdown {
    /// This and one more pair; a row of another run was counted there.
    pub fn add(&mut self, pair: &PairRow, of_this_run: bool) {
        self.spared += u64::from(pair.spared);
        self.failed_writes += u64::from(pair.failed_writes);
        self.maybe_billed += u64::from(pair.maybe_billed);
        self.spent = self.spent.plus(Spent::of(pair, of_this_run));
        if !of_this_run {
            return;
        }
        if self.models.len() <= pair.model {
            self.models.resize(pair.model + 1, Tallies::default());
        }
        if let Some(tallies) = self.models.get_mut(pair.model) {
            *tallies = tallies.with(pair.counted);
        }
        if pair.counted.status == ExecutionStatus::Completed {
            self.durations.add(pair.counted.duration_ms);
        }
    }

    /// The cursor moves past a question of these pairs.
    pub fn advance(&mut self, pairs: &[PairRow], run: Run, now: Timestamp) {
        let now = whole_seconds(now);
        self.advanced_at = now;
        if pairs.iter().any(|pair| pair.is_answered(run)) {
            self.answered_at = now;
        }
    }

    /// A run of the lane begins.
    pub(super) fn begin(&mut self, now: Timestamp) {
        self.advanced_at = whole_seconds(now);
    }

    /// As bytes: numbers of seven bits a byte, the low ones first.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(16 + 10 * self.models.len());
        put(&mut bytes, self.models.len() as u64);
        for tallies in &self.models {
            let numbers = numbers(tallies);
            // Most are nought: a bit for each, and then those that are not.
            let there =
                numbers.iter().rev().fold(0, |bits, number| bits << 1 | u64::from(*number > 0));
            put(&mut bytes, there);
            numbers
                .into_iter()
                .filter(|number| *number > 0)
                .for_each(|number| put(&mut bytes, number));
        }
        put(&mut bytes, self.durations.0.len() as u64);
        let mut before = 0;
        for (bucket, count) in &self.durations.0 {
            put(&mut bytes, u64::from(bucket - before));
            put(&mut bytes, *count);
            before = *bucket;
        }
        put(&mut bytes, self.spared);
        put(&mut bytes, self.failed_writes);
        put(&mut bytes, self.maybe_billed);
        for at in [self.advanced_at, self.answered_at] {
            let second = at.map_or(0, Timestamp::as_second);
            put(&mut bytes, u64::try_from(second).unwrap_or(0));
        }
        let Spent { known, unknown, assumed } = self.spent;
        for number in [known.nanos(), unknown, assumed.nanos()] {
            put(&mut bytes, number);
        }
        bytes
    }

    /// The inverse of [`Breakdown::encode`].
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut bytes = bytes.iter();
        let mut next = || take(&mut bytes);
        let count = usize::try_from(next()?).ok().filter(|count| *count <= MAX_ENTRIES)?;
        let mut models = Vec::with_capacity(count);
        for _model in 0..count {
            let there = next()?;
            let mut numbers = [0; 8];
            for (bit, number) in numbers.iter_mut().enumerate() {
                if there >> bit & 1 == 1 {
                    *number = next()?;
                }
            }
            models.push(tallies(numbers)?);
        }
        let count = usize::try_from(next()?).ok().filter(|count| *count <= MAX_ENTRIES)?;
        let mut durations = Vec::with_capacity(count);
        let mut bucket = 0_u32;
        for _bucket in 0..count {
            bucket = bucket.checked_add(u32::try_from(next()?).ok()?)?;
            if bucket > self::bucket(LONGEST) {
                return None;
            }
            durations.push((bucket, next()?));
        }
        let (spared, failed_writes) = (next()?, next()?);
        // Older ones end here, or after one of the next.
        let maybe_billed = next().unwrap_or(0);
        let (advanced_at, answered_at) = (at(next()), at(next()));
        let spent = Spent {
            known: Dollars::from_nanos(next().unwrap_or(0)),
            unknown: next().unwrap_or(0),
            assumed: Dollars::from_nanos(next().unwrap_or(0)),
        };
        let durations = Durations(durations);
        Some(Self {
            models,
            durations,
            spared,
            failed_writes,
            maybe_billed,
            advanced_at,
            answered_at,
            spent,
        })
    }
}

fn whole_seconds(at: Timestamp) -> Option<Timestamp> {
    Timestamp::from_second(at.as_second()).ok()
}

/// Nought stands for none.
fn at(second: Option<u64>) -> Option<Timestamp> {
    let second = i64::try_from(second.filter(|second| *second > 0)?).ok()?;
    Timestamp::from_second(second).ok()
}

/// More than any job has models, or durations buckets.
const MAX_ENTRIES: usize = 1000;

/// The completed ones are those that have an outcome.
fn numbers(tallies: &Tallies) -> [u64; 8] {
    let Tallies { completed: _, failed, timed_out, cancelled, outcomes, simulated } = *tallies;
    let super::Outcomes { text, empty, blocked, truncated } = outcomes;
    [text, simulated, failed, empty, truncated, blocked, timed_out, cancelled]
}

/// None where they add up to more than a number holds.
fn tallies(numbers: [u64; 8]) -> Option<Tallies> {
    let [text, simulated, failed, empty, truncated, blocked, timed_out, cancelled] = numbers;
    let sum = |numbers: &[u64]| numbers.iter().try_fold(0_u64, |sum, n| sum.checked_add(*n));
    let completed = sum(&[text, empty, blocked, truncated])?;
    let _ended = sum(&[completed, failed, timed_out, cancelled])?;
    let outcomes = super::Outcomes { text, empty, blocked, truncated };
    Some(Tallies { completed, failed, timed_out, cancelled, outcomes, simulated })
}

/// Counts of durations in buckets that are at most an eighth of their value wide, so that a
/// quantile is right to about 6 %. The buckets are those of a high dynamic range histogram with
/// three bits of precision (<https://github.com/HdrHistogram/HdrHistogram>).
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Durations(Vec<(u32, u64)>);

/// Milliseconds that are told apart at most: some thirty years.
const LONGEST: u64 = 1 << 40;
/// Buckets of each power of two.
const STEPS: u32 = 8;
const STEP_BITS: u32 = STEPS.trailing_zeros();

impl Durations {
    /// One more, milliseconds.
    pub fn add(&mut self, ms: u64) {
        self.add_many(bucket(ms), 1);
    }

    /// These and those.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in &other.0 {
            self.add_many(*bucket, *count);
        }
    }

    fn add_many(&mut self, bucket: u32, count: u64) {
        match self.0.binary_search_by_key(&bucket, |(bucket, _)| *bucket) {
            Ok(at) => {
                if let Some((_, counted)) = self.0.get_mut(at) {
                    *counted += count;
                }
            }
            Err(at) => self.0.insert(at, (bucket, count)),
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|(_, count)| count).sum()
    }

    /// The duration that this share of them does not exceed, milliseconds, by the nearest rank; the
    /// middle of its bucket.
    pub fn quantile(&self, per_hundred: u64) -> Option<u64> {
        let rank = (self.count() * per_hundred).div_ceil(100).max(1);
        let mut passed = 0;
        for (bucket, count) in &self.0 {
            passed += count;
            if passed >= rank {
                let (low, high) = (lowest(*bucket), lowest(bucket + 1));
                return Some(low + (high - low) / 2);
            }
        }
        None
    }
}

/// The bucket of a number: below eight each its own, then eight to each power of two.
fn bucket(ms: u64) -> u32 {
    let ms = ms.min(LONGEST);
    if ms < u64::from(STEPS) {
        return u32::try_from(ms).unwrap_or(0);
    }
    let exponent = ms.ilog2();
    let step = u32::try_from(ms >> (exponent - STEP_BITS)).unwrap_or(STEPS) - STEPS;
    (exponent - STEP_BITS + 1) * STEPS + step
}

/// The lowest number of a bucket.
fn lowest(bucket: u32) -> u64 {
    if bucket < STEPS {
        return u64::from(bucket);
    }
    let (power, step) = (bucket / STEPS - 1, bucket % STEPS);
    u64::from(STEPS + step) << power
}

#[cfg(test)]
mod tests;
