"""Signs webhooks with the vendors' own packages, so that what we verify was not signed by us.

    pip install standardwebhooks==1.1.0 stripe==16.1.0 slack_sdk==3.47.0
    python vectors.py > vectors.json
"""
import datetime
import json
import sys

import stripe
from slack_sdk.signature import SignatureVerifier
from standardwebhooks import Webhook

AT = 1_760_000_000
BODY = '{"id":"evt_1","type":"customer.updated","note":"Gr\u00fc\u00dfe \\u00e9 \U0001f680","data":{"amount":1.10}}'


def standard():
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    signature = Webhook(secret).sign("msg_p5jXN8AQM9LWM0D4loKWxJek", datetime.datetime.fromtimestamp(AT, datetime.timezone.utc), BODY)
    headers = {"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": str(AT), "webhook-signature": signature}
    return {"scheme": "standard", "secret": secret, "headers": headers}


def stripe_like():
    secret = "whsec_test_secret_of_the_endpoint"
    signed = stripe.WebhookSignature._compute_signature(f"{AT}.{BODY}", secret)
    return {"scheme": "timestamp_in_header", "secret": secret, "headers": {"stripe-signature": f"t={AT},v1={signed},v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39"}}


def slack_like():
    secret = "8f742231b10e8888abcd99yyyzzz85a5"
    signed = SignatureVerifier(secret).generate_signature(timestamp=str(AT), body=BODY)
    return {"scheme": "timestamp_beside", "secret": secret, "headers": {"x-slack-request-timestamp": str(AT), "x-slack-signature": signed}}


json.dump({"at": AT, "body": BODY, "signed": [standard(), stripe_like(), slack_like()]}, sys.stdout, indent=1)
print()
