"""Checks an AsyncAPI 3.0 document against AsyncAPI's own schema, and its examples against its own.

    check_contract.py CONTRACT SCHEMA...
"""

import json
import sys

import jsonschema


def examples(contract):
    """Every example of a message, with the schemas that it must satisfy."""
    for message in contract["components"]["messages"].values():
        for example in message.get("examples", []):
            trait = contract["components"]["messageTraits"]["cloudevent"]
            yield example["headers"], trait["headers"]
            yield example["payload"], message["payload"]


def main():
    contract = json.load(open(sys.argv[1], encoding="utf-8"))
    schema = json.load(open(sys.argv[2], encoding="utf-8"))
    checker = jsonschema.validators.validator_for(schema)(schema)
    wrong = [f"/{'/'.join(map(str, error.path))}: {error.message[:200]}" for error in checker.iter_errors(contract)]
    for example, schema in examples(contract):
        wrong += [error.message for error in jsonschema.Draft7Validator(schema).iter_errors(example)]
    # Schemas of records must be schemas.
    for schema in contract["components"]["schemas"].values():
        jsonschema.Draft7Validator.check_schema(schema)
    print("\n".join(wrong))
    sys.exit(bool(wrong))


main()
