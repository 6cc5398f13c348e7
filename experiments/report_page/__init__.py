"""The contents of the report page (figures, runs, people), and its template, style and script."""
