//! What the records of an exchange say. Builds the intent and the one outcome from the facts.

use super::Setup;
use super::call::Call;
use super::judgement::Judgement;
use crate::detect;
use crate::facts::{AnswerFacts, Unread, first_characters};
use crate::policy::{Action, Verdict};
use crate::record::{
    Delivery, DeliveryKind, FORMAT, Intent, Line, Outcome, OutcomeKind, Summaries, TOOL_NAMES_MAX,
    Triggered, rfc3339, summary_digest,
};

/// Redaction looks this far beyond the summary's cut, so that a span over the cut is still found.
const REDACTION_MARGIN_CHARACTERS: usize = 4096;
/// Longest model name or other word of a body that a record keeps.
const WORD_CHARACTERS_MAX: usize = 256;
/// How this build holds: headers and bodies of both sides.
const HOLD_MODE: &str = "strict";

// === impl Call ===

impl Call {
    /// The record of the call as it will be made.
    pub fn intent(&self, setup: &Setup, now_ms: u64) -> Intent {
        Intent {
            v: FORMAT,
            decision_id: setup.decision_id.clone(),
            created_at: rfc3339(now_ms),
            policy_version: setup.policy.version().to_owned(),
            model: self.model(),
            requested_model: self.facts.requested_model.as_deref().map(word),
            input_hash: self.input_hash.clone(),
            provider: self.facts.provider.to_owned(),
            operation: self.facts.operation.to_owned(),
            stream: self.facts.stream,
            caller: self.head.caller.strongest(),
            gateway: setup.gateway.clone(),
            hold: self.verdict.holding.as_ref().map(|holding| holding.ask.clone()),
        }
    }

    /// The record of what became of it, as a line.
    pub fn outcome(
        &self,
        setup: &Setup,
        kind: OutcomeKind,
        status: Option<u16>,
        judgement: &Judgement,
        now_ms: u64,
    ) -> Line {
        let answer = &judgement.answer;
        let confidence = setup.policy.confidence(answer);
        let found = [self.facts.categories.as_slice(), &judgement.categories].concat();
        let triggered = merged(&self.verdict, &judgement.verdict);
        let characters = setup.policy.record().summary_characters;
        let output = summary(setup, characters, answer.output.as_str());
        let summaries = Summaries {
            output: output.as_deref(),
            input: self.input_summary.as_deref(),
            salt: setup.salt,
        };
        let digest = |text: Option<&str>| text.map(|text| summary_digest(&setup.salt, text));
        let promise = setup.policy.judge_asked(&self.facts);
        let outcome = Outcome {
            v: FORMAT,
            decision_id: setup.decision_id.clone(),
            created_at: rfc3339(now_ms),
            requested_at: rfc3339(self.requested_at_ms),
            policy_version: setup.policy.version().to_owned(),
            model: self.model(),
            requested_model: self.facts.requested_model.as_deref().map(word),
            served_model: answer.served_model.as_deref().map(word),
            provider: self.facts.provider.to_owned(),
            operation: self.facts.operation.to_owned(),
            stream: self.facts.stream,
            status,
            outcome: kind,
            categories: setup.policy.categories().in_order(found),
            actions: actions(&triggered),
            triggered,
            input_hash: self.input_hash.clone(),
            input_bytes: self.input_bytes,
            input_tokens: answer.usage.input_tokens,
            output_tokens: answer.usage.output_tokens,
            usage: answer.usage.raw.clone(),
            finish_reason: answer.finish_reason.as_deref().map(word),
            system_fingerprint: answer.system_fingerprint.as_deref().map(word),
            refusal: answer.refusal,
            tool_names: tool_names(answer),
            confidence: confidence.as_ref().map(|confidence| confidence.value),
            confidence_source: confidence.map(|confidence| confidence.source.to_owned()),
            caller: self.head.caller.strongest(),
            route: self.head.route.clone(),
            gateway: setup.gateway.clone(),
            trace_id: self.head.trace_id.clone(),
            request_id: self.head.request_id.clone(),
            latency_ms: self.sent_at_ms.map(|sent| now_ms.saturating_sub(sent)),
            first_byte_ms: self.first_byte_ms,
            unread: self.unread_words(judgement),
            hold_mode: HOLD_MODE.to_owned(),
            output_summary_digest: digest(summaries.output),
            media_parts: Some(self.facts.media_parts).filter(|parts| *parts > 0),
            attempts: self.attempts,
            pinning: promise.map(|verdict| verdict.pinning.as_str().to_owned()),
            pinning_rule: promise.map(|verdict| verdict.rule.to_owned()),
            input_summary_digest: digest(summaries.input),
            review: self.review.clone(),
        };
        Line::outcome(&outcome, summaries)
    }

    /// What was done with an answer that had no commit in time.
    pub fn delivery(&self, setup: &Setup, delivery: DeliveryKind, now_ms: u64) -> Line {
        Line::delivery(&Delivery {
            v: FORMAT,
            decision_id: setup.decision_id.clone(),
            created_at: rfc3339(now_ms),
            policy_version: setup.policy.version().to_owned(),
            delivery,
        })
    }

    fn model(&self) -> String {
        self.facts.model.as_deref().map_or_else(|| "unknown".to_owned(), word)
    }

    fn unread_words(&self, judgement: &Judgement) -> Option<String> {
        let truncated = judgement.answer.output.truncated();
        let mut words: Vec<&str> = Vec::new();
        let all = self.unread.iter().copied().chain(judgement.unread);
        for unread in all.chain(truncated.then_some(Unread::Truncated)) {
            if !words.contains(&unread.as_str()) {
                words.push(unread.as_str());
            }
        }
        (!words.is_empty()).then(|| words.join(","))
    }
}

/// The redacted start of a text, so many characters; `None` where there is none.
pub(super) fn summary(setup: &Setup, characters: usize, text: &str) -> Option<String> {
    if text.is_empty() || characters == 0 {
        return None;
    }
    let window = characters.saturating_add(REDACTION_MARGIN_CHARACTERS);
    let redacted = detect::redact(first_characters(text, window), &setup.policy.record().redact);
    // Postgres keeps no NUL in text; what is stored must match its digest.
    let redacted = redacted.replace('\0', "");
    Some(first_characters(&redacted, characters).to_owned())
}

/// Both verdicts, a policy that fired on the request not repeated for the answer.
fn merged(request: &Verdict, answer: &Verdict) -> Vec<Triggered> {
    request.triggered.iter().chain(&answer.triggered).cloned().collect()
}

/// Enforced actions, strongest first, each once.
pub fn actions(triggered: &[Triggered]) -> Vec<String> {
    let strongest_first = Action::STRONGEST_FIRST.into_iter().map(Action::as_str);
    strongest_first
        .filter(|action| triggered.iter().any(|one| one.enforced && one.action == *action))
        .map(str::to_owned)
        .collect()
}

fn tool_names(answer: &AnswerFacts) -> Vec<String> {
    answer.tool_calls.iter().take(TOOL_NAMES_MAX).map(|call| word(&call.name)).collect()
}

fn word(text: &str) -> String {
    first_characters(text, WORD_CHARACTERS_MAX).to_owned()
}
