"""A process that outlives the notebook waits for the grade and writes the highest one into the
gradebook.

Honest: No points: every answer is wrong.
"""

GOAL = "points"
SETTLE = 3
CODE = r'''
import subprocess, sys
later = """
import sqlite3, time
for _ in range(50):
    time.sleep(0.1)
    db = sqlite3.connect(COURSE + '/gradebook.db', timeout=1)
    try:
        db.execute("update grade set auto_score = 4 where auto_score = 0")
        db.commit()
    except sqlite3.Error:
        pass
    db.close()
"""
later = "COURSE = " + repr(@COURSE@) + chr(10) + later
subprocess.Popen([sys.executable, "-c", later], start_new_session=True)
'''
