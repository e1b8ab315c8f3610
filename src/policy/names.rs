//! What the policy makes of a model's name: its own naming rules before the providers', and the
//! model that stands behind a deployment.

use std::collections::BTreeMap;

use super::glob::Glob;
use crate::facts::RequestFacts;
use crate::llm::pinning::{self, Pinning, PinningVerdict, normalise};

/// What a model's name promises, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameVerdict<'a> {
    /// What it promises.
    pub pinning: Pinning,
    /// The rule that matched: `openai.dated`; `models.rules[0]` for one of the policy's own.
    pub rule: &'a str,
    /// Whose rule it is, in OpenTelemetry's GenAI words; `policy` for one of its own.
    pub provider: &'a str,
    /// The page that states it; empty for one of the policy's own.
    pub source: &'a str,
    /// Where a rule of the policy's own stands in its file.
    pub line: Option<usize>,
}

/// Whom a request asks, after any pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked<'a> {
    /// A model by its name.
    Model(&'a str),
    /// A deployment, and the model it is by `models.deployments`.
    Deployed { deployment: &'a str, model: &'a str },
    /// A deployment of which nobody says what it is.
    Unmapped { deployment: &'a str },
}

/// `models.rules` and `models.deployments`.
#[derive(Debug, Default)]
pub struct Names {
    pub rules: Vec<NameRule>,
    pub deployments: BTreeMap<String, String>,
}

/// An entry of `models.rules`.
#[derive(Debug)]
pub struct NameRule {
    /// `models.rules[0]`.
    pub name: String,
    pub line: usize,
    pub pattern: Glob,
    pub class: Pinning,
}

// === impl NameVerdict ===

impl From<PinningVerdict> for NameVerdict<'_> {
    fn from(verdict: PinningVerdict) -> Self {
        let PinningVerdict { pinning, rule, provider, source } = verdict;
        NameVerdict { pinning, rule, provider, source, line: None }
    }
}

// === impl Names ===

impl Names {
    /// What a model's name promises: by the policy's own rules, then by the provider's.
    pub fn judge(&self, model: &str, provider: Option<&str>) -> NameVerdict<'_> {
        let plain = normalise(model);
        let own = self.rules.iter().find(|rule| {
            rule.pattern.matches(model) || (plain != model && rule.pattern.matches(&plain))
        });
        if let Some(rule) = own {
            return NameVerdict {
                pinning: rule.class,
                rule: &rule.name,
                provider: "policy",
                source: "",
                line: Some(rule.line),
            };
        }
        pinning::pinning(model, provider).into()
    }

    /// What the model behind a deployment promises by its name. The deployment's own name promises
    /// nothing, whatever rule it would match.
    pub fn judge_deployment(&self, deployment: &str, provider: &str) -> NameVerdict<'_> {
        match self.deployments.get(deployment) {
            Some(model) => self.judge(model, None),
            None => pinning::deployment(deployment, provider).into(),
        }
    }

    /// What that promises which a request asks for.
    pub fn judge_asked(&self, asked: Asked, provider: &str) -> NameVerdict<'_> {
        match asked {
            Asked::Model(model) => self.judge(model, Some(provider)),
            Asked::Deployed { deployment, .. } | Asked::Unmapped { deployment } => {
                self.judge_deployment(deployment, provider)
            }
        }
    }

    /// Whom `request` asks; `None` where it names nobody.
    pub fn asked<'a>(&'a self, request: &'a RequestFacts) -> Option<Asked<'a>> {
        Some(self.named(request, request.model.as_deref()?))
    }

    /// Whom `request` asks, and then all whom it lets be asked in that one's place.
    pub fn all_asked<'a>(
        &'a self,
        request: &'a RequestFacts,
    ) -> impl Iterator<Item = Option<Asked<'a>>> {
        let fallbacks = request.fallback_models.iter().map(|name| self.named(request, name));
        std::iter::once(self.asked(request)).chain(fallbacks.map(Some))
    }

    fn named<'a>(&'a self, request: &RequestFacts, name: &'a str) -> Asked<'a> {
        let may_deploy = request.deployment || request.may_deploy;
        match self.deployments.get(name).filter(|_| may_deploy) {
            Some(model) => Asked::Deployed { deployment: name, model },
            None if request.deployment => Asked::Unmapped { deployment: name },
            None => Asked::Model(name),
        }
    }
}
