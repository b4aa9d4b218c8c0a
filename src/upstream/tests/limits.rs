//! Slots, pauses, retries and the breaker, as whoever asks meets them.

use futures_util::future::FutureExt as _;

use super::*;

#[tokio::test]
async fn a_refusal_is_obeyed_by_everyone_who_asks_after_it() {
    for (headers, seconds) in [("Retry-After: 120\r\n", 120), ("", 60)] {
        let server = server(vec![answer("429 Too Many Requests", headers, "")]);
        let site = site(server.address);
        let upstream = upstream();
        let first = error(ask(&upstream, &site).await);
        assert_eq!(first.kind, Kind::RateLimited);
        assert!(first.hint.unwrap().contains("asked again from"));
        let asked = ask(&upstream, &site).await;
        assert_eq!(asked.calls, 0);
        let second = error(asked);
        assert_eq!(second.kind, Kind::RateLimited);
        assert!(second.message.contains("UTC (it answered HTTP 429)"), "{second}");
        let now = upstream.reading();
        let left = upstream.ledger().paused_until("acme", &now).unwrap().since(now.wall);
        assert!(left <= Duration::from_secs(seconds) && left > Duration::from_secs(seconds - 20));
    }
}

#[tokio::test]
async fn a_full_window_is_named_and_costs_no_request() {
    let server = server(vec![good(), good()]);
    let site = Site { limits: within(&["2/1h"]), ..site(server.address) };
    let upstream = upstream();
    assert!(ask(&upstream, &site).await.outcome.is_ok());
    assert!(ask(&upstream, &site).await.outcome.is_ok());
    let asked = ask_within(&upstream, &site, PATIENT).await;
    assert_eq!(asked.calls, 0);
    let error = error(asked);
    assert_eq!(error.kind, Kind::RateLimited);
    assert!(error.message.starts_with("acme allows no more requests until "), "{error}");
    assert!(error.message.ends_with(" (the limit 2/1h is used up)"), "{error}");
}

#[tokio::test]
async fn who_can_wait_gets_the_next_slot() {
    let server = server(vec![good(), good(), good()]);
    let site = Site { limits: within(&["1/30ms"]), ..site(server.address) };
    let upstream = upstream();
    let stopwatch = Clock::system().stopwatch();
    let asked =
        futures_util::future::join_all((0..3).map(|_| ask_within(&upstream, &site, PATIENT)));
    assert!(asked.await.iter().all(|asked| asked.outcome.is_ok() && asked.calls == 1));
    assert!(stopwatch.elapsed() >= Duration::from_millis(60));
}

