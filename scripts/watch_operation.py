#!/usr/bin/python3
"""Follows the event stream of an operation and prints one line per stage.

usage: watch_operation.py URL TOKEN OPERATION   (exit status 1 unless it SUCCEEDED)
"""
import http.client
import json
import sys
import urllib.parse

MARKS = {"SUCCEEDED": "ok", "SKIPPED": "--", "FAILED": "!!", "COMPENSATED": "<-"}


def events(url, token, operation):
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=600)
    connection.request("GET", f"/v1/operations/{operation}/events", headers={"Authorization": f"Bearer {token}", "Accept": "text/event-stream"})
    response = connection.getresponse()
    if response.status != 200:
        sys.exit(f"{response.status}: {response.read().decode()}")
    kind, data = "message", []
    for raw in response:
        line = raw.decode().rstrip("\r\n")
        if line.startswith("event:"):
            kind = line[6:].strip()
        elif line.startswith("data:"):
            data.append(line[5:].strip())
        elif not line and data:
            yield kind, json.loads("\n".join(data))
            kind, data = "message", []


def get(url, token, path):
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    return json.loads(connection.getresponse().read())


def main():
    url, token, operation = sys.argv[1:4]
    seen_wait = None
    for kind, event in events(url, token, operation):
        data = event.get("data", event)
        name = data.get("stage", "")
        if kind in ("stage.succeeded", "stage.skipped", "stage.failed"):
            why = ": ".join(x for x in (data.get("reason"), data.get("message")) if x)
            print(f"  {MARKS.get(data['state'], '  ')} {name:<20} {data['state']:<10} {data.get('durationMs', 0) / 1000:6.2f} s  {why}", flush=True)
        elif kind in ("stage.waiting", "stage.retrying"):
            waiting = data.get("waitingFor") or {}
            text = " ".join(x for x in (waiting.get("kind"), waiting.get("name"), waiting.get("reason"), "-", data.get("message")) if x)
            if text != seen_wait:
                print(f"     {name:<20} … {text}", flush=True)
            seen_wait = text
        elif kind == "done":
            break
    final = get(url, token, f"/v1/operations/{operation}")
    if final["state"] != "SUCCEEDED":
        print(f"operation {final['state']}: {json.dumps(final.get('error'))}")
    return 0 if final["state"] == "SUCCEEDED" else 1


if __name__ == "__main__":
    sys.exit(main())
