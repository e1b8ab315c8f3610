//! The policy's word on an answer, whole or as far as it came. Holds nothing and sends nothing.

use super::call::Call;
use super::{ResponseHead, Setup};
use crate::facts::{AnswerFacts, Unread};
use crate::llm::AnswerReading;
use crate::policy::{Categories, Verdict};
use crate::record::OutcomeKind;

/// An answer and what is to be said of it; the default is that of a call without answer.
#[derive(Default)]
pub(super) struct Judgement {
    pub answer: AnswerFacts,
    pub verdict: Verdict,
    /// Categories found in the answer.
    pub categories: Vec<String>,
    pub unread: Option<Unread>,
}

// === impl Judgement ===

impl Judgement {
    /// Judges what was read. What only the head and the clock know is filled in first.
    pub fn of(
        setup: &Setup,
        call: &Call,
        head: &ResponseHead,
        reading: AnswerReading,
        now_ms: u64,
    ) -> Judgement {
        let AnswerReading { facts: mut answer, unread } = reading;
        head.fill_in(call.facts.provider, &mut answer);
        answer.latency_ms = call.sent_at_ms.map_or(0, |sent| now_ms.saturating_sub(sent));
        let categories = answer_categories(setup.policy.categories(), &answer);
        // A call whose request could not be read was let through by `unreadable`, as it is.
        if let (Some(witness), Some(_)) = (&setup.witness, &call.target) {
            witness.answer(&call.facts, &answer, &categories);
        }
        let verdict = match call.target {
            Some(_) => setup.policy.judge_answer(&call.facts, &answer, &categories),
            None => Verdict::default(),
        };
        Judgement { answer, verdict, categories, unread }
    }

    /// What became of a call whose answer came to its end.
    pub fn outcome_kind(&self) -> OutcomeKind {
        match (&self.verdict.denial, self.answer.error) {
            (Some(_), _) => OutcomeKind::Denied,
            (None, true) => OutcomeKind::UpstreamError,
            (None, false) => OutcomeKind::Completed,
        }
    }
}

/// Categories of whatever the client is told: text, reasoning, and what tools are to be given.
pub fn answer_categories(settings: &Categories, answer: &AnswerFacts) -> Vec<String> {
    let arguments: Vec<&str> =
        answer.tool_calls.iter().map(|call| call.arguments.as_str()).collect();
    let arguments = arguments.join("\n");
    let texts = [answer.output.as_str(), answer.other_text.as_str(), &arguments];
    settings.in_order(texts.into_iter().flat_map(|text| settings.of_text(text)).collect())
}

/// What an answer that could not be read is known by: what is absent here is unknown.
pub(super) fn unread(status: u16, reason: Option<Unread>) -> AnswerReading {
    let (error, incomplete) = (status >= 400, true);
    let facts = AnswerFacts { status, error, incomplete, ..AnswerFacts::default() };
    AnswerReading { facts, unread: reason }
}
