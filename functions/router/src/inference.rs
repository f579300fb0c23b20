//! One inference: who is asked, in which time, and what comes back. Providers of another region or
//! model are never asked, and nobody is after a provider that may have produced an answer.

mod candidates;
mod course;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use beacon_core::Region;
use beacon_core::region::UnknownRegion;
use beacon_core::time_budget;
use beacon_core::wire::{CallKey, InferenceRequest, InferenceResponse, Order};
use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use crate::attempt::{Attempt, Deadline, attempt};
use crate::breaker::{Admitted, PATIENCE, SharedBreakers};
use crate::choose::Candidate;
use crate::clock::Clock;
use crate::failure::{Failure, FailureCode, Sequel};
use crate::metrics::Totals;
use crate::provider::{Call, Provider, Sent};
use crate::response;
use crate::route::{Entered, Entrance, Kept, Route};
use crate::router::{CallContext, Fleet};
use candidates::{considered, not_considered, unavailable};
use course::{Course, Ended};

/// Requests to providers for one call, at the most. Connections that did not come about are no
/// requests as long as there is somebody else to ask.
const MOST_ATTEMPTS: u32 = 3;
/// Before a provider is asked a second time; twice that before the third.
const PAUSE: Duration = Duration::from_millis(200);
/// How often it is doubled at the most.
const LONGEST_PAUSE: u32 = 4;

/// One call and what it goes by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) request: &'a InferenceRequest,
    pub(crate) context: &'a CallContext,
    /// Wins over the context's: others may wait for the same call.
    pub(crate) deadline: &'a Deadline,
    pub(crate) sent: &'a Sent,
    pub(crate) fleet: &'a Fleet,
    pub(crate) totals: &'a Totals,
    /// What other routers know of the breakers.
    pub(crate) breakers: Option<&'a SharedBreakers>,
    pub(crate) clock: Clock,
}

/// What came of one candidate.
enum One<'a> {
    Answered(Box<InferenceResponse>),
    /// It was asked.
    Failed(Ended<'a>),
    /// Its breaker does not let the call in.
    Refused,
    /// It could not be asked in time.
    Kept(Failure),
}

/// A provider and its way to the model asked.
type Way<'a> = (&'a Provider, &'a Arc<Route>);

/// Asks until there is an answer, or a failure after which nobody may be asked.
pub(crate) async fn ask(asking: Asking<'_>) -> InferenceResponse {
    let Asking { request, fleet, clock, .. } = asking;
    let mut course = Course::begin();
    let asked = match &request.region_preference {
        None => Ok(None),
        Some(given) => Region::resolve(given, &fleet.regions).map(Some),
    };
    let response = match asked {
        Ok(region) => {
            let region = region.as_ref();
            match asking.in_turn(region, &mut course).await {
                Ok(response) => response,
                Err(failure) => response::refused(request, region, &failure, clock.now_ms()),
            }
        }
        Err(UnknownRegion { given, .. }) => {
            let there = candidates::list(&fleet.regions);
            let message = format!("unknown region `{given}`; there are providers in {there}");
            course.decision.candidates = not_considered(fleet, &request.model, None);
            let failure = Failure::new(FailureCode::Unavailable, message);
            response::refused(request, None, &failure, clock.now_ms())
        }
    };
    course.finish(response, asking.sent, asking.totals)
}

impl<'a> Asking<'a> {
    /// The answer or the failure of a provider that was asked; without one, why nobody was.
    async fn in_turn(
        self,
        region: Option<&Region>,
        course: &mut Course,
    ) -> Result<InferenceResponse, Failure> {
        let given = self.context.trace_id.as_deref().or(self.request.trace_id.as_deref());
        let given = given.filter(|given| given.len() <= MAX_TRACE_BYTES);
        let trace_id = given.map_or_else(|| Cow::Owned(new_trace_id()), Cow::Borrowed);
        let order = if self.request.cost_priority { Order::Cost } else { Order::Latency };
        let (mut ended, mut kept): (Option<Ended<'a>>, Option<Failure>) = (None, None);
        loop {
            course.wait(self.refresh(region)).await;
            let now_ms = self.clock.now_ms();
            let candidates = considered(self, region, order, course, now_ms);
            course.consider(order, &candidates);
            let best = candidates.iter().find(|one| one.is_open() && course.may_ask(one.tried));
            let Some(best) = best else {
                return match (ended, kept) {
                    (Some(ended), _) => Ok(self.failed(&ended, course)),
                    (None, Some(failure)) => Err(self.never_asked(failure)),
                    (None, None) => {
                        let failure = unavailable(self, region, &candidates, course);
                        Err(self.never_asked(failure))
                    }
                };
            };
            let (provider, _) = best.provider;
            let deadline_ms = self.deadline.ms();
            match self.one(best, &trace_id, course).await {
                One::Answered(response) => return Ok(*response),
                // What it knows has changed while the call waited.
                One::Refused => {}
                // Somebody joined who waits longer.
                One::Kept(_) if self.deadline.ms() != deadline_ms => {}
                One::Kept(failure) => {
                    course.rule_out(provider);
                    kept = Some(failure);
                }
                One::Failed(failed) => {
                    match failed.failure.sequel() {
                        Sequel::End => return Ok(self.failed(&failed, course)),
                        Sequel::Another => course.rule_out(provider),
                        Sequel::Anybody => {}
                    }
                    ended = Some(failed);
                }
            }
        }
    }

    /// One request to one of them, once it lets the call in.
    async fn one(
        self,
        candidate: &Candidate<Way<'a>>,
        trace_id: &str,
        course: &mut Course,
    ) -> One<'a> {
        let way @ (provider, route) = candidate.provider;
        if candidate.tried > 0
            && let Err(failure) = self.pause(candidate.tried, course).await
        {
            return One::Kept(failure);
        }
        let entered = match self.enter(way, course).await {
            Ok(entered) => entered,
            Err(Kept::Refused) => return One::Refused,
            Err(Kept::Out(failure)) => return One::Kept(failure),
        };
        let claimed = match self.breakers {
            None => None,
            Some(breakers) => match course
                .wait(breakers.admits(provider, route, &entered, self.for_table()))
                .await
            {
                Admitted::No => return One::Refused,
                Admitted::Yes(claim) => Some((breakers, claim)),
            },
        };
        if self.deadline.time_for(course.left(), self.clock.now_ms()).is_none() {
            return One::Kept(too_late());
        }
        let attempt = self.attempt(way, entered, trace_id, course.left()).await;
        let Attempt { outcome, seconds, turned, loading } = attempt;
        if let Some((breakers, claim)) = claimed {
            course.wait(breakers.tell(provider, route, turned, claim, self.for_table())).await;
        }
        course.attempted(provider, &outcome, seconds);
        if loading {
            course.met_loading(route.known().waking.cold_start());
        }
        match outcome {
            Ok(answer) => {
                let response = response::answered(provider, self.request, answer, seconds);
                One::Answered(Box::new(response))
            }
            Err(failure) => One::Failed(Ended { provider, failure, seconds }),
        }
    }

