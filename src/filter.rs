//! The filter's entry: what Envoy finds when it loads the module. Only for `target_os = "wasi"`;
//! holds no logic of its own.

mod gateway;
mod host;
mod http;
mod metrics;
mod root;

use proxy_wasm::traits::RootContext;
use proxy_wasm::types::LogLevel;

proxy_wasm::main! {{
    // Without this no `log` line reaches Envoy.
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|context| -> Box<dyn RootContext> {
        Box::new(root::Root::new(context))
    });
}}
