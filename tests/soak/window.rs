//! A year's window of bars, asked for after each session of a year, costs one call a session and
//! symbol, and every answer is what downloading all of it would give.

use crate::Form;
use crate::world::year;

pub fn a_years_window_costs_one_call_a_session(form: Form) -> String {
    let symbols = form.of(3, 20);
    let (sessions, calls) = year::goes_by(symbols);
    format!("{symbols} symbols, {sessions} sessions, {calls} calls, every answer as fresh")
}
