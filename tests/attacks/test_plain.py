"""Code that does nothing but compute is known by reading it, and asked again in the same run."""

import attack_harness
import nbformat
import pytest
from attack_class import ASSIGNMENTS, cell, source
from nbformat.v4 import new_code_cell, new_notebook

from benchmarks import grade_class
from grading import integrity
from grading.integrity import Controls, question, verify
from grading.kernels import run_notebook
from grading.plain import ATTRIBUTES, BUILTINS, Author, can_be_asked_again, is_inert, is_plain

AUTHOR = (
    "import numpy as np\nimport os\nimport torch.nn.functional as F\nfrom numpy import load, sqrt",
    "def ayuda(x):\n    return x + 1\ndef corre(orden):\n    os.system(orden)\n"
    "def llama(orden):\n    return corre(orden)\nDATOS = [1, 2]",
)


def plain(*texts: str, author=AUTHOR, **metadata) -> bool:
    cells = [{"source": text, "metadata": metadata} for text in (*author, *texts)]
    return is_plain(cells, Author(author))


@pytest.mark.parametrize(
    "text",
    [
        "def f(x):\n    return x.sum()",
        "import numpy as np\nx = np.sqrt(np.array([1, 4]))\nx[0] = 3",
        "def f(xs):\n    out = []\n    for _ in range(3):\n        out.append(1)\n    return out",
        "f = lambda a, *b, c=2: [i for i in b if i > a] + [c]",
        "def f(x):\n    return y  # an error, and no more",
        "def f(x:\n    return",
        "# nothing",
        "raise NotImplementedError()",
        "a = ayuda(DATOS[0])\nprint(f'{a:.2f}')",
        "y = F.relu(sqrt(4))\nassert y > 0",
    ],
)
def test_what_computes_is_plain(text):
    assert plain(text)


@pytest.mark.parametrize(
    "text",
    [
        "np.sqrt = abs",
        "np = 3",
        "abs = len",
        "def len(x): return 3\nlen",
        "def f(open):\n    return open\nopen('x')",
        "class A:\n    def __eq__(self, other): return True",
        "f = ().__class__",
        "import sys",
        "import numpy as nn",
        "from numpy import load",
        "load('x.npy', allow_pickle=True)",
        "os.system('x')",
        "corre('x')",
        "f = llama",
        "eval('1')",
        "f = getattr",
        "_ = 3\nprint(_)",
        "__builtins__",
        "def _f(): pass",
        "x = 1\n_i3",
        "get_ipython()\nx = 1",
        "In[0]\nx = 1",
        "%matplotlib inline\nx = 1",
        "x = !ls",
        "  x = 1\n  y = 2",
        "history",
        "history -g",
        "/print 1\n/print 2",
        "del DATOS",
        "global x\nx = 1",
        "try:\n    f()\nexcept Exception:\n    pass",
        "@print\ndef f(): pass",
        "await f()\nx = 1",
        "async def f(): pass",
        "with open('x') as f:\n    pass",
        "np.random.rand(3)\nx = 1",
        "np.empty(3)\nx = 1",
        "np.testing.assert_allclose = print",
        "np.ma.masked\nx = 1",
        "'{0.__class__}'.format(1)\nx = 1",
        "(i for i in []).gi_frame\nx = 1",
        "def f():\n    yield 1\nf().send(1)",
        "x = 1" + " + 1" * 20_000,
        "-" * 200_000 + "1",
    ],
)
def test_what_might_do_more_is_not(text):
    assert not plain(text)


def test_a_tag_may_say_not_to_run_it():
    assert not plain("x = 1\ny = 2", tags=["skip-execution"])


@pytest.mark.parametrize("magic", ["%pylab", "from numpy import *", "exec(input())\n%time"])
def test_an_author_who_brings_names_unseen_gets_two_runs(magic):
    assert not plain("x = 1\ny = 2", author=(*AUTHOR, magic))


def test_no_word_of_ours_reaches_further():
    """Nothing with a name as text, a file, chance, or the system behind it."""
    import numpy as np

    assert not {"eval", "exec", "open", "getattr", "type", "vars", "id", "hash"} & BUILTINS
    assert not {"load", "save", "tofile", "random", "testing", "empty", "ma", "format"} & ATTRIBUTES
    assert not any(name.startswith("_") for name in ATTRIBUTES | BUILTINS)
    for name in ATTRIBUTES & set(dir(np)):
        found = getattr(np, name)
        modules = {"numpy", "numpy.linalg", "numpy.dtypes", "builtins", "numpy._core.umath"}
        module = getattr(found, "__module__", None) or type(found).__module__
        assert module in modules or module.startswith("numpy"), (name, module)


@pytest.mark.parametrize("kind", ["numpy", "torch"])
@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_honest_answers_need_one_run(kind, number):
    notebook = grade_class.source(kind)
    author = Author(c.source for c in notebook.cells if c.cell_type == "code")
    copied = nbformat.from_dict(notebook)
    for name, (right, wrong, *_) in grade_class.KINDS[kind][1].items():
        text = (right, wrong, "y", right)[number]
        cell(copied, name).source = f"def {name}(x):\n    return {text}"
    assert is_plain([c for c in copied.cells if c.cell_type == "code"], author)


# They end a run or write a lot, but do nothing else than compute: no second run shows more.
COMPUTING = {"endless_loop", "leak_by_traceback"}


