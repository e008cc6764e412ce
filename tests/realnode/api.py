"""A Kubernetes API server, the node's or slipway-sim's, addressed in plain JSON."""
import http.client
import json
import socket
import ssl
import threading
import urllib.parse

PLURALS = {"NetworkPolicy": "networkpolicies", "StorageClass": "storageclasses"}


class ApiError(Exception):
    def __init__(self, status, body):
        super().__init__(f"{status}: {body.get('message', body)}")
        self.status, self.body = status, body


def resource(api_version, kind, namespace=None, name=None):
    """The path of a kind, of its objects in a namespace, or of one object."""
    path = ("/api/" if "/" not in api_version else "/apis/") + api_version
    if namespace:
        path += "/namespaces/" + namespace
    path += "/" + PLURALS.get(kind, kind.lower() + "s")
    return path + "/" + name if name else path


class Api:
    """Any thread may use it; each call has a connection of its own."""

    def __init__(self, url, token="", ca=None):
        self.parts, self.token = urllib.parse.urlsplit(url), token
        self.tls = ssl.create_default_context(cafile=ca) if ca else None

    def connect(self, timeout):
        host, port = self.parts.hostname, self.parts.port
        if self.tls:
            return http.client.HTTPSConnection(host, port, timeout=timeout, context=self.tls)
        return http.client.HTTPConnection(host, port, timeout=timeout)

    def request(self, connection, method, path, body=None, content_type="application/json"):
        headers = {"Content-Type": content_type, "Accept": "application/json", "User-Agent": "realnode"}
        if self.token:
            headers["Authorization"] = "Bearer " + self.token
        connection.request(method, path, body if body is None or isinstance(body, (str, bytes)) else json.dumps(body), headers)
        return connection.getresponse()

    def call(self, method, path, body=None, content_type="application/json"):
        """Returns the decoded answer; raises ApiError for a status of 400 or more."""
        connection = self.connect(30)
        try:
            response = self.request(connection, method, path, body, content_type)
            text = response.read()
        finally:
            connection.close()
        try:
            answer = json.loads(text)
        except ValueError:
            answer = {"message": text.decode(errors="replace")}
        if response.status >= 400:
            raise ApiError(response.status, answer)
        return answer

    def get(self, path):
        """None when there is no such object."""
        try:
            return self.call("GET", path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def list(self, path):
        return self.call("GET", path).get("items", [])

    def apply(self, path, body):
        query = "?fieldManager=realnode&force=true"
        return self.call("PATCH", path + query, body, "application/apply-patch+yaml")

    def delete(self, path, **options):
        try:
            return self.call("DELETE", path, {"kind": "DeleteOptions", "apiVersion": "v1", **options})
        except ApiError as error:
            if error.status == 404:
                return None
            raise


class Watch(threading.Thread):
    """Passes every event of a path to `heard(type, object)`, from the list's version on, until stop()."""

    def __init__(self, api, path, heard):
        super().__init__(daemon=True)
        self.api, self.path, self.heard, self.ended, self.socket = api, path, heard, threading.Event(), None
        self.start()

    def run(self):
        while not self.ended.is_set():
            try:
                listed = self.api.call("GET", self.path)
                for item in listed.get("items", []):
                    self.heard("ADDED", item)
                self.follow(listed["metadata"]["resourceVersion"])
            except (OSError, ApiError, http.client.HTTPException, ValueError):
                self.ended.wait(0.2)

    def follow(self, version):
        connection = self.api.connect(3600)
        try:
            connection.connect()
            self.socket = connection.sock
            response = self.api.request(connection, "GET", f"{self.path}?watch=true&resourceVersion={version}")
            for line in response:
                if self.ended.is_set():
                    return
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return
                self.heard(event["type"], event["object"])
        finally:
            connection.close()

    def stop(self):
        """Returns when the thread has ended."""
        self.ended.set()
        while self.is_alive():
            try:
                self.socket.shutdown(socket.SHUT_RDWR)
            except (AttributeError, OSError):
                pass
            self.join(0.2)
