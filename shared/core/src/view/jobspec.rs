//! A job in the form of the predecessor's `JobSpec`, and its other name, for clients that read those.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::regions;
use crate::id::JobId;
use crate::job::Job;
use crate::lane::Lane;
use crate::prompt::hex;
use crate::spec::Spec;

/// What the predecessor's document of a job would be. Without the specification it lists no
/// questions, which takes one read less.
pub fn jobspec(job: &Job, lanes: &[Lane], spec: Option<&Spec>) -> Value {
    let models: Vec<Value> =
        job.models.iter().map(|model| json!({ "id": model, "name": model })).collect();
    let mut document = json!({
        "id": job.id,
        "version": "1.0",
        "benchmark": { "name": job.name, "description": "" },
        "constraints": {
            "regions": regions(lanes),
            "min_regions": job.min_regions,
            "min_success_rate": job.min_success_rate,
        },
        "models": models,
        "metadata": {
            "models": job.models,
            "multi_model": job.models.len() > 1,
            "total_executions_expected": job.expected,
        },
        "created_at": job.created_at,
    });
    if let (Some(spec), Value::Object(document)) = (spec, &mut document) {
        complete(document, spec);
    }
    document
}

fn complete(document: &mut Map<String, Value>, spec: &Spec) {
    let asked: Vec<&str> = spec.regions.iter().map(|region| region.asked.as_str()).collect();
    let mut questions: Vec<&str> = spec.questions.iter().map(|entry| entry.id.as_str()).collect();
    questions.dedup();
    document.insert("questions".to_owned(), json!(questions));
    if let Some(Value::Object(constraints)) = document.get_mut("constraints") {
        constraints.insert("regions".to_owned(), json!(asked));
        let nanoseconds = spec.timeout_seconds.map(|seconds| seconds.saturating_mul(1_000_000_000));
        constraints.extend(nanoseconds.map(|timeout| ("timeout".to_owned(), json!(timeout))));
        constraints.extend(spec.max_cost.map(|most| ("max_cost".to_owned(), json!(most))));
    }
}

/// What the predecessor's clients call the execution of a job: a UUID of version 8 (RFC 9562, section
/// 5.8) from the SHA-256 of the job's id.
pub fn cross_region_execution_id(job: &JobId) -> String {
    let hash = Sha256::digest(format!("cross-region:{job}"));
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(hash.iter()).for_each(|(byte, of_hash)| *byte = *of_hash);
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = hex(&bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_has_its_form() {
        let of = |job: &str| cross_region_execution_id(&JobId::new(job).unwrap());
        let id = of("j");
        let lengths: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(id.as_bytes()[14], b'8');
        assert_ne!(id, of("k"));
    }
}
