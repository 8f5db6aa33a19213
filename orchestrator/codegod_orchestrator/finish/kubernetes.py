"""Kubernetes manifests for an application that has none: a deployment with its service, or a job."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import yaml

from codegod_kit.plan import Plan

MANIFESTS = "k8s/app.yaml"
_FOLDERS = frozenset({"k8s", "kubernetes", "helm", "charts"})
_ASKED = re.compile(r"\b(?:kubernetes|k8s|helm)\b", re.IGNORECASE)
_DECLINED = re.compile(
    r"\b(?:no|not|without|instead of)\s+(?:\w+\s+)?(?:kubernetes|k8s|helm)\b", re.IGNORECASE
)
_EXPOSED = re.compile(r"^EXPOSE\s+(\d+)", re.MULTILINE | re.IGNORECASE)
_PORT = 8000
# Modest, and enough for a small service; whoever runs it knows better.
_REQUESTS = {"cpu": "50m", "memory": "64Mi"}
_LIMITS = {"memory": "512Mi"}


def wants_kubernetes(plan: Plan, prompt: str) -> bool:
    """Whether the user or the plan's stack asks for a cluster."""
    words = " ".join([prompt, *plan.stack, *plan.stack.values()])
    return bool(_ASKED.search(_DECLINED.sub("", words)))


def has_manifests(present: Collection[str]) -> bool:
    """Whether some file of the project lies where manifests lie."""
    return any(
        _FOLDERS.intersection(path.split("/")[:-1]) or path.startswith(("k8s.", "kubernetes."))
        for path in present
    )


def manifests(name: str, dockerfile: str, health: str, *, serves: bool) -> str:
    """The manifests as YAML; the port is the one that the image exposes."""
    port = exposed_port(dockerfile)
    documents = [_deployment(name, port, health), _service(name, port)] if serves else [_job(name)]
    text: str = yaml.safe_dump_all(documents, sort_keys=False)
    return text


def exposed_port(dockerfile: str) -> int:
    """The port that a container of it listens at, as far as it says."""
    exposed = _EXPOSED.search(dockerfile)
    return int(exposed[1]) if exposed else _PORT


def _deployment(name: str, port: int, health: str) -> dict[str, Any]:
    probe = {"httpGet": {"path": health, "port": port}} if health else {"tcpSocket": {"port": port}}
    container = {
        **_container(name),
        "ports": [{"containerPort": port}],
        "readinessProbe": {**probe, "periodSeconds": 5},
        "livenessProbe": {**probe, "periodSeconds": 20, "initialDelaySeconds": 10},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": _pod(container)},
        },
    }


def _service(name: str, port: int) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"selector": {"app": name}, "ports": [{"port": port, "targetPort": port}]},
    }


def _job(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {
            "backoffLimit": 0,
            "template": {"spec": {**_pod(_container(name)), "restartPolicy": "Never"}},
        },
    }


def _pod(container: dict[str, Any]) -> dict[str, Any]:
    return {
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "fsGroup": 10001},
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }


def _container(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "image": f"{name}:latest",
        "imagePullPolicy": "IfNotPresent",
        "resources": {"requests": dict(_REQUESTS), "limits": dict(_LIMITS)},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - the container's own
    }
