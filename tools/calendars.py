#!/usr/bin/env python3
"""Makes src/calendar/data and the reference in tests/fixtures/calendars.

    pip install exchange_calendars==4.13.2 tzdata xxhash
    tools/calendars.py                    writes both
    tools/calendars.py --check            exit code 1 if what stands there is not what would be written
    tools/calendars.py --sessions XNYS    every session of the package, as `mcache calendar` prints it
    tools/calendars.py --compare MCACHE   every session of the package against those of a binary

For development only: neither a build nor a test needs Python. The facts about exchanges come from
the package exchange_calendars (Apache-2.0, https://github.com/gerrymanoim/exchange_calendars), those
about clocks from the IANA database. The reference is written from the package's schedule, not from
our tables, so that a mistake in the tables cannot hide in it.
"""

import argparse
import datetime as dt
import difflib
import pathlib
import re
import subprocess
import sys
from zoneinfo import ZoneInfo

import exchange_calendars
import pandas
import tzdata
import xxhash

TOP = pathlib.Path(__file__).resolve().parent.parent
DATA = TOP / "src/calendar/data"
REFERENCE = TOP / "tests/fixtures/calendars"
FIRST = dt.date(2000, 1, 1)
LAST = dt.date(2028, 12, 31)
HEADER = ["session", "open", "close", "break_start", "break_end"]

# What mcache knows, with its name.
EXCHANGES = {
    "BVMF": "B3, São Paulo",
    "XAMS": "Euronext Amsterdam",
    "XASX": "Australian Securities Exchange",
    "XBOM": "BSE, Mumbai",
    "XBRU": "Euronext Brussels",
    "XCSE": "Nasdaq Copenhagen",
    "XDUB": "Euronext Dublin",
    "XETR": "Xetra, Frankfurt",
    "XHEL": "Nasdaq Helsinki",
    "XHKG": "Hong Kong Exchanges",
    "XKRX": "Korea Exchange",
    "XLIS": "Euronext Lisbon",
    "XLON": "London Stock Exchange",
    "XMAD": "Bolsa de Madrid",
    "XMIL": "Borsa Italiana, Milan",
    "XNAS": "Nasdaq",
    "XNYS": "New York Stock Exchange",
    "XNZE": "New Zealand Exchange",
    "XOSL": "Oslo Børs",
    "XPAR": "Euronext Paris",
    "XSES": "Singapore Exchange",
    "XSHG": "Shanghai Stock Exchange",
    "XSTO": "Nasdaq Stockholm",
    "XSWX": "SIX Swiss Exchange",
    "XTAI": "Taiwan Stock Exchange",
    "XTKS": "Tokyo Stock Exchange",
    "XTSE": "Toronto Stock Exchange",
    "XWBO": "Wiener Börse, Vienna",
}

# Where the package ends earlier, because the holidays are only announced from year to year.
ENDS = {mic: dt.date(2026, 12, 31) for mic in ("XBOM", "XSES", "XSHG")}

# What is known to be otherwise in the package than it was; the tables are equal to the package.
LACKS = {
    "XETR": ["From 2000-06-02 to 2003-10-31 Xetra closed at 20:00; the package has 17:30."],
    "XHKG": [
        "The lunch break was 12:30-14:30 before 2011-03-07 and 12:00-13:30 before 2012-03-05;",
        "the package has 12:00-13:00 for all years.",
    ],
    "XTKS": [
        "The lunch break was 11:00-12:30 before 2011-11-21; the package has 11:30-12:30. Until 2009",
        "the first and the last session of a year were half days; the package has whole ones.",
    ],
}

# What closed an exchange once, where the package has a date and no name.
ONCE = {
    "2001-09-11": "attacks of 11 September",
    "2001-09-12": "attacks of 11 September",
    "2001-09-13": "attacks of 11 September",
    "2001-09-14": "attacks of 11 September",
    "2004-06-11": "mourning for President Reagan",
    "2007-01-02": "mourning for President Ford",
    "2012-10-29": "hurricane Sandy",
    "2012-10-30": "hurricane Sandy",
    "2018-12-05": "mourning for President Bush",
    "2025-01-09": "mourning for President Carter",
}

