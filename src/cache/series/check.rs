//! Final bars, compared with what upstream says of them now: a few of them, in a few requests, within
//! the same limits as any other. Nothing that comes is kept.

use std::time::Duration;

use super::past::as_of;
use crate::cache::fly::{name, unsupported};
use crate::cache::{Cache, Interrupted, Question};
use crate::db::tally::Tally;
use crate::error::{Error, Kind};
use crate::market::{Actions, Adjust, Change, Interval, Page, Reach, Run, adjust, differing};
use crate::policy::Terms;
use crate::provider::Piece;
use crate::span::Span;
use crate::tier::series::Stretch;
use crate::time::Timestamp;
use crate::upstream::{Asking, Given, Patience, Site};

/// How many bars are compared at most.
const MOST_BARS: usize = 20;

/// How many requests are made for it at most.
const MOST_CALLS: usize = 3;

/// What comparing has come to.
#[derive(Clone, Debug)]
pub struct Verified {
    /// What was compared, or why nothing could be.
    pub outcome: Result<Checked, Error>,
    /// The requests that it cost.
    pub calls: u32,
}

/// Final bars that were compared with upstream.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Who was asked.
    pub provider: Box<str>,
    /// How many bars were compared.
    pub bars: usize,
    /// How many final bars are held of the span.
    pub of: usize,
    /// What differs: what is held, and what upstream says.
    pub changes: Vec<Change>,
}

/// Final bars of a span as they are held.
struct Sample {
    finals: Stretch,
    actions: Actions,
    /// The bars that are compared, by the request that asks for them.
    requests: Vec<Vec<usize>>,
    /// Whether the last of them may go on up to now, and so hears of every split since.
    is_open: bool,
}

impl Cache {
    /// Compares a few final bars, spread over the part that a question asks for, with upstream. It
    /// never changes what is held.
    pub fn verify_bars(&self, question: &Question, terms: &Terms) -> Result<Verified, Interrupted> {
        let nothing = |error: Error| Ok(Verified { outcome: Err(error), calls: 0 });
        if terms.offline {
            let error = Error::new(Kind::Offline, "--offline asks nobody, and --verify has to");
            return nothing(error.hint("leave one of both away"));
        }
        let Some(provider) = question.providers.first() else {
            return nothing(unsupported(question));
        };
        let site = (self.sites)(provider);
        let sample = match self.sample(question, &site) {
            Ok(sample) => sample,
            Err(error) => return nothing(error),
        };
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                let failed = Error::new(Kind::Unreachable, "the network cannot be used");
                return nothing(failed.caused_by(error));
            }
        };
        let result = runtime.block_on(async {
            tokio::select! {
                verified = self.compare(question, terms, &site, &sample) => Ok(verified),
                _ = tokio::signal::ctrl_c() => Err(Interrupted),
            }
        });
        runtime.shutdown_background();
        self.say_mishaps();
        result
    }

    /// The bars that are compared.
    fn sample(&self, question: &Question, site: &Site) -> Result<Sample, Error> {
        let now = self.clock.now();
        let slice = question.slice.clone().unwrap_or_default();
        let interval = slice.stored();
        let charts = site.speech.provider().charts();
        let reach = charts.and_then(|charts| charts.reach(&question.symbol, interval));
        let reach = reach.ok_or_else(|| unsupported(question))?;
        let asked = as_of(question, now);
        let part = self.then(&asked, now, None)?.found.part;
        let head = part.map(|part| part.head).unwrap_or_default();
        let actions = self.actions(&asked, &slice, &site.name, &head);
        let finals = Stretch::new(head.recent, &head.runs).slice(0..head.finals);
        let requests = requests(&finals.bars.times, interval, reach, now);
        if requests.is_empty() {
            let name = &site.name;
            let message = format!("{name} has no final bars any more of those that are held");
            return Err(Error::new(Kind::Unsupported, message)
                .hint("say a later --from, or a longer --interval"));
        }
        let start = requests.last().and_then(|places| places.first());
        let start = start.map(|place| Timestamp::from_ms(finals.bars.times[*place]));
        let is_open = start.is_some_and(|start| now.since(start) < reach.longest(interval));
        Ok(Sample { finals, actions, requests, is_open })
    }

    /// Asks for what is compared, and compares it.
    async fn compare(
        &self,
        question: &Question,
        terms: &Terms,
        site: &Site,
        sample: &Sample,
    ) -> Verified {
        let mut patience = Patience::of(terms.max_wait);
        let permit = self.upstream.permit(site, &mut patience).await;
        let name = name(question);
        let slice = question.slice.clone().unwrap_or_default();
        let (mut came, mut calls) = (Vec::new(), 0);
        for span in sample.spans(self.clock.now()) {
            let piece = Piece { interval: slice.stored(), span, session: slice.session };
            let asking = Asking { piece: Some(piece), ..self.asking(question, site, &name, terms) };
            let asked = self.upstream.ask(&asking, &permit, &mut patience).await;
            let at = self.clock.now() - asked.latency;
            calls += asked.calls;
            let mut tally = Tally::default();
            self.count_asking(&mut tally, &name, &asked);
            self.store(&mut [], &tally, &[]);
            match asked.outcome {
                Ok(Given::Page(page)) => came.push((*page, span, at)),
                Ok(_) => return Verified { outcome: Err(unsupported(question)), calls },
                Err(error) => return Verified { outcome: Err(error), calls },
            }
        }
        let checked = sample.compared(&came, &site.name, self.clock.now());
        Verified { outcome: Ok(checked), calls }
    }
}

