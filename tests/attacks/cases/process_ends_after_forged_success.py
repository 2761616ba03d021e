"""A success is sent for the test that is about to run, then os._exit: whoever takes the end of
the process for the end of the notebook believes it.

Honest: No points: every answer is wrong.
"""

GOAL = "points"
CODE = r"""
import os, time
def lie(info):
    kernel = get_ipython().kernel
    good = {"status": "ok", "execution_count": 2, "payload": [], "user_expressions": {}}
    kernel.session.send(kernel.shell_socket, "execute_reply", good, kernel.get_parent("shell"),
                        ident=kernel._parent_ident["shell"])
    kernel.send_response(kernel.iopub_socket, "status", {"execution_state": "idle"})
    time.sleep(0.2)
    os._exit(0)
get_ipython().events.register("pre_run_cell", lie)
"""
