"""A product to be tested: a small dashboard of its own, written in SQL on SQLite.

It stands for yours. It knows nothing of the workbench: it reads its database and answers with JSON in the agreed form
(`workbench schema dashboard`), as far as it goes: requests and tokens of external models by day.
"""
import json, sqlite3, sys
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo


def instant(microseconds, zone):
    at = datetime.fromtimestamp(microseconds / 1e6, timezone.utc).astimezone(zone)
    return at.isoformat().replace("+00:00", "Z")


def dashboard(database, account, period, provider=None, now=None):
    """The external tab of one of the periods 7d, 30d and 90d."""
    db = sqlite3.connect(database)
    zone = ZoneInfo(db.execute("SELECT time_zone FROM accounts WHERE account = ?", (account,)).fetchone()[0])
    now = datetime.fromisoformat(now.replace("Z", "+00:00")).astimezone(zone)
    today = (now - timedelta(microseconds=1)).date()
    first = today - timedelta(days=int(period[:-1]) - 1)
    days, totals = [], {"successes": 0, "failures": 0, "input": 0, "output": 0}
    for number in range((today - first).days + 1):
        # Local midnights: days have 23, 24 or 25 hours.
        start, end = (datetime.combine(first + timedelta(days=number + more), datetime.min.time(), zone) for more in (0, 1))
        row = db.execute(
            """SELECT count(*) FILTER (WHERE status = 'success'), count(*) FILTER (WHERE status = 'failure'),
                      coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0)
               FROM requests JOIN models USING (model_id)
               WHERE account = ? AND kind = 'external' AND (? IS NULL OR provider = ?) AND arrived_at >= ? AND arrived_at < ?""",
            (account, provider, provider, int(start.timestamp() * 1e6), int(min(end, now).timestamp() * 1e6))).fetchone()
        if row[0] + row[1]:  # A day without requests is absent.
            days.append((int(start.timestamp() * 1e6), *row))
        for key, value in zip(totals, row):
            totals[key] += value
    return {
        "query": {"kind": "external", "period": period, "provider": provider},
        "requests": {
            "points": [{"at": instant(d[0], zone), "successes": d[1], "failures": d[2]} for d in days],
            "totalSuccesses": totals["successes"], "totalFailures": totals["failures"],
            "totalRequests": totals["successes"] + totals["failures"],
        },
        "tokens": {
            "points": [{"at": instant(d[0], zone), "inputTokens": d[3], "outputTokens": d[4]} for d in days],
            "totalInputTokens": totals["input"], "totalOutputTokens": totals["output"],
        },
    }


if __name__ == "__main__":
    database, account, period, now = sys.argv[1:5]
    json.dump(dashboard(database, account, period, sys.argv[5] if len(sys.argv) > 5 else None, now), sys.stdout)
