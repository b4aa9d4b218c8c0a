//! The ledger as a whole: against a slow, obvious model, and over real files.

mod book;
mod budgets;
mod model;
mod trouble;
mod windows;

use super::*;

const PATIENT: Duration = Duration::from_secs(1_000_000);
const NONE: Duration = Duration::ZERO;

/// Some afternoon, so that no instant of a test lies before 1970.
const START: i64 = 1_782_918_000_000;

/// Both clocks at this many milliseconds after the start.
fn at(ms: i64) -> Reading {
    Reading {
        wall: Timestamp::from_ms(START + ms),
        uptime: Duration::from_millis(3_600_000 + ms.unsigned_abs()),
    }
}

fn windows(texts: &[&str]) -> Limits {
    Limits::of(&texts.iter().map(|text| Window::parse(text).unwrap()).collect::<Vec<_>>())
}

fn call(limits: &Limits) -> Call<'_> {
    Call {
        provider: "acme",
        endpoint: "quote",
        weight: 1,
        caller: "me",
        use_case: None,
        limits,
        budget_share: None,
        is_probe: false,
    }
}

fn is_started(claim: &Claim) -> bool {
    matches!(claim, Claim::Started(_))
}

/// The instant that was promised, in milliseconds after the start.
fn promised(claim: Claim) -> i64 {
    match claim {
        Claim::Promised(ticket) => ticket.at.as_ms() - START,
        other => panic!("no promise: {other:?}"),
    }
}

fn refused(claim: Claim) -> Refusal {
    match claim {
        Claim::Refused(refusal) => refusal,
        other => panic!("no refusal: {other:?}"),
    }
}

fn answered(said: Said<'_>) -> Outcome<'_> {
    Outcome { provider: "acme", started: at(0).wall, said, used: None, keys: &[], failed: None }
}
