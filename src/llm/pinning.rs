//! Whether a model's name stays with one set of weights: by each provider's own naming rules, the
//! first that matches, with the page it comes from. Knows nothing of requests or policies.

mod name;
mod rules;
#[cfg(test)]
mod tests;
mod version;

pub use name::normalise;
use name::{Host, Name};
pub use version::without_version;

/// What a name promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pinning {
    /// The provider states that it is one version and stays it.
    Pinned,
    /// The provider may point it at another version.
    Floating,
    /// No rule and no statement.
    Unknown,
}

/// What a name promises, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinningVerdict {
    /// What it promises.
    pub pinning: Pinning,
    /// The rule that matched, `provider.rule`; `none` where none did.
    pub rule: &'static str,
    /// Whose rule it is, in OpenTelemetry's GenAI words; `any` where several share it, `unknown`
    /// where no rule matched.
    pub provider: &'static str,
    /// The page that states it.
    pub source: &'static str,
}

/// A row of the table.
struct Rule {
    verdict: PinningVerdict,
    matches: fn(&Name) -> bool,
}

/// What a name is where no rule matches.
const NONE: PinningVerdict =
    PinningVerdict { pinning: Pinning::Unknown, rule: "none", provider: "unknown", source: "" };

/// What `model` promises by its name. `provider` is whose API the request speaks, in
/// OpenTelemetry's GenAI words: some names mean something only there. An Azure API knows
/// deployments, whose names promise nothing; Ollama's tags can all be moved. Every other name is
/// judged alike wherever it is sent, for gateways carry all providers' names.
pub fn pinning(model: &str, provider: Option<&str>) -> PinningVerdict {
    let Some(name) = Name::parse(model, provider) else { return NONE };
    // `ft:gpt-4o-2024-08-06:acme::8kd2`: weights of their own upon the base's.
    let base = name.plain.strip_prefix("ft:").and_then(|rest| rest.split(':').next());
    let base = base.and_then(|base| Name::parse(base, provider)).map(|base| first_match(&base));
    let pinned = base.filter(|verdict| verdict.pinning == Pinning::Pinned);
    pinned.unwrap_or_else(|| first_match(&name))
}

/// What a deployment promises of which nobody says what model it is: nothing, whatever its name.
/// `provider` is whose it is, in the same words.
pub fn deployment(name: &str, provider: &str) -> PinningVerdict {
    let host = if provider == "ibm.watsonx.ai" { Host::Watsonx } else { Host::Azure };
    let named = Name::parse(name, Some(provider)).map(|name| Name { host: Some(host), ..name });
    named.map_or(NONE, |name| first_match(&name))
}

fn first_match(name: &Name) -> PinningVerdict {
    let mut rules = rules::TABLES.iter().copied().flatten();
    rules.find(|rule| (rule.matches)(name)).map_or(NONE, |rule| rule.verdict)
}

// === impl Pinning ===

impl Pinning {
    /// The word that governance.yml, the record and the command line hold.
    pub fn as_str(self) -> &'static str {
        match self {
            Pinning::Pinned => "pinned",
            Pinning::Floating => "floating",
            Pinning::Unknown => "unknown",
        }
    }
}

// === impl Rule ===

impl Rule {
    const fn new(
        pinning: Pinning,
        rule: &'static str,
        provider: &'static str,
        source: &'static str,
        matches: fn(&Name) -> bool,
    ) -> Rule {
        Rule { verdict: PinningVerdict { pinning, rule, provider, source }, matches }
    }
}
