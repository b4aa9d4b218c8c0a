//! Who is killed while a series is filled by several requests leaves what had come, whole: the next
//! one asks for the rest.

use mcache::market::{Adjust, Interval};
use mcache::time::Timestamp;

use crate::sandbox::{Sandbox, is_whole};
use crate::world::World;
use crate::world::stock::Stock;

const NOW: &str = "2026-07-01T15:00:17Z";

/// Four weeks of minutes, of which one request gives seven days.
const MINUTES: [&str; 6] = ["fetch", "AAPL", "-t", "bars", "-i", "1m"];

#[test]
fn a_killed_asker_leaves_the_pages_that_had_come_and_the_next_asks_for_the_others() {
    let now = Timestamp::parse(NOW).unwrap().as_ms();
    let from = ["--from", "2026-06-03"];
    let stock = || Stock { name: "AAPL", place: "NMS", holes: 50, ..Stock::default() };
    for come in 0..5 {
        let world = World::of(vec![stock()]);
        world.go_to(now);
        world.answer_at_most(come);
        let sandbox = Sandbox::new()
            .at(NOW)
            .with_provider("yahoo", world.upstream.url())
            .env("MCACHE_PROVIDERS__YAHOO__LIMITS", "[]");
        let arguments = [&MINUTES[..], &from].concat();
        let mut child = sandbox.command(&arguments).spawn().unwrap();
        // It has stored what came before it asks for more.
        world.upstream.wait_for(come + 1);
        child.kill().unwrap();
        child.wait().unwrap();
        let had_come = world.asked()[..come].to_vec();
        if come > 0 {
            assert!(is_whole(&sandbox), "{come}");
        }
        world.answer_at_most(usize::MAX);
        let answer = sandbox.json(&arguments);
        let bars = answer[0]["bars"].as_array().unwrap();
        let span = Timestamp::parse("2026-06-03T04:00:00Z").unwrap().as_ms()..now + 1;
        let fresh = stock().download(Interval::Minute1, span, now, Adjust::Splits);
        assert_eq!(bars.len(), fresh.len(), "{come}");
        for (bar, fresh) in bars.iter().zip(&fresh) {
            let time = Timestamp::parse(bar["time"].as_str().unwrap()).unwrap();
            assert_eq!(time.as_ms(), fresh.time);
            for (name, value) in [("open", fresh.open), ("close", fresh.close)] {
                assert!((bar[name].as_f64().unwrap() - value).abs() < 1e-9, "{bar} {fresh:?}");
            }
        }
        // Nothing that had come is asked for again but the bar of overlap.
        let later = world.asked()[come + 1..].to_vec();
        let end = had_come.last().map_or(i64::MIN, |asked| asked.span.end);
        let again = fresh.iter().filter(|bar| {
            bar.time < end && later.iter().any(|asked| asked.span.contains(&bar.time))
        });
        assert!(again.count() <= 1, "{come}: {had_come:?}, then {later:?}");
        assert!(later.len() <= 5 - come.min(4), "{come}: {later:?}");
        let report = sandbox.json(&["stats"]);
        assert_eq!(report["invalidations"]["restated"], serde_json::Value::Null, "{report}");
    }
}
