"""Who you are: accounts for a try-out, the machine's own (PAM), an institution's (OIDC, LTI)."""

import hmac

from jupyterhub.auth import Authenticator
from traitlets import Dict

from .deployment import Deployment
from .state import State


class TryoutAuthenticator(Authenticator):
    """A few local names, each with a password of its own that was made at the first start."""

    passwords = Dict(help="name -> password").tag(config=True)

    async def authenticate(self, handler, data):
        """Return the name if its password is right, None otherwise."""
        expected = self.passwords.get(data["username"], "")
        given = data["password"]
        # Compared also for unknown names, so that the answer takes as long.
        right = hmac.compare_digest(expected.encode(), given.encode())
        return data["username"] if expected and right else None


def configure(c, deployment: Deployment, state: State) -> None:
    """Tell the hub who may log in."""
    method = deployment.authentication
    if method.method == "tryout":
        people = method.people
        c.JupyterHub.authenticator_class = TryoutAuthenticator
        c.TryoutAuthenticator.passwords = state.passwords(list(people))
        c.Authenticator.allowed_users = set(people)
        c.Authenticator.admin_users = {name for name, person in people.items() if person.admin}
    else:
        if method.method == "oidc":
            from . import institutional_login  # takes a while to import

            institutional_login.configure(c, deployment, state)
        elif method.method == "lti13":
            from . import lti_login  # as that one

            lti_login.configure(c, deployment, state)
        else:
            c.JupyterHub.authenticator_class = "pam"
        c.Authenticator.admin_users = set(method.admins)
        c.Authenticator.allowed_users = {
            person
            for course in deployment.courses.values()
            for person in (*course.instructors, *course.students)
        } | set(method.admins)
