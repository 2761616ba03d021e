"""One source language, many translations: documents become gettext messages and come back."""
