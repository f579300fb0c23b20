//! How far answers lie apart as an embedding model sees them, asked of an OpenAI-compatible endpoint.

mod distance;

use std::time::Duration;

use beacon_analysis::report::{
    EMBEDDED_ANSWERS, EMBEDDED_CHARACTERS, EmbeddingDistance, Embeddings,
};
use beacon_core::spec::Spec;
use beacon_core::view::ExecutionView;
use beacon_core::{ModelId, QuestionIndex, Region};
use beacon_infra::{BodyError, read_body};
use beacon_router::{Clock, retry_after};
use reqwest::{Client, StatusCode, Url};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::time::sleep;

use crate::arguments::Report;
use crate::report_dir::ReportError;
use crate::report_dir::source::Source;
use crate::token::is_this_machine;
use distance::Sums;

/// Texts of one request.
const BATCH: usize = 64;
/// Numbers of a vector at most.
const DIMENSIONS: usize = 16_384;
/// Bytes of an answer at most: as many numbers of 24 characters.
const ANSWER_BYTES: usize = BATCH * DIMENSIONS * 24;
/// How often texts are sent at most, where the endpoint could not take them.
const TRIES: u32 = 3;
/// Before the second try; before the third twice as long.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest that an endpoint can ask to be left alone.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Longer than an answer takes.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Why there are no embeddings. Neither texts nor the key are told.
#[derive(Debug, Error)]
pub(crate) enum EmbeddingError {
    #[error("--embeddings `{0}` is no address: give one such as http://127.0.0.1:11434/v1")]
    NoAddress(String),
    #[error(
        "--embeddings {0} has more than a scheme, a host, a port and a path: leave user, query and fragment \
         out, and put a key into BEACON_EMBEDDINGS_KEY"
    )]
    NotPlain(String),
    #[error(
        "--embeddings {0} would send BEACON_EMBEDDINGS_KEY in clear: give an https:// address, or unset the \
         key"
    )]
    Clear(String),
    #[error("no HTTP client can be made")]
    Http(#[source] reqwest::Error),
    #[error("no embeddings endpoint answers at {url}")]
    Unreachable {
        url: String,
        #[source]
        source: reqwest::Error,
    },
    #[error("the embeddings endpoint {url} refuses (HTTP {status}): {}", to_do(*.status))]
    Refused {
        url: String,
        status: u16,
        /// For how long the endpoint wants to be left alone.
        pause: Option<Duration>,
    },
    #[error("the answer of the embeddings endpoint {url} cannot be used: {problem}")]
    Unusable { url: String, problem: Unusable },
}

impl EmbeddingError {
    /// How long to wait before another try, which may help: as long as the endpoint says, within reason, or
    /// else so long. None where none helps.
    fn pause(&self, or_else: Duration) -> Option<Duration> {
        match self {
            Self::Unreachable { .. } => Some(or_else),
            Self::Refused { status: 429 | 500.., pause, .. } => {
                Some(pause.map_or(or_else, |pause| pause.min(LONGEST_PAUSE)))
            }
            Self::Refused { .. }
            | Self::NoAddress(_)
            | Self::NotPlain(_)
            | Self::Clear(_)
            | Self::Http(_)
            | Self::Unusable { .. } => None,
        }
    }
}

/// What is wrong with an answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Unusable {
    #[error("it is not of the form of OpenAI's API")]
    Shape,
    #[error("it has more than {ANSWER_BYTES} bytes")]
    TooLong,
    #[error("it holds {there} vectors for {asked} texts")]
    Count { there: usize, asked: usize },
    #[error("a vector has {there} numbers, where {expected} were expected")]
    Dimensions { there: usize, expected: usize },
    #[error("a vector has no direction")]
    NoDirection,
}

fn to_do(status: u16) -> &'static str {
    match status {
        401 | 403 => "set BEACON_EMBEDDINGS_KEY to a key that it knows",
        404 => "correct the address, to which /embeddings is added, or --embedding-model",
        429 => "it gets too many requests; try again later",
        500.. => "it is out of order; its log may say why",
        _ => "it may not know the model of --embedding-model, or not take texts of this length",
    }
}

/// Where embeddings are asked.
pub(crate) struct Endpoint {
    client: Client,
    /// With the path that texts are sent to.
    url: Url,
    model: String,
    key: Option<String>,
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    input: &'a [String],
    encoding_format: &'static str,
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    index: usize,
    embedding: Vec<f64>,
}

