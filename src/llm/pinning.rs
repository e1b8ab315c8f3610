//! Whether a model's name stays with one set of weights: by each provider's own naming rules, the
//! first that matches, with the page it comes from. Knows nothing of requests or policies.

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
    /// The rule that matched.
    pub rule: &'static str,
    /// Whose rule it is; `any` where several share it.
    pub provider: &'static str,
    /// The page that states it.
    pub source: &'static str,
}

struct Rule {
    name: &'static str,
    provider: &'static str,
    pinning: Pinning,
    source: &'static str,
    matches: fn(&str) -> bool,
}

const OPENAI_MODELS: &str = "https://platform.openai.com/docs/models";
const OPENAI_FINE_TUNING: &str = "https://platform.openai.com/docs/guides/fine-tuning";
const ANTHROPIC_IDS: &str =
    "https://platform.claude.com/docs/en/about-claude/models/model-ids-and-versions";

/// The first that matches decides. A fine-tuned name is judged by its base.
const RULES: [Rule; 9] = [
    Rule {
        name: "any.latest",
        provider: "any",
        pinning: Pinning::Floating,
        source: OPENAI_MODELS,
        matches: |model| model == "latest" || model.ends_with("-latest"),
    },
    Rule {
        name: "anthropic.dated",
        provider: "anthropic",
        pinning: Pinning::Pinned,
        source: ANTHROPIC_IDS,
        matches: |model| model.starts_with("claude-") && compact_date(model).is_some(),
    },
    Rule {
        name: "anthropic.dateless",
        provider: "anthropic",
        pinning: Pinning::Pinned,
        source: ANTHROPIC_IDS,
        matches: |model| matches!(claude_version(model), Some(version) if version >= (4, 6)),
    },
    Rule {
        name: "anthropic.alias",
        provider: "anthropic",
        pinning: Pinning::Floating,
        source: ANTHROPIC_IDS,
        matches: |model| claude_version(model).is_some() || CLAUDE_ALIASES.contains(&model),
    },
    Rule {
        name: "openai.dated",
        provider: "openai",
        pinning: Pinning::Pinned,
        source: OPENAI_MODELS,
        matches: |model| is_openai(model) && dashed_date(model).is_some(),
    },
    Rule {
        name: "openai.mmdd",
        provider: "openai",
        pinning: Pinning::Pinned,
        source: OPENAI_MODELS,
        matches: |model| month_day(model).is_some(),
    },
    Rule {
        name: "openai.alias",
        provider: "openai",
        pinning: Pinning::Floating,
        source: OPENAI_MODELS,
        matches: |model| OPENAI_ALIASES.contains(&model),
    },
    Rule {
        name: "openai.fine_tuned",
        provider: "openai",
        pinning: Pinning::Unknown,
        source: OPENAI_FINE_TUNING,
        matches: |model| model.starts_with("ft:"),
    },
    Rule {
        name: "none",
        provider: "unknown",
        pinning: Pinning::Unknown,
        source: "",
        matches: |_| true,
    },
];

/// OpenAI's bare names that have a dated sibling in the official SDKs' model lists: each stands
/// for the snapshot of the day. Tiers without dated siblings are left out: nothing is stated.
const OPENAI_ALIASES: [&str; 47] = [
    "chatgpt-4o",
    "computer-use-preview",
    "gpt-3.5-turbo",
    "gpt-3.5-turbo-16k",
    "gpt-3.5-turbo-instruct",
    "gpt-4",
    "gpt-4-32k",
    "gpt-4-turbo",
    "gpt-4-turbo-preview",
    "gpt-4-vision-preview",
    "gpt-4.1",
    "gpt-4.1-mini",
    "gpt-4.1-nano",
    "gpt-4.5-preview",
    "gpt-4o",
    "gpt-4o-audio-preview",
    "gpt-4o-mini",
    "gpt-4o-mini-audio-preview",
    "gpt-4o-mini-realtime-preview",
    "gpt-4o-mini-search-preview",
    "gpt-4o-mini-transcribe",
    "gpt-4o-mini-tts",
    "gpt-4o-realtime-preview",
    "gpt-4o-search-preview",
    "gpt-5",
    "gpt-5-mini",
    "gpt-5-nano",
    "gpt-5-pro",
    "gpt-5-search-api",
    "gpt-5.1",
    "gpt-5.2",
    "gpt-5.2-pro",
    "gpt-5.4",
    "gpt-5.4-mini",
    "gpt-5.4-nano",
    "gpt-5.4-pro",
    "gpt-5.5",
    "gpt-5.5-pro",
    "gpt-5.6",
    "o1",
    "o1-mini",
    "o1-preview",
    "o1-pro",
    "o3",
    "o3-mini",
    "o3-pro",
    "o4-mini",
];

