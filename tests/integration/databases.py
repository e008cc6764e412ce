"""What a test has to know of each kind of database, so that the same story can be told of all."""
import shutil
import subprocess
from dataclasses import dataclass, field

import pytest


@dataclass(frozen=True)
class Database:
    id: str            # of the parameterised test
    type: str          # databaseType
    engine: str
    group: str         # of the operator's API, with its version
    plural: str        # of the custom resource that an instance is
    name_limit: int
    secret: str        # with the application's credentials, after the instance's name
    path: str          # the plural as it stands in the path of a write
    proof: str         # what comes of the login proof when a server is behind it, or none can be had
    bad_parameters: dict = field(hash=False)  # refused by name
    backup: dict = field(hash=False, default=None)
    keys: dict = field(hash=False, default=None)  # in the Secret that the backup names
    enterprise: tuple = ()  # kinds of objects that an ENTERPRISE instance with a backup has, and their number at least

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
    "mongodb", "MONGODB", "mongodb-community", "mongodbcommunity.mongodb.com/v1", "mongodbcommunity", 40, "-app-password", "/mongodbcommunity/", "SKIPPED",
    {"net.bindIp": "0.0.0.0", "nonsense": 1},
    enterprise=("podmonitors", "networkpolicies", "resourcequotas", "poddisruptionbudgets"))
ALL = (POSTGRESQL, MYSQL, MONGODB)
each = pytest.mark.parametrize("database", ALL, ids=lambda database: database.id)


def have_servers(database):
    """Whether the programs are installed that the development cluster runs behind an instance."""
    if database is MYSQL:
        return bool(shutil.which("mariadbd", path="/usr/sbin:/usr/bin") and shutil.which("mariadb"))
    return database is MONGODB or bool(shutil.which("psql"))


def mysql(endpoint, statement, ok=True):
    """Runs a statement as the application does, over TCP; the rows' text, None when it failed and may."""
    done = subprocess.run(["mariadb", "--no-defaults", "--protocol=tcp", "-N", "-B", "-h", endpoint["host"], "-P", str(endpoint["port"]), "-u", endpoint["username"],
                           "-e", statement, endpoint["database"]], capture_output=True, text=True, timeout=60, env={"MYSQL_PWD": endpoint["password"], "PATH": "/usr/bin:/bin"})
    assert not ok or done.returncode == 0, done.stderr
    return done.stdout.strip() if done.returncode == 0 else None
