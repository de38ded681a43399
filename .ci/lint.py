"""Run every check of `make lint`; one that fails does not keep the others from running."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Callable

from tools import BUILD, ROOT, install_lint_tools

from plugin.core.errors import SetupError

NAME = "footprint_tuner"
FILE_LINES = 400
FUNCTION_LINES = 60
#: A file or function that may be longer says why in a comment, `# size: reason`.
EXEMPTION = re.compile(r"#\s*size:\s*\S")
#: Lock files and the starter's card hold hashes, which look like secrets; the licence and pictures hold none.
NO_SECRETS = re.compile(r"(requirements|lint|uv)\.txt|starter\.json|LICENSE|.*\.(png|svg|tif|gpkg|safetensors|qm)")
IGNORED = {".git", "build", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"}


def list_files() -> list[Path]:
    """Return the project's own files, relative to the root."""
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(set(folders) - IGNORED)
        found += [Path(folder, name).relative_to(ROOT) for name in sorted(names)]
    return found


def find_long(source: str) -> list[str]:
    """Return what is too long in a Python file's text and gives no reason."""
    lines = source.splitlines()
    found = []
    if len(lines) > FILE_LINES and not any(EXEMPTION.search(line) for line in lines[:3]):
        found.append(f"1: {len(lines)} lines, {FILE_LINES} at most")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES and not EXEMPTION.search(lines[node.lineno - 1]):
                found.append(f"{node.lineno}: {node.name} has {length} lines, {FUNCTION_LINES} at most")
    return found


def check_sizes(files: list[Path]) -> bool:
    """Print what is too long; return whether nothing is."""
    found = [f"{path}:{text}" for path in files for text in find_long((ROOT / path).read_text(encoding="utf-8"))]
    print("\n".join(found))
    return not found


def run_tool(*command: str, cwd: Path = ROOT) -> bool:
    """Run a lint tool; return whether it found nothing."""
    program = BUILD / "lint" / "bin" / command[0]
    environ = {**os.environ, "RUFF_CACHE_DIR": str(BUILD / "ruff")}
    return subprocess.run([str(program), *command[1:]], cwd=cwd, env=environ).returncode == 0


def main() -> int:
    """Run every check, print its name and verdict, and return 0 if all are clean."""
    try:
        install_lint_tools()
    except SetupError as error:
        print(error.message, error.hint, sep="\n", file=sys.stderr)
        return 1
    files = list_files()
    python = [str(path) for path in files if path.suffix == ".py"]
    rooms = [path for path in python if not path.startswith(("tests/", ".ci/"))]
    open_files = [str(path) for path in files if not NO_SECRETS.fullmatch(path.name)]
    linked = BUILD / "plugins"
    checks: dict[str, Callable[[], bool]] = {
        "ruff check": lambda: run_tool("ruff", "check", *python),
        "ruff format": lambda: run_tool("ruff", "format", "--check", *python),
        "mypy": lambda: run_tool("mypy", "--config-file", str(ROOT / "pyproject.toml"), "-p", NAME, cwd=linked),
        "bandit": lambda: run_tool("bandit", "--quiet", "--configfile", "pyproject.toml", *rooms),
        "detect-secrets": lambda: run_tool("detect-secrets-hook", "--no-verify", *open_files),
        "sizes": lambda: check_sizes([Path(path) for path in python]),
    }
    verdicts = {}
    for name, check in checks.items():
        print(f"== {name}", flush=True)
        verdicts[name] = check()
    print("\n" + "\n".join(f"{name:<16} {'clean' if is_clean else 'FAILED'}" for name, is_clean in verdicts.items()))
    return 0 if all(verdicts.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
