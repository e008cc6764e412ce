"""Everything that a test has to know about each kind of database, so that all of them can share one story."""
import os
import shutil
import subprocess
from dataclasses import dataclass, field

import pytest

# The development cluster looks for FerretDB on PATH.
if os.environ.get("SLIPWAY_FERRETDB"):
    os.environ["PATH"] = os.path.dirname(os.environ["SLIPWAY_FERRETDB"]) + os.pathsep + os.environ["PATH"]


@dataclass(frozen=True)
class Database:
    id: str            # of the parameterised test
    type: str          # databaseType
    engine: str
    group: str         # of the operator's API, including its version
    plural: str        # of the custom resource behind an instance
    name_limit: int
    secret: str        # suffix of the Secret with the application's credentials, after the instance's name
    path: str          # the plural as it appears in the path of a write
    proof: str         # the result of the login proof when a server is behind it, or when none is available
    bad_parameters: dict = field(hash=False)  # the host refuses them by name
    backup: dict = field(hash=False, default=None)
    keys: dict = field(hash=False, default=None)  # in the Secret that the backup names
    enterprise: tuple = ()  # the kinds of objects that an ENTERPRISE instance with a backup has at least

    def of(self, namespace=""):
        """The path of the custom resources."""
        return f"/apis/{self.group}/" + (f"namespaces/{namespace}/" if namespace else "") + self.plural


POSTGRESQL = Database(
    "postgresql", "POSTGRESQL", "postgres-cnpg", "postgresql.cnpg.io/v1", "clusters", 41, "-app", "/clusters/", "PROVED",
    {"listen_addresses": "*", "nonsense": 1},
    {"destinationPath": "s3://bucket/acme/", "credentialsSecret": "s3-keys"}, {"ACCESS_KEY_ID": "a", "ACCESS_SECRET_KEY": "b"},
    ("objectstores", "scheduledbackups", "podmonitors", "networkpolicies", "resourcequotas"))
MYSQL = Database(
    "mysql", "MYSQL", "mysql-vitess", "planetscale.com/v2", "vitessclusters", 36, "-credentials", "/vitessclusters/", "PROVED",
    {"server_id": 3, "nonsense": 1},
    {"destinationPath": "s3://bucket/acme/", "credentialsSecret": "s3-keys"}, {"credentials": "[default]\naws_access_key_id=a\naws_secret_access_key=b\n"},
    ("vitessbackupschedules", "podmonitors", "networkpolicies", "resourcequotas", "poddisruptionbudgets"))
MONGODB = Database(
    "mongodb", "MONGODB", "mongodb-community", "mongodbcommunity.mongodb.com/v1", "mongodbcommunity", 40, "-app-password", "/mongodbcommunity/",
    "PROVED" if shutil.which("ferretdb") else "SKIPPED",
    {"net.bindIp": "0.0.0.0", "nonsense": 1},
    enterprise=("podmonitors", "networkpolicies", "resourcequotas", "poddisruptionbudgets"))
ALL = (POSTGRESQL, MYSQL, MONGODB)
each = pytest.mark.parametrize("database", ALL, ids=lambda database: database.id)


def have_servers(database):
    """Tells whether the programs that the development cluster runs behind an instance are installed. MongoDB's story works without them, too."""
    if database is MYSQL:
        return bool(shutil.which("mariadbd", path="/usr/sbin:/usr/bin") and shutil.which("mariadb"))
    return database is MONGODB or bool(shutil.which("psql"))


def mysql(endpoint, statement, ok=True):
    """Runs a statement as the application does, over TCP. Returns the text of the rows, or None when it fails and is allowed to."""
    done = subprocess.run(["mariadb", "--no-defaults", "--protocol=tcp", "-N", "-B", "-h", endpoint["host"], "-P", str(endpoint["port"]), "-u", endpoint["username"],
                           "-e", statement, endpoint["database"]], capture_output=True, text=True, timeout=60, env={"MYSQL_PWD": endpoint["password"], "PATH": "/usr/bin:/bin"})
    assert not ok or done.returncode == 0, done.stderr
    return done.stdout.strip() if done.returncode == 0 else None


def mongodb(endpoint, **options):
    """A driver at the address that the API shows, as an application has it."""
    import pymongo  # only needed with a server
    return pymongo.MongoClient(endpoint["uri"], serverSelectionTimeoutMS=10_000, **options)
