"""Build and link every package of Rust."""

import os

from .project import load
from .report import Report, read_request
from .rust_ground import (
    MANIFEST,
    Cargo,
    Place,
    leave_out_settings,
    messages,
    places_of,
    primary,
    read_cargo,
    told,
)
from .workcopy import TooLarge, enter_copy

_SECONDS = 170.0


def main() -> None:
    """Say what does not build."""
    request = read_request()
    report = Report(request["nonce"])
    cargo = read_cargo()
    project = load(os.getcwd())
    try:
        folder = enter_copy()
    except TooLarge as error:
        report.write("broken", message=str(error))
        os._exit(0)
    leave_out_settings(folder)
    for place in places_of(cargo, project, folder):
        _build(cargo, place, folder, report)
    report.write("end")
    os._exit(0)


def _build(cargo: Cargo, place: Place, folder: str, report: Report) -> None:
    manifest = os.path.join(place.folder, MANIFEST)
    if place.problem:
        report.write("failed", path=manifest, line=0, message=place.problem)
        return
    code, output, errors = cargo.run(
        os.path.join(folder, place.folder), "build", "--offline", "--workspace", "--message-format=json", seconds=_SECONDS
    )  # fmt: skip
    wrong = 0
    for each in messages(output):
        if (
            each.get("reason") == "compiler-message"
            and each["message"]["level"] == "error"
            and each["message"]["spans"]
        ):
            path, line = primary(each["message"], folder, place.folder)
            report.write("failed", path=path, line=line, message=str(each["message"]["message"]))
            wrong += 1
    if code and not wrong:
        report.write("failed", path=manifest, line=0, message=told(errors, folder))
