"""Which languages there are: the source, and those that the deployment offers."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

SOURCE = "es"  # what everything is written in; all else is translated
PSEUDO = "qps"  # accented letters in place of a translation, to see what cannot be translated
DEFAULT = (SOURCE, "en")
CODE = re.compile(r"[a-z]{2,3}")  # ISO 639
DEPLOYMENT = Path(__file__).parent.parent / "hub_config" / "deployments" / "local.yaml"


def offered(deployment: Path | str | None = None) -> tuple[str, ...]:
    """Return `languages` of a deployment file (default: MINGA_DEPLOYMENT, or local.yaml).

    The first is what somebody gets who asks for none. A file that is wrong gives the default:
    hub_config.deployment says what is wrong with it.
    """
    import yaml  # not where only `SOURCE` is wanted, nor before anything is installed

    path = Path(deployment or os.environ.get("MINGA_DEPLOYMENT") or DEPLOYMENT)
    try:
        codes = yaml.safe_load(path.read_text(encoding="utf-8"))["languages"]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError, KeyError):
        return DEFAULT
    known = [str(c) for c in codes if CODE.fullmatch(str(c))] if isinstance(codes, list) else []
    return tuple(known) or DEFAULT


def targets(deployment: Path | str | None = None) -> tuple[str, ...]:
    """Return the languages that are translated into."""
    return tuple(code for code in offered(deployment) if code != SOURCE)


def negotiate(accepted: str | None, languages: Sequence[str]) -> str:
    """Return which of `languages` somebody gets whose browser asks for `accepted`.

    `accepted` is an Accept-Language header, which may be missing or nonsense.
    """
    for language in _by_preference(accepted or ""):
        if language in languages:
            return language
    return SOURCE if SOURCE in languages else languages[0]


def _by_preference(accepted: str) -> list[str]:
    """Return primary language subtags of an Accept-Language header, the most wanted first."""
    wanted = []
    for part in accepted.split(","):
        tag, _, parameters = part.partition(";")
        name, _, value = parameters.strip().partition("=")
        try:
            quality = float(value) if name.strip() == "q" else 1.0
        except ValueError:
            quality = 0.0
        if tag.strip() and quality > 0:
            wanted.append((-quality, len(wanted), tag.strip().lower().split("-")[0]))
    return [tag for _, _, tag in sorted(wanted)]


def name(code: str) -> str:
    """Return a language's own name ("Español"); its code where nobody knows the name."""
    from babel import Locale, UnknownLocaleError

    try:
        own = Locale.parse(code).get_display_name(code)
    except (UnknownLocaleError, ValueError):
        return "Ṗšëûďö" if code == PSEUDO else code
    return own[:1].upper() + own[1:]


def locale(code: str) -> str:
    """Return the code where dates and plurals are known in it, else the source's."""
    from babel import Locale, UnknownLocaleError

    try:
        return str(Locale.parse(code))
    except (UnknownLocaleError, ValueError):
        return SOURCE


def plural_forms(code: str) -> str:
    """Return the value of a catalog's `Plural-Forms`."""
    from babel.messages.plurals import get_plural

    known = get_plural(code).plural_forms if locale(code) == code else "nplurals=2; plural=(n != 1)"
    return known.rstrip(";") + ";"
