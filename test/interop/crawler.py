"""Fetches and sends content with Requests, all at once.

Reads {"proxies": {scheme: URL}, "ca": file, "jobs": [{"url": ..., "send": octets or null}, ...]} from standard input, and
writes one list to standard output: for each job its status with the length and SHA-256 of the content that came, or the
"error" by the names of its exceptions, the outermost first. A short answer stands in "text".
"""

import hashlib
import json
import sys
from concurrent.futures import ThreadPoolExecutor

import requests


def causes(error):
    while error is not None:
        yield type(error).__name__
        reason = getattr(error, "reason", None)
        inner = next((arg for arg in error.args if isinstance(arg, Exception)), None)
        error = reason if isinstance(reason, Exception) else inner


def fetch(session, job):
    content = b"\0" * job["send"] if job.get("send") is not None else None
    try:
        with session.request("GET" if content is None else "POST", job["url"], data=content, stream=True) as answer:
            digest, length, chunk = hashlib.sha256(), 0, b""
            for chunk in answer.iter_content(1 << 16):
                digest.update(chunk)
                length += len(chunk)
            # A short answer is shown as well.
            text = chunk.decode("latin-1") if length == len(chunk) < 4096 else None
            return {"status": answer.status_code, "length": length, "sha256": digest.hexdigest(), "text": text}
    except requests.RequestException as error:
        return {"error": " ".join(causes(error))}


def main():
    order = json.load(sys.stdin)
    session = requests.Session()
    session.trust_env = False
    session.proxies = order["proxies"]
    session.verify = order["ca"]
    adapter = requests.adapters.HTTPAdapter(pool_maxsize=len(order["jobs"]))
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    with ThreadPoolExecutor(len(order["jobs"])) as threads:
        json.dump(list(threads.map(lambda job: fetch(session, job), order["jobs"])), sys.stdout)


main()
