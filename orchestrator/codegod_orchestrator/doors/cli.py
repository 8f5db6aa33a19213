"""`codegod`: the terminal's door. Options are read here; each command is a module that is loaded when it is called."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_PARTIAL = 3
EXIT_INTERRUPTED = 130

# command -> module below `codegod_orchestrator.doors.commands` whose `run(options)` returns the exit code
_COMMANDS = {
    "build": "build",
    "change": "change",
    "plan": "plan",
    "resume": "resume",
    "list": "inspect",
    "status": "inspect",
    "logs": "inspect",
    "report": "inspect",
    "cancel": "cancel",
    "doctor": "doctor",
    "bench": "bench",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 3 partial, 1 failed, 2 wrong usage, 130 interrupted."""
    options = _parser().parse_args(arguments)
    if options.command is None:
        _parser().print_help(sys.stderr)
        return EXIT_USAGE
    try:
        command = import_module(f"codegod_orchestrator.doors.commands.{_COMMANDS[options.command]}")
        return int(command.run(options))
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # nobody reads any more; the interpreter would complain about it at exit
        return EXIT_FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="codegod",
        description="One prompt in; a tested, git-versioned application out.",
        epilog="exit codes: 0 done, 3 partial, 1 failed, 2 wrong usage or something missing, 130 interrupted",
    )
    parser.add_argument("--version", action="version", version=f"codegod {version('codegod')}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    _add_build(commands.add_parser("build", help="build an application from a prompt or a plan"))
    _add_change(
        commands.add_parser("change", help="change an existing git repository; the result is a branch of it")
    )
    _add_plan(commands.add_parser("plan", help="write plan.yaml for a prompt, to read, edit and build"))
    _add_resume(
        commands.add_parser("resume", help="go on with a build that was interrupted, failed or partial")
    )
    listed = commands.add_parser("list", help="the builds on this machine, newest first")
    listed.add_argument("--limit", type=int, default=20, help="how many (%(default)s)")
    for name, text in (
        ("status", "the state of one build and of its tasks"),
        ("logs", "every event of one build"),
        ("report", "what one build proved, with its evidence"),
        ("cancel", "stop a build for good"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument(
            "build", nargs="?", default="", help="the build's id; the newest build when left out"
        )
        if name == "report":
            command.add_argument("--json", action="store_true", help="as JSON instead of text")
    doctor = commands.add_parser("doctor", help="what is here, what is missing, and what to do about it")
    _add_models(doctor)
    doctor.add_argument(
        "--model",
        default="",
        metavar="MODEL",
        help="ask this model some twenty micro-tasks and keep what it can do",
    )
    _add_bench(
        commands.add_parser("bench", help="how often a model is right: build the bundled projects with it")
    )
    return parser


def _add_bench(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", required=True, metavar="MODEL", help="who writes the code")
    parser.add_argument(
        "--master",
        default="simulator",
        metavar="MODEL",
        help="who plans (%(default)s: each project's own plan)",
    )
    parser.add_argument(
        "--project", action="append", default=[], metavar="NAME", help="one project, as often as wanted (all)"
    )
    parser.add_argument("--out", default="", metavar="FILE", help="write the result as JSON too")
    _add_limits(parser)
    parser.add_argument(
        "--max-parallel", type=int, default=0, metavar="N", help="tasks at a time (MAX_PARALLEL_TASKS)"
    )
    parser.add_argument("--mcp-config", default="", metavar="FILE", help="the mcp.json to use")


def _add_build(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "prompt", nargs="?", default="", help='what to build, or "-" to read it from standard input'
    )
    parser.add_argument(
        "--plan", default="", metavar="FILE", help="build this plan.yaml instead of planning anew"
    )
    parser.add_argument(
        "--out",
        default="",
        metavar="DIR",
        help="an empty or new folder (./ and the prompt's first words, or the plan's name)",
    )
    _add_wishes(parser)
    _add_models(parser)
    _add_limits(parser)
    parser.add_argument(
        "--max-parallel", type=int, default=0, metavar="N", help="tasks at a time (MAX_PARALLEL_TASKS)"
    )
    parser.add_argument("--mcp-config", default="", metavar="FILE", help="the mcp.json to use")


def _add_change(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", metavar="DIR", help="the repository; its files and branches stay as they are"
    )
    parser.add_argument(
        "prompt",
        help='a feature, a bug to mend, a refactoring, tests, a security audit; "-" reads it from standard input',
    )
    parser.add_argument(
        "--branch",
        default="",
        metavar="NAME",
        help="the branch to make (codegod/ and the prompt's first words)",
    )
    _add_models(parser)
    _add_limits(parser)
    parser.add_argument(
        "--max-parallel", type=int, default=0, metavar="N", help="tasks at a time (MAX_PARALLEL_TASKS)"
    )
    parser.add_argument("--mcp-config", default="", metavar="FILE", help="the mcp.json to use")


def _add_plan(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("prompt", help='what to build, or "-" to read it from standard input')
    parser.add_argument("--out", default="plan.yaml", metavar="FILE", help="where to write it (%(default)s)")
    _add_wishes(parser)
    _add_models(parser)
    _add_limits(parser)
    parser.add_argument("--mcp-config", default="", metavar="FILE", help="the mcp.json to use")


def _add_resume(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("build", nargs="?", default="", help="the build's id; the newest build when left out")
    parser.add_argument("--ladder", default="", metavar="MODELS", help="go on with another ladder")
    _add_limits(parser)
    parser.add_argument("--mcp-config", default="", metavar="FILE", help="the mcp.json to use")


def _add_wishes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--api-spec", action="append", default=[], metavar="URL|FILE", help="an OpenAPI document to follow"
    )
    parser.add_argument(
        "--stack", action="append", default=[], metavar="PART=CHOICE", help="e.g. --stack backend=FastAPI"
    )
    parser.add_argument("--platform", action="append", default=[], metavar="NAME", help="backend, web or cli")


def _add_limits(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "limits",
        "the most that a build may take in all, over every resume; at a limit it ends as partial and can be resumed with "
        "a larger one (`none` takes a limit away)",
    )
    group.add_argument("--max-cost", default="", metavar="USD", help="money, e.g. 2.50")
    group.add_argument("--max-tokens", default="", metavar="N", help="tokens, in and out, e.g. 500000")
    group.add_argument("--max-time", default="", metavar="TIME", help="wall time, e.g. 90s, 30m, 2h")
    group.add_argument("--max-attempts", default="", metavar="N", help="attempts at tasks, e.g. 40")


def _add_models(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--master", default="", metavar="MODEL", help="who plans (MASTER_MODEL)")
    parser.add_argument("--worker", default="", metavar="MODEL", help="who writes the code (WORKER_MODEL)")
    parser.add_argument(
        "--ladder", default="", metavar="MODELS", help="who tries in turn, weakest first: a,b,c"
    )


if __name__ == "__main__":
    sys.exit(main())
