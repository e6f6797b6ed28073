"""Answers of DuckDB and ClickHouse over the segments of a search index."""
import json
import sys

import chdb.session
import duckdb

asked = json.load(sys.stdin)
files = asked["files"]
told = {"duckdb": [], "clickhouse": []}

duck = duckdb.connect()
duck.sql("SET TimeZone = 'UTC'")
listed = ", ".join(f"'{file}'" for file in files)
duck.sql(f"CREATE VIEW entries AS SELECT * FROM read_parquet([{listed}])")
for view in asked["views"]:
    duck.sql(f"CREATE VIEW {view['name']} AS {view['sql']}")
for query in asked["queries"]:
    answer = duck.execute(query["sql"])
    names = [column[0] for column in answer.description]
    told["duckdb"].append([dict(zip(names, row)) for row in answer.fetchall()])

house = chdb.session.Session()
settings = "SETTINGS join_use_nulls = 1, output_format_json_quote_64bit_integers = 0"
for number, file in enumerate(files):
    house.query(
        f"CREATE VIEW part{number} AS SELECT * FROM file('{file}', Parquet) {settings}"
    )
parts = " UNION ALL ".join(f"SELECT * FROM part{n}" for n in range(len(files)))
house.query(f"CREATE VIEW entries AS {parts}")
for view in asked["views"]:
    if view["plain"]:
        house.query(f"CREATE VIEW {view['name']} AS {view['sql']} {settings}")
for query in asked["queries"]:
    if not query["plain"]:
        told["clickhouse"].append(None)
        continue
    lines = str(house.query(f"{query['sql']} {settings}", "JSONEachRow"))
    told["clickhouse"].append([json.loads(line) for line in lines.splitlines() if line])
print(json.dumps(told))
