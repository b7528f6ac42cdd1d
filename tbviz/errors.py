"""Define the errors that tbviz raises: each says what was received and expected, and what to do.

Those of one package stand in that package:

    TbvizError                    wrong arguments, and errors without another class
      MissingBackendError         Keras or its backend is not installed; an ImportError too
      LayerNotFoundError          tbviz.taps.select: a filter matches no layer
      StoreError                  tbviz.store.errors: a store cannot be written, read or reached
        UnknownWriterError        no such writer in the store
        DamagedError              the bytes are not those that were written
        BusyError                 tbviz.store.maintain.exclusive: another process has the pack
      UnknownNameError            tbviz.results.requests: no such item in the run; a KeyError too
      MalformedError              tbviz.plugin.errors: HTTP 400
      NotFoundError               tbviz.plugin.errors: HTTP 404
      GoneError                   tbviz.plugin.errors: HTTP 410
      ServerError                 tbviz.cli.server: TensorBoard does not start
"""

from __future__ import annotations


class TbvizError(Exception):
    """Base class of every error that tbviz raises on purpose."""


class MissingBackendError(TbvizError, ImportError):
    """Keras or its backend is missing, and a part of tbviz that runs models was used.

    It is an `ImportError` too, so that code which tries an import and goes on without it works.
    """
