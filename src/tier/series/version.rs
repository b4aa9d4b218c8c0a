//! An older version of a part of a series: the span that was known, and the bars in it.
//!
//! A span without bars is as much worth knowing as one with some. Since when it was known, and until
//! when, stands beside it ([`Superseded`]).

use super::bytes::{Reader, Writer};
use super::chunk::{Chunk, open};
use super::{Stretch, Superseded};
use crate::codec::Damage;
use crate::span::Span;
use crate::time::Timestamp;

/// What every version begins with; another layout is another byte.
const LAYOUT: u8 = 1;

/// What was known of a span.
#[derive(Clone, Debug)]
pub struct Version {
    /// From when to when the bars begin that were known.
    pub span: Span,
    /// The bars, all of that span.
    pub stretch: Stretch,
}

impl Version {
    /// What it is on its way to the disk, known from one instant up to, but not at, another.
    pub fn superseded(&self, known_from: Timestamp, known_until: Timestamp) -> Superseded {
        let mut writer = Writer(vec![LAYOUT]);
        writer.signed(self.span.start().as_ms());
        writer.signed(self.span.end().as_ms());
        if let Some(chunk) = Chunk::seal(&self.stretch.bars, self.stretch.runs()) {
            writer.0.extend(chunk.sealed);
        }
        Superseded { known_from, known_until, body: writer.0.into() }
    }

    /// The version in these bytes, or that they are none.
    pub fn open(body: &[u8]) -> Result<Self, Damage> {
        let mut reader = Reader(body);
        if reader.byte()? != LAYOUT {
            return Err(Damage);
        }
        let instants = (reader.signed()?, reader.signed()?);
        let (start, end) = (Timestamp::from_ms(instants.0), Timestamp::from_ms(instants.1));
        let span = Span::new(start, end).ok_or(Damage)?;
        let stretch = if reader.0.is_empty() {
            Stretch::default()
        } else {
            let (bars, runs) = open(reader.0)?;
            Stretch::new(bars, &runs)
        };
        let is_within = stretch.bars.within(instants.0, instants.1) == (0..stretch.len());
        if is_within { Ok(Self { span, stretch }) } else { Err(Damage) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{Bar, Bars, Run};

    fn bars(times: &[i64]) -> Bars {
        let mut bars = Bars::default();
        for time in times {
            let bar = Bar {
                time: *time,
                day: None,
                open: 1.5,
                high: 2.0,
                low: 1.0,
                close: 1.25,
                volume: f64::NAN,
                adjusted: f64::NAN,
            };
            bars.push(bar);
        }
        bars
    }

    #[test]
    fn a_version_comes_back_as_it_was_with_bars_or_without() {
        for (times, end) in [(&[][..], 50), (&[10, 20, 30], i64::MAX), (&[10], 11)] {
            let span = Span::new(Timestamp::from_ms(10), Timestamp::from_ms(end)).unwrap();
            let runs = [Run { bars: times.len(), basis_ms: 7 }];
            let version = Version { span, stretch: Stretch::new(bars(times), &runs) };
            let kept = version.superseded(Timestamp::from_ms(1), Timestamp::from_ms(2));
            let again = Version::open(&kept.body).unwrap();
            assert_eq!((again.span, &again.stretch.bars), (span, &version.stretch.bars));
            assert_eq!(again.stretch.runs(), version.stretch.runs());
        }
    }

    #[test]
    fn bytes_that_are_no_version_are_damage() {
        let span = Span::new(Timestamp::from_ms(10), Timestamp::from_ms(40)).unwrap();
        let outside = Version { span, stretch: Stretch::new(bars(&[10, 20, 40]), &[]) };
        let outside = outside.superseded(Timestamp::from_ms(1), Timestamp::from_ms(2)).body;
        let inside = Version { span, stretch: Stretch::new(bars(&[10, 20]), &[]) };
        let inside = inside.superseded(Timestamp::from_ms(1), Timestamp::from_ms(2)).body;
        let backwards = [&[LAYOUT, 40, 20][..], &inside[3..]].concat();
        let other = [&[LAYOUT + 1][..], &inside[1..]].concat();
        for bytes in [&b""[..], &[LAYOUT], &inside[..2], &inside[..9], &outside, &backwards, &other]
        {
            assert!(Version::open(bytes).is_err(), "{bytes:?}");
        }
        assert!(Version::open(&inside).is_ok());
    }
}
