"""Tasks for `sil` in a few lines: the protocol sil-task/1 around a Python function.

    from sil_task import serve
    serve(lambda index: {"prompt": "%d+1=" % index, "answer": str(index + 1)}, size=1000)

The function gets the index of a problem, 0 to size-1, and returns a row as one of a dataset: a dict with `prompt`
(text or messages) and `answer`, say. It must be pure: the same index gives the same problem in every process. For random
numbers use random.Random(index). Whatever it or a library prints goes to stderr.

Python 3.9 or newer, no dependencies.
"""

from sil_verifier import _identity, _Wire

__all__ = ["serve"]

PROTOCOL = "sil-task/1"


def serve(problem, size, name=None, version=None):
    """Serves until stdin closes. An exception of the function ends the program, and with it the run."""
    name, version = _identity(problem, name, version)
    wire = _Wire()
    while messages := wire.take(1):
        message = messages[0]
        if message.get("type") == "hello":
            wire.send({"protocol": PROTOCOL, "name": name, "version": version, "size": size})
        else:
            wire.send({"id": message["id"], "problem": problem(message["index"])})
