//! What is read of replies in the shapes of real providers, written by hand.

use super::*;

#[test]
fn a_quote_is_read_with_the_digits_that_were_sent() {
    let fields = "\
quote:
  path: /q/{symbol}
  fields: {price: /d/last, previous_close: /d/prev, change_percent: /d/pct, bid: /d/bid, volume: /d/vol, currency: /d/cur, exchange: /d/ex, time: /d/ts}
  time: {unit: milliseconds}
  missing: [\"\", N/D, \"-\"]
";
    let acme = acme(fields);
    for (body, expected) in [
        (
            r#"{"d":{"last":1.50,"prev":"1.250","vol":0,"cur":"USD","ex":"NASDAQ","ts":1782907200123}}"#,
            r#""price":1.50,"previous_close":1.250,"change":0.250,"change_percent":20,"volume":0,"currency":"USD","exchange":"NASDAQ","time":"2026-07-01T12:00:00.123Z""#,
        ),
        (
            r#"{"d":{"last":"12345678901234567890.10","prev":"N/D","pct":" -0.5910% ","bid":0,"vol":"-"}}"#,
            r#""price":12345678901234567890.10,"change_percent":-0.5910"#,
        ),
        (r#"{"d":{"last":1e2,"prev":null,"cur":""}}"#, r#""price":1e2"#),
    ] {
        assert_eq!(quoted(&acme, body).unwrap(), expected, "{body}");
    }
    for (body, kind, says) in [
        (r#"{"d":{"last":"N/D"}}"#, Kind::NotFound, "acme has no price for `AAPL`"),
        (r#"{"d":{"last":null}}"#, Kind::NotFound, "acme has no price for `AAPL`"),
        (r#"{"d":{}}"#, Kind::InvalidData, "(it has no `/d/last`)"),
        (r#"{"d":{"last":{"a":1}}}"#, Kind::InvalidData, "where a value is expected"),
        (r#"{"d":{"last":"1,5"}}"#, Kind::InvalidData, "(its price `1,5` is not a number)"),
        (r#"{"d":{"last":true}}"#, Kind::InvalidData, "(its price `true` is not a number)"),
        (r#"{"d":{"last":1,"ts":"now"}}"#, Kind::InvalidData, "(its time `now` is no time)"),
        (r#"{"d":{"last":0}}"#, Kind::InvalidData, "must be above zero"),
        ("<html>", Kind::InvalidData, "(it is no JSON)"),
        ("Too Many Requests", Kind::RateLimited, "no more requests"),
    ] {
        let error = quoted(&acme, body).unwrap_err();
        assert!(error.kind == kind && error.message.contains(says), "{body}: {error:?}");
    }
}

#[test]
fn what_trades_has_its_exchange_and_its_currency() {
    let plain_quote = "quote:\n  path: /q/{symbol}\n  fields: {price: /p, exchange: /e}\n";
    let acme = acme(&format!("{plain_quote}  constants: {{exchange: LSE}}\n"));
    for (class, name, body, exchange, currency) in [
        (Class::Stock, "AAPL", r#"{"p":1,"e":"NASDAQ"}"#, Some("XNAS"), None),
        (Class::Stock, "VOD.L", r#"{"p":1}"#, Some("XLON"), None),
        (Class::Stock, "AAPL", r#"{"p":1,"e":"somewhere"}"#, None, None),
        (Class::Crypto, "BTC", r#"{"p":1,"e":"NASDAQ"}"#, Some("24/7"), Some("USDT")),
        (Class::Fx, "EURUSD", r#"{"p":1}"#, Some("FX"), Some("USD")),
    ] {
        let symbol = Symbol::new(class, name);
        let Record::Quote(quote) = record(&acme, DataType::Quote, &symbol, &sent(body)).unwrap()
        else {
            panic!("{body}")
        };
        let code = acme.exchange(&quote);
        assert_eq!(code.as_ref().map(crate::market::ExchangeCode::as_str), exchange, "{name}");
        assert_eq!(quote.currency.as_deref(), currency, "{name}");
    }
}

#[test]
fn coinbase_has_the_low_first_and_the_newest_row() {
    let coinbase = acme(COINBASE);
    let body = "[[1704074400,3,5,4,4.50,7.25],[1704070800,2,4,3,4,0],[1704067200,1,3,2,3,1]]";
    let span = (Interval::Hour1, "2024-01-01T00:30:00Z", "2024-01-01T02:30:00Z");
    let read = page(&coinbase, &bitcoin(), span, &sent(body)).unwrap();
    assert_eq!(
        told(&read.bars),
        ["2024-01-01T01:00:00Z 3 4 2 4 0 -", "2024-01-01T02:00:00Z 4 5 3 4.5 7.25 -"]
    );
    assert_eq!(read.currency.as_deref(), Some("USD"));
    let day = (Interval::Day1, "2024-01-01", "2024-01-02");
    let read = page(&coinbase, &bitcoin(), day, &sent("[[1704067200,1,3,2,3,1]]")).unwrap();
    assert_eq!(told(&read.bars), ["2024-01-01T00:00:00Z 2024-01-01 2 3 1 3 1 -"]);
    assert!(page(&coinbase, &bitcoin(), day, &sent("[]")).unwrap().bars.is_empty());
    for (status, body, kind) in [
        (404, r#"{"message":"NotFound"}"#, Kind::NotFound),
        (429, r#"{"message":"Public rate limit exceeded"}"#, Kind::RateLimited),
        (400, r#"{"message":"Unsupported granularity"}"#, Kind::Upstream),
        (200, "[[1704067200,1,3,2,3,1],[1704067200,1,3,2,3,1]]", Kind::InvalidData),
        (200, "[[1,1,1,1,1,1],[3,1,1,1,1,1],[2,1,1,1,1,1]]", Kind::InvalidData),
        (200, "[[1704067200,1,3]]", Kind::InvalidData),
        (200, "[{}]", Kind::InvalidData),
        (200, "{}", Kind::InvalidData),
        (200, "null", Kind::InvalidData),
        (200, "[[1704067200,5,3,2,3,1]]", Kind::InvalidData),
        (200, "[[1704067200,0,3,2,3,1]]", Kind::InvalidData),
        (200, "[[1704067200,1,3,2,3,1]", Kind::InvalidData),
        (200, "", Kind::InvalidData),
    ] {
        let reply = Reply::new(status, body.as_bytes().to_vec());
        let found = page(&coinbase, &bitcoin(), day, &reply).map_err(|error| error.kind);
        assert_eq!(found, Err(kind), "{body}");
    }
}

#[test]
fn the_rows_of_kraken_stand_under_its_own_name() {
    let kraken = acme(KRAKEN);
    let body = r#"{"error":[],"result":{"last":1502402580,"XXBTZUSD":[[1502402520,"3449.992","3449.999","3449.992","3449.999","3449.997","1.01200000",7]]}}"#;
    let span = (Interval::Minute1, "2017-08-10T22:00:00Z", "2017-08-11");
    let read = page(&kraken, &bitcoin(), span, &sent(body)).unwrap();
    let row = "2017-08-10T22:02:00Z 3449.992 3449.999 3449.992 3449.999 1.012 -";
    assert_eq!((told(&read.bars), read.exchange), (vec![row.to_owned()], None));
    for (error, kind) in [
        ("EQuery:Unknown asset pair", Kind::NotFound),
        ("EAPI:Rate limit exceeded", Kind::RateLimited),
        ("EService:Unavailable", Kind::Upstream),
    ] {
        let reply = sent(&format!(r#"{{"error":["{error}"]}}"#));
        let found = page(&kraken, &bitcoin(), span, &reply).unwrap_err();
        assert_eq!(found.kind, kind);
        assert!(found.message.contains(error), "{found}");
    }
}

#[test]
fn the_columns_of_finnhub_are_of_one_length() {
    let finnhub = acme(FINNHUB);
    let apple = Symbol::new(Class::Stock, "AAPL");
    let span = (Interval::Day1, "2024-01-02", "2024-01-05");
    let read = |body: &str| page(&finnhub, &apple, span, &sent(body));
    // The second is a holiday's: nobody traded, and everything is null.
    let body = r#"{"c":[185.64,null],"h":[188.44,null],"l":[183.885,null],"o":[187.15,null],"s":"ok","t":[1704153600,1704240000],"v":[82488674,null]}"#;
    assert_eq!(
        told(&read(body).unwrap().bars),
        ["2024-01-02T14:30:00Z 2024-01-02 187.15 188.44 183.885 185.64 82488674 -"]
    );
    assert!(read(r#"{"s":"no_data"}"#).unwrap().bars.is_empty());
    for (body, kind) in [
        (r#"{"s":"ok","c":[1],"t":[]}"#, Kind::InvalidData),
        (r#"{"s":"ok","c":[1]}"#, Kind::InvalidData),
        (r#"{"s":"ok","c":1,"t":1}"#, Kind::InvalidData),
        (r#"{"s":"ok","c":[1],"t":[null]}"#, Kind::InvalidData),
        (r#"{"s":"odd","c":[],"t":[]}"#, Kind::Upstream),
        (r#"{"error":"You don't have access to this resource."}"#, Kind::Unauthorized),
    ] {
        assert_eq!(read(body).map_err(|error| error.kind), Err(kind), "{body}");
    }
}

#[test]
fn a_day_begins_when_the_session_of_its_date_opens() {
    let tiingo = acme(TIINGO);
    let day = |class, name, date: &str| {
        let body = format!(r#"[{{"date":"{date}","close":2,"open":1}}]"#);
        let span = (Interval::Day1, "1960-01-01", "2026-07-01");
        told(&page(&tiingo, &Symbol::new(class, name), span, &sent(&body)).unwrap().bars).join("")
    };
    for (class, name, date, expected) in [
        // In winter, in summer, and on a day on which New York was closed.
        (Class::Stock, "AAPL", "2018-01-05T00:00:00.000Z", "2018-01-05T14:30:00Z 2018-01-05"),
        (Class::Stock, "BRK.B", "2024-10-22T00:00:00+00:00", "2024-10-22T13:30:00Z 2024-10-22"),
        (Class::Stock, "AAPL", "2024-12-25", "2024-12-25T05:00:00Z 2024-12-25"),
        (Class::Stock, "VOD.L", "2024-07-01", "2024-07-01T07:00:00Z 2024-07-01"),
        (Class::Stock, "7203.T", "2024-07-01", "2024-07-01T00:00:00Z 2024-07-01"),
        (Class::Fx, "EURUSD", "2024-07-01", "2024-06-30T21:00:00Z 2024-07-01"),
        (Class::Crypto, "BTC", "2024-07-01", "2024-07-01T00:00:00Z 2024-07-01"),
    ] {
        assert_eq!(day(class, name, date), format!("{expected} 1 - - 2 - -"), "{name} {date}");
    }
}

#[test]
fn only_what_upstream_has_is_within_reach() {
    let reach = |acme: &Definition, class, name, interval| {
        acme.charts().unwrap().reach(&Symbol::new(class, name), interval)
    };
    let coinbase = acme(COINBASE);
    let most = reach(&coinbase, Class::Crypto, "BTC", Interval::Hour1).unwrap();
    assert_eq!((most.rows, most.back), (Some(300), None));
    for (class, name, interval) in [
        (Class::Crypto, "BTC", Interval::Minute5),
        (Class::Stock, "AAPL", Interval::Hour1),
        (Class::Macro, "GDP", Interval::Day1),
    ] {
        assert_eq!(reach(&coinbase, class, name, interval), None, "{name}");
    }
    // It always gives the latest 720, of which one is running.
    let latest = reach(&acme(KRAKEN), Class::Crypto, "BTC", Interval::Hour1).unwrap();
    assert_eq!(latest.back, Some(std::time::Duration::from_hours(719)));
    assert_eq!(latest.rows, None);
    let whole = reach(&acme(ALPHA_VANTAGE), Class::Stock, "AAPL", Interval::Day1);
    assert_eq!(whole, Some(crate::provider::Reach::default()));
}

#[test]
fn bars_are_asked_for_in_upstreams_words() {
    let acme = acme(COINBASE);
    let symbol = bitcoin();
    let ask = Ask {
        symbol: &symbol,
        data_type: DataType::Bars,
        provider: "acme",
        params: Params::none(),
    };
    let span = Span::new(at("2024-01-01"), at("2024-01-02")).unwrap();
    let piece = Piece { interval: Interval::Hour1, span, session: SessionKind::Regular };
    let request = acme.charts().unwrap().request(&ask, &piece);
    assert_eq!((&*request.endpoint, &*request.path), ("bars", "/products/BTC-USD/candles"));
    let query: Vec<String> = request.query.iter().map(|(n, v)| format!("{n}={v}")).collect();
    assert_eq!(
        query,
        ["end=2024-01-02T00:00:00Z", "granularity=3600", "start=2024-01-01T00:00:00Z"]
    );
    assert!(!acme.has(&symbol, DataType::Bars) && !acme.has(&symbol, DataType::Quote));
}

#[test]
fn what_is_read_is_asked_with_its_own_parameters() {
    let acme = acme(
        "quote: {path: \"/q/{param:depth}\", params: {depth: 10}, fields: {price: /p}}\n\
         sentiment: {path: \"/s/{param:depth}\", params: {depth: 10}}\n",
    );
    let params = Params::parse(["depth=20"]).unwrap();
    let sentiment = DataType::Payload(EndpointName::parse("sentiment").unwrap());
    for (data_type, path) in [(DataType::Quote, "/q/10"), (sentiment, "/s/20")] {
        let ask = Ask { symbol: &bitcoin(), data_type, provider: "acme", params: &params };
        assert_eq!(acme.request(&ask).unwrap().path, path);
    }
}

#[test]
fn a_series_may_be_newest_first_and_has_gaps() {
    let series = |endpoints: &str, body: &str| {
        let symbol = Symbol::new(Class::Macro, "DGS4MO");
        record(&acme(endpoints), DataType::Series, &symbol, &sent(body)).map(
            |record| match record {
                Record::Series(series) => series
                    .observations
                    .iter()
                    .map(|one| {
                        let value = one.value.as_ref().map_or("-", crate::number::Number::as_str);
                        format!("{} {value}", one.date)
                    })
                    .collect::<Vec<_>>(),
                other => panic!("{other:?}"),
            },
        )
    };
    let body = "Date,\"1 Mo\",\"4 Mo\"\n10/21/2022,3.55,4.310\n10/18/2022,3.25,";
    assert_eq!(series(TREASURY, body).unwrap(), ["2022-10-18 -", "2022-10-21 4.310"]);
    let body = "observation_date,GDP\n2024-01-01,-1.50\n2024-04-01,.\n";
    assert_eq!(series(FREDGRAPH, body).unwrap(), ["2024-01-01 -1.50", "2024-04-01 -"]);
    for body in [
        "Date,\"1 Mo\"\n10/21/2022,3.55\n",
        "Date,\"4 Mo\"\n21.10.2022,3.55\n",
        "Date,\"4 Mo\"\n10/21/2022\n",
        "Date,\"4 Mo\"\n10/21/2022,1\n10/21/2022,1\n",
        "Date,\"4 Mo\"\n",
        "<!DOCTYPE html><html></html>",
        "",
    ] {
        assert_eq!(series(TREASURY, body).unwrap_err().kind, Kind::InvalidData, "{body}");
    }
    let stock = Symbol::new(Class::Stock, "AAPL");
    assert!(!acme(FREDGRAPH).has(&stock, DataType::Series));
}

#[test]
fn lines_are_read_by_name_or_by_number() {
    let stooq = acme(STOOQ);
    let quote = "Symbol,Date,Time,Open,High,Low,Close,Volume,Name\n";
    let apple =
        format!("{quote}AAPL.US,2024-07-01,22:00:09,212.09,217.51,211.92,216.750,60402929,APPLE\n");
    assert_eq!(
        quoted(&stooq, &apple).unwrap(),
        r#""price":216.750,"open":212.09,"high":217.51,"low":211.92,"volume":60402929,"time":"2024-07-01T00:00:00Z""#
    );
    let unknown = format!("{quote}NOSUCH.US,N/D,N/D,N/D,N/D,N/D,N/D,N/D,NOSUCH\n");
    assert_eq!(quoted(&stooq, &unknown).unwrap_err().kind, Kind::NotFound);
    assert_eq!(quoted(&stooq, quote).unwrap_err().kind, Kind::NotFound);
    let symbol = Symbol::new(Class::Stock, "AAPL");
    let span = (Interval::Day1, "2024-01-01", "2024-12-31");
    let read = |body: &str| page(&stooq, &symbol, span, &sent(body));
    // Without a volume, as indices are.
    let body = "Data,Otwarcie,Najwyzszy,Najnizszy,Zamkniecie\r\n2024-07-01,1,3,0.50,2\r\n";
    assert_eq!(told(&read(body).unwrap().bars), ["2024-07-01T13:30:00Z 2024-07-01 1 3 0.5 2 - -"]);
    assert!(read("No data").unwrap().bars.is_empty());
    for (body, kind) in [
        ("Exceeded the daily hits limit", Kind::RateLimited),
        ("Access denied", Kind::InvalidData),
        ("a,b,c,d,e\n2024-07-01,1,3", Kind::InvalidData),
    ] {
        assert_eq!(read(body).map_err(|error| error.kind), Err(kind), "{body}");
    }
}

#[test]
fn coins_of_coingecko_have_no_volume() {
    let coingecko = acme(
        "bars:\n  path: /coins/{base:lower}/ohlc\n  intervals: {30m: 30m}\n  max_rows: 48\n  \
         shape: arrays\n  fields: {time: /0, open: /1, high: /2, low: /3, close: /4}\n  \
         time: {unit: milliseconds}\n",
    );
    let span = (Interval::Minute30, "2024-01-01", "2024-01-02");
    let read = page(&coingecko, &bitcoin(), span, &sent("[[1704069000000,1,3,0.5,2]]")).unwrap();
    assert_eq!(told(&read.bars), ["2024-01-01T00:30:00Z 1 3 0.5 2 - -"]);
}

#[test]
fn what_is_kept_as_sent_is_judged_too() {
    let cryptometer = acme(
        "ls_ratio:\n  path: /ls-ratio/\n  query: {symbol: \"{base}\"}\n  ok: {/success: true}\n  \
         errors: {empty: {/error: No Data}, unauthorized: {/error: \"*api key*\"}}\n",
    );
    let data_type = DataType::Payload(EndpointName::parse("ls_ratio").unwrap());
    let read = |body: &str| {
        let record = record(&cryptometer, data_type, &bitcoin(), &sent(body));
        record.map_err(|error| error.kind).map(|record| plain(&record))
    };
    let body = r#"{"success":"true","error":"false","data":[1.50]}"#;
    assert_eq!(read(body).unwrap(), format!("\"payload\":{}", body.trim_end_matches('}')));
    assert!(read(r#"{"success":"false","error":"No Data"}"#).is_ok());
    for (error, kind) in
        [("Invalid API Key", Kind::Unauthorized), ("market_pair is missing", Kind::Upstream)]
    {
        let body = format!(r#"{{"success":"false","error":"{error}"}}"#);
        assert_eq!(read(&body), Err(kind), "{error}");
    }
}
