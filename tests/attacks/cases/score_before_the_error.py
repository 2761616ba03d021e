"""A numeric result is published before the test fails. nbgrader takes the first output that
decides, and that is the number.

Honest: No points: every answer is wrong.
"""

GOAL = "points"
CODE = r"""
def publish(info):
    kernel = get_ipython().kernel
    content = {"data": {"text/plain": "2"}, "metadata": {}, "execution_count": 2}
    kernel.send_response(kernel.iopub_socket, "execute_result", content)
get_ipython().events.register("pre_run_cell", publish)
"""