impl Sample {
    /// What is asked for.
    fn spans(&self, now: Timestamp) -> Vec<Span> {
        let time = |place: &usize| Timestamp::from_ms(self.finals.bars.times[*place]);
        let span = |(number, places): (usize, &Vec<usize>)| {
            let (first, last) = (time(places.first()?), time(places.last()?));
            let is_open = self.is_open && number + 1 == self.requests.len();
            let last = if is_open { last.max(now) } else { last };
            Span::new(first, last + Duration::from_millis(1))
        };
        self.requests.iter().enumerate().filter_map(span).collect()
    }

    /// What differs between what is held and what came, both of the shares of now.
    fn compared(
        &self,
        came: &[(Page, Span, Timestamp)],
        provider: &str,
        now: Timestamp,
    ) -> Checked {
        let mut actions = self.actions.clone();
        for (page, span, at) in came {
            let span_ms = span.start().as_ms()..span.end().as_ms();
            actions.learn(&page.events, span_ms, at.as_ms(), &|_| None);
        }
        let mut changes = Vec::new();
        for (places, (page, _, at)) in self.requests.iter().zip(came) {
            let mut held = Stretch::default();
            for place in places {
                held = self.finals.slice(*place..place + 1).over(&held);
            }
            let mut bars = held.bars.clone();
            adjust(&mut bars, &held.runs(), &actions, Adjust::Splits, now.as_ms());
            let mut again = page.bars.clone();
            let runs = [Run { bars: again.len(), basis_ms: at.as_ms() }];
            adjust(&mut again, &runs, &actions, Adjust::Splits, now.as_ms());
            changes.extend(differing(&bars, &again));
        }
        let bars = self.requests.iter().map(Vec::len).sum();
        Checked { provider: provider.into(), bars, of: self.finals.len(), changes }
    }
}

/// Which bars are compared, by the request that asks for them: spread over all that can be had still,
/// in one request if that holds all, else in a few that are spread themselves.
fn requests(times: &[i64], interval: Interval, reach: Reach, now: Timestamp) -> Vec<Vec<usize>> {
    // A minute more, so that it can be had still when it is asked for.
    let oldest = reach.back.map(|back| now - back + Duration::from_mins(1)).max(reach.since);
    let from = times.partition_point(|time| oldest.is_some_and(|oldest| *time < oldest.as_ms()));
    let times = &times[from..];
    let (Some(first), Some(last)) = (times.first(), times.last()) else { return Vec::new() };
    let longest = i64::try_from(reach.longest(interval).as_millis()).unwrap_or(i64::MAX).max(1);
    let all = last - first + 1;
    let count = usize::try_from((all - 1) / longest + 1).unwrap_or(usize::MAX).min(MOST_CALLS);
    let steps = i64::try_from(count.max(2) - 1).unwrap_or(1);
    (0..count)
        .zip(0_i64..)
        .map(|(_, number)| {
            let start = first + (all - longest.min(all)).saturating_mul(number) / steps;
            let begin = times.partition_point(|time| *time < start);
            let end = times.partition_point(|time| *time - start < longest);
            let most = MOST_BARS / count;
            spread(end - begin, most).into_iter().map(|place| from + begin + place).collect()
        })
        .filter(|places: &Vec<usize>| !places.is_empty())
        .collect()
}

/// At most so many of so many places, the first and the last among them.
fn spread(of: usize, most: usize) -> Vec<usize> {
    if of <= most {
        return (0..of).collect();
    }
    (0..most).map(|number| number * (of - 1) / (most - 1).max(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    #[test]
    fn all_is_asked_for_at_once_where_that_can_be() {
        let times: Vec<i64> = (0..5040).map(|day| day * 86_400_000).collect();
        let now = Timestamp::from_ms(5041 * 86_400_000);
        let asked = requests(&times, Interval::Day1, Reach::default(), now);
        assert_eq!(asked.len(), 1);
        assert_eq!((asked[0].len(), asked[0][0], asked[0][19]), (20, 0, 5039));
        assert_eq!(requests(&times[..7], Interval::Day1, Reach::default(), now)[0].len(), 7);
        assert!(requests(&[], Interval::Day1, Reach::default(), now).is_empty());
    }

    #[test]
    fn few_requests_are_spread_over_what_can_be_had_still() {
        let times: Vec<i64> = (0..50_000).map(|minute| minute * MINUTE).collect();
        let now = Timestamp::from_ms(50_000 * MINUTE);
        let reach =
            Reach { rows: Some(1000), back: Some(Duration::from_mins(20_000)), ..Reach::default() };
        let asked = requests(&times, Interval::Minute1, reach, now);
        assert_eq!(asked.iter().map(Vec::len).collect::<Vec<_>>(), [6, 6, 6]);
        for places in &asked {
            assert!(times[places[5]] - times[places[0]] < 1000 * MINUTE, "{places:?}");
        }
        assert_eq!((asked[0][0], asked[2][5]), (30_001, 49_999));
        let near = Reach { back: Some(Duration::from_mins(1)), ..reach };
        assert!(requests(&times, Interval::Minute1, near, now).is_empty());
    }
}
