//! One decision: what fired and why, what was asked and answered as far as it is kept, what people
//! said of it, and how it is proved.

use governance_filter::policy::Policy;
use governance_filter::record::Triggered;
use maud::{Markup, html};

use super::asked::Signed;
use super::layout::{hidden, time};
use super::verdicts::{Tally, form_fields};
use super::{facts, policy_text};
use crate::review::{Reason, VerdictKind};
use crate::store::decision::{Decision, Neighbour};
use crate::store::reviews::GivenVerdict;

/// All that a decision's page shows.
pub struct Shown<'a> {
    /// Which decision.
    pub id: &'a str,
    /// What is known of it.
    pub decision: &'a Decision,
    /// Newest first.
    pub verdicts: &'a [GivenVerdict],
    /// The policy's text.
    pub policy: Option<&'a str>,
    /// Other decisions of the same caller.
    pub neighbours: &'a [Neighbour],
    /// How many leaves the published checkpoint covers.
    pub published: u64,
}

/// Whose call it is.
pub fn caller(decision: &Decision) -> Option<&str> {
    let outcome = decision.outcome.as_ref().and_then(|outcome| outcome.caller.as_deref());
    outcome.or(decision.intent.as_ref().and_then(|intent| intent.caller.as_deref()))
}

// === impl Shown ===

