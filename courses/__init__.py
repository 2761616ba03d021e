"""What is taught and graded: one folder a course, and how its assignments reach the students."""

from translation.languages import SOURCE as SOURCE_LANGUAGE  # what courses are written in

__all__ = ["SOURCE_LANGUAGE"]
