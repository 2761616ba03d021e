"""The public curriculum: Spanish sources, their translations, and one static site of both."""
