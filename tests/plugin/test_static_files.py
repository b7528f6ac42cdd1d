from __future__ import annotations

import gzip
import re

import pytest

from tbviz.plugin.routes import STATIC
from tbviz.plugin.static_files import static_file

# As they are sent, for the page is opened over SSH too: what the first screen needs, and each part
# that comes when it is first shown.
MAX_BYTES = 60_000
MAX_BYTES_LATER = 20_000

# What a built module cannot run without, as the bundler writes it.
IMPORTS = re.compile(r"""(?:from|\bimport)\s*["'`]\./([^"'`]+)["'`]""")


@pytest.fixture
def built(tmp_path):
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (tmp_path / "secret.py").write_text("hidden")
    for name in ("index.js", "index.js.map", "worker-entrypoint.js", "odd.xyz",
                 "assets/page-B3k9x_Qa.css",
                 "assets/page-DiwrgTda.js.map", "assets/font-Ab1-2_cd.woff2"):  # fmt: skip
        (folder / name).write_text(f"content of {name} " * 50)
    return folder


@pytest.mark.parametrize(
    ("name", "kind", "immutable"),
    [
        ("index.js", "text/javascript; charset=utf-8", False),
        ("index.js.map", "application/json; charset=utf-8", False),
        ("worker-entrypoint.js", "text/javascript; charset=utf-8", False),
        ("assets/page-B3k9x_Qa.css", "text/css; charset=utf-8", True),
        ("assets/page-DiwrgTda.js.map", "application/json; charset=utf-8", True),
        ("assets/font-Ab1-2_cd.woff2", "font/woff2", True),
        ("odd.xyz", "application/octet-stream", False),
    ],
)
def test_files_have_their_type_and_cache(built, name, kind, immutable):
    file = static_file(built, name)
    assert file.content.startswith(f"content of {name}".encode())
    assert file.type == kind
    assert ("immutable" in file.cache) is immutable


@pytest.mark.parametrize(
    "name",
    ["../secret.py", "assets/../../secret.py", "/etc/passwd", "..", "", ".", "assets", "assets/",
     "index.js/", "INDEX.JS/..", "index.js\0", "..\\secret.py", "%2e%2e/secret.py"],
)  # fmt: skip
def test_no_name_leads_out_of_the_folder(built, name):
    assert static_file(built, name) is None


def test_routes_serve_them(board, tmp_path, built):
    one = board(tmp_path)
    one.plugin._routes._static = built
    response = one.get("static/index.js", headers={"Accept-Encoding": "gzip"})
    assert response.headers["Cache-Control"] == "no-cache"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert gzip.decompress(response.get_data()).startswith(b"content of index.js")
    hashed = one.get("static/assets/page-B3k9x_Qa.css")
    assert hashed.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    font = one.get("static/assets/font-Ab1-2_cd.woff2", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in font.headers
    for path in ("../plugin.py", "%2e%2e/plugin.py", "..%2fplugin.py", "assets/..%2f..%2fsecret.py",
                 "..%5cplugin.py", "/etc/passwd", "%2fetc%2fpasswd", "", "nowhere.js"):  # fmt: skip
        response = one.get(f"static/{path}")
        assert response.status_code == 404, path
        assert b"hidden" not in response.get_data()


def test_without_a_built_page_the_module_says_how_to_build_it(board, tmp_path):
    one = board(tmp_path)
    one.plugin._routes._static = tmp_path / "nowhere"
    response = one.get("static/index.js")
    assert response.status_code == 200
    assert "export function render()" in response.get_data(as_text=True)
    assert "pip install ." in response.get_data(as_text=True)
    assert response.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert one.get("static/style.css").status_code == 404


def needed(folder, name):
    """A module and all that it cannot run without."""
    found, left = set(), [name]
    while left:
        found.add(left[-1])
        left += set(IMPORTS.findall((folder / left.pop()).read_text("utf-8"))) - found
    return found


def test_what_a_module_needs(tmp_path):
    (tmp_path / "page.js").write_text('import{a}from"./b.js";import"./c.js";import(`./later.js`)')
    (tmp_path / "b.js").write_text("export{x}from'./page.js'")
    (tmp_path / "c.js").write_text("")
    assert needed(tmp_path, "page.js") == {"page.js", "b.js", "c.js"}


def test_the_page_is_small(board, tmp_path):
    names = {path.name for path in STATIC.glob("*.*") if path.suffix in {".js", ".css"}}
    assert "index.js" in names, "the page is not built: pip install ."
    one = board(tmp_path)
    sizes = {
        name: len(one.get(f"static/{name}", headers={"Accept-Encoding": "gzip"}).get_data())
        for name in names
    }
    # The door opens the page at once, by an import of its own.
    (page,) = re.findall(r"import\(`\./(page-[^`]+)`\)", (STATIC / "index.js").read_text("utf-8"))
    first = {name for name in names if name.endswith(".css")}
    first |= needed(STATIC, "index.js") | needed(STATIC, page)
    assert sum(sizes[name] for name in first) <= MAX_BYTES, sizes
    later = {name: sizes[name] for name in names - first}
    assert later, "nothing is left for later"
    assert max(later.values()) <= MAX_BYTES_LATER, later
    # One file more is one connection more before anything is seen.
    assert len(first) == 3, first
