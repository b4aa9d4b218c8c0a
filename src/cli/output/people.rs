//! Numbers as people read them: rounded to the places that matter, in groups of three digits.

use super::table::grouped;
use crate::number::Number;

/// A price: from ten upwards four places, from one (exchange rates) five, below eight; at least two.
pub(super) fn price(number: &Number) -> String {
    let value = number.as_f64();
    let text = Number::rounded(value, most_places(value));
    with_cents(text.as_ref().unwrap_or(number).as_str())
}

/// A change in percent points.
pub(super) fn percent(value: f64) -> String {
    format!("{value:+.2} %")
}

/// What was traded, in whole units.
pub(super) fn volume(value: f64) -> String {
    grouped(&format!("{value:.0}"))
}

/// Prices that stand under each other: with as many places as the longest needs if they are of one
/// size, each with its own if not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prices(Option<usize>);

impl Prices {
    /// How these prices are shown.
    pub(super) fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let values = values.filter(|value| value.is_finite());
        let mut sizes = values.clone().filter(|value| *value != 0.0).map(most_places);
        let Some(most) = sizes.next() else { return Self(None) };
        if sizes.any(|size| size != most) {
            return Self(None);
        }
        Self(Some(values.map(|value| places(value, most)).max().unwrap_or(0).max(2)))
    }

    /// One of them; a dash for one that is missing.
    pub(super) fn text(self, value: f64) -> String {
        if !value.is_finite() {
            return "-".to_owned();
        }
        let places = self.0.unwrap_or_else(|| places(value, most_places(value)));
        with_cents(&format!("{value:.places$}"))
    }
}

/// How many places of a price matter.
fn most_places(price: f64) -> usize {
    match price.abs() {
        10.0.. => 4,
        1.0..10.0 => 5,
        _ => 8,
    }
}

/// How many places a price needs when it is rounded to so many.
fn places(price: f64, most: usize) -> usize {
    // So large a float is an integer.
    if price.abs() >= 1e16 {
        return 0;
    }
    let mut scaled = (0..most).fold(price.abs(), |price, _| price * 10.0).round();
    let mut places = most;
    while places > 0 && scaled % 10.0 == 0.0 {
        (scaled, places) = (scaled / 10.0, places - 1);
    }
    places
}

fn with_cents(digits: &str) -> String {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    format!("{}.{fraction:0<2}", grouped(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_shown_with_the_places_that_matter() {
        for (number, shown) in [
            ("189.97999572753906", "189.98"),
            ("84123.45000000", "84,123.45"),
            ("0.00001234", "0.00001234"),
            ("1.083456", "1.08346"),
            ("7", "7.00"),
            ("-1234.5", "-1,234.50"),
        ] {
            assert_eq!(price(&Number::parse(number).unwrap()), shown, "{number}");
        }
    }

    #[test]
    fn prices_of_one_size_have_as_many_places() {
        for (values, shown) in [
            (&[189.979_995_727, 190.0, f64::NAN][..], &["189.98", "190.00", "-"][..]),
            (&[10.1234, 10.1], &["10.1234", "10.1000"]),
            (&[0.099_330_36, 228.02], &["0.09933036", "228.02"]),
            (&[0.000_012_34, 0.1, 0.0], &["0.00001234", "0.10000000", "0.00000000"]),
            (&[0.25, 1e18], &["0.25", "1,000,000,000,000,000,000.00"]),
            (&[f64::NAN], &["-"]),
        ] {
            let prices = Prices::of(values.iter().copied());
            let texts: Vec<String> = values.iter().map(|value| prices.text(*value)).collect();
            assert_eq!(texts, shown);
        }
    }
}
