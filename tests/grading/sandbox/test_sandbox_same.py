"""A forked kernel says what a fresh one says: outputs, errors, seeds, threads."""

import pytest
from sandboxed import comparable, notebook, plainly, run, text

pytestmark = pytest.mark.slow

OUTPUTS = [
    "import sys\nprint('hola', file=sys.stderr)\nprint('adiós')\n1 + 1",
    "%config InlineBackend.figure_format\n%xmode",
    "from IPython.display import HTML, Markdown\ndisplay(HTML('<b>x</b>'))\nMarkdown('*y*')",
    "def dividir(a, b):\n    return a / b\ndividir(1, 0)",
    "no existe =",
    "_ = input('?')",
    "raise KeyboardInterrupt('mío')",
    "try:\n    1 / 0\nexcept Exception as error:\n    raise ValueError('ñ') from error",
    "handle = display('antes', display_id='uno')\nhandle.update('después')",
    "import asyncio\nawait asyncio.sleep(0.01)\nawait asyncio.gather(asyncio.sleep(0, 'a'))",
    "import threading\nt = threading.Thread(target=print, args=('hilo',))\nt.start(); t.join()",
    "import subprocess\nsubprocess.run(['echo', 'otro'], capture_output=True, text=True).stdout",
    "!echo consola",
    "import os, sys\n(os.path.basename(sys.argv[0]), __name__, In[1][:10], sys.stdin.isatty())",
    "import numpy as np\nnp.random.seed(3)\nnp.random.rand(3), np.random.default_rng(1).random()",
    "import random\nrandom.seed(3)\nrandom.random(), hash((1, 2.5))",
    "%%writefile a.py\nx = 3",
    "import a\na.x, sys.path[0]",
    "import warnings\nwarnings.warn('cuidado')",
    "assert [1, 2] == [1, 3], 'no son iguales'",
    # A library's frames, twice: the second time, what the first one showed is remembered.
    *["np.testing.assert_allclose([1.0, 2.0], [1.0, 3.0], err_msg='mal')"] * 2,
    "np.testing.assert_array_equal(np.arange(3), [0, 1, 3])",
    "import unittest\nunittest.TestCase().assertEqual(1, 2)",
    "import json\njson.loads('{')",
]
TORCH = [
    "import torch\ntorch.manual_seed(0)\ntorch.randn(3), torch.get_num_threads()",
    "a = torch.randn(300, 300)\nfloat((a @ a).abs().sum())",
    "x = torch.ones(3, requires_grad=True)\n(x * x).sum().backward()\nx.grad",
    "m = torch.nn.Linear(4, 2)\no = torch.optim.Adam(m.parameters())\n"
    "m(torch.ones(5, 4)).sum().backward()\no.step()\n[p.sum().item() for p in m.parameters()]",
    "d = torch.utils.data.TensorDataset(torch.arange(8.0))\n"
    "l = torch.utils.data.DataLoader(d, batch_size=4, num_workers=2)\n"
    "[b[0].tolist() for b in l]",
    "torch.testing.assert_close(torch.ones(2), torch.zeros(2))",
]


@pytest.mark.parametrize(
    ("cells", "imports"),
    [(OUTPUTS, ("numpy", "asyncio", "random")), (TORCH, ("torch",))],
    ids=["outputs", "torch"],
)
def test_the_same_outputs(cells, imports, tmp_path):
    fresh = comparable(plainly(notebook(*cells), tmp_path))
    forked = comparable(run(*cells, imports=imports))
    for source, expected, got in zip(cells, fresh, forked, strict=True):
        assert got == expected, source


def test_what_nobody_seeded_differs_each_time():
    code = (
        "import random, uuid, secrets, numpy, torch\n"
        "print(random.random(), numpy.random.rand(), float(torch.rand(1)), "
        "numpy.random.default_rng().random(), uuid.uuid4(), secrets.token_hex(4))"
    )
    first, second, third = (
        text(code, imports=("numpy", "torch", "random")).split() for _ in range(3)
    )
    for values in zip(first, second, third, strict=True):
        assert len(set(values)) == 3
