"""Corpora: reading and writing them on disk, and the auxiliary entries mixed into them."""
