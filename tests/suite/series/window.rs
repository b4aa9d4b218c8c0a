//! Who keeps a year's window asks once a session for what is new, and for nothing else.

use crate::world::year;

#[test]
fn a_years_window_costs_one_call_a_session_and_symbol() {
    let (sessions, calls) = year::goes_by(3);
    assert_eq!((sessions, calls), (251, 3 * 251));
}
