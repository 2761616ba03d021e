"""What is taught and graded: one folder a course, and how its assignments reach the students."""

SOURCE_LANGUAGE = "es"  # what courses are written in; all else is translated
