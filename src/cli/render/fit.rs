//! Which arguments go with which target: one that would have no effect is refused, for whoever
//! gives it expects it to have one.

use clap::ArgMatches;
use clap::error::ErrorKind;
use clap::parser::ValueSource;

use super::Target::{self, Envoy, EnvoyGateway, Istio};

/// Arguments that not every target has.
const ARGUMENTS: &[(&str, &[Target])] = &[
    ("upstream", &[Envoy]),
    ("listen", &[Envoy]),
    ("admin", &[Envoy]),
    ("node_id", &[Envoy]),
    ("module", &[Envoy]),
    ("ecds_file", &[Envoy]),
    ("ca_bundle", &[Envoy]),
    ("image", &[Istio, EnvoyGateway]),
    ("sha256", &[Istio, EnvoyGateway]),
    ("namespace", &[Istio, EnvoyGateway]),
    ("gateway", &[Istio, EnvoyGateway]),
    ("selector", &[Istio]),
    ("listener", &[EnvoyGateway]),
];

/// What is wrong with arguments that are well-formed one by one.
pub(super) fn misfit(target: Target, given: &ArgMatches) -> Option<(ErrorKind, String)> {
    let is_given = |name: &str| given.value_source(name) == Some(ValueSource::CommandLine);
    let other = ARGUMENTS.iter().find(|(name, of)| !of.contains(&target) && is_given(name));
    if let Some((name, of)) = other {
        let name = name.replace('_', "-");
        let of: Vec<&str> = of.iter().map(|target| target.as_str()).collect();
        let target = target.as_str();
        let of = of.join(" and ");
        let told = format!("--{name} has no effect with --target {target}; it is for {of}");
        return Some((ErrorKind::ArgumentConflict, told));
    }
    let named = is_given("gateway") || is_given("selector");
    (target == Istio && !named).then(|| {
        let told = "--target istio needs --gateway NAME, or --selector KEY=VALUE instead of it";
        (ErrorKind::MissingRequiredArgument, told.to_owned())
    })
}
