//! Jobs whose rows and lanes are written as workers leave them, without a worker.

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use beacon_aws::{Finalised, NewJob, Table};
use beacon_core::execution::{Answer, Ending, ExecutionRow, Outcome, Served};
use beacon_core::failure::{Failure, FailureCode, Stage};
use beacon_core::job::{Actor, Job, start};
use beacon_core::lane::{
    HolderIs, Lane, LaneChange, LaneCondition, LaneState, LaneWrite, MarkIs, NewRun, Tallies,
};
use beacon_core::message::{CompletionMessage, position_of};
use beacon_core::spec::{Spec, parse};
use beacon_core::{ExecutionId, JobId, LaneId, Nonce, Position, QuestionIndex, Region, Run};
use beacon_evidence::SOFTWARE;
use beacon_evidence::receipt::{Put, sealed};
use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;
use serde_json::Value;

use crate::signed::signer;

/// Rows that are written at a time.
const AT_A_TIME: usize = 32;

/// A job of a table.
#[derive(Debug)]
pub struct Written {
    table: Table,
    /// Its id.
    pub id: JobId,
    /// What it asks.
    pub spec: Spec,
}

impl Written {
    /// Submits a job. Beside the usual regions there are `r-3` to `r-9`.
    pub async fn submit(table: &Table, id: &str, document: &Value) -> Self {
        let declared: Vec<Region> =
            (3..10).map(|n| Region::new(format!("r-{n}")).unwrap()).collect();
        let spec = parse(document, &declared).unwrap().spec;
        let id = JobId::new(id).unwrap();
        table.submit(NewJob::plain(id.clone(), &spec), now()).await.unwrap();
        Self { table: table.clone(), id, spec }
    }

    /// Its pairs.
    pub fn pairs(&self) -> Vec<ExecutionId> {
        let questions = u32::try_from(self.spec.questions.len()).unwrap();
        let regions = self.spec.regions.iter().map(|prompts| &prompts.region);
        let of_region = |region| {
            let questions = (0..questions).map(QuestionIndex);
            questions.flat_map(move |question| self.spec.pairs(&self.id, question, region))
        };
        regions.flat_map(of_region).collect()
    }

    /// Writes the rows of a run and closes its lanes. Pairs that ended in an earlier run are told again.
    pub async fn run(&self, run: Run, ending: impl Fn(&ExecutionId) -> Ending) {
        let rows = self.rows(run, self.pairs(), ending).await;
        for lane in self.lanes().await {
            let tallies = self.tallies(&lane, &rows);
            let is_first = lane.run == run;
            let condition = LaneCondition {
                run: lane.run,
                state: if is_first { LaneState::Open } else { LaneState::Closed },
                cursor: None,
                holder: HolderIs::Anything,
                mark: MarkIs::Anything,
                dispatch_number: None,
            };
            let change = LaneChange {
                run: (!is_first).then_some(NewRun { run, length: lane.length }),
                cursor: Some(Position(lane.length)),
                state: Some(LaneState::Closed),
                tallies: Some(tallies),
                ..LaneChange::at(now())
            };
            let write = LaneWrite { condition, change };
            self.table.write_lane(&self.id, &lane.id, &write).await.unwrap();
        }
    }

    /// Starts the job, writes the rows of the questions before this one, and leaves its lanes there, with
    /// nobody at work.
    pub async fn begin(&self, until: QuestionIndex, ending: impl Fn(&ExecutionId) -> Ending) {
        self.table.write_job(&self.id, &start(Run::FIRST, now())).await.unwrap();
        let mut pairs = self.pairs();
        pairs.retain(|id| id.question < until);
        let rows = self.rows(Run::FIRST, pairs, ending).await;
        for lane in self.lanes().await {
            let of_lane = (0..until.0).map(|index| position_of(&self.spec, QuestionIndex(index)));
            let done = of_lane.filter(|(k, _)| *k == lane.id.k).count();
            let condition = LaneCondition {
                run: Run::FIRST,
                state: LaneState::Open,
                cursor: None,
                holder: HolderIs::Anything,
                mark: MarkIs::Anything,
                dispatch_number: None,
            };
            let change = LaneChange {
                cursor: Some(Position(u32::try_from(done).unwrap())),
                tallies: Some(self.tallies(&lane, &rows)),
                ..LaneChange::at(now())
            };
            let write = LaneWrite { condition, change };
            self.table.write_lane(&self.id, &lane.id, &write).await.unwrap();
        }
    }

