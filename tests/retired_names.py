"""The words that the project no longer uses, and what to write instead; the glossary is in docs."""

from __future__ import annotations

_CLUSTER = "a key of TF_CONFIG, which TensorFlow reads"
_MADE_UP = "made-up names of a rename that the test translates"
EXEMPT = {
    ("tbviz/callbacks/run/distributed.py", "chief"): _CLUSTER,
    ("tests/callbacks/test_distributed.py", "chief"): _CLUSTER,
    ("tests/callbacks/test_schedule.py", "patience"): "an argument of Keras' EarlyStopping",
    ("tbviz/callbacks/options.py", "of"): "the error of an argument that had this name",
    ("tests/callbacks/test_options.py", "of"): "the same",
    ("tests/freeze/test_translate.py", "look"): _MADE_UP,
    ("tests/freeze/test_translate.py", "Look"): _MADE_UP,
}
"""`(file, identifier or string)` to why it stays."""

IDENTIFIERS = {
    "look": "capture, snapshot (verb: inspect, record)",
    "looks": "snapshots",
    "looked": "captured, inspected",
    "looking": "capturing, inspecting",
    "looker": "inspector",
    "lookers": "inspectors",
    "journal": "run_log",
    "ledger": "training_clock",
    "pace": "scheduler",
    "paced": "scheduled",
    "patience": "timeout",
    "gathering": "probe_batch",
    "subject": "submodel",
    "chief": "primary",
    "kept": "preserved, cached, retained",
    "aim": "class_target",
    "aims": "class_targets",
    "survey": "model_outputs",
    "surveys": "model_outputs",
    "likeness": "similarity",
    "alike": "duplicates, similar",
    "dear": "expensive",
    "dearest": "most_expensive",
    "minds": "predictions",
    "soundness": "check",
    "examine": "scan",
    "examination": "scan",
    "inspection": "summary",
    "claim": "exclusive",
    "claimed": "exclusive",
    "claiming": "exclusive",
    "endings": "exit_hooks",
    "wire": "json",
    "told": "json_values, reported",
    "place": "location, index, row, offset, position",
    "places": "locations, indices, rows, offsets, positions",
    "placed": "positioned",
    "unplaced": "unpositioned",
    "climb": "maximize",
    "climbed": "maximized",
    "wish": "request",
    "wishes": "requests",
    "yielding": "low_priority",
    "doomed": "killed",
    "crowd": "parallel_writers",
    "forge": "forged_store",
    "fabricate": "made_stores",
    "fabricated": "made",
    "minded": "predicted",
}
"""Words of an identifier (`last_look`, `lastLook`) to what to write."""

CONSTANTS = {
    "MOST": "MAX, DEFAULT",
    "LEAST": "MIN",
    "LARGEST": "MAX",
    "LONGEST": "MAX",
    "SHORTEST": "MIN",
    "FEWEST": "MIN",
    "WIDEST": "MAX",
    "SMALLEST": "MIN",
}
"""First words of constants (`_MOST_TILES`) to what to write."""

WHOLE = {
    "of": "submodel, picture, kind, owner",
    "yields": "low_priority",
    "settled": "resolve_predictions, loaded",
    "hands_on": "passes_through",
    "Due": "DueCallbacks",
    "size_saying": "size_forecast",
    "update_norm": "weight_update",
}
"""Whole identifiers."""

_NOUN = (
    r"a|an|the|each|every|first|last|next|one|no|per|this|that|these|those|all|many|between|two|"
    r"few|later|earlier|former|newest|several|its|whole|interrupted|compiled|taken|single"
)
PROSE = {
    rf"\b(?:{_NOUN}) looks?\b(?! (?:at|like|up|into|for|as|alike)\b)": "snapshot",
    (
        r"\blooks (?:less|more|no|every|now|when|took|take|taken|are|were|have|that|which|of|in|do)"
        r"\b"
    ): "snapshots",
    r"\blooks? at nothing\b": "is paused",
    r"\blook(?:s|ed) into\b": "inspects, inspected",
    r"\bneither looks?\b": "captures",
    r"\blooker\b": "inspector",
    r"\bjournal\b": "run log",
    r"\bledger\b": "training clock",
    r"\bthe chief\b": "the primary process",
    r"\bgathering\b": "probe batch",
    r"\bdear(?:er|est|ly)?\b": "expensive",
    r"\blikeness\b": "similarity",
    r"\bsurvey\b": "model outputs",
    r"\bcolumns of looks\b": "snapshots",
    r"\bexamination\b": "scan",
    r"\bsoundness\b": "check",
    r"\bof=": "submodel=",
}

BRITISH = (
    r"colour|grey|normalis|recognis|centre\b|centred|behaviour|favour|summaris|minimis|maximis|"
    r"optimis(?!t)|randomis|initialis|serialis|visualis|quantis|synchronis|learnt|neighbour|labelled|"
    r"modelled|cancell(?:ed|ing)|localis|analys(?:e|ed|es|ing)\b|licence|generalis|organis|"
    r"regularis|materialis|characteris|specialis|memoris|penalis|standardis|parallelis|vectoris|"
    r"utilis|emphasis(?:e|ed|es|ing)\b|tokenis|binaris|artefact|catalogue|judgement|travell|"
    r"programme\b|whilst|towards\b"
)
