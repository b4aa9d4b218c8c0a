"""What the client promises, against the real program: `MCACHE_BINARY` says which."""

import json
import os
import tempfile
import unittest
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from mcache import Mcache, McacheError

BINARY = os.environ.get("MCACHE_BINARY", "mcache")


class Promises(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.cache = self.open()

    def open(self, **options):
        return Mcache(BINARY, cache_dir=str(self.folder / "cache"), **options)

    def fails(self, kind, function, *arguments, **options):
        with self.assertRaises(McacheError) as raised:
            function(*arguments, **options)
        self.assertEqual(raised.exception.kind, kind, str(raised.exception))
        return raised.exception

    def test_what_is_put_comes_back_as_it_was(self):
        for value in [None, True, 0, -1.5, "", "left", "a\nb", "ünï", [], {"a": {"b": [1, None]}}, 10**30]:
            self.cache.put("a:ETH/USDT", value)
            self.assertEqual(self.cache.get("a:ETH/USDT", "nothing"), value)
        self.cache.put("--all", "a key is never an option")
        self.assertEqual(self.cache.get("--all"), "a key is never an option")
        self.assertEqual(self.cache.get("none"), None)
        self.assertEqual(self.cache.get("none", 7), 7)

    def test_many_are_read_and_written_in_one_process(self):
        self.cache.put("tagged", 1, tags="one word")
        self.assertEqual(self.cache.clear(tag="one word"), 1)
        self.cache.put_many({"pair:A": 1, "pair:B": None, "other": 3}, ttl="1h", tags=["bot"])
        self.assertEqual(self.cache.get_many("pair:*"), {"pair:A": 1, "pair:B": None})
        self.assertEqual(self.cache.get_many(["other", "none", "pair:A"]), {"other": 3, "pair:A": 1})
        self.assertEqual(self.cache.get_many([]), {})
        self.assertEqual(self.cache.get_many("nothing:*"), {})
        # A name of the seeds comes back as it was asked for.
        self.cache.put("prediction:BTC", "up")
        self.assertEqual(self.cache.get_many(["prediction:BTC"]), {"prediction:BTC": "up"})
        self.assertEqual(self.cache.clear(tag="bot"), 3)
        self.assertEqual(self.cache.clear("pair:*"), 0)

    def test_what_is_not_fresh_is_only_given_to_who_asks_for_it(self):
        self.cache.put("a", 1, ttl=0)
        self.assertEqual(self.cache.get("a", "nothing"), "nothing")
        self.assertEqual(self.cache.get("a", stale=True), 1)
        self.assertEqual(self.cache.get_many("a*", stale=True), {"a": 1})

    def test_a_function_is_only_called_where_nothing_is_held(self):
        calls = []

        def slow():
            calls.append(1)
            return {"of": None}

        for _ in range(3):
            self.assertEqual(self.cache.get_or("slow", slow, ttl=timedelta(minutes=5)), {"of": None})
        self.assertEqual(len(calls), 1)
        self.cache.put("nothing", None)
        self.assertIsNone(self.cache.get_or("nothing", lambda: self.fail("None is a value")))

    def test_an_update_expires_what_depends_on_it(self):
        self.cache.put("trading_pairs", ["ETH/USDT"])
        self.cache.put("pair_config:ETH/USDT", {"enabled": False})
        self.assertIsNone(self.cache.get("trading_pairs"))
        self.cache.put("sum", 3)
        self.cache.put("part", 2, tags=["sum"])
        self.assertIsNone(self.cache.get("sum"))

    def test_numbers_are_floats_or_decimals(self):
        self.cache.put("number", 0.1)
        self.assertIs(type(self.cache.get("number")), float)
        exact = self.open(decimals=True)
        self.assertEqual(repr(exact.get("number")), "Decimal('0.1')")
        exact.put("number", Decimal("12.5"))
        self.assertEqual(exact.get("number"), Decimal("12.5"))
        self.assertIs(type(exact.quote("AAPL", provider="demo")["price"]), Decimal)
        for lost in [Decimal("0.1000000000000000000001"), Decimal("NaN"), {1, 2}, b"bytes", object()]:
            self.assertRaises(TypeError, self.cache.put, "a", lost)
        self.assertRaises(ValueError, self.cache.put, "a", float("nan"))

    def test_market_data_is_fetched_and_then_held(self):
        quote = self.cache.quote("AAPL", provider="demo")
        self.assertEqual((quote["symbol"], quote["cache"]["status"]), ("AAPL", "miss"))
        self.assertGreater(quote["price"], 0)
        self.cache.warm("MSFT", provider="demo")
        quotes = self.cache.quotes(["MSFT", "BTC/USDT"], provider="demo", max_age="1h")
        self.assertEqual(list(quotes), ["MSFT", "BTC/USDT"])
        self.assertEqual(list(self.cache.quotes("MSFT", provider="demo")), ["MSFT"], "and not M, S, F, T")
        self.assertEqual(quotes["MSFT"]["cache"]["status"], "hit")
        bars = self.cache.bars("AAPL", period="5d", provider="demo")
        self.assertLessEqual(bars[0]["time"], bars[-1]["time"])
        self.assertEqual(len(self.cache.fetch(all_of="stock", provider="demo")), 2)
        series = self.cache.fetch("GDP", type="series", provider="demo")[0]
        self.assertGreater(len(series["observations"]), 10)
        self.assertIn("quote:stock:MSFT", [entry["key"] for entry in self.cache.keys("quote:*")])
        self.assertGreater(self.cache.stats()["requests"], 0)

    def test_a_symbol_that_cannot_be_served_is_an_error_with_its_kind(self):
        error = self.fails("not_found", self.cache.quote, "NOSUCH", provider="demo")
        self.assertEqual(error.symbol, "NOSUCH")
        self.fails("offline", self.open(offline=True).quote, "AAPL")
        self.fails("not_found", self.cache.quotes, ["AAPL", "NOSUCH"], provider="demo")
        partial = self.cache.quotes(["AAPL", "NOSUCH"], provider="demo", partial=True)
        self.assertEqual(list(partial), ["AAPL"])
        records = self.cache.fetch("NOSUCH", "AAPL", provider="demo")
        self.assertEqual([("error" in record) for record in records], [True, False])

    def test_what_makes_no_sense_is_a_usage_error_with_its_hint(self):
        error = self.fails("usage", self.cache.quote, "AAPL", provider="yaho")
        self.assertEqual(error.hint, "did you mean `yahoo`?")
        for bad in ["AA PL", "$(date)", "`id`", "a;b", ""]:
            self.fails("usage", self.cache.quote, bad)
        for bad in ["", " ", "a b", "a\nb", "pair:*"]:
            self.fails("usage", self.cache.get, bad)
        for bad in ["", "a b", "a\nb", "a*"]:
            self.fails("usage", self.cache.put, bad, 1)
        for ttl in ["soon", -1, float("inf")]:
            self.fails("usage", self.cache.put, "a", 1, ttl)
        self.fails("usage", self.cache.quote, "@nolist")
        self.fails("usage", self.cache.clear)
        self.fails("usage", self.open(config=str(self.folder / "none.yaml")).get, "a")

    def test_a_program_that_is_not_there_or_hangs_is_said(self):
        self.fails("program", Mcache("/no/such/program").get, "a")
        self.fails("program", Mcache("/bin/false").get, "a")
        slow = self.folder / "slow"
        slow.write_text("#!/bin/sh\nexec sleep 60\n")
        slow.chmod(0o755)
        self.fails("timeout", Mcache(str(slow), timeout=0.2).get, "a")

    def test_a_warning_is_logged(self):
        config = self.folder / "config.yaml"
        config.write_text(json.dumps({"providers": {"demo": {"error_rate": 1}}}))
        self.cache.quote("AAPL", provider="demo")
        failing = self.open(config=str(config))
        with self.assertLogs("mcache", "WARNING") as logged:
            quote = failing.quote("AAPL", provider="demo", max_age=0)
        self.assertEqual(quote["cache"]["status"], "stale")
        self.assertIn("no newer one could be had", logged.output[0])


if __name__ == "__main__":
    unittest.main()
