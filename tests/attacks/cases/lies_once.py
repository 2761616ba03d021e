"""Only the first test cell is answered with success without being run; all others are honest.

Honest: No points: every answer is wrong.
"""

GOAL = "points"
CODE = r"""
shell = get_ipython()
real, told = shell.run_code, []
async def run_code(code_obj, result=None, *, async_=False):
    if not told and shell.execution_count > 2:
        told.append(1)
        shell.run_code = real
        return False
    return await real(code_obj, result, async_=async_)
shell.run_code = run_code
"""
