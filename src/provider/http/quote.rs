//! A snapshot out of the fields of a reply.
//!
//! What upstream does not say of a change is worked out from the close before; nothing else is.

use super::fields::{QUOTE, QUOTE_FIELDS, Reading, needed, number};
use super::moment::Moment;
use super::rows::{Cells, Place, Wanted};
use super::verdict::Body;
use crate::error::{Error, Kind};
use crate::market::{Class, MarketState, Quote};
use crate::number::Number;
use crate::provider::{Ask, Reply, nonsense, written};

impl Reading {
    /// The quote in a reply.
    pub(super) fn quote(&self, ask: &Ask<'_>, reply: &Reply) -> Result<Quote, Error> {
        let refused = |why: String| nonsense(ask, reply, why);
        let body = Body::of(reply).ok_or_else(|| refused("it is no text".to_owned()))?;
        let Some(cells) = self.snapshot(body).map_err(refused)? else {
            return Err(nothing(ask));
        };
        self.filled(ask, &cells).map_err(refused)?.ok_or_else(|| nothing(ask))
    }

    /// What stands in the fields; none if there are rows, but not one.
    fn snapshot<'a>(
        &self,
        body: Body<'a>,
    ) -> Result<Option<Cells<'a, { QUOTE_FIELDS.len() }>>, String> {
        let wanted = Wanted {
            places: self.places(QUOTE_FIELDS),
            needed: needed(QUOTE),
            missing: &self.missing,
        };
        match (&self.rows, body.json) {
            (Some(rows), _) => Ok(rows.cells(body, &wanted)?.into_iter().next()),
            (None, Some(json)) => {
                let find = |place: &Place| match place {
                    Place::At(pointer) => pointer.find(json),
                    Place::Key => None,
                };
                wanted.cells(find, None).map(Some)
            }
            (None, None) => Err("it is no JSON".to_owned()),
        }
    }

    /// The quote of these cells; none if there is no price.
    fn filled(
        &self,
        ask: &Ask<'_>,
        cells: &Cells<'_, { QUOTE_FIELDS.len() }>,
    ) -> Result<Option<Quote>, String> {
        let text = |name: &str| {
            let at = QUOTE_FIELDS.iter().position(|field| *field == name)?;
            cells[at].as_deref()
        };
        let amount = |name: &str| text(name).map(|text| number(name, text)).transpose();
        let Some(price) = amount("price")? else { return Ok(None) };
        let zero = |number: &Number| number.as_f64() == 0.0;
        let time = text("time").map(|text| self.moment("time", text)).transpose()?;
        let said = |name| text(name).map(str::trim).filter(|text| is_name(text)).map(str::to_owned);
        let exchange = said("exchange").or_else(|| self.exchange.as_deref().map(str::to_owned));
        let quote = Quote {
            open: amount("open")?,
            high: amount("high")?,
            low: amount("low")?,
            bid: amount("bid")?.filter(|bid| !zero(bid)),
            ask: amount("ask")?.filter(|ask| !zero(ask)),
            volume: amount("volume")?,
            currency: said("currency").or_else(|| self.currency_of(ask.symbol)),
            exchange,
            market_state: (ask.symbol.class() == Class::Crypto).then_some(MarketState::Regular),
            time: time.and_then(|Moment { at, .. }| written(at)),
            ..Quote::of(ask.symbol, ask.provider, price)
        };
        let quote = quote.with_change_from(amount("previous_close")?.filter(|close| !zero(close)));
        Ok(Some(Quote {
            change: amount("change")?.or(quote.change),
            change_percent: amount("change_percent")?.or(quote.change_percent),
            ..quote
        }))
    }
}

/// Whether it can be what a currency or an exchange is called.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= 64 && !text.chars().any(char::is_control)
}

/// The error of an upstream that has no price for a symbol, and says so.
fn nothing(ask: &Ask<'_>) -> Error {
    let Ask { symbol, provider, .. } = ask;
    Error::new(Kind::NotFound, format!("{provider} has no price for `{symbol}`"))
        .hint("check the spelling; --provider asks another provider")
}
