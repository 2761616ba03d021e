"""`python -m grading autograde COURSE_FOLDER ASSIGNMENT`: grade all that changed, many at once.

The same as `nbgrader autograde ASSIGNMENT` in the course's folder, with a bar, and without its
line for each file.
"""

import argparse
import gc
import logging
import os
import sys
from itertools import islice
from pathlib import Path

from traitlets.config import Config

from courses import nbgrader
from translation.sentences import in_all as _

from .imports import imports_in
from .kernels_zygote import start_aside


def main(arguments: list[str] | None = None) -> int:
    """Grade; return 1 if some submissions could not be graded, 130 if it was interrupted."""
    parser = argparse.ArgumentParser(prog="python -m grading", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(required=True)
    grade = commands.add_parser("autograde", help=_("califica una tarea"))
    grade.add_argument("root", type=Path, help=_("carpeta del curso"))
    grade.add_argument("assignment", help=_("tarea"))
    grade.add_argument("--course", help=_("nombre del curso (si falta, el de la carpeta)"))
    grade.add_argument("--student", default="*", help=_("solo una persona"))
    grade.add_argument("--force", action="store_true", help=_("también lo que no cambió"))
    grade.add_argument(
        "--workers",
        type=int,
        default=0,
        metavar="N",
        help=_("entregas a la vez (0: núcleos)"),
    )
    grade.add_argument(
        "--slurm",
        action="store_true",
        help=_("como arreglo de trabajos de Slurm"),
    )
    grade.add_argument(
        "--sbatch",
        action="append",
        default=[],
        metavar="OPTION",
        help=_("opción de sbatch, como --sbatch=--partition=cpu"),
    )
    grade.add_argument(
        "--chunk",
        type=int,
        default=10,
        metavar="N",
        help=_("entregas por tarea del arreglo"),
    )
    options = parser.parse_args(arguments)
    root = options.root.absolute()
    if not (root / "source").is_dir():
        text = _("No hay un curso en {root}: falta la carpeta source.", root=root)
        print(text, file=sys.stderr)
        return 2
    os.environ.setdefault("MINGA_COURSE", options.course or root.name)
    os.environ["MINGA_COURSE_ROOT"] = str(root)
    ours = str(Path(nbgrader.__file__).with_name("jupyter"))
    found = os.environ.get("JUPYTER_CONFIG_PATH", "").split(os.pathsep)
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, [ours, *found]))
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    aside = None
    if not options.slurm:
        options.workers = options.workers or len(os.sched_getaffinity(0))
        if _has_many(root, options.assignment):
            aside = start_aside(imports_in(root / "source" / options.assignment))
    os.chdir(root)
    config = Config()
    config.CourseDirectory.student_id = options.student
    exporter = config.GradingExporter
    exporter.workers, exporter.chunk = options.workers, options.chunk
    exporter.slurm, exporter.sbatch = options.slurm, options.sbatch
    exporter.progress = True
    if options.force:
        config.BaseConverter.force = True
    # Here: importing takes seconds, as in the process that was started aside.
    from nbgrader.apps import AutogradeApp

    if aside:
        from . import execute, workers  # noqa: F401

        aside.join()
        # What was imported stays: neither this process nor its workers look through it again.
        gc.freeze()
        gc.set_threshold(100_000, 50, 100)
        workers.fork_ahead(options.workers)
    app = AutogradeApp(config=config, log_level=logging.WARNING)
    try:
        app.initialize([options.assignment])
        app.start()
    except KeyboardInterrupt:
        text = _("Interrumpido. Lo que se calificó queda; la misma orden sigue con el resto.")
        print(text, file=sys.stderr)
        return 130
    except SystemExit as end:
        if end.code:
            text = _(
                "Algunas entregas no se calificaron: arriba dice por qué. La misma orden las "
                "intenta de nuevo."
            )
            print(text, file=sys.stderr)
        return int(bool(end.code))
    return 0


def _has_many(root: Path, assignment: str) -> bool:
    """Return whether it looks as if more than one submission will be graded."""
    return len(list(islice((root / "submitted").glob(f"*/{assignment}"), 2))) > 1


if __name__ == "__main__":
    sys.exit(main())
