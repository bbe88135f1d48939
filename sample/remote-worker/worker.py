#!/usr/bin/env python3
"""A worker in another language: claims jobs over HTTP, counts words, answers. Python 3, standard library only.

    EDGE_URL=http://127.0.0.1:3000 REMOTE_WORKER_TOKEN=... python3 worker.py [label ...]
"""

import json
import os
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request

LEASE_MS = 3_000
IDLE_SECONDS = 0.2
HTTP_SECONDS = 10

stopping = threading.Event()


class Refused(Exception):
    """The edge said no, and would say it again."""

    def __init__(self, status, body):
        super().__init__(body.get("message", "no message"))
        self.status = status
        self.code = body.get("code")


class Stay(urllib.request.HTTPRedirectHandler):
    """The token is for the edge alone: a redirect is an answer like any other, and not followed to another host."""

    def redirect_request(self, *_):
        return None


class Edge:
    """The few calls of the pull contract."""

    def __init__(self, url, token, worker_id):
        self.url = url.rstrip("/")
        self.headers = {"content-type": "application/json", "authorization": f"Bearer {token}", "x-worker-id": worker_id}
        self.opener = urllib.request.build_opener(Stay)

    def call(self, path, body):
        """Repeats until the edge has answered: a call whose answer was lost may have been done already."""
        rest = 0.1
        while True:
            try:
                return self.post(path, body)
            except Refused as refused:
                if refused.status < 500:
                    raise
                trouble = refused
            except (urllib.error.URLError, OSError) as error:
                trouble = error
            say(f"{path}: {trouble}, again in {rest:.1f} s")
            if stopping.wait(rest):
                raise ConnectionError(f"stopped before {path} was answered")
            rest = min(rest * 2, 5.0)

    def post(self, path, body):
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), self.headers, method="POST")
        try:
            with self.opener.open(request, timeout=HTTP_SECONDS) as response:
                return json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            raise Refused(error.code, parsed(error.read())) from None


class Lease:
    """Renews a claim while its jobs are worked, and learns which of them to drop."""

    def __init__(self, edge, lease_id):
        self.edge = edge
        self.path = f"/leases/{lease_id}"
        self.dropped = set()
        self.renewed_at = time.monotonic()
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.renew, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()

    def renew(self):
        while not self.ended.wait(LEASE_MS / 3_000):
            asked_at = time.monotonic()
            try:
                news = self.edge.post(f"{self.path}/renew", {"leaseMs": LEASE_MS})
                self.dropped.update(news["lost"] + news["cancelled"])
                self.renewed_at = asked_at
            except Refused as refused:
                if refused.code == "LEASE_LOST":
                    self.renewed_at = float("-inf")
                # LEASE_UNKNOWN: the last job was settled while this was under way.
                if refused.status < 500:
                    return
            except (urllib.error.URLError, OSError) as error:
                say(f"renew: {error}")

    def has_lost(self, job):
        """Told so, or silent for so long that somebody else may have the job by now."""
        return job["id"] in self.dropped or time.monotonic() - self.renewed_at > LEASE_MS / 1_000

    def settle(self, job, how, body):
        try:
            self.edge.call(f"{self.path}/jobs/{job['id']}/{how}", body)
        except Refused as refused:
            # LEASE_LOST: somebody else has the job. LEASE_UNKNOWN or LEASE_FOREIGN after a repeat: the first call was done.
            say(f"{how} {job['id']}: {refused.code}")


def count_words(job, should_stop):
    """The work itself. A bad payload is a ValueError, which no repeat mends."""
    payload = job["payload"]
    if not isinstance(payload, dict) or not isinstance(payload.get("text"), str):
        raise ValueError("the payload needs a text")
    if payload.get("failFirst") and job["attempt"] == 1:
        raise TimeoutError("something was away for a moment")
    words = payload["text"].split()
    if should_stop(payload.get("seconds", 0)):
        raise InterruptedError("asked to stop")
    return {"words": len(words), "longest": max(words, key=len, default="")}


def work(lease, job):
    def should_stop(seconds):
        """Rests for as long as the work takes; true as soon as it is wanted no longer."""
        steps = max(1, int(seconds * 10))
        return any(stopping.wait(seconds / steps) or lease.has_lost(job) for _ in range(steps))

    try:
        outputs = count_words(job, should_stop)
    except InterruptedError:
        return lease.settle(job, "release", {})
    except ValueError as error:
        return lease.settle(job, "fail", {"error": described(error), "retryable": False})
    except Exception as error:  # noqa: BLE001 - whatever it was, the queue decides on the next attempt
        return lease.settle(job, "fail", {"error": described(error)})
    return lease.settle(job, "complete", {"outputs": outputs})


def described(error):
    return {"name": type(error).__name__, "message": str(error)}


def parsed(body):
    try:
        return json.loads(body)
    except ValueError:
        return {}


def say(text):
    print(f"worker {os.getpid()}: {text}", file=sys.stderr, flush=True)


def main(labels):
    worker_id = f"{socket.gethostname()}:{os.getpid()}"
    edge = Edge(os.environ["EDGE_URL"], os.environ["REMOTE_WORKER_TOKEN"], worker_id)
    request = {"workerId": worker_id, "labels": labels, "leaseMs": LEASE_MS, "limit": 2}
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stopping.set())
    while not stopping.is_set():
        try:
            claim = edge.call("/claims", request)
        except ConnectionError:
            break
        if not claim["jobs"]:
            stopping.wait(IDLE_SECONDS)
            continue
        with Lease(edge, claim["leaseId"]) as lease:
            for job in claim["jobs"]:
                work(lease, job)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Refused as refused:
        say(f"refused with {refused.status}: {refused}")
        sys.exit(1)
