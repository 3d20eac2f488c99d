"""Hooks of schemathesis: keeps answers short and asks the model that there is, so that much is asked in little time.
What is out of bounds stays so, since refusing it is what is tested."""
import os
import random

import schemathesis

MODEL, OWN_KEY = os.environ["PRIMER_MODEL"], os.environ["PRIMER_OWN_KEY"]
MOST = {"max_tokens": 4, "max_completion_tokens": 4, "max_output_tokens": 16, "n": 2, "best_of": 2}
GENERATES = {"/v1/chat/completions": "max_tokens", "/v1/completions": "max_tokens", "/v1/responses": "max_output_tokens"}


@schemathesis.hook
def before_call(context, case, kwargs):
    # A test that revokes the key it comes with would test nothing after.
    if case.path_parameters.get("key") == OWN_KEY:
        case.path_parameters["key"] = "key_none"
    body = case.body
    if not isinstance(body, dict):
        return
    if isinstance(body.get("model"), str) and len(body["model"]) <= 512 and random.random() < 0.95:
        body["model"] = MODEL
    for name, most in MOST.items():
        value = body.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and most < value < 2**63 and (name not in ("n", "best_of") or value <= 20):
            body[name] = most
    limit = GENERATES.get(case.operation.path)
    if limit is not None and body.get(limit) is None:
        body[limit] = MOST[limit]
