"""Certificates of an authority of our own, made by openssl."""
import os
import subprocess

KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def openssl(*arguments):
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]}: {done.stderr.strip()}")


def make_authority(directory):
    """Makes DIRECTORY/ca.crt and ca.key. Returns the certificate's path."""
    os.makedirs(directory, exist_ok=True)
    certificate = os.path.join(directory, "ca.crt")
    openssl("req", "-x509", *KEY, "-keyout", os.path.join(directory, "ca.key"), "-out", certificate, "-subj", "/CN=Tests", "-days", "30")
    return certificate


def issue(directory, name, hosts):
    """Issues a certificate of the directory's authority, for a server or a client. Returns the paths of certificate and key. A host is an address or a name."""
    return make(directory, name, hosts, "-CA", os.path.join(directory, "ca.crt"), "-CAkey", os.path.join(directory, "ca.key"))


def self_signed(directory, name, hosts):
    """A certificate that is its own authority, for peers that know each other's certificates."""
    os.makedirs(directory, exist_ok=True)
    return make(directory, name, hosts)


def make(directory, name, hosts, *signer):
    names = ",".join(("IP:" if host.replace(".", "").isdigit() else "DNS:") + host for host in hosts)
    certificate, key = (os.path.join(directory, name + suffix) for suffix in (".crt", ".key"))
    openssl("req", "-x509", *KEY, *signer, "-keyout", key, "-out", certificate, "-subj", f"/CN={hosts[0]}", "-days", "30", "-addext", "subjectAltName=" + names,
            "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "extendedKeyUsage=serverAuth,clientAuth")
    return certificate, key
