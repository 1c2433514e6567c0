"""Checks what a chart makes against Kubernetes' own schemas, and for what we promise of our nodes. Prints how many objects there were.

    check_chart.py FILE
"""

import json
import sys

import kubernetes_validate
import yaml

VERSION = "1.33"
# They are other people's: their schemas come with their operators.
FOREIGN = "monitoring.coreos.com/"


class Once(yaml.SafeLoader):
    """Refuses a key that stands twice."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep) for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"a key stands twice: {keys}"
        return super().construct_mapping(node, deep)


def nodes(thing):
    """What must hold for every pod of ours."""
    spec = thing["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] and spec["automountServiceAccountToken"] is False
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["resources"]["requests"] and container["resources"]["limits"]["memory"]
    if thing["kind"] != "Deployment":
        return
    assert container["securityContext"]["readOnlyRootFilesystem"]
    paths = {name: container[name]["httpGet"]["path"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert paths == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}, paths
    # Nothing secret stands in the object itself.
    for variable in container["env"]:
        secret = any(word in variable["name"] for word in ("URL", "KEY", "PASSWORD"))
        assert not secret or "secretKeyRef" in variable["valueFrom"], variable
    mounts = {mount["name"] for mount in container["volumeMounts"]}
    assert mounts == {volume["name"] for volume in spec["volumes"]}, mounts


def main():
    things = [thing for thing in yaml.load_all(open(sys.argv[1], encoding="utf-8"), Loader=Once) if thing]
    counts = {}
    for thing in things:
        counts[thing["kind"]] = counts.get(thing["kind"], 0) + 1
        if not thing["apiVersion"].startswith(FOREIGN):
            kubernetes_validate.validate(thing, VERSION, strict=True)
        if "template" in thing.get("spec", {}):
            nodes(thing)
    settings = next(thing["data"] for thing in things if thing["kind"] == "ConfigMap" and "SYNCLINE_LOG_KIND" in thing["data"])
    grace = [thing["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] for thing in things if thing["kind"] == "Deployment"]
    print(json.dumps({"objects": counts, "settings": settings, "grace": grace}))


main()
