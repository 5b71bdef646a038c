"""boto3 for the tests: one call a line as JSON on stdin, one answer a line on stdout, calls at the same time.

{"id": 1, "endpoint": "http://…", "service": "lambda", "method": "invoke", "args": {…}} -> {"id": 1, "result": {…}} or
{"id": 1, "error": {"code": "…", "message": "…"}}. Bytes are {"$base64": "…"} both ways.
"""

import base64
import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

# No retries: what is tested is what one call comes to.
config = Config(retries={"max_attempts": 0}, read_timeout=120, max_pool_connections=64)
clients = {}
lock = threading.Lock()


def client(service, endpoint):
    with lock:
        if (service, endpoint) not in clients:
            clients[service, endpoint] = boto3.client(service, endpoint_url=endpoint, config=config)
        return clients[service, endpoint]


def from_json(value):
    return base64.b64decode(value["$base64"]) if "$base64" in value else value


def to_json(value):
    if hasattr(value, "read"):
        value = value.read()
    if isinstance(value, bytes):
        return {"$base64": base64.b64encode(value).decode()}
    return str(value)


def answer(call):
    try:
        method = getattr(client(call["service"], call["endpoint"]), call["method"])
        said = {"result": method(**call["args"])}
    except ClientError as error:
        said = {"error": {"code": error.response["Error"]["Code"], "message": str(error)}}
    except Exception as error:
        said = {"error": {"code": type(error).__name__, "message": str(error)}}
    line = json.dumps({"id": call["id"], **said}, default=to_json)
    with lock:
        try:
            print(line, flush=True)
        except BrokenPipeError:
            os._exit(0)  # The tests are over.


with ThreadPoolExecutor(64) as pool:
    for line in sys.stdin:
        pool.submit(answer, json.loads(line, object_hook=from_json))
