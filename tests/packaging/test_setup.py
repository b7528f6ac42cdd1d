"""`setup.py`: when the page is built, with which Node, and the error if it cannot be."""

from __future__ import annotations

import json
import shutil

import pytest

import setup


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    sources, bundle = tmp_path / "plugin_frontend", tmp_path / "static"
    (sources / "src").mkdir(parents=True)
    (sources / "package.json").write_text('{"engines": {"node": "^20.19 || >=22.12"}}')
    (sources / "package-lock.json").write_text('{"packages": {"": {}}}')
    (sources / "src" / "index.ts").write_text("one")
    monkeypatch.setattr(setup, "SOURCES", sources)
    monkeypatch.setattr(setup, "BUNDLE", bundle)
    monkeypatch.setattr(setup, "RECORD", bundle / "sources.sha256")
    monkeypatch.setattr(setup, "LICENSES", bundle / "licenses.txt")
    return tmp_path


@pytest.fixture
def no_node(monkeypatch):
    monkeypatch.setattr(setup, "npm_on_path", lambda: None)
    monkeypatch.setattr(setup, "npm_from_wheel", lambda: None)


def pretend_to_build(checkout):
    (checkout / "static").mkdir(exist_ok=True)
    (checkout / "static" / "index.js").write_text("built")
    setup.LICENSES.write_text("MIT")
    setup.RECORD.write_text(setup.hash_of_sources() + "\n")


@pytest.mark.parametrize(
    ("version", "wanted", "will_do"),
    [
        ("v20.19.0", "^20.19 || >=22.12", True),
        ("v20.20.2", "^20.19.0 || >=22.12.0", True),
        ("v20.18.9", "^20.19.0 || >=22.12.0", False),
        ("v18.20.4", "^20.19.0 || >=22.12.0", False),  # Debian 12
        ("v21.7.0", "^20.19.0 || >=22.12.0", False),
        ("v22.11.0", "^20.19.0 || >=22.12.0", False),
        ("v24.19.0", "^20.19.0 || >=22.12.0", True),
        ("v20.1.0", ">= 20 <22", True),
        ("v22.0.0", ">= 20 <22", False),
        ("20.1.9", "~20.1.2", True),
        ("20.2.0", "~20.1.2", False),
        ("20.1.0", "20.1.0", True),
        ("20.1.1", "=20.1.0", False),
        ("22.0.0", "<=22 || >23", True),
        ("6.0.0", "*", True),
    ],
)
def test_a_version_is_in_a_range_as_npm_reads_it(version, wanted, will_do):
    assert setup.satisfies(version, wanted) is will_do


@pytest.mark.parametrize(("version", "wanted"), [("none", "*"), ("20.1.0", "lts/iron")])
def test_what_is_no_version_or_range_is_named(version, wanted):
    with pytest.raises(setup.PageError, match=r"received the (version|range) '(none|lts/iron)'"):
        setup.satisfies(version, wanted)


def test_the_page_asks_for_a_node_that_all_it_is_built_with_accepts():
    lock = json.loads((setup.SOURCES / "package-lock.json").read_text("utf-8"))["packages"]
    needed = {
        name: package["engines"]["node"]
        for name, package in lock.items()
        if name
        and "node" in package.get("engines", {})
        and not (package.get("dev") or package.get("optional"))
    }
    assert needed
    for oldest in ("20.19.0", "22.12.0"):
        assert setup.satisfies(oldest, setup.wanted_node())
        refusing = [name for name, wanted in needed.items() if not setup.satisfies(oldest, wanted)]
        assert refusing == []


def test_a_built_page_is_current_until_a_source_changes(checkout):
    assert not setup.page_is_current()
    pretend_to_build(checkout)
    assert setup.page_is_current()
    (setup.SOURCES / "src" / "index.ts").write_text("two")
    assert not setup.page_is_current()
    pretend_to_build(checkout)
    (setup.SOURCES / "src" / "index.ts").rename(setup.SOURCES / "src" / "other.ts")
    assert not setup.page_is_current()


def test_what_the_page_is_not_made_of_does_not_count(checkout):
    pretend_to_build(checkout)
    for name in (
        "node_modules/a/b.js",
        "tests/a.test.ts",
        "src/a.test.ts",
        ".cache/x",
        "README.md",
    ):
        path = setup.SOURCES / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("new")
    assert setup.page_is_current()


