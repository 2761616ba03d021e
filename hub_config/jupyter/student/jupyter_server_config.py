"""What only Python can say: where our own extensions are, wherever the checkout is."""

import sys
from pathlib import Path

SESSION_TIME = Path(__file__).resolve().parents[1] / "session_time"
if str(SESSION_TIME) not in sys.path:
    sys.path.append(str(SESSION_TIME))  # minga_session_time, enabled in jupyter_server_config.d

# JupyterLab and Notebook 7 both find our part of the page there.
get_config().LabServerApp.extra_labextensions_path = [  # noqa: F821 (traitlets defines it)
    str(SESSION_TIME / "labextensions")
]
