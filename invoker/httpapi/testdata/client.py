"""Runs an action in a container that the invoker starts for it, and reads its logs. Standard library only.

Usage: client.py URL TOKEN, such as client.py http://127.0.0.1:8080 secret

It prints what it has read as one line of JSON. It then ends when its standard input does, and takes its session and so its
container with it. If it is killed instead, the container is removed when the session is over: it was not renewed for 10 s.
"""

import json
import sys
import threading
import urllib.request
import uuid

URL, TOKEN = sys.argv[1], sys.argv[2]
SESSION = uuid.uuid4().hex


def call(method, url, body=None, **headers):
    """Makes a request, and returns the text of the answer. Raises urllib.error.HTTPError for a status of 400 or more."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers, method=method)
    if data is not None:
        request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=60) as response:
        return response.read().decode()


def api(method, path, body=None, **headers):
    return call(method, URL + "/v1/invoker/" + path, body, Authorization="Bearer " + TOKEN, **headers)


def renew(ended):
    while not ended.wait(3):
        api("PUT", "sessions/" + SESSION, {"name": "client.py"})


def main():
    api("PUT", "sessions/" + SESSION, {"name": "client.py"})
    ended = threading.Event()
    threading.Thread(target=renew, args=(ended,), daemon=True).start()

    wanted = {"session": SESSION, "name": "wsk0_1_guest_hello", "kind": "script", "memoryMB": 128}
    key = {"Idempotency-Key": uuid.uuid4().hex}
    container = json.loads(api("POST", "containers", wanted, **key))
    again = json.loads(api("POST", "containers", wanted, **key))
    runtime = "http://%s:%d" % (container["host"], container["port"])

    code = "out it is cold today\nerr brr\nhello"
    call("POST", runtime + "/init", {"value": {"name": "hello", "main": "main", "code": code, "binary": False}})
    result = json.loads(call("POST", runtime + "/run", {"value": {"name": "Ann"}, "activation_id": uuid.uuid4().hex}))

    path = "containers/%s/logs?session=%s&wait_for_sentinel=true" % (container["id"], SESSION)
    lines = [json.loads(line) for line in api("GET", path).splitlines()]
    logs = sorted(line["stream"] + ": " + line["log"] for line in lines if "log" in line)
    print(json.dumps({"same": again["id"] == container["id"], "result": result, "logs": logs, "cursor": lines[-1]["cursor"]}), flush=True)

    sys.stdin.read()
    ended.set()
    api("DELETE", "sessions/" + SESSION)


main()
