//! Any calls at any windows, against what is right by counting one by one.

use proptest::prelude::*;

use super::*;

/// Whether some stretch of a window holds more than it may, by weight.
fn is_overfull(window: Window, calls: &[(i64, u32)]) -> bool {
    let apart = i64::try_from(window.apart().as_millis()).unwrap();
    calls.iter().any(|(first, _)| {
        let inside = calls.iter().filter(|(at, _)| (*first..*first + apart).contains(at));
        inside.map(|(_, weight)| weight.min(&window.calls)).sum::<u32>() > window.calls
    })
}

/// The first millisecond, tried one by one, at which a call fits beside these, which started or
/// were promised; the later ones among them may come to wait longer.
fn slow_earliest(windows: &[Window], calls: &[(i64, u32)], weight: u32, now: i64) -> i64 {
    (now..now + 1_000_000)
        .find(|instant| {
            windows.iter().all(|window| {
                let apart = i64::try_from(window.apart().as_millis()).unwrap();
                let near = calls.iter().filter(|(at, _)| at <= instant && *at > instant - apart);
                near.map(|(_, w)| w).sum::<u32>() + weight.min(window.calls) <= window.calls
            })
        })
        .unwrap()
}

#[derive(Clone, Debug)]
enum Step {
    Pass(i64),
    /// A call of this weight.
    Claim(u32),
    /// The waiter at this place, if its time has come.
    Come(usize),
    /// The waiter at this place gives up.
    Forgo(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0_i64..80).prop_map(Step::Pass),
        4 => (1_u32..4).prop_map(Step::Claim),
        5 => (0_usize..4).prop_map(Step::Come),
        1 => (0_usize..4).prop_map(Step::Forgo),
    ];
    prop::collection::vec(step, 1..60)
}

fn any_windows() -> impl Strategy<Value = Vec<Window>> {
    let window = (1_u32..6, 1_u64..120)
        .prop_map(|(calls, ms)| Window { calls, stretch: Duration::from_millis(ms) });
    prop::collection::vec(window, 1..3)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_stretch_of_any_window_holds_more_than_it_may_and_nobody_waits_in_vain(
        windows in any_windows(),
        steps in steps(),
    ) {
        let ledger = Ledger::at(None);
        let limits = Limits::of(&windows);
        let mut now = 0;
        let mut started: Vec<(i64, u32)> = Vec::new();
        let mut waiting: Vec<(Ticket, u32)> = Vec::new();
        for step in steps {
            match step {
                Step::Pass(ms) => now += ms,
                Step::Claim(weight) => {
                    let mut known = started.clone();
                    known.extend(waiting.iter().map(|(ticket, weight)| {
                        ((ticket.at.as_ms() - START).max(now), *weight)
                    }));
                    let expected = slow_earliest(&windows, &known, weight, now);
                    match ledger.claim(&Call { weight, ..call(&limits) }, None, PATIENT, &at(now)) {
                        Claim::Started(_) => {
                            prop_assert_eq!(expected, now);
                            started.push((now, weight));
                        }
                        Claim::Promised(ticket) => {
                            prop_assert_eq!(ticket.at.as_ms() - START, expected);
                            waiting.push((ticket, weight));
                        }
                        Claim::Refused(refusal) => panic!("{refusal:?}"),
                    }
                }
                Step::Come(index) if index < waiting.len() && waiting[index].0.at <= at(now).wall => {
                    let (ticket, weight) = waiting.remove(index);
                    let fits = slow_earliest(&windows, &started, weight, now) == now;
                    match ledger.claim(&Call { weight, ..call(&limits) }, Some(&ticket), PATIENT, &at(now)) {
                        Claim::Started(_) => started.push((now, weight)),
                        Claim::Promised(ticket) => {
                            prop_assert!(!fits);
                            waiting.push((ticket, weight));
                        }
                        Claim::Refused(refusal) => panic!("{refusal:?}"),
                    }
                }
                Step::Forgo(index) if index < waiting.len() => {
                    ledger.forgo(&waiting.remove(index).0, &at(now));
                }
                Step::Come(_) | Step::Forgo(_) => {}
            }
            for window in &windows {
                prop_assert!(!is_overfull(*window, &started));
            }
        }
    }

}

proptest! {
    // Each case makes three thousand calls.
    #![proptest_config(ProptestConfig::with_cases(3))]

    #[test]
    fn merged_calls_are_a_little_stricter_and_never_laxer(
        gaps in prop::collection::vec(0_i64..120, 3000..3100),
    ) {
        let window = Window { calls: 1500, stretch: Duration::from_mins(1) };
        let limits = Limits::of(&[window]);
        let ledger = Ledger::at(None);
        let (mut now, mut started) = (0, Vec::new());
        for gap in gaps {
            now += gap;
            if is_started(&ledger.claim(&call(&limits), None, NONE, &at(now))) {
                started.push((now, 1));
            } else {
                // A sixtieth of the stretch is what merging may cost.
                let lax = Window { stretch: Duration::from_secs(61), ..window };
                prop_assert!(slow_earliest(&[lax], &started, 1, now) > now);
            }
        }
        let apart = i64::try_from(window.apart().as_millis()).unwrap();
        for pair in started.windows(1501) {
            prop_assert!(pair[1500].0 - pair[0].0 >= apart);
        }
        let standing = ledger.standing(&call(&limits), &at(now)).unwrap();
        prop_assert!(standing.windows[0].leaves.len() < 1200);
    }
}
