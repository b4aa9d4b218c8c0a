//! Every way to end.

use std::process::ExitCode;

/// What the program ends with; the numbers are the contract's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything was served, or the answer to the question is yes.
    Success,
    /// Something was not served, or the answer is no.
    Failure,
    /// The command line or the configuration is wrong, and nothing was done.
    Usage,
    /// The user stopped it.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Success => 0,
            Exit::Failure => 1,
            Exit::Usage => 2,
            // 128 and the number of SIGINT, as a shell reports it.
            Exit::Interrupted => 130,
        })
    }
}
