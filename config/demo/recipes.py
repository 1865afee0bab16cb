"""The tasks that a component has, with settings like those of real ones."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any, NamedTuple

from config.demo.components import Component


Settings = dict[str, Any]

ENVIRONMENTS = ("development", "test", "staging", "production")
RELEASE = "release/4.2"

_CLUSTERS = ("eu-central-1", "eu-west-2", "us-east-1")
_BUILD_TYPES = {
    "java": "maven-build",
    "kotlin": "gradle-build",
    "python": "python-build",
    "typescript": "npm-build",
}


class Recipe(NamedTuple):
    """One task of a component: what it is called, its type, and how its settings are made."""

    title: str
    task_type: str
    settings: Callable[["Site"], Settings]


class Site(NamedTuple):
    """Where a recipe is followed: the project's short name, the component, and the dice."""

    project: str
    component: Component
    random: Random

    def repository(self, branch: str = "main") -> Settings:
        """Return the component's repository."""
        return {
            "url": f"https://git.example/{self.project}/{self.component.name}.git",
            "branch": branch,
        }

    def notifications(self) -> Settings:
        """Return who hears of a run; some hear of nothing."""
        if self.random.choice((True, False, False, False)):
            return {"enabled": False}
        return {"enabled": True, "on": ["failed", "recovered"], "channel": f"#{self.project}"}

    def nightly(self) -> Settings:
        """Return a time at night."""
        minute, hour = self.random.randrange(60), self.random.randrange(1, 6)
        return {"enabled": True, "cron": f"{minute} {hour} * * *", "time_zone": "Europe/Berlin"}


def recipes_for(component: Component) -> Iterator[Recipe]:
    """Yield the tasks that a component of this language has."""
    build = _BUILD_TYPES[component.language]
    yield Recipe("build", build, lambda site: _build(site, "main"))
    yield Recipe("build release", build, lambda site: _build(site, RELEASE))
    yield Recipe(
        "nightly build", build, lambda site: _build(site, "develop") | {"schedule": site.nightly()}
    )
    yield Recipe("image", "container-image", lambda site: _image(site, "main"))
    yield Recipe("release image", "container-image", lambda site: _image(site, RELEASE))
    yield Recipe("static scan", "static-scan", lambda site: _static_scan(site, "develop"))
    yield Recipe("static scan release", "static-scan", lambda site: _static_scan(site, RELEASE))
    yield Recipe("secret scan", "secret-scan", _secret_scan)
    yield Recipe("dependency scan", "dependency-scan", _dependency_scan)
    for environment in ENVIRONMENTS:
        yield Recipe(f"deploy to {environment}", "deploy", _deploy_to(environment))
    yield Recipe("mirror", "git-sync", _mirror)
    yield Recipe("publish documentation", "git-sync", _documentation)
    for environment in ENVIRONMENTS[1:]:
        yield Recipe(f"migrate data in {environment}", "data-migration", _migrate_in(environment))
    yield Recipe("refresh sandbox", "sandbox-refresh", _sandbox)
    yield Recipe("release notes", "notification", _release_notes)
    yield Recipe("failure digest", "notification", _failure_digest)


def _build(site: Site, branch: str) -> Settings:
    common = {"repository": site.repository(branch), "notifications": site.notifications()}
    choice = site.random.choice
    language = site.component.language
    if language == "java":
        build: Settings = {"java": choice((17, 21, 21)), "goals": ["clean", "verify"]}
    elif language == "kotlin":
        build = {"java": choice((17, 21)), "tasks": ["assembleRelease", "test"]}
    elif language == "python":
        build = {"python": choice(("3.11", "3.12", "3.13")), "test_command": "python -m pytest"}
    else:
        build = {"node": choice((20, 22, 22)), "package_manager": choice(("npm", "pnpm"))}
    pool = choice(("linux-small", "linux-medium", "linux-large"))
    return {**common, "build": build, "runner": {"pool": pool, "timeout_minutes": 45}}


