"""What users install: one folder, nothing they do not need, the same bytes from the same files."""

import html.parser
import importlib.util
import re
import shutil
import urllib.parse
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "resources/help/index.html"]
PAGES += sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "resources" / "help").glob("*.md"))


@pytest.fixture
def package(root):
    spec = importlib.util.spec_from_file_location("package", root / ".ci" / "package.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def checkout(tmp_path, root):
    """A small checkout with everything that a package needs, and much that it does not."""
    made = tmp_path / "checkout"
    for name in ("plugin/core/__pycache__", "plugin/worker", "ui", "resources/models", "tests/core", "build", ".git"):
        (made / name).mkdir(parents=True)
    for name in ("metadata.txt", "LICENSE"):
        shutil.copy(root / name, made / name)
    for name in ("__init__.py", "README.md", "CHANGELOG.md", "resources/icon.svg", "plugin/core/job.py", "Makefile"):
        (made / name).write_text(f"# {name}\n", encoding="utf-8")
    for name in ("plugin/core/__pycache__/job.pyc", "tests/core/test_job.py", "ui/dock.ui", "resources/half.part"):
        (made / name).write_text("x", encoding="utf-8")
    return made


def test_the_zip_holds_one_folder_with_what_users_need_and_nothing_else(package, checkout):
    made = package.build(checkout, checkout / "build" / "footprint_tuner.zip")
    names = zipfile.ZipFile(made).namelist()
    assert {name.split("/")[0] for name in names} == {"footprint_tuner"}
    assert {name.partition("/")[2] for name in names} == {
        "metadata.txt", "__init__.py", "LICENSE", "README.md", "CHANGELOG.md",
        "plugin/core/job.py", "resources/icon.svg", "ui/dock.ui",
    }  # fmt: skip


def test_two_builds_give_the_same_bytes(package, checkout):
    first = package.build(checkout, checkout / "build" / "first.zip").read_bytes()
    (checkout / "plugin" / "core" / "job.py").touch()
    assert package.build(checkout, checkout / "build" / "second.zip").read_bytes() == first


def test_a_package_that_the_repository_would_refuse_is_not_built(package, checkout, monkeypatch):
    monkeypatch.setattr(package, "LIMIT_BYTES", 100)
    with pytest.raises(SystemExit, match="bytes"):
        package.build(checkout, checkout / "build" / "footprint_tuner.zip")
    assert not (checkout / "build" / "footprint_tuner.zip").exists()


@pytest.mark.parametrize("name", ["README.md", "resources/icon.svg"])
def test_a_missing_file_is_named(package, checkout, name):
    (checkout / name).unlink()
    with pytest.raises(SystemExit, match=name):
        package.build(checkout, checkout / "build" / "footprint_tuner.zip")


def test_the_metadata_says_what_the_plugin_repository_asks_for(package, root):
    metadata = package.read_metadata(root)
    required = {"name", "description", "about", "version", "author", "email", "tracker", "repository"}
    assert required <= {key for key, value in metadata.items() if value}
    assert metadata["name"] == "Footprint Tuner"
    assert (metadata["qgisminimumversion"], metadata["qgismaximumversion"]) == ("3.22", "4.99")
    assert metadata.getboolean("hasprocessingprovider")


def test_this_checkouts_package_holds_the_worker_its_lock_and_no_tests(package, root):
    names = {path.relative_to(root).as_posix() for path in package.list_content(root)}
    assert {"plugin/worker/runtime/doctor.py", "resources/worker/requirements.txt", "resources/worker/uv.txt"} <= names
    assert not any(name.startswith(("tests/", ".ci/", "build/")) or "__pycache__" in name for name in names)


class Links(html.parser.HTMLParser):
    """Collects where a page's links and pictures lead to."""

    def __init__(self, text):
        super().__init__()
        self.targets = []
        self.feed(text)

    def handle_starttag(self, _tag, attributes):
        self.targets += [value for name, value in attributes if name in ("href", "src")]


def list_files_linked(page):
    """Return the files of the project that a page in Markdown or HTML links to."""
    text = page.read_text(encoding="utf-8")
    targets = Links(text).targets if page.suffix == ".html" else re.findall(r"\]\(([^)\s]+)", text)
    parts = [urllib.parse.urlsplit(target) for target in targets]
    return [page.parent / urllib.parse.unquote(part.path) for part in parts if not part.scheme and part.path]


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_to_a_file_that_is_there(page):
    assert [str(path) for path in list_files_linked(ROOT / page) if not path.is_file()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_a_page_names_is_there(page):
    named = re.findall(r"`((?:plugin|ui|tests|resources|\.ci)/[\w./]+)`", (ROOT / page).read_text("utf-8"))
    assert [path for path in named if "NAME" not in path and not (ROOT / path).exists()] == []


def test_every_page_of_the_help_is_reached_from_the_readme_and_from_the_user_guide():
    pages = {path.resolve() for path in (ROOT / "resources" / "help").glob("*.md")}
    for start in ("README.md", "resources/help/index.html"):
        assert pages - {path.resolve() for path in list_files_linked(ROOT / start)} == set()


def test_the_package_holds_the_help_with_its_pictures(package, root):
    names = set(package.list_content(root))
    assert {path for path in (root / "resources" / "help").rglob("*") if path.is_file()} <= names
    linked = list_files_linked(root / "resources" / "help" / "index.html")
    assert {path.resolve() for path in linked} <= {path.resolve() for path in names}


def test_the_changelog_begins_with_the_version_of_the_metadata(package, root):
    metadata = package.read_metadata(root)
    headings = re.findall(r"^## (.+)$", (root / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert next(heading for heading in headings if heading != "Unreleased") == metadata["version"]
    assert metadata["changelog"].startswith(f"{metadata['version']}\n")


@pytest.mark.parametrize("room", ["plugin/worker", "plugin/bridge", "ui"])
def test_the_map_for_contributors_names_every_package(room, root):
    part = (root / "CONTRIBUTING.md").read_text("utf-8").split(f"**`{room}`**")[1].split("\n**`")[0]
    packages = {path.parent.name for path in (root / room).glob("*/__init__.py")}
    assert packages == set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| `.*?\|", part, re.MULTILINE))))
