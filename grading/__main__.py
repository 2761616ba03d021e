"""`python -m grading autograde COURSE_FOLDER ASSIGNMENT`: grade all that changed, many at once.

The same as `nbgrader autograde ASSIGNMENT` in the course's folder, with a bar, and without its
line for each file.
"""

import argparse
import logging
import os
import sys
from itertools import islice
from pathlib import Path

from traitlets.config import Config

from courses import nbgrader

from . import processes

WORDS = {
    "no course": "No hay un curso en {root}: falta la carpeta source. / "
    "There is no course in {root}: it has no folder `source`.",
    "stopped": "Interrumpido. Lo que se calificó queda; la misma orden sigue con el resto. / "
    "Interrupted. What was graded stays; the same command goes on with the rest.",
    "failed": "Algunas entregas no se calificaron: arriba dice por qué. La misma orden las "
    "intenta de nuevo. / Some submissions were not graded: the reasons are above. The same "
    "command tries them again.",
}


def main(arguments: list[str] | None = None) -> int:
    """Grade; return 1 if some submissions could not be graded, 130 if it was interrupted."""
    parser = argparse.ArgumentParser(prog="python -m grading", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(required=True)
    grade = commands.add_parser("autograde", help="califica / grade an assignment")
    grade.add_argument("root", type=Path, help="carpeta del curso / the course's folder")
    grade.add_argument("assignment", help="tarea / assignment")
    grade.add_argument("--course", help="nombre del curso / its name (la carpeta / the folder's)")
    grade.add_argument("--student", default="*", help="solo una persona / one person's only")
    grade.add_argument(
        "--force", action="store_true", help="también lo que no cambió / also what did not change"
    )
    grade.add_argument(
        "--workers",
        type=int,
        default=0,
        metavar="N",
        help="entregas a la vez / submissions at a time (0: núcleos / cores)",
    )
    grade.add_argument(
        "--slurm",
        action="store_true",
        help="como arreglo de trabajos de Slurm / as a Slurm job array",
    )
    grade.add_argument(
        "--sbatch",
        action="append",
        default=[],
        metavar="OPTION",
        help="--sbatch=--partition=cpu: opción de sbatch / an option of sbatch",
    )
    grade.add_argument(
        "--chunk",
        type=int,
        default=10,
        metavar="N",
        help="entregas por tarea del arreglo / submissions a task of the array",
    )
    options = parser.parse_args(arguments)
    root = options.root.absolute()
    if not (root / "source").is_dir():
        print(WORDS["no course"].format(root=root), file=sys.stderr)
        return 2
    if not options.slurm:
        options.workers = options.workers or len(os.sched_getaffinity(0))
        if _has_many(root, options.assignment):
            processes.start_ahead(options.workers)
    os.environ.setdefault("MINGA_COURSE", options.course or root.name)
    os.environ["MINGA_COURSE_ROOT"] = str(root)
    ours = str(Path(nbgrader.__file__).with_name("jupyter"))
    found = os.environ.get("JUPYTER_CONFIG_PATH", "").split(os.pathsep)
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, [ours, *found]))
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    os.chdir(root)
    config = Config()
    config.CourseDirectory.student_id = options.student
    exporter = config.GradingExporter
    exporter.workers, exporter.chunk = options.workers, options.chunk
    exporter.slurm, exporter.sbatch = options.slurm, options.sbatch
    exporter.progress = True
    if options.force:
        config.BaseConverter.force = True
    from nbgrader.apps import AutogradeApp  # here: it takes seconds, in which the workers start

    app = AutogradeApp(config=config, log_level=logging.WARNING)
    try:
        app.initialize([options.assignment])
        app.start()
    except KeyboardInterrupt:
        print(WORDS["stopped"], file=sys.stderr)
        return 130
    except SystemExit as end:
        if end.code:
            print(WORDS["failed"], file=sys.stderr)
        return int(bool(end.code))
    return 0


def _has_many(root: Path, assignment: str) -> bool:
    """Return whether it looks as if more than one submission will be graded."""
    return len(list(islice((root / "submitted").glob(f"*/{assignment}"), 2))) > 1


if __name__ == "__main__":
    sys.exit(main())
