"""Every intended change of a name since the reference commit, with its reason.

`old` and `new` of a sentence are templates: `{}` or `{name}` stands for what is carried over as it
is, such as numbers and layers. Unnamed places keep their order. Examples:

    Rename("kind", "activations:colors", "activations:colors", "American spelling")
    Rename("field", "looks", "snapshots", "a look is a snapshot", where="*/costs/*")
    Rename("sentence", "{n} of {all} are dead", "of {all}, {n} are dead", "plain English")

An entry that no longer applies is reported, and may be deleted.
"""

from __future__ import annotations

from benchmarks.freeze.translate import Rename

RENAMES: tuple[Rename, ...] = ()
