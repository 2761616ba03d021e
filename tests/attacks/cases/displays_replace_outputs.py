"""The outputs of the cell are taken back (clear_output) and comms are opened, closed and asked
for state after each test.

Honest: No points: every answer is wrong.
"""

GOAL = "points"
CODE = r"""
kernel = get_ipython().kernel
def after(result):
    for kind, content in (
        ("comm_open", {"comm_id": "a", "target_name": "jupyter.widget", "data": {"state": {}}}),
        ("comm_msg", {"comm_id": "a", "data": {"method": "update", "state": {"outputs": []}}}),
        ("clear_output", {"wait": False}),
    ):
        kernel.send_response(kernel.iopub_socket, kind, content)
    result.error_in_exec = result.error_before_exec = None
get_ipython().events.register("post_run_cell", after)
get_ipython()._showtraceback = lambda *a, **k: None
"""
