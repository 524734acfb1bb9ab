"""The command `hyponet` of an installed package: what `python3 -m headless` is in a clone.

There the folder of the clone is on the path, and headless and evaluation are found in it; here it is the folder of the
package.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> int:
    """Do what the command line says; the exit code."""
    sys.path.append(str(Path(__file__).resolve().parent.parent))  # last: nothing of another package is hidden
    from headless import __main__ as program

    program.OUTPUT = Path.cwd() / "output" / "sweeps"  # the state of sweeps is no part of a package
    program.stop_as_ctrl_c_does()
    return program.main(command="hyponet")
