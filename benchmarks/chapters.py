"""The code of the book's chapters on one machine: `python -m benchmarks.chapters RESULT`.

Runs the downloaded notebooks of a built book unchanged, each in a fresh kernel, and then the
chapter's own measuring functions with 1 to 16 processes. Where there is a GPU, `cuda` and `cpu`
(with it hidden) are two runs of the same notebook. Adds a run to RESULT, which is a list of them,
as docs/benchmarks/chapters.json. Needs only nbclient, ipykernel and what
the chapters import, so that it runs on a node where the rest of Minga is not installed.
"""

import argparse
import json
import os
import platform
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[1] / "_build" / "book" / "es" / "notebooks"
CELL_SECONDS = 600
PROCESSES = (1, 2, 4, 8, 16)
# After a chapter: an expression in its own names, whose value is what it measures, in seconds but
# for (…µs). What has no entry only runs.
MEASURED = {
    "descenso-de-gradiente": (
        "{side**2: sorted(timed(landscape, side) for _ in range(3))[1] "
        "for side in (2, 20, 200, 1000)}"
    ),
    "principios-a-la-practica": (
        "{'loop µs': loop * 1e6, 'households': len(out), 'batch µs': "
        "sorted(timed(shortest, out) for _ in range(5))[2] / len(out) * 1e6}"
    ),
    "aprender-de-datos": "{n: sorted(sweep(n)[0] for _ in range(3))[1] for n in (1, 2, 3, 6)}",
    "escalamiento-fuerte": "{n: measure(n)[0] for n in PROCESSES}",
    "texto-como-datos": "{n: min(seconds(n) for _ in range(3)) for n in PROCESSES}",
    "tokenizadores": "{n: min(seconds(count, n) for _ in range(3)) for n in PROCESSES}",
    "equidad-medida": "{n: measure(n)[0] for n in PROCESSES}",
}
ON_A_GPU = ("aprender-de-datos", "descenso-de-gradiente", "principios-a-la-practica")
HELPERS = f"""
import json as _json, time as _time
PROCESSES = {PROCESSES}
def timed(function, *arguments):
    start = _time.perf_counter()
    function(*arguments)
    return _time.perf_counter() - start
"""
DEVICE = """
import os as _os, sys as _sys
_torch = _sys.modules.get("torch")
_used = _torch is not None and _torch.cuda.is_available() and _torch.cuda.max_memory_allocated()
print(_json.dumps({"cpu_seconds": sum(_os.times()[:4]), "cuda_bytes": int(_used or 0)}))
"""


def main() -> None:
    """Run every chapter on each device that it uses, and save what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("result", type=Path)
    asked = parser.parse_args()
    found = {"machine": machine(), "date": datetime.now(UTC).date().isoformat(), "chapters": {}}
    runs = json.loads(asked.result.read_text("utf-8")) if asked.result.exists() else []
    runs.append(found)
    has_gpu = found["machine"]["gpu"] is not None
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        for device in ("cuda", "cpu") if has_gpu and path.stem in ON_A_GPU else ("cpu",):
            result = run(path, device)
            print(path.stem, device, json.dumps(result), flush=True)
            found["chapters"].setdefault(path.stem, {})[device] = result
            asked.result.write_text(
                json.dumps(runs, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
            )


def run(path: Path, device: str) -> dict:
    """Run a notebook and return seconds, and bytes that it took on the GPU, and what it measures.

    Raises nbclient's errors where a cell fails.
    """
    nb = nbformat.read(path, as_version=4)
    nb.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    environment = os.environ | ({"CUDA_VISIBLE_DEVICES": ""} if device == "cpu" else {})
    measured = MEASURED.get(path.stem)
    with TemporaryDirectory() as folder:
        client = NotebookClient(nb, timeout=CELL_SECONDS, resources={"metadata": {"path": folder}})
        with client.setup_kernel(env=environment):
            start = time.perf_counter()
            for number, cell in enumerate(list(nb.cells)):
                client.execute_cell(cell, number)
            seconds = time.perf_counter() - start
            result = {"seconds": round(seconds, 2)} | _value(client, HELPERS + DEVICE)
            if measured:
                result["measured"] = _value(client, f"print(_json.dumps({measured}))")
    return result


def machine() -> dict:
    """Return the processor's cores and the GPU, and the versions that matter."""
    import numpy
    import torch

    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {
        "cores": os.cpu_count(),
        "processor": platform.processor() or platform.machine(),
        "gpu": gpu,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
    }


def _value(client: NotebookClient, code: str) -> dict:
    """Run code that prints JSON in the notebook's kernel, and return what it printed."""
    cell = nbformat.v4.new_code_cell(code)
    client.nb.cells.append(cell)
    client.execute_cell(cell, len(client.nb.cells) - 1)
    return json.loads("".join(o.text for o in cell.outputs if o.output_type == "stream"))


if __name__ == "__main__":
    main()
