"""ClickHouse in a process of its own: windowFunnel over a log that comes as JSON; levels go back as JSON."""

import json
import sys

import chdb

asked = json.load(sys.stdin)
db = chdb.connect(":memory:")
db.query("create table log (c UInt32, i UInt32, t UInt64, e String) engine = Memory")
for at in range(0, len(asked["events"]), 5000):
    rows = ",".join(f"({c},{i},{t},'{name}')" for c, i, t, name in asked["events"][at : at + 5000])
    db.query(f"insert into log values {rows}")
found = {}
for case in asked["cases"]:
    modes = "".join(f", '{mode}'" for mode in case["modes"])
    steps = ", ".join(f"e = '{step}'" for step in case["steps"])
    # The order of receipt stands behind the time where the case wants it, so that nothing is at the same instant.
    time = "t * 1000 + i" if case["receipt"] else "t * 1000"
    within = case["window"] * 1000 + (999 if case["receipt"] else 0)
    sql = f"select c, windowFunnel({within}{modes})(toUInt64({time}), {steps}) from log group by c order by c"
    found[case["name"]] = [int(line.split(",")[1]) for line in str(db.query(sql, "CSV")).split()]
json.dump(found, sys.stdout)
