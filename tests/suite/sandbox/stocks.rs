//! A machine that asks for stocks, and upstreams that sell them.

use super::{Sandbox, Upstream, reply};

/// A machine by the clock on the wall, whose Yahoo is this upstream and whose quotes last.
pub fn machine(upstream: &Upstream) -> Sandbox {
    // In real time New York may close at any moment.
    let open = |sandbox: Sandbox, symbol: &str| {
        sandbox.env(&format!("MCACHE_CALENDARS__SYMBOLS__{symbol}"), "24/7")
    };
    let symbols = ["AAPL", "MSFT", "S0", "S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9"];
    symbols
        .into_iter()
        .fold(Sandbox::new(), open)
        .in_real_time()
        .with_provider("yahoo", upstream.url())
        .env("MCACHE_PROVIDERS__YAHOO__LIMITS", "[]")
        .env("MCACHE_TTL__QUOTE__STOCK", "1d")
}

/// An upstream whose every stock costs the same.
pub fn selling_at(price: u32) -> Upstream {
    selling(move |_| price)
}

/// An upstream whose prices say which symbol they belong to: `S17` costs 1017.
pub fn numbered() -> Upstream {
    selling(|symbol| 1000 + symbol[1..].parse::<u32>().unwrap_or(0))
}

fn selling(price: impl Fn(&str) -> u32 + Send + Sync + 'static) -> Upstream {
    Upstream::start(move |incoming| {
        let symbol = incoming.path.split(['/', '?']).nth(4).unwrap_or_default();
        let price = price(symbol);
        let body = format!(
            r#"{{"chart":{{"result":[{{"meta":{{"symbol":"{symbol}","currency":"USD","regularMarketPrice":{price}}}}}],"error":null}}}}"#
        );
        reply(200, "application/json", body.as_bytes())
    })
}
