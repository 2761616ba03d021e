"""A process that outlives the notebook writes into the autograded notebook, which the
instructor reads.

Honest: The file or variable is not there.
"""

GOAL = "read"
SETTLE = 3
CODE = r'''
import subprocess, sys
later = """
import os, time
path = COURSE + '/autograded/malo/tarea/tarea.ipynb'
for _ in range(40):
    time.sleep(0.1)
    if os.path.exists(path):
        try:
            text = open(path).read()
            os.remove(path)
            open(path, 'w').write(text + '-'.join(['secreto', 'reescrito', '5521']))
        except OSError:
            pass
"""
later = "COURSE = " + repr(@COURSE@) + chr(10) + later
subprocess.Popen([sys.executable, "-c", later], start_new_session=True)
'''
