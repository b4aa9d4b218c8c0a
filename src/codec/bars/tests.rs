//! What packed bars promise.

use base64::Engine;
use proptest::prelude::*;

use super::*;
use crate::market::Bar;

const FAST: &str =
    "AQQBAwH0qAIAAICJ5DEAAAJkAAAAAKCcAQEAIgYJHAACBAkEZEowCRQUFhgDAQAJmBEAAgQDkE4ACeDUAwEAAA==";
const SMALL: &str = "AQQBPAL0qAIAAICJ5DENgLq3AwABMQECZAQBAA4AgICAgICAgPj/AQAAAKCcAQEAIgYVMXRpACAEF44BT2s6HgKo\
    ATVRVDgcABs3U1I2pwEBHTlsUI0BGAMfhgFXczIWBaABPVlMMBQHIz9bSi4SCSUCABAAgP1DUF5seic1pA5fbRoo\
    l0RSYA0bijdFUwBvfYs4RlRicH4rOUdVY3EeLJtIVmQRH447SVdlEoGPPEpYBXSCAgAjAAAFYHEK4AHVALExcgLY\
    hQ5iQQGF1oSEMYWnuV6MqW9MtYowk0YRvXV+s9O9O8QCRRMhIIRNM+iidIInrVNnOwcCACMA8APgASGgAQYADstl\
    R/WbnlPZsB3RKdItEksVTR9x0PIHI2J5bDbVi26WkVduuJkBBICiFPNiSS0ZdgldXut32gUDAQAKyAEAEAAAADyA\
    hSXEugmbWEEDM3LliE8t4aEpwXbGKNcQ4ZxkPeTUi5h4UrSfsgpWVEArW5B5DTAuohZuCAOQTgAN4NQDAAEAAQ==";

const BITS: &str = "AgQBPAL0qAIAAICJ5DENgLq3AwABMQECZAQBAA4AgICAgICAgPj/AQAAAKCcAQYIpwFUZVdJ\
    O44fVGRWSJssHnFjVag5K35wYlRGOCp9bwBTRTeKfA1gUkSXKBptX1GkNSd6bF5QQjQmeWtdT0EABgifAVBebHonNaQOX2\
    0aKJdEUmANG4o3RVMAb32LOEZUYnB+KzlHVWNxHiybSFZkER+OO0lXZRKBjzxKWAV0ggAGByhQG0cAolQ0QlSutbOjnVJj\
    GCCaKIAmxu71MTNlVCQPIMe2AYrkrVPKwMTWYUpm5b3HzyU/AAITxgIPwAIGCB5VX2lzVGwwO0ROIjoLCYCKUWlHOFBlHx\
    giLB42q1ReaE1lfS85QxszAAJ1f0piPDFJWmQwFyEXL6BfU10AAwEADsgBBwCAhSXEugmbWEEDM3LliE8t4aEpwXbGKNcQ\
    4ZxkPeTUi5h4UrSfsgpWVEArW5B5DTAuohZuCAADkE4ADeDUAwABAAE=";

/// Values of every kind that a column may hold: a column of one kind, with some of another among them.
fn column(count: usize) -> impl Strategy<Value = Vec<f64>> {
    let kind = || {
        prop_oneof![
            any::<u64>().prop_map(f64::from_bits).boxed(),
            (-100_000_i32..1_000_000).prop_map(|cents| f64::from(cents) / 100.0).boxed(),
            (0_i32..1_000_000).prop_map(|cents| single(f64::from(cents) / 2800.0)).boxed(),
            (0_i32..1_000_000).prop_map(|price| single(f64::from(price) * 1.37)).boxed(),
            (0_i32..1_000_000).prop_map(|volume| f64::from(volume) * 100.0).boxed(),
            Just(f64::NAN).boxed(),
            Just(f64::from_bits(0x7ff8_0000_0000_0001)).boxed(),
            Just(-0.0).boxed(),
            Just(f64::INFINITY).boxed(),
        ]
        .boxed()
    };
    let often = prop_oneof![
        Just(kind()),
        (-100_000_i32..1_000_000).prop_map(|cents| Just(f64::from(cents) / 100.0).boxed()),
    ];
    (often, 1_u32..40).prop_flat_map(move |(often, weight)| {
        proptest::collection::vec(prop_oneof![weight => often, 1 => kind()], count)
    })
}

#[expect(clippy::cast_possible_truncation, reason = "the rounding is what is meant")]
fn single(value: f64) -> f64 {
    if value.is_nan() { value } else { f64::from(value as f32) }
}

fn any_bars() -> impl Strategy<Value = Bars> {
    let times = |count| {
        prop_oneof![
            proptest::collection::vec(any::<i64>(), count),
            proptest::collection::vec((0_i64..9).prop_map(|step| 60_000 * step * step), count),
        ]
    };
    (0_usize..90, any::<bool>(), any::<[bool; 2]>()).prop_flat_map(move |(count, dated, same)| {
        let dates = proptest::collection::vec(any::<i32>(), if dated { count } else { 0 });
        let columns = proptest::collection::vec(column(count), 6);
        (times(count), dates, columns).prop_map(move |(times, days, mut columns)| {
            let mut column = || columns.pop().unwrap();
            let (open, high, low, close) = (column(), column(), column(), column());
            let (volume, adjusted) = (column(), if same[0] { close.clone() } else { column() });
            let high = if same[1] { close.clone() } else { high };
            Bars { times, days, open, high, low, close, volume, adjusted }
        })
    })
}

