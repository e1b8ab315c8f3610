//! `log-collector`: the command line of the service.

fn main() {}
