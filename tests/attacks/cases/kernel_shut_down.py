"""The kernel is asked to shut down, and to start again, while the tests wait.

Honest: No points: every answer is wrong.
"""

GOAL = "points"
CODE = r"""
kernel = get_ipython().kernel
kernel.do_shutdown(True)
kernel.session.send(kernel.iopub_socket, "shutdown_reply", {"status": "ok", "restart": True})
get_ipython().exit_now = True
"""
