//! Definitions that were made already: a command asks for the same one again and again.
//!
//! They are made of layers that no longer change; a copy of those, which may be changed, holds none.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::provider::http::Definition;

/// The definitions of providers by name.
#[derive(Debug, Default)]
pub(in crate::config) struct Made(Mutex<BTreeMap<Box<str>, Arc<Definition>>>);

impl Clone for Made {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Made {
    /// The definition of a provider, if it was made.
    pub(in crate::config) fn get(&self, provider: &str) -> Option<Arc<Definition>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(provider).map(Arc::clone)
    }

    /// The definition of a provider, made the first time.
    pub(in crate::config) fn or_make(
        &self,
        provider: &str,
        make: impl FnOnce() -> Definition,
    ) -> Arc<Definition> {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(made.entry(provider.into()).or_insert_with(|| Arc::new(make())))
    }
}
