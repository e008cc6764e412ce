"""The S3 store versitygw: its command line, and its own client for users and buckets."""
import os
import subprocess
from dataclasses import dataclass

REGION = "us-east-1"
HEALTH = "/_health"


@dataclass(frozen=True)
class Keys:
    access: str
    secret: str


def command(program, directory, address, tls=None):
    """Its command line; `directory` holds everything that it keeps, and `tls` is a pair of paths. Its environment must contain environment(root)."""
    directory = os.path.abspath(directory)  # it changes its working directory
    for name in ("iam", "objects", "versions"):
        os.makedirs(os.path.join(directory, name), exist_ok=True)
    # The store closes the connection of a refused upload. Over TLS its words always get lost without keep-alive, and sometimes with it.
    secured = ["--cert", tls[0], "--key", tls[1]] if tls else []
    return [program, "--port", address, *secured, "--region", REGION, "--iam-dir", f"{directory}/iam", "--health", HEALTH, "--keep-alive", "--quiet",
            "posix", "--versioning-dir", f"{directory}/versions", f"{directory}/objects"]


def environment(root):
    return {"ROOT_ACCESS_KEY": root.access, "ROOT_SECRET_KEY": root.secret}


def add_user(program, url, root, keys, bucket):
    """Adds a user with these keys, and a bucket that belongs to the user. No other user except root can reach it, and this user reaches no other bucket."""
    administer(program, url, root, "create-user", "--access", keys.access, "--secret", keys.secret, "--role", "user")
    administer(program, url, root, "create-bucket", "--owner", keys.access, "--bucket", bucket)


def administer(program, url, root, *arguments):
    done = subprocess.run([program, "admin", "--allow-insecure", "--region", REGION, "--endpoint-url", url, *arguments], capture_output=True, text=True, timeout=60,
                          check=False, env={**os.environ, "ADMIN_ACCESS_KEY": root.access, "ADMIN_SECRET_KEY": root.secret})
    if done.returncode != 0:
        raise RuntimeError(f"{arguments[0]}: {(done.stderr or done.stdout).strip()}")
