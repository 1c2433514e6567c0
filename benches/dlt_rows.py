#!/usr/bin/env python3
"""Writes rows into PostgreSQL with dlt, as `cargo bench -p schema-ai --bench tables_postgres` asks it to.

    dlt_rows.py ROWS.jsonl postgres://USER@HOST:PORT/DATABASE insert_values|csv

Prints how many seconds it took to append the rows to an empty table, and to merge them into it by their primary key.
"""
import json
import os
import sys
import tempfile
import time
from urllib.parse import urlsplit

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"
import dlt

DATASET = "dlt_rows"


def rows(path):
    with open(path, "rb") as lines:
        for line in lines:
            yield json.loads(line)


def main():
    path, url, file_format = sys.argv[1:]
    server = urlsplit(url)
    # dlt wants a password even where the server asks for none.
    credentials = {
        "drivername": "postgresql", "database": server.path.lstrip("/"), "host": server.hostname, "port": server.port or 5432,
        "username": server.username, "password": server.password or "none",
    }
    with tempfile.TemporaryDirectory() as folder:
        pipeline = dlt.pipeline("rows", destination=dlt.destinations.postgres(credentials), dataset_name=DATASET, pipelines_dir=folder)
        with pipeline.sql_client() as client:
            client.execute_sql(f"DROP SCHEMA IF EXISTS {DATASET} CASCADE; DROP SCHEMA IF EXISTS {DATASET}_staging CASCADE")
        seconds = []
        for disposition in ("append", "merge"):
            started = time.time()
            pipeline.run(
                rows(path), table_name="customers", write_disposition=disposition, primary_key="id", loader_file_format=file_format
            ).raise_on_failed_jobs()
            seconds.append(time.time() - started)
        with pipeline.sql_client() as client:
            count = client.execute_sql("SELECT count(*) FROM customers")[0][0]
            client.execute_sql(f"DROP SCHEMA {DATASET} CASCADE; DROP SCHEMA IF EXISTS {DATASET}_staging CASCADE")
    print(count, *seconds)


if __name__ == "__main__":
    main()
