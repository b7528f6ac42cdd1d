"""Every intended change of a name since the reference commit, with its reason.

`old` and `new` of a sentence are templates: `{}` or `{name}` stands for what is carried over as it
is, such as numbers and layers. Unnamed places keep their order. Examples:

    Rename("field", "colours", "colors", "American spelling", where="*/layout/*")
    Rename("sentence", "{n} of {all} are dead", "of {all}, {n} are dead", "plain English")

An entry that no longer applies is reported, and may be deleted. The reference commit is 3f867a7.
"""

from __future__ import annotations

from typing import Final

from benchmarks.freeze.translate import Rename

_AMERICAN: Final = "American spelling, as in numpy, Keras and matplotlib"
_HEALTH: Final = "the number says what it measures"

_KINDS: Final = tuple(
    Rename("kind", f"{family}:colours", f"{family}:colors", _AMERICAN)
    for family in ("activations", "kernels", "hypercolumns")
)

_FIELDS: Final = (
    *(
        Rename("field", "of", "picture", "it names the kind of picture", where=where)
        for where in ("*/layout/of", "*/layouts/*/of", "*/once/*/of")
    ),
    Rename("field", "of", "answers", "the recorder's own key", where="/http/of"),
    Rename("field", "left_out", "skipped", "a skipped snapshot, as in notices", where="*/cost*"),
    Rename("field", "looks", "snapshots", "a look is a snapshot", where="*/cost*"),
    Rename("field", "broken", "not_finite", "it says what is wrong", where="*/health*"),
)

_HEALTH_NUMBERS: Final = (
    Rename("health number", "likeness", "similarity", _HEALTH),
    Rename("health number", "change", "output_change", _HEALTH),
    Rename("health number", "update_norm", "weight_update", "it is a ratio, not a norm"),
    *(
        Rename("health number", "alike", "duplicates", _HEALTH, where=where)
        for where in ("*/layers/*", "*/numbers/*", "*/names/*", "*/thresholds*", "/functions/*")
    ),
    *(
        Rename(
            "health number", "alike", "correlation", "the column holds correlations", where=where
        )
        for where in ("*/sheets/*", "*/columns/*")
    ),
    Rename("rule", "like-input", "similar-to-input", _HEALTH),
)

_ARGUMENTS: Final = (
    Rename("argument", "colours", "colors", _AMERICAN, where="*"),
    Rename("argument", "normalise", "normalize", _AMERICAN),
    Rename("function", "activation_colours", "activation_colors", _AMERICAN),
    Rename("argument", "painted_alike", "painted_equally", "one word for one meaning"),
    Rename("function", "colours learnt", "colors learned", _AMERICAN),
    Rename("argument", "alike_correlation", "duplicate_correlation", _HEALTH),
)

_LOOK: Final = "a look is a snapshot"
_PER: Final = "per layer, not a layer"
_PLAIN: Final = "plain English"
_LIKE_INPUT: Final = (
    "{layer}'s maps look like its input ({value} in this epoch): it has learnt nothing yet"
)
_RESEMBLES: Final = (
    "the feature maps of {layer} have resembled its input in this epoch (similarity {value}): it "
    "has not learned anything yet"
)
_SEE_WHETHER: Final = "see whether its weights move and gradients reach it"
_CHECK_THAT: Final = "check that its weights change and that gradients reach it"
_WAKE: Final = "if other probe images do not wake them, try a lower learning rate or LeakyReLU"
_STAY_DEAD: Final = (
    "if they stay dead on other probe images, try a lower learning rate or LeakyReLU"
)
_COMPONENTS: Final = "Principal components of {} channels: red {}, green {}, blue {}"
_CHANGED: Final = (
    (
        f"{_COMPONENTS} of the first look's variance",
        f"{_COMPONENTS} of the first snapshot's variance",
        _LOOK,
    ),
    ("about {} a look, in {}", "about {} per snapshot, written to {}", _LOOK),
    (
        "about {} an epoch, {} for {} epochs, in {}",
        "about {} per epoch, {} for {} epochs, written to {}",
        _PER,
    ),
    (
        "{} weights, a filter a row: {}, an input a column: {}",
        "{} weights, one filter per row: {}, one input per column: {}",
        _PER,
    ),
    ("{} since the first step", "{} since the first snapshot", "training has steps"),
    ("full colour is a weight of {}", "full color is a weight of {}", _AMERICAN),
    (
        "Made to raise each class's score; another class may score higher still",
        "Images optimized for each class (other classes may still score higher)",
        _PLAIN,
    ),
    (
        "The first {} maps of the first {} layers",
        "First {} channels of the first {} layers",
        "a tile is a channel",
    ),
    (_LIKE_INPUT, _RESEMBLES, _PLAIN),
    (_SEE_WHETHER, _CHECK_THAT, _PLAIN),
    (f"{_LIKE_INPUT}; {_SEE_WHETHER}", f"{_RESEMBLES}; {_CHECK_THAT}", _PLAIN),
    (_WAKE, _STAY_DEAD, _PLAIN),
    (f"{{}}; {_WAKE}", f"{{}}; {_STAY_DEAD}", _PLAIN),
    (
        "What training sees of each image, behind {}",
        "Probe images as training sees them, after {}",
        _PLAIN,
    ),
    ("{} of {} channels, a bar each", "{} of {} channels, one bar each", _PER),
    (
        "two callbacks of this fit log {} of it; {}",
        "two callbacks of this fit log {} of the same layer; {}",
        _PLAIN,
    ),
    (
        "One bar a channel, upward where it is above zero; one scale for all images",
        "One bar per channel, upward if it is above zero; one scale for all images",
        _PER,
    ),
    ("advice/LayerHealth/{}/like-input", "advice/LayerHealth/{}/similar-to-input", _HEALTH),
)
# Not in the part `http`: a store keeps the sentences that were written to it.
_SENTENCES: Final = tuple(
    Rename("sentence", old, new, reason, where="/[!h]*") for old, new, reason in _CHANGED
)

_ROW_TITLES: Final = Rename(
    "sentence", "map {}", "channel {}", "a tile is a channel", where="/[!h]*/row_titles/*"
)

# Of answers, which no store keeps.
_ERRORS: Final = (
    Rename(
        "sentence",
        "received {}, expected a whole number from 0 on",
        "received {}, expected a whole number of at least 0",
        "plain English",
        where="/http/wrong/*",
    ),
)

RENAMES: tuple[Rename, ...] = (
    *_KINDS,
    *_FIELDS,
    *_HEALTH_NUMBERS,
    *_ARGUMENTS,
    *_SENTENCES,
    _ROW_TITLES,
    *_ERRORS,
)

CHANGES: Final[dict[str, str]] = {
    # Its classes have no names: their captions are `class 0` instead of `0`.
    "/functions/surface*": "signatures are held by tests/public_signatures.txt",
    "/gan/*": "layer paths begin with the submodel; without it, pictures and numbers were the same",
    "/two-outputs/*/records/notice//[123]": "labels and names say whose output they are",
    "/http/answers/parts/costs/*/snapshots": "no snapshot is interrupted any more, so each counts",
}
"""What may differ in any way: a pattern of paths, and the reason."""
