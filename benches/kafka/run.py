"""Measures a node on a real broker, beside a reference in the same run; `benches/kafka.sh` starts what it needs."""

import argparse
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ROUNDS = 3
TENANTS, EACH, STREAMS = 1000, 100, 2
KEY = "sandbox-shop-key"
BARE = "bare"


class Node:
    """A running `syncline serve` with its API and engine, and no organizer."""

    def __init__(self, options, prefix, *more, key=None):
        self.began = time.monotonic()
        self.home = tempfile.mkdtemp(dir=options.folder)
        settings = [
            "log.kind=kafka", f"kafka.bootstrap={options.brokers}", f"kafka.prefix={prefix}", f"store.url={options.store}",
            f"tables.url={options.store}", f"vault.key_file={options.folder}/vault.key", "egress.private_allowed=true",
            "connectors.test_mode=true", "telemetry.log_filter=warn", *more,
        ]
        command = [options.bin, "serve", "--listen", "127.0.0.1:0", "--roles", "api,engine", "--folder", self.home]
        for setting in settings:
            command += ["--set", setting]
        self.errors = open(f"{self.home}/errors", "w+")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.errors, text=True)
        self.key = key
        for line in self.process.stdout:
            self.key = next((word for word in line.split() if word.startswith("sk_")), self.key)
            url = next((word for word in line.split() if word.startswith("http://")), None)
            if url:
                self.url = url.rstrip("/")
                break
        else:
            self.errors.seek(0)
            raise SystemExit(f"the node did not start:\n{self.errors.read()}")
        self.answers = time.monotonic() - self.began
        # Only the first node on a store is told a key.
        kept = pathlib.Path(options.folder, "key")
        if self.key:
            kept.write_text(self.key)
        else:
            self.key = kept.read_text()

    def call(self, method, path, body=None):
        data = json.dumps(body).encode() if body is not None else None
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{method} {path}: {error.code} {error.read().decode()}") from error
        return text.decode()

    def metrics(self):
        found = {}
        for line in self.call("GET", "/metrics").splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                found[name] = float(value)
        return found

    def sum_of(self, name):
        return sum(value for key, value in self.metrics().items() if key.split("{")[0] == name)

    def until(self, name, wanted, within=600):
        deadline = time.monotonic() + within
        while self.sum_of(name) < wanted:
            if time.monotonic() > deadline:
                raise SystemExit(f"{name} is {self.sum_of(name)} and never came to {wanted}")
            time.sleep(0.05)
        return time.monotonic() - self.began

    def cpu_s(self):
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mib(self):
        return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{self.process.pid}/status").read())[1]) // 1024

    def stop(self):
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        return time.monotonic() - began


