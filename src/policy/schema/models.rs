//! The part `models` of governance.yml: floating names, pins, deployments, naming rules. What they
//! mean to each other is left to `compile`.

use super::{File, ModelRule, Pin, Reader, keys, words};
use crate::policy::error::At;
use crate::policy::yaml::Node;

/// Most pins: every one is judged by every rule when the file is loaded.
const PINS_MAX: usize = 2_000;

/// Most naming rules of a policy's own: every name is tried by each.
const RULES_MAX: usize = 200;

impl Reader<'_, '_> {
    pub fn models(&mut self, node: &Node, file: &mut File) {
        for (key, _, value) in self.mapping(node, "models", keys::MODELS) {
            match key {
                "floating" => {
                    if let Some(word) = self.word(value, "models.floating", words::FLOATING) {
                        file.floating = word;
                    }
                }
                "pins" => {
                    let pins = self.names(value, "models.pins");
                    for (alias, target, at) in self.at_most(value, "models.pins", &pins, PINS_MAX) {
                        let (alias, target) = (alias.clone(), target.clone());
                        file.pins.push(Pin { alias, target, at: *at });
                    }
                }
                "deployments" => {
                    for (deployment, model, _) in self.names(value, "models.deployments") {
                        file.deployments.insert(deployment, model);
                    }
                }
                "drift" => self.drift(value),
                "candidates" => self.candidates(value),
                "rules" => {
                    let rules = self.list(value, "models.rules");
                    let rules = self.at_most(value, "models.rules", rules, RULES_MAX);
                    file.model_rules =
                        rules.iter().filter_map(|rule| self.model_rule(rule)).collect();
                }
                _ => {}
            }
        }
    }

    /// A mapping of the writer's own names to models' names, and where each of these stands.
    fn names(&mut self, node: &Node, key: &str) -> Vec<(String, String, At)> {
        let mut names = Vec::new();
        for (own, value) in self.any_mapping(node, key) {
            if let Some(model) = self.text(value, key, keys::MODEL_MAX) {
                names.push((own, model, value.at));
            }
        }
        names
    }

    fn model_rule(&mut self, node: &Node) -> Option<ModelRule> {
        let (mut pattern, mut class) = (None, None);
        for (key, _, value) in self.mapping(node, "models.rules", keys::MODEL_RULE) {
            match key {
                "match" => pattern = self.source(value, "match"),
                "class" => class = self.word(value, "class", words::CLASSES),
                _ => {}
            }
        }
        self.need(node, "models.rules", keys::MODEL_RULE);
        Some(ModelRule { pattern: pattern?, class: class? })
    }
}
