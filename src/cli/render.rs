//! `governance render`: what an operator applies to a gateway, with the policy's text inside. It
//! writes files; it talks to no gateway and no cluster.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{ArgMatches, ValueEnum};

use super::CliError;
use super::check;
use super::envoy::{self, HostPort, Upstream, Values};
use super::terminal::Terminal;

mod argument;
mod fit;
mod manifest;

use manifest::Manifest;

/// The end of `governance render --help`.
pub(crate) const EXAMPLES: &str = "\
envoy          envoy.yaml and ecds.json, the file with the filter and the policy that Envoy watches
istio          envoy-filter.yaml, an EnvoyFilter
envoy-gateway  envoy-patch-policy.yaml and envoy-extension-policy.yaml, to be applied together

The policy travels as one string, so that its SHA-256, its version in every record, survives.
envoy/README.md says how each is applied, verified and rolled back.

Exit status: 0 rendered; 1 the policy cannot be read or does not load, or a file cannot be written;
2 the arguments are wrong.

Examples:
  governance render --target envoy --upstream https://api.openai.com --output /etc/governance
  governance render --target istio --image registry.example/governance-filter:v0.1.0 \\
    --gateway llm --namespace istio-ingress | kubectl apply -f -
  governance render --target envoy-gateway --image registry.example/governance-filter:v0.1.0 \\
    --gateway llm --namespace llm --output manifests";

/// The end of an image's name that nobody has: the committed examples have it.
const PLACEHOLDER: &str = "OWNER";

/// The files of a plain Envoy.
const ENVOY: &str = "envoy.yaml";
const ECDS: &str = "ecds.json";

/// What `governance render` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Which gateway
    #[arg(long, value_enum)]
    target: Target,
    /// The policy file
    #[arg(long, value_name = "FILE", default_value = "governance.yml")]
    policy: PathBuf,
    /// Write the files into this folder instead of printing them
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// The collector, as the gateway reaches it [default: 127.0.0.1:9080 for envoy, else
    /// log-collector.governance.svc.cluster.local:9080]
    #[arg(long, value_name = "HOST:PORT", value_parser = argument::host_port)]
    collector: Option<HostPort>,
    #[command(flatten)]
    envoy: EnvoyOptions,
    #[command(flatten)]
    kubernetes: KubernetesOptions,
}

/// What only a plain Envoy needs to know.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "For --target envoy")]
struct EnvoyOptions {
    /// The provider, such as https://api.openai.com
    #[arg(long, value_name = "URL", value_parser = argument::upstream,
        required_if_eq("target", "envoy"))]
    upstream: Option<Upstream>,
    /// Where applications send their calls
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:10000")]
    listen: SocketAddr,
    /// Envoy's admin interface
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9901")]
    admin: SocketAddr,
    /// This gateway's name in the records
    #[arg(long, value_name = "NAME", default_value = "governance", value_parser = argument::plain)]
    node_id: String,
    /// The filter, where Envoy finds it
    #[arg(long, value_name = "FILE", default_value = "/etc/governance/governance_filter.wasm",
        value_parser = argument::plain)]
    module: String,
    /// ecds.json, where Envoy finds it
    #[arg(long, value_name = "FILE", default_value = "/etc/governance/ecds.json",
        value_parser = argument::plain)]
    ecds_file: String,
    /// The system's CA certificates, where Envoy finds them
    #[arg(long, value_name = "FILE", default_value = "/etc/ssl/certs/ca-certificates.crt",
        value_parser = argument::plain)]
    ca_bundle: String,
}

/// What only a gateway in Kubernetes needs to know.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "For --target istio and envoy-gateway")]
struct KubernetesOptions {
    /// The filter's OCI image, by tag or digest
    #[arg(long, value_parser = argument::image,
        required_if_eq_any([("target", "istio"), ("target", "envoy-gateway")]))]
    image: Option<String>,
    /// The image's digest, which is then checked [default: unchecked]
    #[arg(long, value_name = "HEX", value_parser = argument::sha256)]
    sha256: Option<String>,
    /// Where the gateway and its manifests are
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = argument::name)]
    namespace: String,
    /// The Gateway (Gateway API) that is governed
    #[arg(long, value_name = "NAME", value_parser = argument::name,
        required_if_eq("target", "envoy-gateway"), conflicts_with = "selector")]
    gateway: Option<String>,
    /// Istio without the Gateway API: the label of the gateway's pods, such as istio=ingressgateway
    #[arg(long, value_name = "KEY=VALUE", value_parser = argument::label)]
    selector: Option<(String, String)>,
    /// Envoy Gateway: Envoy's own name of the listener [default: NAMESPACE/GATEWAY/http]
    #[arg(long, value_name = "NAME", value_parser = argument::plain)]
    listener: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Target {
    /// Envoy with a configuration of its own
    Envoy,
    /// A gateway of Istio's
    Istio,
    /// Envoy Gateway
    EnvoyGateway,
}

// === impl Target ===

impl Target {
    /// As it is written after `--target`.
    fn as_str(self) -> &'static str {
        match self {
            Target::Envoy => "envoy",
            Target::Istio => "istio",
            Target::EnvoyGateway => "envoy-gateway",
        }
    }
}

