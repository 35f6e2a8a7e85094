//! Splitting totals and taking percentages, exactly: integers in minor units, products in 128 bits or more.
//!
//! A discount, tax or shipping total `T` is spread over units by *cumulative floor* (house rule H-9):
//! with `W_k` the weight of the first `k` units in the order (line, unit) and `W` that of all, unit `k` gets
//!
//! `floor(T * W_k / W) - floor(T * W_(k-1) / W)`.
//!
//! The shares add up to the total, and because only the prefixes before and through a group enter, the share
//! of a group of neighbours is the sum of the shares of its units, however they are grouped. So a run of
//! 80,995 units costs one subtraction.

/// One hundred per cent, in basis points.
pub const BP_WHOLE: u32 = 10_000;

/// What stands before a point in the order (line, unit): the weight and the number of units up to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prefix {
    /// Sum of the weights (for a discount: prices in minor units).
    pub weight: u128,
    /// Number of units.
    pub units: u64,
}

/// The share in `total` (minor units) of the units between `before` and `through`, by weight (H-9).
///
/// When everything weighs nothing (an order of free gifts that was charged shipping), the units count
/// instead, each as one: so the shares still add up to the total. Without units there is nobody to give to,
/// and the share is 0.
pub fn share(total: u64, before: Prefix, through: Prefix, whole: Prefix) -> u64 {
    if whole.weight == 0 {
        cumulative_floor(total, before.units.into(), through.units.into(), whole.units.into())
    } else {
        cumulative_floor(total, before.weight, through.weight, whole.weight)
    }
}

/// `floor(total * weight_through / weight_total) - floor(total * weight_before / weight_total)`, exact for
/// all inputs (H-9).
///
/// The prefixes grow: `weight_before <= weight_through <= weight_total`; what exceeds the next is taken as
/// equal to it, so that no share is above the total. With `weight_total` 0 the weights tell no unit from
/// another and the result is 0: use [`share`], which then goes by the number of units.
pub fn cumulative_floor(total: u64, weight_before: u128, weight_through: u128, weight_total: u128) -> u64 {
    let through = weight_through.min(weight_total);
    let before = weight_before.min(through);
    // The floors grow with the weight, so this cannot saturate.
    floor_of(total, through, weight_total).saturating_sub(floor_of(total, before, weight_total))
}

/// What the units `first..=last` of a line get of a total of that line (its tax, its discount) when all
/// `quantity` units weigh the same (H-9). Units are numbered from 1; one unit is `first == last`; units
/// outside the line get nothing.
pub fn equal_pieces(total: u64, first: u32, last: u32, quantity: u32) -> u64 {
    cumulative_floor(total, first.saturating_sub(1).into(), last.into(), quantity.into())
}

/// `bp` basis points of `base` (minor units), rounded down: a clause that says 10% does not allow more than
/// 10% (H-10).
///
/// Taken per unit and then added, never on a sum, so that the result does not depend on how returns are
/// split. Above 100% the result may leave the range of `u64`; it then stays at `u64::MAX`, which no
/// [`crate::money::Amount`] takes.
pub fn percent_floor(base: u64, bp: u32) -> u64 {
    let product = u128::from(base) * u128::from(bp); // 96 bits at most
    u64::try_from(product / u128::from(BP_WHOLE)).unwrap_or(u64::MAX)
}

/// `floor(total * weight / weight_total)` for `weight <= weight_total`; 0 when `weight_total` is 0.
fn floor_of(total: u64, weight: u128, weight_total: u128) -> u64 {
    let quotient = match u128::from(total).checked_mul(weight) {
        Some(product) => product.checked_div(weight_total).unwrap_or(0),
        None => long_floor_of(total, weight, weight_total),
    };
    // Not above `total`, since `weight <= weight_total`.
    u64::try_from(quotient).unwrap_or(total)
}

