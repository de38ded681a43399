"""What users install: one folder, nothing they do not need, the same bytes from the same files."""

import importlib.util
import shutil
import zipfile

import pytest


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
    assert {"plugin/worker/doctor.py", "resources/worker/requirements.txt", "resources/worker/uv.txt"} <= names
    assert not any(name.startswith(("tests/", ".ci/", "build/")) or "__pycache__" in name for name in names)