@pytest.mark.parametrize(
    "name", [n for n, c in attack_harness.load().items() if hasattr(c, "CODE")]
)
def test_no_attack_is_plain(name):
    case = attack_harness.load()[name]
    assignment = getattr(case, "ASSIGNMENT", "tarea")
    notebook = source(assignment)
    author = Author(c.source for c in notebook.cells if c.cell_type == "code")
    first = next(iter(ASSIGNMENTS[assignment][1]))
    cell(notebook, first).source = f"{case.CODE}\nx = 1"
    code = [c for c in notebook.cells if c.cell_type == "code"]
    assert is_plain(code, author) == (name in COMPUTING)


def test_what_plain_python_does_not_do_is_not_asked_again():
    assert can_be_asked_again(["x = 1", "def f(x:\n    return"], ["assert f() == 1"])
    for other in ("%time x", "await f()", "In[0]", "display(get_ipython())", "_ih"):
        assert not can_be_asked_again([other], ["assert f() == 1"])
    assert not can_be_asked_again(["x = 1"], ["assert x == 1\nx"])  # x is the points
    assert can_be_asked_again(["x = 1"], ["caso.assertEqual(x, 1)"])


def test_what_nobody_understands_is_inert():
    assert is_inert("def f(x:\n    return")
    for other in (
        "def f(x):\n    return",
        "run -f",
        "x = (\n%time",
        "a?\nb c",
        ">>> x y\nz",
        " a b\nc",
    ):
        assert not is_inert(other)


SOLUTION = {
    "doble": ("def doble(x):\n    return 2 * x", "assert doble(np.array([1.0, 2.0]))[1] == 4"),
    "nada": ("def nada(x):\n    return x", "np.testing.assert_allclose(nada(np.ones(2)), 1.0)"),
}


def notebook_of(**answers: str):
    """The author's notebook, with these answers instead of the solutions."""
    cells = [new_code_cell("import numpy as np")]
    for name, (solution, test) in SOLUTION.items():
        about = {"grade_id": name, "grade": False, "solution": True, "locked": False}
        cells.append(new_code_cell(answers.get(name, solution), metadata={"nbgrader": about}))
        about = {"grade_id": f"{name}-p", "grade": True, "solution": False, "points": 2}
        about |= {"locked": True, "schema_version": 3, "task": False}
        cells.append(new_code_cell(test, metadata={"nbgrader": about}))
    return new_notebook(cells=cells)


@pytest.fixture(scope="module")
def asked():
    """Return a function that runs answers and says: the points, what was found, how many runs."""
    runs = []

    def run(nb):
        runs.append(nb)
        return run_notebook(nb, files={}, imports=("numpy",))

    controls = Controls(notebook_of(), run, "BEGIN")

    def ask(seconds: float = 20, **answers: str):
        before = notebook_of(**answers)
        runs.clear()
        last = question(before, controls, seconds)
        after = run(new_notebook(cells=[*nbformat.from_dict(before).cells, last.cell]))
        last.cell = after.cells.pop()
        points = sum(integrity.points_of(c) for c in after.cells if integrity.is_autograded(c))
        found = [*last.findings(), *verify(before, after, controls, run, last)]
        return points, [finding.said_in("en") for finding in found], len(runs)

    return ask


@pytest.mark.slow
def test_honest_work_is_run_once(asked):
    assert asked() == (4, [], 1)
    assert asked(doble="def doble(x):\n    return x")[1:] == ([], 1)


@pytest.mark.slow
def test_values_that_pass_any_test_are_found_in_the_same_run(asked):
    points, found, runs = asked(nada="def nada(x):\n    return x[:0]")
    assert (points, runs) == (4, 1)
    assert len(found) == 1 and "nada-p" in found[0]


@pytest.mark.slow
def test_what_remembers_is_asked_from_the_start(asked):
    """The second time begins without what the first time left: it lies in both or in none."""
    once = (
        "veces = []\ndef nada(x):\n    veces.append(1)\n    return x[:0] if len(veces) == 1 else x"
    )
    _, found, runs = asked(nada=once)
    assert runs == 1 and len(found) == 1


@pytest.mark.slow
def test_what_the_other_pass_has_no_room_for_proves_nothing(asked):
    """Deeper on the stack than the notebook's own cells are, or with less memory left."""
    for needed in range(2900, 3000, 4):  # one of them fits into the run, and not into a pass
        deep = (
            "def hondo(n):\n    return 0 if n == 0 else hondo(n - 1)\n"
            f"def nada(x):\n    hondo({needed})\n    return x[:0]"
        )
        points, found, runs = asked(nada=deep)
        assert points == 2 or found, (needed, runs)
        if points == 2:  # it does not fit into the run any more
            break
    else:
        pytest.fail("the stack was never full")


@pytest.mark.slow
def test_other_code_has_its_second_run(asked):
    points, found, runs = asked(
        nada="class Todo:\n    def __array__(self, *a, **k): return np.ones(0)\n"
        "def nada(x):\n    return Todo()"
    )
    assert (points, runs) == (4, 2)
    assert len(found) == 1


@pytest.mark.slow
def test_what_takes_too_long_has_its_second_run(asked):
    slow = "def doble(x):\n    n = 0\n    while n < 3_000_000:\n        n += 1\n    return 2 * x"
    assert asked(seconds=0.05, doble=slow) == (4, [], 2)
