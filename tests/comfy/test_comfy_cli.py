"""The published archive and the workflow files, through the ecosystem's own command line tool, comfy-cli."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from hyponet.tests.tools.clones import copy_clone
from tools.dev.places import ROOT

API = ROOT / "workflows" / "api"


@pytest.fixture(scope="module")
def comfy_cli(tmp_path_factory):
    """Runs `comfy ...` with a home of its own; the finished process."""
    home = tmp_path_factory.mktemp("home")
    command = [str(Path(sys.executable).parent / "comfy"), "--skip-prompt"]
    env = {**os.environ, "HOME": str(home), "NO_COLOR": "1", "COLUMNS": "200"}

    def run(*arguments: str, cwd: Path = home) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*command, *arguments], cwd=cwd, env=env, capture_output=True, text=True, timeout=300)

    assert run("tracking", "disable").returncode == 0
    return run


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """What git tracks, as a repository of its own, so that packing sees what a publisher's machine would."""
    folder = copy_clone(tmp_path_factory.mktemp("publish") / "hyponet")
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    subprocess.run(["git", "add", "-A"], cwd=folder, check=True)
    return folder


def test_the_registry_finds_nothing_to_warn_of(comfy_cli, clone):
    check = comfy_cli("node", "validate", cwd=clone)
    assert check.returncode == 0, check.stdout + check.stderr
    assert "warning" not in check.stdout.lower(), "it ends with exit code 0 even then"


def test_the_archive_holds_what_users_need_and_nothing_else(comfy_cli, clone):
    assert comfy_cli("node", "pack", cwd=clone).returncode == 0
    with zipfile.ZipFile(clone / "node.zip") as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops <= {
        *(
            ".comfyignore",
            "ARCHITECTURE.md",
            "CHANGELOG.md",
            "LICENSE",
            "README.ko.md",
            "README.md",
            "__init__.py",
            "pyproject.toml",
            "version.py",
        ),
        *("docs", "evaluation", "locales", "nodes", "requirements.txt", "subgraphs", "web"),
        *("wildcards", "workflows"),
    }
    assert "nodes/extension.py" in names
    assert {"workflows/hyponet_01_quick_start.json", "docs/templates.md"} <= set(names)
    assert "subgraphs/HypoNet Word to Plan.json" in names
    assert {"web/answers.css", "web/js/answers.js", "web/js/markdown.js"} <= set(names)
    assert {"web/docs/HypoNetPlanBatch/ko.md", "web/docs/HypoNetPlanBatch/in_use.webp"} <= set(names)
    assert [name for name in names if name.endswith("LICENSE") or "licen" in name.lower()]


@pytest.mark.parametrize("form", ["api", "graph"])
def test_comfy_run_takes_either_form(comfy, comfy_cli, form):
    name = "hyponet_13_prompt_playground.json"
    server = urlsplit(comfy.url)
    path = API / name if form == "api" else ROOT / "workflows" / name
    where = ("--host", str(server.hostname), "--port", str(server.port))
    finished = comfy_cli("run", "--workflow", str(path), "--wait", *where, "--timeout", "120")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    newest = next(iter(comfy.client.get("/history?max_items=1").values()))
    assert newest["status"]["status_str"] == "success"
    shown = json.dumps(newest["outputs"])
    assert not re.search(r"__\w+__", shown), "no wildcard may stay in a prompt"


def test_comfy_run_tells_a_bad_workflow_by_its_exit_code(comfy, comfy_cli, tmp_path):
    graph = json.loads((API / "hyponet_13_prompt_playground.json").read_text("utf-8"))
    node = next(node for node in graph.values() if node["class_type"] == "HypoNetDynamicPrompt")
    node["inputs"]["template"] = "a __no_such_list__"
    (tmp_path / "bad.json").write_text(json.dumps(graph), "utf-8")
    server = urlsplit(comfy.url)
    where = ("--host", str(server.hostname), "--port", str(server.port))
    finished = comfy_cli("run", "--workflow", str(tmp_path / "bad.json"), "--wait", *where, "--timeout", "120")
    assert finished.returncode != 0
    assert "no_such_list" in finished.stdout + finished.stderr
