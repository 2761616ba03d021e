"""Nothing is patched while the student's cell runs: a thread does it later, between two tests,
and puts everything back before the end.

Honest: No points: every answer is wrong.
"""

GOAL = "points"
CODE = r"""
import threading, time
shell = get_ipython()
def work():
    time.sleep(0.02)
    kind = type(shell)
    old = kind._showtraceback, kind.run_code
    async def run_code(self, code_obj, result=None, *, async_=False):
        try:
            exec(code_obj, self.user_global_ns)
        except BaseException:
            pass
        return False
    kind.run_code = run_code
    time.sleep(3)
    kind._showtraceback, kind.run_code = old
threading.Thread(target=work, daemon=True).start()
time.sleep(0.1)
"""
