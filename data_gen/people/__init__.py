"""Invented people: pools of names and values, attributes, and worlds sampled from them."""
