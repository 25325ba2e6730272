"""Installed packages add to the registries, and one that is broken does not break the rest."""

import json
import os
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from gradalign._registry import Registry
from gradalign.errors import UnknownNameError

PLUGIN = Path(__file__).parent.parent / "examples" / "plugin"


def install(target, name, modules, points, version="1.0"):
    """A distribution as an installer leaves it: modules, and a dist-info with its entry points."""
    for module, code in modules.items():
        path = target / f"{module.replace('.', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code)
    info = target / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = [f"[{group}]\n{key} = {value}" for group, key, value in points]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")


@pytest.fixture
def things(tmp_path, monkeypatch):
    """A registry whose own package has `one` and `two`, and the folder of installed packages."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "toy_things").mkdir()
    (tmp_path / "toy_things" / "__init__.py").write_text("")
    registry = Registry("thing", "toy_things", plugins=True)
    for name in ("one", "two"):
        code = f"import toy_registry\ntoy_registry.THINGS.add({name!r}, 'own')\n"
        (tmp_path / "toy_things" / f"{name}.py").write_text(code)
    module = type(sys)("toy_registry")
    module.THINGS = registry
    monkeypatch.setitem(sys.modules, "toy_registry", module)
    yield registry, tmp_path
    for name in [name for name in sys.modules if name.startswith("toy_")]:
        sys.modules.pop(name)


def adding(*names, then="", value="'theirs'"):
    lines = [f"toy_registry.THINGS.add({name!r}, {value})" for name in names]
    return "\n".join(["import toy_registry", *lines, then, ""])


def test_an_installed_package_adds_its_entries(things, caplog):
    registry, target = things
    install(target, "toy-a", {"toy_a": adding("three")}, [("toy_things", "a", "toy_a")])
    assert dict(registry) == {"one": "own", "two": "own", "three": "theirs"}
    assert registry["three"] == "theirs"
    assert not caplog.messages


def test_other_groups_and_closed_registries_load_nothing(things):
    registry, target = things
    install(target, "toy-a", {"toy_a": adding("three")}, [("toy_other", "a", "toy_a")])
    assert list(registry) == ["one", "two"]
    closed = Registry("thing", "toy_things")
    install(target, "toy-b", {"toy_b": adding("four")}, [("toy_things", "b", "toy_b")])
    assert "four" not in closed
    assert "toy_b" not in sys.modules


def test_nothing_is_loaded_before_it_is_asked_for(things):
    registry, target = things
    install(target, "toy-a", {"toy_a": adding("three")}, [("toy_things", "a", "toy_a")])
    assert "toy_a" not in sys.modules
    assert len(registry) == 3


@pytest.mark.parametrize(
    ("code", "value", "fault"),
    [
        (adding("three", then="1 / 0"), "toy_a", "ZeroDivisionError: division by zero"),
        (adding("three", then="raise SystemExit(3)"), "toy_a", "SystemExit: 3"),
        (adding("three"), "toy_a:absent", "AttributeError"),
        (adding("three"), "toy_absent", "ModuleNotFoundError"),
        ("def (", "toy_a", "SyntaxError"),
        ("raise ValueError('two\\nlines')", "toy_a", "ValueError: two lines"),
    ],
)
def test_one_that_raises_is_left_out_with_a_line(things, caplog, code, value, fault):
    registry, target = things
    install(target, "toy-a", {"toy_a": code}, [("toy_things", "a", value)], version="2.5")
    install(target, "toy-b", {"toy_b": adding("four")}, [("toy_things", "b", "toy_b")])
    assert list(registry) == ["four", "one", "two"]
    (line,) = caplog.messages
    assert "toy-a 2.5" in line
    assert fault in line
    assert "\n" not in line


def test_a_name_that_is_taken_is_left_out_with_a_line(things, caplog):
    registry, target = things
    install(target, "toy-a", {"toy_a": adding("one", "three")}, [("toy_things", "a", "toy_a")])
    install(target, "toy-b", {"toy_b": adding("three", "four")}, [("toy_things", "b", "toy_b")])
    assert dict(registry) == {"four": "theirs", "one": "own", "three": "theirs", "two": "own"}
    assert caplog.messages == [
        "gradalign: toy-a 1.0 has a thing 'one' too: it is left out",
        "gradalign: toy-b 1.0 has a thing 'three' too: it is left out",
    ]


def test_a_package_imported_early_does_not_take_a_name_of_ours(things, caplog):
    registry, target = things
    install(target, "toy-a", {"toy_a": adding("one", "three")}, [("toy_things", "a", "toy_a")])
    __import__("toy_a")
    assert dict(registry) == {"one": "own", "three": "theirs", "two": "own"}
    (line,) = caplog.messages
    assert "'one'" in line


def test_broken_metadata_leave_our_own(things, caplog, monkeypatch):
    registry, _ = things

    def broken(**_):
        raise ValueError("no such thing")

    monkeypatch.setattr(metadata, "entry_points", broken)
    assert list(registry) == ["one", "two"]
    assert "no such thing" in caplog.messages[0]


def test_an_own_module_that_raises_raises_each_time(things):
    registry, target = things
    (target / "toy_things" / "zero.py").write_text("1 / 0")
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            registry["one"]


def test_an_unknown_name_offers_installed_ones(things):
    registry, target = things
    install(target, "toy-a", {"toy_a": adding("thirteen")}, [("toy_things", "a", "toy_a")])
    with pytest.raises(UnknownNameError, match="did you mean 'thirteen'"):
        registry["thirten"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The environment in which the example package is installed."""
    target = tmp_path_factory.mktemp("site")
    project = tomllib.loads((PLUGIN / "pyproject.toml").read_text())["project"]
    points = [
        (group, key, value)
        for group, entries in project["entry-points"].items()
        for key, value in entries.items()
    ]
    sources = {
        f"gradalign_towers.{path.stem}": path.read_text()
        for path in (PLUGIN / "gradalign_towers").glob("*.py")
    }
    install(target, project["name"], sources, points, project["version"])
    return {**os.environ, "PYTHONPATH": str(target)}


def run(environment, *arguments):
    command = [sys.executable, "-c", "from gradalign.cli import main; main()", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True)


def test_the_example_package_is_found_once_it_is_installed(installed):
    found = run(installed, "list", "proxies", "--format", "json")
    names = [entry["name"] for entry in json.loads(found.stdout)["proxies"]]
    assert "gradient_balance" in names
    assert "gradsign" in names
    assert found.stderr == ""


def test_the_example_package_is_scored_by_name(installed):
    arguments = ("towers:16x2", "--proxies", "gradient_balance", "--format", "json")
    found = run(installed, "score", *arguments, "--batch-size", "8")
    (record,) = json.loads(found.stdout)["scores"]
    assert record["status"] == "ok"
    assert 0 < record["value"] < 1


def test_a_broken_package_costs_the_command_line_one_line(installed, tmp_path):
    install(tmp_path, "toy-a", {"toy_a": "1 / 0"}, [("gradalign.proxies", "a", "toy_a")])
    paths = os.pathsep.join([installed["PYTHONPATH"], str(tmp_path)])
    found = run({**installed, "PYTHONPATH": paths}, "list", "proxies", "--format", "json")
    assert "gradient_balance" in found.stdout
    (line,) = found.stderr.splitlines()
    assert line.startswith("gradalign: toy-a 1.0 is left out")


def test_the_example_package_passes_its_own_tests(installed):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(PLUGIN)]
    options = ["--rootdir", str(PLUGIN), "-c", str(PLUGIN / "pyproject.toml")]
    found = subprocess.run([*command, *options], env=installed, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout
    assert " passed" in found.stdout
