//! Stand-in for the table of naming rules: the same signatures, a few rules. Does not know
//! providers.

/// Whether a name always means the same model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pinning {
    /// It does.
    Pinned,
    /// The provider may repoint it.
    Floating,
    /// No rule says.
    Unknown,
}

/// What a naming rule says of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinningVerdict {
    /// What the name is.
    pub pinning: Pinning,
    /// The rule that said so.
    pub rule: &'static str,
    /// Whose rule it is.
    pub provider: &'static str,
    /// The page it comes from.
    pub source: &'static str,
}

/// What the naming rules say of `model`.
pub fn pinning(model: &str) -> PinningVerdict {
    let name = normalise(model);
    let pinning = if name.ends_with("-latest") || ["gpt-4o", "o3"].contains(&name) {
        Pinning::Floating
    } else if without_version(name) != name || name.starts_with("claude-sonnet-4-6") {
        Pinning::Pinned
    } else {
        Pinning::Unknown
    };
    PinningVerdict { pinning, rule: "", provider: "", source: "" }
}

/// The provider's id without prefixes of vendors and gateways.
pub fn normalise(model: &str) -> &str {
    let model = model.strip_prefix("models/").unwrap_or(model);
    model.strip_prefix("openai/").unwrap_or(model)
}

/// The name without its date.
pub fn without_version(model: &str) -> &str {
    let Some(cut) = model.len().checked_sub(11) else { return model };
    match (model.get(..cut), model.get(cut..)) {
        (Some(name), Some(date)) if date.starts_with("-20") => name,
        _ => model,
    }
}
