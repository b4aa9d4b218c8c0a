//! Numbers and texts as bytes, and back: what the head of a series is written in.
//!
//! Numbers take as many bytes as they need, seven bits each, the lowest first; signed ones go to and
//! fro around zero. It knows nothing of what they mean, and reads nothing beyond its end.

use crate::codec::Damage;

/// Bytes that grow.
#[derive(Debug, Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.0.push(number.to_le_bytes()[0]);
    }

    pub(super) fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    pub(super) fn signed(&mut self, number: i64) {
        self.number((number.cast_unsigned() << 1) ^ (number >> 63).cast_unsigned());
    }

    /// How far an instant is behind another, which becomes this one.
    pub(super) fn after(&mut self, last: &mut i64, at: i64) {
        self.signed(at.wrapping_sub(*last));
        *last = at;
    }

    pub(super) fn maybe(&mut self, number: Option<i64>) {
        self.number(number.is_some().into());
        if let Some(number) = number {
            self.signed(number);
        }
    }

    /// Eight bytes as they are.
    pub(super) fn whole(&mut self, bits: u64) {
        self.0.extend(bits.to_le_bytes());
    }

    pub(super) fn float(&mut self, number: f64) {
        self.whole(number.to_bits());
    }

    pub(super) fn text(&mut self, text: Option<&str>) {
        self.count(text.map_or(0, |text| text.len() + 1));
        self.0.extend(text.unwrap_or_default().as_bytes());
    }
}

/// Bytes that are read from the front.
#[derive(Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn byte(&mut self) -> Result<u8, Damage> {
        let (byte, rest) = self.0.split_first().ok_or(Damage)?;
        self.0 = rest;
        Ok(*byte)
    }

    pub(super) fn number(&mut self) -> Result<u64, Damage> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return Err(Damage);
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Damage)
    }

    pub(super) fn size(&mut self) -> Result<usize, Damage> {
        usize::try_from(self.number()?).map_err(|_| Damage)
    }

    /// How many things follow, of at least so many bytes each: never more than there is room for.
    pub(super) fn count(&mut self, least: usize) -> Result<usize, Damage> {
        let count = self.size()?;
        if count > self.0.len() / least { Err(Damage) } else { Ok(count) }
    }

    pub(super) fn signed(&mut self) -> Result<i64, Damage> {
        let number = self.number()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    pub(super) fn after(&mut self, last: &mut i64) -> Result<i64, Damage> {
        *last = last.wrapping_add(self.signed()?);
        Ok(*last)
    }

    pub(super) fn flag(&mut self) -> Result<bool, Damage> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Damage),
        }
    }

    pub(super) fn maybe(&mut self) -> Result<Option<i64>, Damage> {
        if self.flag()? { self.signed().map(Some) } else { Ok(None) }
    }

    pub(super) fn whole(&mut self) -> Result<u64, Damage> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(Damage)?;
        self.0 = rest;
        Ok(u64::from_le_bytes(*bytes))
    }

    pub(super) fn float(&mut self) -> Result<f64, Damage> {
        self.whole().map(f64::from_bits)
    }

    pub(super) fn text(&mut self) -> Result<Option<&'a str>, Damage> {
        let Some(length) = self.size()?.checked_sub(1) else { return Ok(None) };
        let (text, rest) = self.0.split_at_checked(length).ok_or(Damage)?;
        self.0 = rest;
        str::from_utf8(text).map(Some).map_err(|_| Damage)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_written_is_read(
            numbers in proptest::collection::vec(any::<u64>(), 0..9),
            instants in proptest::collection::vec(any::<i64>(), 0..9),
            text in proptest::option::of(".{0,9}"),
        ) {
            let mut writer = Writer::default();
            let mut last = 0;
            for number in &numbers {
                writer.number(*number);
                writer.number(*number >> 40);
            }
            for instant in &instants {
                writer.after(&mut last, *instant);
                writer.maybe(Some(*instant));
            }
            writer.text(text.as_deref());
            let mut reader = Reader(&writer.0);
            last = 0;
            for number in numbers {
                prop_assert_eq!(reader.number(), Ok(number));
                prop_assert_eq!(reader.number(), Ok(number >> 40));
            }
            for instant in instants {
                prop_assert_eq!(reader.after(&mut last), Ok(instant));
                prop_assert_eq!(reader.maybe(), Ok(Some(instant)));
            }
            prop_assert_eq!(reader.text().unwrap(), text.as_deref());
            prop_assert!(reader.0.is_empty());
        }
    }

    #[test]
    fn a_number_has_no_more_than_64_bits() {
        assert_eq!(Reader(&[0xff; 10]).number(), Err(Damage));
        let most = [[0xff; 9].as_slice(), &[1]].concat();
        assert_eq!(Reader(&most).number(), Ok(u64::MAX));
        let beyond = [[0xff; 9].as_slice(), &[2]].concat();
        assert_eq!(Reader(&beyond).number(), Err(Damage));
        assert_eq!(Reader(&[9, 1, 1]).count(1), Err(Damage), "more than there is room for");
    }
}