/// Ends the program with status 2 where an argument is another target's, or one is missing.
pub(crate) fn fit(options: &Options, given: &ArgMatches, command: &mut clap::Command) {
    if let Some((kind, told)) = fit::misfit(options.target, given) {
        command.error(kind, told).exit();
    }
}

/// Prints or writes the manifests.
pub(crate) fn run(options: &Options) -> Result<ExitCode, CliError> {
    let (text, policy) = check::load(&options.policy)?;
    let variables = envoy::variables(&policy);
    let version = policy.version();
    let policy = manifest::Policy { text: &text, version, variables: &variables };
    let manifests = match options.target {
        Target::Envoy => plain(options, &policy)?,
        Target::Istio => istio(options, &policy)?,
        Target::EnvoyGateway => envoy_gateway(options, &policy)?,
    };
    let terminal = Terminal::new();
    match &options.output {
        Some(folder) => {
            write(&terminal, folder, &manifests)?;
            let read = &options.envoy.ecds_file;
            if options.target == Target::Envoy && folder.join(ECDS) != Path::new(read) {
                terminal.step(&format!("{ENVOY} reads {ECDS} as {read}; --ecds-file changes that"));
            }
        }
        None => print(&terminal, &manifests),
    }
    let image = options.kubernetes.image.as_deref().unwrap_or_default();
    if image.split('/').any(|part| part == PLACEHOLDER) {
        terminal.warn(&format!("replace {PLACEHOLDER} in `{image}` before this is applied"));
    }
    Ok(ExitCode::SUCCESS)
}

fn plain(options: &Options, policy: &manifest::Policy) -> Result<Vec<Manifest>, CliError> {
    let given = &options.envoy;
    // The arguments are refused without it.
    let missing = || CliError::Argument {
        name: "--upstream",
        given: String::new(),
        expected: "the provider's address",
    };
    let upstream = given.upstream.as_ref().ok_or_else(missing)?;
    let local = HostPort { host: "127.0.0.1".to_owned(), port: 9080 };
    let config = envoy::render(&Values {
        node_id: &given.node_id,
        listen: given.listen,
        admin: given.admin,
        upstream,
        collector: options.collector.as_ref().unwrap_or(&local),
        ca_bundle: Path::new(&given.ca_bundle),
        ecds_file: Path::new(&given.ecds_file),
    })?;
    let resource = envoy::filter_resource(policy.text, Path::new(&given.module));
    Ok(vec![Manifest { file: ENVOY, text: config }, Manifest { file: ECDS, text: resource }])
}

fn istio(options: &Options, policy: &manifest::Policy) -> Result<Vec<Manifest>, CliError> {
    let given = &options.kubernetes;
    let target = match &given.selector {
        Some((key, value)) => manifest::Target::Pods(key, value),
        None => manifest::Target::Gateway(given.gateway.as_deref().unwrap_or_default()),
    };
    let filter = manifest::envoy_filter(policy, &gateway(options), &target)?;
    Ok(vec![filter])
}

fn envoy_gateway(options: &Options, policy: &manifest::Policy) -> Result<Vec<Manifest>, CliError> {
    let given = &options.kubernetes;
    let name = given.gateway.as_deref().unwrap_or_default();
    let listener = match &given.listener {
        Some(listener) => listener.clone(),
        None => format!("{}/{name}/http", given.namespace),
    };
    let gateway = gateway(options);
    Ok(vec![
        manifest::envoy_patch_policy(&gateway, name, &listener)?,
        manifest::envoy_extension_policy(policy, &gateway, name)?,
    ])
}

fn gateway(options: &Options) -> manifest::Gateway<'_> {
    let given = &options.kubernetes;
    let service =
        || HostPort { host: "log-collector.governance.svc.cluster.local".to_owned(), port: 9080 };
    manifest::Gateway {
        namespace: &given.namespace,
        image: given.image.as_deref().unwrap_or_default(),
        sha256: given.sha256.as_deref(),
        collector: options.collector.clone().unwrap_or_else(service),
    }
}

/// One stream of documents, each headed by the name that `--output` would give it.
fn print(terminal: &Terminal, manifests: &[Manifest]) {
    let documents = manifests.iter().map(|Manifest { file, text }| format!("# {file}\n{text}"));
    terminal.result(documents.collect::<Vec<_>>().join("---\n").trim_end());
}

fn write(terminal: &Terminal, folder: &Path, manifests: &[Manifest]) -> Result<(), CliError> {
    std::fs::create_dir_all(folder).map_err(CliError::file("make the folder", folder))?;
    for Manifest { file, text } in manifests {
        let (path, next) = (folder.join(file), folder.join(format!("{file}.next")));
        std::fs::write(&next, text).map_err(CliError::file("write", &next))?;
        // Envoy may be watching the file: it must never see half of one.
        std::fs::rename(&next, &path).map_err(CliError::file("replace", &path))?;
        terminal.step(&format!("wrote {}", path.display()));
    }
    Ok(())
}
