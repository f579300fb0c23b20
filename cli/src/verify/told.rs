//! What is said of a file.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;

use beacon_core::seal::KeyId;
use beacon_evidence::bundle::MAX_LINE_BYTES;
use beacon_evidence::receipt::{self, Receipt};
use beacon_evidence::root::{self, Proof, Root};
use beacon_evidence::verify::Flaw;
use serde::Serialize;

use super::kind::Kind;
use super::ring::Keys;
use crate::print;

/// Flaws that are named; all are counted.
const NAMED: usize = 20;
/// Characters of a flaw that are told.
const FLAW_CHARS: usize = 500;

/// What does not hold.
#[derive(Debug, Default, Serialize)]
pub(super) struct Flaws {
    /// The first of them.
    #[serde(rename = "flaws")]
    named: Vec<Named>,
    more_flaws: u64,
}

#[derive(Debug, Serialize)]
struct Named {
    /// From 1; null of what no line shows by itself.
    line: Option<u64>,
    flaw: String,
}

impl Flaws {
    pub(super) fn of(flaw: &Flaw) -> Self {
        let mut flaws = Self::default();
        flaws.add_error(None, flaw);
        flaws
    }

    pub(super) fn add_error(&mut self, line: Option<u64>, flaw: &(dyn Error + 'static)) {
        self.add(line, &print::causes(flaw));
    }

    pub(super) fn too_long(&mut self, line: u64) {
        let told = format!(
            "it has more than {MAX_LINE_BYTES} bytes, which no line of Beacon has; what follows is not read"
        );
        self.add(Some(line), &told);
    }

    pub(super) fn add(&mut self, line: Option<u64>, flaw: &str) {
        // It may repeat what stands in the file.
        let flaw = flaw.chars().take(FLAW_CHARS).collect();
        if self.named.len() < NAMED {
            self.named.push(Named { line, flaw });
        } else {
            self.more_flaws += 1;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    fn count(&self) -> u64 {
        self.named.len() as u64 + self.more_flaws
    }
}

/// The receipts of a bundle.
#[derive(Debug, Default, Serialize)]
pub(super) struct Counted {
    receipts: u64,
    simulated_receipts: u64,
    #[serde(skip)]
    signed_by: BTreeSet<KeyId>,
}

impl Counted {
    pub(super) fn count(&mut self, receipt: &Receipt) {
        self.receipts += 1;
        self.simulated_receipts += u64::from(receipt.body.simulated);
        self.signed_by.insert(receipt.body.key_id);
    }
}

/// Where a receipt stands under a root.
#[derive(Debug, Serialize)]
struct Leaf {
    leaf_index: u64,
    leaf_hash: String,
}

/// The answer. What a file says is told only where all of it holds.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    file: String,
    /// Null where it does not say.
    kind: Option<Kind>,
    pub(super) holds: bool,
    #[serde(flatten)]
    flaws: Flaws,
    /// Who was asked for the keys; null where they were given.
    keys_of: Option<String>,
    /// Ids of the keys that signed what holds.
    signed_by: BTreeSet<KeyId>,
    root: Option<Box<root::Body>>,
    receipt: Option<Box<receipt::Body>>,
    proved: Option<Leaf>,
    #[serde(flatten)]
    receipts: Option<Counted>,
}

impl Told {
    pub(super) fn of_flaws(file: &Path, kind: Option<Kind>, flaws: Flaws) -> Self {
        Self {
            file: file.display().to_string(),
            kind,
            holds: flaws.is_empty(),
            flaws,
            keys_of: None,
            signed_by: BTreeSet::new(),
            root: None,
            receipt: None,
            proved: None,
            receipts: None,
        }
    }

    pub(super) fn verified_with(self, keys: &Keys) -> Self {
        Self { keys_of: keys.of_beacon.clone(), ..self }
    }

    pub(super) fn with_root(mut self, root: Root) -> Self {
        self.signed_by.insert(root.body.key_id);
        Self { root: Some(Box::new(root.body)), ..self }
    }

    pub(super) fn with_receipt(mut self, receipt: Receipt) -> Self {
        self.signed_by.insert(receipt.body.key_id);
        Self { receipt: Some(Box::new(receipt.body)), ..self }
    }

    pub(super) fn with_proof(self, proof: Proof) -> Self {
        let (leaf_index, leaf_hash) = (proof.leaf_index, proof.leaf_hash.to_string());
        let told = self.with_root(proof.root);
        Self { proved: Some(Leaf { leaf_index, leaf_hash }), ..told }
    }

    pub(super) fn with_receipts(mut self, receipts: Counted) -> Self {
        self.signed_by.extend(&receipts.signed_by);
        Self { receipts: Some(receipts), ..self }
    }

    /// For people.
    pub(super) fn print(&self) {
        for line in self.lines() {
            print::note(false, &print::one_line(&line));
        }
    }

    fn lines(&self) -> Vec<String> {
        if self.holds { self.what_holds() } else { self.what_does_not() }
    }

    fn what_does_not(&self) -> Vec<String> {
        let Flaws { named, more_flaws } = &self.flaws;
        let count = match self.flaws.count() {
            1 => "1 flaw".to_owned(),
            many => format!("{many} flaws"),
        };
        let mut lines = vec![format!("{} does NOT hold: {count}", self.file)];
        lines.extend(named.iter().map(|Named { line, flaw }| match line {
            Some(line) => format!("  line {line}: {flaw}"),
            None => format!("  {flaw}"),
        }));
        if *more_flaws > 0 {
            lines.push(format!("  and {more_flaws} more"));
        }
        lines.extend(self.who_gave_the_keys());
        lines
    }

    fn what_holds(&self) -> Vec<String> {
        let kind = self.kind.map_or_else(String::new, |kind| format!(": {kind}"));
        let mut lines = vec![format!("{} holds{kind}", self.file)];
        lines.extend(self.receipt.iter().flat_map(|body| of_receipt(body)));
        lines.extend(self.proved.iter().map(|Leaf { leaf_index, leaf_hash }| {
            if self.receipt.is_some() {
                format!("proved     it is leaf {leaf_index} of the tree under this root:")
            } else {
                format!(
                    "proved     leaf {leaf_index}, {leaf_hash}, is in the tree under this root:"
                )
            }
        }));
        lines.extend(self.root.iter().flat_map(|body| of_root(body)));
        if let Some(Counted { receipts, simulated_receipts, .. }) = &self.receipts {
            let simulated = match simulated_receipts {
                0 => String::new(),
                many => format!(", {many} of them of SIMULATED answers"),
            };
            lines.push(format!(
                "verified   {receipts} receipts with their prompts and answers{simulated}"
            ));
        }
        lines.extend(self.signed_by.iter().map(|key_id| format!("signed by  {key_id}")));
        lines.extend(self.who_gave_the_keys());
        lines
    }

    fn who_gave_the_keys(&self) -> Option<String> {
        let of = self.keys_of.as_ref()?;
        Some(format!(
            "keys       {of} said that they are its own; who does not trust it takes them from elsewhere, \
             with --key or --keys"
        ))
    }
}

fn of_root(body: &root::Body) -> Vec<String> {
    let unsigned = match body.completed.saturating_sub(body.tree_size) {
        0 => String::new(),
        many => format!(", {many} of them without a receipt"),
    };
    let mut lines = vec![
        format!("job        {}  (run {})", body.job_id, body.run),
        format!("status     {} at {:.0}", body.status, body.finished_at),
        format!("expected   {}", body.expected),
        format!("completed  {}{unsigned}", body.completed),
        format!("failed     {}", body.failed),
        format!("timed_out  {}", body.timed_out),
        format!("cancelled  {}", body.cancelled),
    ];
    if body.simulated > 0 {
        lines.push(format!("simulated  {}: SIMULATED answers, made up", body.simulated));
    }
    lines.push(format!("spec       {}", body.spec_sha256.0));
    lines.push(format!("root       {}", body.root_hash));
    lines
}

fn of_receipt(body: &receipt::Body) -> Vec<String> {
    let told = |text: &Option<String>| text.clone().unwrap_or_else(|| "not told".to_owned());
    let provider = body.provider_id.as_ref().map_or("not told", |id| id.as_str());
    let mut lines = vec![
        format!("execution  {}  (run {})", body.execution_id, body.run),
        format!("question   {} ({})", body.question_id, body.variant),
        format!("asked      {} in {}", body.model_id, body.region),
        format!(
            "served     {} in {} by {provider}",
            told(&body.served_model),
            told(&body.served_region)
        ),
        format!("completed  {:.3}", body.completed_at),
        format!("prompt     {}", body.prompt_sha256.0),
        format!("answer     {}", body.answer_sha256),
    ];
    if body.simulated {
        lines.push("simulated  yes: a SIMULATED answer, made up".to_owned());
    }
    lines
}
