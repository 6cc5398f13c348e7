"""Probes: a module each, from a checkpoint and questions to per-item rows."""
