"""Tokens as the reference package signs them, for those algorithms that sign the same text the same way each time."""
import json
import sys
from datetime import datetime
from unittest.mock import patch

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from airbyte_cdk.sources.declarative.auth import jwt as reference

NOW = 1718452800


def pem(key, form, lock=None):
    lock = serialization.BestAvailableEncryption(lock.encode()) if lock else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, lock).decode()


PKCS8, PLAIN = serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EDWARDS, CURVE = ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1())
KEYS = {
    "rsa": pem(RSA, PKCS8), "rsa plain": pem(RSA, PLAIN), "rsa locked": pem(RSA, PKCS8, "open sesame"),
    "edwards": pem(EDWARDS, PKCS8), "curve": pem(CURVE, PKCS8), "curve plain": pem(CURVE, PLAIN),
}
BASE = {"secret_key": "{{ config['key'] }}", "token_duration": 1200}
CASES = [
    {**BASE, "algorithm": "HS256", "key": "hunter2"},
    {**BASE, "algorithm": "HS384", "key": "hunter2", "base64_encode_secret_key": True},
    {**BASE, "algorithm": "HS512", "key": "12a", "header_prefix": "JWT", "jwt_headers": {"kid": "{{ config['key'] }}", "typ": "at+jwt", "cty": "x"}},
    {**BASE, "algorithm": "HS256", "key": "k", "jwt_headers": {"kid": "a"}, "jwt_payload": {"iss": "{{ config['key'] }}", "aud": "https://x/"}},
    {**BASE, "algorithm": "HS256", "key": "k", "additional_jwt_headers": {"x": "1"}, "additional_jwt_payload": {"scope": "a b", "n": "{{ 1 + 1 }}", "none": "{{ config.get('none') }}"}},
    {**BASE, "algorithm": "RS256", "key": "rsa"}, {**BASE, "algorithm": "RS512", "key": "rsa plain"},
    {**BASE, "algorithm": "RS256", "key": "rsa locked", "passphrase": "open sesame"},
    {**BASE, "algorithm": "EdDSA", "key": "edwards"},
    {**BASE, "algorithm": "ES256", "key": "curve"}, {**BASE, "algorithm": "ES256", "key": "curve plain"},
]


def signed(case):
    node = {name: value for name, value in case.items() if name != "key"}
    config = {"key": KEYS.get(case["key"], case["key"])}
    headers = node.get("jwt_headers", {"typ": "JWT"})
    payload = node.get("jwt_payload", {})
    rest = {name: value for name, value in node.items() if name not in ("jwt_headers", "jwt_payload")}
    made = reference.JwtAuthenticator(config=config, parameters={}, **rest, **headers, **payload)
    with patch.object(reference, "datetime") as clock:
        clock.now.return_value = datetime.fromtimestamp(NOW)
        return {"node": {"type": "JwtAuthenticator", **node}, "config": config, "token": made.token}


json.dump({"now": NOW, "cases": [signed(case) for case in CASES]}, sys.stdout, separators=(",", ":"))