# Whose sessions stand in full in the reference: weeks of changed clocks, half days, turns of years.
MONTHS = {
    "XNYS": ["2001-09", "2004-06", "2012-10", "2024-07", "2025-01", "2026-03", "2026-11"],
    "XNAS": ["2026-07"],
    "XLON": ["2002-06", "2011-04", "2026-03", "2026-10", "2026-12"],
    "XETR": ["2026-03", "2026-12"],
    "XPAR": ["2026-10", "2026-12"],
    "XTKS": ["2019-05", "2024-11", "2026-01"],
    "XHKG": ["2011-03", "2012-03", "2026-02", "2026-12"],
    "XTSE": ["2026-11", "2026-12"],
    "XASX": ["2026-04", "2026-10", "2026-12"],
    "BVMF": ["2018-11", "2019-11", "2026-02"],
    "XKRX": ["2000-05", "2016-08", "2025-11"],
}


def last_day(mic):
    return ENDS.get(mic, LAST)


def calendar(mic):
    return exchange_calendars.get_calendar(mic, start=str(FIRST), end=str(last_day(mic)))


# The reference: the package's schedule as it is.


def rows(cal):
    """The package's sessions as lines of csv, by their date."""

    def instant(value):
        return "" if pandas.isna(value) else value.strftime("%Y-%m-%dT%H:%M:00Z")

    return {
        day.date(): ",".join(
            [day.strftime("%Y-%m-%d")] + [instant(row[name]) for name in HEADER[1:]]
        )
        for day, row in cal.schedule.iterrows()
    }


def reference():
    """The files of the reference, by their name."""
    files = {}
    years = ["exchange,year,sessions,xxh3"]
    for mic in EXCHANGES:
        sessions = rows(calendar(mic))
        for year in range(FIRST.year, last_day(mic).year + 1):
            lines = [row for day, row in sessions.items() if day.year == year]
            text = "".join(f"{line}\n" for line in lines)
            digest = xxhash.xxh3_64_hexdigest(text.encode())
            years.append(f"{mic},{year},{len(lines)},{digest}")
        for month in MONTHS.get(mic, []):
            lines = [row for day, row in sessions.items() if str(day).startswith(month)]
            files[f"{mic}-{month}.csv"] = "\n".join([",".join(HEADER), *lines, ""])
    files["years.csv"] = "\n".join([*years, ""])
    return files


# The tables: weekly hours by period, and what differs from them.


def weekly(cal, day):
    """The regular hours of a date."""

    def at(times):
        known = [time for start, time in times or () if start is None or start.date() <= day]
        return known[-1] if known else None

    names = ("open_times", "break_start_times", "break_end_times", "close_times")
    return written(*(at(getattr(cal, name)) for name in names))


def written(opens, break_start, break_end, closes):
    clock = lambda time: time.strftime("%H:%M")
    if break_start is None:
        return f"{clock(opens)}-{clock(closes)}"
    return f"{clock(opens)}-{clock(break_start)} {clock(break_end)}-{clock(closes)}"


def periods(cal):
    """The dates on which the regular hours change, each with the hours from then on."""
    starts = {FIRST}
    for name in ("open_times", "break_start_times", "break_end_times", "close_times"):
        dates = [start.date() for start, _ in getattr(cal, name) or () if start is not None]
        starts |= {start for start in dates if start > FIRST}
    found = []
    for start in sorted(starts):
        hours = weekly(cal, start)
        if not found or found[-1][1] != hours:
            found.append((start, hours))
    return found


def actual(cal):
    """The hours of every session in local time."""
    found = {}
    for day, row in cal.schedule.iterrows():
        day = day.date()

        def local(name):
            if pandas.isna(row[name]):
                return None
            time = row[name].tz_convert(cal.tz)
            assert time.date() == day, (cal.name, day, name)
            return time.time()

        names = ("open", "break_start", "break_end", "close")
        found[day] = written(*(local(name) for name in names))
    return found


