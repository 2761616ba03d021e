"""nbgrader's check of its metadata, which takes its schema for right once, not for each cell.

c.Autograde.sanitize_preprocessors = […, "grading.metadata.CheckMetadata"]  # for CheckCellMetadata
"""

import functools

from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from nbformat import NotebookNode
from nbgrader.nbgraderformat import MetadataValidator
from nbgrader.preprocessors import CheckCellMetadata


class CheckMetadata(CheckCellMetadata):
    """Refuse what CheckCellMetadata refuses, in its words."""

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Return the notebook; raises ValidationError, SchemaMismatchError."""
        found = [cell.metadata.nbgrader for cell in nb.cells if "nbgrader" in cell.metadata]
        if all(_is_right(metadata) for metadata in found):
            return nb, resources
        return super().preprocess(nb, resources)


def _is_right(metadata: dict) -> bool:
    version = MetadataValidator.schema_version
    return metadata.get("schema_version", 0) == version and _validator().is_valid(metadata)


@functools.cache
def _validator() -> Validator:
    schema = MetadataValidator().schema
    return validator_for(schema)(schema)
