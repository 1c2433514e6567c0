"""Measures three programs that read the same pages: ours, the reference runtime, and an HTTP client that throws them away."""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
PER_PAGE, BYTES = 100, 500


def measured(command, out):
    """CPU seconds, peak memory in MiB and seconds of a command that writes to a file."""
    began = time.monotonic()
    with open(out, "wb") as file:
        child = subprocess.Popen(command, stdout=file, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"`{command[0]}` ended with {child.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, time.monotonic() - began


def counted(out):
    with open(out, "rb") as file:
        return sum(line.startswith(b'{"type":"RECORD"') for line in file)


def main():
    options = argparse.ArgumentParser()
    for name in ("--bin", "--reference", "--bare"):
        options.add_argument(name, required=True)
    options.add_argument("--pages", type=int, default=2000)
    options.add_argument("--runs", type=int, default=5, help="of ours and of the bare client; the reference, which takes long, runs once")
    given = options.parse_args()
    server = subprocess.Popen([sys.executable, HERE / "api.py", "0", str(given.pages), str(PER_PAGE), str(BYTES)], stdout=subprocess.PIPE)
    try:
        compare(given, f"http://127.0.0.1:{int(server.stdout.readline())}")
    finally:
        server.kill()
        server.wait()


def compare(given, url):
    records = given.pages * PER_PAGE
    print(f"{records} records of {BYTES} bytes, {PER_PAGE} to a page; CPU seconds of the process, the least of {given.runs} runs")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "config.json").write_text(json.dumps({"base_url": url, "api_key": "key"}))
        out = folder / "out.jsonl"
        bare = min(measured([given.bare, f"{url}/page?per_page=100&page=", str(given.pages)], out) for _ in range(given.runs))
        print(f"{'bare reqwest':<34} {bare[0]:7.3f} s CPU   {bare[1]:6.1f} MiB   {bare[2]:6.2f} s")
        for stream in ("plain", "changed"):
            schema = {"type": "object", "properties": {}}
            described = {"name": stream, "json_schema": schema, "supported_sync_modes": ["full_refresh"]}
            catalog = {"streams": [{"stream": described, "sync_mode": "full_refresh", "destination_sync_mode": "append"}]}
            (folder / "catalog.json").write_text(json.dumps(catalog))
            files = ["--config", folder / "config.json", "--catalog", folder / "catalog.json", "--manifest-path", HERE / "manifest.yaml"]
            took = {}
            for name, program, runs in (("syncline", given.bin, given.runs), ("reference", given.reference, 1)):
                took[name] = min(measured([program, "read", *files], out) for _ in range(runs))
                if counted(out) != records:
                    sys.exit(f"{name} read {counted(out)} records of `{stream}` instead of {records}")
                cpu, memory, seconds = took[name]
                print(f"{name + ', ' + stream:<34} {cpu:7.3f} s CPU   {memory:6.1f} MiB   {seconds:6.2f} s")
            ours, theirs = took["syncline"][0], took["reference"][0]
            # The bare client writes nothing; this is what reading alone costs.
            thrown = min(measured([given.bin, "read", *files], os.devnull) for _ in range(given.runs))[0]
            print(f"{'syncline, ' + stream + ', to /dev/null':<34} {thrown:7.3f} s CPU")
            print(f"  {stream}: {theirs / ours:.1f} times fewer CPU seconds than the reference; {ours / bare[0]:.2f} times the bare client,"
                  f" {thrown / bare[0]:.2f} times where the records are thrown away too")


main()
