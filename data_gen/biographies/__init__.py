"""Biographies: sentence templates, the sampling of recipes, and their rendering as text."""
