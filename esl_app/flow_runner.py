"""Find, check, load and run flow scripts.

A flow file is loaded under a module name of its own and again when it changes; calls that run keep
the version they began with. Scripts are trusted but fallible: this is no sandbox (HARDENING S22).
"""

from __future__ import annotations

import ast
import itertools
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import cast

import structlog
from gevent import GreenletExit

from esl_app.flow import Call

log = structlog.get_logger()

Flow = Callable[[Call], None]

_loads = itertools.count(1)


class FlowProblem(Exception):  # noqa: N818 - its text is the problem
    """A flow cannot be used: `file:line: what is wrong`."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    version: tuple[int, int]
    function: Flow


class FlowLoader:
    """The flows of a folder, each loaded when first run and again when its file changes."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self._loaded: dict[str, _Loaded] = {}

    def get(self, name: str) -> Flow:
        """The flow `name`, from `root/name.py`.

        A file that changed and does not load any more leaves the last good version in use.

        Raises:
            FlowProblem: there is no such flow, or it cannot be loaded and never could.
        """
        path = self._path(name)
        known = self._loaded.get(name)
        try:
            status = path.stat()
            version = (status.st_mtime_ns, status.st_size)
            if known is None or known.version != version:
                known = self._loaded[name] = _Loaded(version, load(path))
                log.info("flow_loaded", flow=name)
        except OSError as error:
            raise FlowProblem(f"{path}: {error.strerror}") from error
        except FlowProblem as problem:
            if known is None:
                raise
            log.error("flow_reload_failed", flow=name, problem=str(problem))  # noqa: TRY400
            self._loaded[name] = _Loaded(version, known.function)
            return known.function
        return known.function

    def _path(self, name: str) -> Path:
        if not name.isidentifier():
            raise FlowProblem(f"{name!r} is not the name of a flow")
        return self.root / f"{name}.py"


def load(path: Path) -> Flow:
    """Check a flow file and execute it once; its `@flow` function.

    Raises:
        FlowProblem: what is wrong, and where.
    """
    tree = check(path)
    # Compiled here and not by the import system, which would take a file that changed twice within
    # a second for the same, and leave its cache beside the flows.
    module = ModuleType(f"voice_ai_flow_{path.stem}_{next(_loads)}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # where dataclasses look annotations up
    try:
        exec(compile(tree, str(path), "exec"), module.__dict__)  # noqa: S102 - flows are trusted
    except BaseException as error:
        del sys.modules[module.__name__]
        if isinstance(error, GreenletExit):
            raise
        line = _line_in(path, error)
        raise FlowProblem(f"{path}:{line}: {type(error).__name__}: {error}") from error
    for value in vars(module).values():
        if getattr(value, "__voice_ai_flow__", False):
            return cast(Flow, value)
    raise FlowProblem(f"{path}:1: a decorator above @flow hides it; put @flow on top")


def check(path: Path) -> ast.Module:
    """Read a file and refuse what cannot or must not run, without running it.

    Raises:
        FlowProblem: what is wrong, and where.
    """
    tree, mode = _read(path)
    if mode & stat.S_IWOTH:
        raise FlowProblem(f"{path}: anyone may write this file; chmod o-w it")
    flows = [node for node in tree.body if isinstance(node, ast.FunctionDef) and _is_flow(node)]
    if len(flows) != 1:
        where = flows[1].lineno if flows else 1
        raise FlowProblem(f"{path}:{where}: {len(flows)} functions marked @flow, one is needed")
    arguments = flows[0].args
    if len(arguments.posonlyargs + arguments.args) != 1:
        raise FlowProblem(f"{path}:{flows[0].lineno}: {flows[0].name} takes one argument: the call")
    for node in ast.walk(tree):
        for module in _imports(node):
            if module.split(".")[0] == "esl_app" and module != "esl_app.flow":
                line = cast(ast.stmt, node).lineno
                raise FlowProblem(f"{path}:{line}: imports {module}; esl_app.flow is the way in")
    return tree


def _read(path: Path) -> tuple[ast.Module, int]:
    """A file's syntax tree and mode."""
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8")
        return ast.parse(text, filename=str(path)), mode
    except SyntaxError as error:
        raise FlowProblem(f"{path}:{error.lineno or 1}: {error.msg}") from error
    except UnicodeDecodeError as error:
        raise FlowProblem(f"{path}: not UTF-8 text: {error.reason}") from error
    except (ValueError, RecursionError, MemoryError) as error:  # a NUL; thousands of operators
        raise FlowProblem(f"{path}:1: cannot be parsed: {error or 'too deep'}") from error
    except OSError as error:
        raise FlowProblem(f"{path}: {error.strerror}") from error


def _is_flow(node: ast.FunctionDef) -> bool:
    names = {ast.unparse(decorator) for decorator in node.decorator_list}
    return bool(names & {"flow", "esl_app.flow.flow"})


def _imports(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
        return [node.module]
    return []


def _line_in(path: Path, error: BaseException) -> int:
    """The deepest line of `path` in the error's traceback."""
    line, traceback = 1, error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == str(path):
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line


def line_of(function: Flow, error: BaseException) -> int:
    """Where in its flow's file a call failed; for the log."""
    module = sys.modules.get(function.__module__)
    file = getattr(module, "__file__", None) or function.__code__.co_filename
    return _line_in(Path(file), error)
