//! What packed bars promise.

use proptest::prelude::*;

use super::*;

fn columns() -> impl Strategy<Value = Bars> {
    let value = prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        (-100_000_i32..1_000_000).prop_map(|cents| f64::from(cents) / 100.0),
        (0_i32..1_000_000).prop_map(|cents| f64::from((f64::from(cents) / 100.0) as f32)),
        Just(f64::NAN),
        Just(-0.0),
        Just(7.0),
    ];
    let column = proptest::collection::vec(value, 300);
    (
        0_usize..300,
        any::<bool>(),
        proptest::collection::vec((any::<i64>(), any::<i32>()), 300),
        proptest::collection::vec(column, 6),
    )
        .prop_map(|(count, dated, times, columns)| {
            let column = |at: usize| columns[at][..count].to_vec();
            Bars {
                times: times[..count].iter().map(|time| time.0).collect(),
                days: times[..count].iter().filter(|_| dated).map(|time| time.1).collect(),
                open: column(0),
                high: column(1),
                low: column(2),
                close: column(3),
                volume: column(4),
                adjusted: column(5),
            }
        })
}

proptest! {
    #[test]
    fn what_is_packed_unpacks_to_the_same_bits(bars in columns()) {
        for effort in [Effort::Fast, Effort::Small] {
            let packed = pack(&bars, effort);
            let back = unpack(&packed).unwrap();
            prop_assert_eq!(&back.days, &bars.days);
            prop_assert_eq!(&back, &bars);
        }
    }

    #[test]
    fn hostile_bytes_are_damage_or_bars(bars in columns(), at: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
        for effort in [Effort::Fast, Effort::Small] {
            let mut packed = pack(&bars, effort);
            let _ = unpack(&packed[..cut.index(packed.len())]);
            let at = at.index(packed.len());
            packed[at] = byte;
            let _ = unpack(&packed);
        }
    }
}
