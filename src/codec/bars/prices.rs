//! Prices and volumes of bars: each as how far it is from what the others let expect. It knows how a
//! bar is made, and nothing of what a price may be.

use super::scale::Scale;
use super::stream::{Reader, Writer};
use crate::codec::Damage;
use crate::market::Bars;

/// What is said of a column before it: its values follow, there are none, they are the closes.
const THERE: u8 = 0;
const MISSING: u8 = 1;
const AS_CLOSE: u8 = 2;
/// Beside the first: some of its values stand beside it as they are.
const ODD_ONES: u8 = 4;

/// Integers of a column, none where a value stands beside it as it is.
type Places = Vec<Option<i64>>;

/// The integers of a bar after the columns that tell them: from the close before to the open, from
/// there to the close, and how far the high is above both and the low below.
struct Told {
    gaps: Vec<i64>,
    moves: Vec<i64>,
    above: Vec<i64>,
    below: Vec<i64>,
}

pub(super) fn write(bars: &Bars, to: &mut Writer) {
    let columns = [&bars.open[..], &bars.close, &bars.high, &bars.low];
    let scale = Scale::of(&columns, to.effort());
    scale.write(to);
    let places = columns.map(|column| {
        let closes = (!std::ptr::eq(column, &raw const bars.close[..])).then_some(&bars.close[..]);
        write_places(column, closes, scale, to)
    });
    let (first, told) = tell(&places, bars.len());
    to.signed(first);
    let told = [told.gaps, told.moves, told.above, told.below];
    for (_, told) in places.iter().zip(told).filter(|(places, _)| places.is_some()) {
        to.integers(&told);
    }
    let scale = Scale::of(&[&bars.volume], to.effort());
    scale.write(to);
    if let Some(places) = write_places(&bars.volume, None, scale, to) {
        let mut before = 0;
        let volumes: Vec<i64> = places
            .into_iter()
            .map(|place| {
                before = place.unwrap_or(before);
                before
            })
            .collect();
        to.integers(&volumes);
    }
    let scale = Scale::of(&[&bars.adjusted], to.effort());
    scale.write(to);
    if let Some(places) = write_places(&bars.adjusted, Some(&bars.close), scale, to) {
        let mut surprises = Vec::with_capacity(bars.len());
        let mut places = places.into_iter();
        Factor::follow(scale, &bars.close, |expected| {
            let place = places.next().flatten();
            let surprise = place.map_or(0, |place| place.wrapping_sub(expected));
            surprises.push(surprise);
            surprise
        });
        to.integers(&surprises);
    }
}

pub(super) fn read(bars: &mut Bars, count: usize, from: &mut Reader<'_>) -> Result<(), Damage> {
    let scale = Scale::read(from)?;
    let mut kinds = Vec::with_capacity(4);
    for _ in 0..4 {
        kinds.push(Kind::read(count, from)?);
    }
    let first = from.signed()?;
    let mut columns = Vec::with_capacity(4);
    for kind in &kinds {
        columns.push(if kind.is_there() { from.integers(count)? } else { vec![0; count] });
    }
    let Ok::<[_; 4], _>([gaps, moves, above, below]) = columns.try_into() else {
        return Err(Damage);
    };
    let mut told = Told { gaps, moves, above, below };
    retell(first, &mut told);
    let Ok::<[_; 4], _>([open, close, high, low]) = kinds.try_into() else {
        return Err(Damage);
    };
    bars.close = close.values(&told.moves, scale, &[])?;
    bars.open = open.values(&told.gaps, scale, &bars.close)?;
    bars.high = high.values(&told.above, scale, &bars.close)?;
    bars.low = low.values(&told.below, scale, &bars.close)?;
    let scale = Scale::read(from)?;
    let kind = Kind::read(count, from)?;
    let volumes = if kind.is_there() { from.integers(count)? } else { Vec::new() };
    bars.volume = kind.values(&volumes, scale, &[])?;
    let scale = Scale::read(from)?;
    let kind = Kind::read(count, from)?;
    let mut adjusted = Vec::new();
    if kind.is_there() {
        adjusted = from.integers(count)?;
        let mut places = adjusted.iter_mut();
        Factor::follow(scale, &bars.close, |expected| {
            let Some(place) = places.next() else { return 0 };
            let surprise = *place;
            *place = expected.wrapping_add(surprise);
            surprise
        });
    }
    bars.adjusted = kind.values(&adjusted, scale, &bars.close)?;
    Ok(())
}

/// What is known of a column before its integers.
struct Kind {
    said: u8,
    count: usize,
    /// The values that stand beside it, and where.
    odd: Vec<(usize, f64)>,
}

impl Kind {
    fn read(count: usize, from: &mut Reader<'_>) -> Result<Self, Damage> {
        let said = from.byte()?;
        let mut odd = Vec::new();
        if said & ODD_ONES != 0 {
            let length = usize::try_from(from.number()?).map_err(|_| Damage)?;
            if length > count {
                return Err(Damage);
            }
            let (gaps, bits) = (from.integers(length)?, from.integers(length)?);
            let mut next = 0_usize;
            for (gap, bits) in gaps.into_iter().zip(bits) {
                let at = usize::try_from(gap).ok().and_then(|gap| next.checked_add(gap));
                let at = at.filter(|at| *at < count).ok_or(Damage)?;
                odd.push((at, f64::from_bits(bits.cast_unsigned())));
                next = at + 1;
            }
        }
        let said = said & !ODD_ONES;
        if said > AS_CLOSE || (said != THERE && !odd.is_empty()) {
            return Err(Damage);
        }
        Ok(Self { said, count, odd })
    }

