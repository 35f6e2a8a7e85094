"""Reads a folder of segments as a stranger would, with pyarrow, DuckDB and Polars, and says what it finds as JSON.

Bodies are put together from the columns by Python's own JSON, leaves and root of the log are made from them (RFC 6962), and
money is added up three times. Then every example of the documentation is run; an example that fails is an error.

    parquet-python segments.py FOLDER-OF-SEGMENTS DOCUMENTATION
"""

import contextlib
import glob
import hashlib
import io
import json
import os
import re
import sys
import uuid

import duckdb
import polars
import pyarrow.parquet

MEMBERS = ["actor", "approver", "causation", "correlation", "effective_at", "event_id", "external_id", "kind", "ledger",
           "offset_minutes", "position", "recorded_at", "revision", "role", "source", "version"]
SUMS = ["credits", "credited_minor", "reversed_minor", "failed_minor"]
IDS = ["event_id", "causation"]
TIMES = ["effective_at", "recorded_at"]


def micros(moment):
    # Whole numbers all the way: timestamp() of a datetime is a float.
    since = moment - moment.replace(year=1970, month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def body(row):
    members = {name: row[name] for name in MEMBERS if row[name] is not None}
    for name in IDS:
        if name in members:
            members[name] = str(members[name] if isinstance(members[name], uuid.UUID) else uuid.UUID(bytes=members[name]))
    for name in TIMES:
        members[name] = micros(members[name])
    members["stream"] = row["stream_type"] + ("/" + row["stream_id"] if row["stream_id"] else "")
    members["payload"] = 0
    text = json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.replace('"payload":0', '"payload":' + row["payload"], 1).encode()


def root(leaves):
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    left = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + root(leaves[:left]) + root(leaves[left:])).digest()


def groups(rows):
    return sorted([list(key), [int(value) for value in sums]] for key, sums in rows if any(sums))


def main(folder, documentation):
    events = sorted(glob.glob(f"{folder}/events-*.parquet"))
    movements = sorted(glob.glob(f"{folder}/movements-*.parquet"))
    leaves, kinds = [], {}
    for path in events:
        for row in pyarrow.parquet.read_table(path).to_pylist():
            leaf = hashlib.sha256(b"\x00" + body(row)).digest()
            assert leaf == row["leaf"], f"{path}, position {row['position']}: {body(row)}"
            leaves.append(leaf)
            count, amount = kinds.get(row["kind"], (0, 0))
            kinds[row["kind"]] = (count + 1, amount + (row["amount_minor"] or 0))
            assert row["position"] == len(leaves)

    key = ["merchant", "country", "reason", "kind", "month", "currency"]
    by_arrow = {}
    for path in movements:
        for row in pyarrow.parquet.read_table(path).to_pylist():
            sums = by_arrow.setdefault(tuple(row[name] for name in key), [0] * len(SUMS))
            for place, name in enumerate(SUMS):
                sums[place] += row[name]
    columns, sums = ", ".join(key), ", ".join(f"sum({name})" for name in SUMS)
    by_duckdb = duckdb.sql(f"SELECT {columns}, {sums} FROM read_parquet({movements}) GROUP BY ALL").fetchall()
    by_polars = polars.read_parquet(movements).group_by(key).agg([polars.col(name).sum() for name in SUMS]).rows()
    found = groups(by_arrow.items())
    for other in (by_duckdb, by_polars):
        assert groups((row[: len(key)], row[len(key):]) for row in other) == found

    examples = []
    text = open(documentation, encoding="utf-8").read()
    for language, code in re.findall(r"```(sql|python)\n(.*?)```", text, re.DOTALL):
        if language == "sql":
            answer = duckdb.sql(code)
            rows = [[value if value is None or isinstance(value, (int, str)) else int(value) for value in row]
                    for row in answer.fetchall()]
            examples.append({"columns": answer.columns, "rows": rows})
        else:
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(code, {})
            examples.append({"text": out.getvalue()})
    json.dump({"events": len(leaves), "root": root(leaves).hex(), "kinds": kinds, "totals": found, "examples": examples},
              sys.stdout)


os.chdir(os.path.dirname(os.path.abspath(sys.argv[1])))
main(os.path.basename(os.path.abspath(sys.argv[1])), sys.argv[2])
