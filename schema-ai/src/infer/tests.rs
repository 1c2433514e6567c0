#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use proptest::prelude::*;

use super::{Kind, Number, TextKind, number_of, text_kind_of};

fn kind() -> impl Strategy<Value = Kind> {
    proptest::sample::select(Kind::ALL.to_vec())
}

proptest! {
    #[test]
    fn joining_does_not_depend_on_the_order(a in kind(), b in kind(), c in kind()) {
        prop_assert_eq!(a.join(b), b.join(a));
        prop_assert_eq!(a.join(b).join(c), a.join(b.join(c)));
    }

    #[test]
    fn joining_only_widens_and_nothing_is_below_null(a in kind(), b in kind()) {
        prop_assert_eq!(a.join(a), a);
        prop_assert_eq!(a.join(Kind::Null), a);
        prop_assert!(a.join(b).holds(a) && a.join(b).holds(b));
    }

    #[test]
    fn every_kind_is_found_by_its_name(a in kind()) {
        prop_assert_eq!(Kind::named(a.as_str()), Some(a));
    }

    #[test]
    fn every_64_bit_number_is_an_integer_and_comes_back(n: i64) {
        prop_assert_eq!(number_of(&n.to_string()), Number::Integer(n));
    }

    #[test]
    fn a_moment_keeps_its_microseconds(us in -60_000_000_000_000_000_i64..250_000_000_000_000_000) {
        let text = jiff::Timestamp::from_microsecond(us).unwrap().to_string();
        prop_assume!(!text.starts_with('-'));
        prop_assert_eq!(text_kind_of(&text), TextKind::Timestamp(us));
    }

    #[test]
    fn no_text_makes_it_panic(text in "[0-9TZ:+ .é-]{0,40}") {
        let _ = text_kind_of(&text);
    }
}

#[test]
fn numbers_beyond_64_bits_and_with_fractions_are_known_by_their_text() {
    for (text, kind) in [
        ("18446744073709551616", Kind::BigInteger),
        ("-9223372036854775809", Kind::BigInteger),
        ("1.10", Kind::Decimal),
        ("1e400", Kind::Decimal),
        ("-0", Kind::Decimal),
    ] {
        assert_eq!(number_of(text), Number::Exact(kind), "{text}");
    }
}

#[test]
fn texts_are_known_by_their_form() {
    for (text, kind) in [
        ("2024-02-29", Kind::Date),
        ("2023-02-29", Kind::Text),
        ("2024-02-29T10:00:00Z", Kind::Timestamp),
        ("2024-02-29 10:00:00.123456789+02:00", Kind::Timestamp),
        ("2024-02-29T10:00:00", Kind::Text),
        ("10000-01-01T00:00:00Z", Kind::Text),
        ("1700000000", Kind::Text),
        ("007", Kind::Text),
        ("6fa459ea-ee8a-3ca4-894e-db77e160355e", Kind::Uuid),
        ("6fa459ea_ee8a_3ca4_894e_db77e160355e", Kind::Text),
    ] {
        assert_eq!(text_kind_of(text).kind(), kind, "{text}");
    }
}