def names_of_days(cal, last):
    """What the package calls its days."""
    found = {}

    def take(holidays):
        if hasattr(holidays, "holidays"):
            days = holidays.holidays(FIRST, last, return_name=True)
            for day, name in days.items():
                found.setdefault(day.date(), " ".join(str(name).split()))

    take(cal.regular_holidays)
    for _, holidays in [*cal.special_closes, *cal.special_opens]:
        take(holidays)
    return found


def differences(cal, mic):
    """The days on which the exchange is not open at its regular hours: date, hours, name."""
    sessions, names, last = actual(cal), names_of_days(cal, last_day(mic)), last_day(mic)
    regular = periods(cal)
    found = []
    for offset in range((last - FIRST).days + 1):
        day = FIRST + dt.timedelta(days=offset)
        rule = [hours for start, hours in regular if start <= day][-1] if day.weekday() < 5 else None
        hours = sessions.get(day)
        if hours != rule:
            once = ONCE.get(str(day), "") if cal.tz.key.startswith("America/New_York") else ""
            found.append((day, hours or "closed", names.get(day) or once))
    return found


def yearly(found, mic):
    """The dates of a year that were closed in each of the last seven years of the table."""
    last = last_day(mic)
    years = range(last.year - 6, last.year + 1)
    closed = {day: name for day, hours, name in found if hours == "closed"}
    dates = {(day.month, day.day) for day in closed if day.year in years} - {(2, 29)}
    lines = []
    for month, day in sorted(dates):
        all_of_them = [dt.date(year, month, day) for year in years]
        if all(date in closed or date.weekday() >= 5 for date in all_of_them):
            name = next(closed[date] for date in all_of_them if date in closed)
            lines.append(commented(f"yearly {month:02}-{day:02}", name.removesuffix(" (observed)")))
    return lines


def commented(line, comment):
    return f"{line:<30} # {comment}" if comment else line


def exchange(mic):
    """The file of an exchange."""
    cal = calendar(mic)
    found = differences(cal, mic)
    package = f"exchange_calendars {exchange_calendars.__version__}"
    lines = [
        f"# The sessions of {mic}: weekly hours, Monday to Friday, and the days that differ from them.",
        "# README.md in this folder says what the lines mean.",
        f"# Made by tools/calendars.py from {package} (Apache-2.0).",
    ]
    lines += [f"# {line}" for line in LACKS.get(mic, [])]
    lines += [
        "",
        f"name {EXCHANGES[mic]}",
        f"zone {cal.tz.key}",
        f"table {FIRST} {last_day(mic)}",
    ]
    lines += [f"hours {start} {hours}" for start, hours in periods(cal)]
    lines += [*yearly(found, mic), ""]
    lines += [commented(f"{day} {hours}", name) for day, hours, name in found]
    return "\n".join([*lines, ""]), cal.tz.key


# The clocks.