@contextlib.contextmanager
def sandbox(options, records):
    port = 18760
    command = [f"{options.examples}/serve", "--port", str(port), "--records", str(records), "--seed", "1"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    while True:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{url}/__control/status").close()
            break
        time.sleep(0.02)
    try:
        yield url
    finally:
        server.kill()
        server.wait()


def make_topic(options):
    """So that no round waits until the producer hears of a topic that is new."""
    subprocess.run([f"{options.examples}/produce", options.brokers, BARE, "data"], input='{"data": [{}]}\n', text=True, check=True, capture_output=True)


def bare(options, url, readers, pages):
    """`curl` of the same pages into a bare producer, as many at a time as there are integrations. Seconds."""
    asked = f"curl -sf -w '\\n' -H 'X-Api-Key: {KEY}' '{url}/shop/orders?page=[1-{pages}]&per_page=100'"
    command = f"set -o pipefail; {asked} | {options.examples}/produce {options.brokers} {BARE} data"
    began = time.monotonic()
    running = [subprocess.Popen(["bash", "-c", command], stdout=subprocess.PIPE, text=True) for _ in range(readers)]
    sent = sum(int(process.communicate()[0]) for process in running)
    return sent, time.monotonic() - began


def ours(node, url, readers, total, number):
    tenant = f"w{number}"
    node.call("POST", "/api/v1/tenants", {"id": tenant, "name": tenant})
    for reader in range(readers):
        body = {
            "id": f"i{reader}", "connector": "sandbox-shop", "settings": {"base_url": f"{url}/shop", "api_key": KEY},
            "streams": [{"name": "orders"}], "schedule": "manual",
        }
        node.call("POST", f"/api/v1/tenants/{tenant}/integrations", body)
    before = node.metrics().get("syncline_log_events_appended_total", 0)
    cpu, began = node.cpu_s(), time.monotonic()
    for reader in range(readers):
        node.call("POST", f"/api/v1/tenants/{tenant}/integrations/i{reader}/resume", {})
    node.until("syncline_log_events_appended_total", before + readers * total)
    return time.monotonic() - began, node.cpu_s() - cpu


def way(options):
    with sandbox(options, options.records) as url:
        request = urllib.request.Request(f"{url}/shop/orders?page=1&per_page=1", headers={"X-Api-Key": KEY})
        page = json.loads(urllib.request.urlopen(request).read())
        total = int(re.search(r'"total":\s*(\d+)', json.dumps(page))[1])
        pages = -(-total // 100)
        make_topic(options)
        node = Node(options, f"way{os.getpid()}")
        node.until("syncline_shards_owned", 64)
        print(f"{total} orders in {pages} pages of 100; events a second from the pages to the broker, the better of {ROUNDS} rounds each")
        print("readers    curl into a bare producer/s    syncline, exactly once/s    ratio    CPU us an event")
        for readers in (1, 4):
            theirs, mine = [], []
            for number in range(ROUNDS):
                sent, took = bare(options, url, readers, pages)
                assert sent == readers * total, (sent, total)
                theirs.append(sent / took)
                took, cpu = ours(node, url, readers, total, f"{readers}-{number}")
                mine.append((readers * total / took, cpu / (readers * total) * 1e6))
            (rate, cpu), reference = max(mine), max(theirs)
            print(f"{readers:>7} {reference:>29.0f} {rate:>27.0f} {rate / reference:>8.2f} {cpu:>18.0f}")
        steps = node.metrics()
        transactions = steps.get("syncline_log_kafka_transaction_seconds_count", 0)
        if transactions:
            seconds = steps["syncline_log_kafka_transaction_seconds_sum"]
            events = steps["syncline_log_events_appended_total"]
            print(f"{transactions:.0f} transactions of {events / transactions:.0f} events and {1000 * seconds / transactions:.1f} ms on average")
        node.stop()


def psql(options, text):
    return subprocess.run(["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", options.store, "-c", text], check=True, capture_output=True, text=True).stdout


def idle(options):
    prefix = f"idle{os.getpid()}"
    first = Node(options, prefix)
    first.until("syncline_shards_owned", 64)
    first.call("POST", "/api/v1/tenants", {"id": "seed", "name": "seed"})
    body = {"id": "seed", "connector": "sandbox-shop", "settings": {"base_url": "http://127.0.0.1:1/shop", "api_key": KEY}, "schedule": {"every_s": 86400}}
    first.call("POST", "/api/v1/tenants/seed/integrations", body)
    empty = first.memory_mib()
    key = first.key
    first.stop()
    psql(options, f"""
        INSERT INTO tenants (id, name, created, data_key)
            SELECT 't' || n, 't' || n, created, data_key FROM tenants, generate_series(0, {TENANTS - 1}) AS n WHERE id = 'seed';
        INSERT INTO integrations (tenant, id, connector, title, settings, state, schedule, created, changed, revision, last_job_ended)
            SELECT 't' || t, 'i' || i, connector, title, settings, 'live', schedule, created, changed, 1, changed
            FROM integrations, generate_series(0, {TENANTS - 1}) AS t, generate_series(0, {EACH - 1}) AS i WHERE tenant = 'seed';
        ANALYZE;""")
    fill = [f"{options.examples}/fill", options.brokers, prefix, str(TENANTS), str(EACH), str(STREAMS)]
    cursors = int(subprocess.run(fill, check=True, capture_output=True, text=True).stdout)
    node = Node(options, prefix, key=key)
    owned = node.until("syncline_shards_owned", 64)
    seated = node.until("syncline_integrations", TENANTS * EACH)
    metrics = node.metrics()
    count, seconds = (metrics[f"syncline_log_kafka_takeover_seconds_{of}"] for of in ("count", "sum"))
    time.sleep(5)
    cpu, began = node.cpu_s(), time.monotonic()
    time.sleep(30)
    load = (node.cpu_s() - cpu) / (time.monotonic() - began)
    print(f"{TENANTS * EACH} idle integrations of {TENANTS} tenants, {cursors} cursors, 64 shards, one node")
    print(f"the API answers after {node.answers:.1f} s, all shards are owned after {owned:.1f} s, all integrations are known after {seated:.1f} s")
    print(f"taking a shard over and restoring it took {seconds / count:.2f} s on average; {min(count, 64):.0f} shards, eight at a time")
    print(f"memory {node.memory_mib()} MiB ({empty} MiB without integrations), CPU {100 * load:.1f} % of a core while nothing is due")
    print(f"it ends in {node.stop():.1f} s")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=["way", "idle"])
    for name in ("bin", "examples", "brokers", "store", "folder"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--records", type=int, default=200_000)
    options = parser.parse_args()
    {"way": way, "idle": idle}[options.part](options)


if __name__ == "__main__":
    main()
