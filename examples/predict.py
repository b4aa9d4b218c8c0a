#!/usr/bin/env python3
"""A model whose predictions are cached: `mcache --config examples/predict.yaml fetch NVDA -t prediction`.

Reads the records that mcache hands it on standard input, one JSON object:

    {"quote": {"price": ..., "cache": {...}}, "bars:1d": {"bars": [{"close": ...}, ...]}}

each as `mcache fetch -f json` gives it, or null if it could not be had. Prints one JSON object, which
is cached. It needs nothing beyond the standard library.

Ends with 66 (os.EX_NOINPUT) for a symbol that it knows nothing of, which is remembered as such, and
with any other code if it fails: the last lines on standard error are what mcache then says.
"""

import json
import math
import os
import sys


def predict(price, closes):
    """The price of tomorrow if the last days' drift goes on, and how sure one may be."""
    moves = [math.log(after / before) for before, after in zip(closes, closes[1:])]
    drift = sum(moves) / len(moves)
    spread = math.sqrt(sum((move - drift) ** 2 for move in moves) / len(moves))
    return {
        "price": round(price * math.exp(drift), 4),
        "direction": "up" if drift > 0 else "down" if drift < 0 else "flat",
        "confidence": round(abs(drift) / (abs(drift) + spread), 4) if spread or drift else 0,
    }


def main():
    symbol = sys.argv[1]
    records = json.load(sys.stdin)
    quote, bars = records["quote"], records["bars:1d"]
    if bars is None or quote is None:
        print(f"{symbol}: no quote or no bars to predict from", file=sys.stderr)
        return 1
    closes = [bar["close"] for bar in bars["bars"][-20:] if bar["close"]]
    if len(closes) < 3:
        return os.EX_NOINPUT
    # allow_nan: what is no number is no JSON either, and would not be cached.
    print(json.dumps({"symbol": symbol, **predict(quote["price"], closes)}, allow_nan=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
