"""Load every class of Java, and initialise none."""

import os

from .java_ground import classes, java_files, look, read_jdk
from .project import load
from .report import Report, read_request
from .workcopy import TooLarge, enter_copy

_SECONDS = 170.0


def main() -> None:
    """Say what cannot be loaded."""
    request = read_request()
    report = Report(request["nonce"])
    jdk = read_jdk()
    project = load(os.getcwd())
    try:
        folder = enter_copy()
    except TooLarge as error:
        report.write("broken", message=str(error))
        os._exit(0)
    files = java_files(project, tests=bool(jdk.jars))
    said = look(jdk, folder, files, classes(), load=True, seconds=_SECONDS) if files else []
    if isinstance(said, str):
        report.write("broken", message=said)
        os._exit(0)
    for each in said:
        if each.kind == "ERROR":
            report.write("failed", path=each.path, line=each.line, message=each.words)
    report.write("end")
    os._exit(0)
