#!/usr/bin/env python3
"""Counts the calls and the rows that the same requests cost mcache and others.

    python3 -m venv /tmp/peers
    /tmp/peers/bin/pip install yfinance-cache requests-cache time-machine
    /tmp/peers/bin/python tools/compare_peers.py --mcache target/release/mcache

Nothing leaves the machine: a server on loopback speaks Yahoo's chart API of one stock that is made
up, with the sessions of New York and one split. Each client makes the same requests at the same
instants, with nothing in its cache at first:

    plain            downloads what is asked for, each time
    requests-cache   the same through requests_cache.CachedSession, for an hour
    yfinance-cache   yfinance_cache.Ticker.history, whose yfinance is told to ask the server instead
                     of Yahoo (YfData.get is replaced: yfinance knows only its own hosts; so is
                     Ticker.info, which is no chart)
    mcache           mcache fetch -t bars

Time is told to them: by time-machine, and to mcache by MCACHE_NOW. A call is a request for a chart,
a row is a bar that the server sent. An answer is right if its days and its closes are those that the
server has at that instant; what a client does beside that (exchanges, names) is counted apart.
For development only: neither a build nor a test needs Python.
"""

import argparse
import datetime as dt
import http.server
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import traceback
import urllib.parse
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
SPLIT = dt.date(2026, 6, 12)
FIRST = dt.date(2020, 1, 2)

# What is asked for: a name, when, from which date to which, the last included.
D = dt.date
REQUESTS = [
    ("a year of days", D(2026, 6, 10), D(2025, 6, 10), D(2026, 6, 10)),
    ("a month inside it", D(2026, 6, 10), D(2026, 2, 2), D(2026, 2, 27)),
    ("the same again", D(2026, 6, 10), D(2026, 2, 2), D(2026, 2, 27)),
    ("two years", D(2026, 6, 10), D(2024, 6, 10), D(2026, 6, 10)),
    ("a year, on the next day", D(2026, 6, 11), D(2025, 6, 11), D(2026, 6, 11)),
    ("a year, after a split 4:1", D(2026, 6, 12), D(2025, 6, 12), D(2026, 6, 12)),
]


def local(day, hour, minute=0):
    return dt.datetime(day.year, day.month, day.day, hour, minute, tzinfo=NEW_YORK)


class Market:
    """The stock, as it is told of at an instant."""

    def __init__(self):
        import exchange_calendars

        calendar = exchange_calendars.get_calendar("XNYS", start="2020-01-02", end="2026-10-30")
        self.days = [session.date() for session in calendar.sessions]
        self.now = None
        self.charts = []
        self.others = []

    def rows(self, start, end):
        """The bars that begin from one second up to, but not at, another."""
        rows = []
        for number, day in enumerate(self.days):
            begin = int(local(day, 9, 30).timestamp())
            if start <= begin < end and begin <= self.now.timestamp():
                price = 400.0 + (number * 37 % 101) / 4
                divided = 4 if day < SPLIT and self.has_split() else 1
                price = price / (1 if day < SPLIT else 4) / divided
                rows.append((begin, day, price))
        return rows

    def has_split(self):
        return self.now >= local(SPLIT, 9, 30)

    def chart(self, query):
        now = int(self.now.timestamp())
        back = {"1d": 1, "5d": 5, "1wk": 7, "1mo": 31, "1y": 366}.get(query.get("range"), 40_000)
        start = int(query.get("period1", now - back * 86_400))
        end = int(query.get("period2", now))
        rows = self.rows(start, end + 1)
        self.charts.append(len(rows))
        closes = [price for _, _, price in rows]
        opens = int(local(self.now.astimezone(NEW_YORK).date(), 9, 30).timestamp())
        phase = lambda a, b: {"timezone": "EDT", "start": a, "end": b, "gmtoffset": -14_400}
        meta = {
            "symbol": "AAPL", "currency": "USD", "exchangeName": "NMS", "fullExchangeName": "NasdaqGS",
            "instrumentType": "EQUITY", "firstTradeDate": int(local(FIRST, 9, 30).timestamp()),
            "regularMarketTime": self.traded(), "hasPrePostMarketData": True, "gmtoffset": -14_400,
            "timezone": "EDT", "exchangeTimezoneName": "America/New_York",
            "regularMarketPrice": self.rows(0, now + 1)[-1][2], "chartPreviousClose": 100.0,
            "priceHint": 2, "dataGranularity": query.get("interval", "1d"), "range": query.get("range", ""),
            "validRanges": ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"],
            "currentTradingPeriod": {
                "pre": phase(opens - 19_800, opens),
                "regular": phase(opens, opens + 23_400),
                "post": phase(opens + 23_400, opens + 37_800),
            },
        }
        result = {
            "meta": meta,
            "timestamp": [begin for begin, _, _ in rows],
            "indicators": {
                "quote": [{
                    "open": closes, "high": [c * 1.01 for c in closes], "low": [c * 0.99 for c in closes],
                    "close": closes, "volume": [1_000_000] * len(rows),
                }],
                "adjclose": [{"adjclose": closes}],
            },
        }
        at = int(local(SPLIT, 9, 30).timestamp())
        if self.has_split() and start <= at <= end:
            result["events"] = {"splits": {str(at): {
                "date": at, "numerator": 4.0, "denominator": 1.0, "splitRatio": "4:1"}}}
        return {"chart": {"result": [result], "error": None}}

    def traded(self):
        """The second of the last trade."""
        begun = self.rows(0, int(self.now.timestamp()) + 1)[-1][0]
        return min(int(self.now.timestamp()), begun + 23_400)


