"""How work travels between students and instructors: nbgrader's exchange, in each language."""
