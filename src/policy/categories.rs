//! Key `categories`: which names there are beside the built-in ones, where they are looked for,
//! and which is the most severe. Reads no message itself.

use crate::detect::{self, phrases::Phrases};

/// Categories that are found without being configured, most severe first.
pub const BUILT_IN: [&str; 3] = ["pii", "healthcare", "financial"];

/// Where a category can come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CategorySource {
    /// `x-ai-category` of the request.
    Header,
    /// `metadata.category` of the request's body.
    Metadata,
    /// The text of request and answer.
    Detectors,
}

/// What the policy says of categories.
#[derive(Debug)]
pub struct Categories {
    /// Most severe first. Key: `categories.order`. Default: `pii`, `healthcare`, `financial`.
    pub(super) order: Vec<String>,
    /// Their union counts. Key: `categories.from`. Default: all.
    pub(super) from: Vec<CategorySource>,
    /// The policy's own. Key: `categories.custom`.
    pub(super) custom: Phrases,
}

// === impl Categories ===

impl Categories {
    /// The same categories are found in the same places; their order does not matter.
    pub fn finds_as(&self, other: &Categories) -> bool {
        let all = |one: &Categories, in_other: &Categories| {
            one.from.iter().all(|source| in_other.from.contains(source))
        };
        all(self, other) && all(other, self) && self.custom == other.custom
    }

    /// What this source says counts.
    pub fn come_from(&self, source: CategorySource) -> bool {
        self.from.contains(&source)
    }

    /// Categories that a text falls into, as far as detectors count.
    pub fn of_text(&self, text: &str) -> Vec<String> {
        if !self.come_from(CategorySource::Detectors) {
            return Vec::new();
        }
        let found = detect::categories(text).into_iter().chain(self.custom.categories(text));
        found.map(str::to_owned).collect()
    }

    /// Most severe first, each once; what `order` does not list comes last, by its name.
    pub fn in_order(&self, names: Vec<String>) -> Vec<String> {
        let rank = |name: &String| {
            self.order.iter().position(|listed| listed == name).unwrap_or(self.order.len())
        };
        // There are few, and a sort is kilobytes of the filter.
        let mut ordered: Vec<String> = Vec::with_capacity(names.len());
        for name in names {
            let place = ordered.binary_search_by(|other| {
                rank(other).cmp(&rank(&name)).then_with(|| other.cmp(&name))
            });
            if let Err(place) = place {
                ordered.insert(place, name);
            }
        }
        ordered
    }
}

impl Default for Categories {
    fn default() -> Self {
        Categories {
            order: BUILT_IN.map(str::to_owned).to_vec(),
            from: vec![CategorySource::Header, CategorySource::Metadata, CategorySource::Detectors],
            custom: Phrases::default(),
        }
    }
}
