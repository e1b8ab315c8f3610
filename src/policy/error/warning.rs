//! The closed set of things that a person should look at in a governance.yml that loads, and their
//! sentences: what is so, what follows, what to do about it. Knows no positions.

use std::fmt;

use super::ValueWarning;

/// Models that a sentence names.
const NAMED_MAX: usize = 5;

/// What should be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WarningKind {
    /// Whenever it fires, a policy of the same trigger has decided as much or more.
    Shadowed { policy: String, by: String, line: usize, stronger: Option<&'static str> },
    /// A trigger that reads nothing.
    Constant { policy: String, fires: Option<bool> },
    /// A `deny` that a stream meets too late.
    LateDenial { policy: String, variable: &'static str },
    /// A policy on `confidence`, and approved models of which none is certain.
    NoConfidence {
        policy: String,
        models: Vec<String>,
        effect: UnknownConfidence,
        unless: Vec<&'static str>,
        /// `confidence.request_logprobs` could make it certain.
        can_list: bool,
    },
    /// An alias that no request can name.
    UnaskableAlias { alias: String },
    /// A pin that leads to a model which a policy refuses.
    PinRefused { alias: String, target: String, policy: String },
    /// Log probabilities of a model that no policy approves.
    LogprobsUnapproved { model: String },
    /// Log probabilities of an alias, which never reaches a provider.
    LogprobsOfAlias { alias: String, target: String },
    /// Log probabilities of a model whose API is not asked for any.
    LogprobsUnasked { model: String },
    /// Log probabilities that `confidence.from` does not read.
    LogprobsUnread,
    /// An approved model whose name no rule knows.
    UnknownName { policy: String, model: String, floating: &'static str },
    /// A time at which nothing ends.
    NothingToEnd,
    /// A written value in a policy's condition.
    Value { policy: String, problem: ValueWarning },
    /// Two lists of approved models of which each refuses what the other approves.
    NothingInCommon { policy: String, other: String, line: usize },
    /// A refusal by the request alone that waits for the answer.
    DeniesTooLate { policy: String },
    /// `hold_ttl` without `hold`.
    NothingHeld,
}

/// What a policy on `confidence` does where none is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownConfidence {
    /// It does not fire.
    Passes,
    /// It does not fire, unless by something else that it reads.
    PassesByIt,
    /// It refuses.
    Refuses,
    /// It refuses, unless something else that it reads settles it.
    RefusesByIt,
}

// === impl WarningKind ===

impl fmt::Display for WarningKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use WarningKind as W;
        match self {
            W::Shadowed { policy, by, line, stronger } => shadowed(f, policy, by, *line, *stronger),
            W::Constant { policy, fires } => {
                write!(f, "trigger of policy `{policy}` reads nothing of a call: ")?;
                f.write_str(match fires {
                    Some(true) => "it fires on every one",
                    Some(false) => "it never fires",
                    None => "it cannot be evaluated on any",
                })
            }
            W::LateDenial { policy, variable } => write!(
                f,
                "policy `{policy}` denies by `{variable}`, which is known when the answer is \
                 complete: a stream can only be cut at its end, after its text has gone out"
            ),
            W::NoConfidence { policy, models, effect, unless, can_list } => {
                no_confidence(f, policy, models, *effect, unless, *can_list)
            }
            W::UnaskableAlias { alias } => {
                write!(f, "`models.pins`: no request can ask for the alias `{alias}`")
            }
            W::PinRefused { alias, target, policy } => write!(
                f,
                "`models.pins`: every call for `{alias}` is refused, for it leads to `{target}`, \
                 which policy `{policy}` does not approve"
            ),
            W::LogprobsUnapproved { model } => {
                write!(f, "`confidence.request_logprobs`: no policy approves `{model}`")
            }
            W::LogprobsOfAlias { alias, target } => write!(
                f,
                "`confidence.request_logprobs`: `{alias}` is an alias, and its provider sees \
                 `{target}`"
            ),
            W::LogprobsUnasked { model } => write!(
                f,
                "`confidence.request_logprobs` has no effect on `{model}` through its provider's \
                 own API: only OpenAI's chat completions are asked"
            ),
            W::LogprobsUnread => write!(
                f,
                "`confidence.request_logprobs` has no effect, `confidence.from` leaves out \
                 `logprobs`"
            ),
            W::UnknownName { policy, model, floating } => write!(
                f,
                "policy `{policy}`: no rule says whether `{model}` is pinned or floating, so \
                 `models.floating: {floating}` passes it; `models.rules` can say"
            ),
            W::NothingToEnd => write!(
                f,
                "`record.on_failure_until` has no effect, only `on_failure: allow` has an end"
            ),
            W::Value { policy, problem } => write!(f, "policy `{policy}`: {problem}"),
            W::NothingInCommon { policy, other, line } => write!(
                f,
                "policies `{other}` on line {line} and `{policy}` approve no model in common: \
                 every call is refused"
            ),
            W::DeniesTooLate { policy } => write!(
                f,
                "policy `{policy}` denies by the request alone here, but is judged with the \
                 answer; split it in two, so that the request is refused before it is sent"
            ),
            W::NothingHeld => write!(f, "`hold_ttl` has no effect without `hold`"),
        }
    }
}

fn shadowed(
    f: &mut fmt::Formatter<'_>,
    policy: &str,
    by: &str,
    line: usize,
    stronger: Option<&str>,
) -> fmt::Result {
    write!(f, "policy `{policy}` changes nothing: `{by}` on line {line} has the same ")?;
    match stronger {
        Some(stronger) => write!(f, "trigger and the stronger {stronger}"),
        None => write!(f, "trigger and action"),
    }
}

fn no_confidence(
    f: &mut fmt::Formatter<'_>,
    policy: &str,
    models: &[String],
    effect: UnknownConfidence,
    unless: &[&str],
    can_list: bool,
) -> fmt::Result {
    use UnknownConfidence as U;
    let models = Models(models);
    match effect {
        U::Passes => write!(f, "policy `{policy}` can never fire for {models}")?,
        U::PassesByIt => {
            write!(f, "policy `{policy}` can never fire by `confidence` for {models}")?;
        }
        U::Refuses => write!(f, "policy `{policy}` refuses every answer of {models}")?,
        U::RefusesByIt => {
            write!(f, "policy `{policy}` refuses answers of {models} for want of a `confidence`")?;
        }
    }
    for (index, source) in unless.iter().enumerate() {
        let before = match index {
            0 => " unless",
            _ if index + 1 == unless.len() => " or",
            _ => ",",
        };
        let source = match *source {
            "header" => "the provider sends an `x-ai-confidence` header",
            "field" => "the answer is JSON with a field `confidence`",
            _ => "the client asks for token probabilities",
        };
        write!(f, "{before} {source}")?;
    }
    f.write_str("; ")?;
    if can_list {
        f.write_str("list it in `confidence.request_logprobs`, or ")?;
    }
    let word = if matches!(effect, U::Passes | U::PassesByIt) { "fire" } else { "skip" };
    write!(f, "set `on_error: {word}`")
}

/// `` `a`, `b` and 3 more ``.
struct Models<'a>(&'a [String]);

impl fmt::Display for Models<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = if self.0.len() > NAMED_MAX { NAMED_MAX - 1 } else { NAMED_MAX };
        for (index, model) in self.0.iter().take(named).enumerate() {
            let before = if index == 0 { "" } else { ", " };
            write!(f, "{before}`{model}`")?;
        }
        match self.0.len().saturating_sub(named) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}
