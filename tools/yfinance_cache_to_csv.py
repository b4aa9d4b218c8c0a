#!/usr/bin/env python3
"""Makes csv files for `mcache import` of what yfinance-cache holds.

    pip install pandas
    tools/yfinance_cache_to_csv.py OUT                    of the folder that yfinance-cache uses
    tools/yfinance_cache_to_csv.py OUT --cache FOLDER     of another
    tools/yfinance_cache_to_csv.py OUT --interval 1h      bars of hours

It writes OUT/SYMBOL.csv for every symbol that has prices of the interval, and prints the command that
takes them all. yfinance-cache keeps prices as they were paid, with splits and dividends beside them:
so are they written, and said to be. Only rows that it holds to be final are. Nothing is asked of
anybody, and nothing in the cache is changed.

What yfinance-cache writes are pickles, which are programs. Of one only tables, numbers and times are
made here, whatever it asks for; mcache itself never reads one. Tried with yfinance-cache 0.9.3 and
pandas 2.3.3.
"""

import argparse
import datetime as dt
import importlib
import os
import pathlib
import pickle
import sys

import pandas

# Classes of these modules hold values and do nothing.
MODULES = ("pandas.", "numpy.", "datetime", "zoneinfo", "pytz", "dateutil.tz", "collections")

# What makes a value again that is no class; the names are those of pandas and numpy.
MAKERS = {
    "_reconstruct", "scalar", "_unpickle_block", "_new_Index", "_new_DatetimeIndex", "_frombuffer",
    "__pyx_unpickle_NDArrayBacked", "_unpickle_timestamp", "_nat_unpickle", "new_block", "_UTC", "_p",
    "__pyx_unpickle_BaseOffset", "_timedelta_unpickle",
}

COLUMNS = ["Open", "High", "Low", "Close", "Volume", "Dividends", "Stock Splits"]


class Values(pickle.Unpickler):
    """Reads values out of a pickle and refuses everything else."""

    def find_class(self, module, name):
        if (module, name) in {("builtins", "slice"), ("builtins", "bytearray"), ("_codecs", "encode")}:
            return super().find_class(module, name)
        if (module, name) == ("builtins", "getattr"):
            # A time zone is asked for its own way to be made again.
            return zone_maker
        if (module + ".").startswith(tuple(m if m.endswith(".") else m + "." for m in MODULES)):
            found = importlib.import_module(module)
            for part in name.split("."):
                found = getattr(found, part)
            if isinstance(found, type) or name in MAKERS:
                return found
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is no value")


def zone_maker(owner, name):
    import zoneinfo

    if owner is zoneinfo.ZoneInfo and name == "_unpickle":
        return owner._unpickle
    raise pickle.UnpicklingError(f"it asks for {name} of {owner}, which is no value")


def prices(path):
    """The table in a file, as csv for mcache; and when the newest of it was fetched."""
    with open(path, "rb") as file:
        table = Values(file).load()["data"]
    if not isinstance(table, pandas.DataFrame) or table.empty:
        return None
    missing = [name for name in [*COLUMNS, "Final?", "FetchDate"] if name not in table.columns]
    if missing:
        raise ValueError(f"it lacks {', '.join(missing)}: another version of yfinance-cache?")
    table = table[table["Final?"].astype(bool)]
    if table.empty:
        return None
    fetched = pandas.to_datetime(table["FetchDate"], utc=True).max()
    out = table[COLUMNS].copy()
    out.insert(0, "Datetime", [at.isoformat() for at in table.index])
    out["adjust"] = "none"
    return out, fetched


def main():
    summary, _, text = __doc__.partition("\n")
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=summary, epilog=text, formatter_class=form)
    parser.add_argument("out", metavar="OUT", type=pathlib.Path, help="the folder for the csv files")
    parser.add_argument("--cache", type=pathlib.Path, metavar="FOLDER", help="the folder of yfinance-cache")
    parser.add_argument("--interval", default="1d", metavar="INTERVAL", help="1d, 1h, 5m, ... (default: 1d)")
    arguments = parser.parse_args()
    cache = arguments.cache
    if cache is None:
        home = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
        cache = home / "py-yfinance-cache"
    files = sorted(cache.glob(f"*/history-{arguments.interval}.pkl"))
    if not files:
        sys.exit(f"error: there are no prices of {arguments.interval} in {cache}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    newest, failed, written = None, 0, 0
    for path in files:
        symbol = path.parent.name
        try:
            found = prices(path)
        except Exception as error:  # One bad file must not keep the others from being read.
            print(f"error: {path}: {error}", file=sys.stderr)
            failed += 1
            continue
        if found is None:
            continue
        table, fetched = found
        table.to_csv(arguments.out / f"{symbol}.csv", index=False)
        newest = fetched if newest is None else max(newest, fetched)
        written += 1
    if newest is not None:
        basis = newest.astimezone(dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        interval = "" if arguments.interval == "1d" else f" -i {arguments.interval}"
        print(f"mcache import {arguments.out} -p yahoo{interval} --adjusted none --basis {basis}")
    return 1 if failed or not written else 0


if __name__ == "__main__":
    sys.exit(main())
