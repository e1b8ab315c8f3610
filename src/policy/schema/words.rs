//! Words that stand for values, in the order in which a message names them.

use crate::detect;
use crate::llm::pinning::Pinning;
use crate::policy::{
    Action, CategorySource, ConfidenceSource, Floating, Mode, OnError, OnFailure, Streams,
    Unreadable,
};

pub const ACTIONS: &[(&str, Action)] = &[
    ("deny", Action::Deny),
    ("route_to_human_review", Action::RouteToHumanReview),
    ("flag_for_review", Action::FlagForReview),
    ("log", Action::Log),
];
pub const BOOLS: &[(&str, bool)] = &[("true", true), ("false", false)];
/// Whether it is watched for.
pub const DRIFT: &[(&str, bool)] = &[("flag", true), ("allow", false)];
pub const MODES: &[(&str, Mode)] = &[("enforce", Mode::Enforce), ("observe", Mode::Observe)];
pub const ON_ERROR: &[(&str, OnError)] =
    &[("default", OnError::Default), ("fire", OnError::Fire), ("skip", OnError::Skip)];
pub const FLOATING: &[(&str, Floating)] =
    &[("deny", Floating::Deny), ("flag", Floating::Flag), ("allow", Floating::Allow)];
pub const CLASSES: &[(&str, Pinning)] =
    &[("pinned", Pinning::Pinned), ("floating", Pinning::Floating), ("unknown", Pinning::Unknown)];
pub const SOURCES: &[(&str, ConfidenceSource)] = &[
    ("header", ConfidenceSource::Header),
    ("field", ConfidenceSource::Field),
    ("logprobs", ConfidenceSource::Logprobs),
];
pub const CATEGORY_SOURCES: &[(&str, CategorySource)] = &[
    ("header", CategorySource::Header),
    ("metadata", CategorySource::Metadata),
    ("detectors", CategorySource::Detectors),
];
pub const KINDS: &[(&str, detect::Kind)] = &[
    ("email", detect::Kind::Email),
    ("phone", detect::Kind::Phone),
    ("card", detect::Kind::Card),
    ("iban", detect::Kind::Iban),
    ("ssn", detect::Kind::Ssn),
    ("national_id", detect::Kind::NationalId),
    ("birth_date", detect::Kind::BirthDate),
    ("ip", detect::Kind::Ip),
    ("secret", detect::Kind::Secret),
];
pub const ON_FAILURE: &[(&str, OnFailure)] =
    &[("deny", OnFailure::Deny), ("allow", OnFailure::Allow)];
pub const STREAMS: &[(&str, Streams)] = &[("pass", Streams::Pass), ("hold", Streams::Hold)];
pub const UNREADABLE: &[(&str, Option<Unreadable>)] = &[
    ("default", None),
    ("deny", Some(Unreadable::Deny)),
    ("flag", Some(Unreadable::Flag)),
    ("allow", Some(Unreadable::Allow)),
];