def serve(market):
    """The server's address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            url = urllib.parse.urlsplit(self.path)
            query = dict(urllib.parse.parse_qsl(url.query))
            is_chart = url.path == "/v8/finance/chart/AAPL"
            if not is_chart:
                market.others.append(url.path)
            body = json.dumps(market.chart(query) if is_chart else {}).encode()
            self.send_response(200 if is_chart else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def of_chart(body):
    """The days and the closes in a chart."""
    result = body["chart"]["result"][0]
    closes = result["indicators"]["quote"][0]["close"]
    days = [dt.datetime.fromtimestamp(at, NEW_YORK).date() for at in result["timestamp"]]
    return list(zip(days, closes))


class Plain:
    name = "plain"

    def __init__(self, base, folder):
        import requests

        self.base, self.session = base, requests.Session()

    def ask(self, _now, start, end):
        span = {"period1": int(local(start, 0).timestamp()),
                "period2": int(local(end + dt.timedelta(days=1), 0).timestamp()) - 1,
                "interval": "1d", "events": "div|split"}
        return of_chart(self.session.get(self.base + "/v8/finance/chart/AAPL", params=span).json())


class RequestsCache(Plain):
    name = "requests-cache"

    def __init__(self, base, folder):
        import requests_cache

        self.base = base
        self.session = requests_cache.CachedSession(str(folder / "requests"), expire_after=3600)


class YfinanceCache:
    name = "yfinance-cache"

    def __init__(self, base, folder):
        import logging

        import requests
        import yfinance
        import yfinance.data
        import yfinance_cache
        from yfinance_cache import yfc_cache_manager

        def get(_self, url, params=None, timeout=30, **_):
            path = urllib.parse.urlsplit(url).path
            return requests.get(base + path, params=params, timeout=timeout)

        yfinance.data.YfData.get = get
        yfinance.data.YfData.cache_get = get
        yfinance.data.YfData.get_raw_json = lambda self, url, **more: get(self, url, **more).json()
        # What Yahoo says of a company beside its chart: the server has none.
        known = {"symbol": "AAPL", "exchange": "NMS", "exchangeTimezoneName": "America/New_York",
                 "firstTradeDateEpochUtc": int(local(FIRST, 9, 30).timestamp())}
        yfinance.Ticker.info = property(lambda _: dict(known))
        (folder / "yfinance-cache").mkdir()
        yfinance.set_tz_cache_location(str(folder / "yfinance"))
        logging.getLogger("yfinance").setLevel(logging.CRITICAL)
        yfc_cache_manager.SetCacheDirpath(str(folder / "yfinance-cache"))
        self.of = lambda: yfinance_cache.Ticker("AAPL")

    def ask(self, _now, start, end):
        after = end + dt.timedelta(days=1)
        frame = self.of().history(interval="1d", start=start.isoformat(), end=after.isoformat(),
                                  adjust_divs=False)
        return [(at.date(), close) for at, close in frame["Close"].items()]


class Mcache:
    name = "mcache"

    def __init__(self, base, folder, program):
        self.program = program
        self.environment = {
            "HOME": str(folder), "PATH": os.environ["PATH"],
            "MCACHE_PROVIDERS__YAHOO__BASE_URL": base, "MCACHE_PROVIDERS__YAHOO__LIMITS": "[]",
        }

    def ask(self, now, start, end):
        at = now.astimezone(dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        arguments = ["fetch", "AAPL", "-t", "bars", "--from", str(start), "--to", str(end), "-f", "json"]
        run = subprocess.run([self.program, *arguments], env={**self.environment, "MCACHE_NOW": at},
                             capture_output=True, text=True)
        if run.returncode != 0:
            raise RuntimeError(run.stderr.strip())
        bars = json.loads(run.stdout)[0]["bars"]
        return [(dt.date.fromisoformat(bar["time"][:10]), bar["close"]) for bar in bars]


def is_right(answer, market, start, end):
    from_second = int(local(start, 0).timestamp())
    to_second = int(local(end + dt.timedelta(days=1), 0).timestamp())
    fresh = [(day, price) for _, day, price in market.rows(from_second, to_second)]
    return len(answer) == len(fresh) and all(
        mine == day and abs(close - price) <= 1e-4 * price
        for (mine, close), (day, price) in zip(answer, fresh))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mcache", type=pathlib.Path, default="target/release/mcache",
                        help="the program")
    parser.add_argument("--why", action="store_true", help="show why a client failed")
    arguments = parser.parse_args()
    import time_machine

    clients = [Plain, RequestsCache, YfinanceCache,
               lambda base, folder: Mcache(base, folder, str(arguments.mcache.resolve()))]
    table = {}
    names = []
    for make in clients:
        with tempfile.TemporaryDirectory() as folder:
            market = Market()
            base = serve(market)
            client = make(base, pathlib.Path(folder))
            names.append(client.name)
            for label, today, start, end in REQUESTS:
                # An hour after the close, and a minute later each time.
                market.now = local(today, 17, len(table.get(label, {})))
                market.charts.clear()
                market.others.clear()
                try:
                    with time_machine.travel(market.now, tick=True):
                        answer = client.ask(market.now, start, end)
                    verdict = "" if is_right(answer, market, start, end) else " wrong"
                except Exception as error:  # whatever a client raises is its result
                    verdict = " failed"
                    if arguments.why:
                        print(f"{client.name}, {label}:")
                        traceback.print_exc()
                cell = (len(market.charts), sum(market.charts), verdict, len(market.others))
                table.setdefault(label, {})[client.name] = cell
    width = max(len(label) for label in table)
    print(f"{'calls / rows':<{width}}" + "".join(f"{name:>18}" for name in names))
    for label, cells in table.items():
        line = "".join(f"{f'{c[0]} / {c[1]}{c[2]}':>18}" for c in (cells[n] for n in names))
        print(f"{label:<{width}}{line}")
    sums = [[sum(cells[n][i] for cells in table.values()) for i in (0, 1, 3)] for n in names]
    print(f"{'all':<{width}}" + "".join(f"{f'{s[0]} / {s[1]}':>18}" for s in sums))
    print(f"{'other requests':<{width}}" + "".join(f"{s[2]:>18}" for s in sums))


if __name__ == "__main__":
    main()
