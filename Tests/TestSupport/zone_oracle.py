"""What days, hours and readings of the clock are around every clock change since 1970: an independent opinion.

Offsets are zoneinfo's, which reads the machine's zone files; moments of change are read from those files. Everything else
is brute force over intervals of one offset. Usage: zone_oracle.py SHARE [ZONE…]: of every SHAREth zone by name, and of the
zones named. Output: one line a fact, fields separated by tabs; moments are seconds since 1970.

  version V          of the zone files
  zone Z             whose facts follow
  change T B A       at T the offset goes from B to A
  date D S E …       the clock shows the date in [S, E), and again in …
  reading D N T …    the clock shows second N of the date at each T
  hours F T S …      local hours that intersect [F, T) start at each S
  full N T           the first moment from N on with a full hour is T
"""

import bisect
import os
import struct
import sys
import zoneinfo
from datetime import datetime, timedelta, timezone

UTC = timezone.utc
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST, LAST = 0, 2_145_916_800  # 1970 to 2038


def path(name):
    return next(p for p in (os.path.join(d, name) for d in zoneinfo.TZPATH) if os.path.isfile(p))


def moments(name):
    """Of every transition in a zone file: RFC 8536, section 3."""
    data = open(path(name), "rb").read()

    def header(at):
        return struct.unpack(">6L", data[at + 20 : at + 44])

    isut, isstd, leap, times, types, chars = header(0)
    at = 44 + times * 5 + types * 6 + chars + leap * 8 + isstd + isut
    times = header(at)[3]
    return struct.unpack(f">{times}q", data[at + 44 : at + 44 + 8 * times])


def day(wall):
    return str((EPOCH + timedelta(days=wall // 86400)).date())


def facts(name, say):
    zone = zoneinfo.ZoneInfo(name)

    def offset(t):
        return int((EPOCH + timedelta(seconds=t)).astimezone(zone).utcoffset().total_seconds())

    say("zone", name)
    candidates = set(moments(name))
    # Years that only the rule at the end of the file knows.
    known = max([t for t in candidates], default=FIRST)
    t = max(known, FIRST)
    while t < LAST:
        high = t + 7 * 86400
        if offset(t) != offset(high):
            low, up = t, high
            while up - low > 1:
                middle = (low + up) // 2
                low, up = (middle, up) if offset(middle) == offset(t) else (low, middle)
            candidates.add(up)
        t = high
    changes = [t for t in sorted(candidates) if FIRST < t < LAST and offset(t - 1) != offset(t)]
    starts = [FIRST - 10 * 86400] + changes
    eras = [(a, e, offset(a)) for a, e in zip(starts, changes + [LAST + 10 * 86400])]

    def near(t):
        i = bisect.bisect(starts, t)
        return eras[max(0, i - 3) : i + 3]

    def pieces(t, days):
        found = []
        for a, e, off in near(t):
            s, u = max(a, days * 86400 - off), min(e, days * 86400 + 86400 - off)
            if s < u:
                if found and found[-1][1] == s:
                    found[-1][1] = u
                else:
                    found.append([s, u])
        return found

    def readings(t, wall):
        return sorted({wall - off for a, e, off in near(t) if a <= wall - off < e})

    def hours(t, low, high):
        found = set()
        for a, e, off in near(t):
            s = (max(a, low - 90000) + off) // 3600 * 3600 - off
            while s < min(e, high):
                end = min(s + 3600, e)
                if end > max(low, a) and s < high:
                    found.add(max(s, a))
                s += 3600
        return sorted(found)

    def full(t, now):
        return min(x for a, e, off in near(t) for x in [max(a, now) + -(max(a, now) + off) % 3600] if x < e)

    for t in changes:
        before, after = offset(t - 1), offset(t)
        say("change", t, before, after)
        for d in range((t + min(before, after)) // 86400 - 1, (t + max(before, after)) // 86400 + 2):
            say("date", day(d * 86400), *[x for p in pieces(t, d) for x in p])
        low, high = sorted((t + before, t + after))
        for wall in sorted({low - 1, low, (low + high) // 2, high - 1, high, high + 1, low // 86400 * 86400}):
            say("reading", day(wall), wall % 86400, *readings(t, wall))
        say("hours", t - 5000, t + 9000, *hours(t, t - 5000, t + 9000))
        for at in (t - 3601, t - 1700, t - 1, t, t + 1, t + 1700):
            say("full", at, full(t, at))


def version():
    for directory in zoneinfo.TZPATH:
        try:
            return open(os.path.join(directory, "tzdata.zi")).readline().split()[-1]
        except OSError:
            pass
    return "unknown"


if __name__ == "__main__":
    names = sorted(zoneinfo.available_timezones() - {"localtime"})
    chosen = set(names[:: int(sys.argv[1])]) | set(sys.argv[2:])
    print("version", version(), sep="\t")
    for name in names:
        print("name", name, sep="\t")
    for name in sorted(chosen):
        facts(name, lambda *fields: print(*fields, sep="\t"))
