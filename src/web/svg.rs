//! Pictures made on the server, in whole numbers. Each stands beside the figures it shows, so for those who do not see
//! it nothing is lost: it is hidden from them.

use maud::{Markup, html};

/// Width of every picture in its own units.
const WIDE: i64 = 1_000;

/// Where a value lies between two others, in picture units.
fn place(least: i64, most: i64, value: i64) -> i64 {
    let (least, most, value) = (i128::from(least), i128::from(most), i128::from(value));
    let width = (most - least).max(1);
    let at = (value - least).clamp(0, width) * i128::from(WIDE) / width;
    i64::try_from(at).unwrap_or(0)
}

/// A bar from one value to another, and a line at zero.
pub fn span(least: i64, most: i64, from: i64, to: i64) -> Markup {
    let (a, b) = (place(least, most, from), place(least, most, to));
    let zero = place(least, most, 0);
    let class = if to < from { "less" } else { "more" };
    html! {
        svg .bar viewBox="0 0 1000 24" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            line .axis x1=(zero) x2=(zero) y1="0" y2="24" {}
            rect class=(class) x=(a.min(b)) y="3" width=((a - b).abs().max(4)) height="18" {}
        }
    }
}

/// A bar as long as its share of the greatest.
pub fn share(most: u64, value: u64) -> Markup {
    let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    span(0, signed(most).max(1), 0, signed(value))
}

/// A stretch of time, with a mark where it was done and a line at the moment that is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Stretch {
    /// When it began.
    pub from: i64,
    /// When it ends; without one it has no end that anybody knows.
    pub to: Option<i64>,
    /// When it was done.
    pub done: Option<i64>,
    /// `good`, `bad` or `wait`.
    pub tone: &'static str,
}

/// A row of the calendar strip. All times are in one unit, whichever.
pub fn stretch(first: i64, last: i64, now: i64, row: Stretch) -> Markup {
    let x = |time: i64| place(first, last, time);
    let (a, b) = (x(row.from), x(row.to.unwrap_or(last)));
    html! {
        svg .bar viewBox="0 0 1000 24" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            rect class={ "stretch " (row.tone) @if row.to.is_none() { " open" } } x=(a) y="6" width=((b - a).max(6)) height="12" {}
            @if let Some(done) = row.done { rect .done x=(x(done).saturating_sub(4).max(0)) y="1" width="8" height="22" {} }
            line .now x1=(x(now)) x2=(x(now)) y1="0" y2="24" {}
        }
    }
}

/// Columns over time, one for each value, each with its name below; the greatest fills the height.
pub fn columns(values: &[(String, u64)]) -> Markup {
    let most = values.iter().map(|(_, value)| *value).max().unwrap_or(0).max(1);
    // A year at least, so that one month is no wall.
    let count = i64::try_from(values.len()).unwrap_or(1).max(12);
    let step = WIDE / count;
    html! {
        svg .columns-chart viewBox="0 0 1000 160" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            line .axis x1="0" x2="1000" y1="159" y2="159" {}
            @for (i, (_, value)) in (0i64..).zip(values) {
                @let tall = i64::try_from(u128::from(*value) * 150 / u128::from(most)).unwrap_or(0);
                rect .more x=(i * step + step / 8) y=(159 - tall) width=((step - step / 4).max(1)) height=(tall) {}
            }
        }
    }
}