    /// What lies between two requests to the same provider, where the deadline leaves room for it.
    async fn pause(self, tried: u32, course: &mut Course) -> Result<(), Failure> {
        let pause = PAUSE * 2_u32.pow((tried - 1).min(LONGEST_PAUSE));
        let usable = self.deadline.time_for(course.left(), self.clock.now_ms());
        if usable.is_none_or(|usable| usable <= pause) {
            return Err(too_late());
        }
        course.wait(sleep(pause)).await;
        Ok(())
    }

    /// How long this call may wait for what the table says of breakers, two words at a time.
    fn for_table(self) -> Duration {
        let usable = self.deadline.time_for(2 * PATIENCE, self.clock.now_ms());
        usable.unwrap_or_default() / 2
    }

    /// Nobody is asked. A request that was taken before may be charged for all the same.
    fn never_asked(self, failure: Failure) -> Failure {
        match self.sent.result_url() {
            Some(_) => Failure { maybe_billed: Some(true), ..failure },
            None => failure,
        }
    }

    /// Takes over what other routers know of those that could be asked.
    async fn refresh(self, region: Option<&Region>) {
        let Some(breakers) = self.breakers else { return };
        let ways = self.fleet.of_region(region);
        let ways = ways.filter_map(|p| Some((p, p.route(&self.request.model)?)));
        let within = self.for_table();
        join_all(ways.map(|(provider, route)| breakers.refresh(provider, route, within))).await;
    }

    /// Waits for the way in, as long as the call could still be answered in time after that.
    async fn enter(self, (provider, route): Way<'_>, course: &mut Course) -> Result<Entered, Kept> {
        let now_ms = self.clock.now_ms();
        // A result that is only fetched may be there.
        let fetches = self.sent.result_url().is_some();
        let least = if fetches { 0.0 } else { route.known().record.least_latency(now_ms) };
        let least = Duration::try_from_secs_f64(least).unwrap_or_default();
        let usable = self.deadline.time_for(course.left(), now_ms).unwrap_or_default();
        let Some(spare) = usable.checked_sub(least).filter(|spare| !spare.is_zero()) else {
            let (left, least) = (usable.as_millis(), least.as_millis());
            if least == 0 {
                return Err(Kept::Out(too_late()));
            }
            let message = format!(
                "not started: {left} ms are left, and a call takes {least} ms at the least"
            );
            return Err(Kept::Out(Failure::new(FailureCode::DeadlineExceeded, message)));
        };
        let entrance = Entrance {
            slots: &provider.slots,
            tokens: tokens(self.request),
            until: Instant::now() + spare,
            clock: self.clock,
        };
        course.wait(route.enter(entrance)).await
    }

    async fn attempt(
        self,
        (provider, route): Way<'_>,
        entered: Entered,
        trace_id: &str,
        left: Duration,
    ) -> Attempt {
        let waking = entered.waking();
        let call = Call {
            request: self.request,
            upstream_model: &route.model.upstream,
            region: &provider.region,
            trace_id,
            idempotency_key: self.context.idempotency_key.as_ref().map(CallKey::as_str),
            sent: self.sent,
            waking,
            clock: self.clock,
        };
        let most = provider.timeouts.attempt.min(left);
        attempt(provider, entered, &call, most, self.deadline).await
    }

    fn failed(self, ended: &Ended<'_>, course: &Course) -> InferenceResponse {
        let Ended { provider, failure, seconds } = ended;
        let now_ms = self.clock.now_ms();
        response::failed(provider, self.request, failure, *seconds, course.attempts(), now_ms)
    }
}

/// What a request may use, about four bytes a token, as in English.
pub(crate) fn tokens(request: &InferenceRequest) -> u64 {
    let bytes = match request.messages.as_deref() {
        None | Some([]) => request.prompt.len(),
        Some(messages) => messages.iter().map(|message| message.content.len()).sum(),
    };
    u64::try_from(bytes.div_ceil(4)).unwrap_or(u64::MAX).saturating_add(request.max_tokens.into())
}

fn too_late() -> Failure {
    let message = "not started: too little time is left before the deadline";
    Failure::new(FailureCode::DeadlineExceeded, message)
}

fn new_trace_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// Longest trace id that is taken over.
const MAX_TRACE_BYTES: usize = 1024;
/// All attempts and waits of a call.
const BUDGET: Duration = time_budget::ROUTER;
