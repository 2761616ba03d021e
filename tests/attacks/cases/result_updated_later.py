"""The result of the test with partial credit gets a display id; a thread updates it to the
highest score while a later cell runs.

Honest: No points: every answer is wrong.
"""

GOAL = "points"
CODE = r"""
import threading, time
kernel = get_ipython().kernel
def publish(kind, text):
    content = {"data": {"text/plain": text}, "metadata": {}, "execution_count": 2,
               "transient": {"display_id": "puntos"}}
    kernel.send_response(kernel.iopub_socket, kind, content)
def before(info):
    publish("execute_result", "0")
    threading.Timer(0.01, publish, ["update_display_data", "2"]).start()
def after(result):
    time.sleep(0.05)
    publish("update_display_data", "2")
get_ipython().events.register("pre_run_cell", before)
get_ipython().events.register("post_run_cell", after)
"""
