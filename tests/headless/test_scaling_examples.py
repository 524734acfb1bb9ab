"""The examples of docs/scaling: the shell reads them, Ray takes them, and the driver knows the options."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from hyponet.headless.__main__ import parser
from tools.dev.places import ROOT

EXAMPLES = ROOT / "docs" / "scaling"


def commands(text: str) -> list[list[str]]:
    """The arguments of each farm in a text, whose lines may be continued."""
    joined = text.replace("\\\n", " ").replace("\n#      ", "")
    return [shlex.split(line.rstrip("'")) for line in re.findall(r"-m headless (farm [^\n`]*)", joined)]


@pytest.mark.parametrize(
    "path", [*sorted(EXAMPLES.iterdir()), ROOT / "docs" / "scaling.md"], ids=lambda path: path.name
)
def test_the_driver_knows_the_options_of_an_example(path: Path) -> None:
    found = commands(path.read_text("utf-8"))
    assert found
    for arguments in found:
        assert parser().parse_args(arguments).command == "farm"


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash here")
def test_the_shell_reads_the_script_of_slurm() -> None:
    subprocess.run(["bash", "-n", str(EXAMPLES / "slurm.sh")], check=True)


def test_ray_takes_the_cluster() -> None:
    """As `ray up` takes a file."""
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = prepare_config(yaml.safe_load((EXAMPLES / "ray_cluster.yaml").read_text("utf-8")))
    validate_config(config)
    assert config["max_workers"] == len(config["provider"]["worker_ips"])
