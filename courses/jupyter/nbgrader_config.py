"""nbgrader's configuration, found through JUPYTER_CONFIG_PATH; courses/nbgrader.py explains it."""

import os
import sys
from pathlib import Path

REPOSITORY = str(Path(__file__).resolve().parents[2])
if REPOSITORY not in sys.path:
    sys.path.append(REPOSITORY)

from courses.nbgrader import configure  # noqa: E402

configure(get_config(), os.environ)  # noqa: F821 (traitlets defines it)
