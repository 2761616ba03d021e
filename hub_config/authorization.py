"""What you may do: groups, roles, courses.

The group `nbgrader-<course>` are the course's students, `formgrade-<course>` its instructors;
nbgrader's JupyterHubAuthPlugin knows them by these names. `institution-<name>` are the people of
an institution (method: oidc), with its country and titles as properties; it gives no rights.
"""

from .deployment import Deployment
from .state import State

EXCHANGE = "access:services!service=exchange"
STUDENTS = "nbgrader-"
INSTRUCTORS = "formgrade-"
INSTITUTIONS = "institution-"


def courses_of(groups: list[str]) -> set[str]:
    """Return the courses that somebody in these hub groups takes part in."""
    return {
        group.removeprefix(prefix)
        for prefix in (STUDENTS, INSTRUCTORS)
        for group in groups
        if group.startswith(prefix)
    }


def configure(c, deployment: Deployment, state: State) -> None:
    """Tell the hub the groups of each course, and what each kind of person may do."""
    groups, roles = {}, []
    for name, institution in deployment.all_institutions.items():
        properties = {"country": institution.country, "title": institution.title}
        groups[INSTITUTIONS + name] = {"properties": properties}  # who is in: institutional_login
    for name, course in deployment.courses.items():
        groups[INSTRUCTORS + name] = {"users": course.instructors}
        groups[STUDENTS + name] = {"users": course.students}
        see = [f"list:services!service={name}", f"read:services!service={name}"]
        roles += [
            {
                "name": f"{INSTRUCTORS}{name}",
                "description": f"Opens the formgrader of {name}",
                "groups": [INSTRUCTORS + name],
                "scopes": [f"access:services!service={name}", EXCHANGE, *see],
            },
            {
                "name": f"{STUDENTS}{name}",
                "groups": [STUDENTS + name],
                "description": f"Takes part in {name}",
                "scopes": [EXCHANGE, *see],
            },
            {
                "name": f"formgrader-{name}",
                "services": [name],
                "description": f"Releases, collects and gives feedback in {name}",
                "scopes": [EXCHANGE],
            },
        ]
    roles.append(
        {
            # A session may ask the hub which courses its own person is in, and use the exchange
            # as that person; nothing of others.
            "name": "server",
            "scopes": [
                "users:activity!user",
                "access:servers!server",
                "read:users!user",
                EXCHANGE,
            ],
        }
    )
    c.JupyterHub.load_groups = groups
    c.JupyterHub.load_roles = roles
