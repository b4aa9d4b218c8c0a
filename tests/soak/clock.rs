//! A clock that jumps: what is from later than now is stale, and what protects upstream goes by
//! real time.

use mcache::time::Timestamp;

use crate::Form;
use crate::crowd::answered;
use crate::processes::run;
use crate::sandbox::{NOW, Random, Run, Sandbox, Upstream, machine, numbered};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// How far a clock jumps. Never by less than a minute: it runs on while a process runs.
const JUMPS_MS: [i64; 10] = [
    MINUTE_MS,
    -MINUTE_MS,
    20 * MINUTE_MS,
    -20 * MINUTE_MS,
    70 * MINUTE_MS,
    -70 * MINUTE_MS,
    3 * DAY_MS,
    -3 * DAY_MS,
    400 * DAY_MS,
    -400 * DAY_MS,
];

/// The machine at another time.
fn at(sandbox: Sandbox, ms: i64) -> Sandbox {
    sandbox.at(&Timestamp::from_ms(ms).to_string())
}

/// A walk through time, with a model beside it: an entry is fresh for an hour from when it came,
/// and neither before that nor after it.
pub fn what_is_from_later_than_now_is_stale(form: Form) -> String {
    const SYMBOLS: usize = 3;
    let steps = form.of(60, 600);
    let upstream = numbered();
    // Its prices never move, and time passes by days: that is not what is tried here.
    let mut sandbox = machine(&upstream)
        .env("MCACHE_TTL__QUOTE__STOCK", "1h")
        .env("MCACHE_FROZEN_AFTER", "never");
    for number in 0..SYMBOLS {
        // What never closes is fresh for its hour and no longer.
        sandbox = sandbox.env(&format!("MCACHE_CALENDARS__SYMBOLS__S{number}"), "24/7");
    }
    let mut random = Random(17);
    let mut now = Timestamp::parse(NOW).unwrap().as_ms();
    let start = now;
    let mut fetched: [Option<i64>; SYMBOLS] = [None; SYMBOLS];
    let (mut hits, mut from_later) = (0, 0);
    for step in 0..steps {
        now += JUMPS_MS[random.below(JUMPS_MS.len())];
        if (now - start).abs() > 3650 * DAY_MS {
            now = start;
        }
        let number = random.below(SYMBOLS);
        let symbol = format!("S{number}");
        // Never at the very instant at which freshness begins or ends: the clock runs on.
        let is_near = |instant: i64| (now - instant).abs() < MINUTE_MS;
        if fetched[number].is_some_and(|at| is_near(at) || is_near(at + 60 * MINUTE_MS)) {
            now += 2 * MINUTE_MS;
        }
        sandbox = at(sandbox, now);
        let fresh = fetched[number].is_some_and(|at| (at..at + 60 * MINUTE_MS).contains(&now));
        from_later += usize::from(fetched[number].is_some_and(|at| at > now));
        let before = upstream.count();
        let run = run(sandbox.command(&["fetch", &symbol, "-f", "json"]));
        let asked = answered(&run, &[symbol]);
        let what = format!("step {step}: fetched at {:?}, asked at {now}", fetched[number]);
        assert_eq!(asked == 0, fresh, "{what}: {run:?}");
        assert_eq!(upstream.count() - before, asked, "{what}");
        if fresh {
            hits += 1;
        } else {
            fetched[number] = Some(now);
        }
    }
    assert!(hits > 0 && from_later > 0, "{hits} hits, {from_later} from later");
    format!(
        "{steps} runs through time, {hits} hits; {from_later} entries from later were asked anew"
    )
}

/// So many processes, each at another time and with a symbol of its own.
fn at_all_times(sandbox: Sandbox, processes: usize, mut each: impl FnMut(usize, &[String], Run)) {
    let now = Timestamp::parse(NOW).unwrap().as_ms();
    let mut sandbox = sandbox;
    for number in 0..processes {
        sandbox = at(sandbox, now + JUMPS_MS[number % JUMPS_MS.len()]);
        let symbol = [format!("S{number}")];
        let arguments = ["fetch", &symbol[0], "-f", "json", "--max-wait", "0"];
        each(number, &symbol, run(sandbox.command(&arguments)));
    }
}

pub fn limits_hold_whatever_the_programs_time(form: Form) -> String {
    const ALLOWED: usize = 5;
    let processes = form.of(12, 60);
    let upstream = numbered();
    let limited = machine(&upstream).env("MCACHE_PROVIDERS__YAHOO__LIMITS", "[5/1h]");
    at_all_times(limited, processes, |number, symbol, run| {
        let calls = upstream.count();
        assert_eq!(calls, (number + 1).min(ALLOWED), "by the process at another time: {run:?}");
        if number < ALLOWED {
            answered(&run, symbol);
        } else {
            run.fails(1, &["allows no more requests until "]);
        }
    });
    format!("{processes} processes at as many times, {ALLOWED} calls in the hour")
}

pub fn pauses_hold_whatever_the_programs_time(form: Form) -> String {
    let processes = form.of(12, 60);
    let upstream = Upstream::start(|_| {
        b"HTTP/1.1 429 X\r\nRetry-After: 3600\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            .to_vec()
    });
    at_all_times(machine(&upstream), processes, |_, _, run| {
        run.fails(1, &[]);
        assert_eq!(upstream.count(), 1, "refused for an hour, and asked again: {run:?}");
    });
    format!("{processes} processes at as many times, no call in the pause")
}
