"""What answers mean and how long is waited, as the reference package says."""
import itertools
import json
import logging
import sys

import requests

from airbyte_cdk.sources.declarative.parsers.model_to_component_factory import ModelToComponentFactory
from airbyte_cdk.sources.declarative.models import declarative_component_schema as models
from airbyte_cdk.sources.streams.http.error_handlers import JsonErrorMessageParser
from airbyte_cdk.utils import AirbyteTracedException

logging.disable(logging.CRITICAL)
CONFIG = {"word": "later", "wait": 7, "tries": "2"}
FACTORY = ModelToComponentFactory()


def response(answer):
    made = requests.Response()
    made.status_code = answer["status"]
    made.headers.update(answer.get("headers", {}))
    made._content = answer.get("body", "").encode()
    made.url = "https://api.example.com/items?key=hunter2"
    return made


def component(node):
    return FACTORY.create_component(getattr(models, node["type"]), node, CONFIG)


def default(*filters):
    return {"type": "DefaultErrorHandler", "response_filters": [{"type": "HttpResponseFilter", **one} for one in filters]}


def composite(*handlers):
    return {"type": "CompositeErrorHandler", "error_handlers": list(handlers)}


HANDLERS = [
    {"type": "DefaultErrorHandler"},
    default({"action": "IGNORE", "http_codes": [404, 403]}),
    default({"action": "FAIL", "http_codes": [500], "failure_type": "config_error", "error_message": "no: {{ response['error'] }} {{ config['word'] }}"}),
    default({"action": "RETRY", "predicate": "{{ response.get('code') == 7 }}"}, {"action": "FAIL", "http_codes": [200]}),
    default({"action": "RATE_LIMITED", "error_message_contains": "slow down"}),
    default({"action": "REFRESH_TOKEN_THEN_RETRY", "http_codes": [401], "error_message": "{{ headers['x-why'] }}"}),
    default({"action": "REDUCE_PAGE_SIZE", "http_codes": [413]}, {"action": "SPLIT_REQUEST_WINDOW", "http_codes": [502]}),
    default({"http_codes": [500], "error_message": "never"}),
    default({"action": "FAIL", "http_codes": [429], "failure_type": "system_error"}),
    default({"action": "IGNORE", "predicate": "{{ headers.get('X-Why') == 'quota' }}"}),
    composite(default({"action": "FAIL", "http_codes": [500], "error_message": "first"}), default({"action": "IGNORE", "http_codes": [404]})),
    composite(default({"action": "RATE_LIMITED", "http_codes": [403]}), default({"action": "IGNORE", "http_codes": [403]})),
    composite(default({"action": "RATE_LIMITED", "http_codes": [403]}), default({"action": "FAIL", "http_codes": [409]})),
    composite(composite(default({"action": "RESET_PAGINATION", "http_codes": [400]})), default({"action": "SUCCESS", "http_codes": [404]})),
]
ANSWERS = [{"status": status} for status in (200, 204, 301, 400, 401, 403, 404, 405, 408, 409, 413, 418, 422, 429, 500, 502, 503, 504)] + [
    {"status": 200, "body": '{"code": 7}'}, {"status": 500, "body": '{"error": "broken"}'}, {"status": 403, "body": '{"errors": [{"message": "please slow down"}]}'},
    {"status": 400, "body": "slow down, it is no JSON"}, {"status": 401, "headers": {"x-why": "expired"}}, {"status": 403, "headers": {"X-Why": "quota"}},
]


def verdict(handler, answer):
    own = component(handler).interpret_response(response(answer))
    usual = component({"type": "DefaultErrorHandler"}).interpret_response(response(answer))
    # Only what the manifest says is compared: the reference's own words are not ours.
    message = own.error_message or ""
    spoken = message if message != (usual.error_message or "") and not message.startswith(("HTTP Status Code", "Response was not ok")) else ""
    kind = own.failure_type.value if own.failure_type else ""
    return [own.response_action.value, kind == "config_error", spoken]


STRATEGIES = [
    [{"type": "ConstantBackoffStrategy", "backoff_time_in_seconds": 2.5}],
    [{"type": "ConstantBackoffStrategy", "backoff_time_in_seconds": "{{ config['wait'] }}"}],
    [{"type": "ExponentialBackoffStrategy"}], [{"type": "ExponentialBackoffStrategy", "factor": "{{ config['wait'] }}"}],
    [{"type": "WaitTimeFromHeader", "header": "retry-after"}],
    [{"type": "WaitTimeFromHeader", "header": "Retry-After", "regex": "[0-9]+"}, {"type": "ConstantBackoffStrategy", "backoff_time_in_seconds": 3}],
    [{"type": "WaitTimeFromHeader", "header": "retry-after", "max_waiting_time_in_seconds": 30}],
    [{"type": "WaitUntilTimeFromHeader", "header": "x-reset", "min_wait": 5}],
    [{"type": "WaitUntilTimeFromHeader", "header": "x-reset"}],
    [{"type": "WaitTimeFromResponse", "wait_time_in_seconds": "{{ response['retry_in'] }}"}],
    [{"type": "WaitTimeFromResponse", "wait_time_in_seconds": "{{ response['ms'] / 1000 }}", "max_waiting_time_in_seconds": 9}],
]
TOLD = [{}, {"headers": {"retry-after": "30"}}, {"headers": {"retry-after": "29.5"}}, {"headers": {"retry-after": "12 seconds"}}, {"headers": {"retry-after": "0"}},
        {"headers": {"retry-after": "soon"}}, {"headers": {"x-reset": "1000"}}, {"body": '{"retry_in": 4, "ms": 2500}'}, {"body": '{"retry_in": "x", "ms": 90000}'}, {"body": "[]"}]


def wait(strategies, told, attempt):
    answer = {"status": 429, **told}
    try:
        for strategy in strategies:
            if seconds := component(strategy).backoff_time(response(answer), attempt):
                return round(seconds * 1000)
    except AirbyteTracedException:
        return "stop"
    return "default"


BODIES = ["a", ["a", {"message": "b"}, 3, {"x": 1}], {"message": ""}, {"message": "", "error": {"detail": "deep"}}, {"errors": []}, {"errors": [{"msg": "m"}]}, 7, None,
          {"failure": {"reason": ["r", "s"]}}, {"status_message": "last"}, {"status_message": ""}, {"error": True}, {"messages": {"x": 1}}, {}]
parser = JsonErrorMessageParser()
json.dump({
    "answers": ANSWERS,
    "verdicts": [{"handler": handler, "said": [verdict(handler, answer) for answer in ANSWERS]} for handler in HANDLERS],
    "told": TOLD,
    "waits": [{"strategies": strategies, "attempt": attempt, "said": [wait(strategies, told, attempt) for told in TOLD]}
              for strategies, attempt in itertools.product(STRATEGIES, (1, 3))],
    "messages": [{"body": body, "message": parser._try_get_error(body)} for body in BODIES],
}, sys.stdout, separators=(",", ":"))
