"""Plausible wrong solutions and alternative right ones: `courses/<course>/mutants/<unit>.yaml`.

A part's name is that of its solution cell:

    modelo:
      mutants:                          # at least 3; each loses exactly this part's points
        - what: sum, not mean
          right: np.mean((predict       # text in the right solution …
          wrong: np.sum((predict        # … and what it becomes
        - what: hard-coded answer
          source: |                     # or: the whole cell
            def predict(w, b, x): …
      alternatives:                     # at least 1; other right styles, which keep all points
        - what: with a loop
          source: |
            def predict(w, b, x): …
"""

import ast
from pathlib import Path

from pydantic import ConfigDict, Field, RootModel, model_validator

from .models import COURSES, CourseError, Text, _Model, read_yaml


class Variant(_Model):
    """Another content of a solution cell: a replacement in the author's, or the whole cell."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    what: Text
    right: Text | None = None
    wrong: str | None = None
    source: Text | None = None

    @model_validator(mode="after")
    def _one_way(self):
        if (self.source is None) != (self.right is not None and self.wrong is not None):
            raise ValueError("needs either source, or both right and wrong")
        return self

    def applied(self, solution: str) -> str:
        """Return the cell with this variant in it.

        Raises ValueError when it changes nothing, or is no Python.
        """
        if self.source is not None:
            changed = self.source
        elif self.right not in solution:
            raise ValueError(f"the solution has no {self.right!r}")
        else:
            changed = solution.replace(self.right, self.wrong)
        try:
            tree = ast.dump(ast.parse(changed))
        except SyntaxError as error:
            raise ValueError(f"is no Python: {error}") from None
        if tree == ast.dump(ast.parse(solution)):
            raise ValueError("is the author's own solution")
        return changed


class Part(_Model):
    """What is known of one part's answers."""

    mutants: list[Variant] = Field(min_length=3)
    alternatives: list[Variant] = Field(min_length=1)

    @model_validator(mode="after")
    def _names(self):
        for kind in ("mutants", "alternatives"):
            names = [variant.what for variant in getattr(self, kind)]
            for name in names:
                if names.count(name) > 1:
                    raise ValueError(f"{kind}: «{name}» is there twice")
        return self


class _File(RootModel[dict[str, Part]]):
    pass


def mutants_file(course: str, assignment: str, root: Path = COURSES) -> Path:
    """Return where an assignment's mutants are."""
    return root / course / "mutants" / f"{assignment}.yaml"


def load_mutants(course: str, assignment: str, root: Path = COURSES) -> dict[str, Part]:
    """Read and check an assignment's mutants, by part. Raises CourseError."""
    path = mutants_file(course, assignment, root)
    if not path.is_file():
        raise CourseError(f"{path}: there is no such file; each part needs its mutants")
    return read_yaml(path, _File).root
