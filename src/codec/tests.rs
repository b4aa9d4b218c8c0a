//! What the codec promises.

use proptest::prelude::*;

use super::*;
use crate::market::ExchangeCode;
use crate::policy::Cause;
use crate::policy::volatility::Realised;
use crate::policy::volume::HighVolume;

fn entry(body: &[u8]) -> Entry {
    Entry {
        key: Key::from_stored("quote:stock:AAPL"),
        provider: "yahoo".into(),
        fetched_at: Timestamp::from_ms(1_782_918_000_123),
        own_ttl: None,
        format: Format::Json,
        body: body.into(),
    }
}

fn row<'a>(entry: &'a Entry, sealed: &'a Sealed<'_>) -> Row<'a> {
    Row {
        key: entry.key.as_str(),
        provider: &entry.provider,
        fetched_at_ms: entry.fetched_at.as_ms(),
        own_ttl_ms: own_ttl_ms(entry),
        shape: sealed.shape,
        raw_bytes: raw_bytes(entry),
        sum: sealed.sum,
        body: &sealed.body,
    }
}

#[test]
fn the_sum_of_a_row_never_changes() {
    // On disk for ever.
    let entry = entry(b"{\"price\":189.98}");
    assert_eq!(seal(&entry, Packing::Zstd).sum, -8_694_239_357_184_668_814);
}

#[test]
fn the_sum_of_a_course_never_changes_and_covers_all_of_it() {
    let at = Timestamp::from_ms;
    let course = Course {
        minimal_until: at(1),
        conservative_until: at(2),
        aggressive_until: at(1_782_918_000_123),
    };
    let sum = course_sum("yahoo", course);
    // On disk for ever.
    assert_eq!(sum, -7_020_462_749_021_542_979);
    for (part, other) in [
        ("provider", course_sum("demo", course)),
        ("minimal", course_sum("yahoo", Course { minimal_until: at(0), ..course })),
        ("conservative", course_sum("yahoo", Course { conservative_until: at(0), ..course })),
        ("aggressive", course_sum("yahoo", Course { aggressive_until: at(0), ..course })),
    ] {
        assert_ne!(other, sum, "{part}");
    }
}

#[test]
fn the_sum_of_validators_never_changes_and_covers_the_value_too() {
    let quote = entry(b"{\"price\":189.98}");
    let held = Validators {
        etag: Some("\"a\"".into()),
        last_modified: Some("Wed, 01 Jul 2026 14:00:00 GMT".into()),
        request: 7,
    };
    let sum = validators_sum(&quote, &held);
    // On disk for ever.
    assert_eq!(sum, -8_237_292_656_886_782_836);
    let later = Entry { fetched_at: Timestamp::from_ms(1), ..quote.clone() };
    assert_eq!(validators_sum(&later, &held), sum, "a value that was confirmed is the same");
    let provider = Entry { provider: "demo".into(), ..quote.clone() };
    let moved = Validators {
        etag: held.last_modified.clone(),
        last_modified: held.etag.clone(),
        request: 7,
    };
    for (part, other) in [
        ("etag", validators_sum(&quote, &Validators { etag: None, ..held.clone() })),
        ("date", validators_sum(&quote, &Validators { last_modified: None, ..held.clone() })),
        ("places", validators_sum(&quote, &moved)),
        ("request", validators_sum(&quote, &Validators { request: 8, ..held.clone() })),
        ("value", validators_sum(&entry(b"{\"price\":189.99}"), &held)),
        ("provider", validators_sum(&provider, &held)),
    ] {
        assert_ne!(other, sum, "{part}");
    }
}

#[test]
fn the_sum_of_a_pace_never_changes_and_covers_all_of_it() {
    let pace = Looks { looks: 20, changes: 7, elapsed_ms: 600_000 };
    let sum = pace_sum("quote:stock:AAPL", "yahoo", pace);
    // On disk for ever.
    assert_eq!(sum, -9_029_329_166_237_715_926);
    for (part, other) in [
        ("key", pace_sum("quote:stock:AAPK", "yahoo", pace)),
        ("provider", pace_sum("quote:stock:AAPL", "demo", pace)),
        ("looks", pace_sum("quote:stock:AAPL", "yahoo", Looks { looks: 21, ..pace })),
        ("changes", pace_sum("quote:stock:AAPL", "yahoo", Looks { changes: 8, ..pace })),
        ("elapsed", pace_sum("quote:stock:AAPL", "yahoo", Looks { elapsed_ms: 1, ..pace })),
    ] {
        assert_ne!(other, sum, "{part}");
    }
}

#[test]
fn the_sum_of_a_mark_never_changes_and_covers_all_of_it() {
    let expired = Expired { at: Timestamp::from_ms(1_782_918_000_123), why: Cause::RULE };
    let sum = mark_sum("pair_config:ETH", "put", &expired);
    // On disk for ever.
    assert_eq!(sum, -1_061_799_383_825_751_150);
    for (part, other) in [
        ("key", mark_sum("pair_config:BTC", "put", &expired)),
        ("provider", mark_sum("pair_config:ETH", "demo", &expired)),
        ("why", mark_sum("pair_config:ETH", "put", &Expired { why: Cause::PRICE_MOVE, ..expired })),
        (
            "at",
            mark_sum(
                "pair_config:ETH",
                "put",
                &Expired { at: Timestamp::from_ms(0), why: Cause::RULE },
            ),
        ),
    ] {
        assert_ne!(other, sum, "{part}");
    }
}

