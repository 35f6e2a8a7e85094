//! One claim, one order.

use replay::{
    books::{BoardRow, ObligationRow, RefusalRow, Sums, TotalKey},
    history::Cut,
    ids::{ClaimId, OrderId, Stream},
};
use serde_json::{Value, json};

use super::{
    kept::{self, Kept},
    money::Groups,
};
use crate::{
    error::{Error, Result},
    store::{Store, sqlite::SqliteStore},
    view::{self, By, Filter},
};

/// A claim or an order, as people name it: `C1`, `claim/C1`, `order/O1`, or an order's id that is no claim's.
///
/// # Errors
/// An id that is none, storage errors.
pub fn stream_of(store: &mut SqliteStore, name: &str) -> Result<Stream> {
    let bad = |why: replay::ids::BadText| Error::unreadable("bad_id", why.to_string()).at(name);
    if name.contains('/') {
        return name.parse().map_err(bad);
    }
    let claim = Stream::Claim(ClaimId::new(name).map_err(bad)?);
    let order = Stream::Order(OrderId::new(name).map_err(bad)?);
    if store.revision(&claim)? == 0 && store.revision(&order)? > 0 { Ok(order) } else { Ok(claim) }
}

/// A claim as it stands, with what its words for people are made of.
#[derive(Debug)]
pub struct Shown {
    /// What programs read.
    pub answer: Value,
    /// Its row on the board.
    pub board: BoardRow,
    /// Acts that were refused.
    pub refused: Vec<RefusalRow>,
    /// Place of its last event in its stream.
    pub revision: u64,
    /// Holds and redactions.
    pub kept: Kept,
}

/// One claim under a cut.
///
/// # Errors
/// As [`view::claim`].
pub fn claim(store: &mut SqliteStore, id: &ClaimId, cut: &Cut) -> Result<Shown> {
    let stream = Stream::Claim(id.clone());
    let rows = view::claim(store, id, cut)?;
    let refused = store.refusals_of(&stream.to_string())?;
    let revision = store.revision(&stream)?;
    let mut answer: Value = serde_json::from_str(&rows.detail).unwrap_or_default();
    if let Value::Object(fields) = &mut answer {
        fields.insert("revision".into(), json!(revision));
        fields.insert("refused".into(), json!(refused));
    }
    let kept = kept::of(store, &stream)?;
    kept.put_into(&mut answer);
    Ok(Shown { answer, board: rows.board, refused, revision, kept })
}

/// One order under a cut, with its claims; its holds and redactions beside it.
///
/// # Errors
/// As [`view::case_of`].
pub fn order(store: &mut SqliteStore, id: &OrderId, cut: &Cut) -> Result<(Value, Kept)> {
    let stream = Stream::Order(id.clone());
    let case = view::case_of(store, &stream)?;
    let gone = || Error::not_found(format!("order {id} did not exist at that moment"));
    let order = case.order.as_ref().ok_or_else(gone)?;
    let state = order.state(cut).ok_or_else(gone)?;
    let revision = store.revision(&stream)?;
    let currency = state.currency();
    let claims: Vec<Value> = case
        .claims
        .keys()
        .filter_map(|claim| replay::books::rows(&case, claim, cut))
        .map(|rows| json!({ "claim": rows.board.claim, "stage": rows.board.stage, "open_minor": rows.board.open_minor }))
        .collect();
    let lines: Vec<Value> = state
        .sale
        .lines
        .iter()
        .map(|line| {
            let units = replay::units::Units::from_line(line.id.clone(), line.quantity).unwrap_or_default();
            json!({ "line": line.id, "sku": line.sku, "quantity": line.quantity, "units": units,
                    "value_minor": state.value_minor(&units) })
        })
        .collect();
    let mut answer = json!({
        "order": id, "revision": revision, "policy": state.sale.policy, "purchased_at": state.sale.purchased_at,
        "currency": currency, "captured_minor": state.captured_minor, "shipping_minor": state.shipping_minor(),
        "lines": lines, "parcels": state.parcels.len(), "claims": claims,
    });
    let kept = kept::of(store, &stream)?;
    kept.put_into(&mut answer);
    Ok((answer, kept))
}

/// A page of the board: rows under a cut, and whether there are more.
///
/// # Errors
/// Storage errors, a broken log.
pub fn board(
    store: &mut SqliteStore,
    filter: &Filter,
    after: Option<&str>,
    limit: u64,
    cut: &Cut,
) -> Result<(Vec<BoardRow>, bool)> {
    let limit = limit.max(1);
    let mut rows = if *cut == Cut::default() {
        store.board(filter, after, limit.saturating_add(1))?
    } else {
        let books = view::books_as_of(store, cut)?.books;
        let rows =
            books.board.into_values().filter(|row| after.is_none_or(|after| row.claim.as_str() > after));
        rows.filter(|row| filter.matches(row))
            .take(usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(1))
            .collect()
    };
    let more = u64::try_from(rows.len()).unwrap_or(u64::MAX) > limit;
    if more {
        rows.pop();
    }
    Ok((rows, more))
}

/// What is still owed under a cut: refunds and goods to customers, charges from them.
///
/// # Errors
/// Storage errors, a broken log.
pub fn owed(
    store: &mut SqliteStore,
    what: Option<&str>,
    merchant: Option<&str>,
    cut: &Cut,
) -> Result<Vec<ObligationRow>> {
    let mut rows = if *cut == Cut::default() {
        store.obligations()?
    } else {
        view::books_as_of(store, cut)?.books.obligations.into_values().collect()
    };
    rows.retain(|row| what.is_none_or(|what| what == row.what));
    rows.retain(|row| merchant.is_none_or(|merchant| merchant == row.merchant));
    Ok(rows)
}

/// Refund totals under a cut, by groups.
///
/// # Errors
/// Storage errors, a broken log.
pub fn totals_of(store: &mut SqliteStore, by: &[By], cut: &Cut) -> Result<Groups> {
    let totals: Vec<(TotalKey, Sums)> = if *cut == Cut::default() {
        store.totals()?
    } else {
        view::books_as_of(store, cut)?.books.totals.into_iter().collect()
    };
    Ok(view::group_totals(totals.iter().map(|(key, sums)| (key, sums)), by))
}