#[tokio::test]
async fn what_may_go_better_is_tried_again_at_most_twice() {
    let trouble = || answer("503 Service Unavailable", "", "");
    for (answers, calls, ends_well) in [
        (vec![trouble(), good()], 2, true),
        (
            vec![b"".to_vec(), b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{".to_vec(), good()],
            3,
            true,
        ),
        (vec![trouble(), trouble(), trouble(), good()], 3, false),
        (vec![answer("404 Not Found", "", ""), good()], 1, false),
        (vec![answer("200 OK", "", "<html>"), good()], 1, false),
    ] {
        let server = server(answers);
        let asked = ask_within(&upstream(), &site(server.address), PATIENT).await;
        assert_eq!((asked.calls, asked.outcome.is_ok()), (calls, ends_well), "{asked:?}");
    }
}

#[tokio::test]
async fn a_retry_is_a_call_within_the_limits() {
    let trouble = || answer("503 Service Unavailable", "", "");
    let server = server(vec![trouble(), trouble(), good()]);
    let site = Site { limits: within(&["2/1h"]), ..site(server.address) };
    let asked = ask_within(&upstream(), &site, PATIENT).await;
    assert_eq!((asked.calls, error(asked).kind), (2, Kind::Upstream), "how it failed");
}

#[tokio::test]
async fn a_refusal_is_asked_again_only_once_its_pause_is_over() {
    let moment = Duration::from_millis(500);
    for headers in ["Retry-After: 0\r\n", "Retry-After: Wed, 01 Jul 2020 15:02:00 GMT\r\n"] {
        let server = server(vec![answer("429 Too Many Requests", headers, ""), good()]);
        let (site, upstream) = (site(server.address), upstream());
        let asked = ask_within(&upstream, &site, moment).await;
        assert_eq!((asked.calls, error(asked).kind), (1, Kind::RateLimited));
        assert!(upstream.ledger().paused_until("acme", &upstream.reading()).is_some());
    }
    let banned = answer("418 I'm a teapot", "Retry-After: 120\r\n", "");
    let server = server(vec![banned, good()]);
    let asked = ask_within(&upstream(), &site(server.address), PATIENT).await;
    assert_eq!((asked.calls, error(asked).kind), (1, Kind::RateLimited));
}

#[tokio::test]
async fn five_failed_requests_open_the_breaker_and_nobody_is_asked() {
    let server = server((0..5).map(|_| answer("500 Oops", "", "")).collect());
    let (site, upstream) = (site(server.address), upstream());
    for _ in 0..5 {
        let asked = ask(&upstream, &site).await;
        assert_eq!((asked.calls, error(asked).kind), (1, Kind::Upstream));
    }
    let asked = ask(&upstream, &site).await;
    assert_eq!(asked.calls, 0);
    let error = error(asked);
    assert_eq!(error.kind, Kind::Upstream);
    assert!(error.message.contains("failed again and again"), "{error}");
}

#[tokio::test]
async fn the_one_who_probes_is_not_kept_out_by_itself() {
    let there = answer("301 Moved Permanently", "Location: /again\r\n", "");
    let server = server(vec![there, good()]);
    let (site, upstream) = (site(server.address), upstream());
    was_out(&upstream);
    let asked = ask(&upstream, &site).await;
    assert_eq!((asked.calls, asked.outcome.is_ok()), (2, true), "{asked:?}");
}

/// Somebody tries `acme`, which has been out, and says nothing more of it.
fn is_tried(upstream: &Upstream) {
    was_out(upstream);
    let limits = Limits::default();
    let call = Call {
        provider: "acme",
        endpoint: "quote",
        weight: 1,
        caller: "another",
        use_case: None,
        limits: &limits,
        budget_share: None,
        is_probe: false,
    };
    let claim = upstream.ledger().claim(&call, None, Duration::ZERO, &upstream.reading());
    assert!(matches!(claim, Claim::Started(_)), "{claim:?}");
}

#[tokio::test]
async fn a_trial_is_waited_for_no_longer_than_a_request_may_take() {
    let server = server(vec![good()]);
    let moment = Duration::from_millis(60);
    let (site, upstream) = (Site { timeout: moment, ..site(server.address) }, upstream());
    is_tried(&upstream);
    let watch = Clock::system().stopwatch();
    let asked = ask_within(&upstream, &site, Duration::from_mins(1)).await;
    assert!(watch.elapsed() >= moment);
    assert_eq!(asked.calls, 0);
    assert!(error(asked).message.contains("failed again and again: HTTP 500"));
}

/// `acme` has failed again and again, so long ago that it may be tried.
fn was_out(upstream: &Upstream) {
    let failed = Error::new(Kind::Upstream, "HTTP 500");
    let long_ago = Reading {
        wall: upstream.reading().wall - Duration::from_secs(11),
        uptime: upstream.reading().uptime.saturating_sub(Duration::from_secs(11)),
    };
    for _ in 0..5 {
        let outcome = Outcome {
            provider: "acme",
            started: long_ago.wall,
            said: Said::Failed(&failed),
            used: None,
            keys: &[],
            failed: None,
        };
        upstream.ledger().settle(&outcome, &long_ago);
    }
}

#[tokio::test]
async fn no_more_requests_are_under_way_than_concurrency_allows() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let site = Site { concurrency: 1, ..site(listener.local_addr().unwrap()) };
    std::thread::spawn(move || {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            head(&mut stream);
            listener.set_nonblocking(true).unwrap();
            assert!(
                listener.accept().is_err(),
                "a second request was sent before the first was answered"
            );
            listener.set_nonblocking(false).unwrap();
            // A connection that may be used again is raced against a new one, which would be accepted
            // here without a request of its own.
            stream.write_all(&answer("200 OK", "Connection: close\r\n", good_body())).unwrap();
        }
    });
    let upstream = upstream();
    let (first, second) = tokio::join!(ask(&upstream, &site), ask(&upstream, &site));
    assert!(first.outcome.is_ok() && second.outcome.is_ok(), "{first:?} {second:?}");
}

#[tokio::test]
async fn jobs_bound_all_providers_together_and_are_given_in_order() {
    let at = ([127, 0, 0, 1], 1).into();
    let acme = Site { concurrency: 2, ..site(at) };
    let other = Site { name: "other".to_owned(), ..acme.clone() };
    let upstream = upstream().with_jobs(Some(3));
    let permit = async |site: &Site| upstream.permit(site, &mut Patience::of(PATIENT)).await;
    let (first, second) = (permit(&acme).await, permit(&acme).await);
    // Who has to wait for its provider leaves the last job to others.
    let mut third = std::pin::pin!(permit(&acme));
    assert!(third.as_mut().now_or_never().is_none());
    let elsewhere = upstream.permit_at_once(&other).unwrap();
    assert!(upstream.permit_at_once(&other).is_none(), "three are under way");
    let mut next = std::pin::pin!(permit(&other));
    assert!(next.as_mut().now_or_never().is_none());
    drop(elsewhere);
    let next = next.await;
    assert!(third.as_mut().now_or_never().is_none());
    drop((first, next));
    let third = third.await;
    assert!(upstream.permit_at_once(&acme).is_none(), "no more of one than it takes");
    drop((second, third));
    assert!(upstream.permit_at_once(&acme).is_some());
}