def test_a_page_without_record_is_built_again(checkout):
    pretend_to_build(checkout)
    setup.RECORD.unlink()
    assert not setup.page_is_current()


def test_a_page_without_the_licenses_of_its_libraries_is_built_again(checkout):
    pretend_to_build(checkout)
    setup.LICENSES.unlink()
    assert not setup.page_is_current()


def test_the_licenses_of_all_libraries_in_the_page_are_collected(checkout):
    packages = {"": {"dependencies": {"shown": "1", "vite": "8"}, "devDependencies": {"dev": "1"}}}
    packages["node_modules/shown"] = {"dependencies": {"@below/core": "1"}}
    packages["node_modules/@below/core"] = {}
    (setup.SOURCES / "package-lock.json").write_text(json.dumps({"packages": packages}))
    for name in ("shown", "@below/core"):
        folder = setup.SOURCES / "node_modules" / name
        folder.mkdir(parents=True)
        (folder / "package.json").write_text('{"version": "1.2.3", "license": "MIT"}')
        (folder / "LICENSE").write_text(f"Copyright (c) the makers of {name}\n")
    assert setup.bundled_packages() == ["@below/core", "shown"]
    written = setup.licenses()
    for name in ("shown", "@below/core"):
        assert f"{name} 1.2.3 (MIT)\n\nCopyright (c) the makers of {name}\n" in written


def test_the_libraries_in_the_page_have_the_license_that_the_metadata_states():
    lock = json.loads((setup.SOURCES / "package-lock.json").read_text("utf-8"))["packages"]
    assert {lock[f"node_modules/{name}"]["license"] for name in setup.bundled_packages()} == {"MIT"}


def test_a_package_with_the_page_and_no_sources_needs_nothing(checkout, no_node):
    pretend_to_build(checkout)
    shutil.rmtree(setup.SOURCES)
    assert setup.page_is_current()
    assert setup.node_requirement() == []
    setup.build_page()


def test_node_is_fetched_only_where_it_is_needed(checkout, no_node, monkeypatch):
    assert setup.node_requirement() == [setup.NODE_WHEEL]
    monkeypatch.setattr(setup, "npm_on_path", lambda: ["/usr/bin/npm"])
    assert setup.node_requirement() == []
    monkeypatch.undo()


def test_without_page_and_sources_the_error_says_what_to_do(checkout):
    shutil.rmtree(setup.SOURCES)
    with pytest.raises(setup.PageError, match=r"neither a built page .* from a git checkout"):
        setup.build_page()


def test_without_node_the_error_says_which_and_what_to_type(checkout, no_node):
    with pytest.raises(setup.PageError, match=r"Expected Node.js \^20.19 .*pip install 'nodejs"):
        setup.build_page()


@pytest.mark.parametrize(("answer", "taken"), [("v18.20.4", False), ("v22.12.0", True)])
def test_an_old_node_on_the_path_is_passed_over(checkout, monkeypatch, answer, taken):
    for name, prints in (("node", answer), ("npm", "10.9.0")):
        script = checkout / "bin" / name
        script.parent.mkdir(exist_ok=True)
        script.write_text(f"#!/bin/sh\necho {prints}\n")
        script.chmod(0o755)
    monkeypatch.setenv("PATH", str(checkout / "bin"))
    assert (setup.npm_on_path() == [str(checkout / "bin" / "npm")]) is taken


def test_npm_that_fails_is_named_with_its_status(checkout):
    npm = checkout / "npm"
    npm.write_text("#!/bin/sh\nexit 7\n")
    npm.chmod(0o755)
    with pytest.raises(setup.PageError, match=r"`npm ci` .* ended with 7, expected 0"):
        setup._run([str(npm)], "ci")


def test_installed_modules_are_reused_while_they_are_as_locked(checkout, monkeypatch):
    ran = []

    def run(npm, *arguments):
        ran.append(arguments[0])
        pretend_to_build(checkout)

    monkeypatch.setattr(setup, "_run", run)
    monkeypatch.setattr(setup, "npm_on_path", lambda: ["npm"])
    setup.build_page()
    assert ran == ["ci", "run"]
    setup.build_page()
    assert ran == ["ci", "run"]
    (setup.SOURCES / "node_modules").mkdir()
    (setup.SOURCES / "node_modules" / ".package-lock.json").write_text("{}")
    (setup.SOURCES / "src" / "index.ts").write_text("changed")
    setup.build_page()
    assert ran == ["ci", "run", "run"]
