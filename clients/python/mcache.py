"""mcache from Python: a market data cache that every script on the machine shares.

One file, the standard library alone, Python 3.9 or later. It runs the program `mcache`, with its
arguments as a list and never through a shell, so it does whatever the program does: limits hold for
all processes together, a value that is asked for by ten of them is asked for once, and a stale answer
is served when upstream fails. Keys and values go over standard input, not over the command line.

    cache = Mcache()
    cache.quote("AAPL")["price"]
    cache.put("pair_config:ETH/USDT", {"enabled": True}, ttl=300, tags=["bot"])
    cache.get("pair_config:ETH/USDT")
    cache.get_or("trading_pairs", lambda: slow_database(), ttl="5m")
"""

from __future__ import annotations

import json
import logging
import subprocess
from datetime import timedelta
from decimal import Decimal
from typing import Any, Callable, Iterable, Mapping, Optional, Sequence, Union

Duration = Union[int, float, str, timedelta]
Tags = Union[str, Sequence[str]]
"""Seconds, or as mcache writes it (`30s`, `5m`, `1h`, `7d`), or a timedelta."""

log = logging.getLogger("mcache")
_MISSING: Any = object()


class McacheError(Exception):
    """What failed. `kind` is one of mcache's (not_found, rate_limited, unauthorized, unreachable,
    upstream, invalid_data, offline, unsupported), or `usage` (it was asked for what makes no sense),
    `interrupted`, `timeout`, or `program` (it is not there, or failed otherwise)."""

    def __init__(self, kind: str, message: str, hint: Optional[str] = None, symbol: Optional[str] = None):
        super().__init__(message if symbol is None else f"{symbol}: {message}")
        self.kind, self.message, self.hint, self.symbol = kind, message, hint, symbol


