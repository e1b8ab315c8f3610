//! `governance`: the command line. Everything it does is in `governance_filter::cli`.

#[cfg(not(target_family = "wasm"))]
fn main() -> std::process::ExitCode {
    governance_filter::cli::run()
}

#[cfg(target_family = "wasm")]
fn main() {}
