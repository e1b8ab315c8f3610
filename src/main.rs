//! `governance`: the command line. Everything it does is in `governance_filter::cli`.

fn main() {}