impl Shown<'_> {
    /// The page's content.
    pub fn render(&self, signed: &Signed, tally: &Tally) -> Markup {
        let parsed = self.policy.and_then(|text| Policy::parse(text).ok());
        html! {
            p.crumb { a href=(signed.asked.path("/reviews")) { "Open reviews" } }
            h1 { "Decision " code.id { (self.id) } }
            (tally.render())
            (self.standing())
            div.columns {
                div.main {
                    (self.triggers(parsed.as_ref()))
                    (self.texts())
                    (self.policy(parsed.as_ref()))
                    (self.record())
                }
                aside aria-label="Verdicts, proof and more" {
                    (self.verdict(signed))
                    (self.verdicts())
                    (self.proof())
                    (self.messages())
                    (self.neighbours(signed))
                }
            }
        }
    }

    /// In one line: what became of the call, and whether it waits.
    fn standing(&self) -> Markup {
        let outcome = self.decision.outcome.as_ref();
        html! {
            p.standing {
                span.tag { (outcome.map_or("under way", |outcome| outcome.outcome.as_str())) }
                @if let Some(given) = self.verdicts.first() {
                    " " (verdict_tag(given.verdict.verdict))
                    " by " strong { (given.verdict.reviewer) } "."
                }
                @if let Some(review) = &self.decision.review {
                    @if review.open { " " span.tag.note { "review open" } }
                    " " (match review.reason {
                        Reason::Held => "Held until a person approves it, by ",
                        Reason::Routed => "Routed to people by ",
                    })
                    @for policy in &review.policies { code { (policy) } " " }
                    "since " (time(review.opened_at)) "."
                } @else { " No review was opened." }
            }
            p.to-verdict { a href="#judge" { "To the verdict" } }
        }
    }

    fn triggers(&self, policy: Option<&Policy>) -> Markup {
        let outcome = self.decision.outcome.as_ref();
        let asked = self.decision.intent.as_ref().and_then(|intent| intent.hold.as_ref());
        html! {
            section aria-labelledby="fired" {
                h2 #fired { "What fired" }
                @match outcome {
                    None => {
                        p { "The call has no outcome yet." }
                        @if let Some(hold) = asked {
                            p { "It is held by " (hold.policies.join(", ")) "." }
                        }
                    }
                    Some(outcome) if outcome.triggered.is_empty() => p { "No policy fired." },
                    Some(outcome) => table.rows {
                        caption.unseen { "Policies that fired or could not be evaluated" }
                        thead {
                            tr {
                                th scope="col" { "Policy" }
                                th scope="col" { "Result" }
                                th scope="col" { "Action" }
                                th scope="col" { "On these values" }
                            }
                        }
                        tbody {
                            @for fired in &outcome.triggered {
                                (self.trigger(policy, fired, |name| facts::value(outcome, name)))
                            }
                        }
                    },
                }
            }
        }
    }

    fn trigger(
        &self,
        policy: Option<&Policy>,
        fired: &Triggered,
        value: impl Fn(&str) -> String,
    ) -> Markup {
        let entry = policy_text::entry(policy, self.policy.unwrap_or_default(), &fired.policy);
        let observed = fired.mode.as_deref() == Some("observe");
        html! {
            tr {
                td data-label="Policy" {
                    code { (fired.policy) }
                    @if let Some(entry) = &entry {
                        " " a href=(format!("#line-{}", entry.line)) { "line " (entry.line) }
                    }
                }
                td data-label="Result" {
                    (fired.result.replace('_', " ")) " on the " (fired.phase)
                    @if let Some(failure) = &fired.failure { ": " (failure) }
                }
                td data-label="Action" {
                    (fired.action.replace('_', " ")) " "
                    @if observed { span.tag { "observed" } }
                    @else if fired.enforced { span.tag.note { "enforced" } }
                    @else { span.tag { "without effect" } }
                    @if fired.held { " " span.tag.note { "held" } }
                }
                td data-label="On these values" {
                    @match entry {
                        Some(entry) if !entry.reads.is_empty() => ul.values {
                            @for name in entry.reads {
                                li { code { (name) } " = " strong { (value(name)) } }
                            }
                        },
                        _ => "–",
                    }
                }
            }
        }
    }

    fn texts(&self) -> Markup {
        let outcome = self.decision.outcome.as_ref();
        let was = |digest: Option<&String>| self.decision.erased && digest.is_some();
        let input = outcome.and_then(|outcome| outcome.input_summary_digest.as_ref());
        let output = outcome.and_then(|outcome| outcome.output_summary_digest.as_ref());
        let text = |kept: &Option<String>, erased: bool, missing: &str| {
            html! {
                @match kept {
                    Some(text) => blockquote { (text) },
                    None if erased => p.missing { "erased" },
                    None => p.missing { (missing) },
                }
            }
        };
        html! {
            section aria-labelledby="texts" {
                h2 #texts { "Input and answer" }
                p.hint { "The starts of both, with personal data and secrets blacked out." }
                h3 { "Input" }
                (text(&self.decision.input_summary, was(input), "input not kept"))
                h3 { "Answer" }
                (text(&self.decision.output_summary, was(output), "answer not kept"))
            }
        }
    }

    fn policy(&self, policy: Option<&Policy>) -> Markup {
        let text = self.policy.unwrap_or_default();
        let outcome = self.decision.outcome.as_ref();
        let fired = outcome.map_or(&[][..], |outcome| &outcome.triggered);
        let fired = fired.iter().map(|fired| (&fired.policy, fired.result.replace('_', " ")));
        let holds = self.decision.intent.iter().flat_map(|intent| &intent.hold);
        let holds = holds.flat_map(|hold| &hold.policies).map(|name| (name, "holds".to_owned()));
        let line = |name: &str| policy_text::entry(policy, text, name).map(|entry| entry.line);
        let marked = fired.chain(holds).filter_map(|(name, result)| Some((line(name)?, result)));
        let marked: Vec<_> = marked.collect();
        html! {
            section aria-labelledby="policy" {
                h2 #policy { "The policy it was judged by" }
                p.hint { code.digest { (self.decision.policy_version) } }
                @if self.policy.is_some() {
                    @if policy.is_none() {
                        p.missing { "This build cannot read the text, so no line is marked." }
                    }
                    (policy_text::render(text, &marked))
                } @else { p.missing { "its text is not there" } }
            }
        }
    }

    fn record(&self) -> Markup {
        html! {
            section aria-labelledby="record" {
                h2 #record { "Record" }
                @if let Some(outcome) = &self.decision.outcome { (facts::render(outcome)) }
                details {
                    summary { "As it was hashed" }
                    div.code tabindex="0" role="region" aria-label="Bytes of the record" {
                        (String::from_utf8_lossy(&self.decision.record))
                    }
                }
            }
        }
    }

    fn verdict(&self, signed: &Signed) -> Markup {
        let own = signed.session.reviewer.is_caller(caller(self.decision));
        html! {
            section.verdict aria-labelledby="judge" {
                h2 #judge { "Your verdict" }
                @if own { p { "This is your own call. Somebody else must judge it." } }
                @else {
                    form method="post" action=(signed.asked.path("/verdicts")) {
                        (hidden("decision", &format!("{}:{}", self.id, self.decision.digest)))
                        (form_fields(signed, "one"))
                    }
                }
            }
        }
    }

    fn verdicts(&self) -> Markup {
        html! {
            section aria-labelledby="verdicts" {
                h2 #verdicts { "Verdicts" }
                @if self.verdicts.is_empty() { p { "Nobody has judged it." } }
                ol.verdicts {
                    @for (at, GivenVerdict { verdict, leaf }) in self.verdicts.iter().enumerate() {
                        li.superseded[at > 0] {
                            p {
                                (verdict_tag(verdict.verdict)) " by " strong { (verdict.reviewer) }
                                @if at > 0 { " " span.tag { "superseded" } }
                            }
                            @if !verdict.note.is_empty() { blockquote { (verdict.note) } }
                            p.hint {
                                (super::layout::recorded_time(&verdict.decided_at)) ", "
                                @match leaf {
                                    Some(leaf) => { "leaf " (leaf) },
                                    None => "not yet in the ledger",
                                }
                                @if verdict.shown_digest != self.decision.digest {
                                    ", of an earlier record"
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn proof(&self) -> Markup {
        html! {
            section aria-labelledby="proof" {
                h2 #proof { "Proof" }
                @match self.decision.leaf {
                    None => p { "Not yet in the ledger; that takes seconds." },
                    Some(leaf) if leaf < self.published => p {
                        "Leaf " strong { (leaf) } ", covered by the published checkpoint of "
                        (self.published) " leaves."
                    },
                    Some(leaf) => p {
                        "Leaf " strong { (leaf) } ", not yet covered by a published checkpoint."
                    },
                }
                p.hint { "SHA-256 of the record " code.digest { (self.decision.digest) } }
            }
        }
    }

    fn messages(&self) -> Markup {
        html! {
            section aria-labelledby="messages" {
                h2 #messages { "Messages" }
                @if self.decision.messages.is_empty() { p { "None was sent about it." } }
                ul.plain {
                    @for message in &self.decision.messages {
                        li {
                            strong { (message.target) } ": " (message.state)
                            @if let Some(at) = message.delivered_at { ", " (time(at)) }
                            @if message.attempts > 1 { ", " (message.attempts) " attempts" }
                            @if let Some(status) = message.last_status { ", status " (status) }
                        }
                    }
                }
            }
        }
    }

    fn neighbours(&self, signed: &Signed) -> Markup {
        html! {
            section aria-labelledby="near" {
                h2 #near { "By the same caller" }
                @if self.neighbours.is_empty() { p { "Nothing else near it." } }
                ul.plain {
                    @for near in self.neighbours {
                        li {
                            @let path = format!("/decisions/{}", near.decision_id);
                            a href=(signed.asked.path(&path)) { (time(near.created_at)) }
                            " " (near.outcome) ", " (near.model)
                            @for action in &near.actions { ", " (action.replace('_', " ")) }
                        }
                    }
                }
            }
        }
    }
}

fn verdict_tag(kind: VerdictKind) -> Markup {
    let class = match kind {
        VerdictKind::Approved => "good",
        VerdictKind::Rejected => "bad",
    };
    html! { span.tag.(class) { (kind.as_str()) } }
}
