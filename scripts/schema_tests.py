"""Sends a running `primer serve` what schemathesis makes of its own /openapi.json, and holds every answer against it: no
5xx, no status or content type that is not described, every answer of its schema, what the schema forbids refused, no
address without its key.

python scripts/schema_tests.py --primer .build/release/primer --model MODEL [--examples 40] [--seconds 400]
"""
import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import urllib.request

parser = argparse.ArgumentParser()
parser.add_argument("--primer", required=True)
parser.add_argument("--model", required=True)
parser.add_argument("--examples", default="40")
parser.add_argument("--seconds", type=int, default=400)
parser.add_argument("--seed", default="1")
parser.add_argument("--more", nargs=argparse.REMAINDER, default=[])
arguments = parser.parse_args()
here = os.path.dirname(os.path.abspath(__file__))

CHECKS = [
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "negative_data_rejection", "unsupported_method", "ignored_auth"]

# Too much of it is forbidden too: 413.
CONFIGURATION = "[checks.negative_data_rejection]\nexpected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429]\n"

with tempfile.TemporaryDirectory() as data:
    with open(os.path.join(data, "schemathesis.toml"), "w") as file:
        file.write(CONFIGURATION)
    server = subprocess.Popen(
        [arguments.primer, "serve", "--model", arguments.model, "--port", "0", "--data", data, "--quiet"],
        stdout=subprocess.PIPE)
    try:
        ready = json.loads(server.stdout.readline())
        authorization = {"Authorization": "Bearer " + ready["key"]}
        keys = urllib.request.urlopen(urllib.request.Request(ready["url"] + "/v1/keys", headers=authorization))
        own = json.load(keys)["data"][0]["id"]
        result = subprocess.run(
            [sys.executable, "-m", "schemathesis.cli", "run", ready["url"] + "/openapi.json",
             "--header", "Authorization: " + authorization["Authorization"], "--checks", ",".join(CHECKS),
             "--phases", "examples,coverage,fuzzing", "--max-examples", arguments.examples, "--seed", arguments.seed,
             "--request-timeout", "60", "--generation-database", "none", "--suppress-health-check", "all",
             "--continue-on-failure", "--no-color", *arguments.more],
            cwd=data, timeout=arguments.seconds,
            env={**os.environ, "SCHEMATHESIS_HOOKS": "schema_hooks", "PYTHONPATH": here, "PRIMER_MODEL": ready["models"][0], "PRIMER_OWN_KEY": own})
        failed = result.returncode
    finally:
        server.send_signal(signal.SIGTERM)
        status = server.wait(timeout=90)
    print(f"the service ended with {status}")
    sys.exit(1 if failed or status else 0)
