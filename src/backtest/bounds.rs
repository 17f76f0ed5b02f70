//! Exact binomial confidence bounds (Clopper and Pearson, 1934).
//!
//! "No misjudgment in 300 messages" proves little; these bounds say how little.

use statrs::function::beta::beta_reg;

/// Probability that a one-sided bound holds.
pub const CONFIDENCE: f64 = 0.95;

/// The largest rate that `hits` in `n` leave plausible: at this rate so few hits would come with 5 % chance.
/// 1 when nothing was observed.
pub fn upper(hits: u64, n: u64) -> f64 {
    if hits >= n {
        return 1.0;
    }
    // P(X <= hits | rate) = 1 - I_rate(hits + 1, n - hits), which falls as the rate grows.
    solve(hits as f64 + 1.0, (n - hits) as f64, CONFIDENCE)
}

/// The smallest rate that `hits` in `n` leave plausible: at this rate so many hits would come with 5 % chance.
/// 0 when nothing was observed.
pub fn lower(hits: u64, n: u64) -> f64 {
    if hits == 0 || n == 0 {
        return 0.0;
    }
    let hits = hits.min(n);
    solve(hits as f64, (n - hits) as f64 + 1.0, 1.0 - CONFIDENCE)
}

/// How many observations without a hit prove that the rate is below `budget`.
pub fn needed(budget: f64) -> u64 {
    if budget >= 1.0 {
        return 1;
    }
    if budget <= 0.0 {
        return u64::MAX;
    }
    let exact = (1.0 - CONFIDENCE).ln() / (-budget).ln_1p();
    let mut n = exact.floor().max(1.0) as u64;
    while upper(0, n) >= budget {
        n += 1;
    }
    n
}

/// The rate at which the regularised incomplete beta function reaches `target`.
///
/// Bisection over the function itself: it is monotone, sixty halvings are exact to the last bit of a rate, and
/// unlike an inverse by approximation there is no corner in which it converges badly.
fn solve(a: f64, b: f64, target: f64) -> f64 {
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if beta_reg(a, b, middle) < target {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_without_hits_follow_the_closed_form() {
        for n in [1, 10, 300, 997, 998, 5000, 1_000_000] {
            let exact = 1.0 - 0.05_f64.powf(1.0 / n as f64);
            assert!((upper(0, n) - exact).abs() < 1e-12, "{n}: {} {exact}", upper(0, n));
            assert!((lower(n, n) - (1.0 - exact)).abs() < 1e-12, "{n}");
        }
    }

    #[test]
    fn the_sample_sizes_that_prove_three_in_a_thousand() {
        for (hits, n) in [(0, 998), (1, 1580), (2, 2097), (5, 3502), (10, 5651)] {
            assert!(upper(hits, n) < 0.003, "{hits}/{n}: {}", upper(hits, n));
            assert!(upper(hits, n - 1) > 0.003, "{hits}/{}: {}", n - 1, upper(hits, n - 1));
        }
        assert_eq!(needed(0.003), 998);
        assert_eq!(needed(0.01), 299);
        assert_eq!(needed(0.001), 2995);
    }

    #[test]
    fn the_two_sides_mirror_each_other() {
        for (hits, n) in [(0, 5), (1, 7), (3, 90), (45, 90), (90, 90), (17, 40_000)] {
            assert!((upper(hits, n) - (1.0 - lower(n - hits, n))).abs() < 1e-12, "{hits}/{n}");
            assert!(lower(hits, n) <= hits as f64 / n as f64 && hits as f64 / n as f64 <= upper(hits, n));
        }
    }

    #[test]
    fn nothing_observed_proves_nothing() {
        assert_eq!((upper(0, 0), lower(0, 0)), (1.0, 0.0));
        assert_eq!(needed(0.0), u64::MAX);
        assert_eq!(needed(1.0), 1);
    }
}