    async fn rows(
        &self,
        run: Run,
        pairs: Vec<ExecutionId>,
        ending: impl Fn(&ExecutionId) -> Ending,
    ) -> Vec<(ExecutionRow, ExecutionId)> {
        let row = |id: ExecutionId| (self.row(&id, run, ending(&id)), id);
        let rows: Vec<_> = pairs.into_iter().map(row).collect();
        stream::iter(&rows)
            .for_each_concurrent(AT_A_TIME, async |(row, id)| {
                self.table.put_result(id, row).await.unwrap();
            })
            .await;
        rows
    }

    async fn lanes(&self) -> Vec<Lane> {
        self.table.job_and_lanes(&self.id).await.unwrap().unwrap().1
    }

    fn tallies(&self, lane: &Lane, rows: &[(ExecutionRow, ExecutionId)]) -> Tallies {
        let of_lane = rows.iter().filter(|(_, id)| self.lane_of(id) == lane.id);
        of_lane.fold(Tallies::default(), |sum, (row, _)| sum.with(row.counted()))
    }

    /// A row of that run, with its receipt if it is completed.
    fn row(&self, id: &ExecutionId, run: Run, ending: Ending) -> ExecutionRow {
        let question = self.spec.question_of(id).unwrap();
        let prompt = self.spec.prompt(question, &id.region).unwrap();
        let row = ExecutionRow {
            run,
            holder: Nonce::new(format!("n{run}")).unwrap(),
            ending,
            prompt_sha256: prompt.sha256(),
            sampling: self.spec.sampling.clone(),
            served: Served { simulated: true, ..Served::default() },
            attempts: 1,
            key_number: 1,
            maybe_billed: 0,
            cost: None,
            started_at: now(),
            completed_at: now(),
            provider_receipt: None,
        };
        let put = Put { question_id: &question.id, variant: &question.variant };
        sealed(id, put, row, SOFTWARE, signer().key())
    }

    fn lane_of(&self, id: &ExecutionId) -> LaneId {
        LaneId { region: id.region.clone(), k: position_of(&self.spec, id.question).0 }
    }

    /// Gives it its final status, as the reconciler does, and tells nobody.
    pub async fn end(&self) -> Job {
        match self.table.finalise(&self.id, Actor::Reconciler, now()).await.unwrap() {
            Finalised::Now(job) => *job,
            Finalised::Before(_) | Finalised::NotYet => panic!("it was not to be ended"),
        }
    }

    /// The job as it is.
    pub async fn job(&self) -> Job {
        self.table.job(&self.id).await.unwrap().unwrap()
    }
}

/// An answer.
pub fn answered(outcome: Outcome, text: impl Into<String>) -> Ending {
    Ending::Completed(Answer {
        outcome,
        response: text.into(),
        finish_reason: None,
        input_tokens: None,
        output_tokens: None,
        seal: None,
    })
}

/// Words that differ from pair to pair, at least so many bytes of them; every eighth text refuses.
pub fn words(id: &ExecutionId, bytes: usize) -> String {
    let mut state = 1_u64;
    for byte in id.to_string().bytes() {
        state = state.wrapping_mul(31).wrapping_add(u64::from(byte)) | 1;
    }
    let mut text = String::with_capacity(bytes + 32);
    if state % 8 == 1 {
        text.push_str("I'm sorry, but I cannot help with that. ");
    }
    while text.len() < bytes {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        text.push_str(
            ["the ", "answer ", "is ", "four ", "because ", "people ", "said ", "so. "]
                [usize::try_from(state >> 61).unwrap_or(0)],
        );
    }
    text
}

/// None.
pub fn failed() -> Ending {
    Ending::Failed(failure())
}

/// Why: there was no connection.
pub fn failure() -> Failure {
    Failure {
        stage: Stage::RouterConnect,
        code: FailureCode::RouterUnreachable,
        message: "no connection".into(),
        retryable: true,
        maybe_billed: false,
        provider_id: None,
        http_status: None,
        attempts: 1,
    }
}

/// The coordinator's event of these jobs' messages, one each, whose ids are the jobs'.
pub fn completions(jobs: &[&Job]) -> SqsEvent {
    let mut event = SqsEvent::default();
    for job in jobs {
        let completion = CompletionMessage { job_id: job.id.clone(), run: job.run };
        let mut message = SqsMessage::default();
        message.message_id = Some(job.id.to_string());
        message.body = Some(serde_json::to_string(&completion).unwrap());
        event.records.push(message);
    }
    event
}

fn now() -> Timestamp {
    beacon_aws::clock::now()
}
