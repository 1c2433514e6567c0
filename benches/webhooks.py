"""Webhooks a second, verified and durable on the embedded log, beside what the same sender reaches on an address that does nothing.

    cargo build --release && python3 benches/webhooks.py target/release/syncline [WEBHOOKS] [CONNECTIONS] [PROCESSES]

Every webhook is new, signed (Standard Webhooks) and of about 500 bytes. Its record is published while the next ones come. The reference is
GET /healthz of the same server, sent by the same processes over as many connections: it shows what the sender and HTTP alone cost.
"""
import asyncio
import base64
import hashlib
import hmac
import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
import urllib.request

BINARY = sys.argv[1]
WEBHOOKS, CONNECTIONS, PROCESSES = (int(given) for given in (sys.argv[2:] + ["40000", "128", "2"][len(sys.argv) - 2:]))


def call(url, key, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, {"authorization": f"Bearer {key}", "content-type": "application/json"})
    return json.load(urllib.request.urlopen(request))


def start(folder):
    command = [BINARY, "serve", "--listen", "127.0.0.1:0", "--folder", folder, "--set", "connectors.test_mode=true", "--set", "telemetry.log_filter=warn"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    url = key = None
    while not url:
        for word in server.stdout.readline().split():
            key = word if word.startswith("sk_") else key
            url = word.rstrip("/") if word.startswith("http://") else url
    return server, url, key


def webhook(host, path, secret, number):
    at = str(int(time.time()))
    body = json.dumps({"type": "customer.updated", "data": {"id": f"cus_{number}", "updated": 1800000000, "pad": "x" * 400}})
    signed = hmac.new(secret, f"msg_{number}.{at}.{body}".encode(), hashlib.sha256).digest()
    head = {"host": host, "content-type": "application/json", "content-length": len(body), "webhook-id": f"msg_{number}", "webhook-timestamp": at,
            "webhook-signature": "v1," + base64.b64encode(signed).decode()}
    return (f"POST {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in head.items()) + "\r\n" + body).encode()


async def talk(host, requests, times):
    reader, writer = await asyncio.open_connection(*host.split(":"))
    for request in requests:
        began = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
        await reader.readexactly(length)
        assert head.startswith(b"HTTP/1.1 200"), head
        times.append(time.perf_counter() - began)
    writer.close()


def send(host, shares, ready, go, answers):
    async def all_of_them():
        times = []
        ready.put(1)
        go.wait()
        began = time.time()
        await asyncio.gather(*(talk(host, share, times) for share in shares))
        return began, time.time(), times
    answers.put(asyncio.run(all_of_them()))


def measure(name, host, requests):
    each = max(CONNECTIONS // PROCESSES, 1)
    ready, go, answers = multiprocessing.Queue(), multiprocessing.Event(), multiprocessing.Queue()
    shares = [[requests[process * each + one :: each * PROCESSES] for one in range(each)] for process in range(PROCESSES)]
    senders = [multiprocessing.Process(target=send, args=(host, share, ready, go, answers)) for share in shares]
    for sender in senders:
        sender.start()
    for _ in senders:
        ready.get()
    go.set()
    found = [answers.get() for _ in senders]
    seconds = max(end for _, end, _ in found) - min(begin for begin, _, _ in found)
    times = sorted(one for _, _, times in found for one in times)
    at = lambda part: times[int(len(times) * part)] * 1000
    print(f"{name:10} {len(times) / seconds:9.0f} /s   p50 {at(0.5):6.1f} ms   p99 {at(0.99):6.1f} ms   worst {times[-1] * 1000:6.1f} ms")
    return len(times) / seconds


def main():
    with tempfile.TemporaryDirectory() as folder:
        server, url, key = start(folder)
        try:
            call(url, key, "/api/v1/tenants", {"id": "acme", "name": "Acme"})
            settings = {"base_url": "http://127.0.0.1:9", "account": "a", "password": "p"}
            made = {"id": "pay", "connector": "sandbox-payments", "settings": settings, "schedule": "manual"}
            call(url, key, "/api/v1/tenants/acme/integrations", made)
            call(url, key, "/api/v1/tenants/acme/integrations/pay/resume", {})
            hook = call(url, key, "/api/v1/tenants/acme/integrations/pay/webhooks", {})
            secret = base64.b64decode(hook["secret"].removeprefix("whsec_"))
            host = url.removeprefix("http://")
            nothing = f"GET /healthz HTTP/1.1\r\nhost: {host}\r\n\r\n".encode()
            reference = measure("/healthz", host, [nothing] * WEBHOOKS)
            rate = measure("webhooks", host, [webhook(host, hook["endpoint"]["url"], secret, number) for number in range(WEBHOOKS)])
            began = time.time()
            wanted = f'outcome="published"}} {WEBHOOKS}'
            while wanted not in urllib.request.urlopen(url + "/metrics").read().decode():
                time.sleep(0.1)
            print(f"published {time.time() - began:.1f} s behind the last answer; {rate / reference:.2f} of the reference")
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
