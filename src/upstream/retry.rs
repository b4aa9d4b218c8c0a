//! Whether a request that failed is worth another try, and after which pause.
//!
//! Only what may go better a moment later is tried again: a broken connection, a torn answer, a
//! server that says it has trouble. Every request here is a GET, so none does anything twice. A
//! connection that could not be made at all is not tried again: whoever is offline wants the stale
//! answer now.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

/// At most so many tries after the first (contract, section 4).
const MOST_RETRIES: u32 = 2;

/// The longest pause before the first retry; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// What may come of asking again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// Nothing better.
    No,
    /// Something better a moment later.
    Soon,
    /// Something better once the pause is over that upstream asked for, which whoever claims the
    /// next call waits for.
    AfterPause,
}

impl Again {
    /// What a server's status says about asking it again.
    pub(super) fn after_status(status: u16) -> Self {
        match status {
            408 | 500 | 502..=504 | 520..=524 => Self::Soon,
            _ => Self::No,
        }
    }

    /// The pause before the retry that comes after so many, if there is one: a random part of what
    /// doubles each time (full jitter), so that those who failed together do not come back together.
    pub(super) fn pause(self, retries: u32) -> Option<Duration> {
        match self {
            _ if retries >= MOST_RETRIES => None,
            Self::No => None,
            Self::Soon => Some((FIRST_PAUSE * (1 << retries)).mul_f64(random())),
            Self::AfterPause => Some(Duration::ZERO),
        }
    }
}

/// A number from 0 to 1: the standard library seeds every hasher of a process anew.
fn random() -> f64 {
    f64::from(u32::try_from(RandomState::new().build_hasher().finish() >> 32).unwrap_or(0))
        / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_two_retries_with_a_random_pause_that_doubles() {
        for (retries, most) in [(0, 200), (1, 400)] {
            let pauses: Vec<_> = (0..50).map(|_| Again::Soon.pause(retries).unwrap()).collect();
            assert!(pauses.iter().all(|pause| *pause <= Duration::from_millis(most)));
            assert!(pauses.iter().any(|pause| *pause != pauses[0]), "those who failed together");
        }
        assert_eq!(Again::Soon.pause(2), None);
        assert_eq!(Again::No.pause(0), None);
        assert_eq!(Again::AfterPause.pause(1), Some(Duration::ZERO));
        assert_eq!(Again::AfterPause.pause(2), None);
    }

    #[test]
    fn only_what_may_go_better_is_tried_again() {
        for (status, again) in [
            (500, Again::Soon),
            (503, Again::Soon),
            (501, Again::No),
            (404, Again::No),
            (401, Again::No),
            (200, Again::No),
        ] {
            assert_eq!(Again::after_status(status), again, "{status}");
        }
    }
}
