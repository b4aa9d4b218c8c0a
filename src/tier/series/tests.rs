//! What series promise: bars come back as they were put, whatever the order.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;

use proptest::prelude::*;

use super::settle::{Sizes, settle_by};
use super::*;
use crate::codec::Damage;
use crate::market::{Bar, Dividend, HeldDividend, HeldSplit, Interval, Split};

impl Head {
    /// Puts bars that were fetched together into the head: the first so many of them are final, the
    /// first so many have ended. They take the place of what `recent` holds of their time; bars that
    /// were not final go where later ones are. Chunks stay as they are: see [`settle`].
    pub fn put(&mut self, bars: &Bars, basis_ms: i64, finals: usize, ended: usize) {
        let ended = ended.min(bars.len());
        let finals = finals.min(ended);
        let new = Stretch::new(bars.clone(), &[Run { bars: bars.len(), basis_ms }]);
        let old = Stretch::new(std::mem::take(&mut self.recent), &self.runs);
        let settled = new.slice(0..finals).over(&old.slice(0..self.finals));
        // What stood at the end and was not said again is not true any more, nor is what is older than
        // a final bar: it would be final too.
        let newest = settled.bars.times.last().copied().max(self.chunks.last().map(|c| c.last_ms));
        let told = bars.times.first().zip(bars.times.last());
        let is_open = |ms: i64| {
            newest.is_none_or(|newest| ms > newest)
                && told.is_none_or(|(first, last)| ms < *first || ms > *last)
        };
        let kept: Vec<usize> =
            (self.finals..old.len()).filter(|at| is_open(old.bars.times[*at])).collect();
        let had_ended: Vec<i64> = kept
            .iter()
            .filter(|at| **at < self.ended)
            .map(|at| old.bars.times[*at])
            .chain(bars.times[finals..ended].iter().copied())
            .collect();
        let tail =
            kept.iter().fold(Stretch::default(), |tail, at| old.slice(*at..at + 1).over(&tail));
        let later = new.slice(finals..new.len());
        let from = newest.map_or(0, |newest| later.bars.times.partition_point(|ms| *ms <= newest));
        let tail = later.slice(from..later.len()).over(&tail);
        let last_ended = had_ended.into_iter().max();
        let tail_ended =
            last_ended.map_or(0, |last| tail.bars.times.partition_point(|ms| *ms <= last));
        self.finals = settled.len();
        self.ended = self.finals + tail_ended;
        let all = tail.over(&settled);
        self.runs = all.runs();
        self.recent = all.bars;
    }
}

const DAY: i64 = 86_400_000;

/// The bar of a day that this number stands for: each is unlike every other.
fn bar(day: i64) -> Bar {
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let price = 100.0 + day as f64 / 100.0;
    Bar {
        time: day * DAY + 52_200_000,
        day: i32::try_from(day).ok(),
        open: price,
        high: price + 1.5,
        low: if day % 50 == 0 { f64::NAN } else { price - 1.25 },
        close: price + 0.1 + 0.2,
        volume: 1e6,
        adjusted: price,
    }
}

fn bars(days: impl IntoIterator<Item = i64>) -> Bars {
    let mut bars = Bars::default();
    days.into_iter().for_each(|day| bars.push(bar(day)));
    bars
}

/// A head with its chunks, kept as the disk keeps them.
#[derive(Default)]
struct Kept {
    body: Vec<u8>,
    chunks: HashMap<i64, Vec<u8>>,
    /// How many chunks were written so far.
    written: usize,
}

impl Kept {
    fn head(&self) -> Head {
        if self.body.is_empty() { Head::default() } else { Head::from_body(&self.body).unwrap() }
    }

    fn load(&self, refs: &[ChunkRef]) -> Vec<Bars> {
        refs.iter().map(|at| at.open(&self.chunks[&at.id]).unwrap()).collect()
    }

    fn put(&mut self, stretch: &Bars, basis_ms: i64, finals: usize, ended: usize, sizes: Sizes) {
        let mut head = self.head();
        head.put(stretch, basis_ms, finals, ended);
        let new = settle_by::<Infallible>(&mut head, sizes, &mut |refs| Ok(self.load(refs)));
        for Chunk { at, sealed } in new.unwrap() {
            assert!(at.bars() <= sizes.chunk, "{} bars", at.bars());
            self.chunks.insert(at.id, sealed);
            self.written += 1;
        }
        let named = |id: &i64| head.chunks.iter().any(|at| at.id == *id);
        self.chunks.retain(|id, _| named(id));
        assert_eq!(self.chunks.len(), head.chunks.len(), "every chunk is there");
        assert!(head.finals <= sizes.recent);
        self.body = head.to_body();
        assert_eq!(self.head(), head);
    }

    fn read(&self, span_ms: std::ops::Range<i64>) -> Read {
        let head = self.head();
        let refs = head.within(span_ms.start, span_ms.end);
        let chunks: Vec<_> = refs.iter().cloned().zip(self.load(refs)).collect();
        head.read(span_ms, &chunks)
    }

    fn read_all(&self) -> Read {
        self.read(i64::MIN..i64::MAX)
    }
}

