"""Send a course's grades to its learning platforms: `python -m hub_config.send_grades COURSE …`.

Minga must be running. Sent is what is graded to the end and whose feedback students have; what
was sent and did not change is not sent again, what failed is. For a timer, too. The log of all
attempts is the table lti_sent (docs/operators/lti.md).
"""

import argparse
import sys

from .course_account import run_program
from .deployment import DeploymentError, load
from .state import State


def main() -> int:
    """Run the command line; return the exit status of grading.platforms."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("course")
    parser.add_argument("assignments", nargs="*", help="only these")
    given = parser.parse_args()
    try:
        deployment = load()
    except DeploymentError as error:
        sys.exit(str(error))
    if given.course not in deployment.courses or not deployment.grades_url:
        known = ", ".join(deployment.courses) if deployment.grades_url else "method: lti13"
        sys.exit(f"{given.course}: no such course with a learning platform; allowed: {known}")
    state, account = State(deployment), deployment.courses[given.course].account
    root = state.courses / given.course
    # As the course's own account, like its formgrader, and with the same variables.
    environment = {
        "JUPYTERHUB_API_TOKEN": state.formgrader_tokens([given.course])[given.course],
        "MINGA_COURSE": given.course,
        "MINGA_COURSE_ROOT": str(root),
        "MINGA_EXCHANGE_URL": deployment.exchange_url,
        "MINGA_GRADES_URL": deployment.grades_url,
    }
    done = run_program("send_grades", given.assignments, account, root, environment)
    print(done.stdout, end="")
    print(done.stderr, end="", file=sys.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