/// Words of Anthropic's own tools and the undated names of the third generation.
const CLAUDE_ALIASES: [&str; 6] =
    ["opus", "sonnet", "haiku", "claude-3-opus", "claude-3-sonnet", "claude-3-haiku"];

/// Names before a model's name that say where it runs or who made it.
const PREFIXES: [&str; 9] =
    ["models/", "openai/", "anthropic/", "us.", "eu.", "apac.", "global.", "anthropic.", "openai."];

/// What `model` promises by its name.
pub fn pinning(model: &str) -> PinningVerdict {
    let name = normalise(model);
    // `ft:gpt-4o-2024-08-06:acme::8kd2`: weights of their own upon the base's.
    let base = name.strip_prefix("ft:").and_then(|rest| rest.split(':').next());
    let base_verdict = base.map(first_match).filter(|verdict| verdict.pinning == Pinning::Pinned);
    base_verdict.unwrap_or_else(|| first_match(name))
}

/// `model` without what gateways and clouds put around a provider's name.
pub fn normalise(model: &str) -> &str {
    let mut name = model.trim();
    while let Some(rest) = PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)) {
        name = rest;
    }
    without_bedrock_revision(name)
}

/// `model` without its date or version suffix, for comparing what was served with what is
/// allowed: `gpt-4o-2024-08-06` and `gpt-4o` are then alike.
pub fn without_version(model: &str) -> &str {
    let name = without_bedrock_revision(model);
    let name = name.strip_suffix("-latest").unwrap_or(name);
    dashed_date(name).or_else(|| compact_date(name)).or_else(|| month_day(name)).unwrap_or(name)
}

fn first_match(name: &str) -> PinningVerdict {
    let rule = RULES.iter().find(|rule| (rule.matches)(name));
    rule.map_or(
        PinningVerdict { pinning: Pinning::Unknown, rule: "none", provider: "unknown", source: "" },
        |rule| PinningVerdict {
            pinning: rule.pinning,
            rule: rule.name,
            provider: rule.provider,
            source: rule.source,
        },
    )
}

/// Bedrock's own revision of a model's name, `-v1:0`. A bare `-v3` is part of a name: `deepseek-v3`
/// and `deepseek-v2` are two models.
fn without_bedrock_revision(name: &str) -> &str {
    let Some((before, revision)) = name.rsplit_once("-v") else {
        return name;
    };
    let numbers = revision.split_once(':');
    let is_revision = numbers.is_some_and(|(major, minor)| is_digits(major) && is_digits(minor));
    if is_revision { before } else { name }
}

/// Major and minor of `claude-{family}-{major}[-{minor}]`, exactly.
fn claude_version(name: &str) -> Option<(u32, u32)> {
    let mut parts = name.strip_prefix("claude-")?.split('-');
    let family = parts.next()?;
    if !["opus", "sonnet", "haiku", "fable", "mythos"].contains(&family) {
        return None;
    }
    let version = |part: &str| {
        let short = is_digits(part) && part.len() <= 2;
        if short { part.parse::<u32>().ok() } else { None }
    };
    let major = version(parts.next()?)?;
    let minor = match parts.next() {
        Some(part) => version(part)?,
        None => 0,
    };
    if parts.next().is_none() { Some((major, minor)) } else { None }
}

fn is_openai(name: &str) -> bool {
    let reasoning = name
        .strip_prefix('o')
        .is_some_and(|rest| rest.bytes().next().is_some_and(|byte| byte.is_ascii_digit()));
    let families = [
        "gpt-",
        "chatgpt-",
        "text-embedding-",
        "omni-moderation",
        "computer-use",
        "codex-",
        "babbage-",
        "davinci-",
        "dall-e-",
        "sora-",
        "tts-",
        "whisper-",
    ];
    reasoning || families.iter().any(|family| name.starts_with(family))
}

/// What stands before `-2024-08-06` at the end.
fn dashed_date(name: &str) -> Option<&str> {
    let (rest, day) = name.rsplit_once('-')?;
    let (rest, month) = rest.rsplit_once('-')?;
    let (rest, year) = rest.rsplit_once('-')?;
    (is_year(year) && is_month(month) && is_day(day)).then_some(rest)
}

/// What stands before `-20240806` or `@20240806` at the end.
fn compact_date(name: &str) -> Option<&str> {
    let (rest, date) = name.rsplit_once(['-', '@'])?;
    let (year, month, day) = (date.get(..4)?, date.get(4..6)?, date.get(6..)?);
    (is_year(year) && is_month(month) && is_day(day)).then_some(rest)
}

