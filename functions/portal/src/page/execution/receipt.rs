//! The receipt of an answer, and whether it holds: computed anew each time from the bytes that were signed.

use beacon_aws::{ApiError, NoEvidence};
use beacon_core::execution::ExecutionStatus;
use beacon_evidence::answer::OneExecution;
use beacon_evidence::key::KeyRing;
use beacon_evidence::receipt::Receipt;
use beacon_evidence::verify::{verify_proof, verify_receipt};
use maud::{Markup, html};

use super::super::words::{shown, time};
use crate::Portal;
use crate::answer::PageError;
use crate::read::Seen;

/// What was checked, and what came of it.
struct Check {
    holds: bool,
    told: String,
}

/// How a receipt stands to its job's root.
enum Rooted {
    Checked(Check),
    /// The job has not ended, or was not signed for yet.
    NotYet,
    /// There is none that it is under, and why.
    Never(String),
}

impl Portal {
    /// The receipt with its checks; of an answer without one, why.
    pub(super) async fn vouched(
        &self,
        seen: &Seen,
        one: &OneExecution,
    ) -> Result<Markup, PageError> {
        let view = &one.execution;
        let Some(receipt) = &view.receipt else {
            let why = match view.status {
                ExecutionStatus::Completed => {
                    "It was completed under a release that signed no receipts."
                }
                ExecutionStatus::Pending | ExecutionStatus::Running => {
                    "A receipt is signed when it is completed."
                }
                ExecutionStatus::Failed
                | ExecutionStatus::TimedOut
                | ExecutionStatus::Cancelled => "What brought no answer has no receipt.",
            };
            return Ok(
                html! { section aria-labelledby="receipt" { h2 id="receipt" { "Receipt" } p class="hint" { (why) } } },
            );
        };
        let known = self.query.published_keys().await?;
        let ring: KeyRing = known.keys.iter().map(|key| key.public_key).collect();
        let bytes = receipt.canonical();
        let signature = match verify_receipt(&bytes, &ring) {
            Ok(_) => {
                Check { holds: true, told: "The signature over the receipt holds.".to_owned() }
            }
            Err(flaw) => Check { holds: false, told: flaw.to_string() },
        };
        let root = self.under_root(seen, receipt, &ring).await?;
        Ok(section(receipt, &signature, &root, one.provider_receipt.as_ref()))
    }

    /// Whether the receipt is under its job's root.
    async fn under_root(
        &self,
        seen: &Seen,
        receipt: &Receipt,
        ring: &KeyRing,
    ) -> Result<Rooted, PageError> {
        let (root, proof) = match self.query.proof_of_receipt(&seen.source(), receipt).await {
            Ok(proved) => proved,
            Err(ApiError::NotEnded { .. } | ApiError::NoEvidence(NoEvidence::RootNotYet(_))) => {
                return Ok(Rooted::NotYet);
            }
            Err(ApiError::NoEvidence(why)) => return Ok(Rooted::Never(why.to_string())),
            Err(error) => return Err(error.into()),
        };
        let size = root.signed_root.body.tree_size;
        Ok(Rooted::Checked(match verify_proof(&proof.canonical(), Some(receipt), ring) {
            Ok(_) => Check {
                holds: true,
                told: format!(
                    "It is receipt {} of the {size} that its job's root signs for.",
                    proof.leaf_index + 1
                ),
            },
            Err(flaw) => Check { holds: false, told: flaw.to_string() },
        }))
    }
}

fn section(
    receipt: &Receipt,
    signature: &Check,
    root: &Rooted,
    provider: Option<&serde_json::Value>,
) -> Markup {
    let body = &receipt.body;
    html! {
        section aria-labelledby="receipt" {
            h2 id="receipt" { "Receipt" }
            ul class="checks" {
                (checked(signature))
                @match root {
                    Rooted::Checked(check) => (checked(check)),
                    Rooted::NotYet => (open("It is not under a root yet: a job is signed for when it has ended.")),
                    Rooted::Never(why) => (open(&format!("It is under no root: {why}"))),
                }
            }
            p class="hint" {
                "Checked by this Beacon with its own keys. Whoever has the public key checks the same without it: "
                code { "beacon verify" } ", with the bundle under Files."
            }
            dl class="facts" {
                dt { "Key" } dd { code { (body.key_id) } }
                dt { "Signature" } dd { code { (receipt.signature) } }
                dt { "Answer's SHA-256" } dd { code { (body.answer_sha256) } }
                dt { "Prompt's SHA-256" } dd { code { (body.prompt_sha256.0) } }
                dt { "Completed" } dd { (time(body.completed_at)) }
                dt { "Software" } dd { (body.software) }
            }
            details {
                summary { "The receipt as it was signed" }
                div class="answer sent" role="region" tabindex="0" aria-label="The receipt" { (shown(&String::from_utf8_lossy(&receipt.canonical()))) }
            }
            @if let Some(provider) = provider {
                details {
                    summary { "The provider's own receipt" }
                    div class="answer sent" role="region" tabindex="0" aria-label="The provider's own receipt" { (shown(&format!("{provider:#}"))) }
                }
            }
        }
    }
}

fn checked(check: &Check) -> Markup {
    let (class, shape) = if check.holds { ("holds", "✓") } else { ("broken", "✕") };
    html! {
        li class=(class) {
            span class="shape" aria-hidden="true" { (shape) } " "
            @if !check.holds { strong { "It does not hold: " } }
            (shown(&check.told))
        }
    }
}

/// What could not be checked.
fn open(told: &str) -> Markup {
    html! { li { span class="shape" aria-hidden="true" { "○" } " " (shown(told)) } }
}
