"""The service `transparency` of the hub: `python -m transparency` (MINGA_TRANSPARENCY is set).

python -m transparency          serve the page, and build it now and every hour
python -m transparency build    publish the months that are over, and write the page
"""

import argparse
import logging

from .settings import Settings


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m transparency", description=__doc__)
    parser.add_argument("what", nargs="?", choices=["serve", "build"], default="serve")
    what = parser.parse_args().what
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    settings = Settings.from_environment()
    # Each imports much that the other does not need; the server stays small.
    if what == "build":
        from .build import build

        build(settings)
    else:
        from .serve import run

        run(settings)


if __name__ == "__main__":
    main()
