//! What the configuration says of endpoints, found when somebody asks for it.
//!
//! It refuses to know them all: a shipped configuration has many, and whoever reads an entry needs
//! those of one. What was found once is kept, so whoever looks at every entry asks once for each.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::ttl::{Keep, Lasting};
use super::use_case::Priority;

/// What the configuration says of one endpoint of a provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointRule {
    /// How long what it gives is fresh, with the configuration key that says so.
    pub lasting: Option<(Lasting, Box<str>)>,
    /// How long what it gave is kept after it has gone stale.
    pub keep: Option<Keep>,
    /// What comes first of it, if that is not by what it is for.
    pub priority: Option<Priority>,
    /// The number of what it is defined as; 0 is the default definition.
    pub definition: u64,
    /// Whether its bars come without splits and dividends.
    pub is_silent: bool,
}

/// Finds what is said of an endpoint by its provider and its name; none if nothing is.
type Find = dyn Fn(&str, &str) -> Option<EndpointRule> + Send + Sync;

/// What is said of every endpoint.
#[derive(Clone, Default)]
pub struct Endpoints {
    find: Option<Arc<Find>>,
    found: Arc<Mutex<Vec<Found>>>,
}

/// An endpoint that was asked for: its provider, its name, and what is said of it.
type Found = (Box<str>, Box<str>, Option<Arc<EndpointRule>>);

impl Endpoints {
    /// Those that this finds.
    pub fn new(find: impl Fn(&str, &str) -> Option<EndpointRule> + Send + Sync + 'static) -> Self {
        Self { find: Some(Arc::new(find)), found: Arc::default() }
    }

    /// What is said of an endpoint of a provider.
    pub fn of(&self, provider: &str, name: &str) -> Option<Arc<EndpointRule>> {
        let find = self.find.as_ref()?;
        // It is whole between any two statements: a panic elsewhere is no reason to give it up.
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let known = found.iter().find(|(of, called, _)| **called == *name && **of == *provider);
        if let Some((_, _, rule)) = known {
            return rule.clone();
        }
        let rule = find(provider, name).map(Arc::new);
        found.push((provider.into(), name.into(), rule.clone()));
        rule
    }
}

impl fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoints").field("found", &self.found).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn what_is_said_of_an_endpoint_is_looked_for_once() {
        let looked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&looked);
        let endpoints = Endpoints::new(move |provider, name| {
            counted.fetch_add(1, Ordering::Relaxed);
            let definition = name.len() as u64;
            (provider == "acme").then(|| EndpointRule { definition, ..EndpointRule::default() })
        });
        for _ in 0..3 {
            assert_eq!(endpoints.of("acme", "map").map(|rule| rule.definition), Some(3));
            assert_eq!(endpoints.clone().of("acme", "ticker").map(|rule| rule.definition), Some(6));
            assert_eq!(endpoints.of("yahoo", "map"), None);
        }
        assert_eq!(looked.load(Ordering::Relaxed), 3);
        assert_eq!(Endpoints::default().of("acme", "map"), None);
    }
}
