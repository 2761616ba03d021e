"""Where an OpenID provider's endpoints are: asked at each start, remembered for the next one."""

import json
import urllib.error
import urllib.request

from deploy.terminal import say

from .deployment import Deployment, DeploymentError, chosen_file
from .institutions import Oidc, is_private
from .state import State

ENDPOINTS = {
    "authorize_url": "authorization_endpoint",
    "token_url": "token_endpoint",
    "userdata_url": "userinfo_endpoint",
}
SECONDS = 10
LARGEST = 1_000_000  # bytes


class Unreachable(Exception):
    """The provider did not answer."""


def configuration_url(settings: Oidc) -> str:
    """Return where the provider describes itself (OpenID Connect Discovery 1.0)."""
    return settings.issuer.rstrip("/") + "/.well-known/openid-configuration"


def prepare(deployment: Deployment, state: State) -> None:
    """Keep the provider's endpoints in the state folder, for the hub's configuration.

    Raises DeploymentError if the provider cannot be used, or does not answer and never did: a
    hub whose provider is away starts all the same, for those who are logged in.
    """
    settings = deployment.authentication
    if settings.method != "oidc":
        return
    try:
        state.write("openid", discover(settings))
    except Unreachable as error:
        if state.read("openid").get("issuer") != settings.issuer:
            raise DeploymentError(
                f"{chosen_file()}: authentication.issuer: {configuration_url(settings)} does not "
                f"answer: {error}; allowed: the issuer of an OpenID provider, as it writes it"
            ) from error
        say(
            f"El proveedor OpenID no responde ({error}); nadie puede ingresar hasta que vuelva.",
            f"The OpenID provider does not answer ({error}); nobody can log in until it does.",
        )


def discover(settings: Oidc) -> dict:
    """Return the provider's endpoints, by the names that oauthenticator gives them.

    Raises Unreachable if it does not answer, DeploymentError if it cannot serve for a login.
    """
    url = configuration_url(settings)
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:  # noqa: S310 (is_private)
            found = json.loads(answer.read(LARGEST))
    except urllib.error.HTTPError as error:
        raise Unreachable(f"HTTP {error.code}") from error
    except OSError as error:
        raise Unreachable(str(getattr(error, "reason", error))) from error
    except ValueError:
        found = None
    where = f"{chosen_file()}: authentication.issuer: {url}"
    if not isinstance(found, dict):
        raise DeploymentError(f"{where} is no description of an OpenID provider")
    if found.get("issuer") != settings.issuer:
        raise DeploymentError(
            f"{where} is of another issuer; allowed: exactly {found.get('issuer')!r}"
        )
    for endpoint in ENDPOINTS.values():
        if not is_private(str(found.get(endpoint, ""))):
            raise DeploymentError(f"{where}: {endpoint} must be there, and https://")
    # The default is the standard's. A secret in the body needs no escapes, one in the header does.
    methods = found.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    if not {"client_secret_post", "client_secret_basic"} & set(methods):
        raise DeploymentError(
            f"{where}: the provider takes no client secret, only {', '.join(methods)}; "
            "allowed: client_secret_post, client_secret_basic"
        )
    return {
        "issuer": settings.issuer,
        "basic_auth": "client_secret_post" not in methods,
        **{name: found[endpoint] for name, endpoint in ENDPOINTS.items()},
    }