#[test]
fn the_sum_of_a_definition_never_changes_and_holds_for_one_entry() {
    let quote = entry(b"{}");
    let sum = definition_sum(&quote, 7);
    // On disk for ever.
    assert_eq!(sum, 7_538_863_112_925_192_046);
    let later = Entry { fetched_at: Timestamp::from_ms(1), ..quote.clone() };
    let provider = Entry { provider: "demo".into(), ..quote.clone() };
    for (part, other) in [
        ("number", definition_sum(&quote, 8)),
        ("fetched_at", definition_sum(&later, 7)),
        ("provider", definition_sum(&provider, 7)),
    ] {
        assert_ne!(other, sum, "{part}");
    }
}

#[test]
fn the_sum_of_a_market_never_changes_and_covers_all_of_it() {
    let high = HighVolume {
        from: Timestamp::from_ms(1),
        until: Timestamp::from_ms(1_782_918_000_123),
        permille: 2300,
        days: 20,
    };
    let market = Market {
        exchange: ExchangeCode::parse("XNAS"),
        volatility: Some(Realised(960_000)),
        high_volume: Some(high),
    };
    let sum = market_sum("stock:AAPL", &market);
    // On disk for ever.
    assert_eq!(sum, -6_809_453_277_065_139_066);
    assert_eq!(market_sum("stock:AAPL", &Market::default()), 1_069_696_410_120_505_048);
    let with = |high| Market { high_volume: Some(high), ..market };
    let at = Timestamp::from_ms;
    for (part, other) in [
        ("exchange", Market { exchange: ExchangeCode::parse("XNYS"), ..market }),
        ("no exchange", Market { exchange: None, ..market }),
        ("volatility", Market { volatility: Some(Realised(960_001)), ..market }),
        ("no volatility", Market { volatility: None, ..market }),
        ("from", with(HighVolume { from: at(2), ..high })),
        ("until", with(HighVolume { until: at(2), ..high })),
        ("permille", with(HighVolume { permille: 2301, ..high })),
        ("days", with(HighVolume { days: 19, ..high })),
        ("no high volume", Market { high_volume: None, ..market }),
    ] {
        assert_ne!(market_sum("stock:AAPL", &other), sum, "{part}");
    }
    assert_ne!(market_sum("stock:AAPM", &market), sum);
}

#[test]
fn the_sum_of_bytes_never_changes_and_covers_names_and_number() {
    let sum = bytes_sum(["stock:AAPL", "yahoo"], 60, b"abc");
    // On disk for ever.
    assert_eq!(sum, 552_868_903_171_523_965);
    for other in [
        bytes_sum(["stock:AAPM", "yahoo"], 60, b"abc"),
        bytes_sum(["stock:AAPL", "demo"], 60, b"abc"),
        bytes_sum(["stock:AAPL", "yahoo"], 61, b"abc"),
        bytes_sum(["stock:AAPL", "yahoo"], 60, b"abd"),
    ] {
        assert_ne!(other, sum);
    }
}

#[test]
fn large_values_are_packed_and_small_ones_are_not() {
    for (body, packed) in [(vec![b'a'; 100], false), (vec![b'a'; 100_000], true)] {
        let entry = entry(&body);
        let sealed = seal(&entry, Packing::Zstd);
        assert_eq!(sealed.body.len() < body.len(), packed);
        assert_eq!(seal(&entry, Packing::None).body.len(), body.len());
        assert_eq!(open(&row(&entry, &sealed)).unwrap(), entry);
    }
}

#[test]
fn a_change_of_any_part_is_damage() {
    let entry = entry(b"{\"price\":189.98}");
    let sealed = seal(&entry, Packing::Zstd);
    let good = row(&entry, &sealed);
    assert!(open(&good).is_ok());
    for (part, bad) in [
        ("key", Row { key: "quote:stock:AAPK", ..good }),
        ("provider", Row { provider: "demo", ..good }),
        ("fetched_at", Row { fetched_at_ms: good.fetched_at_ms + 1, ..good }),
        ("own_ttl", Row { own_ttl_ms: Some(1), ..good }),
        ("shape", Row { shape: good.shape | 16, ..good }),
        ("raw_bytes", Row { raw_bytes: good.raw_bytes + 1, ..good }),
        ("sum", Row { sum: good.sum ^ 1, ..good }),
        ("body", Row { body: b"{\"price\":189.99}", ..good }),
    ] {
        assert_eq!(open(&bad), Err(Damage), "{part}");
    }
}

proptest! {
    #[test]
    fn what_is_sealed_opens_to_the_same(
        body in proptest::collection::vec(any::<u8>(), 0..4000),
        ttl in proptest::option::of(0_u64..1_000_000),
        pack: bool,
    ) {
        let mut entry = entry(&body);
        entry.own_ttl = ttl.map(Duration::from_millis);
        let sealed = seal(&entry, if pack { Packing::Zstd } else { Packing::None });
        prop_assert_eq!(open(&row(&entry, &sealed)).unwrap(), entry);
    }

    #[test]
    fn a_flipped_bit_is_never_answered(at in 0_usize..5000, bit in 0_u8..8) {
        let entry = entry(&b"0123456789".repeat(500));
        let sealed = seal(&entry, Packing::Zstd);
        let mut body = sealed.body.to_vec();
        let at = at % body.len();
        body[at] ^= 1 << bit;
        prop_assert_eq!(open(&Row { body: &body, ..row(&entry, &sealed) }), Err(Damage));
    }
}