impl Endpoint {
    /// The one that was asked for, if one was.
    pub(crate) fn of(options: &Report) -> Result<Option<Self>, EmbeddingError> {
        let (Some(base), Some(model)) = (&options.embeddings, &options.embedding_model) else {
            return Ok(None);
        };
        let key = beacon_infra::embeddings_key();
        let url = address(base, key.is_some())?;
        let client = beacon_infra::http_client().map_err(EmbeddingError::Http)?;
        Ok(Some(Self { client, url, model: model.clone(), key }))
    }

    /// Distances of the answers to as many questions, in the order given, as have [`EMBEDDED_ANSWERS`]
    /// texts.
    pub(crate) async fn embed(
        &self,
        source: &mut Source<'_>,
        spec: &Spec,
        questions: impl IntoIterator<Item = QuestionIndex>,
    ) -> Result<Embeddings, EmbedError> {
        let (mut distances, mut sent, mut dimensions) = (Vec::new(), 0, None);
        for question in questions {
            let rows = source.question(question)?;
            let texts: Vec<Text<'_>> = rows.iter().filter_map(Text::of).collect();
            sent += texts.len();
            if sent > EMBEDDED_ANSWERS {
                break;
            }
            let mut sums: Vec<Sums<'_>> = spec.models.iter().map(|_| Sums::default()).collect();
            for batch in texts.chunks(BATCH) {
                let vectors = self.ask(batch, &mut dimensions).await?;
                for (text, vector) in batch.iter().zip(&vectors) {
                    let model = spec.models.iter().position(|model| model == text.model);
                    if let Some(sums) = model.and_then(|model| sums.get_mut(model)) {
                        let added = sums.add(text.region, vector);
                        added.ok_or_else(|| self.unusable(Unusable::NoDirection))?;
                    }
                }
            }
            let of_models = spec.models.iter().zip(&sums);
            distances.extend(of_models.map(|(model, sums)| EmbeddingDistance {
                question,
                model_id: model.clone(),
                between: sums.between(spec.regions.len()),
                within: sums.within(spec.samples),
            }));
        }
        Ok(Embeddings { model: self.model.clone(), questions: distances })
    }

