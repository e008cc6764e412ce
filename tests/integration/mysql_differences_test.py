"""Runs the same statements on MariaDB, which the development cluster has behind MySQL by default, and on the real Vitess. mysql_differences.yaml lists the
differences."""
import os
import re
import subprocess

import yaml

from integration import databases
from integration.host import Host, make_dir, mysql_server, remove_dir

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mysql_differences.yaml")
SERVERS = ("mariadb", "vitess")


def answer(endpoint, statement):
    """What the client prints: rows with "|" between the columns and ";" at the end, or the number of the error."""
    command = ["mariadb", "--no-defaults", "--protocol=tcp", "--default-character-set=utf8mb4", "-N", "-B", "-h", endpoint["host"], "-P", str(endpoint["port"]), "-u", endpoint["username"], "-e", statement, endpoint["database"]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env={"MYSQL_PWD": endpoint["password"], "PATH": "/usr/bin:/bin"})
    if done.returncode != 0:
        found = re.search(r"ERROR (\d+)", done.stderr)
        return f"error {found.group(1)}" if found else done.stderr.strip()
    return "; ".join(line.replace("\t", " | ") for line in done.stdout.strip().splitlines())


def answers(server, statements, monkeypatch):
    monkeypatch.setenv("SLIPWAY_MYSQL_SERVER", server)
    mysql_server()  # skips where the programs are not available
    data = make_dir()
    host = Host(data, pace="0.01").start()
    try:
        created = host.create("plain", "FREE", database=databases.MYSQL)
        operation = host.finish(created.json["id"], seconds=300)
        assert operation["state"] == "SUCCEEDED", operation
        shown = host.call("GET", f"/v1/instances/{operation['target']['id']}/credentials").json
        endpoint = next(e for e in shown["endpoints"] if e["role"] == "READ_WRITE")
        return [answer(endpoint, statement) for statement in statements]
    finally:
        host.stop()
        remove_dir(data)


def test_the_servers_differ_where_the_file_says_so(monkeypatch):
    with open(FILE, encoding="utf-8") as f:
        text = f.read()
    lines = yaml.safe_load(text)["statements"]
    assert len(lines) >= 50
    got = [dict(zip(SERVERS, pair)) for pair in zip(*(answers(server, [line["sql"] for line in lines], monkeypatch) for server in SERVERS))]
    seen = [{"sql": line["sql"], **({} if one["mariadb"] == one["vitess"] else {**one, **({"why": line["why"]} if "why" in line else {})})} for line, one in zip(lines, got)]
    if os.environ.get("SLIPWAY_RECORD"):
        with open(FILE, "w", encoding="utf-8") as f:
            f.write(text[:text.index("statements:")] + yaml.safe_dump({"statements": seen}, allow_unicode=True, width=1000, sort_keys=False))
    different = [line for line, old in zip(seen, lines) if line != old]
    assert different == []
    assert all("why" in line for line in lines if "vitess" in line)
