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
use tokio::time::{Instant, sleep};

use crate::attempt::{Attempt, Deadline, attempt};
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
    pub(crate) clock: Clock,
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

impl Asking<'_> {
    /// The answer or the failure of a provider that was asked; without one, why nobody was.
    async fn in_turn(
        self,
        region: Option<&Region>,
        course: &mut Course,
    ) -> Result<InferenceResponse, Failure> {
        let given = self.context.trace_id.as_deref().or(self.request.trace_id.as_deref());
        let trace_id = given.map_or_else(|| Cow::Owned(new_trace_id()), Cow::Borrowed);
        let order = if self.request.cost_priority { Order::Cost } else { Order::Latency };
        let mut ended: Option<Ended<'_>> = None;
        let mut kept: Option<Failure> = None;
        loop {
            let now_ms = self.clock.now_ms();
            let candidates = considered(self, region, order, course, now_ms);
            if course.decision.order.is_none() {
                course.decision.order = Some(order);
                course.decision.candidates =
                    candidates.iter().map(|candidate| candidate.shown.clone()).collect();
            }
            let best = candidates.iter().find(|one| one.is_open() && course.may_ask(one.tried));
            let Some(best) = best else {
                let nobody = || match kept {
                    Some(failure) => failure,
                    None => unavailable(self, region, &candidates, course),
                };
                return match ended {
                    Some(ended) => Ok(self.failed(&ended, course)),
                    None => Err(nobody()),
                };
            };
            let (provider, route) = best.provider;
            if best.tried > 0 {
                let pause = PAUSE * 2_u32.pow(best.tried - 1);
                let usable = self.deadline.time_for(course.left(), now_ms);
                if usable.is_none_or(|usable| usable <= pause) {
                    course.rule_out(provider);
                    continue;
                }
                course.wait(sleep(pause)).await;
            }
            let entered = match self.enter((provider, route), course).await {
                Ok(entered) => entered,
                // What it knows has changed while the call waited.
                Err(Kept::Refused) => continue,
                Err(Kept::Out(failure)) => {
                    course.rule_out(provider);
                    kept = Some(failure);
                    continue;
                }
            };
            let Attempt { outcome, seconds } =
                self.attempt((provider, route), entered, &trace_id, course.left()).await;
            course.attempted(provider, &outcome, seconds);
            match outcome {
                Ok(answer) => {
                    return Ok(response::answered(provider, self.request, answer, seconds));
                }
                Err(failure) => {
                    let sequel = failure.sequel();
                    ended = Some(Ended { provider, failure, seconds });
                    match sequel {
                        Sequel::Anybody => {}
                        Sequel::Another => course.rule_out(provider),
                        Sequel::End => {
                            return Ok(ended.map(|ended| self.failed(&ended, course)).ok_or_else(
                                || Failure::new(FailureCode::Unavailable, "nobody was asked"),
                            )?);
                        }
                    }
                }
            }
        }
    }

    /// Waits for the way in, as long as the call could still be answered in time after that.
    async fn enter(self, (provider, route): Way<'_>, course: &mut Course) -> Result<Entered, Kept> {
        let now_ms = self.clock.now_ms();
        let least = Duration::try_from_secs_f64(route.known().record.least_latency(now_ms));
        let least = least.unwrap_or_default();
        let usable = self.deadline.time_for(course.left(), now_ms).unwrap_or_default();
        let Some(spare) = usable.checked_sub(least).filter(|spare| !spare.is_zero()) else {
            let (left, least) = (usable.as_millis(), least.as_millis());
            let message = if least == 0 {
                "not started: too little time is left before the deadline".to_owned()
            } else {
                format!("not started: {left} ms are left, and a call takes {least} ms at the least")
            };
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

fn new_trace_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// All attempts and waits of a call.
const BUDGET: Duration = time_budget::ROUTER;
