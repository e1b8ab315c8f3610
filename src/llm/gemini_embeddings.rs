//! Answers of Google's `embedContent` and `batchEmbedContents`, and of Vertex AI's `predict`, which
//! makes embeddings and images: numbers and files, no text.
//!
//! - <https://ai.google.dev/api/embeddings>
//! - <https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api>,
//!   and `multimodal-embeddings-api` and `imagen-api` beside it

use super::answer::Answer;
use super::json::Object;
use crate::facts::Unread;

/// A prediction has one of these. What has none may be text.
const PREDICTION_KEYS: [&str; 5] =
    ["embeddings", "textEmbedding", "imageEmbedding", "videoEmbeddings", "bytesBase64Encoded"];

/// Reads a whole answer.
pub(super) fn read_whole(answer: &mut Answer, object: &Object) {
    let error = object.raw("error").is_some();
    answer.facts.error |= error;
    if let Some(usage) = object.raw("usageMetadata") {
        answer.usage(usage, "promptTokenCount", "candidatesTokenCount");
    }
    let embedded = object.raw("embedding").or_else(|| object.raw("embeddings")).is_some();
    let predictions = object.objects("predictions").unwrap_or_default();
    let known = |prediction: &Object| PREDICTION_KEYS.iter().any(|key| has(prediction, key));
    let predicted = !predictions.is_empty() && predictions.iter().all(known);
    if !embedded && !predicted && !error {
        answer.note(Some(Unread::UnknownShape));
    }
    // `predict` counts each instance's tokens apart; their sum is known where all are.
    let counts: Option<Vec<u64>> = predictions.iter().map(token_count).collect();
    if let Some(counts) = counts.filter(|counts| !counts.is_empty()) {
        let sum = counts.into_iter().fold(0, u64::saturating_add);
        answer.facts.usage.input_tokens = Some(sum);
    }
}

fn has(object: &Object, key: &str) -> bool {
    object.all(key).next().is_some()
}

fn token_count(prediction: &Object) -> Option<u64> {
    prediction.object("embeddings")?.object("statistics")?.count("token_count")
}
