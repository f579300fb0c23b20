//! What a lane's executions cost.

use super::PairRow;
use crate::execution::ExecutionStatus;
use crate::money::Dollars;

/// What providers charged for executions, of all runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spent {
    /// Where it is known.
    pub known: Dollars,
    /// Completed executions whose cost is not known.
    pub unknown: u64,
    /// The most that those, and attempts that may have been charged for, can have cost. Counted in
    /// jobs with a `max_cost` alone, where every price is known.
    pub assumed: Dollars,
}

impl Spent {
    /// These and those.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            known: self.known.plus(other.known),
            unknown: self.unknown.saturating_add(other.unknown),
            assumed: self.assumed.plus(other.assumed),
        }
    }

    /// The most that it can have been, in a job with a `max_cost`.
    pub fn at_most(self) -> Dollars {
        self.known.plus(self.assumed)
    }

    pub(super) fn of(pair: &PairRow, of_this_run: bool) -> Self {
        let counts = of_this_run && pair.counted.status == ExecutionStatus::Completed;
        let unknown = u64::from(counts && pair.cost.is_none());
        Self {
            known: pair.cost.filter(|_| of_this_run).unwrap_or_default(),
            unknown,
            assumed: pair.bound.times(unknown + u64::from(pair.maybe_billed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execution::Counted;
    use crate::id::Run;
    use crate::lane::{Breakdown, testing};

    fn pair(status: ExecutionStatus) -> PairRow {
        let counted =
            Counted { run: Run::FIRST, status, outcome: None, simulated: false, duration_ms: 1 };
        testing::pair(counted)
    }

    #[test]
    fn what_is_not_known_counts_as_the_most_that_it_can_be() {
        let (cost, bound) = (Dollars::from_nanos(3), Dollars::from_nanos(100));
        let told = PairRow { cost: Some(cost), bound, ..pair(ExecutionStatus::Completed) };
        let untold = PairRow { cost: None, ..told };
        let dropped = PairRow { maybe_billed: 2, cost: None, ..told };
        let failed = PairRow { bound, ..pair(ExecutionStatus::Failed) };
        let billed = PairRow { maybe_billed: 1, ..failed };
        for (pair, known, unknown, assumed) in [
            (told, 3, 0, 0),
            (untold, 0, 1, 100),
            (dropped, 0, 1, 300),
            (failed, 0, 0, 0),
            (billed, 0, 0, 100),
            (PairRow { cost: Some(cost), ..failed }, 3, 0, 0),
        ] {
            let mut breakdown = Breakdown::default();
            breakdown.add(&pair, true);
            let (known, assumed) = (Dollars::from_nanos(known), Dollars::from_nanos(assumed));
            assert_eq!(breakdown.spent, Spent { known, unknown, assumed }, "{pair:?}");
        }
        // Counted by the run that made the row.
        let mut breakdown = Breakdown::default();
        breakdown.add(&told, false);
        assert_eq!(breakdown.spent, Spent::default());
    }
}
