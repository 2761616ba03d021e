"""Print as JSON what programs say outside the hub's pages, in the language that is given.

Each sentence comes with the room that says it, and what can be asked for is asked for.
"""

import json
import os
import string
import sys

language = os.environ["MINGA_LANGUAGE"] = sys.argv[1]
sys.path.append("hub_config/jupyter/open")

import minga_open
from nbformat.v4 import new_code_cell, new_notebook, new_output
from starlette.requests import Request

from courses.preprocessors import TranslateFeedback
from exchange import receipt, words
from exchange.service.problems import PROBLEMS, Problem, language_of
from exchange.service.uploads import FILE
from grading import flags, hidden, integrity, kernels, links, sandbox
from spawners.session_time import SENTENCES
from translation.sentences import translate

said: list[tuple[str, str]] = []


def gaps(text: str) -> dict[str, int]:
    """Return a number for each placeholder of a sentence."""
    return {name: 1 for _, name, _, _ in string.Formatter().parse(text) if name}


def exchange() -> None:
    for key, text in words.WORDS.items():
        said.append(("exchange", words.say(language, key, **gaps(text))))
    said.append(("receipt", receipt.file_name(language).removesuffix(".json")))
    assert receipt.file_name(language) in receipt.file_names()
    header = (b"accept-language", f"{language}, en;q=0.5".encode())
    spoken = language_of(Request({"type": "http", "headers": [header]}))
    for code, (_, _, detail) in PROBLEMS.items():
        answer = Problem(code, **gaps(detail)).answer(spoken)
        assert answer.headers["Content-Language"] == language
        problem = json.loads(answer.body)
        said.extend([("service", problem["title"]), ("service", problem["detail"])])
    problem = json.loads(Problem("too_large", limit=1, what=FILE).answer(spoken).body)
    said.append(("service", problem["detail"]))


def grading() -> None:
    errors = [*map(kernels.failed, kernels._WHY), sandbox.SandboxUnavailable(sandbox.NEEDED)]
    for error in errors:
        said.append(("grading", error.message.said_in(language)))
        assert error.message.said_in(language) in str(error)
    for message in (integrity.LIES, integrity.REPLACED, integrity.PASSED, links.HAS_LINKS):
        said.append(("grading", message.filled(**gaps(message.text)).said_in(language)))
    assert integrity.LIES.said_in(language) in flags._shown([integrity.LIES]).text


def feedback() -> None:
    test = {"schema_version": 3, "grade": True, "solution": False, "locked": True, "points": 1}
    failed = new_output("error", ename="AssertionError", traceback=["Cell In[1], line 2"])
    source = "### BEGIN HIDDEN TESTS\nassert x\n### END HIDDEN TESTS"
    nb = new_notebook(
        cells=[
            new_code_cell(source, outputs=[failed], metadata={"nbgrader": test}),
            new_code_cell("1", outputs=[new_output("stream", text="1")]),
        ],
        metadata={"minga": {"language": language}},
    )
    nb, _ = hidden.HideTests().preprocess(nb, {})
    said.append(("hidden", nb.cells[0].source))
    said.extend(("hidden", cell.outputs[0].get("evalue", "")) for cell in nb.cells)
    said.append(("hidden", nb.cells[1].outputs[0].text))
    resources = {"nbgrader": {"assignment": "a", "notebook": "b"}}
    _, page = TranslateFeedback().preprocess(nb, resources)
    assert page["minga_language"] == language
    said.append(("feedback", page["minga_gettext"]("Puntos")))


if __name__ == "__main__":
    exchange()
    grading()
    feedback()
    said.extend(("lab", translate(sentence.text, language)) for sentence in SENTENCES.values())
    said.append(("lab", minga_open.failed("1")))
    print(json.dumps(said))
