"""What only Python can say: where our own extensions are, wherever the checkout is."""

import sys
from pathlib import Path

JUPYTER = Path(__file__).resolve().parents[1]
SESSION_TIME = JUPYTER / "session_time"
REPOSITORY = JUPYTER.parents[1]
# minga_session_time, minga_later and minga_open, enabled in jupyter_server_config.d; and what
# minga_open says comes from the catalogs.
for folder in map(str, (SESSION_TIME, JUPYTER / "later", JUPYTER / "open", REPOSITORY)):
    if folder not in sys.path:
        sys.path.append(folder)

# JupyterLab and Notebook 7 both find our part of the page there.
get_config().LabServerApp.extra_labextensions_path = [  # noqa: F821 (traitlets defines it)
    str(SESSION_TIME / "labextensions")
]
