//! The part `models` of governance.yml: floating names, pins, deployments, naming rules. What they
//! mean to each other is left to `compile`.

use super::{File, ModelRule, Pin, Reader, keys, words};
use crate::policy::error::{At, ProblemKind};
use crate::policy::yaml::{Data, Node};

impl Reader<'_, '_> {
    pub fn models(&mut self, node: &Node, file: &mut File) {
        for (key, _, value) in self.mapping(node, "models", keys::MODELS) {
            match key {
                "floating" => {
                    if let Some(word) = self.word(value, "models.floating", words::FLOATING, &[]) {
                        file.floating = word;
                    }
                }
                "pins" => {
                    for (alias, target, at) in self.names(value, "models.pins") {
                        file.pins.push(Pin { alias, target, at });
                    }
                }
                "deployments" => {
                    for (deployment, model, _) in self.names(value, "models.deployments") {
                        file.deployments.insert(deployment, model);
                    }
                }
                "rules" => {
                    let rules = self.list(value, "models.rules");
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
                "class" => class = self.word(value, "class", words::CLASSES, &[]),
                _ => {}
            }
        }
        if matches!(node.data, Data::Mapping(_)) {
            let required = keys::MODEL_RULE.iter().filter(|key| key.required);
            for key in required.map(|key| key.name) {
                if node.value_of(key).is_none() {
                    let entry = "models.rules";
                    self.problems.add(node.at, ProblemKind::MissingKey { entry, key });
                }
            }
        }
        Some(ModelRule { pattern: pattern?, class: class? })
    }
}
