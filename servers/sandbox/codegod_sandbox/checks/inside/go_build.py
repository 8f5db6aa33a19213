"""Build and link every package of Go."""

import os
import tempfile

from .go_ground import modules_of, places, read_toolchain
from .project import load
from .report import Report, read_request
from .workcopy import TooLarge, enter_copy

_SECONDS = 120


def main() -> None:
    """Say what does not build."""
    request = read_request()
    report = Report(request["nonce"])
    toolchain = read_toolchain()
    project = load(os.getcwd())
    try:
        folder = enter_copy()
    except TooLarge as error:
        report.write("broken", message=str(error))
        os._exit(0)
    for module in modules_of(project, folder):
        into = tempfile.mkdtemp()
        code, _, errors = toolchain.run(
            os.path.join(folder, module), "build", "-o", f"{into}/", "./...", seconds=_SECONDS
        )
        if code == 0 or "no packages to build" in errors or "matched no packages" in errors:
            continue
        told = places(errors, module)
        for path, line, message in told:
            report.write("failed", path=path, line=line, message=message)
        if not told and "no main packages" not in errors:
            report.write("failed", path=os.path.join(module, "go.mod"), line=0, message=errors.strip()[-300:])
    report.write("end")
    os._exit(0)