def _image(site: Site, branch: str) -> Settings:
    tags = ["{commit}", "latest"] if branch == "main" else ["{commit}", "4.2"]
    return {
        "repository": site.repository(branch),
        "image": {
            "name": f"registry.example/{site.project}/{site.component.name}",
            "tags": tags,
            "platforms": ["linux/amd64", "linux/arm64"][: site.random.randint(1, 2)],
        },
        "notifications": site.notifications(),
    }


def _static_scan(site: Site, branch: str) -> Settings:
    return {
        "repository": site.repository(branch),
        "scan": {"languages": [site.component.language]},
        "gate": {"fail_on": site.random.choice(("medium", "high", "high", "critical"))},
        "notifications": site.notifications(),
    }


def _secret_scan(site: Site) -> Settings:
    return {
        "repository": site.repository(),
        "scan": {"depth": site.random.choice(("since the last run", "whole history"))},
        "gate": {"fail_on": "low"},
        "notifications": {"enabled": True, "recipients": ["security@example.com"]},
        "schedule": site.nightly(),
    }


def _dependency_scan(site: Site) -> Settings:
    return {
        "repository": site.repository(),
        "scan": {"bill_of_materials": site.random.choice(("cyclonedx", "spdx"))},
        "gate": {"fail_on": site.random.choice(("high", "critical")), "new_findings_only": True},
        "schedule": site.nightly(),
    }


def _deploy_to(environment: str) -> Callable[[Site], Settings]:
    in_production = environment == "production"

    def settings(site: Site) -> Settings:
        replicas = site.random.randint(3, 12) if in_production else site.random.randint(1, 2)
        return {
            "environment": environment,
            "target": {
                "cluster": site.random.choice(_CLUSTERS),
                "namespace": site.project,
                "replicas": replicas,
            },
            "rollout": {
                "strategy": "canary" if in_production else "rolling",
                "approval": in_production,
            },
            "health_check": f"https://{site.component.name}.{environment}.example/health",
            "notifications": site.notifications(),
        }

    return settings


def _mirror(site: Site) -> Settings:
    mirror = f"https://mirror.example/{site.project}/{site.component.name}.git"
    minutes = site.random.choice((10, 15, 30))
    return {
        "repository": site.repository(),
        "mirror": {"url": mirror},
        "sync": {"direction": "push", "tags": True, "prune": False},
        "schedule": {"enabled": True, "cron": f"*/{minutes} * * * *"},
        "notifications": {"enabled": False},
    }


def _documentation(site: Site) -> Settings:
    return {
        "repository": {**site.repository(), "path": "docs"},
        "mirror": {"url": "https://git.example/documentation/site.git"},
        "notifications": site.notifications(),
    }


def _migrate_in(environment: str) -> Callable[[Site], Settings]:
    def settings(site: Site) -> Settings:
        name = site.component.name.replace("-", "_")
        return {
            "source": {"system": "postgresql", "address": f"db.{environment}.example/{name}"},
            "destination": {"system": "postgresql", "address": f"db2.{environment}.example/{name}"},
            "migration": {
                "objects": [f"{name}.items", f"{name}.events"],
                "portion": site.random.choice((1000, 5000, 10000)),
                "dry_run": environment == "production",
            },
            "notifications": site.notifications(),
        }

    return settings


def _sandbox(site: Site) -> Settings:
    name = site.component.name.replace("-", "")[:8].upper()
    return {
        "sandbox": {"name": name, "kind": site.random.choice(("developer", "partial copy"))},
        "mask_personal_data": True,
        "schedule": {"enabled": site.random.choice((True, False)), "cron": "0 20 * * 5"},
        "notifications": site.notifications(),
    }


def _release_notes(site: Site) -> Settings:
    return {
        "message": {"subject": f"What is new in {site.component.name} {{version}}"},
        "notifications": {"enabled": True, "recipients": [f"{site.project}@example.com"]},
    }


def _failure_digest(site: Site) -> Settings:
    return {
        "message": {"subject": f"Failed runs of {site.component.name}", "attach_log": True},
        "notifications": {"enabled": True, "channel": f"#{site.project}"},
        "schedule": {"enabled": True, "cron": "0 7 * * 1-5", "time_zone": "Europe/Berlin"},
    }
