//! Counts what each job costs, from the services' own answers, within one process.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use beacon_core::JobId;
use beacon_core::usage::Usage;

/// Usage by job. On Lambda, where no process sees all of a job, it is off.
#[derive(Debug, Default)]
pub struct Meter {
    jobs: Option<Mutex<BTreeMap<JobId, Usage>>>,
}

impl Meter {
    /// Counts nothing.
    pub fn off() -> Self {
        Self { jobs: None }
    }

    /// Counts the jobs that this process saw submitted.
    pub fn on() -> Self {
        Self { jobs: Some(Mutex::default()) }
    }

    /// Begins to count a job that this process accepted, with the write units of accepting it.
    /// Usage of other jobs is not counted, because what this process sees of them is not the whole.
    pub fn begin(&self, job: &JobId, write_units: f64) {
        if let Some(mut jobs) = self.lock() {
            jobs.insert(job.clone(), Usage { write_units, ..Usage::default() });
        }
    }

    fn add(&self, job: &JobId, usage: Usage) {
        if let Some(total) = self.lock().as_mut().and_then(|jobs| jobs.get_mut(job)) {
            *total = total.plus(usage);
        }
    }

    /// What a job has used so far.
    pub fn of(&self, job: &JobId) -> Option<Usage> {
        self.lock().and_then(|jobs| jobs.get(job).copied())
    }

    /// Ends the count of a job.
    pub fn end(&self, job: &JobId) {
        if let Some(mut jobs) = self.lock() {
            jobs.remove(job);
        }
    }

    /// Adds write units.
    pub fn write(&self, job: &JobId, units: f64) {
        self.add(job, Usage { write_units: units, ..Usage::default() });
    }

    /// Adds read units.
    pub fn read(&self, job: &JobId, units: f64) {
        self.add(job, Usage { read_units: units, ..Usage::default() });
    }

    /// Adds requests to a queue.
    pub fn queue(&self, job: &JobId, requests: u64) {
        self.add(job, Usage { queue_requests: requests, ..Usage::default() });
    }

    fn lock(&self) -> Option<MutexGuard<'_, BTreeMap<JobId, Usage>>> {
        // The map is whole after any panic: each change of it is one call.
        self.jobs.as_ref().map(|jobs| jobs.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