fn bases(read: &Read) -> Vec<i64> {
    let runs = read.runs.iter();
    runs.flat_map(|run| std::iter::repeat_n(run.basis_ms, run.bars)).collect()
}

proptest! {
    #[test]
    fn stretches_of_final_bars_in_any_order_are_read_as_their_union(
        stretches in proptest::collection::vec((0_i64..400, 1_i64..60), 1..40),
        recent in 1_usize..12,
        chunk in 2_usize..30,
        window in (0_i64..460, 0_i64..100),
    ) {
        let sizes = Sizes { recent, chunk };
        let mut kept = Kept::default();
        let mut model: BTreeMap<i64, i64> = BTreeMap::new();
        for (basis, (from, length)) in (1_i64..).zip(&stretches) {
            let days = *from..*from + *length;
            kept.put(&bars(days.clone()), basis, days.clone().count(), days.clone().count(), sizes);
            model.extend(days.map(|day| (day, basis)));
            let read = kept.read_all();
            prop_assert_eq!(&read.bars, &bars(model.keys().copied()));
            prop_assert_eq!(bases(&read), model.values().copied().collect::<Vec<_>>());
            prop_assert_eq!((read.finals, read.ended), (model.len(), model.len()));
        }
        let (from, to) = (window.0, window.0 + window.1);
        let read = kept.read(bar(from).time..bar(to).time);
        prop_assert_eq!(read.bars, bars(model.range(from..to).map(|(day, _)| *day)));
        // No crumbs: of two neighbours at most one is not half full.
        prop_assert!(kept.head().chunks.len() <= 4 * (model.len() / chunk + 1) + stretches.len());
    }

    #[test]
    fn bytes_that_are_no_head_never_panic(
        cut in 0_usize..2000, flips in proptest::collection::vec((0_usize..2000, any::<u8>()), 0..4),
    ) {
        let mut body = full().to_body();
        for (at, with) in flips {
            let at = at % body.len();
            body[at] = with;
        }
        body.truncate(cut.max(4));
        if let Ok(head) = Head::from_body(&body) {
            head.read(i64::MIN..i64::MAX, &[]);
            prop_assert!(Head::from_body(&head.to_body()).is_ok());
        }
        let _ = Head::directory(&body);
    }
}

/// A head with something of everything.
fn full() -> Head {
    let at = Timestamp::from_ms;
    let mut head = Head {
        currency: Some("USD".to_owned()),
        exchange: Some("NMS".to_owned()),
        first_trade_ms: Some(345_479_400_000),
        actions_at: Some(at(1_782_918_000_123)),
        chunks: (0..4)
            .map(|n| ChunkRef {
                first_ms: n * 1_000 * DAY,
                last_ms: (n * 1_000 + 999) * DAY,
                id: n.wrapping_mul(0x1234_5678_9abc_def1),
                runs: vec![Run { bars: 7, basis_ms: n }, Run { bars: 1_253, basis_ms: 5 }],
            })
            .collect(),
        ..Head::default()
    };
    let spans = [(0, 4_000, 5), (4_000, 4_100, 7), (5_000, 6_000, 3)];
    for (from, to, fetched) in spans {
        let span = Span::new(at(from * DAY), at(to * DAY)).unwrap();
        head.coverage.learn(span, &[from * DAY + 1], at(fetched));
    }
    for n in 0..80 {
        let dividend = Dividend {
            at_ms: i64::from(n) * 90 * DAY,
            day: n * 90,
            amount: 0.22 + f64::from(n) / 7.0,
            is_capital_gain: n % 9 == 0,
        };
        let factor = (n % 5 > 0).then_some(0.995);
        head.actions.dividends.push(HeldDividend { dividend, factor, fetched_ms: 1_000 });
        if n % 20 == 0 {
            let split =
                Split { at_ms: i64::from(n) * DAY, day: n, numerator: 4.0, denominator: 1.0 };
            head.actions.splits.push(HeldSplit { split, fetched_ms: -5 });
        }
    }
    head.put(&bars(6_000..6_070), 1_782_918_000_000, 64, 69);
    head
}

#[test]
fn a_head_reads_back_as_it_was_written() {
    for head in [Head::default(), full()] {
        let body = head.to_body();
        assert!(Head::is_head(&body));
        assert_eq!(Head::from_body(&body), Ok(head.clone()));
        assert_eq!(Head::directory(&body), Ok(head.chunks));
    }
}

#[test]
fn bytes_that_are_no_head_are_damage() {
    let head = full();
    let body = head.to_body();
    for length in 0..body.len() - 1 {
        assert_eq!(Head::from_body(&body[..length]), Err(Damage), "cut to {length}");
    }
    assert!(!Head::is_head(b"{\"a\":1}"));
    let chunk = |first_ms, last_ms, bars| ChunkRef {
        first_ms,
        last_ms,
        id: 0,
        runs: vec![Run { bars, basis_ms: 0 }],
    };
    let with = |chunks: Vec<ChunkRef>| Head { chunks, ..head.clone() };
    for (case, bad) in [
        ("an overlap", with(vec![chunk(0, 5, 1), chunk(5, 6, 1)])),
        ("out of order", with(vec![chunk(10, 15, 1), chunk(5, 6, 1)])),
        ("the end before the start", with(vec![chunk(7, 5, 1)])),
        ("an empty chunk", with(vec![chunk(0, 5, 0)])),
        ("too many final bars", Head { finals: 71, ended: 71, ..head.clone() }),
        ("final bars that have not ended", Head { ended: 3, ..head.clone() }),
        ("runs of other bars", Head { runs: vec![Run { bars: 3, basis_ms: 0 }], ..head.clone() }),
    ] {
        assert_eq!(Head::from_body(&bad.to_body()), Err(Damage), "{case}");
    }
}

