from __future__ import annotations

import ast
import inspect
import sys
from pathlib import Path

import pytest

import tbviz
import tbviz.methods
from tbviz.backend import chosen_backend, require_backend
from tbviz.errors import MissingBackendError, TbvizError


@pytest.mark.parametrize("module", [tbviz, tbviz.methods])
def test_all_is_sorted_and_is_what_dir_and_type_checkers_see(module):
    assert module.__all__ == sorted(module.__all__)
    assert dir(module) == module.__all__
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    [typing_only] = [node for node in tree.body if isinstance(node, ast.If)]
    seen_late = {
        alias.name
        for node in typing_only.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    seen_at_once = {"TbvizError", "__version__"} if module is tbviz else set()
    assert seen_late | seen_at_once == set(module.__all__)


@pytest.mark.parametrize("module", [tbviz, tbviz.methods])
def test_every_public_name_is_there_ours_and_explained(module):
    for name in module.__all__:
        value = getattr(module, name)
        assert getattr(module, name) is value
        if isinstance(value, str):
            continue
        home = getattr(value, "__module__", None) or value.__name__
        assert home.startswith("tbviz"), name
        assert inspect.getdoc(value), name
        assert getattr(value, "__name__", name).rpartition(".")[2] == name


def test_an_unknown_name_says_what_there_is():
    with pytest.raises(AttributeError, match=r"no attribute 'GradCam'.*'GradCAM'"):
        tbviz.GradCam  # noqa: B018


BLOCK = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocker())
import tbviz
"""


ALL = {"tensorflow", "jax", "torch"}


@pytest.mark.parametrize(
    ("blocked", "backend", "said"),
    [
        ({"keras"}, "tensorflow", ["'tensorflow'", "no module named keras was"]),
        (ALL, "tensorflow", ["no module named tensorflow was", "'tbviz[tensorflow]'.", "=jax or"]),
        (ALL | {"keras"}, "jax", ["keras and jax", "Type: pip install 'tbviz[jax]'."]),
        ({"torch", "jax"}, "torch", ["set KERAS_BACKEND=tensorflow", "'tbviz[torch]'."]),
        (ALL | {"openvino"}, "openvino", ["'tbviz[jax]'", "set KERAS_BACKEND=jax"]),
        # As for somebody who has installed tbviz[torch] and no more: Keras' own default.
        (
            {"tensorflow", "jax"},
            "",
            ["'tensorflow'", "torch is installed: set KERAS_BACKEND=torch"],
        ),
    ],
)
def test_a_missing_backend_is_named_with_what_to_type_or_set(
    fresh_python, monkeypatch, tmp_path, blocked, backend, said
):
    monkeypatch.setenv("KERAS_BACKEND", backend)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    code = f"BLOCKED = {blocked!r}\n{BLOCK}\n"
    code += "try: tbviz.Monitor\nexcept tbviz.errors.MissingBackendError as error: print(error)"
    message = fresh_python(code)
    assert message.startswith("tbviz.Monitor needs Keras 3")
    for words in said:
        assert words in message


def test_what_needs_no_keras_works_without(fresh_python):
    code = "BLOCKED = {'keras', 'tensorflow'}\n" + BLOCK + "print(tbviz.every(epochs=2))"
    assert fresh_python(code).strip()


def test_an_import_error_of_another_kind_is_not_swallowed(fresh_python):
    # Keras and its backend are there, but a part of what we need from them is broken.
    code = BLOCK.replace('name.partition(".")[0] in BLOCKED', 'name == "tbviz.callbacks.monitor"')
    code += "try: tbviz.Monitor\nexcept ImportError as error: print(type(error).__name__, error)"
    assert fresh_python(code).startswith("ModuleNotFoundError No module named 'tbviz.callbacks")


def test_the_backend_is_chosen_in_keras_order(monkeypatch, tmp_path):
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert chosen_backend() == "tensorflow"
    (tmp_path / "keras.json").write_text('{"backend": "torch"}')
    assert chosen_backend() == "torch"
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert chosen_backend() == "jax"
    (tmp_path / "keras.json").write_text("not json")
    monkeypatch.delenv("KERAS_BACKEND")
    assert chosen_backend() == "tensorflow"


def test_a_missing_backend_is_both_our_error_and_an_import_error(monkeypatch):
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    monkeypatch.setenv("KERAS_BACKEND", "no_such_backend")
    with pytest.raises(TbvizError) as caught:
        require_backend("this")
    assert isinstance(caught.value, MissingBackendError)
    assert isinstance(caught.value, ImportError)
