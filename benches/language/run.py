"""Measures three programs that read the same pages: ours, the reference runtime, and an HTTP client that throws them away."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
PER_PAGE, BYTES = 100, 500
STREAMS = ("plain", "changed")


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
    options.add_argument("--runs", type=int, default=9, help="rounds of ours and of the bare client; the reference, which takes long, runs once")
    given = options.parse_args()
    server = subprocess.Popen([sys.executable, HERE / "api.py", "0", str(given.pages), str(PER_PAGE), str(BYTES)], stdout=subprocess.PIPE)
    try:
        compare(given, f"http://127.0.0.1:{int(server.stdout.readline())}")
    finally:
        server.kill()
        server.wait()


def compare(given, url):
    records = given.pages * PER_PAGE
    print(f"{records} records of {BYTES} bytes, {PER_PAGE} to a page; CPU seconds of the process: the least of {given.runs} rounds, and the median")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "config.json").write_text(json.dumps({"base_url": url, "api_key": "key"}))
        out = folder / "out.jsonl"
        # The bare client writes nothing, so ours is also measured with its records thrown away: that is what reading alone costs.
        ways = {"bare reqwest": ([given.bare, f"{url}/page?per_page=100&page=", str(given.pages)], os.devnull)}
        for stream in STREAMS:
            files = arguments(folder, stream)
            ways[f"syncline, {stream}, thrown away"] = ([given.bin, "read", *files], os.devnull)
            ways[f"syncline, {stream}"] = ([given.bin, "read", *files], out)
        took = rounds(ways, given.runs, records, out)
        for name, runs in took.items():
            cpu, memory, seconds = min(runs)
            middle = statistics.median(run[0] for run in runs)
            print(f"{name:<34} {cpu:7.3f} s CPU, median {middle:.3f}   {memory:6.1f} MiB   {seconds:6.2f} s")
        for stream in STREAMS:
            theirs = checked([given.reference, "read", *arguments(folder, stream)], out, "reference", records)
            print(f"{'reference, ' + stream:<34} {theirs[0]:7.3f} s CPU                 {theirs[1]:6.1f} MiB   {theirs[2]:6.2f} s")
            ours = min(took[f"syncline, {stream}"])[0]
            print(f"  {stream}: {theirs[0] / ours:.1f} times fewer CPU seconds than the reference; the bare client's, round by round:"
                  f" {spread(took, f'syncline, {stream}, thrown away')} times where the records are thrown away too,"
                  f" {spread(took, f'syncline, {stream}')} times into a file")


def arguments(folder, stream):
    """Of `read`, for one stream."""
    described = {"name": stream, "json_schema": {"type": "object", "properties": {}}, "supported_sync_modes": ["full_refresh"]}
    catalog = {"streams": [{"stream": described, "sync_mode": "full_refresh", "destination_sync_mode": "append"}]}
    path = folder / f"{stream}.json"
    path.write_text(json.dumps(catalog))
    return ["--config", folder / "config.json", "--catalog", path, "--manifest-path", HERE / "manifest.yaml"]


def rounds(ways, count, records, out):
    """What each way took, in turns, so that what else the machine does meets all of them alike."""
    took = {name: [] for name in ways}
    for _ in range(count):
        for name, (command, into) in ways.items():
            took[name].append(checked(command, into, name, records) if into == out else measured(command, into))
    return took


def checked(command, out, name, records):
    """The same, of a program that writes all records."""
    took = measured(command, out)
    if counted(out) != records:
        sys.exit(f"`{name}` wrote {counted(out)} records instead of {records}")
    return took


def spread(took, name):
    """Ours by the bare client's, each round by itself: the median, and where the middle half lies."""
    ratios = sorted(ours[0] / bare[0] for ours, bare in zip(took[name], took["bare reqwest"]))
    quarter = len(ratios) // 4
    return f"{statistics.median(ratios):.2f} ({ratios[quarter]:.2f} to {ratios[-1 - quarter]:.2f})"


main()
