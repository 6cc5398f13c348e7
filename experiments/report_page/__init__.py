"""The report page: what it shows (figures, runs, people), and its template, style and script."""
