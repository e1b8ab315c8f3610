//! The table: what each provider states of its names, in the order in which the rules are tried.
//! Where a provider states nothing of a family, its last rule says so, with the page that does not.

mod anthropic;
mod clouds;
mod google;
mod makers;
mod openai;

use super::Rule;

/// Hosts with names of their own first, then each maker's, then what Bedrock and gateways add.
pub const TABLES: &[&[Rule]] = &[
    clouds::HOSTS,
    openai::RULES,
    anthropic::RULES,
    google::RULES,
    makers::RULES,
    clouds::BEDROCK,
    clouds::ANY,
];