/// Weekdays of prices in cents, with a change of the clocks and an open that is missing.
fn walk(count: usize) -> Bars {
    let mut bars = Bars::default();
    let mut day = 18_999;
    for at in 0..count {
        day += if at % 5 == 0 { 3 } else { 1 };
        let turn = |by: usize| i32::try_from(at * by % 97).unwrap();
        let open = f64::from(10_000 + turn(17)) / 100.0;
        let close = f64::from(10_000 + turn(31)) / 100.0;
        let opens = if at < 50 { 52_200_000 } else { 48_600_000 };
        bars.push(Bar {
            time: i64::from(day) * 86_400_000 + opens,
            day: Some(day),
            open: if at == 7 { f64::NAN } else { open },
            high: f64::from(10_100 + turn(5)) / 100.0,
            low: f64::from(9_900 + turn(7)) / 100.0,
            close,
            volume: f64::from(100 * turn(11)),
            adjusted: single(close * 0.97),
        });
    }
    bars
}

#[test]
fn the_bytes_of_packed_bars_are_read_for_ever() {
    // On disk for ever.
    for (packed, count) in [(FAST, 3), (SMALL, 60), (BITS, 60)] {
        let bytes = base64::engine::general_purpose::STANDARD.decode(packed).unwrap();
        assert_eq!(unpack(&bytes).unwrap(), walk(count));
    }
}

#[test]
fn what_the_provider_sent_as_decimals_takes_the_bytes_of_decimals() {
    let cents = walk(600);
    let mut sent = cents.clone();
    for column in [&mut sent.open, &mut sent.high, &mut sent.low, &mut sent.close] {
        for price in column {
            *price = single(*price);
        }
    }
    let (cents, sent) = (pack(&cents, Effort::Small).len(), pack(&sent, Effort::Small).len());
    assert!(sent <= cents + cents / 20, "{sent} {cents}");
    let mut split = walk(600);
    for column in [&mut split.open, &mut split.high, &mut split.low, &mut split.close] {
        for price in column {
            *price = single(*price / 28.0);
        }
    }
    let split = pack(&split, Effort::Small).len();
    assert!(split <= cents + cents / 20, "{split} {cents}");
}

#[test]
fn a_chunk_takes_less_than_a_third_of_plain_columns() {
    for effort in [Effort::Fast, Effort::Small] {
        assert!(pack(&walk(600), effort).len() < 600 * 60 / 3);
    }
}

#[test]
fn bars_that_never_change_are_read_again_however_many_there_are() {
    for count in [0, 1, 2, 20_000] {
        let mut bars = Bars::default();
        for at in 0..count {
            bars.times.push(60_000 * at);
        }
        let flat = vec![7.0; bars.len()];
        (bars.open, bars.high, bars.low) = (flat.clone(), flat.clone(), flat.clone());
        (bars.close, bars.volume, bars.adjusted) = (flat.clone(), flat.clone(), flat);
        let packed = pack(&bars, Effort::Small);
        assert!(packed.len() < 70, "{}", packed.len());
        assert_eq!(unpack(&packed).unwrap(), bars);
    }
}

#[test]
fn a_few_bytes_that_claim_many_bars_are_damage() {
    let good = pack(&walk(1), Effort::Fast);
    assert_eq!((good[0], good[3]), (COLUMNS, 1));
    for claimed in [2_u64.pow(15), 2_u64.pow(20), 2_u64.pow(40), u64::MAX] {
        let mut to = Writer::new(COLUMNS, Effort::Fast);
        to.number(claimed);
        let bytes = [&to.into_bytes()[..], &good[4..]].concat();
        assert_eq!(unpack(&bytes), Err(Damage), "{claimed}");
    }
}

#[test]
fn bytes_of_another_format_and_bytes_too_many_are_damage() {
    let good = pack(&walk(9), Effort::Small);
    assert!(unpack(&good).is_ok());
    for bad in
        [&[][..], &[0], &[3], &[COLUMNS], &[&[3], &good[1..]].concat(), &[&good[..], &[1]].concat()]
    {
        assert_eq!(unpack(bad), Err(Damage));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_packed_unpacks_to_the_same_bits(bars in any_bars()) {
        for effort in [Effort::Fast, Effort::Small] {
            let back = unpack(&pack(&bars, effort)).unwrap();
            prop_assert_eq!(&back.days, &bars.days);
            prop_assert_eq!(&back, &bars);
        }
    }

    #[test]
    fn flipped_and_truncated_bytes_are_damage_or_bars(
        bars in prop_oneof![any_bars(), (0_usize..90).prop_map(walk)],
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut: prop::sample::Index,
    ) {
        for effort in [Effort::Fast, Effort::Small] {
            let mut packed = pack(&bars, effort);
            let _ = unpack(&packed[..cut.index(packed.len())]);
            for (at, byte) in &flips {
                let at = at.index(packed.len());
                packed[at] = *byte;
            }
            let _ = unpack(&packed);
        }
    }

    #[test]
    fn noise_is_damage_or_bars(noise in proptest::collection::vec(any::<u8>(), 0..300)) {
        let header = &pack(&Bars::default(), Effort::Small)[..3];
        let _ = unpack(&[header, &noise].concat());
        let _ = unpack(&noise);
    }
}
