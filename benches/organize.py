#!/usr/bin/env python3
"""The organizer's speed beside DuckDB's and dlt's, on the same file in one run.

    python3 -m venv v && v/bin/pip install duckdb "dlt[duckdb]"
    v/bin/python benches/organize.py --bin target/release/syncline [--records 100000] [--people 50000]

Peers that are not installed are left out. CPU seconds are those of the child process, user and system; memory is its peak.
`cargo bench -p schema-ai --bench profile` compares the profile with sonic-rs, which only parses the same records.
"""
import argparse, json, os, random, subprocess, sys, tempfile, time

WORDS = "panic loop index parser crash timeout retry buffer cursor schema token login cache header column merge import".split()


def issue(n, rng):
    user = lambda: {"login": f"user{rng.randrange(5000)}", "id": rng.randrange(5000), "node_id": f"MDQ6VXNlcj{rng.randrange(5000)}", "type": "User", "site_admin": False,
                    **{f"{k}_url": f"https://api.example.org/users/{n}/{k}" for k in ("followers", "following", "gists", "starred", "repos", "events", "received_events", "organizations", "subscriptions", "html")}}
    text = " ".join(rng.choice(WORDS) for _ in range(310))
    return {"id": 10_000_000 + n, "number": n, "title": text[:60], "state": rng.choice(["open", "closed"]), "locked": False, "user": user(), "assignee": user() if n % 3 else None,
            "labels": [{"id": k, "name": f"label{k}", "color": "ededed", "default": False, "url": f"https://api.example.org/labels/{k}"} for k in rng.sample(range(60), n % 4)],
            "milestone": {"id": n % 50, "title": f"v{n % 50}", "due_on": "2026-03-01T00:00:00Z", "creator": user()} if n % 5 == 0 else None, "comments": n % 17,
            "created_at": f"2026-{n % 12 + 1:02}-{n % 28 + 1:02}T{n % 24:02}:00:00Z", "updated_at": f"2026-{n % 12 + 1:02}-{n % 28 + 1:02}T{n % 24:02}:30:00Z", "closed_at": None,
            "body": text, "reactions": {"total_count": n % 9, "+1": n % 4, "-1": 0, "laugh": 0, "heart": n % 3}, "url": f"https://api.example.org/issues/{n}"}


def person(n, rng):
    name = lambda base: "".join(rng.choice("bcdfgklmnprstv") + rng.choice("aeiou") for _ in range(base))
    return {"given_name": name(2), "surname": name(4), "street_number": str(rng.randrange(1, 300)), "address_1": name(4) + " street", "suburb": name(3), "postcode": str(rng.randrange(1000, 9999)),
            "date_of_birth": f"19{rng.randrange(20, 99)}{rng.randrange(1, 13):02}{rng.randrange(1, 29):02}", "soc_sec_id": str(rng.randrange(1_000_000, 9_999_999))}


def people(count, rng):
    rows = []
    while len(rows) < count:
        one = person(len(rows), rng)
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            copy = dict(one, id=str(len(rows)))
            field = rng.choice(list(one))
            if rng.random() < .6:
                copy[field] = copy[field][1:] or None
            rows.append(copy)
    return rows[:count]


def write(path, rows):
    with open(path, "w") as file:
        for row in rows:
            file.write(json.dumps(row) + "\n")


def measured(name, command, records):
    started = time.time()
    # What it says goes to a file: a pipe that nobody reads would stop it.
    with tempfile.TemporaryFile() as said:
        done = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said)
        _, status, usage = os.wait4(done.pid, 0)
        said.seek(0)
        cause = said.read().decode(errors="replace")[-200:]
    peak = usage.ru_maxrss // 1024
    cpu = usage.ru_utime + usage.ru_stime
    if status:
        print(f"{name:34} failed: {cause}")
        return
    print(f"{name:34} {time.time() - started:7.2f} s  {cpu:7.2f} CPU s  {records / cpu:10,.0f} records/CPU s  {peak:6} MiB")


DUCKDB = "import duckdb,sys; c=duckdb.connect(); c.execute('set threads=1'); c.execute(f\"create table t as select * from read_json_auto('{sys.argv[1]}', format='newline_delimited', sample_size=-1)\")"
DLT = ("import dlt,json,sys,tempfile,os; d=tempfile.mkdtemp(); os.chdir(d); os.environ['RUNTIME__DLTHUB_TELEMETRY']='false'\n"
       "rows=lambda: (json.loads(l) for l in open(sys.argv[1]))\n"
       "p=dlt.pipeline(pipeline_name='bench',destination='duckdb',pipelines_dir=d)\np.extract(rows(),table_name='issues'); p.normalize()")


def has(module):
    return subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True).returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--people", type=int, default=50_000)
    asked = parser.parse_args()
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        issues, persons = os.path.join(folder, "issues.jsonl"), os.path.join(folder, "people.jsonl")
        write(issues, (issue(n, rng) for n in range(asked.records)))
        write(persons, people(asked.people, rng))
        print(f"{asked.records:,} records of {os.path.getsize(issues) // asked.records:,} bytes, {asked.people:,} people")
        measured("profile: syncline", [asked.bin, "organize", "profile", issues], asked.records)
        if has("duckdb"):
            measured("infer and load: DuckDB", [sys.executable, "-c", DUCKDB, issues], asked.records)
        if has("dlt"):
            measured("infer and normalize: dlt", [sys.executable, "-c", DLT, issues], asked.records)
        measured("resolve: syncline", [asked.bin, "organize", "resolve", persons, "--format", "json"], asked.people)


if __name__ == "__main__":
    main()