/// The same by long multiplication, bit by bit, for products beyond 128 bits: keeps
/// `bits of total so far * weight = quotient * weight_total + remainder`.
fn long_floor_of(total: u64, weight: u128, weight_total: u128) -> u128 {
    let (mut quotient, mut remainder) = (0_u128, 0_u128);
    // Adds below `weight_total` without overflow: `a + b` is either less than it or brings a carry.
    let add = |a: u128, b: u128| match weight_total.saturating_sub(b) {
        room if a >= room => (a.saturating_sub(room), 1),
        _ => (a.saturating_add(b), 0),
    };
    for bit in (0..u64::BITS).rev() {
        let (doubled, carry) = add(remainder, remainder);
        quotient = quotient.saturating_mul(2).saturating_add(carry);
        remainder = doubled;
        if total >> bit & 1 == 1 {
            let (sum, carry) = add(remainder, weight);
            quotient = quotient.saturating_add(carry);
            remainder = sum;
        }
    }
    quotient
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    /// Prefixes of units with these weights, from nothing to all.
    fn prefixes(weights: &[u64]) -> Vec<Prefix> {
        let mut sum = Prefix::default();
        let mut all = Vec::from([sum]);
        for &weight in weights {
            sum = Prefix { weight: sum.weight + u128::from(weight), units: sum.units + 1 };
            all.push(sum);
        }
        all
    }

    /// The share of each group, when the order is cut after the prefixes `cuts`.
    fn shares(total: u64, cuts: &[Prefix]) -> Vec<u64> {
        let whole = cuts.last().copied().unwrap_or_default();
        cuts.iter()
            .zip(cuts.iter().skip(1))
            .map(|(before, through)| share(total, *before, *through, whole))
            .collect()
    }

    #[test]
    fn worked_examples() {
        // (total, weights of the units, share of each)
        for (total, weights, expected) in [
            (100, &[1, 1, 1][..], &[33, 33, 34][..]),
            (1, &[1, 1, 1], &[0, 0, 1]),
            (0, &[5, 7], &[0, 0]),
            (500, &[8000, 2000, 0], &[400, 100, 0]),
            (1000, &[0, 3], &[0, 1000]),
            (100, &[0, 0, 0], &[33, 33, 34]), // nothing weighs anything: the units count
            (100, &[], &[]),
        ] {
            assert_eq!(shares(total, &prefixes(weights)), expected, "{total} over {weights:?}");
        }
    }

    #[test]
    fn equal_pieces_of_a_long_line() {
        let (total, quantity) = (8_099_512, 80_995);
        assert_eq!(equal_pieces(total, 1, quantity, quantity), total);
        assert_eq!(equal_pieces(total, 1, 1, quantity), 100);
        assert_eq!((1..=quantity).map(|unit| equal_pieces(total, unit, unit, quantity)).sum::<u64>(), total);
        assert_eq!(equal_pieces(total, quantity + 1, quantity + 9, quantity), 0);
        assert_eq!(equal_pieces(total, 1, 1, 0), 0);
    }

    #[test]
    fn percentages_round_down() {
        for (base, bp, expected) in [
            (7200, 1000, 720),
            (7199, 1000, 719),
            (2246, 1000, 224),
            (999, 0, 0),
            (999, BP_WHOLE, 999),
            (999, 1, 0),
            (1, 9_999, 0),
            (u64::MAX, BP_WHOLE, u64::MAX),
            (u64::MAX, u32::MAX, u64::MAX),
        ] {
            assert_eq!(percent_floor(base, bp), expected, "{bp} bp of {base}");
        }
    }

    #[test]
    fn odd_weights_never_give_more_than_there_is() {
        assert_eq!(cumulative_floor(100, 0, 9, 3), 100);
        assert_eq!(cumulative_floor(100, 3, 1, 3), 0);
        assert_eq!(cumulative_floor(100, 0, 1, 0), 0);
        let most = u128::MAX;
        assert_eq!(cumulative_floor(u64::MAX, 0, most, most), u64::MAX);
        assert_eq!(cumulative_floor(u64::MAX, 0, most / 2, most), u64::MAX / 2);
        assert_eq!(cumulative_floor(u64::MAX, most - 1, most, most), 1);
    }

    fn weight() -> impl Strategy<Value = u64> {
        prop_oneof![Just(0), 0..10_000_u64, any::<u64>()]
    }

    proptest! {
        #[test]
        fn shares_add_up_for_any_grouping(
            total: u64,
            units in prop::collection::vec((weight(), any::<bool>()), 1..40),
        ) {
            let weights: Vec<u64> = units.iter().map(|unit| unit.0).collect();
            let all = prefixes(&weights);
            let single = shares(total, &all);
            prop_assert_eq!(single.iter().map(|share| u128::from(*share)).sum::<u128>(), total.into());

            // Keep the ends and the cuts drawn; every group gets what its units get.
            let kept = |at: usize| at == 0 || at == units.len() || units.get(at).is_some_and(|unit| unit.1);
            let cuts = (0..).zip(&all).filter(|(at, _)| kept(*at)).map(|(_, cut)| *cut).collect::<Vec<_>>();
            let mut singles = single.iter();
            for (group, edge) in shares(total, &cuts).iter().zip(cuts.iter().zip(cuts.iter().skip(1))) {
                let size = edge.1.units - edge.0.units;
                let sum: u64 = singles.by_ref().take(usize::try_from(size).unwrap_or(0)).sum();
                prop_assert_eq!(*group, sum);
            }
        }

        #[test]
        fn a_share_is_within_one_of_the_exact_share(
            total in 0..1_u64 << 53,
            before in 0..1_u128 << 60,
            own in 0..1_u128 << 60,
            rest in 1..1_u128 << 60,
        ) {
            let whole = before + own + rest;
            let share = u128::from(cumulative_floor(total, before, before + own, whole));
            let exact = u128::from(total) * own / whole;
            prop_assert!(share == exact || share == exact + 1);
        }

        #[test]
        fn long_multiplication_agrees_with_128_bits(total: u64, weight: u64, more: u64) {
            let (weight, whole) = (u128::from(weight), u128::from(weight) + u128::from(more) + 1);
            prop_assert_eq!(long_floor_of(total, weight, whole), u128::from(total) * weight / whole);
            // The same fraction, written with numbers too large for a 128-bit product.
            let scale = u128::MAX / whole;
            prop_assert_eq!(floor_of(total, weight * scale, whole * scale), floor_of(total, weight, whole));
        }

        #[test]
        fn percent_is_the_largest_within_the_clause(base in 0..1_u64 << 53, bp in 0..=BP_WHOLE) {
            let taken = u128::from(percent_floor(base, bp));
            let allowed = u128::from(base) * u128::from(bp);
            prop_assert!(taken * 10_000 <= allowed && (taken + 1) * 10_000 > allowed);
        }
    }
}
