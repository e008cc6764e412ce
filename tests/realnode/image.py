#!/usr/bin/python3
"""Writes a one-layer image that `ctr images import` takes.

usage: image.py OUT.tar NAME:TAG ROOT_DIRECTORY CONFIG_JSON
"""
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as f:
        while chunk := f.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def main():
    out, name, root, config = sys.argv[1:]
    layer = out + ".layer"
    subprocess.run(["tar", "--numeric-owner", "-C", root, "-cf", layer, "."], check=True)
    diff = sha256(layer)
    architecture = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()
    image = json.dumps({"architecture": architecture, "os": "linux", "config": json.loads(config), "rootfs": {"type": "layers", "diff_ids": ["sha256:" + diff]}}).encode()
    image_id = hashlib.sha256(image).hexdigest()
    manifest = json.dumps([{"Config": image_id + ".json", "RepoTags": [name], "Layers": [diff + ".tar"]}]).encode()
    with tarfile.open(out, "w") as tar:
        for member, data in (("manifest.json", manifest), (image_id + ".json", image)):
            info = tarfile.TarInfo(member)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        tar.add(layer, arcname=diff + ".tar")
    os.unlink(layer)


if __name__ == "__main__":
    main()
