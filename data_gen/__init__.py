"""Synthetic training data: worlds of people, their biographies, and questions about them."""
