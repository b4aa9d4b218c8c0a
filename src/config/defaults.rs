//! What is shipped: `cache_config.yaml`, as its author wrote it and as the table that `build.rs`
//! made of it. Nothing here is parsed at run time.

use std::borrow::Cow;

use super::tree::Leaf;

/// The whole file, for `config init`.
pub const SHIPPED: &str = include_str!("../../cache_config.yaml");

include!(concat!(env!("OUT_DIR"), "/defaults.rs"));