class Mcache:
    """A cache. `decimals` gives numbers with a point as Decimal, with the digits that were sent;
    `timeout` is the longest that one run of the program may take, in seconds."""

    def __init__(
        self,
        binary: str = "mcache",
        cache_dir: Optional[str] = None,
        config: Optional[str] = None,
        *,
        caller: Optional[str] = None,
        offline: bool = False,
        decimals: bool = False,
        timeout: Optional[float] = 120.0,
    ):
        self._command = [str(binary)]
        for flag, value in (("--cache-dir", cache_dir), ("--config", config), ("--caller", caller)):
            if value is not None:
                self._command.append(f"{flag}={value}")
        if offline:
            self._command.append("--offline")
        self._number = Decimal if decimals else float
        self._timeout = timeout

    def fetch(
        self,
        *symbols: str,
        type: Optional[str] = None,
        provider: Optional[str] = None,
        use: Optional[str] = None,
        interval: Optional[str] = None,
        period: Optional[str] = None,
        start: Optional[str] = None,
        end: Optional[str] = None,
        max_age: Optional[Duration] = None,
        max_wait: Optional[Duration] = None,
        refresh: bool = False,
        params: Optional[Mapping[str, Any]] = None,
        all_of: Optional[str] = None,
    ) -> list[dict[str, Any]]:
        """The record of every symbol, in order, each as `mcache fetch -f json` has it. One that
        could not be served is {"symbol", "error": {"kind", "message"}} and raises nothing.
        `@name` is a list of the configuration; `all_of` is a class, of which all that is held."""
        arguments = ["fetch", "-f", "ndjson"]
        arguments += _options(
            type=type, provider=provider, use=use, interval=interval, period=period, to=end,
            max_age=_duration(max_age), max_wait=_duration(max_wait), **{"from": start, "class": all_of},
        )
        arguments += [f"--param={name}={value}" for name, value in (params or {}).items()]
        arguments += ["--refresh"] * refresh + ["--all"] * (all_of is not None)
        code, out, err = self._run([*arguments, "--", *symbols])
        records = [self._read(line) for line in out.splitlines()]
        if code != 0 and not any("error" in record for record in records):
            raise _error(code, err)
        return records

    def quote(self, symbol: str, **options: Any) -> dict[str, Any]:
        """The quote of a symbol; `["cache"]["status"]` says hit, miss or stale."""
        return self._one(symbol, **{"type": "quote", **options})

    def quotes(self, symbols: Union[str, Iterable[str]], *, partial: bool = False, **options: Any) -> dict[str, Any]:
        """Quotes by symbol as asked for (of a list such as `@tech` by their own), in one process; a text is
        one symbol, or a list. With `partial` those that failed are left out."""
        names = [symbols] if isinstance(symbols, str) else list(symbols)
        records = self.fetch(*names, **{"type": "quote", **options})
        if len(records) != len(names) or any(name.startswith("@") for name in names):
            names = [record["symbol"] for record in records]
        pairs = [(n, r) for n, r in zip(names, records) if not partial or "error" not in r]
        return {name: _served(record) for name, record in pairs}

    def bars(
        self, symbol: str, interval: str = "1d", period: Optional[str] = None,
        start: Optional[str] = None, end: Optional[str] = None, **options: Any,
    ) -> list[dict[str, Any]]:
        """The bars of a symbol, oldest first: of a period (`1y`), or from `start` to `end` (dates,
        inclusive)."""
        span = {"interval": interval, "period": period, "start": start, "end": end}
        return self._one(symbol, type="bars", **span, **options)["bars"]

    def warm(self, *symbols: str, type: Optional[str] = None, provider: Optional[str] = None) -> None:
        """Fills the cache with what is not fresh; without symbols, of every list of the configuration."""
        self._done(["warm", *_options(type=type, provider=provider), "--", *symbols])

    def get(self, key: str, default: Any = None, *, stale: bool = False) -> Any:
        """The value under a key, or the default if none is fresh; with `stale`, an old one too."""
        return self.get_many([key], stale=stale).get(key, default)

    def get_many(self, keys: Union[str, Iterable[str]], *, stale: bool = False) -> dict[str, Any]:
        """What is fresh of many keys, in one process; a text is a pattern, such as `pair_config:*`."""
        options = ["--stale"] * stale
        if isinstance(keys, str):
            code, out, err = self._run(["get", "-f", "json", *options, "--", keys])
            if code not in (0, 1) or not out:
                raise _error(code, err)
            return self._read(out)
        wanted = list(keys)
        if any(not key.strip() or len(key.splitlines()) != 1 for key in wanted):
            raise McacheError("usage", "a key is one line of text and not empty")
        lines = "".join(f"{key}\n" for key in wanted)
        code, out, err = self._run(["get", "--ndjson", "-", *options], lines)
        answers = [self._read(line) for line in out.splitlines()]
        if len(answers) != len(wanted):
            raise _error(code, err)
        # By the names that were asked for: mcache spells some keys its own way.
        return {key: answer["value"] for key, answer in zip(wanted, answers) if "value" in answer}

    def put(self, key: str, value: Any, ttl: Duration = 300, tags: Tags = ()) -> None:
        """Keeps a value (anything that JSON has) for as long as `ttl`, and expires what depends on it:
        the keys that `rules` of the configuration name, and the key that a tag is."""
        self.put_many({key: value}, ttl, tags)

    def put_many(self, values: Mapping[str, Any], ttl: Duration = 300, tags: Tags = ()) -> None:
        """Keeps many values, all or none, in one process."""
        lines = "".join(f"{_written({'key': key, 'value': value})}\n" for key, value in values.items())
        options = [f"--ttl={_duration(ttl)}", *(f"--tag={tag}" for tag in _all(tags))]
        if values:
            self._done(["put", "--ndjson", "-", *options], lines)

    def get_or(
        self, key: str, function: Callable[[], Any], ttl: Duration = 300, tags: Tags = ()
    ) -> Any:
        """The value under a key; if none is fresh, what the function gives, which is kept."""
        value = self.get(key, _MISSING)
        if value is _MISSING:
            value = function()
            self.put(key, value, ttl, tags)
        return value

    def clear(
        self, *patterns: str, symbol: Optional[str] = None, type: Optional[str] = None,
        provider: Optional[str] = None, tag: Optional[str] = None, reason: Optional[str] = None,
        stale: bool = False, all: bool = False,
    ) -> int:
        """Drops entries that fit every condition; how many."""
        options = _options(symbol=symbol, type=type, provider=provider, tag=tag, reason=reason)
        flags = ["--stale"] * stale + ["--all"] * all
        return self._read(self._done(["clear", "-f", "json", *options, *flags, "--", *patterns]))["entries"]

    def keys(self, pattern: str = "*") -> list[dict[str, Any]]:
        """The entries that a pattern picks: key, provider, state, time left."""
        return self._read(self._done(["keys", "-f", "json", "--", pattern]))

    def stats(self) -> dict[str, Any]:
        """What the cache holds and what it has saved."""
        return self._read(self._done(["stats", "-f", "json"]))

    def _one(self, symbol: str, **options: Any) -> dict[str, Any]:
        records = self.fetch(symbol, **options)
        if len(records) != 1:
            raise McacheError("usage", f"`{symbol}` is {len(records)} symbols, not one")
        return _served(records[0])

    def _done(self, arguments: Sequence[str], text: str = "") -> str:
        code, out, err = self._run(arguments, text)
        if code != 0:
            raise _error(code, err)
        return out

    def _run(self, arguments: Sequence[str], text: str = "") -> tuple[int, str, str]:
        try:
            done = subprocess.run(
                [*self._command, *arguments], input=text, timeout=self._timeout,
                capture_output=True, encoding="utf-8", check=False,
            )
        except subprocess.TimeoutExpired:
            raise McacheError("timeout", f"mcache took longer than {self._timeout} s") from None
        except (OSError, ValueError) as error:
            raise McacheError("program", f"{error}", "say where mcache is with `binary`") from error
        for line in done.stderr.splitlines():
            if line.startswith("warning: "):
                log.warning("%s", line[len("warning: "):])
        return done.returncode, done.stdout, done.stderr

    def _read(self, text: str) -> Any:
        return json.loads(text, parse_float=self._number)


def _served(record: dict[str, Any]) -> dict[str, Any]:
    if "error" in record:
        raise McacheError(record["error"]["kind"], record["error"]["message"], symbol=record["symbol"])
    return record


def _error(code: int, err: str) -> McacheError:
    """What a run says that printed no records: the first error, and the first hint."""
    said: dict[str, str] = {}
    for line in err.splitlines():
        name, _, text = line.partition(": ")
        said.setdefault(name, text)
    kind = {2: "usage", 130: "interrupted"}.get(code, "program")
    message = said.get("error") or err.strip() or f"mcache ended with {code}"
    return McacheError(kind, message, said.get("hint"))


def _options(**values: Any) -> list[str]:
    return [f"--{name.replace('_', '-')}={value}" for name, value in values.items() if value is not None]


def _all(tags: Tags) -> Sequence[str]:
    return [tags] if isinstance(tags, str) else tags


def _duration(value: Optional[Duration]) -> Optional[str]:
    if isinstance(value, timedelta):
        value = value.total_seconds()
    return value if value is None or isinstance(value, str) else f"{value:.3f}s"


def _written(value: Any) -> str:
    """JSON on one line; a Decimal keeps its value, or is refused."""

    def number(value: Any) -> float:
        if isinstance(value, Decimal) and Decimal(repr(float(value))) == value:
            return float(value)
        raise TypeError(f"{value!r} cannot be written as JSON without a loss")

    return json.dumps(value, default=number, allow_nan=False)
