"""The page that a student gets back: nbgrader's, with its words in the student's language.

c.GenerateFeedback.exporter_class = "grading.feedback.FeedbackExporter"
"""

from nbconvert.exporters import HTMLExporter


class FeedbackExporter(HTMLExporter):
    """HTMLExporter with a section of its own: HTMLExporter's is formgrader's pages' too."""
