"""Installs only the SDK and builds an engine against it outside the tree, as a third party does."""
import os
import re
import subprocess

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))

CMAKE = """cmake_minimum_required(VERSION 3.25)
project(Consumer LANGUAGES C CXX)
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_BUILD_RPATH /somewhere)
find_package(SlipwaySdk 1.0 REQUIRED)
slipway_add_engine(acme VERSION 1.2.3 SOURCES fake.cc)
slipway_add_engine(acme-c VERSION 0.1.0 SOURCES plain.c)
slipway_add_engine(acme-kit VERSION 1.0.0 SOURCES kit.cc LIBS SlipwaySdk::kit)
"""

KIT = """#include <slipway/kit/kit.h>

using namespace slipway::kit;

struct Settings {
  static Settings Parse(std::string_view config) { ParseSettings(config, {}); return {}; }
};
struct Observed {
  Observed(const Json&, const Instance&) {}
};
struct Stages : Work<Settings, Instance, Observed> {
  using Work::Work;
  Json Make() const { return Result(Ready("Made", instance.name)); }
};
Description About() {
  return {.engine = SLIPWAY_ENGINE_NAME, .version = SLIPWAY_ENGINE_VERSION, .title = "Acme", .database_type = "ACME"};
}
Json Normalised(const Json& spec, const Complain&, const Warn&) { return spec; }
Json Quota(const Instance&) { return Json::Obj(); }
constexpr StageRow<Stages> kTable[] = {{"create", "CRD_DEPLOYMENT", "Object", &Stages::Make}};
constexpr Definition<Stages> kAcme{.description = About, .name = {40, "it is a label"}, .normalise = Normalised,
                                   .quota = Quota, .sized = "create", .table = kTable};
using Acme = TableEngine<kAcme, Settings>;
SLIPWAY_ENGINE(Acme, SLIPWAY_ENGINE_NAME, SLIPWAY_ENGINE_VERSION)
"""


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, " ".join(command) + "\n" + done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    tmp = tmp_path_factory.mktemp("sdk")
    run("cmake", "-S", os.path.join(ROOT, "sdk"), "-B", str(tmp / "sdk"))
    run("cmake", "--build", str(tmp / "sdk"))
    run("cmake", "--install", str(tmp / "sdk"), "--prefix", str(tmp / "prefix"))
    source = tmp / "source"
    source.mkdir()
    (source / "CMakeLists.txt").write_text(CMAKE)
    (source / "kit.cc").write_text(KIT)
    for name in ("fake.cc", "plain.c"):
        with open(os.path.join(ROOT, "tests", "engines", name), encoding="utf-8") as file:
            (source / name).write_text(file.read())
    run("cmake", "-S", str(source), "-B", str(tmp / "build"), "-DCMAKE_PREFIX_PATH=" + str(tmp / "prefix"))
    run("cmake", "--build", str(tmp / "build"))
    return tmp / "build"


ENGINES = ["acme-1.2.3.so", "acme-c-0.1.0.so", "acme-kit-1.0.0.so"]


@pytest.mark.parametrize("engine", ENGINES)
def test_exports_one_symbol(built, engine):
    lines = run("nm", "-D", "--defined-only", str(built / engine)).split("\n")
    assert [line.split()[-1] for line in lines if line] == ["slipway_engine_v1"]


@pytest.mark.parametrize("engine", ENGINES)
def test_dynamic_section(built, engine):
    text = run("readelf", "-dW", str(built / engine))
    assert "RUNPATH" not in text and "RPATH" not in text
    assert "NODELETE" in text and "NOW" in text
    needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", text))
    assert needed <= {"libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6", "ld-linux-x86-64.so.2"}


@pytest.mark.parametrize("engine", ENGINES)
def test_note_survives_strip(built, engine, tmp_path):
    run("strip", "-o", str(tmp_path / engine), str(built / engine))
    assert "SLW" in run("readelf", "-nW", str(tmp_path / engine))


def test_documents_are_installed(built):
    share = built.parent / "prefix" / "share" / "slipway-sdk"
    assert (share / "DOCUMENTS.md").is_file() and (share / "KIT.md").is_file() and (share / "schema" / "step.schema.json").is_file()