    fn is_there(&self) -> bool {
        self.said == THERE
    }

    /// The column, from its integers or from the closes.
    fn values(&self, places: &[i64], scale: Scale, closes: &[f64]) -> Result<Vec<f64>, Damage> {
        match self.said {
            MISSING => Ok(vec![f64::NAN; self.count]),
            AS_CLOSE if closes.len() == self.count => Ok(closes.to_vec()),
            AS_CLOSE => Err(Damage),
            _ => {
                let mut values = scale.values(places);
                for (at, value) in &self.odd {
                    values[*at] = *value;
                }
                Ok(values)
            }
        }
    }
}

/// Writes what is said of a column, and gives its integers if they are to follow.
fn write_places(
    column: &[f64],
    closes: Option<&[f64]>,
    scale: Scale,
    to: &mut Writer,
) -> Option<Places> {
    let same = |value: &f64, other: f64| value.to_bits() == other.to_bits();
    if column.iter().all(|value| same(value, f64::NAN)) {
        to.byte(MISSING);
        return None;
    }
    if closes
        .is_some_and(|closes| column.iter().zip(closes).all(|(value, close)| same(value, *close)))
    {
        to.byte(AS_CLOSE);
        return None;
    }
    let places: Places = column.iter().map(|value| scale.integer(*value)).collect();
    let (mut gaps, mut bits, mut next) = (Vec::new(), Vec::new(), 0_i64);
    for ((at, place), value) in (0_i64..).zip(&places).zip(column) {
        if place.is_none() {
            gaps.push(at - next);
            bits.push(value.to_bits().cast_signed());
            next = at + 1;
        }
    }
    if gaps.is_empty() {
        to.byte(THERE);
    } else {
        to.byte(THERE | ODD_ONES);
        to.number(gaps.len() as u64);
        to.integers(&gaps);
        to.integers(&bits);
    }
    Some(places)
}

/// What opens, closes, highs and lows are told by, and what the first bar begins from.
fn tell([open, close, high, low]: &[Option<Places>; 4], count: usize) -> (i64, Told) {
    let at = |places: &Option<Places>, at: usize| places.as_ref().and_then(|places| places[at]);
    let first = at(close, 0).or(at(open, 0)).unwrap_or(0);
    let column = || Vec::with_capacity(count);
    let mut told = Told { gaps: column(), moves: column(), above: column(), below: column() };
    let mut before = first;
    for bar in 0..count {
        let opened = at(open, bar).unwrap_or(before);
        let closed = at(close, bar).unwrap_or(opened);
        let (top, bottom) = (opened.max(closed), opened.min(closed));
        told.gaps.push(opened.wrapping_sub(before));
        told.moves.push(closed.wrapping_sub(opened));
        told.above.push(at(high, bar).unwrap_or(top).wrapping_sub(top));
        told.below.push(bottom.wrapping_sub(at(low, bar).unwrap_or(bottom)));
        before = closed;
    }
    (first, told)
}

/// Opens, closes, highs and lows from what they are told by.
///
/// A function of its own, or its loop has no registers left: all that reads bars becomes one.
#[inline(never)]
fn retell(first: i64, told: &mut Told) {
    let mut before = first;
    let columns =
        told.gaps.iter_mut().zip(&mut told.moves).zip(&mut told.above).zip(&mut told.below);
    for (((open, close), high), low) in columns {
        let opened = before.wrapping_add(*open);
        let closed = opened.wrapping_add(*close);
        *open = opened;
        *close = closed;
        *high = opened.max(closed).wrapping_add(*high);
        *low = opened.min(closed).wrapping_sub(*low);
        before = closed;
    }
}

/// What an adjusted close is of a close: the same from dividend to dividend, but for rounding.
struct Factor {
    scale: Scale,
    ratio: f64,
    /// Sums since it last changed, in which the rounding of single bars is lost.
    adjusted: f64,
    close: f64,
    bars: u32,
}

impl Factor {
    fn new(scale: Scale) -> Self {
        Self { scale, ratio: scale.weight(scale.nearest(1.0)), adjusted: 0.0, close: 0.0, bars: 0 }
    }

    /// Goes along the closes: says what is expected of each, and is told how far off that was.
    fn follow(scale: Scale, closes: &[f64], mut surprise: impl FnMut(i64) -> i64) {
        let mut factor = Self::new(scale);
        for close in closes {
            let expected = factor.expect(*close);
            factor.learn(*close, expected, surprise(expected));
        }
    }

    /// What is expected of this close.
    #[inline]
    fn expect(&self, close: f64) -> i64 {
        let expected = close * self.ratio;
        if expected.is_finite() { self.scale.of_weight(expected) } else { 0 }
    }

    /// Learns how far off that was.
    #[inline]
    fn learn(&mut self, close: f64, expected: i64, surprise: i64) {
        if surprise.unsigned_abs() > self.scale.noise() {
            (self.adjusted, self.close, self.bars) = (0.0, 0.0, 0);
        }
        self.adjusted += self.scale.weight(expected.wrapping_add(surprise));
        self.close += close;
        self.bars += 1;
        // Not at every bar: a division takes longer than all the rest.
        if self.bars.is_power_of_two() {
            let ratio = self.adjusted / self.close;
            self.ratio = if ratio.is_finite() { ratio } else { 0.0 };
        }
    }
}
