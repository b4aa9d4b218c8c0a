#!/usr/bin/env python3
"""A trading bot's settings, cached: its database is slow, and it looks at it before every order.

What it reads stands under keys of its own for 300 seconds: `system_config:{key}`, `trading_pairs`,
`pair_config:{symbol}`, `pair_strategies:{symbol}`, `strategy_config:{symbol}:{strategy}` and
`pair_risk:{symbol}`. Whoever changes a setting writes it to the database and then puts it, and the
rules of mcache expire what was made of it: the next look reads that from the database again, in
every process that shares the cache. A key that is not held is read from the database and kept.

    python3 examples/trading_bot.py --demo       a day of it, without a network
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Optional

# Where the client stands in this repository; copy the one file beside a bot of your own.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "clients" / "python"))
from mcache import Mcache, McacheError  # noqa: E402

TTL = 300
QUOTE_AGE = "30s"


class Database:
    """A stand-in for the bot's own database: SQLite, and slow."""

    def __init__(self, path: Path, latency: float = 0.02):
        self._connection = sqlite3.connect(path)
        self._connection.execute("CREATE TABLE IF NOT EXISTS settings (key TEXT PRIMARY KEY, value TEXT)")
        self._latency = latency
        self.reads = 0

    def read(self, key: str) -> Any:
        """What is set under a key; None if nothing is."""
        self.reads += 1
        time.sleep(self._latency)
        row = self._connection.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
        return None if row is None else json.loads(row[0])

    def write(self, key: str, value: Any) -> None:
        """Sets a key."""
        with self._connection:
            self._connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (key, json.dumps(value)))

    def close(self) -> None:
        self._connection.close()


class Bot:
    """What the bot asks before it trades."""

    def __init__(self, cache: Mcache, database: Database, provider: Optional[str] = None):
        self.cache, self.database, self.provider = cache, database, provider

    def setting(self, key: str) -> Any:
        """A setting, from the cache if it is fresh there, else from the database."""
        return self.cache.get_or(key, lambda: self.database.read(key), ttl=TTL, tags=["settings"])

    def change(self, key: str, value: Any) -> None:
        """Changes a setting: the database first, since the cache must never know what it does not."""
        self.database.write(key, value)
        self.cache.put(key, value, ttl=TTL, tags=["settings"])

    def should_trade_pair(self, symbol: str) -> tuple[bool, str]:
        """Whether a pair may be traded now, and why (not)."""
        if self.setting("system_config:trading_enabled") is not True:
            return False, "trading is switched off"
        if symbol not in (self.setting("trading_pairs") or []):
            return False, "it is no trading pair"
        config = self.setting(f"pair_config:{symbol}") or {}
        if not config.get("enabled"):
            return False, "it is not enabled"
        if not self.setting(f"pair_strategies:{symbol}"):
            return False, "it has no strategy"
        risk = self.setting(f"pair_risk:{symbol}") or {}
        try:
            quote = self.cache.quote(symbol, provider=self.provider, max_age=QUOTE_AGE)
        except McacheError as error:
            return False, f"no price: {error.kind}"
        if quote["cache"]["status"] == "stale":
            return False, "its price is stale"
        move = abs(quote["change_percent"] or 0)
        if move > risk.get("max_move_percent", 5):
            return False, f"it has moved by {move:.1f} %"
        return True, f"{quote['price']} {quote['currency']}, price {quote['cache']['status']}"

    def get_portfolio_settings(self) -> dict[str, Any]:
        """What holds for the whole portfolio."""
        portfolio = self.setting("system_config:portfolio") or {}
        return {**portfolio, "paper_trading": self.setting("system_config:paper_trading") is not False}

    def warm_cache(self) -> int:
        """Reads every setting ahead of the first order: one process asks what is held, one keeps what
        was not. How many that were."""
        pairs = self.setting("trading_pairs") or []
        keys = [f"system_config:{key}" for key in ("trading_enabled", "paper_trading", "portfolio")]
        for symbol in pairs:
            keys += [f"{kind}:{symbol}" for kind in ("pair_config", "pair_strategies", "pair_risk")]
        held = self.cache.get_many(keys)
        missing = {key: self.database.read(key) for key in keys if key not in held}
        # What nobody has set is no value to keep: it may be set the next moment. A pair's settings
        # expire the list of pairs, unless that is put together with them.
        found = {key: value for key, value in missing.items() if value is not None}
        if found:
            self.cache.put_many({**found, "trading_pairs": pairs}, ttl=TTL, tags=["settings"])
        if pairs:
            self.cache.warm(*pairs, provider=self.provider)
        return len(missing)


SETTINGS: dict[str, Any] = {
    "system_config:trading_enabled": True,
    "system_config:paper_trading": True,
    "system_config:portfolio": {"cash": 10_000.50, "max_positions": 3},
    "trading_pairs": ["BTC/USDT", "ETH/USDT"],
    "pair_config:BTC/USDT": {"enabled": True, "size": 0.01},
    "pair_config:ETH/USDT": {"enabled": True, "size": 0.1},
    "pair_strategies:BTC/USDT": ["momentum"],
    "pair_strategies:ETH/USDT": ["grid", "momentum"],
    "pair_risk:BTC/USDT": {"stop_loss": 0.05, "max_move_percent": 90},
    "pair_risk:ETH/USDT": {"stop_loss": 0.05, "max_move_percent": 90},
}


def demo(binary: str, folder: Path) -> None:
    """A day of the bot, with the upstream inside mcache and a cache of its own."""
    database = Database(folder / "bot.db")
    for key, value in SETTINGS.items():
        database.write(key, value)
    cache = Mcache(binary, cache_dir=str(folder / "cache"), caller="bot")
    bot = Bot(cache, database, provider="demo")

    def told(what: str) -> None:
        print(f"{what} ({database.reads} reads of the database)")
        database.reads = 0

    told(f"warm_cache: {bot.warm_cache()} settings were not held")
    told(f"warm_cache again: {bot.warm_cache()} settings were not held")
    for symbol in ["BTC/USDT", "ETH/USDT", "DOGE/USDT"]:
        may, why = bot.should_trade_pair(symbol)
        told(f"should_trade_pair {symbol}: {'yes' if may else 'no'}, {why}")
    told(f"get_portfolio_settings: {bot.get_portfolio_settings()}")

    bot.change("pair_config:ETH/USDT", {"enabled": False, "size": 0.1})
    expired = [entry["key"] for entry in cache.keys("*") if entry["reason"]]
    told(f"ETH/USDT is switched off, which expires {', '.join(expired)}")
    may, why = bot.should_trade_pair("ETH/USDT")
    told(f"should_trade_pair ETH/USDT: {'yes' if may else 'no'}, {why}")

    hits = cache.stats()["hits"]
    print(f"{hits['disk'] + hits['memory']} hits")
    database.close()


def main() -> int:
    parser = argparse.ArgumentParser(description="A trading bot's settings, cached.")
    parser.add_argument("--demo", action="store_true", help="a day of it, without a network")
    parser.add_argument("--mcache", default=os.environ.get("MCACHE_BINARY", "mcache"), help="the program")
    arguments = parser.parse_args()
    if not arguments.demo:
        parser.error("this is an example: run it with --demo, and read it")
    with tempfile.TemporaryDirectory() as folder:
        try:
            demo(arguments.mcache, Path(folder))
        except McacheError as error:
            print(f"error: {error}", file=sys.stderr)
            if error.hint:
                print(f"hint: {error.hint}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
