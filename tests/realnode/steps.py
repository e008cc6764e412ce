"""Helpers that start the node's parts: commands, files, waits."""
import json
import os
import socket
import subprocess
import time

from api import ApiError

IP, SERVICES_DNS = "10.77.0.1", "cluster.local"


def sh(*command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **more)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout.strip()}")
    return done.stdout


def until(check, seconds, what):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if value := check():
                return value
        except (OSError, ApiError, RuntimeError):
            pass
        time.sleep(0.1)
    raise RuntimeError(f"{what} did not come true in {seconds} s")


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode), "w", encoding="utf-8") as f:
        f.write(text if isinstance(text, str) else json.dumps(text, indent=1))


def listening(host, port):
    with socket.create_connection((host, port), 1):
        return True
