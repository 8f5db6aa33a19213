"""Import every JavaScript and TypeScript module that Node.js is meant to run."""

import json
import os
import re
import tempfile

from .node_ground import SCRIPT, TEST_FILE, link_packages, manifests, quietly, read_ground
from .project import Project, load
from .report import Report, read_request
from .workcopy import TooLarge, enter_copy

_MODULE_SECONDS = 10
# A browser's world, a bundler's, a test's, and what a tool reads.
_ELSEWHERE = re.compile(
    r"(^|/)(public|static|www|assets|frontend|client|web|browser|e2e|tests?|__tests__|scripts|migrations|templates)/"
)
_SETTINGS = re.compile(r"(^|/)[\w.-]+\.config\.[cm]?[jt]s$|\.d\.ts$|(^|/)(sw|service-worker)\.js$")
_BUNDLERS = frozenset(
    {"vite", "webpack", "next", "react-scripts", "parcel", "@angular/core", "svelte", "astro", "nuxt"}
)
_BROWSER = re.compile(
    r"\b(document|window|localStorage|navigator|customElements|HTMLElement|self) is not defined"
)
_BROWSER_CODE = re.compile(r"\b(document|window|localStorage)\.\w")
# These are wrong wherever the module is run.
_UNLOADABLE = (
    "ERR_MODULE_NOT_FOUND",
    "ERR_UNSUPPORTED_DIR_IMPORT",
    "ERR_PACKAGE_PATH_NOT_EXPORTED",
    "MODULE_NOT_FOUND",
)
_BUNDLED = ("ERR_UNKNOWN_FILE_EXTENSION", "ERR_UNSUPPORTED_ESM_URL_SCHEME")
# What stands in the way here, and not where the program is meant to run.
_SURROUNDINGS = ("EADDRINUSE", "ECONNREFUSED", "EACCES", "EROFS", "ENOTFOUND")


def main() -> None:
    """Say how each import went."""
    request = read_request()
    report = Report(request["nonce"])
    ground = read_ground()
    project = load(os.getcwd())
    try:
        folder = enter_copy()
    except TooLarge as error:
        report.write("broken", message=str(error))
        os._exit(0)
    files = importable(project)
    if not files:
        report.write("end")
        os._exit(0)
    link_packages(ground, folder)
    output = os.path.join(tempfile.mkdtemp(), "imports")
    asked = json.dumps({"files": files, "seconds": _MODULE_SECONDS}).encode()
    script = os.path.join(ground.scripts, "imports.mjs")
    code, said = quietly(ground.command(script, output), folder, request["test_seconds"], said=asked)
    try:
        with open(output, encoding="utf-8", errors="replace") as lines:
            told = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("\n")]
    except OSError:
        told = []
    for each in told:
        if each["kind"] == "begin":
            report.write("begin", module=each["path"], path=each["path"])
        elif each["kind"] == "failed":
            _judge(each, project, folder, report, judge_packages=bool(ground.modules))
        elif each["kind"] == "end":
            report.write("end")
    if not told:
        report.write("broken", message=f"The modules could not be imported ({code}): {said.strip()[-300:]}")
    os._exit(0)


def importable(project: Project) -> list[str]:
    """The modules that Node.js is meant to load; none of a project that a bundler puts together."""
    documents = manifests(project)
    if not documents:
        return []
    bundled = any(
        name in _BUNDLERS
        for document in documents
        for group in ("dependencies", "devDependencies")
        if isinstance(document.get(group), dict)
        for name in document[group]
    )
    pages = " ".join(
        source.text for source in project.sources.values() if source.name.endswith((".html", ".htm"))
    )
    return [
        source.path
        for source in project.sources.values()
        if SCRIPT.search(source.path)
        and not (bundled or TEST_FILE.search(source.path) or _ELSEWHERE.search(source.path))
        and not _SETTINGS.search(source.path)
        and not _BROWSER_CODE.search(source.text)
        and f"{source.name.partition('.')[0]}." not in pages
    ]


def _judge(
    each: dict[str, object], project: Project, folder: str, report: Report, *, judge_packages: bool
) -> None:
    error = each["error"]
    if not isinstance(error, dict):
        return
    path, message, code = str(each["path"]), str(error["message"]), str(error["code"])
    if code in (*_BUNDLED, *_SURROUNDINGS) or _BROWSER.search(message):
        return
    if code == "CODEGOD_EXIT":
        message = "Importing it ends the program: start it only when it is the program that is run."
    elif error["name"] == "Late":
        message = "Importing it does not end: wait for nothing when the module is imported."
    elif (
        code in _UNLOADABLE
        and (package := re.search(r"Cannot find (?:package|module) '([^./'][^']*)'", message))
        and not judge_packages
        and not os.path.isabs(package[1])
    ):
        report.write("missing", package=package[1])
        return
    line = _line(str(error["stack"]), os.path.join(folder, path))
    words = next(iter(message.replace(f"{folder}/", "").splitlines()), code)[:300]
    report.write("failed", path=path, line=line, message=f"On import: {words}")


def _line(stack: str, full: str) -> int:
    found = re.search(rf"{re.escape(full)}:(\d+)", stack)
    return int(found[1]) if found else 0
