"""Gives a principal the rights that docs/operations/kafka.md says it needs, and no others.

    kafka_acls.py BROKERS PREFIX PRINCIPAL ROLE...           the rows of the table for these roles (engine, organizer, api)
    kafka_acls.py BROKERS PREFIX PRINCIPAL --tenant TENANT   what a consumer of one tenant gets; its groups begin with the tenant's name
    kafka_acls.py BROKERS PREFIX PRINCIPAL --take TOPIC      takes the right to write to a topic, and --give gives it back
"""

import pathlib
import re
import sys

from confluent_kafka.admin import AclBinding, AclBindingFilter, AclOperation, AclPermissionType, AdminClient, ResourcePatternType, ResourceType

DOCUMENT = pathlib.Path(__file__).parents[2] / "docs/operations/kafka.md"
KINDS = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "transactional id": ResourceType.TRANSACTIONAL_ID,
    "cluster": ResourceType.BROKER,
}
OPERATIONS = {
    "Read": AclOperation.READ,
    "Write": AclOperation.WRITE,
    "Describe": AclOperation.DESCRIBE,
    "DescribeConfigs": AclOperation.DESCRIBE_CONFIGS,
    "Create": AclOperation.CREATE,
    "Delete": AclOperation.DELETE,
}


def rows():
    """The lines of the table below the heading Rights."""
    text = DOCUMENT.read_text(encoding="utf-8").split("## Rights", 1)[1].split("\n## ", 1)[0]
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and "`" in cells[0]:
            yield cells


def wanted(prefix, roles):
    """Kind, name, pattern and operation of every right for these roles."""
    for resource, operations, whom in rows():
        if whom != "all nodes" and not any(f"`{role}`" in whom for role in roles):
            continue
        kind = next(kind for kind in KINDS if resource.startswith(kind))
        pattern = ResourcePatternType.PREFIXED if "(prefixed)" in resource else ResourcePatternType.LITERAL
        for name in re.findall(r"`([^`]+)`", resource):
            for operation in re.findall(r"\w+", re.sub(r"\(.*?\)", "", operations)):
                yield KINDS[kind], name.replace("syncline", prefix, 1), pattern, OPERATIONS[operation]


def of_tenant(prefix, tenant):
    """What the section says of a consumer of one tenant."""
    for operation in (AclOperation.READ, AclOperation.DESCRIBE):
        yield ResourceType.TOPIC, f"{prefix}.{tenant}.", ResourcePatternType.PREFIXED, operation
    yield ResourceType.GROUP, f"{tenant}-", ResourcePatternType.PREFIXED, AclOperation.READ


def main():
    brokers, prefix, principal, *rest = sys.argv[1:]
    if rest[0] in ("--take", "--give"):
        of = (ResourceType.TOPIC, rest[1], ResourcePatternType.LITERAL, f"User:{principal}", "*", AclOperation.WRITE, AclPermissionType.DENY)
        admin = AdminClient({"bootstrap.servers": brokers})
        changed = admin.create_acls([AclBinding(*of)]) if rest[0] == "--take" else admin.delete_acls([AclBindingFilter(*of)])
        for done in changed.values():
            done.result()
        return
    # Rows of several roles may say the same.
    rights = set(of_tenant(prefix, rest[1]) if rest[0] == "--tenant" else wanted(prefix, rest))
    assert rights
    bindings = [
        AclBinding(kind, name, pattern, f"User:{principal}", "*", operation, AclPermissionType.ALLOW)
        for kind, name, pattern, operation in rights
    ]
    admin = AdminClient({"bootstrap.servers": brokers})
    for made in admin.create_acls(bindings).values():
        made.result()
    print(len(bindings))


main()
