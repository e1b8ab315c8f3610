//! Stand-in until the provider readers are merged: only what policies need of them.

pub mod pinning;