    async fn ask(
        &self,
        texts: &[Text<'_>],
        dimensions: &mut Option<usize>,
    ) -> Result<Vec<Vec<f64>>, EmbeddingError> {
        let mut pauses = (0..TRIES - 1).map(|before| PAUSE * 2_u32.pow(before));
        let answer = loop {
            let error = match self.try_once(texts).await {
                Ok(answer) => break answer,
                Err(error) => error,
            };
            match pauses.next().and_then(|pause| error.pause(pause)) {
                Some(pause) => {
                    tracing::debug!(%error, "sending texts again");
                    sleep(pause).await;
                }
                None => return Err(error),
            }
        };
        self.vectors(answer, texts.len(), dimensions)
    }

    async fn try_once(&self, texts: &[Text<'_>]) -> Result<Answer, EmbeddingError> {
        let input: Vec<String> = texts
            .iter()
            .map(|text| text.said.chars().take(EMBEDDED_CHARACTERS).collect())
            .collect();
        let body = Request { model: &self.model, input: &input, encoding_format: "float" };
        let unreachable = |source: reqwest::Error| EmbeddingError::Unreachable {
            url: self.url.to_string(),
            source: source.without_url(),
        };
        let mut request = self.client.post(self.url.clone()).timeout(TIMEOUT).json(&body);
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        if status != StatusCode::OK {
            // What it says may hold the key or a text.
            let pause = retry_after(response.headers(), Clock::System.now_ms());
            let (url, status) = (self.url.to_string(), status.as_u16());
            return Err(EmbeddingError::Refused { url, status, pause });
        }
        let bytes = read_body(response, ANSWER_BYTES).await.map_err(|error| match error {
            BodyError::TooLarge { .. } => self.unusable(Unusable::TooLong),
            BodyError::Broken(source) => unreachable(source),
        })?;
        serde_json::from_slice(&bytes).map_err(|_holds_texts| self.unusable(Unusable::Shape))
    }

    /// A vector for each text, all of one length.
    fn vectors(
        &self,
        mut answer: Answer,
        asked: usize,
        dimensions: &mut Option<usize>,
    ) -> Result<Vec<Vec<f64>>, EmbeddingError> {
        answer.data.sort_by_key(|vector| vector.index);
        let in_order = answer.data.iter().enumerate().all(|(at, vector)| vector.index == at);
        let there = answer.data.len();
        if there != asked || !in_order {
            return Err(self.unusable(Unusable::Count { there, asked }));
        }
        for Vector { embedding, .. } in &answer.data {
            let there = embedding.len();
            let expected = *dimensions.get_or_insert(there.clamp(1, DIMENSIONS));
            if there != expected {
                return Err(self.unusable(Unusable::Dimensions { there, expected }));
            }
        }
        Ok(answer.data.into_iter().map(|vector| vector.embedding).collect())
    }

    fn unusable(&self, problem: Unusable) -> EmbeddingError {
        EmbeddingError::Unusable { url: self.url.to_string(), problem }
    }
}

/// Where texts are sent for this value of --embeddings. Of what may hold a secret nothing is told.
fn address(base: &str, has_key: bool) -> Result<Url, EmbeddingError> {
    let no_address = || {
        let shown = if base.contains(['@', '?', '#']) { "…" } else { base };
        EmbeddingError::NoAddress(shown.to_owned())
    };
    let mut url = Url::parse(base).map_err(|_nonsense| no_address())?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(no_address());
    }
    let shown = url.origin().ascii_serialization();
    let has_user = !url.username().is_empty() || url.password().is_some();
    if has_user || url.query().is_some() || url.fragment().is_some() {
        return Err(EmbeddingError::NotPlain(shown));
    }
    if has_key && url.scheme() == "http" && !is_this_machine(&url) {
        return Err(EmbeddingError::Clear(shown));
    }
    let path = format!("{}/embeddings", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}

/// Why a job's answers have no embeddings.
#[derive(Debug, Error)]
pub(crate) enum EmbedError {
    #[error(transparent)]
    Source(#[from] ReportError),
    #[error(transparent)]
    Endpoint(#[from] EmbeddingError),
}

/// A completed answer with words in it.
struct Text<'a> {
    model: &'a ModelId,
    region: &'a Region,
    said: &'a str,
}

impl<'a> Text<'a> {
    fn of(view: &'a ExecutionView) -> Option<Self> {
        let said = view.text()?;
        Some(Self { model: &view.model_id, region: &view.region, said })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_plain_and_a_key_goes_in_clear_to_this_machine_only() {
        for (base, has_key, told) in [
            ("http://localhost:11434/v1/", true, "http://localhost:11434/v1/embeddings"),
            ("http://127.0.0.1/v1", true, "http://127.0.0.1/v1/embeddings"),
            ("http://[::1]:1", true, "http://[::1]:1/embeddings"),
            ("http://h.example/v1", false, "http://h.example/v1/embeddings"),
            ("https://h.example/v1", true, "https://h.example/v1/embeddings"),
            ("http://h.example/v1", true, "in clear"),
            ("http://127.0.0.1.example/v1", true, "in clear"),
            ("http://localhost.example/v1", true, "in clear"),
            ("https://hush@h.example/v1", false, "leave user"),
            ("https://:hush@h.example/v1", false, "leave user"),
            ("http://hush:hush@127.0.0.1/v1", true, "leave user"),
            ("https://h.example/v1?key=hush", false, "leave user"),
            ("https://h.example/v1#hush", false, "leave user"),
            ("ftp://u:hush@h.example/v1", false, "no address"),
            ("http://u:hush@:x", false, "no address"),
            ("nonsense", false, "`nonsense` is no address"),
        ] {
            let found = address(base, has_key);
            let found = found.map_or_else(|error| error.to_string(), |url| url.to_string());
            assert!(found.contains(told), "{base}: {found}");
            assert!(!found.contains("hush"), "{found}");
        }
    }

    #[test]
    fn what_may_pass_is_tried_again_when_the_endpoint_says() {
        let or_else = Duration::from_secs(1);
        let pause = |status, seconds: Option<u64>| {
            let (url, pause) = (String::new(), seconds.map(Duration::from_secs));
            let pause = EmbeddingError::Refused { url, status, pause }.pause(or_else);
            pause.map(|pause| pause.as_secs())
        };
        assert_eq!(pause(400, Some(7)), None);
        assert_eq!(pause(503, None), Some(1));
        assert_eq!(pause(429, Some(7)), Some(7));
        assert_eq!(pause(500, Some(3_600)), Some(60));
    }
}
