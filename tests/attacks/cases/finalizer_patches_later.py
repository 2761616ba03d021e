"""Nothing is patched until an object is collected, after the student's cells have run.

Honest: No points: every answer is wrong.
"""

GOAL = "points"
CODE = r"""
import weakref
shell = get_ipython()
class Later:
    def __del__(self):
        async def run_code(code_obj, result=None, *, async_=False):
            try:
                exec(code_obj, shell.user_global_ns)
            except BaseException:
                pass
            return False
        shell.run_code = run_code
later = Later()
weakref.finalize(later, lambda: None)
shell.events.register("pre_run_cell", lambda info: shell.user_ns.pop("later", None))
"""