#[test]
fn a_bar_more_at_the_live_edge_touches_no_chunk() {
    let sizes = Sizes { recent: MOST_RECENT, chunk: most_bars(Interval::Day1) };
    let mut kept = Kept::default();
    kept.put(&bars(0..3_000), 1, 3_000, 3_000, sizes);
    let at = |n: usize| kept_bars(&kept, n);
    assert_eq!([at(0), at(1), at(2)], [1_260, 1_260, 479], "the last bar stays in the head");
    assert_eq!(kept.written, 3);
    for day in 3_000..3_127 {
        kept.put(&bars([day]), day, 1, 1, sizes);
    }
    assert_eq!(kept.written, 3);
    kept.put(&bars([3_127]), 3_127, 1, 1, sizes);
    assert_eq!(kept.written, 4, "the last one is written anew, with 128 more");
    assert_eq!(kept_bars(&kept, 2), 479 + 128);
    assert_eq!(kept.read_all().bars, bars(0..3_128));
}

fn kept_bars(kept: &Kept, chunk: usize) -> usize {
    kept.head().chunks[chunk].bars()
}

#[test]
fn history_that_is_filled_backwards_a_little_at_a_time_ends_in_no_crumbs() {
    let sizes = Sizes { recent: 128, chunk: 1_260 };
    let mut kept = Kept::default();
    for from in (0..50).rev() {
        kept.put(&bars(from * 100..from * 100 + 100), 1, 100, 100, sizes);
    }
    assert_eq!(kept.read_all().bars, bars(0..5_000));
    assert!(kept.head().chunks.len() <= 8, "{} chunks", kept.head().chunks.len());
}

#[test]
fn what_was_not_final_gives_way_to_what_is_said_later() {
    let sizes = Sizes { recent: 128, chunk: 1_260 };
    let mut kept = Kept::default();
    // Days 0 to 7 are final, 8 and 9 have ended, 10 is live.
    kept.put(&bars(0..11), 1, 8, 10, sizes);
    let read = kept.read_all();
    assert_eq!((read.bars.len(), read.finals, read.ended), (11, 8, 10));
    // Day 9 is final now, and was not said of 8: it was no session after all.
    kept.put(&bars([7, 9, 10, 11]), 2, 2, 3, sizes);
    let read = kept.read_all();
    assert_eq!(read.bars, bars([0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11]));
    assert_eq!((read.finals, read.ended), (9, 10));
    assert_eq!(bases(&read), [1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2]);
    // History comes in behind what is there, and the tail stays.
    kept.put(&bars(-5..-2), 3, 3, 3, sizes);
    let read = kept.read_all();
    assert_eq!(read.bars.times[..3], bars(-5..-2).times);
    assert_eq!((read.bars.len(), read.finals, read.ended), (14, 12, 13));
    // Of a part, both counts are of that part.
    let part = kept.read(bar(9).time..bar(11).time);
    assert_eq!((part.bars, part.finals, part.ended), (bars([9, 10]), 1, 2));
}

#[test]
fn a_chunk_that_is_forgotten_is_not_known_any_more() {
    let mut head = full();
    let chunk = head.chunks[1].clone();
    assert!(head.forget(chunk.id));
    assert!(!head.forget(chunk.id));
    assert_eq!(head.chunks.len(), 3);
    let at = Timestamp::from_ms;
    let known = |ms: i64| head.coverage.rows().iter().any(|row| row.span.contains(at(ms)));
    assert!(!known(chunk.first_ms) && !known(chunk.last_ms));
    assert!(known(chunk.first_ms - 1) && known(chunk.last_ms + 1));
    assert_eq!(head.actions, full().actions);
}

#[test]
fn bytes_of_another_chunk_are_refused() {
    let runs = |bars| vec![Run { bars, basis_ms: 0 }];
    let Chunk { at, sealed } = Chunk::seal(&bars(0..30), runs(30)).unwrap();
    let other = Chunk::seal(&bars(1..31), runs(30)).unwrap();
    assert_eq!(at.open(&sealed), Ok(bars(0..30)));
    assert_eq!(open(&sealed), Ok((bars(0..30), runs(30))));
    assert_eq!(at.open(&other.sealed), Err(Damage));
    assert_eq!(at.open(&sealed[..sealed.len() - 1]), Err(Damage));
    assert_eq!(at.open(&[]), Err(Damage));
    assert_eq!(Chunk::seal(&Bars::default(), Vec::new()), None);
}
