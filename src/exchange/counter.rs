//! What an operator watches, and by which name. Counts nothing itself.

/// What an operator watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counter {
    /// Exchanges that are inferences, or might be.
    Governed,
    /// Requests that are no inference and were passed.
    Passed,
    /// Requests refused by policy, `unreadable`, a limit or a reviewer.
    Denied,
    /// Requests refused until a person approves them.
    Held,
    /// Requests refused because their intent was not committed in time, or their hold not answered.
    IntentUncommitted,
    /// Answers withheld because their outcome was not committed in time.
    Withheld,
    /// Requests or answers let through without a commit (`on_failure: allow`).
    ReleasedUncommitted,
    /// Refusals that went out before their own record was acked.
    DenialUncommitted,
    /// Requests refused over `body_budget_mib`.
    OverBudget,
    /// Requests refused because the gateway does not hold headers.
    HoldBroken,
}

// === impl Counter ===

impl Counter {
    /// The metric's name, without the project's prefix.
    pub fn name(self) -> &'static str {
        match self {
            Counter::Governed => "exchanges_governed_total",
            Counter::Passed => "requests_passed_total",
            Counter::Denied => "requests_denied_total",
            Counter::Held => "requests_held_total",
            Counter::IntentUncommitted => "intents_uncommitted_total",
            Counter::Withheld => "answers_withheld_total",
            Counter::ReleasedUncommitted => "released_uncommitted_total",
            Counter::DenialUncommitted => "denials_uncommitted_total",
            Counter::OverBudget => "requests_over_budget_total",
            Counter::HoldBroken => "hold_broken_total",
        }
    }
}