/// What stands before `-0613` of the older GPT names, a trailing `-preview` included.
fn month_day(name: &str) -> Option<&str> {
    let dated = name.strip_suffix("-preview").unwrap_or(name);
    let (rest, date) = dated.rsplit_once('-')?;
    let old = ["gpt-3.5-turbo", "gpt-4"].iter().any(|base| {
        rest.strip_prefix(base).is_some_and(|more| more.is_empty() || more.starts_with('-'))
    });
    let valid = date.len() == 4 && is_month(date.get(..2)?) && is_day(date.get(2..)?);
    (old && valid).then_some(rest)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_year(text: &str) -> bool {
    text.len() == 4 && is_digits(text) && text.starts_with("20")
}

fn is_month(text: &str) -> bool {
    text.len() == 2 && is_digits(text) && ("01"..="12").contains(&text)
}

fn is_day(text: &str) -> bool {
    text.len() == 2 && is_digits(text) && ("01"..="31").contains(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_promise_what_their_providers_state() {
        let cases = [
            ("gpt-4o-2024-08-06", Pinning::Pinned, "openai.dated"),
            ("openai/gpt-5.5-2026-04-23", Pinning::Pinned, "openai.dated"),
            ("ft:gpt-4o-mini-2024-07-18:acme::8kd2", Pinning::Pinned, "openai.dated"),
            ("ft:gpt-4o:acme::8kd2", Pinning::Unknown, "openai.fine_tuned"),
            ("gpt-4-0613", Pinning::Pinned, "openai.mmdd"),
            ("gpt-4-1106-preview", Pinning::Pinned, "openai.mmdd"),
            ("gpt-3.5-turbo-0125", Pinning::Pinned, "openai.mmdd"),
            ("o3-mini-2025-01-31", Pinning::Pinned, "openai.dated"),
            ("gpt-4o", Pinning::Floating, "openai.alias"),
            ("o3", Pinning::Floating, "openai.alias"),
            ("gpt-4-turbo-preview", Pinning::Floating, "openai.alias"),
            ("chatgpt-4o-latest", Pinning::Floating, "any.latest"),
            ("gpt-5.6-sol", Pinning::Unknown, "none"),
            ("claude-sonnet-4-6", Pinning::Pinned, "anthropic.dateless"),
            ("claude-opus-5-5", Pinning::Pinned, "anthropic.dateless"),
            ("claude-sonnet-5", Pinning::Pinned, "anthropic.dateless"),
            ("anthropic/claude-opus-4-6", Pinning::Pinned, "anthropic.dateless"),
            ("claude-3-5-sonnet-20241022", Pinning::Pinned, "anthropic.dated"),
            ("claude-sonnet-4@20250514", Pinning::Pinned, "anthropic.dated"),
            ("us.anthropic.claude-sonnet-4-20250514-v1:0", Pinning::Pinned, "anthropic.dated"),
            ("claude-sonnet-4-5", Pinning::Floating, "anthropic.alias"),
            ("claude-sonnet-4", Pinning::Floating, "anthropic.alias"),
            ("claude-3-5-sonnet-latest", Pinning::Floating, "any.latest"),
            ("claude-mythos-preview", Pinning::Unknown, "none"),
            ("llama3", Pinning::Unknown, "none"),
            ("", Pinning::Unknown, "none"),
        ];
        for (model, expected, rule) in cases {
            let verdict = pinning(model);
            assert_eq!((verdict.pinning, verdict.rule), (expected, rule), "{model}");
        }
    }

    #[test]
    fn names_are_alike_without_surroundings_and_versions() {
        assert_eq!(
            normalise("us.anthropic.claude-sonnet-4-20250514-v1:0"),
            "claude-sonnet-4-20250514"
        );
        assert_eq!(normalise("models/openai/gpt-4o"), "gpt-4o");
        for name in ["deepseek-v3", "deepseek-v3:", "deepseek-v3:x", "a-v1:0:1", "-v"] {
            assert_eq!((normalise(name), without_version(name)), (name, name));
        }
        let cases = [
            ("gpt-4o-2024-08-06", "gpt-4o"),
            ("gpt-4-0613", "gpt-4"),
            ("gpt-4-1106-preview", "gpt-4"),
            ("claude-3-5-sonnet-20241022", "claude-3-5-sonnet"),
            ("claude-3-5-sonnet-latest", "claude-3-5-sonnet"),
            ("claude-sonnet-4@20250514", "claude-sonnet-4"),
            ("claude-sonnet-4-6", "claude-sonnet-4-6"),
            ("gpt-4o", "gpt-4o"),
            ("2024-08-06", "2024-08-06"),
        ];
        for (model, expected) in cases {
            assert_eq!(without_version(model), expected, "{model}");
        }
    }
}