def transitions(name):
    """The offsets of a zone from 1999 to 2029: the instants at which they begin, and the offsets."""
    zone = ZoneInfo(name)
    at = dt.datetime(1999, 1, 1, tzinfo=dt.timezone.utc)
    end = dt.datetime(2030, 1, 1, tzinfo=dt.timezone.utc)
    offset = lambda instant: instant.astimezone(zone).utcoffset()
    found = [(at, offset(at))]
    while at < end:
        after = at + dt.timedelta(days=1)
        if offset(after) != offset(at):
            low, high = at, after
            while high - low > dt.timedelta(minutes=1):
                middle = low + dt.timedelta(minutes=(high - low) // dt.timedelta(minutes=2))
                low, high = (middle, high) if offset(middle) == offset(low) else (low, middle)
            found.append((high, offset(high)))
        at = after
    return tuple(
        f"{instant:%Y-%m-%dT%H:%MZ} {int(offset.total_seconds()) // 60:+d}"
        for instant, offset in found
        if instant < end
    )


def beyond(name):
    """How the clocks of a zone change in each year that the database does not list."""
    parts = ["zoneinfo", *name.split("/")]
    path = pathlib.Path(tzdata.__file__).parent.joinpath(*parts)
    # The last line of such a file is a POSIX TZ string: `EST5EDT,M3.2.0,M11.1.0`.
    posix = path.read_bytes().rstrip(b"\n").rsplit(b"\n", 1)[1].decode()
    clocks, *changes = posix.split(",")
    if not changes:
        return ()
    name = r"(?:<[^>]+>|[A-Z]+)"
    standard, summer = re.fullmatch(rf"{name}(-?\d+){name}(-?\d+)?", clocks).groups()
    # POSIX counts westwards, and summer is an hour ahead unless it says so.
    standard = -60 * int(standard)
    summer = standard + 60 if summer is None else -60 * int(summer)
    lines = []
    for change, offset in zip(changes, (summer, standard)):
        month, week, weekday, hour = re.fullmatch(r"M(\d+)\.(\d)\.(\d)(?:/(\d+))?", change).groups()
        assert weekday == "0", "clocks change on Sundays"
        week = "last" if week == "5" else week
        lines.append(f"every {int(month):02} {week} Sunday {int(hour or 2):02}:00 {offset:+d}")
    return tuple(sorted(lines))


def zones(names):
    """The file of the clocks; zones of the same clocks stand together."""
    groups = {}
    for name in sorted(names):
        groups.setdefault((transitions(name), beyond(name)), []).append(name)
    lines = [
        "# The clocks of the exchanges: from which instant on, how many minutes ahead of UTC.",
        "# README.md in this folder says what the lines mean.",
        f"# Made by tools/calendars.py from the IANA time zone database {tzdata.IANA_VERSION}.",
    ]
    for (offsets, rule), group in groups.items():
        lines += ["", *(f"zone {name}" for name in group), *rule, *offsets]
    return "\n".join([*lines, ""])


def tables():
    """The files of the tables, by their name."""
    files = {}
    names = {"America/New_York"}
    for mic in EXCHANGES:
        files[f"{mic}.txt"], zone = exchange(mic)
        names.add(zone)
    files["zones.txt"] = zones(names)
    package = f"exchange_calendars {exchange_calendars.__version__}"
    files["version.txt"] = f"{package}, tzdata {tzdata.IANA_VERSION}\n"
    return files


# The command line.


def wanted():
    return {DATA / name: text for name, text in tables().items()} | {
        REFERENCE / name: text for name, text in reference().items()
    }


def write():
    for path, text in wanted().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def check():
    stale = 0
    for path, text in wanted().items():
        found = path.read_text(encoding="utf-8") if path.exists() else ""
        if found != text:
            stale += 1
            name = str(path.relative_to(TOP))
            lines = difflib.unified_diff(found.splitlines(), text.splitlines(), name, name, n=0)
            print("\n".join(list(lines)[:40]))
    return 1 if stale else 0


def compare(binary):
    differing = total = 0
    for mic in EXCHANGES:
        command = [binary, "calendar", mic, "--from", str(FIRST), "--to", str(last_day(mic)), "-f", "csv"]
        ours = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        theirs = [",".join(HEADER), *rows(calendar(mic)).values()]
        lines = list(difflib.unified_diff(theirs, ours, n=0, lineterm=""))
        differing += len(lines)
        total += len(theirs) - 1
        print(f"{mic}: {len(theirs) - 1} sessions, {'equal' if not lines else 'different'}")
        print("".join(f"  {line}\n" for line in lines[:20]), end="")
    print(f"{len(EXCHANGES)} exchanges, {total} sessions, {differing} lines differ")
    return 1 if differing else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, say what would change")
    parser.add_argument("--sessions", metavar="EXCHANGE", help="print the package's sessions as csv")
    parser.add_argument("--compare", metavar="MCACHE", help="compare all sessions to a binary's")
    said = parser.parse_args()
    if said.sessions:
        print(",".join(HEADER), *rows(calendar(said.sessions)).values(), sep="\n")
        return 0
    if said.compare:
        return compare(said.compare)
    if said.check:
        return check()
    write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
